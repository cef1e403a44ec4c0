// Package bugs has wrong servers: the reference with one mistake each, named
// after what it does, with the rule that it breaks.
//
// The conformance suite must catch every one of them with a case of that very
// rule; the simulator can give them to its fake services. They are made of the
// reference and of packet filters around it, so that there are no bug switches
// in package scamp.
package bugs

import (
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// A Server is one wrong server.
type Server struct {
	Name  string // what it does, in kebab case
	Rule  string // the rule it breaks
	Title string // what it does, in words
	// Slow says that the mistake shows after minutes only: the suite sees it in virtual
	// time, and not over a port.
	Slow bool

	// wrap is called once per connection and returns its filters.
	wrap func(w *server) interpose.Config
	// secure changes the settings of TLS.
	secure func(cfg *tls.Config)
	// accept is given every transport before TLS, and what to do with it by right.
	accept func(w *server, nc net.Conn, a acceptance)
	// under is given every connection and returns what takes its place, below the filters.
	under func(nc net.Conn) net.Conn
	// configure changes what the reference is made with.
	configure func(cfg *scamp.Config)
}

// Servers returns all wrong servers, in the order of their rules.
func Servers() []Server {
	var all []Server
	for _, group := range [][]Server{frame, msg, hdr, flow, rpc, timing, belowPackets, connection, service, envelope, events, safe} {
		all = append(all, group...)
	}
	return all
}

// Lookup returns the wrong server of this name.
func Lookup(name string) (Server, bool) {
	for _, s := range Servers() {
		if s.Name == name {
			return s, true
		}
	}
	return Server{}, false
}

// Start makes a fresh server: serve answers one connection until it ends, stop
// ends them all.
func (s Server) Start(logger *slog.Logger) (serve func(net.Conn), stop func()) {
	_, serve, stop = s.start(logger)
	return serve, stop
}

func (s Server) start(logger *slog.Logger) (w *server, serve func(net.Conn), stop func()) {
	cfg := scamp.Config{Logger: logger}
	if s.configure != nil {
		s.configure(&cfg)
	}
	svc := &scamp.Service{Mux: reference.NewMux(), Authority: reference.NewAuthority(), Config: cfg}
	w, serve = s.around(svc)
	return w, serve, func() { svc.Close() }
}

// Around returns what answers one connection until it ends, as svc does, but for the
// mistake. Those that Start makes by a configuration, and those that StartTLS makes
// below TLS, are not in it.
func (s Server) Around(svc *scamp.Service) (serve func(net.Conn)) {
	_, serve = s.around(svc)
	return serve
}

func (s Server) around(svc *scamp.Service) (w *server, serve func(net.Conn)) {
	w = &server{open: map[*interpose.Conn]bool{}}
	return w, func(nc net.Conn) {
		if s.under != nil {
			nc = s.under(nc)
		}
		cfg := interpose.Config{}
		if s.wrap != nil {
			cfg = s.wrap(w)
		}
		c := interpose.Wrap(nc, cfg)
		if !w.enter(c) {
			c.Close()
			return
		}
		defer w.leave(c)
		svc.ServeConn(c)
	}
}

// server is what the connections of one wrong server share.
type server struct {
	mu   sync.Mutex
	dead time.Time // until when it is dead
	open map[*interpose.Conn]bool
	last *interpose.Conn // entered last
	gone chan struct{}   // closed when it was told to end; nil: nobody asks
	odd  int             // what a bug counts
}

// restart is how long a dead server stays dead: until whoever watches over it has started it again.
const restart = time.Second

func (w *server) enter(c *interpose.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Now().Before(w.dead) {
		return false
	}
	w.open[c] = true
	w.last = c
	return true
}

func (w *server) leave(c *interpose.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
}

// die is the death of the process: every connection ends, and so does every new
// one for a while.
func (w *server) die() {
	w.mu.Lock()
	w.dead = time.Now().Add(restart)
	var open []*interpose.Conn
	for c := range w.open {
		open = append(open, c)
	}
	w.mu.Unlock()
	for _, c := range open {
		c.Conn.Close()
	}
}

// incoming and outgoing make the filters of a bug that needs no state.
func incoming(f interpose.Filter) func(*server) interpose.Config {
	return func(*server) interpose.Config { return interpose.Config{In: f} }
}

func outgoing(f interpose.Filter) func(*server) interpose.Config {
	return func(*server) interpose.Config { return interpose.Config{Out: f} }
}

func tolerating(t interpose.Tolerance) func(*server) interpose.Config {
	return func(*server) interpose.Config { return interpose.Config{Tolerate: t} }
}

// fatal makes a bug that closes the connection on packets that are legal.
func fatal(when func(p interpose.Packet) bool) func(*server) interpose.Config {
	return incoming(func(f *interpose.Flow, p interpose.Packet) {
		if when(p) {
			f.Close()
			return
		}
		f.Pass(p)
	})
}

// deadly makes a bug that ends the process on some packets or octets.
func deadly(when func(p interpose.Packet) bool) func(*server) interpose.Config {
	return func(w *server) interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if when(p) {
				w.die()
				return
			}
			f.Pass(p)
		}}
	}
}
