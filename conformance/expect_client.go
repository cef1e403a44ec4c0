package conformance

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
