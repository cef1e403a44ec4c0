package scamp

import (
	"io"
	"sync"
	"time"
)

// A MessageReader is an incoming message. It is an io.Reader of its body, which
// is acknowledged as it is read, so that a reader that stops reading stops its
// sender. One goroutine at a time may read.
type MessageReader struct {
	// Header is the message's header. It does not change.
	Header Header

	c      *Connection
	number uint64

	// Guarded by c.mu.
	ready    sync.Cond
	buf      []byte // arrived, and not read from at on
	at       int
	want     []byte // where a waiting Read wants its octets
	got      int    // how many it has there
	lent     []byte // what WriteTo has handed to its writer
	err      error  // how the message ended; what Read returns after buf
	closed   error  // why nobody reads any more; what Read returns at once
	window   receiveWindow
	ack      int // its place in c.acks, from 1; 0: it is not there
	limit    int // most octets in buf and lent together
	held     int // octets that the header counts for in c.headers
	mode     receiveMode
	answered bool        // the refusal has been sent
	expired  bool        // it was not complete in time
	users    int32       // who needs the header besides the open message
	refusal  *ReplyError // what a request that is being dropped will be answered
	call     *call       // whose reply this is
	action   *Action     // what this request is collected for
	since    time.Time   // when its HEADER came; where it is streamed, its last DATA; of a reply, when its call ends
}

type receiveMode uint8

const (
	modeStream  receiveMode = iota // octets wait for Read, and count as consumed when read
	modeCollect                    // octets count as consumed when they arrive
	modeDrop                       // the same, and they are dropped
)

// end notes how the message ended, which it does once. c.mu is held.
func (m *MessageReader) end(err error) {
	m.err = err
	m.c.unqueueAck(m) // nobody waits for it any more (WIRE-FLOW-03b, WIRE-FLOW-12)
	m.ready.Broadcast()
	if m.call != nil {
		m.call.settle()
	}
}

// Read reads from the body. At the end it returns io.EOF if the message is
// complete, an *AbortError if the peer gave it up, a *ConnectionError if the
// connection was lost. Octets that arrived before a failure are returned first;
// they are not a result (WIRE-MSG-11, WIRE-MSG-12).
func (m *MessageReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c := m.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.unread() == 0 && m.err == nil && m.closed == nil {
		// The reader loop puts octets right where they are wanted.
		m.want, m.got = p, 0
		for m.got == 0 && m.unread() == 0 && m.err == nil && m.closed == nil {
			m.ready.Wait()
		}
		n := m.got
		m.want, m.got = nil, 0
		if n > 0 {
			return n, nil
		}
	}
	if m.closed != nil {
		return 0, m.closed
	}
	if m.unread() == 0 {
		return 0, m.err
	}
	n := copy(p, m.buf[m.at:])
	m.at += n
	c.buffered -= n
	if m.mode == modeStream {
		m.consume(n)
	}
	if m.at == len(m.buf) {
		b := m.buf
		m.buf, m.at = nil, 0
		m.drained(b)
	}
	return n, nil
}

