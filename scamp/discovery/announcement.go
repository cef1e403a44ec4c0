package discovery

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An Identity is what makes two announcements those of one instance: the fingerprint of the certificate and the ident, by
// which the instance names itself (DISC-IDT-02a). Identities are comparable.
type Identity struct {
	Fingerprint string // SHA-1 of the certificate, as 20 upper-case hexadecimal octets joined with ':'
	Ident       string // opaque
}

// An Announcement is the record in which an instance of a service says where it is and what it offers. One that Verify
// returns has been checked and must not be changed.
type Announcement struct {
	Identity
	Sector    string   // of the actions of the plain list
	Weight    float64  // 0 or less: the instance takes no calls (DISC-WGT)
	Interval  float64  // milliseconds between two announcements
	URI       string   // beepish+tls://address:port
	Envelopes []string // of the actions of the plain list
	Actions   []Action // those of the plain list, then those of the vectors, without those that were skipped
	Timestamp float64  // in a unit of the announcer's own; larger is newer (DISC-TSP)

	// Certificate is the announcing certificate in DER form.
	Certificate []byte
	// Packet is the announcement as it came: data, certificate and signature.
	Packet []byte
	// Skipped are the actions that were left out, and why: the first hundred of them.
	Skipped []Skip

	list *list // what it has in common with other instances; nil where it was not parsed
}

// An Action is one action that an instance offers.
type Action struct {
	Sector    string
	Name      string // full: namespace, dot, name
	Version   int    // from 1
	Envelopes []string
	Flags     string // comma-separated
}

// A Skip is an action entry that a receiver treats as absent.
type Skip struct {
	Rule   string // the specification's id
	Reason string
}

// The bounds of an interval for the expiry of an instance, in milliseconds (DISC-RPL-02b).
const (
	leastInterval = 100
	mostInterval  = 86400000
)

// Expiry is how long the instance lives after it was heard last: 2.1 intervals (DISC-RPL-02).
func (a *Announcement) Expiry() time.Duration {
	ms := min(max(a.Interval, leastInterval), mostInterval)
	return time.Duration(ms * 2.1 * float64(time.Millisecond))
}

// footprint estimates the memory that the actions take, in octets.
func (a *Announcement) footprint() int {
	const each = 200 // an Action, its keys, their place in an index
	n := each * len(a.Actions)
	if a.list != nil {
		n += 2 * a.list.expanded // the names, and the keys
	}
	return n
}

// Has reports whether the action has a flag, exactly (DISC-ACT-08c).
func (a *Action) Has(flag string) bool {
	for f := range strings.SplitSeq(a.Flags, ",") {
		if f == flag {
			return true
		}
	}
	return false
}

// NoAuth reports whether the action runs without a ticket.
func (a *Action) NoAuth() bool { return a.Has("noauth") }

// maxTimeout is the largest N of a flag tN, in seconds (DISC-ACT-10a).
const maxTimeout = 86400

// Timeout returns the time that the action may take, 0 where no flag says so. Of several flags the last one counts
// (DISC-ACT-10).
func (a *Action) Timeout() (d time.Duration) {
	for f := range strings.SplitSeq(a.Flags, ",") {
		digits, ok := strings.CutPrefix(f, "t")
		if !ok || strings.HasPrefix(digits, "+") || len(digits) > 9 {
			continue
		}
		if n, err := strconv.Atoi(digits); err == nil && 1 <= n && n <= maxTimeout {
			d = time.Duration(n) * time.Second
		}
	}
	return d
}

// crud are the flags that give an action an alias: _create, _read, … (DISC-ACT-11a).
var crud = [...]string{"create", "read", "update", "destroy"}

// Aliases returns the full names by which the action may be called besides its own.
func (a *Action) Aliases() (names []string) {
	if a.Flags == "" {
		return nil
	}
	dot := strings.LastIndexByte(a.Name, '.')
	for _, flag := range crud {
		if a.Has(flag) {
			names = append(names, a.Name[:dot+1]+"_"+flag)
		}
	}
	return names
}

// Offers reports whether the action takes an envelope: exactly this name (DISC-ENL-01).
func (a *Action) Offers(envelope string) bool {
	for _, e := range a.Envelopes {
		if e == envelope {
			return true
		}
	}
	return false
}

// A Layer is the part of an announcement that a check looks at. They are checked in the order of the constants; the
// first that fails decides.
type Layer string

// The layers.
const (
	LayerDatagram    Layer = "datagram"    // what inflates to a packet
	LayerEnvelope    Layer = "envelope"    // the three sections
	LayerCertificate Layer = "certificate" // one RSA certificate
	LayerSignature   Layer = "signature"   // over the data, by its key
	LayerData        Layer = "data"        // the JSON array
	LayerExtension   Layer = "extension"   // the vectors
)

// An Error says why a packet is not used.
type Error struct {
	Layer  Layer
	Rule   string // the specification's id
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s (%s)", e.Layer, e.Reason, e.Rule) }

// longestReason bounds what is said about a packet, in octets: much of it comes from whoever sent it, and is kept and logged.
const longestReason = 300

func refuse(layer Layer, rule, format string, args ...any) error {
	reason := fmt.Sprintf(format, args...)
	if len(reason) > longestReason {
		reason = strings.ToValidUTF8(reason[:longestReason], "") + "…"
	}
	return &Error{layer, rule, reason}
}
