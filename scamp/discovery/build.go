package discovery

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A Signer has the key pair of a service.
type Signer struct {
	key         *rsa.PrivateKey
	certificate []byte // section 2
	// Fingerprint is that of the certificate.
	Fingerprint string
}

// NewSigner takes a private key, RSA in PEM as RSA PRIVATE KEY or PRIVATE KEY, and its certificate in PEM. Whatever else the
// certificate's text has is left out: text around the block, other line ends (DISC-ENV-07, DISC-SIG-04a, DISC-PRV-02).
func NewSigner(keyPEM, certPEM []byte) (*Signer, error) {
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		block, certPEM = pem.Decode(certPEM)
		if block == nil {
			return nil, errors.New("discovery: the text has no certificate that belongs to the key")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("discovery: the certificate cannot be read: %w", err)
		}
		if key.PublicKey.Equal(c.PublicKey) {
			if n := key.N.BitLen(); n < leastKey || n > mostKey {
				return nil, fmt.Errorf("discovery: the key has %d bits; receivers take %d to %d", n, leastKey, mostKey) // DISC-SIG-03a
			}
			section := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})
			return &Signer{key, bytes.TrimRight(section, "\n"), Fingerprint(block.Bytes)}, nil
		}
	}
}

func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("discovery: the text has no private key in PEM")
	}
	var parsed any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("discovery: the PEM block is %q, not a private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("discovery: the private key cannot be read: %w", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("discovery: the private key is not RSA")
	}
	return key, nil
}

// Form says in which way actions are announced.
type Form int

// The forms of an announcement.
const (
	FormAuto Form = iota // plain actions in the classes, those of other sectors or envelopes in the vectors (DISC-V4-11)
	FormV3               // the classes alone: an action that does not fit is an error
	FormV4               // the vectors alone
	FormBoth             // plain actions in both, for receivers that read only one of them
)

// Sign makes the packet of an announcement. Of a it uses Ident, Sector, Weight, Interval, URI, Envelopes, Actions and
// Timestamp. The error says what cannot be announced: receivers would skip or drop it.
func (s *Signer) Sign(a *Announcement, form Form) ([]byte, error) {
	data, err := appendData(nil, a, form)
	if err != nil {
		return nil, err
	}
	return s.SignData(data)
}

// SignData makes a packet of data as it stands: one line, the JSON of an announcement. Whether receivers take it is for
// Verify to say.
func (s *Signer) SignData(data []byte) ([]byte, error) {
	if bytes.ContainsAny(data, "\r\n") {
		return nil, errors.New("discovery: the data is not one line") // DISC-ENV-02a, 08a
	}
	sum := sha256.Sum256(data)
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("discovery: sign: %w", err)
	}
	packet := append(slices.Clone(data), "\n\n"...)
	packet = append(append(packet, s.certificate...), "\n\n"...)
	const width = 76 // DISC-SIG-02a
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(signature)), width) {
		packet = append(append(packet, line...), '\n')
	}
	return append(packet, '\n'), nil // DISC-ENV-05a
}

// appendData appends the data array (DISC-JSN-01a).
func appendData(b []byte, a *Announcement, form Form) ([]byte, error) {
	if err := checkScalars(a); err != nil {
		return nil, err
	}
	plain, vectors, err := arrange(a, form)
	if err != nil {
		return nil, err
	}
	b = appendASCII(append(b, "[3,"...), a.Ident)
	b = appendASCII(append(b, ','), a.Sector)
	b = strconv.AppendInt(append(b, ','), int64(a.Weight), 10)
	b = strconv.AppendInt(append(b, ','), int64(a.Interval), 10)
	b = appendASCII(append(b, ','), a.URI)
	b = append(b, ",["...)
	for i, e := range a.Envelopes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendASCII(b, e)
	}
	if len(vectors) > 0 {
		if len(a.Envelopes) > 0 {
			b = append(b, ',')
		}
		b = appendExtension(b, vectors)
	}
	b = appendClasses(append(b, "],"...), plain)
	b = strconv.AppendFloat(append(b, ','), a.Timestamp, 'f', -1, 64)
	return append(b, ']'), nil
}

