package events

import (
	"errors"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// Announce is the code under which a service publishes its own announcement, with the empty key (DISC-SUB-01a).
const Announce = "announce"

// Announce publishes a packet of the service, uncompressed, as it has been signed (DISC-SUB-01). A packet that has been
// published last already is not published again. Whoever takes it from an event must verify it as one from a datagram
// (DISC-SUB-01f).
func (p *Publisher) Announce(packet []byte) error {
	if !utf8.Valid(packet) {
		return errors.New("events: the packet is not in UTF-8")
	}
	return p.publish(Announce, "", jsontext.AppendQuoted(nil, string(packet)), true)
}
