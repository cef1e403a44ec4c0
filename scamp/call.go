package scamp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// A Request asks for an action: a header and a body.
type Request struct {
	Header
	// Body is the body; nil is none. A service's handler reads from it.
	//
	// A caller's Body is read until the request is sent, which may be after
	// Call has returned, since a reply may come early. A Body that is an
	// io.Closer is closed when it is no longer needed, and that may be while a
	// Read waits, which Close should end: a call that fails leaves no goroutine
	// behind. A Call that fails at once, because the header cannot be sent or
	// the connection had ended, has not touched it.
	Body io.Reader
	// Ident pins a call of a Requester to one instance: its ident, or
	// fingerprint#ident (DISC-RTE-06). "" is any. Nobody else looks at it.
	Ident string
}

// NewRequest returns a request of version 1 in the envelope json, which may be
// sent more than once. The body is not copied: it must not change before Call has
// returned and, where the action streams, before its reply has been read.
func NewRequest(action string, body []byte) *Request {
	return &Request{
		Header: Header{Action: action, Version: 1, Envelope: "json"},
		Body:   newWhole(body),
	}
}

// whole is a body that is in memory in one piece.
type whole struct {
	bytes.Reader
	octets []byte
}

func newWhole(b []byte) *whole {
	w := &whole{octets: b}
	w.Reset(b)
	return w
}

// inMemory returns a body if it is in memory in one piece.
func inMemory(body io.Reader) ([]byte, bool) {
	switch b := body.(type) {
	case nil:
		return nil, true
	case *whole:
		return b.octets[len(b.octets)-b.Len():], true
	case *bytes.Buffer:
		return b.Bytes(), true
	}
	return nil, false
}

// A Reply is the successful answer to a Request. Its Body must be read to the
// end or closed.
type Reply struct {
	Header
	Body io.ReadCloser
	m    *MessageReader
}

// ReadAll returns the whole body, of at most limit octets; 0 is
// Config.MaxRequest. It fails with what Body.Read would fail with, or with a
// *LimitError.
func (r *Reply) ReadAll(limit int) ([]byte, error) {
	if limit <= 0 {
		limit = r.m.c.cfg.MaxRequest
	}
	return r.m.collect(limit)
}

// A call is a request that waits for its reply.
type call struct {
	c        *Connection
	m        *MessageWriter
	id       uint64 // 0 until the request is being sent
	deadline time.Time
	done     chan struct{}

	// Written once with c.mu held, before done is closed.
	reply *MessageReader
	err   error

	stop func() bool // ends the watch over the caller's context; guarded by c.mu

	// outstanding counts the calls to an instance; nil: nobody counts. It is let
	// go of once, when nothing is left of the call; guarded by c.mu.
	outstanding *atomic.Int64
}

// finish gives the call its outcome; the first one counts. c.mu is held.
func (k *call) finish(reply *MessageReader, err error) {
	if k.reply == nil && k.err == nil {
		k.reply, k.err = reply, err
		close(k.done)
		if err != nil {
			k.uncount()
		}
	}
}

// uncount says that nothing is left of the call. c.mu is held.
func (k *call) uncount() {
	if k.outstanding != nil {
		k.outstanding.Add(-1)
		k.outstanding = nil
	}
}

// giveUp ends the call from this side: no reply is awaited, a request half sent
// ends with TXERR (WIRE-TIME-12), and one of which nothing was sent is never
// sent. c.mu is held.
func (k *call) giveUp(err error, text string) {
	if k.id != 0 {
		delete(k.c.calls, k.id)
	}
	k.finish(nil, err)
	if k.m.state == sendNew {
		k.m.fin = false // it is complete, but nobody has seen it
	}
	k.m.giveUp(err, text)
}

// abandon ends a call whose reply has begun: what is still to come of the reply
// and what is still to be sent of the request are given up. c.mu is held.
func (k *call) abandon(err error, text string) {
	if k.reply.err == nil {
		k.reply.fail(err)
	}
	k.m.giveUp(err, text)
}

// watch abandons the call when the caller's context ends before the call does.
func (k *call) watch(ctx context.Context) {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	if !k.settled() {
		k.stop = context.AfterFunc(ctx, func() { k.canceled(ctx, k.abandon) })
	}
}

// settle ends the call's bookkeeping when both the reply and the request have
// ended: the caller's context may live for long. c.mu is held.
func (k *call) settle() {
	if !k.settled() {
		return
	}
	k.uncount()
	if k.stop != nil {
		k.stop()
		k.stop = nil
	}
}

func (k *call) settled() bool {
	return k.m.state == sendDone && k.reply != nil && (k.reply.err != nil || k.reply.closed != nil)
}

// expire gives the call up because its time is over. c.mu is held.
func (k *call) expire() {
	err := k.timeout(context.DeadlineExceeded)
	k.giveUp(err, err.Error())
	k.suspect()
}

