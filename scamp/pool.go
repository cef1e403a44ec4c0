package scamp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// pool is the connections of a Requester: one for each address and fingerprint,
// made when a call needs it (WIRE-CONN-04, 05).
type pool struct {
	routes  map[target]*route
	open    map[*Connection]*place // those that have left their route included
	leaving int                    // how many of them make room
	dials   int                    // in progress
	ctx     context.Context        // of dials
	cancel  context.CancelFunc
	running sync.WaitGroup // dials, and what waits for the ends of connections
	empty   chan struct{}  // closed when nothing is open any more; nil: nobody waits
}

// A target is what connections are kept by.
type target struct{ address, fingerprint string }

// A place is what is known about an open connection.
type place struct {
	target
	leaving bool // it is closing to make room, and counts no more
}

// A route leads to a target. It is dropped when it says nothing.
type route struct {
	conn *Connection // nil: there is none
	dial *dialing    // nil: nobody dials

	// After failures in a row: when the next attempt may be made, and why the
	// last one failed. The first failure does not delay the second attempt, so
	// that an instance that was restarted is reached at once.
	failures int
	until    time.Time
	err      error
}

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

// connection returns the connection to a target, and makes it where there is
// none. It reports whether it was made meanwhile.
func (q *Requester) connection(ctx context.Context, t target, deadline time.Time) (c *Connection, isNew bool, err error) {
	q.mu.Lock()
	r, err := q.route(t)
	if err != nil {
		q.mu.Unlock()
		return nil, false, err
	}
	if c := r.conn; c != nil {
		q.mu.Unlock()
		return c, false, nil
	}
	d := r.dial
	if d == nil {
		if d, err = q.startDial(t, r); err != nil {
			q.mu.Unlock()
			return nil, false, err
		}
	}
	q.mu.Unlock()
	over := time.NewTimer(time.Until(deadline))
	defer over.Stop()
	select {
	case <-d.done:
	case <-ctx.Done():
		return nil, false, &unmadeError{err: context.Cause(ctx)}
	case <-over.C:
		return nil, false, &unmadeError{err: errDeadline}
	}
	switch {
	case d.err != nil:
		return nil, false, d.err
	case !time.Now().Before(deadline):
		return nil, false, &unmadeError{err: errDeadline}
	}
	return d.conn, true, nil
}

// route returns the route to a target. q.mu is held.
func (q *Requester) route(t target) (*route, error) {
	if q.closed {
		return nil, &unmadeError{err: ErrRequesterClosed}
	}
	p := &q.pool
	if p.routes == nil {
		p.routes = map[target]*route{}
		p.open = map[*Connection]*place{}
		p.ctx, p.cancel = context.WithCancel(context.Background())
	}
	r := p.routes[t]
	if r == nil {
		p.sweep(time.Now())
		r = new(route)
		p.routes[t] = r
	}
	return r, nil
}

// sweep drops routes that say nothing any more, when there are many. q.mu is held.
func (p *pool) sweep(now time.Time) {
	if len(p.routes) < 64 || len(p.routes) < 2*(len(p.open)+p.dials) {
		return
	}
	for t, r := range p.routes {
		if r.conn == nil && r.dial == nil && now.After(r.until.Add(mostWait)) {
			delete(p.routes, t)
		}
	}
}

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

// makeRoom closes a connection on which nothing is outstanding, if there is one.
// q.mu is held.
func (q *Requester) makeRoom() bool {
	p := &q.pool
	var oldest *Connection
	var since time.Time
	for c, place := range p.open {
		if place.leaving {
			continue
		}
		c.mu.Lock()
		if idle := c.err == nil && !c.busy(); idle && (oldest == nil || c.active.Before(since)) {
			oldest, since = c, c.active
		}
		c.mu.Unlock()
	}
	if oldest == nil {
		return false
	}
	q.leave(oldest)
	p.open[oldest].leaving = true
	p.leaving++
	oldest.mu.Lock()
	oldest.retire()
	oldest.mu.Unlock()
	return true
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

// forget lets calls no longer use a connection that has ended, or takes no more
// of them.
func (q *Requester) forget(c *Connection) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leave(c)
}

// leave takes a connection from its route. q.mu is held.
func (q *Requester) leave(c *Connection) {
	p := &q.pool
	place := p.open[c]
	if place == nil {
		return
	}
	if r := p.routes[place.target]; r != nil && r.conn == c {
		delete(p.routes, place.target)
	}
}

// ended notes that a connection has ended.
func (q *Requester) ended(c *Connection) {
	defer q.pool.running.Done()
	c.wg.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leave(c)
	if q.pool.open[c].leaving {
		q.pool.leaving--
	}
	delete(q.pool.open, c)
	q.settle()
}

// settle wakes Close when nothing is left. q.mu is held.
func (q *Requester) settle() {
	if p := &q.pool; p.empty != nil && len(p.open) == 0 && p.dials == 0 {
		close(p.empty)
		p.empty = nil
	}
}

// Close takes no more calls, and waits until those that are outstanding have
// ended: until their replies have been read. Those that still wait for a connection
// fail, unsent. When ctx ends before, what is left fails, and Close returns the
// cause. It returns when all connections are closed and all goroutines gone.
func (q *Requester) Close(ctx context.Context) error {
	q.mu.Lock()
	p := &q.pool
	q.closed = true
	if p.cancel != nil {
		p.cancel()
	}
	done := p.empty // of another Close
	if done == nil {
		done = make(chan struct{})
		p.empty = done
	}
	open := make([]*Connection, 0, len(p.open))
	for c := range p.open {
		open = append(open, c)
	}
	q.settle()
	stop := q.stop
	q.mu.Unlock()
	for _, c := range open {
		c.mu.Lock()
		c.retire()
		c.mu.Unlock()
	}
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
		for _, c := range open { // each may take a while to say goodbye
			p.running.Go(func() { c.fail(ErrRequesterClosed) })
		}
	}
	p.running.Wait()
	if stop != nil {
		stop()
	}
	return err
}
