package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// conditionOfClient makes the condition of a step that looks at more than one connection. It reports whether it was one.
func (pl *play) conditionOfClient(c *condition) (end *stop, ok bool) {
	switch do := c.step.Do.(type) {
	case Accept:
		pl.acceptCondition(c, do)
	case ExpectOutcome:
		return pl.outcomeCondition(c, do), true
	case ExpectConnection:
		pl.connectionCondition(c, do)
	case Count:
		return pl.countCondition(c, do), true
	case No:
		switch do.What {
		case "outcome":
			c.check = func() (state, *stop) {
				if call := pl.world.named(do.Name); call != nil && call.done && !call.taken {
					return never, failed("call %s: %s", call.name, call.text())
				}
				return met, nil
			}
		case "connection":
			pl.noConnection(c, do)
		default:
			return nil, false
		}
		c.take = func() { pl.silent() }
	case Alive:
		c.act = pl.alive
	default:
		return nil, false
	}
	return nil, true
}

// outcomes says what became of calls that no step has taken: that may be why something else does not come.
func (w *world) outcomes() string {
	var b strings.Builder
	for _, c := range w.calls {
		if c.done && !c.taken {
			fmt.Fprintf(&b, "; call %s: %s", c.name, c.text())
		}
	}
	return b.String()
}

// candidates returns the instances that a step may mean.
func (w *world) candidates(name string) (some []*instance) {
	if name != "any" && name != "other" {
		return []*instance{w.instance(name)}
	}
	for _, i := range w.instances {
		if i.name != asideInstance && (name == "any" || i != w.chosen) {
			some = append(some, i)
		}
	}
	return some
}

// acceptCondition waits for a connection and makes it the one of its name.
func (pl *play) acceptCondition(c *condition, do Accept) {
	w := pl.world
	var found *instance
	c.check = func() (state, *stop) {
		for _, i := range w.candidates(do.Instance) {
			if len(i.waiting) > 0 {
				found = i
				return met, nil
			}
		}
		return pending, nil
	}
	c.take = func() {
		nc := found.waiting[0]
		found.waiting = found.waiting[1:]
		if do.Instance == "any" {
			w.chosen = found
		}
		identity := found.identity
		if do.Certificate != "" {
			identity = do.Certificate
		}
		if !do.Plain {
			nc = secured(nc, identity, do.TLS)
		}
		name := do.As
		if name == "" {
			name = "a"
		}
		p := pl.admit(name, nc)
		p.instance, p.plain = found, do.Plain
		pl.named[name] = p
		p.begin()
	}
	c.late = func() *stop {
		return harmed("no connection to %s came within %v%s", do.Instance, c.limit, w.outcomes())
	}
}

func (pl *play) connectionCondition(c *condition, do ExpectConnection) {
	i := pl.world.instance(do.Instance)
	c.check = func() (state, *stop) {
		if i.refused > 0 || len(i.waiting) > 0 {
			return met, nil
		}
		return pending, nil
	}
	c.take = func() {
		if i.refused > 0 {
			i.refused--
			return
		}
		i.waiting[0].Close()
		i.waiting = i.waiting[1:]
	}
	c.late = func() *stop {
		return harmed("no connection to %s was tried within %v%s", do.Instance, c.limit, pl.world.outcomes())
	}
}

func (pl *play) noConnection(c *condition, do No) {
	w := pl.world
	c.check = func() (state, *stop) {
		for _, i := range w.candidates(do.Name) {
			if i.refused > 0 || len(i.waiting) > 0 {
				return never, harmed("a connection to %s was tried", i.name)
			}
		}
		return met, nil
	}
}

