package scamp

import (
	"io"
	"sync"
)

// A ReplyWriter takes the reply of a handler. Small bodies leave in one piece
// when the handler returns, larger ones as they are written. It is for one
// goroutine at a time, and must not be used after the handler has returned.
type ReplyWriter struct {
	// Header has the further members of the reply's header. It may be changed
	// until the first octets have left, after 16 KiB or Flush.
	Header Header

	h     *handling
	m     *MessageWriter // nil: nothing has left
	buf   *[]byte
	ended bool // the handler has returned; guarded by c.mu
}

var replyBuffers = sync.Pool{New: func() any { b := make([]byte, 0, maxChunk); return &b }}

// Write sends p as part of the body. It waits while the caller does not take
// what it has. It fails when the connection has ended or the handler's time is
// over, at the latest when what was written has to leave.
func (w *ReplyWriter) Write(p []byte) (int, error) {
	if w.buf == nil {
		w.buf = replyBuffers.Get().(*[]byte)
	}
	if len(*w.buf)+len(p) <= maxChunk {
		*w.buf = append(*w.buf, p...)
		return len(p), nil
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	return w.m.Write(p)
}

// Flush sends what has been written so far, and the header before it.
func (w *ReplyWriter) Flush() error {
	c := w.h.c
	c.mu.Lock()
	err := w.open()
	c.mu.Unlock()
	if err != nil || w.buf == nil || len(*w.buf) == 0 {
		return err
	}
	_, err = w.m.Write(*w.buf)
	*w.buf = (*w.buf)[:0]
	return err
}

// open begins the reply, unless it has begun. c.mu is held.
func (w *ReplyWriter) open() error {
	switch {
	case w.h.over:
		return ErrHandlerTime
	case w.ended:
		return errWriteAfterClose
	case w.m != nil:
		return nil
	}
	return w.begin()
}

// begin begins the reply. c.mu is held.
func (w *ReplyWriter) begin() error {
	c := w.h.c
	if c.err != nil {
		return &ConnectionError{Err: c.err}
	}
	w.Header.Type, w.Header.RequestID = TypeReply, w.h.m.Header.RequestID
	if err := w.Header.check(); err != nil {
		return err
	}
	w.m = c.newMessage(&w.Header)
	w.h.send(w.m)
	return nil
}

// end completes the reply as the handler's outcome says. c.mu is held.
func (w *ReplyWriter) end(result *outcome) {
	w.ended = true
	if w.h.over {
		return
	}
	if result.err == nil && w.m == nil {
		if err := w.begin(); err != nil {
			*result = outcomeOf(err)
		}
	}
	switch {
	case result.err != nil && w.m != nil:
		w.m.giveUp(result.err, result.text)
	case result.err != nil:
		w.h.send(w.h.c.errorReply(w.h.m.Header.RequestID, result.reply))
	default:
		w.hand()
		w.m.complete()
	}
}

// hand gives what has been written and has not left to the message, which
// returns the buffer when it has ended. c.mu is held.
func (w *ReplyWriter) hand() {
	b := w.buf
	if b == nil || w.m.state == sendDone {
		return
	}
	w.buf = nil
	w.m.rest = *b
	done := w.m.done
	w.m.done = func() {
		done()
		*b = (*b)[:0]
		replyBuffers.Put(b)
	}
}

var _ io.Writer = (*ReplyWriter)(nil)

// errorReply makes an error reply (WIRE-ERR-01). Data that cannot be sent is left
// out. c.mu is held.
func (c *Connection) errorReply(id ID, e *ReplyError) *MessageWriter {
	h := Header{Type: TypeReply, RequestID: id, ErrorCode: CodeGeneral, Error: "Unknown error", ErrorData: e.Data}
	if e.Code != "" {
		h.ErrorCode = abortText(e.Code)
	}
	if e.Message != "" {
		h.Error = abortText(e.Message)
	}
	if h.check() != nil {
		h.ErrorData = nil
	}
	if h.check() != nil { // an id of nearly the size of a packet
		m := c.newMessage(&Header{Type: TypeReply, RequestID: id})
		m.abort, m.begun = h.Error, true
		return m
	}
	m := c.newMessage(&h)
	m.fin = true
	return m
}
