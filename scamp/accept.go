package scamp

import "context"

// Accept returns the next message that is neither a reply to a call nor a
// request for a handler. It waits for one until ctx or the connection ends;
// messages that came whole before the connection ended are still returned.
// The connection must have been made with Config.Accept.
func (c *Connection) Accept(ctx context.Context) (*MessageReader, error) {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.arrival.Broadcast()
	})
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && c.err == nil && ctx.Err() == nil {
		c.arrival.Wait()
	}
	switch {
	case len(c.queue) > 0:
		return c.unqueueMessage(), nil
	case c.err != nil:
		return nil, &ConnectionError{Err: c.err}
	}
	return nil, context.Cause(ctx)
}

// NewID returns a request_id that no request on the connection has, for a message
// that is not a call and wants an answer (WIRE-EVT-01a).
func (c *Connection) NewID() ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	return NumberID(c.nextID)
}

// queueMessage lets a message wait for Accept. c.mu is held.
func (c *Connection) queueMessage(m *MessageReader) {
	m.users++
	c.queue = append(c.queue, m)
	c.arrival.Signal()
}

// unqueueMessage takes the first message that waits. c.mu is held.
func (c *Connection) unqueueMessage() *MessageReader {
	m := c.queue[0]
	c.queue[0] = nil
	c.queue = c.queue[1:]
	m.users--
	m.settle()
	return m
}
