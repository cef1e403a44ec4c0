package scamp

import (
	"context"
	"errors"
	"io"
	"strings"
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
	ready     sync.Cond
	buf       []byte // arrived, and not read from at on
	at        int
	want      []byte // where a waiting Read wants its octets
	got       int    // how many it has there
	spare     []byte // the other buffer of WriteTo
	err       error  // how the message ended; what Read returns after buf
	closed    error  // why nobody reads any more; what Read returns at once
	window    receiveWindow
	ackQueued bool
	mode      receiveMode
	limit     int         // most octets in buf
	refusal   *ReplyError // what a request that is being dropped will be answered
	answered  bool        // the refusal has been sent
	expired   bool        // it was not complete in time
	call      *call       // whose reply this is
	handling  *handling   // who handles this request
	since     time.Time   // when its HEADER came; where it is streamed, its last DATA
}

type receiveMode uint8

const (
	modeStream  receiveMode = iota // octets wait for Read, and count as consumed when read
	modeCollect                    // octets count as consumed when they arrive
	modeDrop                       // the same, and they are dropped
)

// end notes how the message ended. c.mu is held.
func (m *MessageReader) end(err error) {
	if m.err == nil {
		m.err = err
		m.ready.Broadcast()
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
		m.buf, m.at = m.buf[:0], 0
		if m.err != nil {
			m.buf = nil
		}
	}
	return n, nil
}

// WriteTo writes the body to w as it comes, until its end. What w has taken is
// acknowledged. It fails as Read does, or with what w.Write returns.
func (m *MessageReader) WriteTo(w io.Writer) (int64, error) {
	c := m.c
	var total int64
	c.mu.Lock()
	defer c.mu.Unlock()
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
		b, spare := m.buf[m.at:], m.spare
		m.buf, m.at, m.spare = spare[:0], 0, nil
		c.buffered -= len(b)
		c.mu.Unlock()
		n, err := w.Write(b)
		c.mu.Lock()
		total += int64(n)
		m.spare = b[:0]
		if m.mode == modeStream {
			m.consume(len(b))
		}
		if err != nil {
			return total, err
		}
	}
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
	if m.at > 0 && len(m.buf)+len(body) > cap(m.buf) {
		m.buf = m.buf[:copy(m.buf, m.buf[m.at:])]
		m.at = 0
	}
	m.buf = append(m.buf, body...)
	m.c.buffered += len(body)
	m.ready.Signal()
}

// consume counts octets as consumed, and lets them be acknowledged when it is
// worth it (WIRE-FLOW-07a). c.mu is held.
func (m *MessageReader) consume(n int) {
	m.window.consumed += uint64(n)
	if m.err == nil && !m.ackQueued && m.window.due(m.unread() == 0) {
		m.ackQueued = true
		m.c.acks = append(m.c.acks, m)
		m.c.wake()
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
	if m.mode == modeStream {
		m.mode = modeDrop
		m.consume(n)
	}
	m.mode = modeDrop
}

// Close gives up the rest of the body: it is received and dropped. It always
// returns nil. Closing a message that has been read to its end does nothing.
func (m *MessageReader) Close() error {
	m.fail(ErrClosed)
	return nil
}

// fail lets Read return err from now on, and drops what still comes.
func (m *MessageReader) fail(err error) {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.failLocked(err)
}

func (m *MessageReader) failLocked(err error) {
	if m.closed != nil || m.err != nil && m.unread() == 0 {
		return
	}
	m.closed = err
	m.drop()
	m.ready.Broadcast()
}

// A MessageWriter is an outgoing message. It is an io.Writer of its body.
// One goroutine at a time may write; Close and Abort may come from any.
type MessageWriter struct {
	c      *Connection
	header Header
	call   *call  // whose request this is
	seq    uint64 // order of creation
	stop   func() bool

	// Guarded by c.mu.
	number uint64 // once state is sendOpen
	taken  sync.Cond
	state  sendState
	queued bool   // in c.ready
	rest   []byte // what the writer loop has yet to take of what Write holds
	fin    bool
	abort  string // text of the TXERR to send
	begun  bool   // the HEADER goes out even if the message is aborted
	err    error
	window sendWindow
	moved  time.Time // when DATA was sent or acknowledged last
	done   func()    // called once with c.mu held when the message has ended
}

type sendState uint8

const (
	sendNew  sendState = iota // nothing sent
	sendOpen                  // HEADER sent
	sendDone                  // EOF or TXERR sent, or the connection ended
)

// NewMessage opens a message. Nothing is sent before the connection's writer
// comes to it; messages are numbered in the order in which they are sent.
// When ctx ends, the message is aborted. It must be ended with Close or Abort.
//
// It fails with a *ConnectionError when the connection has ended, and when the
// header is longer than a packet may be.
func (c *Connection) NewMessage(ctx context.Context, h Header) (*MessageWriter, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, &ConnectionError{Err: c.err}
	}
	m := c.newMessage(h)
	if ctx.Done() != nil {
		m.stop = context.AfterFunc(ctx, func() { m.Abort(context.Cause(ctx)) })
	}
	m.enqueue()
	return m, nil
}

