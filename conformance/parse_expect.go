package conformance

import (
	"fmt"
	"slices"
	"time"
)

var (
	expectedPackets = []string{"HEADER", "DATA", "EOF", "TXERR", "ACK", "PONG"}
	replyKinds      = []string{string(ReplyEcho), string(ReplyPlain), string(ReplyError), string(ReplyAbort), string(ReplyFailure)}
	absences        = []string{"reply", "success", "failure", "ACK", "DATA", "EOF", "close", "octets"}
)

// An expectation is an action with the times of its step.
type expectation struct {
	Action
	within, after time.Duration
}

func (l *cursor) expectation() Action {
	l.blanks()
	start := l.pos
	var e expectation
	switch w := l.word(); {
	case w == "close":
		e.Action = ExpectClose{}
	case !l.client && w == "tls":
		e.Action = l.expectTLS()
	case l.client && slices.Contains(clientExpected, w):
		e.Action = l.expectOfClient(w)
	case !l.client && slices.Contains(replyKinds, w):
		e.Action = l.expectReply(ReplyKind(w))
	case slices.Contains(expectedPackets, w):
		e.Action = l.expectPacket(w)
	case w == "":
		l.fail("expected what to wait for, found %s; it is one of %s", l.found(), list(l.expectable()))
	case w == "success" && !l.client:
		l.failAt(start, `a successful reply is expected with "expect reply", or with "expect echo" when its body is that of the request`)
	case isVerb(w):
		l.failAt(start, "%q is a step of its own; write it without expect", w)
	default:
		l.failAt(start, "%q cannot be expected%s", w, didYouMean(w, l.expectable()))
	}
	for l.err == nil {
		start := l.pos
		switch {
		case l.keyword("within") && e.within == 0:
			e.within = l.duration()
		case l.keyword("after") && e.after == 0:
			e.after = l.duration()
		default:
			l.pos = start
			l.finish(mayFollow(e.Action))
			return e
		}
	}
	return e
}

func (l *cursor) expectable() []string {
	if l.client {
		return slices.Concat(clientExpected, expectedPackets, []string{"close"})
	}
	return slices.Concat(replyKinds, expectedPackets, []string{"close", "tls"})
}

// mayFollow says how an expectation is written, for a message about what stands behind it.
func mayFollow(do Action) string {
	form := "close"
	switch do := do.(type) {
	case ExpectPacket:
		form = map[string]string{
			"HEADER": "HEADER N [PATTERN [exact]]", "DATA": "DATA N TEXT, or DATA N NUMBER octets", "EOF": "EOF N",
			"TXERR": "TXERR N [/regexp/]", "ACK": "ACK N = NUMBER", "PONG": "PONG N",
		}[do.Type]
	case ExpectTLS:
		form = "tls [PATTERN]"
	case ExpectReply:
		form = map[ReplyKind]string{
			ReplyEcho:  "echo ID [header PATTERN]",
			ReplyPlain: "reply ID [TEXT | json PATTERN] [header PATTERN]",
			ReplyError: "error ID [PATTERN]", ReplyAbort: "abort ID [/regexp/]", ReplyFailure: "failure ID",
		}[do.Kind] + " [before ID]"
	case ExpectRequest, ExpectOutcome, ExpectConnection, ExpectHello:
		form = formOfClient(do)
	}
	return fmt.Sprintf("the form is expect %s [within TIME] [after TIME]", form)
}

func (l *cursor) expectPacket(kind string) Action {
	e := ExpectPacket{Type: kind, Number: l.number()}
	switch kind {
	case "HEADER":
		if l.atPattern() {
			e.Header = l.pattern()
		}
	case "DATA":
		try := *l
		if try.number(); try.err == nil && try.keyword("octets") {
			e.Octets = l.number()
			l.keyword("octets")
		} else if isDigit(l.peek()) {
			l.fail("a number of octets is followed by octets: expect DATA N NUMBER octets; a text is written in quotation marks")
		} else {
			e.Body = l.text()
		}
	case "TXERR":
		if l.peek() == '/' {
			e.Match = l.regexp()
		}
	case "ACK":
		e.Compare = l.comparison()
		e.Total = l.number()
	}
	return e
}

func (l *cursor) expectReply(kind ReplyKind) Action {
	e := ExpectReply{Kind: kind, ID: l.id()}
	switch kind {
	case ReplyPlain:
		switch {
		case l.keyword("json"):
			e.JSON = l.pattern()
		case l.atText():
			e.Body = l.text()
		}
	case ReplyError:
		if l.atPattern() {
			e.Header = l.pattern()
		} else if l.keyword("header") {
			l.fail(`the pattern of an error is for its header already; write it without "header"`)
		}
	case ReplyAbort:
		if l.peek() == '/' {
			e.Match = l.regexp()
		}
	}
	if (kind == ReplyEcho || kind == ReplyPlain) && l.keyword("header") {
		e.Header = l.pattern()
	}
	if l.keyword("before") {
		e.Before = l.id()
	}
	return e
}

func (l *cursor) no() Action {
	l.blanks()
	start := l.pos
	n := No{What: l.word()}
	known := absences
	if l.client {
		known = clientAbsences
	}
	if n.What != "" && !slices.Contains(known, n.What) {
		l.failAt(start, "the absence of %q cannot be asked for%s", n.What, didYouMean(n.What, known))
		return n
	}
	switch n.What {
	case "reply", "success", "failure":
		n.ID = l.id()
	case "outcome":
		n.Name = l.callName()
	case "connection":
		n.Name = l.instance("other")
	case "ACK":
		n.Number = l.number()
		if l.take(">") {
			n.Greater = l.number()
		}
	case "DATA", "EOF":
		n.Number = l.number()
	case "":
		l.fail("expected what has not come, found %s; it is one of %s", l.found(), list(known))
	}
	return n
}
