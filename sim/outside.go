package sim

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// Outside is the name of the host that stands for the programs of the operating system
// in a world of real time. Their connections begin and end there, so that its links
// act on them.
const Outside = "outside"

// A Border is how programs of the operating system and a world of real time reach each
// other.
type Border struct {
	// Listen returns a listener for programs that call the instance on a host. It is
	// called when the instance starts; each time the address should be the same. nil:
	// nobody can call the instances.
	Listen func(host string) (net.Listener, error)
	// Authorized is whom the world's requesters trust; nil is the services of the
	// world.
	Authorized func() *discovery.Authorized
}

// A door is the listener of an instance that programs of the operating system reach.
type door struct {
	net.Listener              // of the simulated host
	outer        net.Listener // of the operating system
	held         atomic.Bool  // the outer one stays open: the host has crashed, and does not say so
}

func (d *door) Close() error {
	if !d.held.Load() {
		d.outer.Close()
	}
	return d.Listener.Close()
}

// open lets programs of the operating system reach a listener of the instance, if the
// world has a border.
func (in *Instance) open(ln net.Listener) (net.Listener, error) {
	w := in.service.w
	if w.Border.Listen == nil {
		return ln, nil
	}
	w.mu.Lock()
	before, _ := in.ln.(*door)
	w.mu.Unlock()
	if before != nil && before.held.Load() {
		return &door{Listener: ln, outer: before.outer}, nil
	}
	outer, err := w.Border.Listen(in.host)
	if err != nil {
		return nil, err
	}
	from, address := w.Net.Host(Outside), in.host+":30100"
	w.forwards.Go(func() {
		simnet.Forward(outer, func(ctx context.Context) (net.Conn, error) { return from.Dial(ctx, "tcp", address) })
	})
	context.AfterFunc(w.stop, func() { outer.Close() })
	return &door{Listener: ln, outer: outer}, nil
}

// An OutsideFile is the cache file of the operating system's programs at a moment.
type OutsideFile struct {
	Text    []byte // nil: there is no file
	Stopped bool   // nobody writes it any more, and it ages
	Broken  bool   // it can be another one every second
	Version int    // another one when the rest may have changed
}

// OutsideCache is the cache file of the operating system's programs now: it says what
// those of the world say, with the addresses at which these programs reach the
// instances, and can be broken in the same ways.
func (w *World) OutsideCache() OutsideFile {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &w.outer
	file := OutsideFile{Version: w.cacheState.version, Broken: !f.healthy(), Stopped: f.stopped}
	if f.fault != nil {
		f.fault.Hits++
	}
	if f.missing || f.stopped {
		return file
	}
	at := w.outerAt
	if !f.frozen {
		at = max(w.Elapsed()-f.lag, 0)
	}
	file.Text = w.outerText(at, f.only)
	if f.damage != nil {
		file.Text = f.damage(file.Text)
	}
	return file
}

// outerText is the file of a moment. w.mu is held.
func (w *World) outerText(at time.Duration, only func(*Instance) bool) []byte {
	return w.cacheFile(at, only, func(c change) []byte { return c.outer })
}

// SetOutsideCache breaks the cache file of the operating system's programs, or mends it
// with the zero CacheFault.
func (w *World) SetOutsideCache(f CacheFault) {
	state := w.cacheFault(f, Outside)
	w.mu.Lock()
	w.outer, w.outerAt = state, w.Elapsed()
	w.cacheState.version++
	w.mu.Unlock()
	w.Note("the cache of %s changes", Outside)
}

// CacheVersion is the number that OutsideCache returns, without the file.
func (w *World) CacheVersion() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cacheState.version
}

// A foreign is a program of the operating system that the world's requesters may call.
type foreign struct {
	announcement *discovery.Announcement
	target       string // host:port
}

// SetForeign replaces what other programs of the operating system announce. The caches
// have it, too, and the world's requesters call who is authorised; nothing is judged
// of such calls but how they end.
func (w *World) SetForeign(all []*discovery.Announcement) {
	known := map[string]*foreign{}
	for _, a := range all {
		known[identity(a)] = &foreign{announcement: a, target: strings.TrimPrefix(a.URI, "beepish+tls://")}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.foreign = known
	w.cacheState.version++
}

func identity(a *discovery.Announcement) string { return a.Fingerprint + "#" + a.Ident }

// foreigners are the foreign announcements in a fixed order. w.mu is held.
func (w *World) foreigners() []*discovery.Announcement {
	all := make([]*discovery.Announcement, 0, len(w.foreign))
	for _, f := range w.foreign {
		all = append(all, f.announcement)
	}
	slices.SortFunc(all, func(a, b *discovery.Announcement) int { return cmp.Compare(identity(a), identity(b)) })
	return all
}

// dialer returns how the requesters of a host dial: what is not of the world goes by
// the host of the outside.
func (w *World) dialer(host *simnet.Host) func(ctx context.Context, network, address string) (net.Conn, error) {
	if !w.real {
		return host.Dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		inner, err := w.way(address)
		if err != nil {
			return nil, err
		}
		return host.Dial(ctx, network, inner)
	}
}

// way is the address of the world that leads to an address.
func (w *World) way(address string) (string, error) {
	w.mu.Lock()
	target := ""
	for _, f := range w.foreign {
		if f.target == address {
			target = f.target
		}
	}
	inner := w.ways[target]
	w.mu.Unlock()
	if target == "" || inner != "" {
		return cmp.Or(inner, address), nil
	}
	ln, err := w.Net.Host(Outside).Listen("tcp", ":0")
	if err != nil {
		return "", err
	}
	inner = ln.Addr().String()
	w.mu.Lock()
	if before := w.ways[target]; before != "" || w.stop.Err() != nil {
		w.mu.Unlock()
		ln.Close()
		return cmp.Or(before, inner), nil
	}
	w.ways[target] = inner
	w.mu.Unlock()
	w.forwards.Go(func() {
		simnet.Forward(ln, func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", target) })
	})
	return inner, nil
}

// chosen notes that a call goes to an instance, if that is not of the world.
func (w *World) chosen(ctx context.Context, to *discovery.Announcement) {
	if !w.real {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.foreign[identity(to)] == nil {
		return
	}
	if r, ok := ctx.Value(callKey{}).(*callRecord); ok {
		r.foreign = true
	}
}

// authorized is whom requesters trust.
func (w *World) authorized() *discovery.Authorized {
	if w.Border.Authorized != nil {
		return w.Border.Authorized()
	}
	return authorized
}