// newMessage makes a message. c.mu is held.
func (c *Connection) newMessage(h Header) *MessageWriter {
	c.created++
	m := &MessageWriter{c: c, header: h, seq: c.created, window: sendWindow{size: c.cfg.Window}}
	m.taken.L = &c.mu
	return m
}

// enqueue lets the writer loop look at the message. c.mu is held.
func (m *MessageWriter) enqueue() {
	if !m.queued && m.state != sendDone {
		m.queued = true
		m.c.ready = append(m.c.ready, m)
	}
	m.c.wake()
}

// lost ends the message because the connection has ended. c.mu is held.
func (m *MessageWriter) lost(err error) {
	if m.state == sendDone {
		return
	}
	sent := m.state == sendOpen
	if m.err == nil {
		m.err = &ConnectionError{Err: err, Sent: sent}
	}
	if m.call != nil {
		m.call.finish(nil, &ConnectionError{Err: err, Sent: sent})
	}
	m.state = sendDone
	m.rest = nil
	m.taken.Broadcast()
	if m.stop != nil {
		m.stop()
	}
	if m.done != nil {
		m.done()
	}
}

var errWriteAfterClose = errors.New("scamp: write to a message that has ended")

// Write sends p as part of the body. It returns when all of p is on its way,
// which takes as long as the peer's acknowledgements do, or when the message or
// the connection ends.
func (m *MessageWriter) Write(p []byte) (int, error) {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	if m.err == nil && m.fin {
		return 0, errWriteAfterClose
	}
	if m.err != nil || len(p) == 0 {
		return 0, m.err
	}
	before := m.window.sent
	m.rest = p
	if m.window.available() > 0 {
		m.enqueue()
	}
	for len(m.rest) > 0 && m.err == nil {
		m.taken.Wait()
	}
	n := int(m.window.sent - before)
	m.rest = nil
	if n == len(p) {
		return n, nil
	}
	return n, m.err
}

// Close completes the message: EOF follows the body. It does not wait.
func (m *MessageWriter) Close() error {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.complete()
	return m.err
}

func (m *MessageWriter) complete() {
	if m.err == nil && !m.fin {
		m.fin = true
		m.enqueue()
	}
}

// Abort gives the message up: the peer sees TXERR with the text of err and does
// not take what was sent for a whole. A message of which nothing was sent yet
// is never sent. Abort after Close does nothing.
func (m *MessageWriter) Abort(err error) {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.giveUp(err)
}

// giveUp is Abort with c.mu held.
func (m *MessageWriter) giveUp(err error) {
	if m.err != nil || m.state == sendDone || m.fin && len(m.rest) == 0 {
		return
	}
	if err == nil {
		err = context.Canceled
	}
	m.err = err
	m.abort = abortText(err.Error())
	m.rest = nil
	m.taken.Broadcast()
	m.enqueue()
}

// abortText makes a text fit for a TXERR or an error reply: valid UTF-8, not
// too long, neither empty nor "0" (WIRE-MSG-08).
func abortText(s string) string {
	if len(s) > maxErrorText {
		s = s[:maxErrorText]
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	if s == "" || s == "0" {
		return "aborted"
	}
	return s
}

var (
	_ io.ReadCloser  = (*MessageReader)(nil)
	_ io.WriteCloser = (*MessageWriter)(nil)
)
