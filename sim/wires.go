package sim

import (
	"net"
	"slices"
	"sync/atomic"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// wires are the connections on which packet faults can be. They are guarded by w.mu.
type wires struct {
	any    atomic.Bool     // there can be some; needs no lock
	hosts  map[string]bool // at whose ends they are; nil: there are none
	all    []*wired        // in the order in which they were made; some have ended
	live   int             // how many there were when those that have ended were forgotten
	faults []*PacketFault  // that have begun
	made   map[[2]string]int
	ends   map[ConnectionID][]*wired // the same as all
}

// A wired is the end of a connection at a host.
type wired struct {
	*interpose.Wire
	at, peer string // hosts
	number   int    // of the connections between them
	id       ConnectionID
	watch    *watch // of the instance, at its end; nil at the other one
}

// Close ends the connection for the endpoint.
func (x *wired) Close() error {
	if x.watch != nil {
		x.watch.closed(nil)
	}
	return x.Wire.Close()
}

// mostEnded is how many connections that faults were met on are remembered after
// their ends: what has come of them is still to be judged.
const mostEnded = 1000

// Interpose lets packet faults be put on the connections that these hosts have from
// now on. [World.Packets] does so itself; it is for faults that nobody knows of yet.
// A requester of a world with TLS must be added afterwards.
func (w *World) Interpose(hosts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wires.hosts == nil {
		w.wires.hosts = map[string]bool{}
		w.wires.made = map[[2]string]int{}
		w.wires.ends = map[ConnectionID][]*wired{}
	}
	w.wires.any.Store(true)
	for _, h := range hosts {
		w.wires.hosts[h] = true
	}
}

// interposed reports whether connections of a host are wires.
func (w *World) interposed(host string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wires.hosts[host]
}

// wire makes a wire of a new connection of the instance. k watches over what the
// instance sends: beyond the rules nobody can tell any more whose mistake it is.
func (in *Instance) wire(nc net.Conn, k *watch) net.Conn {
	near := func(d interpose.Direction, p interpose.Packet) { k.packet(d == interpose.In, packetOf(p)) }
	x := &wired{at: in.host, peer: k.id.Requester, id: k.id, watch: k, Wire: interpose.NewWire(nc, interpose.Options{Near: near})}
	in.service.w.wired(x)
	return x
}

// wire makes a wire of a new connection of the requester, if it is to be one. Wrong
// instances are watched from their own end.
func (q *Requester) wire(nc net.Conn) net.Conn {
	w := q.w
	k := w.watchOf(nc.LocalAddr())
	if k == nil || !w.interposed(q.spec.Name) {
		return nc
	}
	x := &wired{at: q.spec.Name, peer: k.id.Instance, id: k.id, Wire: interpose.NewWire(nc, interpose.Options{})}
	w.wired(x)
	return x
}

// wired puts the faults that there are on a new wire.
func (w *World) wired(x *wired) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget()
	w.wires.all = append(w.wires.all, x)
	w.wires.ends[x.id] = append(w.wires.ends[x.id], x)
	w.wires.made[[2]string{x.at, x.peer}]++
	x.number = w.wires.made[[2]string{x.at, x.peer}]
	for _, f := range w.wires.faults {
		if f.concerns(x) {
			f.put(x)
		}
	}
}

// forget drops connections that have ended, now and then. w.mu is held.
func (w *World) forget() {
	all := w.wires.all
	if len(all) < 2*w.wires.live+64 {
		return
	}
	ended := 0
	for i := len(all) - 1; i >= 0; i-- {
		if !all[i].Ended() {
			continue
		}
		if all[i].Met() && ended < mostEnded {
			ended++
			continue
		}
		w.wires.ends[all[i].id] = slices.DeleteFunc(w.wires.ends[all[i].id], func(x *wired) bool { return x == all[i] })
		if len(w.wires.ends[all[i].id]) == 0 {
			delete(w.wires.ends, all[i].id)
		}
		all[i] = nil
	}
	w.wires.all = slices.DeleteFunc(all, func(x *wired) bool { return x == nil })
	w.wires.live = len(w.wires.all)
}

// found reports whether an end of a connection of a host is so. w.mu is held.
func (w *World) found(host string, so func(x *wired) bool) bool {
	return slices.ContainsFunc(w.wires.all, func(x *wired) bool { return (x.at == host || x.peer == host) && so(x) })
}

// poisoned reports whether rules have changed the reply to a call, or its request; id is
// that of the reply. w.mu is held.
func (w *World) poisoned(r *callRecord, id string) bool {
	return r.watch != nil && slices.ContainsFunc(w.wires.ends[r.watch.id], func(x *wired) bool { return x.Tainted(id) })
}

// altered reports whether rules have made another request of one that arrives at a
// host.
func (w *World) altered(host, requestID string, id uint64, b []byte) bool {
	if !w.wires.any.Load() {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.found(host, func(x *wired) bool { return x.Tainted(requestID) }) {
		return false
	}
	r := w.calls[id]
	return r == nil || r.asked != bodyOf(b)
}

// foul reports whether rules have changed HEADERs of a host: then even what was
// executed may be something else than was asked for. w.mu is held.
func (w *World) foul(host string) bool { return w.found(host, func(x *wired) bool { return x.Foul() }) }

// disturbed reports whether rules were met on a connection.
func (w *World) disturbed(id ConnectionID) bool {
	if !w.wires.any.Load() {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.wires.ends[id], func(x *wired) bool { return x.Met() })
}

// cut ends all wires at once, and counts what faults that are not over have met.
func (w *World) cut() {
	w.mu.Lock()
	all := slices.Clone(w.wires.all)
	for _, f := range w.wires.faults {
		f.count()
	}
	w.mu.Unlock()
	for _, x := range all {
		x.Abort()
	}
}

// A diverter is a listener that gives connections on which packet faults can be to
// answer, and the others to who accepts.
type diverter struct {
	net.Listener
	wanted func() bool
	answer func(net.Conn)
	beside func(func()) // runs a function
}

func (d *diverter) Accept() (net.Conn, error) {
	for {
		nc, err := d.Listener.Accept()
		if err != nil || !d.wanted() {
			return nc, err
		}
		d.beside(func() { d.answer(nc) })
	}
}
