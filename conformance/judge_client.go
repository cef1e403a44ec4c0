package conformance

import (
	"math/big"
	"slices"
	"strings"
)

// judgedOfClients are the rules that are judged on every packet of a client.
var judgedOfClients = []string{
	"WIRE-FRAME-01", "WIRE-FRAME-02", "WIRE-FRAME-06", "WIRE-FRAME-08a", "WIRE-FRAME-12", "WIRE-FRAME-13a",
	"WIRE-MSG-01a", "WIRE-MSG-02a", "WIRE-MSG-02b", "WIRE-MSG-05a", "WIRE-MSG-06a", "WIRE-MSG-06c", "WIRE-MSG-08a",
	"WIRE-HDR-01a", "WIRE-HDR-04a", "WIRE-HDR-06b", "WIRE-HDR-06c", "WIRE-HDR-07a", "WIRE-HDR-10a", "WIRE-HDR-10b",
	"WIRE-HDR-10c", "WIRE-HDR-10d",
	"WIRE-FLOW-01a", "WIRE-FLOW-01b", "WIRE-FLOW-02a", "WIRE-FLOW-02b", "WIRE-FLOW-05a", "WIRE-FLOW-09b",
	"WIRE-RPC-01a", "WIRE-RPC-01b", "WIRE-TIME-08c",
}

// JudgedOfClients returns the ids of the rules that Run judges on every packet of a client.
func JudgedOfClients() []string { return slices.Clone(judgedOfClients) }

// judgeRequest looks at the header of a client.
func (p *peer) judgeRequest(number uint64, h *jsonValue) {
	kind, ok := h.get("type")
	switch {
	case ok && kind.text == "reply" && p.asks: // to a request of the tester's
		return
	case !ok || kind.kind == 'n':
		p.wrong("WIRE-HDR-07a", "HEADER %d has no type", number)
	case kind.kind != '"' || kind.text != "request" && !slices.Contains(p.play.subject.Profiles, "events"):
		p.wrong("WIRE-HDR-07a", "HEADER %d has the type %s", number, abbreviated(kind.source()))
	}
	if kind.text != "request" {
		return
	}
	switch action, ok := h.get("action"); {
	case !ok:
		p.wrong("WIRE-HDR-10a", "request %d has no action", number)
	case action.kind != '"' || strings.Trim(action.text, ".") == "" || !strings.Contains(action.text, "."):
		p.wrong("WIRE-HDR-10a", "request %d has the action %s", number, abbreviated(action.source()))
	}
	switch version, ok := h.get("version"); {
	case !ok:
		p.wrong("WIRE-HDR-10b", "request %d has no version", number)
	case !positiveInteger(version):
		p.wrong("WIRE-HDR-10b", "request %d has the version %s", number, abbreviated(version.source()))
	}
	switch envelope, ok := h.get("envelope"); {
	case !ok:
		p.odd("WIRE-HDR-10c", "requests without envelope")
	case envelope.kind != '"' || envelope.text == "":
		p.wrong("WIRE-HDR-10c", "request %d has the envelope %s", number, abbreviated(envelope.source()))
	}
	p.judgeID(number, h)
}

// judgeID looks at the id of a request: its form, and whether it is in use.
func (p *peer) judgeID(number uint64, h *jsonValue) {
	id := idOf(h)
	switch {
	case id == nil:
		p.wrong("WIRE-HDR-10d", "request %d has no request_id", number)
		return
	case id.kind == '"' && id.text != "":
		p.odd("WIRE-HDR-10d", "ids that are strings")
	case !positiveInteger(*id):
		p.wrong("WIRE-HDR-10d", "request %d has the request_id %s", number, abbreviated(id.source()))
		return
	}
	for _, m := range p.messages {
		if sameID(m.id, id) && !p.answeredWhole(m) {
			p.wrong("WIRE-RPC-01a", "request %d has the id of request %d, which is outstanding: %s", number, m.number, abbreviated(id.source()))
			return
		}
	}
}

// answeredWhole reports whether the tester has sent the end of a reply to a request, or the request was given up.
func (p *peer) answeredWhole(m *incoming) bool {
	return m.abort != nil || slices.ContainsFunc(p.sent, func(o *outgoing) bool { return o.ended && sameID(o.id, m.id) })
}

func positiveInteger(v jsonValue) bool {
	n, ok := new(big.Int).SetString(v.text, 10)
	return v.kind == '0' && ok && n.Sign() > 0
}

// judgeIDs looks at the ids of a connection that is over: whether they count from 1 (WIRE-RPC-01b).
func (p *peer) judgeIDs() {
	if p.play.world == nil {
		return
	}
	next := uint64(1)
	for _, m := range p.messages {
		if m.id == nil || !m.isRequest() {
			continue
		}
		if m.id.source() != string(appendUint(next)) {
			p.odd("WIRE-RPC-01b", "ids do not count 1, 2, 3")
			return
		}
		next++
	}
}
