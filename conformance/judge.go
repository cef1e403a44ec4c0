package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// judged are the rules that are judged on every packet of every case, whatever the case is about.
var judged = []string{
	"WIRE-FRAME-01", "WIRE-FRAME-02", "WIRE-FRAME-06", "WIRE-FRAME-08a", "WIRE-FRAME-12", "WIRE-FRAME-13a",
	"WIRE-MSG-01a", "WIRE-MSG-02a", "WIRE-MSG-02b", "WIRE-MSG-05a", "WIRE-MSG-06a", "WIRE-MSG-06c", "WIRE-MSG-08a",
	"WIRE-HDR-01a", "WIRE-HDR-04a", "WIRE-HDR-06b", "WIRE-HDR-06c", "WIRE-HDR-07b", "WIRE-HDR-17a",
	"WIRE-FLOW-01a", "WIRE-FLOW-01b", "WIRE-FLOW-02a", "WIRE-FLOW-02b", "WIRE-FLOW-05a", "WIRE-FLOW-09b",
	"WIRE-ERR-01a", "WIRE-ERR-01b", "WIRE-ERR-09a", "WIRE-ERR-10", "WIRE-TIME-08c",
}

// Judged returns the ids of the rules that Run judges on every packet of a server, in the order of the specification.
func Judged() []string { return slices.Clone(judged) }

// wrong notes a breach that fails its rule.
func (p *peer) wrong(rule, format string, args ...any) {
	p.play.breach(p, breach{rule, GradeFail, fmt.Sprintf(format, args...)})
}

// odd notes a breach that the rule tolerates.
func (p *peer) odd(rule, format string, args ...any) {
	p.play.breach(p, breach{rule, GradeDialect, fmt.Sprintf(format, args...)})
}

// judge looks at a packet of the subject before it is applied; m is the message of its number, if there is one.
func (p *peer) judge(pkt packet, m *incoming) {
	switch pkt.kind {
	case "HEADER":
		if pkt.number != p.nextIn {
			p.wrong("WIRE-MSG-01a", "HEADER %d comes where HEADER %d is next", pkt.number, p.nextIn)
		}
		p.judgeHeader(pkt)
	case "DATA", "EOF", "TXERR":
		switch {
		case m == nil:
			p.wrong("WIRE-MSG-02a", "%s %d comes before HEADER %d", pkt.kind, pkt.number, pkt.number)
			return
		case m.ended:
			p.wrong("WIRE-MSG-02b", "%s %d comes after the end of message %d", pkt.kind, pkt.number, pkt.number)
			return
		}
		p.judgePart(pkt, m)
	case "ACK":
		p.judgeAck(pkt)
	case "PING":
		if p.pinged {
			return
		}
		p.wrong("WIRE-TIME-08c", "PING %d comes although nobody has said that this side has the heartbeat profile", pkt.number)
	}
}

// hasOddID reports whether the tester has sent a message whose id is neither a number nor a string.
func (p *peer) hasOddID() bool {
	return slices.ContainsFunc(p.sent, func(o *outgoing) bool { return o.id == nil || o.id.kind != '0' && o.id.kind != '"' })
}

// judgePart looks at what comes of an open message.
func (p *peer) judgePart(pkt packet, m *incoming) {
	n := len(pkt.body)
	switch pkt.kind {
	case "EOF":
		if n > 0 {
			p.wrong("WIRE-MSG-05a", "EOF %d has a body: %s", pkt.number, showOctets(pkt.body))
		}
		return
	case "TXERR":
		switch text := string(pkt.body); {
		case text == "" || text == "0":
			p.wrong("WIRE-MSG-08a", "TXERR %d has the text %q", pkt.number, text)
		case !utf8.ValidString(text):
			p.wrong("WIRE-MSG-08a", "the text of TXERR %d is not UTF-8: %s", pkt.number, showOctets(pkt.body))
		}
		return
	}
	if n == 0 {
		p.wrong("WIRE-MSG-06a", "DATA %d is empty", pkt.number)
		return
	}
	if n > chunkMax && n <= maxBody {
		p.odd("WIRE-FLOW-09b", "a DATA of more than %d octets: DATA %d has %d", chunkMax, pkt.number, n)
	}
	switch outstanding := m.outstanding(); {
	case outstanding+n <= windowMax:
	case outstanding < windowMax:
		p.odd("WIRE-FLOW-05a", "a chunk is begun in an open window and passes its end: %d octets of message %d are outstanding", outstanding+n, pkt.number)
	default:
		p.odd("WIRE-FLOW-05a", "another window, or none: %d octets of message %d are outstanding", outstanding+n, pkt.number)
	}
}

const (
	windowMax = 65536 // octets of a message outstanding (WIRE-FLOW-05a)
	chunkMax  = 16384 // octets of a DATA (WIRE-FLOW-09b)
)

var totalForm = regexp.MustCompile(`^[1-9][0-9]*$`)

