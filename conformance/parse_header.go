package conformance

import (
	"slices"
	"strings"
)

var headerKeys = []string{"rule", "role", "needs", "profile", "clock", "acks", "each"}

// Variables that the tester sets by itself; no case may set them.
var (
	fixtureVars = []string{"echo", "blob", "slow", "fail", "count", "secured"}
	stallVars   = []string{"sent", "outstanding"}
)

// header reads everything above the first blank line.
func (p *parser) header(c *Case) {
	first := p.line()
	if !first.end() || !first.hasComment {
		first.failAt(0, "the first line must be a comment that says in plain words what is tried: # …")
		p.report(first)
		for p.next--; strings.TrimSpace(p.lines[p.next]) == ""; { // split has seen that there is more
			p.next++
		}
	}
	c.Title = first.comment
	for last := ""; p.next < len(p.lines); {
		l := p.line()
		if l.end() {
			if !l.hasComment {
				break
			}
			c.Notes = append(c.Notes, l.comment)
			continue
		}
		if isBlank(l.src[0]) {
			p.continuation(c, l, last)
			continue
		}
		if l.pos = 0; isVerb(l.peekWord()) && !strings.HasPrefix(l.src[len(l.peekWord()):], ":") {
			l.fail("a blank line must stand between the header and the steps")
			p.report(l)
			p.next--
			break
		}
		last = p.headerLine(c, l)
	}
	for _, key := range []string{"rule", "role"} {
		if c.Lines[key] == 0 {
			p.reportAt(1, "the header has no %q line; it needs one above the first blank line, such as %s", key+":", map[string]string{
				"rule": "rule: WIRE-FRAME-04a", "role": "role: server",
			}[key])
		}
	}
}

// headerLine reads one "key: value" line and returns the key.
func (p *parser) headerLine(c *Case, l *cursor) string {
	defer p.report(l)
	key := l.word()
	switch {
	case key == "" || !strings.HasPrefix(l.src[l.pos:], ":"):
		l.failAt(0, "a header line reads key: value; the keys are %s", list(headerKeys))
		return ""
	case !slices.Contains(headerKeys, key):
		l.failAt(0, "%q is no key of the header%s", key, didYouMean(key, headerKeys))
		return key
	case c.Lines[key] != 0:
		l.failAt(0, "%q stands in line %d already; write one line with all of it", key+":", c.Lines[key])
		return key
	}
	c.Lines[key] = l.line
	l.pos++
	if l.end() {
		l.fail("%q needs a value; leave the line out for the default", key+":")
	}
	switch key {
	case "rule":
		c.Rules = l.words()
	case "role":
		c.Role = l.one()
	case "needs":
		c.Needs = l.words()
	case "profile":
		c.Profiles = l.words()
	case "clock":
		c.Virtual = l.choice("virtual", "any") == "virtual"
	case "acks":
		c.AcksOff = l.choice("off", "on") == "off"
	case "each":
		c.Each = l.each()
	}
	p.endHeaderLine(c, l)
	return key
}

// continuation reads an indented line of the header: more texts of each.
func (p *parser) continuation(c *Case, l *cursor, key string) {
	defer p.report(l)
	l.pos = 0
	if key != "each" || l.peek() != '|' {
		l.blanks()
		l.fail(`an indented line of the header continues the list of each and begins with |; other lines begin in the first column`)
		return
	}
	if c.Each == nil { // its line had an error
		return
	}
	l.take("|")
	l.texts(c.Each)
	p.endHeaderLine(c, l)
}

func (p *parser) endHeaderLine(c *Case, l *cursor) {
	l.finish("a header line ends behind its value")
	if l.hasComment {
		c.Notes = append(c.Notes, l.comment)
	}
}

// words takes words that blanks separate.
func (l *cursor) words() []string {
	var words []string
	for !l.end() {
		start := l.pos
		w := l.word()
		switch {
		case w == "":
			l.fail("expected a name, found %s; names are separated by blanks", l.found())
		case slices.Contains(words, w):
			l.failAt(start, "%q stands here twice; once is enough", w)
		}
		words = append(words, w)
	}
	return words
}

// one takes a single word.
func (l *cursor) one() string {
	w := l.word()
	if w == "" {
		l.fail("expected a name, found %s", l.found())
	}
	return w
}

// choice takes one of some words.
func (l *cursor) choice(known ...string) string {
	l.blanks()
	start := l.pos
	w := l.word()
	if w == "" {
		l.fail("expected %s, found %s", list(known), l.found())
	} else if !slices.Contains(known, w) {
		l.failAt(start, "%q is not allowed here%s", w, didYouMean(w, known))
	}
	return w
}

// each takes NAME = TEXT | TEXT | ….
func (l *cursor) each() *Each {
	const form = `each: NAME = TEXT | TEXT, such as each: body = "0" | "abc"`
	e := &Each{Line: l.line}
	l.blanks()
	start := l.pos
	if l.take("$") {
		l.failAt(start, "the name in each has no $; write %s", form)
	}
	if e.Name = l.name(); e.Name == "" {
		l.fail("expected the name of a variable, found %s; write %s", l.found(), form)
	}
	if slices.Contains(fixtureVars, e.Name) || slices.Contains(stallVars, e.Name) {
		l.failAt(start, "$%s is set by the tester; take another name", e.Name)
	}
	l.expect("=", form)
	l.texts(e)
	if l.err != nil {
		return nil
	}
	return e
}

// texts takes TEXT | TEXT | … into the list of each.
func (l *cursor) texts(e *Each) {
	for {
		l.blanks()
		start := l.pos
		t := l.text()
		if l.err != nil {
			return
		}
		if len(e.Texts) == maxEach {
			l.failAt(start, "each has more than %d texts; make several cases of it", maxEach)
			return
		}
		e.Texts = append(e.Texts, t)
		if !l.take("|") {
			return
		}
	}
}
