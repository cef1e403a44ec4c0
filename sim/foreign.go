package sim

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

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

// chosen notes that a call goes to somebody who is not of the world, if he is not.
func (w *World) chosen(ctx context.Context, to *discovery.Announcement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.foreign)+len(w.voices) == 0 || w.foreign[identity(to)] == nil && w.voices[identity(to)] == nil {
		return
	}
	if r, ok := ctx.Value(callKey{}).(*callRecord); ok {
		r.foreign = true
	}
}
