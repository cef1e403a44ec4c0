package conformance

import (
	"fmt"
	"maps"
	"strings"
)

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
	case do.Either:
		return nil
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
