package conformance

import "slices"

var packetTypes = []string{"HEADER", "DATA", "EOF", "TXERR", "ACK", "PING", "PONG"}

// packetType takes a packet type; what is too much for a message about an unknown one.
func (l *cursor) packetType(known []string, otherwise string) string {
	l.blanks()
	start := l.pos
	w := l.word()
	switch {
	case w == "":
		l.fail("expected a packet type (%s), found %s%s", list(known), l.found(), otherwise)
	case !slices.Contains(known, w):
		l.failAt(start, "%q cannot stand here%s%s", w, didYouMean(w, known), otherwise)
	}
	return w
}

func (l *cursor) send() Action {
	s := Send{Type: l.packetType(packetTypes, "; packets of other types are written with raw")}
	s.Number = l.outgoing()
	switch s.Type {
	case "EOF":
		if l.atText() {
			l.fail("EOF has no body; write one that has a body with raw")
		}
	case "ACK":
		s.Total, s.Body = l.total()
	case "PING", "PONG":
		if l.atText() {
			s.Body = l.text()
		}
	default:
		s.Body = l.text()
	}
	for l.err == nil {
		start := l.pos
		switch {
		case l.keyword("line") && s.Line == nil:
			s.Line = l.text()
		case l.keyword("trailer") && s.Trailer == nil:
			s.Trailer = l.text()
		default:
			l.pos = start
			l.finish("behind the body may stand line TEXT and trailer TEXT")
			return s
		}
	}
	return s
}

// total takes the body of an ACK: a number, or a text. A variable alone is a text; the octets of a number are its digits.
func (l *cursor) total() (Number, Text) {
	try := *l
	n := try.number()
	if _, alone := n.(Var); try.err == nil && !alone && (try.end() || try.peekWord() != "") {
		return l.number(), nil
	}
	if !l.atText() {
		return l.number(), nil
	}
	return nil, l.text()
}

func (l *cursor) request(open bool) Action {
	r := Request{Open: open, Number: l.outgoing()}
	r.Action, r.Fixture = l.action()
	if l.atText() {
		if open {
			l.fail("open sends the HEADER alone; send the body with send DATA, or write request")
		}
		r.Body = l.text()
	}
	for l.err == nil && l.modifier(&r) {
	}
	return r
}

// action takes the short name of a fixture action, or any name in quotation marks.
func (l *cursor) action() (name Text, fixture bool) {
	switch b := l.peek(); {
	case b == '$' && l.client:
		return l.variable(), false
	case b == '"':
		return Quoted{l.quoted()}, false
	}
	start := l.pos
	w := l.word()
	switch {
	case w == "":
		l.fail(`expected an action, found %s; write a fixture action (%s) or a name in quotation marks`, l.found(), list(fixtureVars))
	case !slices.Contains(fixtureVars, w):
		l.failAt(start, "%q is no fixture action%s; other actions stand in quotation marks", w, didYouMean(w, fixtureVars))
	}
	return Quoted{w}, true
}

// modifier takes one of the words behind a request and what belongs to it. It reports whether there was one.
func (l *cursor) modifier(r *Request) bool {
	if l.end() {
		return false
	}
	hint := "behind a message may stand with {…}, without NAME, in SIZE and window SIZE, each once"
	if r.Open {
		hint = "behind open may stand with {…} and without NAME, each once"
	}
	start := l.pos
	switch {
	case l.keyword("with") && r.With == nil:
		if l.peek() != '{' {
			l.fail(`expected a JSON object, found %s; write the members as in with {"version":2}`, l.found())
			return false
		}
		r.With = JSON{l.json()}
		return true
	case l.keyword("without") && r.Without == nil:
		r.Without = l.memberNames()
		return true
	case l.keyword("in") && !r.Open && r.In == nil:
		r.In = l.sizes()
		return true
	case l.keyword("window") && !r.Open && r.Window == nil:
		r.Window = l.positive("a window holds at least 1 octet")
		return true
	}
	if l.err == nil {
		l.pos = start
		l.finish(hint)
	}
	return false
}

// memberNames takes NAME, NAME, ….
func (l *cursor) memberNames() []string {
	var names []string
	for {
		l.blanks()
		name := l.name()
		if name == "" {
			l.fail("expected the name of a header member, found %s; write without NAME, NAME", l.found())
		}
		names = append(names, name)
		if !l.take(",") {
			return names
		}
	}
}

// sizes takes NUMBER, NUMBER, ….
func (l *cursor) sizes() []Number {
	l.blanks()
	start := l.pos
	var sizes []Number
	for {
		sizes = append(sizes, l.number())
		if !l.take(",") {
			break
		}
	}
	for _, n := range sizes {
		if n != (Literal{0}) {
			return sizes
		}
	}
	l.failAt(start, "with sizes of 0 alone the body never comes to its end; give one that is larger")
	return sizes
}

// positive takes a number that is not the digit 0.
func (l *cursor) positive(why string) Number {
	l.blanks()
	start := l.pos
	n := l.number()
	if n == (Literal{0}) {
		l.failAt(start, "0 cannot stand here: %s", why)
	}
	return n
}

var comparisons = []string{">=", "=", ">"}

// comparison takes =, >= or >.
func (l *cursor) comparison() string {
	return l.compare(comparisons, "write the total as in expect ACK 0 = 120000")
}

// compare takes one of some comparisons.
func (l *cursor) compare(known []string, form string) string {
	for _, c := range known {
		if l.take(c) {
			return c
		}
	}
	l.fail("expected %s, found %s; %s", list(known), l.found(), form)
	return ""
}