// checkScalars refuses what receivers would not take as it is meant.
func checkScalars(a *Announcement) error {
	wrong := func(format string, args ...any) error { return fmt.Errorf("discovery: announcement: "+format, args...) }
	switch {
	case a.Weight < 0 || a.Weight != math.Trunc(a.Weight) || a.Weight > 1<<53:
		return wrong("weight %v is not an integer of at least 0", a.Weight) // DISC-JSN-04f
	case a.Interval < 1 || a.Interval != math.Trunc(a.Interval) || a.Interval > 1<<53:
		return wrong("interval %v ms is not an integer of at least 1", a.Interval)
	case math.IsNaN(a.Timestamp) || math.IsInf(a.Timestamp, 0):
		return wrong("timestamp %v is not a number", a.Timestamp)
	case strings.Contains(a.Sector, ":"):
		return wrong("sector %q has a colon", a.Sector)
	}
	return checkURI(a.URI)
}

// checkURI demands the form of DISC-URI-01a.
func checkURI(uri string) error {
	hostport, ok := strings.CutPrefix(uri, "beepish+tls://")
	if !ok {
		if hostport, ok = strings.CutPrefix(uri, "scamp+tls://"); !ok {
			return fmt.Errorf("discovery: the URI %q does not begin with beepish+tls://", uri)
		}
	}
	if ap, err := netip.ParseAddrPort(hostport); err != nil || !ap.Addr().Is4() || ap.Addr().IsUnspecified() || ap.Port() == 0 {
		return fmt.Errorf("discovery: the URI %q is not beepish+tls://, an IPv4 address, a colon and a port", uri) // DISC-URI-01a, 02c
	}
	return nil
}

// arrange says which actions stand in the classes and which in the vectors.
func arrange(a *Announcement, form Form) (plain, vectors []Action, err error) {
	for _, act := range a.Actions {
		if act.Sector == "" {
			act.Sector = a.Sector
		}
		if act.Envelopes == nil {
			act.Envelopes = a.Envelopes
		}
		if act.Version == 0 {
			act.Version = 1
		}
		if err := checkAction(&act); err != nil {
			return nil, nil, err
		}
		fits := act.Sector == a.Sector && slices.Equal(act.Envelopes, a.Envelopes)
		switch {
		case form == FormV3 && !fits:
			return nil, nil, fmt.Errorf("discovery: action %s has a sector or envelopes of its own, which version 3 cannot say", act.Name)
		case form == FormV4 || !fits:
			vectors = append(vectors, act)
		case form == FormBoth:
			vectors = append(vectors, act)
			plain = append(plain, act)
		default:
			plain = append(plain, act)
		}
	}
	if len(vectors) > maxActions {
		return nil, nil, fmt.Errorf("discovery: %d actions in the vectors are more than %d; announce them under several idents", len(vectors), maxActions) // DISC-V4-06d
	}
	return plain, vectors, nil
}

// checkAction refuses an action that could not be called (DISC-ACT-01c, 05f, 08d, 10d).
func checkAction(a *Action) error {
	namespace, name, ok := cutName(a.Name)
	switch {
	case !ok || namespace == "" || name == "":
		return fmt.Errorf("discovery: action %q has no namespace or no name; it reads Namespace.name", a.Name)
	case strings.Contains(a.Name, ":") || strings.Contains(a.Sector, ":"):
		return fmt.Errorf("discovery: action %q of sector %q has a colon", a.Name, a.Sector)
	case a.Version < 1 || a.Version > maxVersion:
		return fmt.Errorf("discovery: action %s has the version %d, not 1 to %d", a.Name, a.Version, maxVersion)
	case len(a.Envelopes) == 0:
		return fmt.Errorf("discovery: action %s has no envelope", a.Name)
	}
	for _, e := range a.Envelopes {
		if e == "" || strings.ContainsAny(e, ", ") {
			return fmt.Errorf("discovery: action %s has the envelope %q: no name may be empty or have a comma or blank", a.Name, e)
		}
	}
	if a.Flags == "" {
		return nil
	}
	for f := range strings.SplitSeq(a.Flags, ",") {
		if f == "" || strings.ContainsAny(f, " \t") {
			return fmt.Errorf("discovery: action %s has the flags %q: no flag may be empty or have a blank", a.Name, a.Flags)
		}
		if n, ok := strings.CutPrefix(f, "t"); ok && n != "" && strings.Trim(n, "0123456789") == "" {
			if _, ok := digits(n, 1, maxTimeout); !ok {
				return fmt.Errorf("discovery: action %s has the flag %s: a time is 1 to %d seconds", a.Name, f, maxTimeout)
			}
		}
	}
	return nil
}

