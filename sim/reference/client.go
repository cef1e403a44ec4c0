package reference

import (
	"context"
	"io/fs"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

// A Client is the built-in subject of the suite's cases for clients: a
// scamp.Requester in the world that a case makes. Requester may be changed
// before the first call.
type Client struct {
	Requester *scamp.Requester
	Cache     *discovery.Cache // where the Requester's directory comes from

	broken error // the configuration makes no sense
	stop   context.CancelFunc
	wg     sync.WaitGroup
}

// reload is how often the cache is looked at.
const reload = time.Second

// NewClient reads the configuration of a world and makes a client of it. A
// configuration that makes no sense fails every call.
func NewClient(w calling.World) *Client {
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		Requester: &scamp.Requester{Dial: w.Dial},
		Cache:     &discovery.Cache{FS: w.Files},
		stop:      stop,
	}
	if c.broken = c.configure(w.Files); c.broken != nil {
		return c
	}
	c.Cache.Reload()
	c.wg.Go(func() { c.Cache.Watch(ctx, reload) })
	return c
}

// configure does what scamp.OpenConfig does with the files of the process.
func (c *Client) configure(files fs.FS) error {
	text, err := fs.ReadFile(files, calling.Config)
	if err != nil {
		return err
	}
	conf, err := soaconf.Parse(calling.Config, text)
	if err != nil {
		return err
	}
	set := func(into *time.Duration, read func() (time.Duration, error)) {
		if d, wrong := read(); wrong != nil && err == nil {
			err = wrong
		} else {
			*into = d
		}
	}
	q := c.Requester
	set(&q.Config.CallTimeout, conf.RPCTimeout)
	set(&q.Config.IdleTimeout, conf.ClientTimeout)
	set(&c.Cache.MaxAge, conf.CacheMaxAge)
	if err != nil {
		return err
	}
	if q.Config.Window, err = conf.MaxInflight(); err != nil {
		return err
	}
	c.Cache.Path = calling.Cache
	q.Directory, q.Fresh = &c.Cache.Directory, c.Cache.Check
	q.Authorized = (&discovery.AuthorizedFile{Path: calling.Authorized, FS: files}).Current
	q.Sector = conf.DefaultSector()
	return nil
}

// Call makes a call.
func (c *Client) Call(ctx context.Context, ask calling.Call) calling.Outcome {
	if c.broken != nil {
		return failure(c.broken)
	}
	if ask.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ask.Timeout)
		defer cancel()
	}
	r := scamp.NewRequest(ask.Action, ask.Body)
	r.Sector, r.Version, r.Envelope = ask.Sector, ask.Version, ask.Envelope
	r.Ident, r.Ticket = ask.Ident, ask.Ticket
	reply, err := c.Requester.Call(ctx, r)
	if err != nil {
		return failure(err)
	}
	body, err := reply.ReadAll(0)
	if err != nil {
		return failure(err)
	}
	return calling.Outcome{Body: body}
}

func failure(err error) calling.Outcome {
	f := scamp.Failure(err)
	return calling.Outcome{Failed: true, Code: f.Code, Text: f.Message, Data: f.Data}
}

// Close ends the client at once.
func (c *Client) Close() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	c.Requester.Close(ended) // the error says that calls were outstanding
	c.stop()
	c.wg.Wait()
}
