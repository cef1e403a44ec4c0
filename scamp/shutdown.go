package scamp

import (
	"context"
	"time"
)

const (
	defaultGrace = 5 * time.Second // WIRE-SVC-04b
	// lull is how long nothing must come from a caller before its connection is
	// closed: what it sent before it knew is refused, and not lost.
	lull = 200 * time.Millisecond
	// lastWord is how long a caller that does not stop asking is listened to, and
	// how long a handshake may go on.
	lastWord = time.Second
)

// Shutdown stops the service so that nobody loses anything. Announcers say at once
// that it stops, and it serves on through the grace period. Then it accepts no
// connections, completes the requests in progress, refuses new ones as not
// executed, and closes each connection when nothing is in progress on it, idle ones
// included (WIRE-SVC-04, DISC-SHD-01).
//
// It returns nil when all of that is done. When ctx ends before, everything is
// ended at once, as Close does it, and Shutdown returns the cause without waiting
// for handlers. Serve returns as soon as the grace period is over: a program that
// ends then cuts off what Shutdown still waits for.
func (s *Service) Shutdown(ctx context.Context) error {
	grace := s.stop()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
	s.drain()
	late := time.AfterFunc(lastWord, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut()
	})
	defer late.Stop()
	done := make(chan struct{})
	go func() {
		s.announcers.Wait()
		s.serves.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.end()
		return nil
	case <-ctx.Done():
		s.end()
		return context.Cause(ctx)
	}
}

// stop lets the announcers take their leave and returns what is left of the grace
// period. It runs from the first call of Shutdown.
func (s *Service) stop() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepare()
	s.leave()
	if s.stopping.IsZero() {
		grace := s.Grace
		if grace == 0 {
			grace = defaultGrace
		}
		s.stopping = time.Now().Add(max(grace, 0))
	}
	return time.Until(s.stopping)
}

// drain takes no connections and no requests from now on.
func (s *Service) drain() {
	s.mu.Lock()
	s.draining = true
	for ln := range s.listeners {
		ln.Close()
	}
	open := s.open()
	s.mu.Unlock()
	for _, c := range open {
		c.drain()
	}
}

// drain refuses requests from now on, and ends the connection when it may.
func (c *Connection) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drained.IsZero() {
		c.drained = time.Now()
		c.arm(c.drained.Add(lull))
	}
}

// left reports whether a connection that is being drained can end: nothing that was
// taken is in progress, what was to be sent has been, and the caller is silent or
// was listened to for long enough since then. c.mu is held.
func (c *Connection) left(due func(time.Time) bool, now time.Time) bool {
	if c.serving > c.refusing || len(c.calls) > 0 || len(c.out) > 0 {
		c.drained = now
	}
	silent := c.active
	if c.drained.After(silent) {
		silent = c.drained
	}
	switch {
	case c.drained.Equal(now) || c.writing:
	case now.Sub(c.drained) >= lastWord:
		return true
	case !c.busy() && !c.dirty:
		return due(silent.Add(lull))
	}
	due(now.Add(lull))
	return false
}
