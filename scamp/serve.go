package scamp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"
)

// A handling is a request in the hands of a handler.
type handling struct {
	c      *Connection
	m      *MessageReader
	action *Action
	ctx    context.Context
	cancel context.CancelCauseFunc
	start  time.Time

	// Guarded by c.mu.
	deadline time.Time
	reply    *MessageWriter // nil until the reply's header is due
	over     bool           // the handler ran too long and has been answered for
	parts    int            // what still holds the request: the handler, the reply
}

// request takes a request in, from its HEADER on. c.mu is held.
func (c *Connection) request(m *MessageReader) {
	h := &m.Header
	if h.RequestID.IsZero() {
		c.discard(m, "it has no usable request_id") // WIRE-HDR-14
		return
	}
	if h.Version == 0 {
		h.Version = 1 // WIRE-HDR-11a
	}
	if h.Envelope == "" {
		h.Envelope = "json" // WIRE-HDR-12a
	}
	c.serving++
	action, refusal := c.admit(h)
	switch {
	case refusal != nil:
		m.refuse(refusal)
	case action.Stream:
		c.handle(m, action)
	default:
		m.mode = modeCollect
		m.handling = &handling{action: action}
		m.limit = action.MaxBody
		if m.limit == 0 {
			m.limit = c.cfg.MaxRequest
		}
	}
}

// admit finds the action of a request, or says why there is none.
func (c *Connection) admit(h *Header) (*Action, *ReplyError) {
	switch {
	case c.server == nil:
		return nil, &ReplyError{Code: CodeNotFound, Message: "this side offers no actions"}
	case c.serving > c.cfg.MaxMessages || c.closing:
		return nil, &ReplyError{Code: CodeTransport, Message: "too many requests in progress", Data: notExecuted}
	case h.wrong&wrongAction != 0:
		return nil, &ReplyError{Code: CodeBadRequest, Message: "action is not a string"}
	case h.wrong&wrongVersion != 0:
		return nil, &ReplyError{Code: CodeBadRequest, Message: "version is not an integer from 1"}
	case h.wrong&wrongEnvelope != 0:
		return nil, &ReplyError{Code: CodeBadRequest, Message: "envelope is not a string"}
	}
	return c.server.Mux.find(h)
}

// refuse drops a request. It is answered when it has been read to its end
// (WIRE-RPC-08b). c.mu is held.
func (m *MessageReader) refuse(err *ReplyError) {
	m.refusal = err
	m.drop()
}

// answerRefusal sends what refuse was told, once. c.mu is held.
func (m *MessageReader) answerRefusal() {
	if m.refusal == nil || m.answered {
		return
	}
	m.answered = true
	c := m.c
	w := c.errorReply(m.Header.RequestID, m.refusal)
	w.done = func() { c.serving-- }
	w.enqueue()
}

// ended goes on with a message that has come to its end: it is complete, or it
// was given up by the peer. c.mu is held.
func (c *Connection) ended(m *MessageReader, abort *AbortError) {
	switch {
	case m.refusal != nil:
	case m.mode != modeCollect || m.handling == nil:
		return
	case abort == nil:
		c.handle(m, m.handling.action)
		return
	}
	if abort != nil { // WIRE-ERR-05
		m.refuse(&ReplyError{Code: CodeTransport, Message: "request given up: " + abort.Text, Data: notExecuted})
	}
	m.answerRefusal()
}

// handle gives a request to its handler. c.mu is held.
func (c *Connection) handle(m *MessageReader, action *Action) {
	h := &handling{c: c, m: m, action: action, start: c.active, parts: 2}
	h.ctx, h.cancel = context.WithCancelCause(c.ctx)
	m.handling = h
	limit := action.Timeout
	if limit == 0 {
		limit = c.cfg.HandlerTimeout
	}
	h.deadline = h.start.Add(limit)
	c.arm(h.deadline)
	c.handlings[h] = struct{}{}
	c.server.handlers.Add(1)
	go h.run()
}

// release notes that the handler has returned, or that its reply has ended.
// c.mu is held.
func (h *handling) release() {
	if h.parts--; h.parts == 0 {
		h.c.serving--
	}
}

// expire answers for a handler that has run too long (WIRE-TIME-07). c.mu is held.
func (h *handling) expire() {
	delete(h.c.handlings, h)
	h.over = true
	if h.reply != nil {
		h.reply.giveUp(ErrHandlerTime)
	} else {
		h.send(h.c.errorReply(h.m.Header.RequestID, &ReplyError{Code: CodeGeneral, Message: ErrHandlerTime.Error()}))
	}
	h.cancel(ErrHandlerTime)
}

// send lets a reply go out. c.mu is held.
func (h *handling) send(w *MessageWriter) {
	h.reply = w
	if h.c.err != nil {
		w.state, w.err = sendDone, &ConnectionError{Err: h.c.err}
		h.release()
		return
	}
	done := w.done
	w.done = func() {
		h.release()
		if done != nil {
			done()
		}
	}
	w.enqueue()
}

