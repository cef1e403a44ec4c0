package scamp

import (
	"context"
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
