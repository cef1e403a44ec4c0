package sim

import (
	"context"
	"net"
	"sync/atomic"

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

// authorized is whom requesters trust.
func (w *World) authorized() *discovery.Authorized {
	if w.Border.Authorized != nil {
		return w.Border.Authorized()
	}
	return authorized
}
