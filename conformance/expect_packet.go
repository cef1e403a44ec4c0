package conformance

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// packetCondition waits for a packet, or for octets of a message.
func (pl *play) packetCondition(c *condition, do ExpectPacket) error {
	p := c.p
	c.late = func() *stop { return harmed("%s did not come within %v", do.Type, c.limit) }
	c.moving = do.Type != "ACK" && do.Type != "PONG"
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
				switch {
				case pong.number != n:
				case len(pong.body) == 0:
					return met, nil
				default:
					return never, failed("PONG %d with a body of %d octets came", n, len(pong.body))
				}
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
			if m.headerTaken || m.whole || m.barrier || m.isRequest() && pl.world == nil || !bind && m.number != number {
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
