package sim

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// A Packet is one that passed on a connection, as its requester has seen it.
type Packet struct {
	At     time.Duration // in the time of the world
	Sent   bool          // by the requester; otherwise by the instance
	Type   string        // HEADER, DATA, …; empty: octets that are no packet
	Number uint64
	Size   int    // octets of the body
	Text   string // how the body begins; of DATA nothing
}

// String is a line about the packet, without its time: who sent it, > or <, its type,
// number and length, and how its body begins.
func (p Packet) String() string {
	arrow := "<"
	if p.Sent {
		arrow = ">"
	}
	text := fmt.Sprintf("%s %-6s %-3d %6d", arrow, cmp.Or(p.Type, "octets"), p.Number, p.Size)
	if p.Text == "" {
		return text
	}
	return text + "  " + p.Text
}

// A ConnectionID names a connection of a world.
type ConnectionID struct {
	Requester, Instance string // the hosts
	Number              uint64 // that transcripts have, of the direction from the requester
}

// String is the name that transcripts have.
func (c ConnectionID) String() string {
	return fmt.Sprintf("%s > %s #%d", c.Requester, c.Instance, c.Number)
}

// Compare orders connections by their numbers.
func (c ConnectionID) Compare(d ConnectionID) int {
	return cmp.Or(cmp.Compare(c.Number, d.Number), strings.Compare(c.Requester, d.Requester), strings.Compare(c.Instance, d.Instance))
}

const (
	lastPackets = 20 // of each connection that are kept for violations
	lastText    = 96 // octets that are kept of the body of each
)

// A trail is the last packets of a connection. Nothing is allocated for a packet.
type trail struct {
	slots []slot // as many as have come, up to lastPackets
	next  int    // the place of the next one, when all are there
}

// A slot is a packet of a trail.
type slot struct {
	at     time.Duration
	number uint64
	size   int
	typ    wire.Type
	sent   bool
	text   [lastText]byte
}

func (t *trail) add(at time.Duration, sent bool, p wire.Packet) {
	if n := len(t.slots); n < lastPackets {
		if n == cap(t.slots) { // many connections have few packets
			grown := make([]slot, n, min(2*n+5, lastPackets))
			copy(grown, t.slots)
			t.slots = grown
		}
		t.slots = append(t.slots, slot{})
		t.next = len(t.slots) - 1
	}
	s := &t.slots[t.next]
	*s = slot{at: at, number: p.Number, size: len(p.Body), typ: p.Type, sent: sent}
	if p.Type != wire.TypeData {
		copy(s.text[:], p.Body)
	}
	t.next = (t.next + 1) % lastPackets
}

// packets are those of the trail, the oldest first.
func (t *trail) packets() []Packet {
	var all []Packet
	for i := range t.slots {
		s := &t.slots[(t.next+i)%len(t.slots)]
		p := Packet{At: s.at, Sent: s.sent, Number: s.number, Size: s.size}
		if s.typ != 0 {
			p.Type = s.typ.String()
		}
		if s.typ != wire.TypeData {
			p.Text = beginning(s.text[:min(s.size, lastText)], s.size > lastText)
		}
		all = append(all, p)
	}
	return all
}

// beginning is how a body begins, as text. What is no text is written as Go does it.
func beginning(b []byte, cut bool) string {
	for i := 0; cut && i < utf8.UTFMax-1 && len(b) > 0 && !utf8.Valid(b); i++ {
		b = b[:len(b)-1] // a character may be cut in two
	}
	text := fmt.Sprintf("%q", b)
	text = strings.ReplaceAll(text[1:len(text)-1], `\"`, `"`)
	if cut {
		text += "…"
	}
	return text
}