// cutName cuts a full name at its last dot (DISC-ACT-01a).
func cutName(full string) (namespace, name string, ok bool) {
	dot := strings.LastIndexByte(full, '.')
	if dot < 0 {
		return "", full, false
	}
	return full[:dot], full[dot+1:], true
}

// appendClasses appends element 7: actions by namespace, in the order of the first of each (DISC-JSN-06a).
func appendClasses(b []byte, actions []Action) []byte {
	var order []string
	byNamespace := map[string][]Action{}
	for _, a := range actions {
		namespace, _, _ := cutName(a.Name)
		if byNamespace[namespace] == nil {
			order = append(order, namespace)
		}
		byNamespace[namespace] = append(byNamespace[namespace], a)
	}
	b = append(b, '[')
	for i, namespace := range order {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendASCII(append(b, '['), namespace)
		for _, a := range byNamespace[namespace] {
			_, name, _ := cutName(a.Name)
			b = appendASCII(append(b, ",["...), name)
			b = appendASCII(append(b, ','), a.Flags)
			b = append(strconv.AppendInt(append(b, ','), int64(a.Version), 10), ']')
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendExtension appends the v4 extension with its vectors (DISC-V4-03a).
func appendExtension(b []byte, actions []Action) []byte {
	columns := [...]struct {
		key   string
		entry func(a *Action) string // as JSON
	}{
		{"acname", func(a *Action) string { _, name, _ := cutName(a.Name); return string(appendASCII(nil, name)) }},
		{"acns", func(a *Action) string { namespace, _, _ := cutName(a.Name); return string(appendASCII(nil, namespace)) }},
		{"acsec", func(a *Action) string { return string(appendASCII(nil, a.Sector)) }},
		{"acenv", func(a *Action) string { return string(appendASCII(nil, strings.Join(a.Envelopes, ","))) }},
		{"acver", func(a *Action) string { return strconv.Itoa(a.Version) }},
		{"acflag", func(a *Action) string { return string(appendASCII(nil, a.Flags)) }},
	}
	b = append(b, `{"vmaj":4,"vmin":0`...)
	for _, c := range columns {
		entries := make([]string, len(actions))
		for i := range actions {
			entries[i] = c.entry(&actions[i])
		}
		b = append(append(append(b, `,"`...), c.key...), `":`...)
		b = appendRuns(b, entries)
	}
	return append(b, '}')
}

// appendRuns appends a vector; runs of two or more equal entries are pairs (DISC-V4-04b).
func appendRuns(b []byte, entries []string) []byte {
	b = append(b, '[')
	for i := 0; i < len(entries); {
		n := 1
		for i+n < len(entries) && entries[i+n] == entries[i] {
			n++
		}
		if i > 0 {
			b = append(b, ',')
		}
		if n > 1 {
			b = append(strconv.AppendInt(append(b, '['), int64(n), 10), ',')
		}
		b = append(b, entries[i]...)
		if n > 1 {
			b = append(b, ']')
		}
		i += n
	}
	return append(b, ']')
}

// appendASCII appends a JSON string of the octets 0x20 to 0x7E (DISC-ENV-06a). What is not UTF-8 becomes U+FFFD.
func appendASCII(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= ' ' && r <= '~':
			b = append(b, byte(r))
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return append(b, '"')
}

// A Clock gives the timestamps of one announcer: seconds with microseconds that rise strictly, also when the system's clock
// is set back (DISC-TSP-01). The zero Clock is ready for use; it is for one goroutine at a time.
type Clock struct{ last int64 }

// Next returns a timestamp at a time.
func (c *Clock) Next(now time.Time) float64 {
	c.last = max(now.UnixMicro(), c.last+1)
	return float64(c.last) / 1e6
}
