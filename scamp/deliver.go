package scamp

import (
	"fmt"
	"runtime/debug"
)

// deliver gives a message to Service.Messages when those before it have been dealt with. A connection has a goroutine for
// that only while there is something to give. c.mu is held.
func (c *Connection) deliver(m *MessageReader) {
	c.queueMessage(m)
	if !c.giving {
		c.giving = true
		c.served.Add(1)
		go c.deliverAll()
	}
}

func (c *Connection) deliverAll() {
	defer c.served.Done()
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.giving = false
			c.mu.Unlock()
			return
		}
		m := c.unqueueMessage()
		c.mu.Unlock()
		c.deliverOne(m)
	}
}

// deliverOne hands one message over. A panic costs that message and nothing else (WIRE-SVC-09).
func (c *Connection) deliverOne(m *MessageReader) {
	defer m.Close()
	defer func() {
		if p := recover(); p != nil {
			c.cfg.Logger.Error("Messages panicked", "type", abbreviate(m.Header.Type), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	c.server.Messages(c, m)
}
