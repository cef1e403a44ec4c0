package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/wire"
)

const (
	window = 65536 // octets of a message that may be on their way at most (WIRE-FLOW-05)
	chunk  = 16384 // the largest DATA: a sender may wait until there is room for it
)

// A judge follows the messages of one connection, seen from one of its ends, its own.
// Whoever breaks a rule first is judged alone from then on: what the other one does
// is the answer to it. A judge is guarded by the mutex of its watch.
type judge struct {
	requester, instance string
	service             bool          // its end is that of the instance, and nothing is judged but what shows only there
	alone               bool          // a packet fault is between the two: its end is judged, in all things, and the other one is not
	patient             time.Duration // how long its end may leave something undone

	asked, answered direction           // what the requester sends, what the instance sends
	requests        map[string]struct{} // ids that have no reply yet
	guilty          string              // who has broken a rule
	over            bool                // nothing makes sense any more
	breaches        []string            // since they were taken last
}

// mostRequests is how many requests without a reply are followed.
const mostRequests = 10000

// A direction is the messages that one end sends.
type direction struct {
	next  uint64 // number
	open  map[uint64]progress
	ended []ending // the last that have ended: they may be acknowledged still
	place int      // in ended, of the next one, when there are keptEnds
}

// keptEnds is how many messages that have ended are followed on.
const keptEnds = 16

type ending struct {
	number uint64
	progress
}

// A progress is how far a message is.
type progress struct {
	sent, acked uint64        // octets
	since       time.Duration // idle time of the judge's end since which it is its turn
	failure     bool          // it is an error reply
}

// room reports whether the sender can go on.
func (m *progress) room() bool { return m.sent-m.acked <= window-chunk }

// wrong notes that somebody has broken a rule.
func (j *judge) wrong(who, rule, format string, args ...any) {
	if j.guilty == "" {
		j.guilty = who
	}
	if j.guilty == who {
		j.breaches = append(j.breaches, fmt.Sprintf("%s: %s (%s)", who, fmt.Sprintf(format, args...), rule))
	}
}

// take returns what is wrong since the last time.
func (j *judge) take() []string {
	b := j.breaches
	j.breaches = nil
	return b
}

// pass looks at a packet. idle is how long the judge's end could have written, since
// the world began.
func (j *judge) pass(sent bool, p wire.Packet, idle time.Duration) {
	if j.over {
		return
	}
	own := sent != j.service // this packet is of the judge's end
	who, from, back := j.instance, &j.answered, &j.asked
	if sent {
		who, from, back = j.requester, back, from
	}
	wrong := func(rule, format string, args ...any) {
		if j.alone && own || !j.alone && !j.service {
			j.wrong(who, rule, format, args...)
		}
	}
	switch p.Type {
	case wire.TypeHeader:
		if p.Number != from.next {
			wrong("WIRE-MSG-01a", "message %d begins, where %d is the next", p.Number, from.next)
		}
		failure := j.header(sent, p, wrong)
		from.begin(p.Number, progress{since: idle, failure: failure})
	case wire.TypeData, wire.TypeEOF, wire.TypeTXErr:
		m, open := from.open[p.Number]
		if !open {
			wrong("WIRE-MSG-02b", "%v of message %d, which is not open", p.Type, p.Number)
			return
		}
		j.turn(own, p.Number, &m, idle)
		shape(p, wrong)
		if p.Type != wire.TypeData {
			from.end(p.Number, m)
			return
		}
		if m.failure {
			wrong("WIRE-ERR-01b", "message %d is an error reply, and has a body", p.Number)
		}
		m.sent += uint64(len(p.Body))
		if own || !m.room() {
			m.since = idle
		}
		if n := m.sent - m.acked; n > window {
			wrong("WIRE-FLOW-05a", "message %d has %d octets on their way, more than the window", p.Number, n)
		}
		from.open[p.Number] = m
	case wire.TypeAck:
		j.acknowledged(back, own, p, idle, wrong)
	case 0:
		wrong("WIRE-FRAME-02", "%d octets are no packet", len(p.Body))
		j.over = true
	}
}

// shape looks at the body of a packet.
func shape(p wire.Packet, wrong func(rule, format string, args ...any)) {
	switch {
	case p.Type == wire.TypeData && len(p.Body) == 0:
		wrong("WIRE-MSG-06a", "an empty DATA of message %d", p.Number)
	case p.Type == wire.TypeEOF && len(p.Body) > 0:
		wrong("WIRE-MSG-05a", "the EOF of message %d has a body", p.Number)
	case p.Type == wire.TypeTXErr && (len(p.Body) == 0 || string(p.Body) == "0"):
		wrong("WIRE-MSG-08a", "message %d is given up without a text", p.Number)
	}
}