// judgeAck looks at an acknowledgement of one of the tester's messages.
func (p *peer) judgeAck(pkt packet) {
	o := p.own(pkt.number)
	disorder := p.disorder || p.out.broken != nil
	if o == nil {
		if disorder {
			return
		}
		p.wrong("WIRE-FLOW-01a", "ACK %d is for a message that does not exist", pkt.number)
		return
	}
	body := string(pkt.body)
	total, err := strconv.ParseUint(body, 10, 64)
	switch {
	case o.empties > 0 && body == "0":
		p.wrong("WIRE-MSG-06c", "ACK %d 0 comes for an empty DATA", pkt.number)
	case !totalForm.MatchString(body) || err != nil:
		p.wrong("WIRE-FLOW-01b", "ACK %d has the body %s", pkt.number, showOctets(pkt.body))
	case total > uint64(len(o.body)) && !disorder:
		if slices.ContainsFunc(p.sent, func(m *outgoing) bool { return m.number == pkt.number && total <= uint64(len(m.body)) }) {
			return // it is for an earlier message, whose number the tester has used again
		}
		if m := p.meant(o, total); m != nil {
			o.misnamed = true
			p.wrong("WIRE-FLOW-01a", "ACK %d %d: message %d has %d octets; message %d has so many", pkt.number, total, pkt.number, len(o.body), m.number)
			return
		}
		p.wrong("WIRE-FLOW-02b", "ACK %d %d: only %d octets have been sent", pkt.number, total, len(o.body))
	}
}

// meant returns another message of the tester that an ACK must be about which is too large for o; nil if there is none.
func (p *peer) meant(o *outgoing, total uint64) *outgoing {
	for _, m := range p.sent {
		if o.ended && m != o && !m.ended && total <= uint64(len(m.body)) {
			return m
		}
	}
	return p.passedOver(o, total)
}

// passedOver returns another message than o that has just so many octets and no ACK; nil if there is none.
func (p *peer) passedOver(o *outgoing, total uint64) *outgoing {
	for _, m := range p.sent {
		if m != o && len(m.acks) == 0 && total == uint64(len(m.body)) {
			return m
		}
	}
	return nil
}

// judgeTotals looks at the ACKs of a connection that is over: what the values that do not increase are can be told only
// then. They are increments where their sum is what had been sent at some time, answers to empty DATA where there are no
// more of them than of those.
func (p *peer) judgeTotals() {
	type unsteady struct {
		o       *outgoing
		at      int
		summing bool
	}
	var found []unsteady
	onlyEmpties := true
	for _, o := range p.sent {
		sum, summing := uint64(0), false
		first, times := -1, 0
		for i, total := range o.acks {
			sum += total
			if i > 0 && total <= o.acks[i-1] {
				times++
				if first < 0 {
					first = i
				}
			}
			summing = summing || first >= 0 && sum == o.sums[i] && !slices.Contains(o.acks, 0)
		}
		if first < 0 || o.misnamed {
			continue
		}
		whole := o.ended && o.acks[first-1] == uint64(len(o.body))
		if m := p.passedOver(o, o.acks[first]); whole && m != nil {
			p.wrong("WIRE-FLOW-01a", "ACK %d %d comes again; message %d has so many octets and no ACK", o.number, o.acks[first], m.number)
			continue
		}
		found = append(found, unsteady{o, first, summing && sum <= uint64(len(o.body))})
		onlyEmpties = onlyEmpties && times <= o.empties
	}
	for _, u := range found {
		n, before, total := u.o.number, u.o.acks[u.at-1], u.o.acks[u.at]
		switch {
		case u.summing:
			p.wrong("WIRE-FLOW-01b", "ACK %d %d comes after ACK %d %d: the values are increments, not totals", n, total, n, before)
		case onlyEmpties && total == before:
			p.wrong("WIRE-MSG-06c", "ACK %d %d is repeated for an empty DATA", n, total)
		default:
			p.wrong("WIRE-FLOW-02a", "ACK %d %d comes after ACK %d %d", n, total, n, before)
		}
	}
}

// essential are the members that are never null; optional ones are better left out (WIRE-HDR-06).
var essential = []string{"type", "envelope", "version", "client_id", "request_id"}

