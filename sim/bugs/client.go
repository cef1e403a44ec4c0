package bugs

import (
	"context"
	"io/fs"
	"net"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// A Client is one wrong client: the built-in requester with one mistake.
type Client struct {
	Name  string // what it does, in kebab case
	Rule  string // the rule it breaks
	Title string // what it does, in words

	// wrap is called once per connection and returns its filters. They stand above TLS.
	wrap func(w *server) interpose.Config
	// configure changes what connections are made with.
	configure func(cfg *scamp.Config)
	// way changes how connections are made.
	way way
	// change changes the requester before it is used.
	change func(c *reference.Client, w calling.World)
	// around stands between the application and the client.
	around func(c calling.Client, w calling.World) calling.Client
	// reads says which records of the discovery cache it can read.
	reads func(record []byte) bool
	// files stands between the client and its files.
	files func(files fs.FS) fs.FS
}

// Clients returns all wrong clients, in the order of their rules.
func Clients() []Client {
	var all []Client
	for _, group := range [][]Client{
		shared(frame), clientFrame, shared(msg), clientMsg, shared(hdr), clientHdr, shared(flow), clientFlow, clientRPC, clientErr,
		clientTime, clientTLS, clientConn, clientSvc, clientEnv, clientEvents, shared(safe), clientSafe, clientCache, clientAuthorized, clientRoute,
	} {
		all = append(all, group...)
	}
	return all
}

// LookupClient returns the wrong client of this name.
func LookupClient(name string) (Client, bool) {
	for _, c := range Clients() {
		if c.Name == name {
			return c, true
		}
	}
	return Client{}, false
}

// serverOnly are the wrong servers whose mistakes mean nothing in a client, or that no client can make.
var serverOnly = map[string]bool{
	"answers-after-fatal": true, "never-ends-error-replies": true, "closes-on-null": true, "takes-null-for-text": true,
	"says-response": true, "closes-on-untyped": true, "executes-any-type": true, "executes-odd-types": true,
	"needs-a-version": true, "closes-on-string-version": true, "closes-on-odd-versions": true, "ignores-odd-versions": true,
	"needs-an-envelope": true, "silent-on-unknown-envelope": true, "turns-ids-into-numbers": true,
	"reply-id-counts-sends": true, "closes-on-string-ids": true, "invents-ids": true, "needs-integer-client-id": true,
	"closes-on-odd-client-id": true, "needs-a-terminal-once-given": true, "success-with-error": true,
	"repairs-utf8": true, "silent-on-odd-ticket": true, "silent-on-odd-action": true, "dies-on-early-close": true,
}

// shared makes wrong clients of wrong servers whose mistakes a client can make, too.
func shared(servers []Server) (clients []Client) {
	for _, s := range servers {
		if !serverOnly[s.Name] {
			clients = append(clients, Client{Name: s.Name, Rule: s.Rule, Title: s.Title, wrap: s.wrap, configure: s.configure})
		}
	}
	return clients
}

// PacketClients returns the wrong clients whose mistake is in the packets of their
// connections and nowhere else: those that Around can make of any requester.
func PacketClients() []Client {
	return slices.DeleteFunc(Clients(), func(b Client) bool {
		return b.wrap == nil || b.configure != nil || b.way != (way{}) || b.change != nil || b.around != nil || b.reads != nil || b.files != nil
	})
}

// Around begins a process with the mistake of one of PacketClients: what it returns
// makes a connection of the process, above TLS, of one that is right.
func (b Client) Around() func(nc net.Conn) net.Conn {
	process := &server{open: map[*interpose.Conn]bool{}}
	return func(nc net.Conn) net.Conn {
		c := interpose.Wrap(nc, b.wrap(process))
		if !process.enter(c) {
			c.Close()
		}
		return &owned{c, process}
	}
}

// An owned connection is one of a process while it is open.
type owned struct {
	*interpose.Conn
	process *server
}

func (o *owned) Close() error {
	o.process.leave(o.Conn)
	return o.Conn.Close()
}

// Innocent is the client without a mistake, with all that the others are made of between it and its world.
func Innocent() Client {
	return Client{Name: "none", wrap: func(*server) interpose.Config {
		pass := func(f *interpose.Flow, p interpose.Packet) { f.Pass(p) }
		return interpose.Config{In: pass, Out: pass}
	}}
}

// Start makes a fresh client in a world.
func (b Client) Start(w calling.World) calling.Client {
	state := &server{open: map[*interpose.Conn]bool{}, gone: make(chan struct{})}
	if b.reads != nil {
		w.Files = &partly{w.Files, b.reads}
	}
	if b.files != nil {
		w.Files = b.files(w.Files)
	}
	if b.wrap != nil || b.way != (way{}) {
		w.Dial = intercept(w, b.way, func() interpose.Config {
			if b.wrap == nil {
				return interpose.Config{}
			}
			return b.wrap(state)
		}, state)
	}
	ref := reference.NewClient(w)
	if b.configure != nil {
		b.configure(&ref.Requester.Config)
	}
	if b.change != nil {
		b.change(ref, w)
	}
	var c calling.Client = &mortal{ref, state}
	if b.around != nil {
		c = b.around(c, w)
	}
	return c
}

// A mortal client ends with its process: it panics when it is called while it is dead, and when it dies under a call.
type mortal struct {
	calling.Client
	process *server
}

func (m *mortal) Call(ctx context.Context, c calling.Call) calling.Outcome {
	began := time.Now()
	m.check(began)
	o := m.Client.Call(ctx, c)
	m.check(began)
	return o
}

// Close ends the client.
func (m *mortal) Close() {
	close(m.process.gone)
	m.Client.Close()
}

// check panics if the process has died since a time.
func (m *mortal) check(since time.Time) {
	m.process.mu.Lock()
	defer m.process.mu.Unlock()
	if m.process.dead.After(since) {
		panic("the process is dead")
	}
}

// A caller is a client whose calls are made by a function.
type caller struct {
	calling.Client
	call func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome
}

func (c *caller) Call(ctx context.Context, ask calling.Call) calling.Outcome {
	return c.call(ctx, c.Client, ask)
}

// asking makes a bug of what stands between the application and the client.
func asking(call func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome) func(calling.Client, calling.World) calling.Client {
	return func(c calling.Client, _ calling.World) calling.Client { return &caller{c, call} }
}

// wishing makes a bug that changes what the application asks for.
func wishing(edit func(c *calling.Call)) func(calling.Client, calling.World) calling.Client {
	return asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		edit(&c)
		return next.Call(ctx, c)
	})
}

// telling makes a bug that reports outcomes in another way.
func telling(edit func(o calling.Outcome) calling.Outcome) func(calling.Client, calling.World) calling.Client {
	return asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		return edit(next.Call(ctx, c))
	})
}