// turn looks at whether the judge's end has done in time what it could do about a
// message, of its own or of the other end: go on with it, or acknowledge it.
func (j *judge) turn(own bool, number uint64, m *progress, idle time.Duration) {
	late := idle - m.since
	who := j.requester
	if j.service {
		who = j.instance
	}
	switch {
	case late <= j.patient:
	case own && m.room():
		j.wrong(who, "WIRE-FLOW-08", "message %d has %d octets on their way, and did not go on for %v", number, m.sent-m.acked, late.Round(time.Second))
	case !own && !m.room():
		j.wrong(who, "WIRE-FLOW-07b", "message %d has %d octets that were not acknowledged for %v", number, m.sent-m.acked, late.Round(time.Second))
	}
}

// close looks at what is left undone when the connection ends.
func (j *judge) close(idle time.Duration) {
	if j.over {
		return
	}
	j.over = true
	for _, d := range []*direction{&j.asked, &j.answered} {
		own := (d == &j.asked) != j.service
		for _, number := range slices.Sorted(maps.Keys(d.open)) {
			m := d.open[number]
			j.turn(own, number, &m, idle)
		}
	}
}

// acknowledged looks at an acknowledgement of a message that goes the other way.
func (j *judge) acknowledged(back *direction, own bool, p wire.Packet, idle time.Duration, wrong func(rule, format string, args ...any)) {
	m, open := back.open[p.Number]
	known := open
	if !open {
		m, known = back.over(p.Number)
	}
	switch total, err := wire.ParseTotal(p.Body); {
	case p.Number >= back.next && !known:
		wrong("WIRE-FLOW-01a", "message %d is acknowledged, which has not begun", p.Number)
	case !known: // it has ended long ago
	case err != nil:
		wrong("WIRE-FLOW-01b", "an acknowledgement of message %d is no number: %.40q", p.Number, p.Body)
	case total <= m.acked:
		wrong("WIRE-FLOW-02a", "message %d is acknowledged to %d after %d", p.Number, total, m.acked)
	case total > m.sent && j.service && own: // only there can be seen what had come by then
		j.wrong(j.instance, "WIRE-FLOW-02b", "message %d is acknowledged to %d, of %d octets", p.Number, total, m.sent)
	case total > m.sent:
		wrong("WIRE-FLOW-02b", "message %d is acknowledged to %d, of %d octets", p.Number, total, m.sent)
	default:
		if own {
			j.turn(false, p.Number, &m, idle)
		}
		had := m.room()
		m.acked = total
		if own || !had {
			m.since = idle
		}
		back.set(p.Number, m, open)
	}
}

// header looks at the header of a message, and reports whether it is an error reply.
func (j *judge) header(sent bool, p wire.Packet, wrong func(rule, format string, args ...any)) (failure bool) {
	h, err := scamp.ParseHeader(p.Body)
	if err != nil {
		wrong("WIRE-HDR-01a", "the header of message %d is no object of JSON: %v", p.Number, err)
		return false
	}
	raw, _ := h.RequestID.MarshalJSON()
	id := string(raw)
	_, outstanding := j.requests[id]
	switch {
	case sent && h.Type != "request":
		wrong("WIRE-HDR-07a", "message %d has the type %.40q, and is no request", p.Number, h.Type)
	case sent && h.Action == "":
		wrong("WIRE-HDR-10a", "request %d names no action", p.Number)
	case sent && h.RequestID.IsZero():
		wrong("WIRE-HDR-10d", "request %d has no id", p.Number)
	case sent && outstanding:
		wrong("WIRE-RPC-01a", "request %d has the id %.40s, which another one has that waits for its reply", p.Number, id)
	case sent:
		if j.requests == nil {
			j.requests = map[string]struct{}{}
		}
		if len(j.requests) < mostRequests {
			j.requests[id] = struct{}{}
		}
	case h.Type != "reply":
		wrong("WIRE-HDR-07b", "message %d has the type %.40q, and is no reply", p.Number, h.Type)
	case !outstanding && len(j.requests) < mostRequests:
		wrong("WIRE-RPC-06a", "message %d is a reply to the request of id %.40s, which waits for none", p.Number, id)
	default:
		delete(j.requests, id)
	}
	return !sent && (h.Error != "" || h.ErrorCode != "")
}

// begin notes that a message begins.
func (d *direction) begin(number uint64, m progress) {
	if d.open == nil {
		d.open = map[uint64]progress{}
	}
	d.next = number + 1
	d.open[number] = m
}

// end notes that a message ends.
func (d *direction) end(number uint64, m progress) {
	delete(d.open, number)
	if len(d.ended) < keptEnds {
		d.ended = append(d.ended, ending{number, m})
		return
	}
	d.ended[d.place] = ending{number, m}
	d.place = (d.place + 1) % keptEnds
}

// over returns how far a message was that has ended; false is that it is forgotten.
func (d *direction) over(number uint64) (progress, bool) {
	for i := range d.ended {
		if e := &d.ended[i]; e.number == number {
			return e.progress, true
		}
	}
	return progress{}, false
}

// set notes how far a message is.
func (d *direction) set(number uint64, m progress, open bool) {
	if open {
		d.open[number] = m
		return
	}
	for i := range d.ended {
		if e := &d.ended[i]; e.number == number {
			e.progress = m
		}
	}
}