func (h *handling) run() {
	c := h.c
	defer c.server.handlers.Done()
	r := &Request{Header: h.m.Header, Body: h.m}
	w := &ReplyWriter{h: h}
	err := h.check(r)
	if err == nil {
		err = h.call(w, r)
	}
	c.mu.Lock()
	alone := c.serving == 1 // nobody is there to share a batch with
	c.inline = alone
	w.end(err)
	c.inline = false
	h.m.failLocked(ErrClosed)
	delete(c.handlings, h)
	h.release()
	c.mu.Unlock()
	if alone {
		c.flush()
	}
	h.cancel(nil)
	if t := c.cfg.Trace; t != nil && t.Served != nil {
		t.Served(c, r, err, time.Since(h.start))
	}
}

// check hands a collected body over and looks whether it is what its envelope
// says (WIRE-ENV-01b).
func (h *handling) check(r *Request) error {
	if h.action.Stream {
		return nil
	}
	c := h.c
	c.mu.Lock()
	body := h.m.buf
	h.m.buf = nil
	c.buffered -= len(body)
	c.mu.Unlock()
	r.Body = newWhole(body)
	if r.Envelope == "json" && !json.Valid(body) {
		return &ReplyError{Code: CodeBadRequest, Message: "the body is not one JSON text"}
	}
	return nil
}

// call runs the handler. A panic fails its own request and nothing else
// (WIRE-SVC-09).
func (h *handling) call(w *ReplyWriter, r *Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.c.cfg.Logger.Error("handler panicked", "action", r.Action, "version", r.Version,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = &ReplyError{Code: CodeGeneral, Message: "internal error"}
		}
	}()
	return h.action.handler.ServeSCAMP(h.ctx, w, r)
}

// errorReply makes an error reply (WIRE-ERR-01). Where its header would be too
// long, it is shortened. c.mu is held.
func (c *Connection) errorReply(id ID, err error) *MessageWriter {
	e := &ReplyError{}
	var abort *AbortError
	switch {
	case errors.As(err, &e):
	case errors.As(err, &abort):
		e.Code, e.Message = CodeTransport, "request given up: "+abort.Text
	default:
		e.Code, e.Message = CodeGeneral, err.Error()
	}
	h := Header{Type: TypeReply, RequestID: id, ErrorCode: abortText(e.Code), Error: abortText(e.Message), ErrorData: e.Data}
	if e.Code == "" {
		h.ErrorCode = CodeGeneral
	}
	if e.Message == "" {
		h.Error = "Unknown error"
	}
	if h.check() != nil {
		h.ErrorData = nil
	}
	if h.check() != nil { // an id of nearly the size of a packet
		m := c.newMessage(Header{Type: TypeReply, RequestID: id})
		m.abort, m.begun = h.Error, true
		return m
	}
	m := c.newMessage(h)
	m.fin = true
	return m
}

// A ReplyWriter takes the reply of a handler. Small bodies leave in one piece
// when the handler returns, larger ones as they are written. It must not be
// used after the handler has returned.
type ReplyWriter struct {
	// Header has the further members of the reply's header. It may be changed
	// until the first octets have left, after 16 KiB or Flush.
	Header Header

	h   *handling
	m   *MessageWriter // nil: nothing has left
	buf *[]byte
}

var replyBuffers = sync.Pool{New: func() any { b := make([]byte, 0, maxChunk); return &b }}

// Write sends p as part of the body. It waits while the caller does not take
// what it has. It fails when the connection has ended or the handler's time is over.
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

// open begins the reply. c.mu is held.
func (w *ReplyWriter) open() error {
	switch {
	case w.h.over:
		return ErrHandlerTime
	case w.m != nil:
		return nil
	case w.h.c.err != nil:
		return &ConnectionError{Err: w.h.c.err}
	}
	w.Header.Type, w.Header.RequestID = TypeReply, w.h.m.Header.RequestID
	if err := w.Header.check(); err != nil {
		return err
	}
	w.m = w.h.c.newMessage(w.Header)
	w.h.send(w.m)
	return nil
}

// end completes the reply as the handler's error says.
// c.mu is held.
func (w *ReplyWriter) end(err error) {
	c := w.h.c
	if w.h.over {
		return
	}
	if err == nil {
		err = w.open()
	}
	switch {
	case err != nil && w.m != nil:
		w.m.giveUp(err)
	case err != nil:
		w.h.send(c.errorReply(w.h.m.Header.RequestID, err))
	default:
		if b := w.buf; b != nil && w.m.state != sendDone {
			w.m.rest = *b
			done := w.m.done
			w.m.done = func() {
				done()
				*b = (*b)[:0]
				replyBuffers.Put(b)
			}
			w.buf = nil
		}
		w.m.complete()
	}
}

var _ io.Writer = (*ReplyWriter)(nil)
