package conformance

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// replyCondition waits for a whole reply, found by its id.
func (pl *play) replyCondition(c *condition, do ExpectReply) error {
	p := c.p
	id, err := pl.evalID(do.ID)
	if err != nil {
		return err
	}
	var before *jsonValue
	if do.Before != nil {
		if before, err = pl.evalID(do.Before); err != nil {
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
	c.check = func() (state, *stop) {
		var why *stop
		waiting := false
		for _, m := range p.replies(id) {
			if !m.ended {
				waiting = true
				continue
			}
			vars = maps.Clone(pl.env.Vars)
			end := pl.satisfies(p, m, do, body, vars)
			if end == nil && do.Before != nil && !p.precedes(m, before) {
				end = failed("its HEADER came after that of the reply to %s", idText(before))
			}
			if end == nil {
				found = m
				return met, nil
			}
			why = end
		}
		switch {
		case waiting:
			return p.openOrNever()
		case why != nil:
			return never, why
		}
		return p.openOrNever()
	}
	c.take = func() {
		found.whole = true
		pl.env.Vars = vars
	}
	c.late = func() *stop {
		if open := p.replies(id); len(open) > 0 {
			return harmed("the reply to %s has begun and did not end within %v; %d octets of its body have come", idText(id), c.limit, len(open[0].body))
		}
		return harmed("no reply to %s came within %v%s", idText(id), c.limit, p.otherIDs(id))
	}
	return nil
}

// otherIDs tells of replies that no step has taken and that have other ids.
func (p *peer) otherIDs(id *jsonValue) string {
	for _, m := range p.messages {
		if !m.whole && !m.headerTaken && p.request(m.id) == nil {
			return fmt.Sprintf("; one to %s did, which nobody has asked", idText(m.id))
		}
	}
	return ""
}

func idText(id *jsonValue) string {
	if id == nil {
		return "no id"
	}
	return "id " + abbreviated(id.source())
}

// evalID evaluates a request_id; nil is none.
func (pl *play) evalID(v Value) (*jsonValue, error) {
	src, err := EvalValue(v, &pl.env)
	if err != nil || src == nil {
		return nil, err
	}
	id, err := parseJSON(src)
	if err != nil {
		return nil, fmt.Errorf("%s is no request_id: %w", src, err)
	}
	if id.kind == 'n' {
		return nil, nil
	}
	return &id, nil
}

// precedes reports whether the HEADER of m came before that of the reply to another id.
func (p *peer) precedes(m *incoming, other *jsonValue) bool {
	o := slices.IndexFunc(p.messages, func(x *incoming) bool { return sameID(x.id, other) })
	return o < 0 || slices.Index(p.messages, m) < o
}

// satisfies says why a reply that has ended is not what is expected; nil if it is.
func (pl *play) satisfies(p *peer, m *incoming, do ExpectReply, body []byte, vars Vars) *stop {
	what := "the reply to " + idText(m.id)
	switch do.Kind {
	case ReplyAbort, ReplyError, ReplyFailure:
		return m.satisfiesFailure(what, do, vars)
	}
	echoed := p.request(m.id)
	switch {
	case m.abort != nil:
		return failed("%s was given up: TXERR %q", what, abbreviated(*m.abort))
	case do.Kind == ReplyEcho && echoed == nil:
		return failed("%s has come, and the tester knows of no request with that id", what)
	case do.Kind == ReplyEcho:
		body = echoed.body
	}
	if !m.success() && !(do.Kind == ReplyEcho && len(body) > 0 && string(m.body) == string(body)) { // judgeReply has noted that
		return failed("%s is an error: %s", what, m.errorText())
	}
	if do.Body != nil || do.Kind == ReplyEcho {
		if d := differ(m.body, body); d != "" {
			return harmed("of %s, %s", what, d)
		}
	}
	if do.JSON != nil {
		v, err := parseJSON(m.body)
		if err != nil {
			return harmed("the body of %s is not JSON (%v): %s", what, err, showOctets(m.body))
		}
		if why := do.JSON.match(v, vars); why != "" {
			return harmed("the body of %s differs: %s", what, why)
		}
	}
	return m.headerMatches(what, do, vars)
}

func (m *incoming) satisfiesFailure(what string, do ExpectReply, vars Vars) *stop {
	switch {
	case m.abort == nil && m.success():
		return harmed("%s is a success with the body %s", what, showOctets(m.body))
	case do.Kind == ReplyAbort && m.abort == nil:
		return failed("%s is an error: %s", what, m.errorText())
	case do.Kind == ReplyError && m.abort != nil:
		return failed("%s was given up: TXERR %q", what, abbreviated(*m.abort))
	case do.Kind == ReplyAbort && do.Match != "" && !matches(do.Match, *m.abort):
		return failed("%s was given up with another text: %q", what, abbreviated(*m.abort))
	}
	return m.headerMatches(what, do, vars)
}

func (m *incoming) headerMatches(what string, do ExpectReply, vars Vars) *stop {
	if do.Header == nil {
		return nil
	}
	if why := do.Header.match(m.header, vars); why != "" {
		return failed("the header of %s differs: %s", what, why)
	}
	return nil
}

func (m *incoming) errorText() string {
	code, _ := m.header.get("error_code")
	text, _ := m.header.get("error")
	return abbreviated(code.source() + " " + text.source())
}

// matches reports whether a text matches a regular expression of a case. The parser has seen that it compiles.
func matches(expression, text string) bool {
	return regexp.MustCompile(expression).MatchString(text)
}

// absence says that something has not come so far.
func (pl *play) absence(c *condition, do No) error {
	p := c.p
	var id *jsonValue
	var number, greater uint64
	var err error
	switch do.What {
	case "reply", "success", "failure":
		id, err = pl.evalID(do.ID)
	case "ACK", "DATA", "EOF":
		if number, err = EvalNumber(do.Number, &pl.env); err == nil && do.Greater != nil {
			greater, err = EvalNumber(do.Greater, &pl.env)
		}
	}
	if err != nil {
		return err
	}
	found := func() string {
		switch do.What {
		case "close":
			if p.ended() {
				return "the connection was closed"
			}
		case "reply", "success", "failure":
			return p.unwelcome(do.What, id)
		case "ACK":
			if o := p.own(number); o != nil {
				for _, total := range o.acks {
					if total > greater {
						return "ACK " + strconv.FormatUint(number, 10) + " " + strconv.FormatUint(total, 10) + " came"
					}
				}
			}
		case "request":
			for _, m := range p.messages {
				if !m.headerTaken && !m.whole && !m.barrier {
					return fmt.Sprintf("HEADER %d came: %s", m.number, abbreviated(m.header.source()))
				}
			}
		case "octets":
			if p.octets > 0 {
				return fmt.Sprintf("%d octets came", p.octets)
			}
		case "DATA":
			if m := p.message(number); m != nil && !m.whole && m.at < len(m.body) {
				return fmt.Sprintf("DATA %d came: %s", number, showOctets(m.body[m.at:]))
			}
		case "EOF":
			if m := p.message(number); m != nil && m.ended && m.abort == nil && !m.endTaken && !m.whole {
				return fmt.Sprintf("EOF %d came", number)
			}
		}
		return ""
	}
	c.check = func() (state, *stop) {
		if why := found(); why != "" {
			return never, harmed("%s", why)
		}
		return met, nil
	}
	c.take = func() { pl.silent() }
	return nil
}

// unwelcome looks for a reply that no step has taken: any with this id, or a complete one of a kind.
func (p *peer) unwelcome(what string, id *jsonValue) string {
	for _, m := range p.replies(id) {
		success := m.abort == nil && m.success()
		switch {
		case what == "reply" && !m.headerTaken:
			return fmt.Sprintf("HEADER %d came: %s", m.number, abbreviated(m.header.source()))
		case what == "success" && m.ended && success:
			return fmt.Sprintf("the reply to %s is complete and a success", idText(id))
		case what == "failure" && m.ended && !success:
			return fmt.Sprintf("the reply to %s is complete and a failure", idText(id))
		}
	}
	return ""
}
