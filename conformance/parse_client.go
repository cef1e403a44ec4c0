package conformance

import (
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// What stands in the cases of one role only.
var (
	serverVerbs = []string{"connect", "executed", "open", "request"}
	clientVerbs = []string{
		"accept", "age", "announce", "answered", "authorize", "config", "connections", "do", "listen", "refuse", "reload", "remove",
		"reply", "serve", "withdraw",
	}
	clientExpected = []string{"request", "result", "failure", "outcome", "connection", "hello"}
	clientAbsences = []string{"request", "octets", "outcome", "connection", "ACK", "DATA", "EOF", "close"}
	clientFiles    = []string{calling.Cache, calling.Authorized, calling.Config}
)

// ownVerb demands that a verb stands in a case of the right role.
func (l *cursor) ownVerb(start int, verb string) {
	switch {
	case l.client && slices.Contains(serverVerbs, verb):
		l.failAt(start, "%q plays the client of a server; it stands in cases with role: server", verb)
	case !l.client && slices.Contains(clientVerbs, verb):
		l.failAt(start, "%q plays what is around a client; it stands in cases with role: client", verb)
	}
}

// clientStep reads what stands behind a verb of clientVerbs.
func (l *cursor) clientStep(verb string) Action {
	switch verb {
	case "accept":
		return l.accept()
	case "age":
		return Age{l.file(), l.duration()}
	case "announce":
		a := Announce{Instance: l.instance()}
		if l.atText() {
			a.With = l.text()
		}
		return a
	case "authorize":
		return Authorize{l.text()}
	case "config":
		return l.config()
	case "connections", "answered":
		c := Count{What: verb, Instance: l.instance()}
		c.Compare = l.compare(slices.Concat([]string{"<=", "<"}, comparisons), "write the number as in connections S1 = 1")
		c.Total = l.number()
		return c
	case "do":
		return l.do()
	case "listen", "refuse", "serve":
		return Behave{l.instance(), Behaviour(verb)}
	case "reload":
		return Reload{}
	case "remove":
		return Remove{l.file()}
	case "reply":
		return l.reply()
	case "withdraw":
		return Withdraw{l.instance()}
	}
	return nil
}

// instance takes the name of an instance, or one of the words that stand for one.
func (l *cursor) instance(words ...string) string {
	l.blanks()
	start := l.pos
	name := l.name()
	switch {
	case name == "":
		l.fail("expected the name of an instance, S1 to S9, found %s", l.found())
	case !isInstance(name) && !slices.Contains(words, name):
		l.failAt(start, "%q is no instance; they are S1 to S9", name)
	}
	return name
}

func isInstance(name string) bool {
	return len(name) == 2 && name[0] == 'S' && '1' <= name[1] && name[1] <= '9'
}

// file takes the name of one of the files around a client.
func (l *cursor) file() string { return l.choiceOf(clientFiles) }

// choiceOf takes one of some names.
func (l *cursor) choiceOf(known []string) string {
	l.blanks()
	start := l.pos
	end := start + strings.IndexAny(l.src[start:]+" ", " \t")
	name := l.src[start:end]
	l.pos = end
	if !slices.Contains(known, name) {
		l.failAt(start, "%q is no file around the subject; they are %s", name, list(known))
	}
	return name
}

func (l *cursor) accept() Action {
	a := Accept{Instance: l.instance("any", "other")}
	e := expectation{}
	for l.err == nil {
		start := l.pos
		switch {
		case l.keyword("as") && a.As == "":
			l.blanks()
			if a.As = l.name(); a.As == "" {
				l.fail("expected a name for the connection, found %s; write accept S1 as NAME", l.found())
			}
		case l.keyword("plain") && !a.Plain:
			a.Plain = true
		case l.keyword("certificate") && a.Certificate == "":
			a.Certificate = l.instance("expired")
		case l.keyword("tls") && a.TLS == "":
			switch {
			case l.take("1.2"):
				a.TLS = "1.2"
			case l.take("1.3"):
				a.TLS = "1.3"
			default:
				l.fail("expected a version of TLS, 1.2 or 1.3, found %s", l.found())
			}
		case l.keyword("within") && e.within == 0:
			e.within = l.duration()
		case l.keyword("after") && e.after == 0:
			e.after = l.duration()
		default:
			l.pos = start
			l.finish("the form is accept INSTANCE [as NAME] [plain] [certificate INSTANCE] [tls VERSION] [within TIME] [after TIME]")
			e.Action = a
			return e
		}
	}
	return e
}

// config takes KEY TEXT.
func (l *cursor) config() Action {
	l.blanks()
	start := l.pos
	end := start + strings.IndexAny(l.src[start:]+" ", " \t")
	c := Config{Key: l.src[start:end]}
	l.pos = end
	if c.Key == "" || !isLetter(c.Key[0]) || strings.ContainsAny(c.Key, `="#`) {
		l.failAt(start, `expected a key of the configuration; write config rpc.timeout "2"`)
	}
	c.Value = l.text()
	return c
}

// do takes what the application of the subject does.
func (l *cursor) do() Action {
	switch what := l.choice("call", "cancel", "close"); what {
	case "call":
		return l.call()
	case "cancel":
		return DoCancel{l.callName()}
	}
	return DoClose{}
}

// callName takes the name of a call.
func (l *cursor) callName() string {
	l.blanks()
	name := l.name()
	if name == "" {
		l.fail("expected the name of a call, found %s; write do call NAME ACTION", l.found())
	}
	return name
}

func (l *cursor) call() Action {
	c := DoCall{Name: l.callName()}
	c.Action, c.Fixture = l.action()
	if l.atText() {
		c.Body = l.text()
	}
	for l.err == nil && !l.end() {
		start := l.pos
		switch {
		case l.keyword("version") && c.Version == nil:
			c.Version = l.number()
		case l.keyword("envelope") && c.Envelope == nil:
			c.Envelope = l.text()
		case l.keyword("sector") && c.Sector == nil:
			c.Sector = l.text()
		case l.keyword("ident") && c.Ident == nil:
			c.Ident = l.text()
		case l.keyword("ticket") && c.Ticket == nil:
			c.Ticket = l.text()
		case l.keyword("timeout") && c.Timeout == 0:
			c.Timeout = l.duration()
		default:
			l.pos = start
			l.finish("behind a call may stand version N, envelope TEXT, sector TEXT, ident TEXT, ticket TEXT and timeout TIME, each once")
		}
	}
	return c
}

// reply takes ID [TEXT] and the modifiers of a request.
func (l *cursor) reply() Action {
	r := Request{}
	id := l.id()
	if l.atText() {
		r.Body = l.text()
	}
	for l.err == nil && l.modifier(&r) {
	}
	return Reply{ID: id, Body: r.Body, With: r.With, Without: r.Without, In: r.In, Window: r.Window}
}

// expectOfClient takes what a client's case may wait for besides packets.
func (l *cursor) expectOfClient(word string) Action {
	switch word {
	case "request":
		e := ExpectRequest{ID: l.id()}
		switch {
		case l.keyword("json"):
			e.JSON = l.pattern()
		case l.atText():
			e.Body = l.text()
		}
		if l.keyword("header") {
			e.Header = l.pattern()
		}
		return e
	case "result":
		e := ExpectOutcome{Name: l.callName()}
		switch {
		case l.keyword("json"):
			e.JSON = l.pattern()
		case l.atText():
			e.Body = l.text()
		}
		return e
	case "failure":
		e := ExpectOutcome{Name: l.callName(), Failure: true}
		if l.atPattern() {
			e.Members = l.pattern()
		}
		return e
	case "outcome":
		return ExpectOutcome{Name: l.callName(), Either: true}
	case "connection":
		return ExpectConnection{l.instance()}
	}
	return ExpectHello{}
}

// formOfClient says how an expectation of a client's case is written.
func formOfClient(do Action) string {
	switch do := do.(type) {
	case ExpectRequest:
		return "request ID [TEXT | json PATTERN] [header PATTERN]"
	case ExpectOutcome:
		switch {
		case do.Either:
			return "outcome CALL"
		case do.Failure:
			return "failure CALL [PATTERN]"
		}
		return "result CALL [TEXT | json PATTERN]"
	case ExpectConnection:
		return "connection INSTANCE"
	}
	return "hello"
}