// judgeHeader looks at a header by itself.
func (p *peer) judgeHeader(pkt packet) {
	h, err := parseJSON(pkt.body)
	switch {
	case err != nil:
		p.wrong("WIRE-HDR-01a", "HEADER %d is not one JSON object: %v: %s", pkt.number, err, showOctets(pkt.body))
		return
	case h.kind != '{':
		p.wrong("WIRE-HDR-01a", "HEADER %d is not a JSON object: %s", pkt.number, showOctets(pkt.body))
		return
	}
	for i, name := range h.names {
		if first := slices.Index(h.names, name); first < i {
			if equalJSON(h.members[first], h.members[i]) {
				p.odd("WIRE-HDR-04a", "HEADER %d has the member %q twice, with equal values", pkt.number, name)
			} else {
				p.wrong("WIRE-HDR-04a", "HEADER %d has the member %q twice, with different values", pkt.number, name)
			}
		}
		if h.members[i].kind != 'n' {
			continue
		}
		switch {
		case name == "request_id" && p.hasOddID(): // answers a request without a usable id: WIRE-HDR-14 speaks of it
		case slices.Contains(essential, name):
			p.wrong("WIRE-HDR-06b", "HEADER %d has null in %q", pkt.number, name)
		default:
			p.odd("WIRE-HDR-06c", "null in %q, which could be left out", name)
		}
	}
	if p.play.world != nil {
		p.judgeRequest(pkt.number, &h)
		return
	}
	switch kind, ok := h.get("type"); {
	case !ok || kind.kind == 'n':
		p.odd("WIRE-HDR-07b", "replies without type")
	case kind.kind != '"' || kind.text != "reply":
		p.wrong("WIRE-HDR-07b", "HEADER %d has the type %s", pkt.number, abbreviated(kind.source()))
	}
	p.judgeError(pkt.number, &h)
}

// internals are what a text of an error should not have (WIRE-ERR-10).
var internals = regexp.MustCompile(`(?i)traceback|stack ?trace|goroutine [0-9]+|\bat line [0-9]+|\bline [0-9]+ in\b|\.(go|py|pl|pm|rb|js|mjs|ts|java|kt|cs|php|rs|c|cc|cpp|h):[0-9]+|\.(pl|pm|py|php) line [0-9]+`)

// judgeError looks at the error members of a header.
func (p *peer) judgeError(number uint64, h *jsonValue) {
	code, hasCode := h.get("error_code")
	text, hasText := h.get("error")
	if !h.says("error_code") && !h.says("error") {
		if hasCode || hasText {
			p.odd("WIRE-HDR-17a", "empty error members in a successful reply")
		}
		return
	}
	switch {
	case hasCode && code.kind == '"' && code.text == "":
		p.wrong("WIRE-ERR-09a", "HEADER %d has an empty error_code beside an error", number)
	case !h.says("error_code"):
		p.odd("WIRE-ERR-01a", "error without error_code")
	case !h.says("error"):
		p.odd("WIRE-ERR-01a", "error_code without error")
	case code.kind != '"' || text.kind != '"':
		p.wrong("WIRE-ERR-01a", "HEADER %d has error members that are no strings", number)
	}
	if text.kind == '"' && internals.MatchString(text.text) {
		p.odd("WIRE-ERR-10", "an error text tells how the server is made: %s", strconv.Quote(abbreviated(text.text)))
	}
}

// judgeReply looks at a reply that has come to its end.
func (p *peer) judgeReply(m *incoming) {
	if len(m.body) == 0 {
		return
	}
	if o := p.request(m.id); o != nil && o.echo && m.abort == nil && string(o.body) == string(m.body) {
		telling := len(m.body) > len("null") // an error reply may well have the body {}
		switch {
		case m.success():
			p.play.plain = p.play.plain || telling
		case telling:
			p.play.adorned = true
			p.wrong("WIRE-HDR-17a", "reply %d has error members although the call has succeeded: its body is what an echo returns", m.number)
		default:
			p.doubtful = append(p.doubtful, m)
		}
		return
	}
	if !m.success() && m.abort == nil {
		p.judgeErrorBody(m)
	}
}

// judgeDoubtful looks at error replies whose bodies say little, when it is known what other echoes look like.
func (p *peer) judgeDoubtful() {
	for _, m := range p.doubtful {
		switch {
		case p.play.adorned:
			p.wrong("WIRE-HDR-17a", "reply %d has error members although the call has succeeded, as other echoes have", m.number)
		case p.play.plain:
			p.judgeErrorBody(m)
		}
	}
}

// judgeErrorBody looks at the body of an error reply (WIRE-ERR-01b).
func (p *peer) judgeErrorBody(m *incoming) {
	code, _ := m.header.get("error_code")
	text, _ := m.header.get("error")
	switch body, err := parseJSON(m.body); {
	case err == nil && body.kind == 'n':
		p.odd("WIRE-ERR-01b", "an error reply with the body null")
	case err == nil && repeats(&body, code.text, text.text):
		p.odd("WIRE-ERR-01b", "an error reply whose body repeats the error")
	default:
		p.wrong("WIRE-ERR-01b", "error reply %d has a body: %s", m.number, showOctets(m.body))
	}
}

// repeats reports whether a body says nothing but what the error members say.
func repeats(body *jsonValue, code, text string) bool {
	switch body.kind {
	case '"':
		return body.text == code || body.text == text
	case 'n':
		return true
	}
	for i := range body.members {
		if !repeats(&body.members[i], code, text) {
			return false
		}
	}
	return len(body.members) > 0
}
