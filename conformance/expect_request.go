package conformance

import (
	"maps"
)

// requestCondition waits for a whole request.
func (pl *play) requestCondition(c *condition, do ExpectRequest) error {
	p := c.p
	v, bind := do.ID.(Var)
	var id *jsonValue
	var err error
	if !bind {
		if id, err = pl.evalID(do.ID); err != nil {
			return err
		}
	}
	var body []byte
	if do.Body != nil {
		if body, err = EvalText(do.Body, &pl.env); err != nil {
			return err
		}
	}
	c.moving = true
	var found *incoming
	var vars Vars
	var why *stop
	c.check = func() (state, *stop) {
		why = nil
		for _, m := range p.messages {
			if m.whole || m.headerTaken || m.barrier || !bind && !sameID(m.id, id) {
				continue
			}
			if !m.ended {
				if why == nil {
					why = harmed("request %d has begun and is not complete: %d octets of its body have come", m.number, len(m.body))
				}
				continue
			}
			vars = maps.Clone(pl.env.Vars)
			if why = m.isRequestOf(do, body, vars); why == nil {
				found = m
				return met, nil
			}
		}
		if s, end := p.openOrNever(); s == never {
			if why == nil {
				why = end
			}
			return never, why
		}
		return pending, nil
	}
	c.take = func() {
		found.whole = true
		pl.env.Vars = vars
		if bind {
			pl.env.Vars[v.Name] = []byte(found.id.source())
		}
	}
	c.late = func() *stop {
		if why != nil {
			return why
		}
		return harmed("no request came within %v%s", c.limit, pl.world.outcomes())
	}
	return nil
}

// isRequestOf says why a complete message is not the request that is expected; nil if it is.
func (m *incoming) isRequestOf(do ExpectRequest, body []byte, vars Vars) *stop {
	switch {
	case m.abort != nil:
		return failed("request %d was given up: TXERR %q", m.number, abbreviated(*m.abort))
	case m.id == nil:
		return failed("request %d has no request_id: %s", m.number, abbreviated(m.header.source()))
	}
	if do.Body != nil {
		if d := differ(m.body, body); d != "" {
			return harmed("of request %d, %s", m.number, d)
		}
	}
	if do.JSON != nil {
		v, err := parseJSON(m.body)
		if err != nil {
			return harmed("the body of request %d is not JSON (%v): %s", m.number, err, showOctets(m.body))
		}
		if why := do.JSON.match(v, vars); why != "" {
			return harmed("the body of request %d differs: %s", m.number, why)
		}
	}
	if do.Header != nil {
		if why := do.Header.match(m.header, vars); why != "" {
			return failed("the header of request %d differs: %s", m.number, why)
		}
	}
	return nil
}
