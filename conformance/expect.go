package conformance

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	p     *peer
	step  *Step
	limit time.Duration // how long it is awaited

	// check looks; why says what is there instead. play.mu is held.
	check func() (s state, why *stop)
	// take makes what was found the step's. play.mu is held.
	take func()
	// act is in place of check for steps that do something to find out. It returns nil if the step is satisfied.
	act func() *stop
	// late is what the step ends with when nothing has come.
	late func() *stop
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
	pl.await(c.limit, func() bool {
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
	p, end := pl.peer()
	if end != nil {
		return nil, end
	}
	c := &condition{p: p, step: s, limit: pl.opt.Timeout}
	if s.Within > 0 {
		c.limit = s.Within
	}
	c.late = func() *stop { return failed("nothing of the kind came within %v", c.limit) }
	var err error
	switch do := s.Do.(type) {
	case ExpectPacket:
		err = pl.packetCondition(c, do)
	case ExpectReply:
		err = pl.replyCondition(c, do)
	case ExpectClose:
		pl.closeCondition(c)
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
	c.take = func() { p.awaited = true; pl.silent() }
	c.late = func() *stop { return failed("the connection is still open after %v", c.limit) }
}

// ended reports whether the subject has ended the connection; a write that failed counts.
func (p *peer) ended() bool {
	return !p.closed && (p.end != nil || p.failed != nil && !p.stalled)
}

// either takes the first branch whose head is satisfied, when those before it cannot be any more.
func (pl *play) either(do Either) *stop {
	heads := make([]*condition, len(do.Branches))
	for i, b := range do.Branches {
		c, end := pl.condition(&b.Steps[0])
		if end != nil {
			return end
		}
		heads[i] = c
	}
	began := time.Now()
	reasons := make([]*stop, len(heads))
	for {
		i, end := pl.firstHead(heads, reasons, began)
		switch {
		case end != nil:
			return end
		case i < 0:
			return pl.noBranch(do, reasons)
		}
		c := heads[i]
		if c.act == nil {
			pl.mu.Lock()
			end = pl.taken(c, began)
			pl.mu.Unlock()
		} else if end = c.act(); end != nil && end.verdict == Errored {
			return end
		}
		if end != nil {
			reasons[i] = end
			continue
		}
		return pl.enter(&do.Branches[i])
	}
}

// firstHead waits until it is clear which head is to be taken, or tried where it acts, and returns its index; -1 is none.
func (pl *play) firstHead(heads []*condition, reasons []*stop, began time.Time) (int, *stop) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	for {
		if pl.interrupted() {
			return -1, &stop{verdict: Errored, reason: "interrupted"}
		}
		left := time.Duration(-1)
		for i, c := range heads {
			if reasons[i] != nil {
				continue
			}
			if c.act != nil {
				return i, nil
			}
			st, why := c.check()
			if st == met {
				return i, nil
			}
			if rest := c.limit - time.Since(began); st == pending && rest > 0 {
				left = rest
				break
			}
			if st == pending {
				why = c.late()
			}
			reasons[i] = why
		}
		if left < 0 {
			return -1, nil
		}
		timer := time.AfterFunc(left, pl.wake)
		pl.change.Wait()
		timer.Stop()
	}
}

// enter plays the rest of a branch and lets its grade count.
func (pl *play) enter(b *Branch) *stop {
	switch b.Grade {
	case GradeFail:
		return &stop{verdict: Fail, line: b.Line, reason: b.Note, harm: true}
	case GradeUnsupported:
		return &stop{verdict: Unsupported, line: b.Line, reason: b.Note}
	case GradeDialect:
		pl.verdict = Dialect
		if !slices.Contains(pl.notes, b.Note) {
			pl.notes = append(pl.notes, b.Note)
		}
	}
	return pl.steps(b.Steps[1:])
}

// noBranch says why each branch could not be taken.
func (pl *play) noBranch(do Either, reasons []*stop) *stop {
	end := &stop{verdict: Fail}
	var why []string
	for i, r := range reasons {
		head := formatAction(do.Branches[i].Steps[0].Do)
		if line := fmt.Sprintf("%s: %s", head, r.reason); !slices.Contains(why, line) {
			why = append(why, line)
		}
		end.harm = end.harm || r.harm
		if r.verdict == Errored {
			return r
		}
	}
	end.reason = "none of the branches: " + strings.Join(why, "; ")
	return end
}

// packetCondition waits for a packet, or for octets of a message.
func (pl *play) packetCondition(c *condition, do ExpectPacket) error {
	p := c.p
	c.late = func() *stop { return harmed("%s did not come within %v", do.Type, c.limit) }
	if do.Type == "HEADER" {
		return pl.headerCondition(c, do)
	}
	n, err := EvalNumber(do.Number, &pl.env)
	if err != nil {
		return err
	}
	switch do.Type {
	case "ACK":
		return pl.ackCondition(c, do, n)
	case "PONG":
		c.check = func() (state, *stop) {
			for _, pong := range p.pongs {
				if pong.number == n && len(pong.body) == 0 {
					return met, nil
				}
			}
			if len(p.pongs) > 0 {
				return never, failed("PONG %d with a body of %d octets came", p.pongs[0].number, len(p.pongs[0].body))
			}
			return p.openOrNever()
		}
		c.take = func() {
			p.pongs = slices.DeleteFunc(p.pongs, func(pong packet) bool { return pong.number == n })
		}
		return nil
	}
	var body []byte
	octets := uint64(0)
	if do.Body != nil {
		if body, err = EvalText(do.Body, &pl.env); err != nil {
			return err
		}
		octets = uint64(len(body))
	} else if do.Octets != nil {
		if octets, err = EvalNumber(do.Octets, &pl.env); err != nil {
			return err
		}
	}
	c.check = func() (state, *stop) {
		m := p.message(n)
		if m == nil {
			return p.openOrNever()
		}
		if do.Type == "DATA" {
			return m.hasData(p, body, int(octets))
		}
		return m.hasEnd(p, do)
	}
	c.take = func() {
		m := p.message(n)
		if do.Type == "DATA" {
			m.at += int(octets)
		} else {
			m.endTaken = true
		}
	}
	return nil
}

// openOrNever is the state of a condition for which nothing has come yet.
func (p *peer) openOrNever() (state, *stop) {
	if err := p.unusable(); err != nil {
		return never, failed("%v", err)
	}
	return pending, nil
}

// hasData compares the octets of the body that have not been taken; body is nil where only their number counts.
func (m *incoming) hasData(p *peer, body []byte, octets int) (state, *stop) {
	rest := m.body[min(m.at, len(m.body)):]
	if body != nil {
		n := min(len(rest), len(body))
		if d := differ(rest[:n], body[:n]); d != "" {
			return never, harmed("of message %d, %s", m.number, d)
		}
	}
	switch {
	case len(rest) >= octets:
		return met, nil
	case m.ended:
		return never, harmed("message %d ends after %d of %d octets", m.number, len(rest), octets)
	}
	return p.openOrNever()
}

// hasEnd looks whether a message has ended as expected, with all of its body taken.
func (m *incoming) hasEnd(p *peer, do ExpectPacket) (state, *stop) {
	switch {
	case m.at < len(m.body):
		return never, failed("DATA came instead: %s", showOctets(m.body[m.at:]))
	case !m.ended:
		return p.openOrNever()
	case do.Type == "EOF" && m.abort != nil:
		return never, failed("TXERR %q came instead", abbreviated(*m.abort))
	case do.Type == "TXERR" && m.abort == nil:
		return never, failed("EOF came instead")
	case do.Match != "" && !matches(do.Match, *m.abort):
		return never, failed("the text is %q", abbreviated(*m.abort))
	}
	return met, nil
}

// headerCondition waits for a HEADER: of a number, or the next one that matches.
func (pl *play) headerCondition(c *condition, do ExpectPacket) error {
	p := c.p
	v, bind := do.Number.(Var)
	if _, bound := pl.env.Vars[v.Name]; bound {
		bind = false
	}
	var number uint64
	if !bind {
		n, err := EvalNumber(do.Number, &pl.env)
		if err != nil {
			return err
		}
		number = n
	}
	var found *incoming
	var vars Vars
	c.check = func() (state, *stop) {
		why := ""
		for _, m := range p.messages {
			if m.headerTaken || m.whole || m.isRequest() || !bind && m.number != number {
				continue
			}
			vars = maps.Clone(pl.env.Vars)
			if do.Header != nil {
				if why = do.Header.match(m.header, vars); why != "" {
					why = fmt.Sprintf("HEADER %d differs: %s", m.number, why)
					if !bind {
						return never, failed("%s", why)
					}
					continue
				}
			}
			found = m
			return met, nil
		}
		if s, end := p.openOrNever(); s == never {
			return never, end
		}
		if why != "" {
			c.late = func() *stop { return failed("no HEADER that matches came within %v; %s", c.limit, why) }
		}
		return pending, nil
	}
	c.take = func() {
		found.headerTaken = true
		pl.env.Vars = vars
		if bind {
			pl.env.Vars[v.Name] = appendUint(found.number)
		}
	}
	return nil
}

// ackCondition waits for an acknowledgement of one of the tester's messages.
func (pl *play) ackCondition(c *condition, do ExpectPacket, n uint64) error {
	p := c.p
	total, err := EvalNumber(do.Total, &pl.env)
	if err != nil {
		return err
	}
	c.check = func() (state, *stop) {
		o := p.own(n)
		if o == nil {
			return never, faulty(errors.New("the tester has sent no such message"))
		}
		for _, a := range o.acks {
			switch {
			case do.Compare == "=" && a == total, do.Compare == ">=" && a >= total, do.Compare == ">" && a > total:
				return met, nil
			case do.Compare == "=" && a > total:
				return never, failed("ACK %d %d came, and no ACK %d %d before", n, a, n, total)
			}
		}
		return p.openOrNever()
	}
	c.late = func() *stop {
		o := p.own(n)
		if len(o.acks) == 0 {
			return failed("no ACK of message %d came within %v", n, c.limit)
		}
		return failed("within %v the last ACK of message %d is %d", c.limit, n, o.acks[len(o.acks)-1])
	}
	return nil
}
