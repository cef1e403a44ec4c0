package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// A PacketSpec describes a packet fault: what happens to the packets of some
// connections, above TLS.
type PacketSpec struct {
	Name string // of the Fault that counts how often rules were met
	// At are the hosts at whose end of their connections the rules are: instances
	// or requesters. What comes in and goes out there is as they see it.
	At []string
	// Peers are the hosts at the other ends; none: whoever is there.
	Peers []string
	Rules []*interpose.Rule // of this fault alone
}

// A PacketFault is rules that can be put on connections of a world, and taken away,
// at any time. Its methods may be called from any goroutine of the world.
type PacketFault struct {
	w     *World
	spec  PacketSpec
	fault *Fault

	// Guarded by w.mu.
	begun   bool
	counted int // hits that the world knows of
}

// Packets makes a packet fault, which begins with Begin. From now on the connections
// of its hosts are made so that it can begin while they exist; those that exist
// already are left alone. It panics for a spec that is wrong.
func (w *World) Packets(spec PacketSpec) *PacketFault {
	if err := spec.check(); err != nil {
		panic(err)
	}
	w.Interpose(spec.At...)
	return &PacketFault{w: w, spec: spec, fault: w.Fault(spec.Name)}
}

func (s *PacketSpec) check() error {
	switch {
	case s.Name == "":
		return errors.New("sim: a packet fault has no name")
	case len(s.At) == 0:
		return fmt.Errorf("sim: the packet fault %s is nowhere", s.Name)
	case len(s.Rules) == 0:
		return fmt.Errorf("sim: the packet fault %s has no rules", s.Name)
	}
	for _, r := range s.Rules {
		if err := r.Match.Check(); err != nil {
			return fmt.Errorf("sim: the packet fault %s: %w", s.Name, err)
		}
		if len(r.Do) == 0 {
			return fmt.Errorf("sim: the packet fault %s has a rule that does nothing", s.Name)
		}
	}
	return nil
}

// concerns reports whether the fault is on a connection.
func (f *PacketFault) concerns(x *wired) bool {
	return slices.Contains(f.spec.At, x.at) && (len(f.spec.Peers) == 0 || slices.Contains(f.spec.Peers, x.peer))
}

// Begin puts the rules on the connections that there are and those to come.
func (f *PacketFault) Begin() {
	f.w.mu.Lock()
	var on []*wired
	if !f.begun {
		f.begun = true
		f.w.wires.faults = append(f.w.wires.faults, f)
		on = f.connections()
	}
	f.w.mu.Unlock()
	for _, x := range on {
		f.put(x)
	}
}

// put puts the rules on one connection. What they draw depends on nothing else.
func (f *PacketFault) put(x *wired) {
	for i, r := range f.spec.Rules {
		x.Begin(r, f.w.random("packets", f.spec.Name, i, x.at, x.peer, x.number))
	}
}

// connections are those that the fault concerns, in the order in which they were
// made. w.mu is held.
func (f *PacketFault) connections() (all []*wired) {
	for _, x := range f.w.wires.all {
		if f.concerns(x) {
			all = append(all, x)
		}
	}
	return all
}

// between is the time from one connection to the next when something is let go.
const between = 2 * time.Microsecond

// End takes the rules away. What they keep goes at once, one connection after the
// other, and the world counts what they have met.
func (f *PacketFault) End() {
	f.w.mu.Lock()
	on := f.connections()
	if !f.begun {
		on = nil
	}
	f.begun = false
	f.w.wires.faults = slices.DeleteFunc(f.w.wires.faults, func(o *PacketFault) bool { return o == f })
	f.w.mu.Unlock()
	f.each(on, (*interpose.Wire).End)
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.count()
}

// Release lets go what the rules keep. They remain.
func (f *PacketFault) Release() {
	f.w.mu.Lock()
	on := f.connections()
	f.w.mu.Unlock()
	f.each(on, (*interpose.Wire).Release)
}

func (f *PacketFault) each(on []*wired, do func(*interpose.Wire, *interpose.Rule)) {
	for i, x := range on {
		if i > 0 {
			time.Sleep(between)
		}
		for _, r := range f.spec.Rules {
			do(x.Wire, r)
		}
	}
}

// Hits is how many packets have met the rules so far.
func (f *PacketFault) Hits() (n int) {
	for _, r := range f.spec.Rules {
		n += r.Hits()
	}
	return n
}

// count tells the world of the hits. w.mu is held.
func (f *PacketFault) count() {
	n := f.Hits()
	f.fault.Hits += n - f.counted
	f.counted = n
}
