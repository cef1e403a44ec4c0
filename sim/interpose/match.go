package interpose

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Direction is one of the two in which packets pass a wire.
type Direction uint8

// The directions, as the endpoint sees them.
const (
	Both Direction = iota
	In             // from the peer to the endpoint
	Out            // from the endpoint to the peer
)

func (d Direction) index() int { return int(d) - 1 }

// A Match says which packets a rule is about: those that fulfil all of what is
// set. The zero Match is all packets. What is counted is counted for each wire and
// direction by itself.
type Match struct {
	From   Direction
	Types  []string // HEADER, DATA, …; none: all
	Number *uint64  // of the message; of an ACK that of the message it acknowledges
	// Header are members of the message's HEADER with their values as text; "" is
	// that the member is absent, null or "". A reply has the action and version of
	// its request. Messages that had begun before the rule do not match.
	Header map[string]string
	// Follow lets Header match the whole message, and what the other side sends to
	// acknowledge it. Without it, Header matches HEADER packets only.
	Follow bool

	Nth   int     // only the n-th of those packets; 0: not that one only
	Every int     // only every n-th; 0: each
	Share float64 // only this share of them, at random; 0: all
	Most  int     // at most so many; 0: no limit
}

// packetTypes are the types that packets can have.
var packetTypes = []string{"HEADER", "DATA", "EOF", "TXERR", "ACK", "PING", "PONG"}

// Check says what is wrong with a Match: that no packet can ever fulfil it, or that
// its numbers are none.
func (m *Match) Check() error {
	for _, t := range m.Types {
		if !slices.Contains(packetTypes, t) {
			return fmt.Errorf("interpose: there are no packets of type %q: %s", t, strings.Join(packetTypes, ", "))
		}
	}
	switch {
	case m.From > Out:
		return fmt.Errorf("interpose: there is no direction %d", m.From)
	case m.Nth < 0 || m.Every < 0 || m.Most < 0:
		return errors.New("interpose: a count of packets is negative")
	case math.IsNaN(m.Share) || m.Share < 0 || m.Share > 1:
		return fmt.Errorf("interpose: %v is no share from 0 to 1", m.Share)
	case len(m.Header) > 0 && !m.Follow && len(m.Types) > 0 && !slices.Contains(m.Types, "HEADER"):
		return errors.New("interpose: only a HEADER has members; to match what follows it, follow the message")
	}
	return nil
}

// fits looks at what the packet itself shows.
func (m *Match) fits(d Direction, p *Packet) bool {
	return (m.From == Both || m.From == d) &&
		(len(m.Types) == 0 && p.Type != "" || slices.Contains(m.Types, p.Type)) &&
		(m.Number == nil || *m.Number == p.Number && p.Type != "PING" && p.Type != "PONG")
}

// members reads a HEADER: its members with their values as text.
func members(body []byte) map[string]string {
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil {
		return nil
	}
	all := make(map[string]string, len(raw))
	for name, value := range raw {
		var text string
		if json.Unmarshal(value, &text) != nil { // no string: as it is spelled
			text = string(value)
		}
		if text != "null" || value[0] == '"' {
			all[name] = text
		}
	}
	return all
}

// fitsHeader compares members. Actions have no case (WIRE-SVC-02a).
func (m *Match) fitsHeader(has map[string]string) bool {
	for name, want := range m.Header {
		got := has[name]
		if got != want && !(name == "action" && strings.EqualFold(got, want)) {
			return false
		}
	}
	return true
}

// A message is what is known of one that passes: of its HEADER.
type message struct {
	id   string // its request_id
	uses []*use // whose Header it has
}

// fits reports whether a rule with a Header is about this packet of the message.
func (m *message) fits(u *use, p *Packet) bool {
	return m != nil && (u.rule.Match.Follow || p.Type == "HEADER") && slices.Contains(m.uses, u)
}

// A called is what a reply has of its request.
type called struct{ action, version string }

// The most that is remembered of what passes.
const (
	mostMessages = 1 << 13 // messages of a direction that are not over
	mostOver     = 64      // messages that are, for acknowledgements on their way
	mostCalls    = 1 << 12 // requests without a reply
	mostTainted  = 1 << 12
)

// begins takes a HEADER in. c.mu is held.
func (c *Wire) begins(f *flow, p *Packet) {
	has := members(p.Body)
	m := &message{id: has["request_id"]}
	switch has["type"] {
	case "request":
		if has["version"] == "" {
			has["version"] = "1"
		}
		if len(f.calls) < mostCalls {
			f.calls[m.id] = called{has["action"], has["version"]}
		}
	case "reply":
		if k, ok := c.other(f).calls[m.id]; ok {
			delete(c.other(f).calls, m.id)
			has["action"], has["version"] = k.action, k.version
		}
	}
	for _, u := range c.uses {
		if len(u.rule.Match.Header) > 0 && u.rule.Match.fitsHeader(has) {
			m.uses = append(m.uses, u)
		}
	}
	if len(f.messages) < mostMessages {
		f.messages[p.Number] = m
	}
}

// ends notes that a message is over; it is forgotten after some more. c.mu is held.
func (f *flow) ends(number uint64) {
	if f.messages[number] == nil {
		return
	}
	f.over = append(f.over, number)
	if len(f.over) > mostOver {
		delete(f.messages, f.over[0])
		f.over = f.over[1:]
	}
}

// other is the other direction.
func (c *Wire) other(f *flow) *flow { return c.flows[1-f.dir.index()] }

// messageOf is the message that a packet belongs to; nil is that it is not known.
// c.mu is held.
func (c *Wire) messageOf(f *flow, p *Packet) *message {
	switch p.Type {
	case "HEADER", "DATA", "EOF", "TXERR":
		return f.messages[p.Number]
	case "ACK":
		return c.other(f).messages[p.Number]
	}
	return nil
}
