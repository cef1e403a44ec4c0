package scamp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"
	"unicode/utf8"
)

// A handling is a request in the hands of a handler.
type handling struct {
	c      *Connection
	m      *MessageReader
	action *Action
	ctx    context.Context
	cancel context.CancelCauseFunc
	start  time.Time

	// The handler's own.
	request Request
	writer  ReplyWriter
	result  outcome

	// Guarded by c.mu.
	deadline time.Time
	reply    *MessageWriter // nil until the reply's header is due
	waits    bool           // nobody has begun with the request: it waits for leave, or for its turn
	over     bool           // its time has passed, and it has been answered for
	parts    int            // what still holds the request: the handler, the reply
	kept     int            // octets of the collected body
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
		m.action = action
		m.limit = action.MaxBody
		if m.limit == 0 {
			m.limit = c.cfg.MaxRequest
		} else if m.limit < 0 {
			m.limit = math.MaxInt
		}
	}
}

// admit finds the action of a request, or says why there is none.
func (c *Connection) admit(h *Header) (*Action, *ReplyError) {
	switch {
	case c.server == nil:
		return nil, &ReplyError{Code: CodeNotFound, Message: "this side offers no actions"}
	case !c.drained.IsZero():
		return nil, &ReplyError{Code: CodeTransport, Message: "the service is stopping", Data: notExecuted}
	case c.serving-c.refusals > c.cfg.MaxMessages || c.closing:
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

// refuse drops a request, all but its id. It is answered when it has been read
// to its end (WIRE-RPC-08b). c.mu is held.
func (m *MessageReader) refuse(err *ReplyError) {
	if m.refusal == nil {
		m.c.refusing++
	}
	m.refusal = err
	m.drop()
	id := m.Header.RequestID
	m.Header = Header{RequestID: id}
	m.hold(len(id.raw))
}

// answerRefusal sends what refuse was told, once. It fails when the peer leaves
// too many such answers unread. c.mu is held.
func (m *MessageReader) answerRefusal() error {
	if m.refusal == nil || m.answered {
		return nil
	}
	c := m.c
	if c.refusals == maxRefusals {
		return &LimitError{What: "refusals waiting to be read", Limit: maxRefusals}
	}
	m.answered = true
	m.users++
	c.refusals++
	w := c.errorReply(m.Header.RequestID, m.refusal)
	w.done = func() {
		c.refusals--
		c.refusing--
		c.serving--
		m.users--
		m.settle()
	}
	w.enqueue()
	return nil
}

// ended goes on with a message that has come to its end: it is complete, or it
// was given up by the peer. An error is fatal to the connection. c.mu is held.
func (c *Connection) ended(m *MessageReader, abort *AbortError) error {
	switch {
	case m.refusal != nil:
	case m.mode != modeCollect || m.action == nil:
		return nil
	case abort == nil:
		c.handle(m, m.action)
		return nil
	}
	if abort != nil { // WIRE-ERR-05
		m.refuse(&ReplyError{Code: CodeTransport, Message: "request given up: " + abort.Text, Data: notExecuted})
	}
	return m.answerRefusal()
}

// handle gives a request to its handler. c.mu is held.
func (c *Connection) handle(m *MessageReader, action *Action) {
	h := &handling{c: c, m: m, action: action, start: c.active, parts: 2, waits: true}
	h.ctx, h.cancel = context.WithCancelCause(c.ctx)
	limit := action.Timeout
	if limit == 0 {
		limit = c.cfg.HandlerTimeout
	} else if limit < 0 {
		limit = never
	}
	h.deadline = h.start.Add(limit)
	c.arm(h.deadline)
	c.handlings[h] = struct{}{}
	m.users++
	c.served.Add(1)
	c.server.running.Add(1)
	go h.run()
}

// release notes that the handler has returned, or that its reply has ended.
// c.mu is held.
func (h *handling) release() {
	if h.parts--; h.parts == 0 {
		h.c.serving--
		h.m.users--
		h.m.settle()
	}
}

// expire answers for a handler that has run too long (WIRE-TIME-07), or that will not
// run because its request has waited for too long (WIRE-ERR-07d). c.mu is held.
func (h *handling) expire() {
	delete(h.c.handlings, h)
	h.over = true
	switch {
	case h.reply != nil:
		h.reply.giveUp(ErrHandlerTime, ErrHandlerTime.Error())
	case h.waits:
		h.send(h.c.errorReply(h.m.Header.RequestID, errNoTime))
	default:
		h.send(h.c.errorReply(h.m.Header.RequestID, &ReplyError{Code: CodeGeneral, Message: ErrHandlerTime.Error()}))
	}
	h.cancel(ErrHandlerTime)
}

// errNoTime is the answer to a request that has waited for too long.
var errNoTime = &ReplyError{Code: CodeTransport, Message: "no time left for the request", Data: notExecuted}

// wait notes that the request waits, or that it does no longer: then it must not be
// executed if that is false, since it has been answered for.
func (h *handling) wait(waits bool) (goOn bool) {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	h.waits = waits
	return !h.over
}

// send lets a reply go out. From now on the request is answered, if need be with
// HEADER and TXERR (WIRE-RPC-06a). c.mu is held.
func (h *handling) send(w *MessageWriter) {
	h.reply = w
	w.begun = true
	if h.c.err != nil {
		w.state, w.err = sendDone, &ConnectionError{Err: h.c.err}
		h.release()
		return
	}
	w.done = h.release
	w.enqueue()
}

// run handles the request. conclude is deferred because a handler may end its
// goroutine. Handlers begin with a small stack: little of it is used here, so
// that it need not grow for small replies.
func (h *handling) run() {
	h.request.Header = h.m.Header
	h.request.Body = h.m
	h.writer.h = h
	h.result = gone
	defer h.conclude()
	ctx, err := h.admit()
	if err == nil {
		err = h.check()
	}
	if err != nil {
		h.result = outcomeOf(err)
		return
	}
	h.call(ctx)
}

// conclude ends the reply of a handler that has returned.
func (h *handling) conclude() {
	c := h.c
	c.mu.Lock()
	c.server.running.Add(-1) // before the caller can know that it has its reply
	alone := c.serving == 1  // nobody is there to share a batch with
	c.inline = alone
	h.writer.end(&h.result)
	c.inline = false
	h.m.fail(ErrClosed)
	c.buffered -= h.kept
	delete(c.handlings, h)
	h.release()
	c.mu.Unlock()
	if alone {
		c.flush()
	}
	h.cancel(nil)
	if t := c.cfg.Trace; t != nil && t.Served != nil {
		t.Served(h.ctx, c, &h.request, h.result.err, time.Since(h.start))
	}
	c.served.Done()
}

// check begins with a request that has leave: it hands a collected body over and
// looks whether it is what its envelope says (WIRE-ENV-01b). The body counts as
// buffered until the handler returns.
func (h *handling) check() error {
	c := h.c
	c.mu.Lock()
	h.waits = false
	over := h.over
	var body []byte
	if !h.action.Stream {
		body, h.m.buf = h.m.buf, nil
		h.kept = len(body)
	}
	c.mu.Unlock()
	switch {
	case over:
		return errNoTime
	case h.action.Stream:
		return nil
	}
	h.request.Body = newWhole(body)
	if h.request.Envelope == "json" && !(utf8.Valid(body) && json.Valid(body)) {
		return &ReplyError{Code: CodeBadRequest, Message: "the body is not one JSON text"}
	}
	return nil
}

// call runs the handler. A panic fails its own request and nothing else
// (WIRE-SVC-09).
func (h *handling) call(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			h.panicked(p)
		}
	}()
	h.result = outcomeOf(h.c.server.handler(h.action).ServeSCAMP(ctx, &h.writer, &h.request))
}

func (h *handling) panicked(p any) {
	r := &h.request
	h.c.cfg.Logger.Error("handler panicked", "action", r.Action, "version", r.Version,
		"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	h.result = outcome{errors.New("handler panicked"), errInternal, errInternal.Message}
}

// An outcome is what a handler's error comes to. It is made with the mutex free,
// and where a panic is caught: the methods of the error are the handler's.
type outcome struct {
	err   error
	reply *ReplyError // where nothing has left
	text  string      // of the TXERR, where something has
}

var (
	errInternal = &ReplyError{Code: CodeGeneral, Message: "internal error"}
	gone        = outcome{errors.New("handler ended its goroutine"), errInternal, errInternal.Message}
)

func outcomeOf(err error) outcome {
	if err == nil {
		return outcome{}
	}
	o := outcome{err: err, text: err.Error()}
	var abort *AbortError
	switch {
	case errors.As(err, &o.reply):
	case errors.As(err, &abort):
		o.reply = &ReplyError{Code: CodeTransport, Message: "request given up: " + abort.Text}
	default:
		o.reply = &ReplyError{Code: CodeGeneral, Message: o.text}
	}
	return o
}
