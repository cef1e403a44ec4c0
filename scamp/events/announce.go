package events

import "encoding/json"

// Announce is the code under which a service publishes its own announcement, with the empty key (DISC-SUB-01a).
const Announce = "announce"

// Announce publishes a packet of the service, uncompressed, as it has been signed (DISC-SUB-01). A packet that has been
// published last already is not published again. Whoever takes it from an event must verify it as one from a datagram
// (DISC-SUB-01f).
func (p *Publisher) Announce(packet []byte) error {
	text, err := json.Marshal(string(packet))
	if err != nil {
		return err
	}
	p.mu.Lock()
	t := p.topics[Announce]
	same := t != nil && string(t.values[""]) == string(text)
	p.mu.Unlock()
	if same {
		return nil
	}
	return p.Publish(Announce, "", json.RawMessage(text))
}
