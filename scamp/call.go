package scamp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// A Request asks for an action: a header and a body.
type Request struct {
	Header
	// Body is the body; nil is none. A service's handler reads from it. A
	// caller's Body is read until the request is sent, which may be after Call
	// has returned, since a reply may come early.
	Body io.Reader
}

// NewRequest returns a request of version 1 in the envelope json. The body is
// not copied: it must not change before the reply has been read.
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

// inMemory returns the body if it is in memory in one piece.
func (r *Request) inMemory() ([]byte, bool) {
	switch b := r.Body.(type) {
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

// collect waits for the end of the message and returns what of the body has not been read.
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
		m.overflow()
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
}

// finish gives the call its outcome; the first one counts. c.mu is held.
func (k *call) finish(reply *MessageReader, err error) {
	if k.reply == nil && k.err == nil {
		k.reply, k.err = reply, err
		close(k.done)
	}
}

// giveUp ends the call from this side: no reply is awaited, a request half sent
// ends with TXERR (WIRE-TIME-12). c.mu is held.
func (k *call) giveUp(err error) {
	if k.id != 0 {
		delete(k.c.calls, k.id)
	}
	k.finish(nil, err)
	k.m.giveUp(err)
}

func (k *call) expire() { k.giveUp(k.timeout(context.DeadlineExceeded)) }

func (k *call) timeout(cause error) error {
	return &TimeoutError{Action: k.m.header.Action, Sent: k.sent(), Err: cause}
}

// sent reports whether any of the request may have reached the peer.
func (k *call) sent() bool { return k.m.state != sendNew && k.id != 0 }

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
	reply, err := c.call(ctx, r, start)
	if t := c.cfg.Trace; t != nil && t.CallDone != nil {
		t.CallDone(c, r, err, time.Since(start))
	}
	return reply, err
}

func (c *Connection) call(ctx context.Context, r *Request, start time.Time) (*Reply, error) {
	k, whole, alone, err := c.newCall(ctx, r, start)
	switch {
	case err != nil:
		return nil, err
	case !whole:
		go k.upload(r.Body)
	case alone:
		c.flush()
	}
	select {
	case <-k.done:
	case <-ctx.Done():
		c.mu.Lock()
		k.giveUp(contextError(ctx, k))
		c.mu.Unlock()
	}
	if k.err != nil {
		return nil, k.err
	}
	m := k.reply
	if h := &m.Header; h.ErrorCode != "" || h.Error != "" { // WIRE-ERR-02
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
	c.mu.Lock()
	if m.err == nil && ctx.Done() != nil {
		context.AfterFunc(ctx, func() { m.fail(contextError(ctx, k)) })
	}
	c.mu.Unlock()
	return &Reply{Header: m.Header, Body: m, m: m}, nil
}

// newCall registers a call and lets its request be sent. It reports whether the
// body is in memory, and whether the request is small and alone on the
// connection: then everything sent before has been answered, the transport has
// room, and the caller may write the request itself.
func (c *Connection) newCall(ctx context.Context, r *Request, start time.Time) (k *call, whole, alone bool, err error) {
	h := r.Header
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
	body, whole := r.inMemory()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = start.Add(c.cfg.CallTimeout)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, false, false, &ConnectionError{Err: c.err}
	}
	if c.closing {
		return nil, false, false, &ConnectionError{Err: ErrClosed}
	}
	m := c.newMessage(h)
	k = &call{c: c, m: m, deadline: deadline, done: make(chan struct{})}
	m.call = k
	m.rest, m.fin = body, whole
	alone = whole && len(body) <= maxChunk && len(c.calls) == 0 && len(c.ready) == 0 && len(c.out) == 0
	c.inline = alone
	m.enqueue()
	c.inline = false
	c.arm(deadline)
	return k, whole, alone, nil
}

// upload sends a body that is not in memory. A body that fails aborts the
// request and with it the call.
func (k *call) upload(body io.Reader) {
	_, err := io.Copy(k.m, body)
	if err == nil {
		k.m.Close()
		return
	}
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	if k.m.err == nil { // it is the body that failed
		k.giveUp(&CanceledError{Action: k.m.header.Action, Sent: k.sent(), Err: err})
	}
}

func contextError(ctx context.Context, k *call) error {
	cause := context.Cause(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return k.timeout(cause)
	}
	return &CanceledError{Action: k.m.header.Action, Sent: k.sent(), Err: cause}
}
