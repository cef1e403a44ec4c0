package interpose

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// Read reads what has come, and waits for it.
func (c *Wire) Read(p []byte) (int, error) {
	f := c.flows[0]
	c.mu.Lock()
	n, err, cut := c.read(f, p)
	seen := f.told()
	c.mu.Unlock()
	if cut {
		c.shut()
	}
	c.tell(f, seen)
	return n, err
}

// read is Read with c.mu held. It returns cut when the transport is to be closed.
func (c *Wire) read(f *flow, p []byte) (n int, err error, cut bool) {
	for {
		now := time.Now()
		next := c.take(f, now)
		switch {
		case c.closed:
			return 0, net.ErrClosed, false
		case passed(c.limits[0], now):
			return 0, os.ErrDeadlineExceeded, false
		case len(p) == 0:
			return 0, nil, false
		case len(f.out) > 0:
			n = copy(p, f.out)
			if f.out = f.out[n:]; len(f.out) == 0 {
				f.out = nil
			}
			return n, nil, c.cut && !c.broken
		case c.cut:
			return 0, io.EOF, !c.broken
		case f.err != nil && len(f.queue.entries) == 0:
			return 0, f.err, false
		case f.err != nil || c.reading || c.full(f):
			c.alarm(0, earliest(next, c.limits[0]))
			c.change.Wait()
		default:
			c.fill(f, earliest(next, c.limits[0]))
		}
	}
}

// fill reads once from the transport, until a moment. c.mu is held, and free meanwhile.
func (c *Wire) fill(f *flow, until time.Time) {
	if !until.Equal(c.armed) {
		c.armed = until
		c.nc.SetReadDeadline(until)
	}
	if c.buf == nil {
		c.buf = make([]byte, 16<<10)
	}
	c.reading = true
	buf := c.buf
	c.mu.Unlock()
	n, err := c.nc.Read(buf)
	c.mu.Lock()
	c.reading = false
	c.change.Broadcast()
	now := time.Now()
	c.feed(f, buf[:n], now)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.flush(f, now)
		f.err = err
	}
}

// wake lets who reads look at what there is now. c.mu is held.
func (c *Wire) wake() {
	c.change.Broadcast()
	if c.reading {
		c.armed = time.Unix(1, 0)
		c.nc.SetReadDeadline(c.armed)
	}
}

// alarm wakes who waits at a time; the zero time is never. c.mu is held.
func (c *Wire) alarm(i int, at time.Time) {
	if c.timers[i] != nil {
		c.timers[i].Stop()
	}
	if !at.IsZero() {
		c.timers[i] = time.AfterFunc(time.Until(at), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.change.Broadcast()
		})
	}
}

func passed(limit, now time.Time) bool { return !limit.IsZero() && !now.Before(limit) }

// earliest is the earlier one of two times, of which the zero time is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
