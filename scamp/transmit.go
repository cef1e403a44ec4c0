package scamp

import (
	"cmp"
	"slices"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// transmit appends the packets that the state calls for, about one batch of
// them: acknowledgements by message number, PONGs, then messages by number with
// one DATA each per pass. c.mu is held.
func (c *Connection) transmit(b []byte) []byte {
	c.dirty = false
	b = c.transmitAcks(b)
	for _, n := range c.pongs {
		b = wire.AppendPart(b, n, wire.Pong{})
	}
	c.pongs = c.pongs[:0]
	if c.pinging {
		c.pinging = false
		b = wire.AppendPart(b, 0, wire.Ping(nil))
	}
	if len(c.ready) > 1 {
		slices.SortFunc(c.ready, func(a, b *MessageWriter) int { return cmp.Compare(a.seq, b.seq) })
	}
	for len(c.ready) > 0 {
		var full bool
		if b, full = c.pass(b); full {
			c.dirty = true
			break
		}
	}
	return b
}

func (c *Connection) transmitAcks(b []byte) []byte {
	if len(c.acks) > 1 {
		slices.SortFunc(c.acks, func(a, b *MessageReader) int { return cmp.Compare(a.number, b.number) })
	}
	for _, m := range c.acks {
		m.ack = 0
		if total, ok := m.window.acknowledge(); ok {
			b = wire.AppendPart(b, m.number, wire.Ack(total))
		}
	}
	clear(c.acks)
	c.acks = c.acks[:0]
	return b
}

// pass lets every ready message send one DATA, beginning behind the one that
// was served last, so that a full batch starves nobody. It reports whether the
// batch is full. c.mu is held and c.ready is sorted.
func (c *Connection) pass(b []byte) ([]byte, bool) {
	first, _ := slices.BinarySearchFunc(c.ready, c.cursor+1, func(m *MessageWriter, seq uint64) int {
		return cmp.Compare(m.seq, seq)
	})
	full := false
	n := len(c.ready)
	for i := range n {
		if len(b)+maxChunk > maxBatch {
			full = true
			break
		}
		m := c.ready[(first+i)%n]
		c.cursor = m.seq
		b = m.transmit(b)
	}
	c.ready = slices.DeleteFunc(c.ready, func(m *MessageWriter) bool {
		if m.sendable() {
			return false
		}
		m.queued = false
		return true
	})
	return b, full && len(c.ready) > 0
}

// transmit appends what the message has to say next: its HEADER, at most one
// DATA, its end. c.mu is held.
func (m *MessageWriter) transmit(b []byte) []byte {
	c := m.c
	if m.state == sendDone {
		return b
	}
	if m.state == sendNew {
		if m.abort != "" && !m.begun { // given up before anything was said
			m.finish()
			return b
		}
		m.state = sendOpen
		m.number = c.nextOut
		m.batch = c.batches
		c.nextOut++
		c.out[m.number] = m
		if m.call != nil {
			c.nextID++
			m.header.RequestID = NumberID(c.nextID)
			m.call.id = c.nextID
			c.calls[c.nextID] = m.call // before its first octet can reach the peer (WIRE-RPC-08a)
		}
		c.header = m.header.Append(c.header[:0])
		b = wire.AppendPart(b, m.number, wire.Header(c.header))
	}
	if m.abort != "" {
		b = wire.AppendPart(b, m.number, wire.TXErr(m.abort))
		m.finish()
		return b
	}
	if n := min(len(m.rest), m.window.available(), maxChunk); n > 0 {
		m.window.take(n)
		m.moved = c.active
		b = wire.AppendPart(b, m.number, wire.Data(m.rest[:n]))
		if m.rest = m.rest[n:]; len(m.rest) == 0 {
			m.taken.Signal()
		} else if m.window.available() == 0 {
			c.arm(m.moved.Add(c.cfg.MessageTimeout))
		}
	}
	if m.fin && len(m.rest) == 0 {
		b = wire.AppendPart(b, m.number, wire.EOF{})
		m.finish()
	}
	return b
}

// sendable reports whether transmit would append something. c.mu is held.
func (m *MessageWriter) sendable() bool {
	switch {
	case m.state == sendDone:
		return false
	case m.state == sendNew, m.abort != "":
		return true
	case len(m.rest) > 0:
		return m.window.available() > 0
	}
	return m.fin
}
