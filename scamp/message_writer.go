package scamp

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
)

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
	batch  uint64 // the one with its HEADER
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
	m := c.newMessage(&h)
	if ctx.Done() != nil {
		m.stop = context.AfterFunc(ctx, func() { m.Abort(context.Cause(ctx)) })
	}
	m.enqueue()
	return m, nil
}

// newMessage makes a message with a copy of the header. c.mu is held.
func (c *Connection) newMessage(h *Header) *MessageWriter {
	c.created++
	m := &MessageWriter{c: c, header: *h, seq: c.created, window: sendWindow{size: c.cfg.Window}}
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

// CloseWait is a Close that waits until the end is on its way: the end of a message
// that is opened afterwards comes behind it. It takes as long as Write.
func (m *MessageWriter) CloseWait() error {
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.complete()
	for m.state != sendDone {
		m.taken.Wait()
	}
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
	if err == nil {
		err = context.Canceled
	}
	text := err.Error() // not ours: with the mutex free
	m.c.mu.Lock()
	defer m.c.mu.Unlock()
	m.giveUp(err, text)
}

// giveUp is Abort with c.mu held.
func (m *MessageWriter) giveUp(err error, text string) {
	if m.err != nil || m.state == sendDone || m.fin && len(m.rest) == 0 {
		return
	}
	m.err = err
	m.abort = abortText(text)
	m.rest = nil
	m.taken.Broadcast()
	m.enqueue()
}

// finish notes that the end of the message has been made. c.mu is held.
func (m *MessageWriter) finish() {
	if m.state == sendOpen {
		delete(m.c.out, m.number)
	}
	m.over()
}

// lost ends the message because the connection has ended. c.mu is held.
func (m *MessageWriter) lost(err error) {
	if m.state == sendDone {
		return
	}
	sent := m.sent()
	if m.err == nil {
		m.err = &ConnectionError{Err: err, Sent: sent}
	}
	if m.call != nil {
		m.call.finish(nil, &ConnectionError{Err: err, Sent: sent})
	}
	m.over()
}

// sent reports whether any of the message may have reached the peer. c.mu is held.
func (m *MessageWriter) sent() bool { return m.batch != 0 && m.batch != m.c.unsent }

// over lets go of everything that the message has held. c.mu is held.
func (m *MessageWriter) over() {
	m.state = sendDone
	m.rest = nil
	m.taken.Broadcast()
	if m.stop != nil {
		m.stop()
	}
	if m.done != nil {
		m.done()
	}
	if m.call != nil {
		m.call.settle()
	}
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

var _ io.WriteCloser = (*MessageWriter)(nil)
