package scamp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// A dialing is one attempt, for everybody who waits for it.
type dialing struct {
	done chan struct{} // closed when what follows is there
	conn *Connection
	err  *unmadeError
}

// The waits between attempts to reach a target, before jitter.
const (
	leastWait = 50 * time.Millisecond
	mostWait  = 10 * time.Second
)

// An unmadeError says why there is no connection for a call.
type unmadeError struct {
	err     error
	refused bool // by the instance: it counts as its failure
}

func (e *unmadeError) Error() string { return e.err.Error() }

// forCall is the error of the call: nothing of it has been sent.
func (e *unmadeError) forCall(ctx context.Context, action string) error {
	switch {
	case ctx.Err() != nil:
		return endedBefore(ctx, action)
	case e.err == errDeadline:
		return &TimeoutError{Action: action, Err: context.DeadlineExceeded}
	}
	return &ConnectionError{Err: e.err}
}

var errDeadline = errors.New("the time of the call is over")

// startDial dials a target, unless it is too early for that or there are too many
// connections. q.mu is held.
func (q *Requester) startDial(t target, r *route) (*dialing, error) {
	if wait := time.Until(r.until); wait > 0 {
		return nil, &unmadeError{err: fmt.Errorf("not tried again before %v: %w", wait.Round(time.Millisecond), r.err)}
	}
	p := &q.pool
	limit := q.MaxConnections
	if limit == 0 {
		limit = 1000
	}
	if limit > 0 && len(p.open)-p.leaving+p.dials >= limit && !q.makeRoom() {
		return nil, &unmadeError{err: &LimitError{What: "connections", Limit: limit}}
	}
	d := &dialing{done: make(chan struct{})}
	r.dial = d
	p.dials++
	p.running.Add(1)
	go q.dial(p.ctx, t, r, d)
	return d, nil
}

// dial makes a connection for a route. Whatever Dial does, nobody waits for ever.
func (q *Requester) dial(ctx context.Context, t target, r *route, d *dialing) {
	defer q.pool.running.Done()
	var c *Connection
	err := errNoDial
	defer func() { q.dialed(t, r, d, c, err) }()
	start := time.Now()
	c, err = q.connect(ctx, t)
	if h := q.Config.Trace; h != nil && h.Dialed != nil {
		h.Dialed(t.address, t.fingerprint, err, time.Since(start))
	}
}

var errNoDial = errors.New("scamp: Dial has returned neither a connection nor an error")

// dialed tells everybody what has come of an attempt.
func (q *Requester) dialed(t target, r *route, d *dialing, c *Connection, err error) {
	p := &q.pool
	jitter := 0.0
	if err != nil {
		jitter = float64(q.draw()%jitters) / jitters
	}
	q.mu.Lock()
	p.dials--
	r.dial = nil
	switch {
	case q.closed && c != nil:
		c.mu.Lock()
		c.retire() // nobody has it
		c.mu.Unlock()
		d.err = &unmadeError{err: ErrRequesterClosed}
	case q.closed:
		d.err = &unmadeError{err: ErrRequesterClosed}
	case err != nil:
		r.failed(err, jitter)
		d.err = &unmadeError{err: err, refused: true}
	default:
		r.failures, r.until, r.err = 0, time.Time{}, nil
		r.conn, d.conn = c, c
	}
	if c != nil {
		p.open[c] = &place{target: t}
		p.running.Add(1)
		context.AfterFunc(c.ctx, func() { q.ended(c) })
	}
	q.settle()
	q.mu.Unlock()
	close(d.done)
}

// jitters is how many different waits there are.
const jitters = 1 << 16

// failed notes a failure. The waits double; jitter takes away up to a half of
// them, so that many requesters do not come back at once.
func (r *route) failed(err error, jitter float64) {
	r.failures++
	r.err = err
	if r.failures > 1 {
		wait := min(leastWait<<min(r.failures-2, 20), mostWait)
		r.until = time.Now().Add(wait - time.Duration(jitter*float64(wait/2)))
	}
}

// connect dials and does the TLS handshake. Both together are bounded by
// Config.ConnectTimeout (WIRE-TIME-06).
func (q *Requester) connect(ctx context.Context, t target) (*Connection, error) {
	cfg := q.Config.filled(clientIdle)
	cfg.Fingerprint, cfg.Unverified = t.fingerprint, false
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	hostport, err := HostPort(t.address)
	if err != nil {
		return nil, err
	}
	dial := q.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", hostport)
	switch {
	case err != nil:
		return nil, err
	case nc == nil:
		return nil, errNoDial
	}
	if q.Secure != nil {
		nc, err = q.Secure(ctx, nc, t.fingerprint)
	} else {
		nc, err = clientTLS(ctx, nc, cfg)
	}
	if err != nil {
		return nil, err
	}
	c := newConnection(nc, cfg, nil)
	c.mu.Lock()
	c.pooled = true
	c.mu.Unlock()
	return c, nil
}

// clientTLS does the handshake with a service, and the check of its certificate.
func clientTLS(ctx context.Context, nc net.Conn, cfg Config) (net.Conn, error) {
	settings, err := ClientTLS(cfg)
	if err != nil {
		nc.Close()
		return nil, err
	}
	conn := secure(nc, settings, tls.Client)
	if err := conn.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return conn, nil
}
