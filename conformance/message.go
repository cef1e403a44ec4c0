package conformance

import (
	"bytes"
	"slices"
	"strconv"
)

// An incoming message is one that the subject sends.
type incoming struct {
	number uint64
	header jsonValue // as far as it could be read
	id     *jsonValue
	body   []byte
	acked  uint64 // total of the last ACK that the tester has sent
	ended  bool
	abort  *string // the text of the TXERR that ended it

	barrier     bool // it is a request that the tester has asked for, and no part of the script
	headerTaken bool // by an expectation of its own
	whole       bool // an expectation of the whole reply has taken it
	at          int  // octets of body that have been taken
	endTaken    bool
	watched     bool // stall or until speaks of it: its parts need not be expected
	window      int  // octets outstanding when it was seen to have stopped
}

// success reports whether the header has no error (WIRE-ERR-02a).
func (m *incoming) success() bool { return !m.header.says("error") && !m.header.says("error_code") }

// outstanding is how many octets the tester has not acknowledged.
func (m *incoming) outstanding() int { return len(m.body) - int(m.acked) }

// An outgoing message is one that the tester sends.
type outgoing struct {
	number   uint64
	id       *jsonValue // nil: none, or null
	echo     bool       // it is a request to the echo action
	barrier  bool       // … that is no part of the script
	body     []byte
	empties  int      // DATA without octets
	acks     []uint64 // totals of the ACKs that came
	sums     []uint64 // octets that had been sent when they came
	ended    bool
	aborted  bool
	misnamed bool // an ACK of another message has named it
	begunBy  int  // the count of sends when its HEADER was sent
	endedBy  int  // … and when its end was
}

// message returns the latest message of the subject with this number.
func (p *peer) message(number uint64) *incoming {
	for i := len(p.messages) - 1; i >= 0; i-- {
		if p.messages[i].number == number {
			return p.messages[i]
		}
	}
	return nil
}

// own returns the latest message of the tester with this number.
func (p *peer) own(number uint64) *outgoing {
	for i := len(p.sent) - 1; i >= 0; i-- {
		if p.sent[i].number == number {
			return p.sent[i]
		}
	}
	return nil
}

// request returns the tester's latest message with this id; nil stands for none.
func (p *peer) request(id *jsonValue) *outgoing {
	for i := len(p.sent) - 1; i >= 0; i-- {
		if sameID(p.sent[i].id, id) {
			return p.sent[i]
		}
	}
	return nil
}

// isRequest reports whether the subject asks something. Other types than reply are judged elsewhere (WIRE-HDR-07b).
func (m *incoming) isRequest() bool {
	kind, _ := m.header.get("type")
	return kind.text == "request"
}

// replies returns the subject's messages with this id that no expectation has taken.
func (p *peer) replies(id *jsonValue) (found []*incoming) {
	for _, m := range p.messages {
		if !m.whole && !m.isRequest() && sameID(m.id, id) {
			found = append(found, m)
		}
	}
	return found
}

func sameID(a, b *jsonValue) bool {
	if a == nil || b == nil {
		return a == b
	}
	return equalJSON(*a, *b)
}

// idOf returns the request_id of a header; nil if it is absent or null.
func idOf(header *jsonValue) *jsonValue {
	id, ok := header.get("request_id")
	if !ok || id.kind == 'n' {
		return nil
	}
	return &id
}

// apply takes a packet of the subject into the state. The rules that senders keep are judged on the way.
func (p *peer) apply(pkt packet) {
	m := p.message(pkt.number)
	p.judge(pkt, m)
	switch pkt.kind {
	case "HEADER":
		m = &incoming{number: pkt.number}
		m.header, _ = parseJSON(pkt.body)
		m.id = idOf(&m.header)
		m.barrier = p.play.world != nil && m.isBarrier()
		p.messages = append(p.messages, m)
		p.nextIn = pkt.number + 1
	case "DATA":
		if m == nil || m.ended || len(pkt.body) == 0 {
			return
		}
		m.body = append(m.body, pkt.body...)
		if p.acking {
			p.acknowledge(m)
		}
	case "EOF", "TXERR":
		if m == nil || m.ended {
			return
		}
		m.ended = true
		if pkt.kind == "TXERR" {
			text := string(pkt.body)
			m.abort = &text
		}
		if p.play.world != nil {
			if p.serving || m.barrier {
				p.answer(m)
			}
			return
		}
		p.judgeReply(m)
		if of, ok := bytes.CutPrefix(m.body, []byte(`{"barrier":`)); ok && !bytes.Contains(of, quoteJSON([]byte(p.play.token+" "+p.name))) {
			p.play.crossed = true
		}
	case "ACK":
		if o := p.own(pkt.number); o != nil {
			if total, err := strconv.ParseUint(string(pkt.body), 10, 64); err == nil {
				o.acks, o.sums = append(o.acks, total), append(o.sums, uint64(len(o.body)))
			}
		}
	case "PONG":
		p.pongs = append(p.pongs, pkt)
	}
}