// outcomeCondition waits for what the application is told of a call.
func (pl *play) outcomeCondition(c *condition, do ExpectOutcome) *stop {
	call := pl.world.named(do.Name)
	if call == nil {
		return faulty(fmt.Errorf("there is no call %s", do.Name))
	}
	var body []byte
	if do.Body != nil {
		var err error
		if body, err = EvalText(do.Body, &pl.env); err != nil {
			return faulty(err)
		}
	}
	var vars Vars
	c.check = func() (state, *stop) {
		if !call.done {
			return pending, nil
		}
		vars = maps.Clone(pl.env.Vars)
		if why := call.satisfies(do, body, vars); why != nil {
			return never, why
		}
		return met, nil
	}
	c.take = func() {
		call.taken = true
		pl.env.Vars = vars
	}
	c.late = func() *stop { return harmed("call %s has no outcome within %v", call.name, c.limit) }
	return nil
}

// satisfies says why an outcome is not what is expected; nil if it is.
func (c *call) satisfies(do ExpectOutcome, body []byte, vars Vars) *stop {
	o := c.outcome
	switch {
	case c.panic != "":
		return harmed("call %s: %s", c.name, c.text())
	case do.Failure && !o.Failed:
		return harmed("call %s succeeds: %s", c.name, c.text())
	case do.Failure:
		return c.failsAs(do, vars)
	case o.Failed:
		return failed("call %s: %s", c.name, c.text())
	}
	if do.Body != nil {
		if d := differ(o.Body, body); d != "" {
			return harmed("of the result of call %s, %s", c.name, d)
		}
	}
	if do.JSON != nil {
		v, err := parseJSON(o.Body)
		if err != nil {
			return harmed("the result of call %s is not JSON (%v): %s", c.name, err, showOctets(o.Body))
		}
		if why := do.JSON.match(v, vars); why != "" {
			return harmed("the result of call %s differs: %s", c.name, why)
		}
	}
	return nil
}

func (c *call) failsAs(do ExpectOutcome, vars Vars) *stop {
	if do.Members == nil {
		return nil
	}
	o := c.outcome
	v := jsonValue{kind: '{', names: []string{"code", "text"}, members: []jsonValue{{kind: '"', text: o.Code}, {kind: '"', text: o.Text}}}
	if len(o.Data) > 0 {
		data, err := parseJSON(o.Data)
		if err != nil {
			return harmed("the data of the failure of call %s is not JSON (%v): %s", c.name, err, showOctets(o.Data))
		}
		v.names, v.members = append(v.names, "data"), append(v.members, data)
	}
	if why := do.Members.match(v, vars); why != "" {
		return failed("the failure of call %s differs: %s; %s", c.name, why, c.text())
	}
	return nil
}

// countCondition compares a number that the tester has counted.
func (pl *play) countCondition(c *condition, do Count) *stop {
	want, err := EvalNumber(do.Total, &pl.env)
	if err != nil {
		return faulty(err)
	}
	i := pl.world.instance(do.Instance)
	c.act = func() *stop {
		if pl.settle != nil {
			pl.settle()
		}
		pl.mu.Lock()
		defer pl.mu.Unlock()
		n := uint64(i.tried)
		if do.What == "answered" {
			n = uint64(i.answered)
		}
		if !compares(n, do.Compare, want) {
			return failed("%s %s are %d, not %s %d", do.What, i.name, n, do.Compare, want)
		}
		return nil
	}
	return nil
}

func compares(n uint64, how string, want uint64) bool {
	switch how {
	case "<":
		return n < want
	case "<=":
		return n <= want
	case ">":
		return n > want
	case ">=":
		return n >= want
	}
	return n == want
}

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

// helloCondition waits for the first octets of TLS on a connection that has none.
func (pl *play) helloCondition(c *condition) {
	p := c.p
	c.check = func() (state, *stop) {
		b := p.octetsIn
		hello := []byte{0x16, 3} // a handshake record of TLS; its first message, behind the record's header, is a ClientHello
		if n := min(len(b), len(hello)); !slices.Equal(b[:n], hello[:n]) || len(b) > 5 && b[5] != 1 {
			return never, harmed("the first octets are no ClientHello: %s", showOctets(b))
		}
		if len(b) > 5 {
			return met, nil
		}
		return p.openOrNever()
	}
}
