package interpose

import (
	"bytes"
	"math/rand/v2"
	"time"
)

// An Action is something that a rule does to a packet.
type Action struct{ do func(s *step) }

// mostDelay bounds every delay.
const mostDelay = 1000 * time.Hour

// A step is one packet on its way through the rules.
type step struct {
	use    *use // whose turn it is
	random *rand.Rand
	now    time.Time

	flow    int // index of the direction
	packet  Packet
	before  []Packet
	after   []Packet
	drop    bool
	swap    bool
	changed bool // what the receiver gets is not what was sent
	delay   time.Duration
	forever bool // until the rule is released
	by      *use // that keeps it
	cut     int
}

// Where a connection is closed.
const (
	cutNot = iota
	cutBefore
	cutAmid
	cutAfter
)

// keep lets the packet wait for at least d.
func (s *step) keep(d time.Duration) {
	if d = min(d, mostDelay); d > s.delay {
		s.delay, s.by = d, s.use
	}
}

// Delay lets a packet come later, by what draw draws.
//
// It delays what must not overtake it, and nothing else: what follows in its
// message; of a HEADER the HEADERs of later messages too, which have to come in
// their order; of an acknowledgement later ones of the same message; of PING and
// PONG each other. So slow acknowledgements hold up no data.
func Delay(draw func(*rand.Rand) time.Duration) Action {
	return Action{func(s *step) { s.keep(draw(s.random)) }}
}

// Hold keeps a packet, with what must not overtake it (see Delay), until
// [Wire.Release] or the end of the rule, and no longer than most; 0 is for as long
// as the connection lasts.
func Hold(most time.Duration) Action {
	return Action{func(s *step) {
		if most > 0 {
			s.keep(most)
		} else {
			s.forever, s.by = true, s.use
		}
	}}
}

// Throttle lets so many octets a second pass, of all packets that the rule is about
// together. Others pass beside them, but for what must not overtake them.
func Throttle(perSecond int) Action {
	return Action{func(s *step) {
		free := &s.use.free[s.flow]
		if free.Before(s.now) {
			*free = s.now
		}
		octets := len(s.packet.Append(nil))
		*free = free.Add(time.Duration(float64(octets) / float64(max(perSecond, 1)) * float64(time.Second)))
		s.keep(free.Sub(s.now))
	}}
}

// Drop lets a packet never arrive.
func Drop() Action { return Action{func(s *step) { s.drop, s.changed = true, true }} }

// Duplicate lets a packet arrive n times more.
func Duplicate(n int) Action {
	return Action{func(s *step) {
		for range n {
			s.after = append(s.after, s.packet)
		}
		s.changed = true
	}}
}

// Reorder lets the next packet of the direction pass first. If there is none, the
// packet goes after wait; 0 is 1 s. While one waits, no other one does.
func Reorder(wait time.Duration) Action {
	if wait <= 0 {
		wait = time.Second
	}
	return Action{func(s *step) {
		s.swap, s.changed = true, true
		s.keep(wait)
	}}
}

// Alter changes a packet, which f may keep and change. Its length and line are made
// anew.
func Alter(f func(random *rand.Rand, p Packet) Packet) Action {
	return Action{func(s *step) {
		p := s.packet
		p.Body = bytes.Clone(p.Body)
		s.packet, s.changed = f(s.random, p), true
	}}
}

// Flip changes n octets of the body at random places, each to another one.
func Flip(n int) Action {
	return Alter(func(random *rand.Rand, p Packet) Packet {
		for range min(n, len(p.Body)) {
			p.Body[random.IntN(len(p.Body))] ^= byte(1 + random.IntN(255))
		}
		return p
	})
}

// Substitute puts other octets in the place of some, wherever they are in the body.
func Substitute(old, with []byte) Action {
	return Alter(func(_ *rand.Rand, p Packet) Packet {
		p.Body = bytes.ReplaceAll(p.Body, old, with)
		return p
	})
}

// Truncate leaves at most n octets of the body. The packet is still whole.
func Truncate(n int) Action {
	return Alter(func(_ *rand.Rand, p Packet) Packet {
		p.Body = p.Body[:min(n, len(p.Body))]
		return p
	})
}

// Replace puts another packet in the place of one. An empty Type is the type that
// it had; the number remains.
func Replace(with Packet) Action {
	return Alter(func(_ *rand.Rand, p Packet) Packet {
		if with.Type != "" {
			p.Type = with.Type
		}
		p.Body = with.Body
		return p
	})
}

// InjectBefore sends another packet before one, made of it.
func InjectBefore(packet func(Packet) Packet) Action {
	return Action{func(s *step) {
		s.before = append(s.before, packet(s.packet))
		s.changed = true
	}}
}

// InjectAfter sends another packet after one, made of it.
func InjectAfter(packet func(Packet) Packet) Action {
	return Action{func(s *step) {
		s.after = append(s.after, packet(s.packet))
		s.changed = true
	}}
}

// CloseBefore closes the connection in the packet's place; CloseAmid when a part of
// its octets has passed, at least one; CloseAfter when it has passed. Both endpoints
// see an end of the connection, and nothing that was still on its way here.
func CloseBefore() Action { return Action{func(s *step) { s.cut = cutBefore }} }

// CloseAmid closes the connection within a packet: see CloseBefore.
func CloseAmid() Action { return Action{func(s *step) { s.cut = cutAmid }} }

// CloseAfter closes the connection behind a packet: see CloseBefore.
func CloseAfter() Action { return Action{func(s *step) { s.cut = cutAfter }} }