// track takes octets that the tester is about to send into the state.
func (p *peer) track(octets []byte) {
	p.out.feed(octets)
	for {
		pkt, _, ok := p.out.next()
		if !ok {
			return
		}
		p.play.note(p, packetEntry(pkt, false))
		p.trackPacket(pkt)
	}
}

func (p *peer) trackPacket(pkt packet) {
	o := p.own(pkt.number)
	switch pkt.kind {
	case "HEADER":
		o = &outgoing{number: pkt.number, begunBy: p.sends}
		if header, err := parseJSON(pkt.body); err == nil {
			o.id = idOf(&header)
			action, _ := header.get("action")
			kind, _ := header.get("type")
			p.asks = p.asks || kind.text == "request"
			o.echo = p.play.world == nil && action.text == p.play.subject.action("echo")
		}
		p.sent = append(p.sent, o)
		p.nextOut = pkt.number + 1
	case "DATA":
		if o == nil || o.ended {
			p.disorder = true
			return
		}
		o.body = append(o.body, pkt.body...)
		if len(pkt.body) == 0 {
			o.empties++
		}
	case "EOF", "TXERR":
		if o == nil || o.ended {
			return
		}
		o.ended = true
		o.aborted = pkt.kind == "TXERR"
		o.endedBy = p.sends
	case "ACK":
		if m := p.message(pkt.number); m != nil {
			if total, err := strconv.ParseUint(string(pkt.body), 10, 64); err == nil && total <= uint64(len(m.body)) {
				m.acked = max(m.acked, total)
			}
		}
	case "PING":
		p.pinged = true
	}
}

// leftovers says what has come that no step has expected; "" is nothing.
func (p *peer) leftovers() string {
	if p.anything || p.closed {
		return ""
	}
	for _, m := range p.messages {
		if o := p.request(m.id); o != nil && o.barrier || m.barrier || p.awaited && m.mayPrecedeClose(p) {
			continue
		}
		if what := m.leftover(); what != "" {
			return what
		}
	}
	if len(p.pongs) > 0 && !p.awaited {
		return "PONG " + strconv.FormatUint(p.pongs[0].number, 10)
	}
	return ""
}

func (m *incoming) leftover() string {
	n := strconv.FormatUint(m.number, 10)
	switch {
	case m.whole:
	case !m.headerTaken:
		return "HEADER " + n + " " + abbreviated(m.header.source())
	case m.watched:
	case m.at < len(m.body):
		return "DATA " + n + " " + showOctets(m.body[m.at:])
	case m.abort != nil && !m.endTaken:
		return "TXERR " + n + " " + strconv.Quote(abbreviated(*m.abort))
	case m.ended && !m.endTaken:
		return "EOF " + n
	}
	return ""
}

// mayPrecedeClose reports whether what has come may come before a close that the script expects: replies that are not
// complete, those to requests that were complete before the last step that sent something, and failures of those that were
// half sent (WIRE-FRAME-15b). Of a client they are requests that the script has begun to take.
func (m *incoming) mayPrecedeClose(p *peer) bool {
	if p.play.world != nil {
		return m.barrier || m.leftover() == "" || m.headerTaken && !m.ended
	}
	if !m.ended || m.leftover() == "" {
		return true
	}
	o := p.request(m.id)
	return o != nil && (o.barrier || o.ended && o.endedBy < p.sends) || m.failsHalf(p)
}

// failsHalf reports whether this is a failed reply to a request that was half sent before the last step that sent something.
func (m *incoming) failsHalf(p *peer) bool {
	return m.ended && (m.abort != nil || !m.success()) && slices.ContainsFunc(p.sent, func(o *outgoing) bool {
		return sameID(o.id, m.id) && o.begunBy < p.sends && !(o.ended && o.endedBy < p.sends)
	})
}

func appendUint(n uint64) []byte { return strconv.AppendUint(nil, n, 10) }

// firstDifference returns the index of the first octet in which a and b differ.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// differ says how a body differs from what was expected.
func differ(got, want []byte) string {
	if bytes.Equal(got, want) {
		return ""
	}
	i := firstDifference(got, want)
	from := max(0, i-8)
	window := func(b []byte) []byte { return b[from:max(from, min(len(b), i+24))] }
	at := ""
	if from > 0 {
		at = " from octet " + strconv.Itoa(from) + " on"
	}
	return "the body has " + strconv.Itoa(len(got)) + " octets," + at + " " + showOctets(slices.Clip(window(got))) +
		"; expected are " + strconv.Itoa(len(want)) + "," + at + " " + showOctets(window(want))
}
