package scamp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// An EnvelopeFormat says how a body is to be read.
type EnvelopeFormat string

// The envelopes.
const (
	ENVELOPE_JSON      EnvelopeFormat = "json"
	ENVELOPE_JSONSTORE EnvelopeFormat = "jsonstore"
)

// A Request asks for an action.
type Request struct {
	Action         string
	EnvelopeFormat EnvelopeFormat // "" is ENVELOPE_JSON
	Version        int            // 0 is 1
	Body           []byte         // nil is {} in the envelopes above, nothing in others; it must not change until the reply has come

	Ticket           string
	IdentifyingToken string
}

// A Reply is what a service has answered. It is a failure if Error is not empty: then ErrorCode is not, either, and there is
// no Body.
type Reply struct {
	Body      []byte
	ErrorCode string
	Error     string
	ErrorData json.RawMessage // a JSON object, or nil
}

// A Connection is a connection to one service. The zero Connection is ready for Connect. Its methods may be called from any
// goroutine.
type Connection struct {
	mu      sync.Mutex
	conn    *scamp.Connection // nil: there is none
	bus     *bus
	ids     []discovery.Identity // of the service
	pending []chan outcome       // of the requests whose replies have not been received, in their order
	calls   sync.WaitGroup
}

type outcome struct {
	reply Reply
	err   error
}

var (
	// ErrNotConnected: there is no connection; Connect makes one.
	ErrNotConnected = errors.New("scamp: not connected")
	// ErrNoRequest: no request has been sent whose reply could be received.
	ErrNoRequest = errors.New("scamp: no request waits for a reply")
)

// Connect connects to the service at an address, "host:port" as it is announced. The certificate must be that of the
// announcement in the discovery cache; without one it refuses.
func (c *Connection) Connect(address string) error {
	b := current.Load()
	if b == nil {
		return ErrNotInitialized
	}
	found, err := b.announced(address)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		return errors.New("scamp: connected already")
	}
	var errs []error
	for _, ids := range found { // more than one where an address has changed hands
		cfg := b.cfg
		cfg.Fingerprint = ids[0].Fingerprint
		conn, err := scamp.Dial(context.Background(), address, cfg)
		if err == nil {
			c.conn, c.bus, c.ids = conn, b, ids
			return nil
		}
		if errs = append(errs, err); !errors.As(err, new(*scamp.FingerprintError)) {
			break
		}
	}
	return fmt.Errorf("scamp: cannot connect to %s: %w", address, errors.Join(errs...))
}

// SendRequest sends a request, and does not wait for its reply, which RecvReply returns. Further requests may be sent
// meanwhile; a service works on them side by side.
func (c *Connection) SendRequest(r Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return ErrNotConnected
	}
	if err := c.conn.Err(); err != nil {
		return &scamp.ConnectionError{Err: err}
	}
	h, err := c.bus.header(&r, c.ids)
	if err != nil {
		return err
	}
	body := r.Body
	if body == nil && (h.Envelope == string(ENVELOPE_JSON) || h.Envelope == string(ENVELOPE_JSONSTORE)) {
		body = []byte("{}") // an empty body is no JSON (WIRE-ENV-01a)
	}
	done := make(chan outcome, 1)
	c.pending = append(c.pending, done)
	conn := c.conn
	c.calls.Go(func() {
		reply, err := call(conn, &scamp.Request{Header: h, Body: bytes.NewBuffer(body)})
		done <- outcome{reply, err}
	})
	return nil
}

// call calls an action, and reads the reply to its end.
func call(conn *scamp.Connection, r *scamp.Request) (Reply, error) {
	reply, err := conn.Call(context.Background(), r)
	if failed := new(scamp.ReplyError); errors.As(err, &failed) {
		return Reply{ErrorCode: failed.Code, Error: failed.Message, ErrorData: failed.Data}, nil
	}
	if err != nil {
		return Reply{}, err
	}
	body, err := reply.ReadAll(0)
	if err != nil {
		return Reply{}, err
	}
	if r.Envelope == string(ENVELOPE_JSON) && !(utf8.Valid(body) && json.Valid(body)) {
		return Reply{}, &scamp.BodyError{Reason: "it is not one JSON text"}
	}
	return Reply{Body: body}, nil
}

// RecvReply waits for the reply to the first request whose reply has not been received, so that replies come in the order of
// the requests. A service's failure is a Reply; an error means that there is none: it has not come in time, which is
// rpc.timeout, or the connection is lost. Without such a request it fails with ErrNoRequest.
func (c *Connection) RecvReply() (Reply, error) {
	c.mu.Lock()
	if len(c.pending) == 0 {
		defer c.mu.Unlock()
		if c.conn == nil {
			return Reply{}, ErrNotConnected
		}
		return Reply{}, ErrNoRequest
	}
	done := c.pending[0]
	c.pending = c.pending[1:]
	c.mu.Unlock()
	o := <-done
	return o.reply, o.err
}

// Close ends the connection at once. What has not been received is lost. Connect may be called again. It always returns nil.
func (c *Connection) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
		c.calls.Wait()
	}
	c.conn, c.bus, c.ids, c.pending = nil, nil, nil, nil
	return nil
}

var _ io.Closer = (*Connection)(nil)
