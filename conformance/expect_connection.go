package conformance

import (
	"slices"
)

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
