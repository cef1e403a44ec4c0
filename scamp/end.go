package scamp

import (
	"context"
	"errors"
	"io"
	"log/slog"
)

// fail is the only way down. The first error wins; every waiter wakes with it;
// the loops end.
func (c *Connection) fail(err error) {
	c.mu.Lock()
	e := c.end(err)
	c.mu.Unlock()
	e.close()
	e.tell()
}

// An ending is what is left to do with the mutex free when a connection has
// ended. A nil ending is nothing.
type ending struct {
	c    *Connection
	err  error
	busy bool
}

// end is fail as far as the state goes. It returns nil if the connection has
// ended before. c.mu is held.
func (c *Connection) end(err error) *ending {
	if c.err != nil {
		return nil
	}
	if err == io.EOF {
		err = errPeerClosed
	}
	e := &ending{c, err, c.busy()}
	c.err = err
	if c.timer != nil {
		c.timer.Stop()
	}
	c.work.Signal()
	c.room.Signal()
	c.arrival.Broadcast()
	for _, k := range c.calls {
		k.finish(nil, &ConnectionError{Err: err, Sent: k.sent()})
	}
	clear(c.calls)
	for _, m := range c.out {
		m.lost(err)
	}
	for _, m := range c.ready {
		m.lost(err)
	}
	clear(c.out)
	c.ready = nil
	for _, m := range c.in {
		m.end(&ConnectionError{Err: err, Sent: true})
	}
	clear(c.in)
	whole := c.queue[:0]
	for _, m := range c.queue { // what came whole can still be accepted
		if m.err == io.EOF {
			whole = append(whole, m)
		}
	}
	clear(c.queue[len(whole):])
	c.queue = whole
	c.acks, c.pongs, c.spares = nil, nil, nil
	return e
}

// close releases the transport: at once, and not when the application lets go
// of the connection (WIRE-CONN-03c).
func (e *ending) close() {
	if e == nil {
		return
	}
	e.c.cancel(e.err)
	e.c.nc.Close()
}

// tell says why the connection has ended.
func (e *ending) tell() {
	if e == nil {
		return
	}
	c := e.c
	level := slog.LevelDebug
	broken, limit := new(ProtocolError), new(LimitError)
	if errors.As(e.err, &broken) || errors.As(e.err, &limit) {
		level = slog.LevelWarn
	} else if e.busy {
		level = slog.LevelInfo
	}
	c.cfg.Logger.Log(context.Background(), level, "connection ended", "peer", c.nc.RemoteAddr(), "reason", e.err, "busy", e.busy)
	if c.cfg.Trace != nil && c.cfg.Trace.Closed != nil {
		c.cfg.Trace.Closed(c, e.err)
	}
}

// errPeerClosed is the end of stream between two packets. It is a loss only
// where something was outstanding (WIRE-CONN-01b).
var errPeerClosed = errors.New("closed by the peer")

var errTrace = errors.New("a trace hook panicked")

// Close ends the connection at once and waits until its goroutines are gone.
// What is outstanding fails. It always returns nil.
func (c *Connection) Close() error {
	c.fail(ErrClosed)
	c.wg.Wait()
	return nil
}

// busy reports whether something is outstanding: a request, a handler, or a
// message half sent or half received (WIRE-TIME-03). c.mu is held.
func (c *Connection) busy() bool {
	return len(c.calls) > 0 || len(c.in) > c.expired || len(c.out) > 0 || len(c.ready) > 0 || c.serving > 0
}

// retire takes no more calls; the connection ends when nothing is outstanding on
// it. c.mu is held.
func (c *Connection) retire() {
	if c.err == nil && !c.closing {
		c.closing = true
		c.wake()
	}
}