// WriteTo writes the body to w as it comes, until its end. What w has taken is
// acknowledged. It fails as Read does, or with what w.Write returns.
func (m *MessageReader) WriteTo(w io.Writer) (total int64, err error) {
	c := m.c
	c.mu.Lock()
	defer m.leave()
	for {
		for m.unread() == 0 && m.err == nil && m.closed == nil {
			m.ready.Wait()
		}
		switch {
		case m.closed != nil:
			return total, m.closed
		case m.unread() == 0 && m.err == io.EOF:
			return total, nil
		case m.unread() == 0:
			return total, m.err
		}
		m.lent = m.buf[m.at:]
		m.buf, m.at = nil, 0
		c.mu.Unlock()
		n, err := w.Write(m.lent)
		c.mu.Lock()
		m.takeBack()
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// leave ends a WriteTo, also one whose writer has panicked. c.mu is held, unless
// something is lent.
func (m *MessageReader) leave() {
	if m.lent != nil {
		m.c.mu.Lock()
		m.takeBack()
	}
	m.c.mu.Unlock()
}

// takeBack notes that what was lent has been written. It has counted as buffered
// so far, and is acknowledged even if the message has been closed meanwhile
// (WIRE-FLOW-07b). c.mu is held.
func (m *MessageReader) takeBack() {
	b := m.lent
	m.lent = nil
	m.c.buffered -= len(b)
	m.consume(len(b))
	m.drained(b)
}

func (m *MessageReader) unread() int { return len(m.buf) - m.at }

// take stores octets that have arrived. c.mu is held.
func (m *MessageReader) take(body []byte) {
	if m.want != nil && m.unread() == 0 {
		n := copy(m.want[m.got:], body)
		m.got += n
		body = body[n:]
		m.consume(n)
		m.ready.Signal()
		if len(body) == 0 {
			return
		}
	}
	switch {
	case len(m.buf) == 0 && cap(m.buf) < len(body) && m.window.consumed > 0 && m.mode == modeStream: // it was drained before
		m.buf = m.c.recycled()
	case m.at > len(m.buf)/2 && len(m.buf)+len(body) > cap(m.buf): // each octet is moved at most twice
		m.buf = m.buf[:copy(m.buf, m.buf[m.at:])]
		m.at = 0
	}
	m.buf = append(m.buf, body...)
	m.c.buffered += len(body)
	m.ready.Signal()
}

// drained takes back a buffer whose octets have all been read. A message that is
// waiting for more keeps little; what is large goes round. c.mu is held.
func (m *MessageReader) drained(b []byte) {
	if cap(b) > keepSmall {
		m.c.recycle(b)
	} else if m.err == nil && m.buf == nil {
		m.buf = b[:0]
	}
}

// consume counts octets as consumed, and lets them be acknowledged when it is
// worth it (WIRE-FLOW-07a). What is collected is consumed although it is kept.
// c.mu is held.
func (m *MessageReader) consume(n int) {
	m.window.consumed += uint64(n)
	if m.err == nil && m.window.due(m.unread() == 0 || m.mode == modeCollect) {
		m.c.queueAck(m)
	}
}

// drop gives up what has arrived and what will. The peer is acknowledged all
// the same (WIRE-FLOW-07b). c.mu is held.
func (m *MessageReader) drop() {
	if m.mode == modeDrop {
		return
	}
	n := m.unread()
	m.c.buffered -= n
	m.buf, m.at = nil, 0
	streamed := m.mode == modeStream
	m.mode = modeDrop
	if streamed {
		m.consume(n)
	}
}

// Close gives up the rest of the body: it is received and dropped. It always
// returns nil. Closing a message that has been read to its end does nothing.
func (m *MessageReader) Close() error {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.fail(ErrClosed)
	return nil
}

// fail lets Read return err from now on, and drops what still comes.
// c.mu is held.
func (m *MessageReader) fail(err error) {
	if m.closed != nil || m.err != nil && m.unread() == 0 {
		return
	}
	m.closed = err
	m.drop()
	m.ready.Broadcast()
	if m.call != nil {
		m.call.settle()
	}
}

// collect waits for the end of the message and returns what of the body has
// not been read, at most limit octets.
func (m *MessageReader) collect(limit int) ([]byte, error) {
	c := m.c
	c.mu.Lock()
	defer c.mu.Unlock()
	m.limit = limit
	if m.mode == modeStream {
		m.mode = modeCollect
		m.consume(m.unread())
	}
	if m.unread() > limit {
		m.overflow(&LimitError{What: "octets in a message", Limit: limit})
	}
	for m.err == nil && m.closed == nil {
		m.ready.Wait()
	}
	switch {
	case m.closed != nil:
		return nil, m.closed
	case m.err != io.EOF:
		m.drop()
		return nil, m.err
	}
	b := m.buf[m.at:]
	c.buffered -= len(b)
	m.buf, m.at = nil, 0
	return b, nil
}

var _ io.ReadCloser = (*MessageReader)(nil)
