package interpose

import (
	"bytes"
	"time"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// even is the first even nanosecond from t on: the network acts at odd ones.
func even(t time.Time) time.Time { return t.Add(time.Duration(t.Nanosecond() & 1)) }

// feed takes octets into a flow, and lets go what may. c.mu is held.
func (c *Wire) feed(f *flow, b []byte, now time.Time) {
	if f.err != nil || c.cut {
		return
	}
	if len(f.rest) > 0 {
		f.rest = append(f.rest, b...)
		b = f.rest
	}
	n := 0
	for !f.raw && n < len(b) {
		w, k, err := wire.Parse(b[n:])
		if err != nil {
			f.raw = true
			break
		}
		if k == 0 {
			break
		}
		n += k
		c.pass(f, Packet{Type: w.Type.String(), Number: w.Number, Body: w.Body}, now)
	}
	if f.raw && n < len(b) {
		c.pass(f, Packet{Body: b[n:]}, now)
		n = len(b)
	}
	c.take(f, now)
	f.queue.settle()
	f.rest = append(f.rest[:0], b[n:]...)
}

// flush passes on what is no whole packet. c.mu is held.
func (c *Wire) flush(f *flow, now time.Time) {
	if len(f.rest) > 0 {
		f.raw = true
		c.feed(f, nil, now)
	}
}

// pass lets a packet meet the rules. c.mu is held.
func (c *Wire) pass(f *flow, p Packet, now time.Time) {
	c.show(f, f.dir == Out, p)
	if !c.watching {
		f.queue.push(entry{p: p, part: -1, due: now})
		return
	}
	if p.Type == "HEADER" {
		c.begins(f, &p)
	}
	m := c.messageOf(f, &p)
	s := step{now: now, flow: f.dir.index(), packet: p}
	for _, u := range c.uses {
		if s.drop || s.cut != cutNot {
			break
		}
		if u.meets(f, &p, m) {
			s.use, s.random = u, u.random[s.flow]
			for _, a := range u.rule.Do {
				a.do(&s)
			}
			c.met = true
		}
	}
	if s.changed {
		c.taint(&p, m)
	}
	if p.Type == "EOF" || p.Type == "TXERR" {
		f.ends(p.Number)
	}
	c.enqueue(f, &s)
}

// enqueue puts what has become of a packet into the queue. c.mu is held.
func (c *Wire) enqueue(f *flow, s *step) {
	due := s.now
	if s.delay > 0 {
		due = even(due.Add(s.delay))
	}
	e := entry{part: -1, due: due, forever: s.forever, by: s.by}
	before := len(f.queue.entries)
	for _, p := range s.before {
		e.p = p
		f.queue.push(e)
	}
	switch {
	case s.cut == cutBefore:
		e.p, e.part, e.cut = s.packet, 0, true
		f.queue.push(e)
	case s.cut == cutAmid:
		e.p, e.cut = s.packet, true
		e.part = len(s.packet.Append(nil)) / 2
		f.queue.push(e)
	default:
		if !s.drop {
			e.p = s.packet
			e.cut = s.cut == cutAfter && len(s.after) == 0
			e.swap = s.swap && !f.queue.swapping()
			if s.swap && !e.swap {
				e.due = s.now
			}
			f.queue.push(e)
		}
		for i, p := range s.after {
			e.p, e.swap = p, false
			e.cut = s.cut == cutAfter && i == len(s.after)-1
			f.queue.push(e)
		}
		if !e.swap && len(f.queue.entries) > before {
			f.queue.overtake(s.now)
		}
	}
}

// taint remembers what rules have changed. c.mu is held.
func (c *Wire) taint(p *Packet, m *message) {
	switch p.Type {
	case "ACK", "PING", "PONG":
		return // they carry nothing of a message
	}
	if p.Type == "HEADER" || p.Type == "" || m == nil || m.id == "" || len(c.tainted) >= mostTainted {
		c.foul = true
		return
	}
	c.tainted[m.id] = true
}

// take lets go what may. It reports when more will. c.mu is held.
func (c *Wire) take(f *flow, now time.Time) (next time.Time) {
	next, cut := f.queue.take(now, func(e *entry) {
		n := len(f.out)
		f.out = e.p.Append(f.out)
		if e.part >= 0 {
			f.out = f.out[:n+e.part]
		} else {
			c.show(f, f.dir == In, e.p)
		}
	})
	c.cut = c.cut || cut
	return next
}

// show keeps a packet for Near or Far. c.mu is held.
func (c *Wire) show(f *flow, near bool, p Packet) {
	if near && c.opts.Near != nil || !near && c.opts.Far != nil {
		p.Body = bytes.Clone(p.Body)
		f.seen = append(f.seen, shown{near, p})
	}
}

// told takes what is to be shown.
func (f *flow) told() []shown {
	seen := f.seen
	f.seen = nil
	return seen
}

func (c *Wire) tell(f *flow, seen []shown) {
	for _, s := range seen {
		if s.near {
			c.opts.Near(f.dir, s.p)
		} else {
			c.opts.Far(f.dir, s.p)
		}
	}
}

// full reports whether a flow takes nothing more for now. c.mu is held.
func (c *Wire) full(f *flow) bool {
	return f.queue.octets >= c.opts.MostHeld || len(f.queue.entries) >= mostEntries
}