// suspect lets a pooled connection take no more calls, because one has timed
// out on it (WIRE-TIME-05b). c.mu is held.
func (k *call) suspect() {
	if k.c.pooled {
		k.c.retire()
	}
}

func (k *call) timeout(cause error) *TimeoutError {
	return &TimeoutError{Action: k.m.header.Action, Sent: k.sent(), Err: cause}
}

// sent reports whether any of the request may have reached the peer. c.mu is held.
func (k *call) sent() bool { return k.m.sent() }

// canceled says that the caller's context has ended, and lets end take note with
// c.mu held.
func (k *call) canceled(ctx context.Context, end func(err error, text string)) {
	cause, late := context.Cause(ctx), errors.Is(ctx.Err(), context.DeadlineExceeded)
	e := &CanceledError{Action: k.m.header.Action, Err: cause}
	text := e.Error() // of a cause that is not ours: with the mutex free
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	if late {
		e := k.timeout(cause)
		end(e, e.Error())
		k.suspect()
		return
	}
	e.Sent = k.sent()
	end(e, text)
}

// Call sends a request and waits for the header of its reply. The body of the
// reply streams.
//
// The call ends when ctx does, or after Config.CallTimeout if ctx has no
// deadline; time runs from the start of Call to the end of the reply's body.
// Errors are *ReplyError (the action failed), *ConnectionError, *TimeoutError,
// *CanceledError; the body's Read can fail with *AbortError besides.
// Call does not retry.
func (c *Connection) Call(ctx context.Context, r *Request) (*Reply, error) {
	start := time.Now()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = start.Add(c.cfg.CallTimeout)
	}
	h := r.Header
	reply, err := c.do(ctx, &h, r.Body, deadline, nil)
	if t := c.cfg.Trace; t != nil && t.CallDone != nil {
		t.CallDone(ctx, c, r, err, time.Since(start))
	}
	return reply, err
}

// do is Call with everything decided: the header is the callee's, outstanding is
// counted down when nothing is left of the call.
func (c *Connection) do(ctx context.Context, h *Header, body io.Reader, deadline time.Time, outstanding *atomic.Int64) (*Reply, error) {
	var (
		k            *call
		whole, alone bool
		err          error
	)
	if ctx.Err() != nil {
		err = endedBefore(ctx, h.Action)
	} else {
		k, whole, alone, err = c.newCall(h, body, deadline, outstanding)
	}
	switch {
	case err != nil:
		if outstanding != nil {
			outstanding.Add(-1)
		}
		return nil, err
	case !whole:
		go k.upload(body)
	case alone:
		c.flush()
	}
	select {
	case <-k.done:
	case <-ctx.Done():
		k.canceled(ctx, k.giveUp)
	}
	if k.err != nil {
		return nil, k.err
	}
	m := k.reply
	if h := &m.Header; h.failed() { // WIRE-ERR-02
		m.Close()
		e := &ReplyError{Code: h.ErrorCode, Message: h.Error, Data: h.ErrorData}
		if e.Code == "" {
			e.Code = CodeGeneral
		}
		if e.Message == "" {
			e.Message = "Unknown error"
		}
		k.m.Abort(e)
		return nil, e
	}
	if ctx.Done() != nil {
		k.watch(ctx)
	}
	return &Reply{Header: m.Header, Body: m, m: m}, nil
}

// newCall registers a call and lets its request be sent. It reports whether the
// body is in memory, and whether the request is small and alone on the
// connection: then the peer has shown that it has read everything before, the
// transport has room, and the caller may write the request itself without
// hanging there longer than its context allows (WIRE-TIME-04c).
func (c *Connection) newCall(h *Header, body io.Reader, deadline time.Time, outstanding *atomic.Int64) (k *call, whole, alone bool, err error) {
	if h.Action == "" {
		return nil, false, false, errNoAction // WIRE-HDR-10a
	}
	h.Type, h.RequestID = TypeRequest, ID{}
	if h.Version == 0 {
		h.Version = 1
	}
	if h.Envelope == "" {
		h.Envelope = "json"
	}
	if err := h.check(); err != nil {
		return nil, false, false, err
	}
	octets, whole := inMemory(body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, false, false, &ConnectionError{Err: c.err}
	}
	if c.closing {
		return nil, false, false, &ConnectionError{Err: ErrClosed}
	}
	seen := c.proof == c.created
	m := c.newMessage(h)
	k = &call{c: c, m: m, deadline: deadline, done: make(chan struct{}), outstanding: outstanding}
	m.call = k
	m.rest, m.fin = octets, whole
	alone = whole && len(octets) <= maxChunk && seen && m.seq > 1 && len(c.calls) == 0 && len(c.ready) == 0 && len(c.out) == 0
	c.inline = alone
	m.enqueue()
	c.inline = false
	c.arm(deadline)
	return k, whole, alone, nil
}

var errNoAction = errors.New("scamp: request without action")
