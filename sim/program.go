package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A Program is code of your own on a host of the world: it calls the services of the
// world, and is found and called by the world's requesters. It can be a scamp.Requester
// or a scamp.Service, another implementation, or anything that speaks over net.Conns.
//
// Let its goroutines begin with World.Go, or end with the run. What the world knows of
// it is how the calls of its requesters end, and what passes on their connections;
// nothing else is judged.
type Program struct {
	w    *World
	host *simnet.Host
	view *view

	// Guarded by w.mu.
	requesters []*scamp.Requester
	services   []*scamp.Service
}

// Program returns the program of a host, which is made where there is none. The host
// must have none of the world's services or requesters.
func (w *World) Program(host string) *Program {
	w.mu.Lock()
	p := w.programs[host]
	w.mu.Unlock()
	if p != nil {
		return p
	}
	p = &Program{w: w, host: w.Net.Host(host), view: w.newView(host)}
	w.mu.Lock()
	if before := w.programs[host]; before != nil {
		w.mu.Unlock()
		return before
	}
	if w.programs == nil {
		w.programs, w.unmarked = map[string]*Program{}, w.callID
	}
	w.programs[host] = p
	w.mu.Unlock()
	w.Go(func() { p.view.watch(w.stop) })
	return p
}

// Dial connects to "host:port", where host is the name or the address of a host of the
// world. It has the form of the field of a scamp.Requester, of an http.Transport, and
// of others.
func (p *Program) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return p.host.Dial(ctx, network, address)
}

// Listen listens on a port of the host: ":30100"; port 0 takes a free one. The
// listener is closed when the run ends.
func (p *Program) Listen(network, address string) (net.Listener, error) {
	ln, err := p.host.Listen(network, address)
	if err == nil {
		context.AfterFunc(p.w.stop, func() { ln.Close() })
	}
	return ln, err
}

// Directory is what the host knows of the bus: the instances in its discovery cache,
// which it looks at about every second.
func (p *Program) Directory() *discovery.Directory { return &p.view.directory }

// SetCache breaks the discovery cache of the host, or mends it with the zero
// CacheFault.
func (p *Program) SetCache(f CacheFault) { p.view.set(f) }

// Requester returns a requester of the host that is ready to call. It may be changed
// before its first call: with Uniform and Rand as they are, a run can be repeated. It
// is closed when the run ends.
func (p *Program) Requester() *scamp.Requester {
	w := p.w
	q := &scamp.Requester{
		Config: w.config(), Directory: p.Directory(), Fresh: p.view.fresh, Authorized: w.authorized,
		Dial: p.Dial, Uniform: true, Rand: w.rand(p.host.Name()),
	}
	if w.TLS {
		q.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := p.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &handshaking{Conn: nc}, nil
		}
	} else {
		q.Secure = func(_ context.Context, nc net.Conn, _ string) (net.Conn, error) { return nc, nil }
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.requesters = append(p.requesters, q)
	return q
}

// Serve lets a service serve on a free port of the host, and announces what is in its
// Mux now, as NAME. When it returns the service can be called; caches know of it when
// they are looked at next. The service gets the certificate of the world's services.
// What Serve returns stops it in good order; the end of the run stops it, too. It
// panics if there is nothing to serve, or the host is down.
func (p *Program) Serve(name string, svc *scamp.Service) (stop func()) {
	if svc.Mux == nil {
		panic(fmt.Sprintf("sim: the service %s on %s has no Mux: there is nothing to call", name, p.host.Name()))
	}
	ln, err := p.Listen("tcp", ":0")
	if err != nil {
		panic(fmt.Sprintf("sim: the service %s on %s cannot serve: %v", name, p.host.Name(), err))
	}
	w := p.w
	svc.Certificate = fixtures.Certificate("server")
	if svc.Config.Logger == nil {
		svc.Config.Logger = w.Logger
	}
	a := svc.Describe()
	a.Ident, a.URI = name, "beepish+tls://"+ln.Addr().String()
	if _, err := p.Announce(a); err != nil {
		panic(err)
	}
	w.mu.Lock()
	p.services = append(p.services, svc)
	w.mu.Unlock()
	w.serving.Go(func() {
		if w.TLS {
			svc.Serve(&handshakes{ln})
		} else {
			acceptAll(ln, func(nc net.Conn) { svc.ServeConn(nc) })
		}
	})
	return func() {
		a.Weight = -1
		quiet, err := p.Announce(a)
		svc.Shutdown(context.Background())
		ln.Close()
		if err == nil {
			quiet()
		}
	}
}

// JSON returns a LoadSpec's Request that is always this value, as JSON. It panics if
// there is no JSON of it.
func JSON(v any) func(*rand.Rand) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sim: no JSON of a request: %v", err))
	}
	return func(*rand.Rand) []byte { return body }
}

// closePrograms ends what the programs have left.
func (w *World) closePrograms() {
	w.mu.Lock()
	var requesters []*scamp.Requester
	var services []*scamp.Service
	for _, host := range slices.Sorted(maps.Keys(w.programs)) {
		requesters = append(requesters, w.programs[host].requesters...)
		services = append(services, w.programs[host].services...)
	}
	w.mu.Unlock()
	for _, q := range requesters {
		q.Close(w.calling)
	}
	for _, s := range services {
		s.Close()
	}
}

// hasty says whose code makes runs of the world differ, as far as that can be seen.
func (w *World) hasty() string {
	w.mu.Lock()
	own := map[string]bool{Outside: true}
	for _, s := range w.services {
		for _, in := range s.instances {
			own[in.host] = true
		}
	}
	for _, q := range w.requesters {
		own[q.spec.Name] = true
	}
	w.mu.Unlock()
	var names []string
	for _, h := range w.Net.Hosts() {
		if h.Hasty() > 0 && !own[h.Name()] {
			names = append(names, h.Name())
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "code on " + strings.Join(names, ", ") + " writes to connections without setting their write deadline first"
}

// A handshaking is a connection on which a TLS handshake may go on: whatever it writes
// is written when all others wait.
type handshaking struct {
	net.Conn
	over atomic.Bool
}

func (h *handshaking) Write(b []byte) (int, error) {
	if !h.over.Load() {
		h.Conn.SetWriteDeadline(time.Time{})
	}
	return h.Conn.Write(b)
}

// SetWriteDeadline is what who writes after the handshake does himself.
func (h *handshaking) SetWriteDeadline(t time.Time) error {
	h.over.Store(true)
	return h.Conn.SetWriteDeadline(t)
}

// handshakes is a listener of such connections.
type handshakes struct{ net.Listener }

func (h *handshakes) Accept() (net.Conn, error) {
	nc, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &handshaking{Conn: nc}, nil
}
