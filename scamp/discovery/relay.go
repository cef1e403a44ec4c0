package discovery

import (
	"bytes"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// relay says why a cache manager does not pass a verified announcement on, although a requester would use it: some
// requesters would not, or would fail (DISC-CMG-08, DISC-ENV-04c). nil is no reason.
func relay(packet []byte, a *Announcement) error {
	if bytes.Contains(packet, []byte(marker)) || bytes.HasSuffix(packet, []byte(marker[:4])) {
		return refuse(LayerEnvelope, "DISC-ENV-04c", "the packet has the marker of a record in it")
	}
	s, err := split(a.Packet)
	if err != nil {
		return err
	}
	i := 0
	why := error(nil)
	_ = jsontext.Elements(s.data, func(e []byte) error {
		switch i {
		case 3, 4:
			if string(e) != "0" && (!isPositive(e) || len(e) > mostDigits) {
				why = refuse(LayerData, "DISC-CMG-08d", "element %d is %s, not a plain integer", i, abbreviated(e))
			}
		case 6:
			why = relayEnvelopes(e, why)
		case 7:
			why = relayClasses(e, why)
		}
		i++
		return why
	})
	return why
}

// mostDigits bounds an integer that every reader can take for what it is.
const mostDigits = 15

// relayEnvelopes demands strings and one final object (DISC-CMG-08e).
func relayEnvelopes(envelopes []byte, why error) error {
	object := false
	_ = jsontext.Elements(envelopes, func(e []byte) error {
		if object || e[0] != '"' && e[0] != '{' {
			why = refuse(LayerData, "DISC-CMG-08e", "element 6 has %s where strings and one final object may stand", abbreviated(e))
		}
		object = e[0] == '{'
		return why
	})
	return why
}

// relayClasses demands class records with actions of two or three members (DISC-CMG-08c).
func relayClasses(classes []byte, why error) error {
	if classes[0] != '[' {
		return why // null: DISC-JSN-05a
	}
	_ = jsontext.Elements(classes, func(class []byte) error {
		n := 0
		err := jsontext.Elements(class, func(e []byte) error {
			if n++; n == 1 {
				return nil
			}
			members := 0
			if err := jsontext.Elements(e, func([]byte) error { members++; return nil }); err != nil || members < 2 || members > 3 {
				why = refuse(LayerData, "DISC-CMG-08c", "the action entry %s has not two or three members", abbreviated(e))
			}
			return why
		})
		if why == nil && (err != nil || n < 2) {
			why = refuse(LayerData, "DISC-CMG-08c", "the class record %s has no action", abbreviated(class))
		}
		return why
	})
	return why
}
