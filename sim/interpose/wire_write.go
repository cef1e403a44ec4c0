package interpose

import (
	"net"
	"os"
	"syscall"
	"time"
)

// errCut is what who writes to a connection sees that a rule has closed.
const errCut = syscall.EPIPE

// Write writes what the rules let out, and keeps what they delay. It waits while too
// much is kept. An error with 0 says that nothing of b has left, or will.
func (c *Wire) Write(b []byte) (int, error) {
	f := c.flows[1]
	c.mu.Lock()
	if err := c.admit(f); err != nil {
		c.mu.Unlock()
		return 0, err
	}
	c.sending = true
	now := time.Now()
	c.take(f, now)
	due, over := f.out, c.cut
	f.out = nil
	if !over {
		c.feed(f, b, now)
	}
	own := f.out
	f.out = nil
	over = c.cut
	seen := f.told()
	c.mu.Unlock()
	c.tell(f, seen)
	n, err := c.send(due, own) // two writes: what was due looks the same, whoever writes it
	if over {
		c.shut()
	}
	c.mu.Lock()
	c.sending = false
	c.failed(f, err)
	c.arm()
	c.change.Broadcast()
	c.mu.Unlock()
	switch {
	case err != nil && n == 0:
		return 0, err
	case err != nil:
		return max(1, min(n, len(b)-1)), err
	}
	return len(b), nil
}

// admit waits until something may be written. c.mu is held.
func (c *Wire) admit(f *flow) error {
	for {
		now := time.Now()
		switch {
		case c.closed:
			return net.ErrClosed
		case c.cut || c.broken:
			return errCut
		case f.err != nil:
			return f.err
		case passed(c.limits[1], now):
			return os.ErrDeadlineExceeded
		case !c.sending && !c.full(f):
			return nil
		}
		c.alarm(1, c.limits[1])
		c.change.Wait()
	}
}

// send writes what was due, and then what is new; n is how much of the latter.
func (c *Wire) send(due, own []byte) (n int, err error) {
	if len(due) > 0 {
		if _, err := c.nc.Write(due); err != nil {
			return 0, err
		}
	}
	if len(own) > 0 {
		return c.nc.Write(own)
	}
	return 0, nil
}

// failed notes that writing has failed: nothing more leaves. c.mu is held.
func (c *Wire) failed(f *flow, err error) {
	if err != nil && f.err == nil {
		f.err = err
		f.queue.clear()
	}
}

// arm lets late write what waits, in time. c.mu is held.
func (c *Wire) arm() {
	f := c.flows[1]
	if c.late != nil {
		c.late.Stop()
	}
	if c.firing || c.broken || c.cut {
		return
	}
	if next := f.queue.next(); !next.IsZero() {
		c.late = time.AfterFunc(time.Until(next), c.write)
	}
}

// write writes what is due, from a goroutine of its own. The deadline comes before
// the look at what there is: in virtual time everybody else comes to rest first.
func (c *Wire) write() {
	f := c.flows[1]
	c.mu.Lock()
	if c.firing || c.broken {
		c.mu.Unlock()
		return
	}
	c.firing = true
	grace := c.grace
	c.mu.Unlock()
	c.nc.SetWriteDeadline(time.Now().Add(grace))
	c.mu.Lock()
	for c.sending && !c.broken {
		c.change.Wait()
	}
	c.firing = false
	if c.broken {
		c.mu.Unlock()
		return
	}
	c.sending = true
	c.take(f, time.Now())
	due, over := f.out, c.cut
	f.out = nil
	seen := f.told()
	c.mu.Unlock()
	c.tell(f, seen)
	_, err := c.send(due, nil)
	c.mu.Lock()
	c.sending = false
	c.failed(f, err)
	over = over || c.closed && len(f.queue.entries) == 0
	c.arm()
	c.change.Broadcast()
	c.mu.Unlock()
	if over {
		c.shut()
	}
}

// Close ends the connection for the endpoint. What waits to be written goes in its
// time, and then the transport is closed: at once if nothing waits, at the latest
// after Options.Linger.
func (c *Wire) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	waits := !c.broken && !c.cut && len(c.flows[1].queue.entries) > 0 && c.opts.Linger > 0
	if waits {
		c.linger = time.AfterFunc(c.opts.Linger, func() { c.shut() })
		c.wake()
	}
	broken := c.broken
	c.mu.Unlock()
	if waits || broken {
		return nil
	}
	return c.shut()
}

// Finish writes what is no whole packet, too, and waits until nothing waits to be
// written any more, or the connection has ended. Nothing may be written after it.
func (c *Wire) Finish() {
	f := c.flows[1]
	c.mu.Lock()
	c.flush(f, time.Now())
	c.mu.Unlock()
	c.Write(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.broken && f.err == nil && (c.sending || len(f.queue.entries) > 0) {
		c.change.Wait()
	}
}

// Abort ends the connection at once, with all that waits.
func (c *Wire) Abort() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.shut()
}

// SetDeadline sets both deadlines.
func (c *Wire) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds how long Read waits.
func (c *Wire) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits[0] = t
	c.wake()
	return nil
}

// SetWriteDeadline bounds how long Write waits. It is one of the transport, too.
func (c *Wire) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	c.limits[1] = t
	if now := time.Now(); t.After(now) {
		c.grace = t.Sub(now)
	}
	c.change.Broadcast()
	c.mu.Unlock()
	return c.nc.SetWriteDeadline(t)
}

var _ net.Conn = (*Wire)(nil)
