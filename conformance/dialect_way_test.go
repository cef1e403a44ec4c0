package conformance

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A way is what a server does that the specification allows or tolerates. It is made of the reference.
type way struct {
	cfg   scamp.Config
	mux   func() *scamp.Mux // nil: the reference's
	echo  scamp.HandlerFunc // in place of the reference's, and streaming
	whole bool              // echo is given complete requests in JSON only
	// wraps are called once per connection; the first stands next to the server.
	wraps []func() interpose.Config
	// outer stands between the tester and the filters.
	outer []func(serve func(net.Conn)) func(net.Conn)
}

// and makes a server that goes both ways.
func (w way) and(o way) way {
	c := w
	for _, f := range []struct{ to, from *int }{{&c.cfg.Window, &o.cfg.Window}, {&c.cfg.MaxMessages, &o.cfg.MaxMessages}, {&c.cfg.MaxRequest, &o.cfg.MaxRequest}} {
		*f.to = cmp.Or(*f.from, *f.to)
	}
	for _, f := range []struct{ to, from *time.Duration }{{&c.cfg.MessageTimeout, &o.cfg.MessageTimeout}, {&c.cfg.IdleTimeout, &o.cfg.IdleTimeout}, {&c.cfg.HandlerTimeout, &o.cfg.HandlerTimeout}} {
		*f.to = cmp.Or(*f.from, *f.to)
	}
	if o.mux != nil {
		c.mux = o.mux
	}
	if o.echo != nil {
		c.echo, c.whole = o.echo, o.whole
	}
	c.wraps = slices.Concat(w.wraps, o.wraps)
	c.outer = slices.Concat(w.outer, o.outer)
	return c
}

// start makes a fresh server.
func (w way) start() (serve func(net.Conn), stop func()) {
	cfg := w.cfg
	cfg.Logger = slog.New(slog.DiscardHandler)
	svc := &scamp.Service{Mux: reference.NewMux(), Authority: reference.NewAuthority(), Config: cfg}
	if w.mux != nil {
		svc.Mux = w.mux()
	}
	wraps := w.wraps
	if w.echo != nil {
		const name = "Replaced.echo"
		svc.Mux.Handle(scamp.Action{Name: name, NoAuth: true, Stream: !w.whole}, w.echo)
		wraps = slices.Insert(slices.Clone(wraps), 0, asked(func(m members) members {
			if strings.EqualFold(m.text("action"), reference.Echo) {
				return m.with("action", `"`+name+`"`)
			}
			return m
		}))
	}
	serve = func(nc net.Conn) {
		for i := len(wraps) - 1; i >= 0; i-- {
			nc = interpose.Wrap(nc, wraps[i]())
		}
		svc.ServeConn(nc)
	}
	for _, outer := range w.outer {
		serve = outer(serve)
	}
	return serve, func() {
		svc.Close()
		simnet.Sleep(time.Minute) // for what the filters still have to say
	}
}

// members are those of a header, in no order.
type members map[string]json.RawMessage

// membersOf reads the header that a packet is.
func membersOf(p interpose.Packet) (m members, ok bool) {
	if p.Type != "HEADER" || !utf8.Valid(p.Body) {
		return nil, false
	}
	return m, json.Unmarshal(p.Body, &m) == nil && m != nil
}

func (m members) text(name string) (s string) {
	json.Unmarshal(m[name], &s)
	return s
}

func (m members) with(name, value string) members {
	c := maps.Clone(m)
	c[name] = json.RawMessage(value)
	return c
}

func (m members) without(names ...string) members {
	c := maps.Clone(m)
	for _, name := range names {
		delete(c, name)
	}
	return c
}

func (m members) bytes() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

func (m members) failed() bool { return m.text("error") != "" || m.text("error_code") != "" }

// kind is what a JSON text is: { [ " 0 t f n, or 0 for nothing.
func kind(v json.RawMessage) byte {
	if len(v) == 0 {
		return 0
	}
	if v[0] == '-' || '0' <= v[0] && v[0] <= '9' {
		return '0'
	}
	return v[0]
}

// editing makes a filter that changes headers.
func editing(edit func(m members) members) func() interpose.Config {
	return func() interpose.Config { return interpose.Config{Out: editOne(edit)} }
}

func editOne(edit func(m members) members) interpose.Filter {
	return func(f *interpose.Flow, p interpose.Packet) {
		if m, ok := membersOf(p); ok {
			p.Body = edit(m).bytes()
		}
		f.Pass(p)
	}
}

func asked(edit func(m members) members) func() interpose.Config {
	return func() interpose.Config { return interpose.Config{In: editOne(edit)} }
}

func closing(when func(p interpose.Packet) bool) func() interpose.Config {
	return func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if when(p) {
				f.Close()
				return
			}
			f.Pass(p)
		}}
	}
}

func closingOn(when func(m members) bool) func() interpose.Config {
	return closing(func(p interpose.Packet) bool {
		m, ok := membersOf(p)
		return ok && when(m)
	})
}

// refusing answers some requests with an error, when they are complete.
func refusing(when func(m members) bool) func() interpose.Config {
	return asked(func(m members) members {
		if when(m) {
			return m.with("action", `"Conformance.refused"`)
		}
		return m
	})
}
