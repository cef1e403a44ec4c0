package scamp

import (
	"cmp"
	"context"
	"time"
)

// A connection has one timer for everything that can take too long on it: the
// state holds the deadlines, and the timer is set to about the earliest.

// arm makes sure that the connection looks at its deadlines at t. c.mu is held.
func (c *Connection) arm(t time.Time) {
	if c.err != nil || !c.timerAt.IsZero() && !t.Before(c.timerAt) {
		return
	}
	c.timerAt = t
	d := time.Until(t)
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.expire)
	} else {
		c.timer.Reset(d)
	}
}

// expire acts on the deadlines that have passed and sets the timer to the next.
func (c *Connection) expire() {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.timerAt = time.Time{}
	now := time.Now()
	next := now.Add(never)
	due := func(t time.Time) bool {
		if t.After(now) {
			if t.Before(next) {
				next = t
			}
			return false
		}
		return true
	}
	for _, k := range c.calls {
		if due(k.deadline) {
			k.expire()
		}
	}
	for _, m := range c.ready {
		if m.call != nil && m.state == sendNew && due(m.call.deadline) {
			m.call.expire()
		}
	}
	var err error
	for _, m := range c.in {
		if due(m.deadline()) {
			err = cmp.Or(m.expire(), err)
		}
	}
	for _, m := range c.out {
		if k := m.call; k != nil && k.reply != nil && due(k.deadline) { // replied to before it was sent
			late := k.timeout(context.DeadlineExceeded)
			m.giveUp(late, late.Error())
		}
		if len(m.rest) > 0 && m.window.available() == 0 && due(m.moved.Add(c.cfg.MessageTimeout)) {
			m.giveUp(ErrStalled, ErrStalled.Error())
		} else if len(m.rest) > 0 {
			due(m.moved.Add(c.cfg.MessageTimeout))
		}
	}
	for h := range c.handlings {
		if due(h.deadline) {
			h.expire()
		}
	}
	err = cmp.Or(err, c.expireConnection(due, now))
	if c.closing && !c.busy() {
		c.wake()
	}
	c.arm(next)
	c.mu.Unlock()
	if err != nil {
		c.fail(err)
	}
}

// expireConnection looks at the heartbeat and at the idle time (WIRE-TIME-01,
// 02, 09, 10).
func (c *Connection) expireConnection(due func(time.Time) bool, now time.Time) error {
	if !c.drained.IsZero() && c.left(due, now) {
		return ErrServiceClosed
	}
	if !c.pingAt.IsZero() && due(c.pingAt) {
		if c.unponged {
			return ErrNoPong
		}
		c.pinging, c.unponged = true, true
		c.pingAt = now.Add(c.cfg.Heartbeat)
		due(c.pingAt)
		c.wake()
	}
	if idleAt := c.active.Add(c.cfg.IdleTimeout); c.busy() {
		due(now.Add(c.cfg.IdleTimeout))
	} else if due(idleAt) {
		return ErrIdle
	}
	return nil
}

// deadline is when an incoming message must be complete, or go on (WIRE-TIME-11).
func (m *MessageReader) deadline() time.Time {
	if m.call != nil {
		return m.since // a reply has the time of its call
	}
	return m.since.Add(m.c.cfg.MessageTimeout)
}

// expire gives up an incoming message that takes too long. From then on it no
// longer keeps the connection busy. c.mu is held.
func (m *MessageReader) expire() error {
	if m.expired {
		m.since = m.c.active.Add(never)
		return nil
	}
	m.expired = true
	m.c.expired++
	switch {
	case m.call != nil:
		err := m.call.timeout(context.DeadlineExceeded)
		m.call.abandon(err, err.Error())
		m.call.suspect()
	case m.mode == modeStream:
		m.fail(ErrIncomplete)
	case m.mode == modeCollect:
		m.refuse(&ReplyError{Code: CodeTransport, Message: "request refused: " + ErrIncomplete.Error(), Data: notExecuted})
	}
	return m.answerRefusal()
}
