package interpose

import (
	"bytes"
	"time"
)

// An entry is a packet that waits for its time.
type entry struct {
	p       Packet
	part    int // octets of it that pass; below 0: all
	own     bool
	due     time.Time
	forever bool // whatever due says
	by      *use // whose rule keeps it
	swap    bool // until another packet has passed
	cut     bool // the connection ends behind it
}

// A lane is packets that must not overtake each other.
type lane struct {
	kind   byte // 0: no lane
	number uint64
}

// lanes are those of a packet. A HEADER has two: its message, and the HEADERs.
func lanes(p *Packet) (a, b lane) {
	switch p.Type {
	case "HEADER":
		return lane{'m', p.Number}, lane{kind: 'h'}
	case "DATA", "EOF", "TXERR":
		return lane{'m', p.Number}, lane{}
	case "ACK":
		return lane{'a', p.Number}, lane{}
	}
	return lane{kind: 'p'}, lane{}
}

// A queue is what waits in one direction, in the order in which it came.
type queue struct {
	entries []entry
	octets  int // of bodies
	blocked map[lane]bool
}

func (q *queue) push(e entry) {
	q.entries = append(q.entries, e)
	q.octets += len(e.p.Body)
}

// take gives emit what may go now. It returns when more will, the zero time if
// that is not known; and whether what was given ends the connection.
func (q *queue) take(now time.Time, emit func(*entry)) (next time.Time, cut bool) {
	clear(q.blocked)
	all := false // nothing may overtake octets that are no packet
	rest := q.entries[:0]
	for i := range q.entries {
		e := q.entries[i]
		a, b := lanes(&e.p)
		raw := e.p.Type == ""
		stuck := all || q.blocked[a] || q.blocked[b] || raw && len(rest) > 0
		switch {
		case stuck:
		case !e.forever && !e.due.After(now):
			q.octets -= len(e.p.Body)
			emit(&e)
			if e.cut {
				q.clear()
				return time.Time{}, true
			}
			continue
		case !e.forever && (next.IsZero() || e.due.Before(next)):
			next = e.due
		}
		if !e.swap {
			if q.blocked == nil {
				q.blocked = map[lane]bool{}
			}
			q.blocked[a] = true
			if b.kind != 0 {
				q.blocked[b] = true
			}
			all = all || raw
		}
		rest = append(rest, e)
	}
	clear(q.entries[len(rest):])
	q.entries = rest
	return next, false
}

// next is when more may go; nothing may now.
func (q *queue) next() time.Time {
	next, _ := q.take(time.Time{}, nil)
	return next
}

// settle gives the entries bodies of their own: what they came in is used again.
func (q *queue) settle() {
	for i := range q.entries {
		if e := &q.entries[i]; !e.own {
			e.p.Body, e.own = bytes.Clone(e.p.Body), true
		}
	}
}

// release lets go what a rule keeps; nil is everything.
func (q *queue) release(u *use, now time.Time) {
	for i := range q.entries {
		if e := &q.entries[i]; e.by == u || u == nil {
			e.forever, e.due, e.swap = false, now, false
		}
	}
}

// overtake puts the entry that waits for another packet behind the last one.
func (q *queue) overtake(now time.Time) {
	for i := range q.entries {
		if e := q.entries[i]; e.swap {
			copy(q.entries[i:], q.entries[i+1:])
			e.swap, e.due = false, now
			q.entries[len(q.entries)-1] = e
			return
		}
	}
}

// swapping reports whether a packet waits for another one.
func (q *queue) swapping() bool {
	for i := range q.entries {
		if q.entries[i].swap {
			return true
		}
	}
	return false
}

func (q *queue) clear() {
	clear(q.entries)
	q.entries, q.octets = q.entries[:0], 0
}
