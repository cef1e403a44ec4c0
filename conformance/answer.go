package conformance

import (
	"slices"
	"strings"
)

// isBarrier reports whether a request is one that the tester has asked for.
func (m *incoming) isBarrier() bool {
	action, _ := m.header.get("action")
	return m.isRequest() && strings.HasPrefix(action.text, "Barrier.")
}

// answer sends a request its own body back. It does not wait. play.mu is held.
func (p *peer) answer(m *incoming) {
	m.whole = true
	if m.id == nil || m.abort != nil || p.out.midway() {
		return
	}
	header := []byte(`{"type":"reply","request_id":` + m.id.source() + `}`)
	number := p.nextOut
	octets := appendPacket(nil, packet{"HEADER", number, header}, nil, nil)
	for piece := range slices.Chunk(m.body, chunkMax) {
		octets = appendPacket(octets, packet{"DATA", number, piece}, nil, nil)
	}
	octets = appendPacket(octets, packet{"EOF", number, nil}, nil, nil)
	p.track(octets)
	p.queue = append(p.queue, &unit{octets: octets, clean: true})
	if p.instance != nil {
		p.instance.answered++
	}
	p.play.change.Broadcast()
}
