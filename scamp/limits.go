package scamp

import (
	"math"
	"time"
)

// What a peer can make a connection hold is bounded, whatever it sends and
// whether it reads or not (WIRE-CONN-08, WIRE-SAFE-06):
//
//	open messages, messages that wait for Accept   MaxMessages        the connection ends
//	requests in progress                           MaxMessages        the request is refused
//	refusals that the peer does not read           maxRefusals        the connection ends
//	PONGs that the peer does not read              maxPongs           the connection ends
//	octets of one body that wait for its reader    MaxBuffered        the message fails
//	octets of one body that is collected           MaxRequest         the request is refused
//	octets of all bodies, from their arrival until
//	they have been read or their handler returned  16 × MaxBuffered   the message fails
//	octets of all headers, as long as anybody
//	needs them                                     4 × MaxBuffered    the connection ends
//
// A message that is dropped holds nothing but its number, a request that is
// refused nothing but its id.
const (
	maxRefusals = 32768
	maxPongs    = 100000

	bodiesPerConnection  = 16
	headersPerConnection = 4

	keepBatch  = 128 << 10 // a larger buffer of the writer is not kept, in octets
	keepSmall  = 4 << 10   // a larger buffer of a message goes round between messages
	keepSpare  = 128 << 10 // a larger one is not kept
	keepSpares = 4
)

// Answers that this side makes by itself, to refused requests and to PINGs, are
// made as fast as the peer asks. Beyond these numbers the reader gives the writer
// a moment, so that a peer that reads never meets the bounds above.
const (
	manyRefusals = 8192
	manyPongs    = 32768
	patience     = time.Second
)

// pace waits until few such answers are left. It does not wait for a peer that
// takes nothing for a moment (WIRE-FLOW-10), nor again before it has taken
// something. c.mu is held.
func (c *Connection) pace() {
	many := func() bool { return c.refusals >= manyRefusals || len(c.pongs) >= manyPongs }
	if c.stuck || c.err != nil || !many() {
		return
	}
	c.paused, c.paced = true, time.Now()
	var t *time.Timer
	t = time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if rest := patience - time.Since(c.paced); rest > 0 && c.paused {
			t.Reset(rest)
		} else if c.paused {
			c.stuck = true
			c.room.Signal()
		}
	})
	for many() && !c.stuck && c.err == nil {
		c.room.Wait()
	}
	t.Stop()
	c.paused = false
}

// times is a bound that is a multiple of another one, which may be switched off.
func times(n, bound int) int {
	if bound > math.MaxInt/n {
		return math.MaxInt
	}
	return n * bound
}

// room says which bound more octets of a body would pass, nil if none. c.mu is held.
func (m *MessageReader) room(n int) error {
	if m.unread()+len(m.lent)+n > m.limit {
		return &LimitError{What: "octets in a message", Limit: m.limit}
	}
	if all := times(bodiesPerConnection, m.c.cfg.MaxBuffered); m.c.buffered+n > all {
		return &LimitError{What: "octets waiting on a connection", Limit: all}
	}
	return nil
}

// admitMessage says which bound one more incoming message with a header of n
// octets would pass, nil if none. c.mu is held.
func (c *Connection) admitMessage(n int) error {
	if len(c.in) >= c.cfg.MaxMessages {
		return &LimitError{What: "open messages", Limit: c.cfg.MaxMessages}
	}
	if len(c.queue) >= c.cfg.MaxMessages {
		return &LimitError{What: "messages waiting for Accept", Limit: c.cfg.MaxMessages}
	}
	if all := times(headersPerConnection, c.cfg.MaxBuffered); c.headers+n > all {
		return &LimitError{What: "octets of headers", Limit: all}
	}
	return nil
}

// hold notes how many octets of its header a message keeps from now on. c.mu is held.
func (m *MessageReader) hold(n int) {
	m.c.headers += n - m.held
	m.held = n
}

// settle forgets the header of a message that has ended when nobody needs it
// any more. c.mu is held.
func (m *MessageReader) settle() {
	if m.err != nil && m.users == 0 {
		m.hold(0)
	}
}

// recycle keeps a buffer for a message that will need one. c.mu is held.
func (c *Connection) recycle(b []byte) {
	if cap(b) <= keepSpare && len(c.spares) < keepSpares {
		c.spares = append(c.spares, b[:0])
	}
}

// recycled returns an empty buffer, nil if none is left over. c.mu is held.
func (c *Connection) recycled() []byte {
	last := len(c.spares) - 1
	if last < 0 {
		return nil
	}
	b := c.spares[last]
	c.spares = c.spares[:last]
	return b
}

// queueAck notes that an acknowledgement of m is due. c.mu is held.
func (c *Connection) queueAck(m *MessageReader) {
	if m.ack > 0 {
		return
	}
	c.acks = append(c.acks, m)
	m.ack = len(c.acks)
	c.wake()
}

// unqueueAck takes that back: the message has ended, and nothing of it is kept
// while the transport is full. c.mu is held.
func (c *Connection) unqueueAck(m *MessageReader) {
	if m.ack == 0 {
		return
	}
	last := len(c.acks) - 1
	other := c.acks[last]
	c.acks[m.ack-1] = other
	other.ack = m.ack
	c.acks[last] = nil
	c.acks = c.acks[:last]
	m.ack = 0
}
