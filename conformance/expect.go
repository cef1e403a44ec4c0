package conformance

import (
	"fmt"
	"time"
)

// A state is how things stand with a condition.
type state int

const (
	pending state = iota
	met
	never // it cannot be met any more
)

// A condition is a step that looks at what comes.
type condition struct {
	p      *peer
	step   *Step
	limit  time.Duration // how long it is awaited
	moving bool          // … anew whenever octets have come

	// check looks; why says what is there instead. play.mu is held.
	check func() (s state, why *stop)
	// take makes what was found the step's. play.mu is held.
	take func()
	// act is in place of check for steps that do something to find out. It returns nil if the step is satisfied.
	act func() *stop
	// late is what the step ends with when nothing has come.
	late func() *stop
}

// instant is how much longer than its time a condition is awaited: what happens at that very time is in time, but in
// virtual time, where instants are exact, either of two things at one of them may come first.
const instant = time.Millisecond

func (c *condition) patience() *patience {
	if c.moving && c.step.Within == 0 {
		return newPatience(c.limit+instant, c.p)
	}
	return newPatience(c.limit+instant, nil)
}

// expect plays a step that looks at what comes.
func (pl *play) expect(s *Step) *stop {
	c, end := pl.condition(s)
	if end != nil {
		return end
	}
	if c.act != nil {
		return c.act()
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	began := time.Now()
	var st state
	var why *stop
	pl.awaitWith(c.patience(), func() bool {
		st, why = c.check()
		return st != pending
	})
	switch {
	case st == pending:
		return c.late()
	case st == never:
		return why
	}
	return pl.taken(c, began)
}

// early is how much before its time a packet may come: times are taken at the tester.
const early = 200 * time.Millisecond

// taken ends a condition that has been met. pl.mu is held.
func (pl *play) taken(c *condition, began time.Time) *stop {
	if took := time.Since(began); took < c.step.After-early {
		return failed("it came after %v, earlier than %v", took.Round(time.Millisecond), c.step.After)
	}
	if c.take != nil {
		c.take()
	}
	return nil
}

// condition makes the condition of a step.
func (pl *play) condition(s *Step) (*condition, *stop) {
	if s.On != "" {
		before := pl.on
		pl.on = s.On
		defer func() { pl.on = before }()
	}
	c := &condition{step: s, limit: pl.opt.Timeout}
	if s.Within > 0 {
		c.limit = s.Within
	}
	c.late = func() *stop { return failed("nothing of the kind came within %v", c.limit) }
	if pl.world != nil {
		if end, ok := pl.conditionOfClient(c); ok {
			return c, end
		}
	}
	p, end := pl.peer()
	if end != nil {
		return nil, end
	}
	c.p = p
	var err error
	switch do := s.Do.(type) {
	case ExpectPacket:
		err = pl.packetCondition(c, do)
	case ExpectReply:
		err = pl.replyCondition(c, do)
	case ExpectRequest:
		err = pl.requestCondition(c, do)
	case ExpectHello:
		pl.helloCondition(c)
	case ExpectClose:
		pl.closeCondition(c)
	case ExpectTLS:
		err = pl.tlsCondition(c, do)
	case No:
		err = pl.absence(c, do)
	case Quiet:
		began := time.Now()
		c.limit = 2 * pl.opt.Quiet
		c.check = func() (state, *stop) {
			if time.Since(began) < pl.opt.Quiet {
				time.AfterFunc(pl.opt.Quiet-time.Since(began), pl.wake)
				return pending, nil
			}
			return met, nil
		}
		c.take = func() { pl.silent() }
	case Barrier:
		c.act = func() *stop { return pl.barrier(p) }
	case Idle:
		c.act = func() *stop { return pl.idle(p) }
	case Alive:
		c.act = pl.alive
	case Executed:
		c.act = func() *stop { return pl.checkExecuted(do) }
	case Stall:
		c.act = func() *stop { return pl.stall(p, do) }
	default:
		err = fmt.Errorf("%T does not look at what comes", do)
	}
	if err != nil {
		return nil, faulty(err)
	}
	return c, nil
}

// silent notes that the case has expected an absence, silence or a close: it must prove that the subject lives.
func (pl *play) silent() { pl.quiet, pl.proved = true, false }

// closeCondition is met when the subject has ended the connection, with nothing before that must not be there.
func (pl *play) closeCondition(c *condition) {
	p := c.p
	c.check = func() (state, *stop) {
		if why := p.plainAnswer(); why != "" {
			return never, harmed("%s", why)
		}
		for _, m := range p.messages {
			if !p.anything && !m.mayPrecedeClose(p) {
				return never, failed("instead of a close came %s", m.leftover())
			}
		}
		if !p.ended() {
			return pending, nil
		}
		return met, nil
	}
	c.take = func() {
		p.awaited = true
		for _, m := range p.messages {
			if m.failsHalf(p) && m.leftover() != "" {
				p.odd("WIRE-FRAME-15b", "an error reply to a half-received request goes out before the close")
			}
		}
		pl.silent()
	}
	c.late = func() *stop { return failed("the connection is still open after %v", c.limit) }
}

// ended reports whether the subject has ended the connection; a write that failed counts.
func (p *peer) ended() bool {
	return !p.closed && (p.end != nil || p.failed != nil && !p.stalled)
}
