package discovery

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"
)

// maxPacket bounds a packet, in octets (DISC-CCH-07).
const maxPacket = 16 << 20

// The sections of a packet.
type sections struct {
	data, certificate, signature []byte
	all                          []byte // the three with what stands between them
}

// split cuts a packet at its empty lines. What follows the third section is ignored (DISC-ENV-01 to 05).
func split(packet []byte) (s sections, err error) {
	if len(packet) > maxPacket {
		return s, refuse(LayerEnvelope, "DISC-CCH-07", "the packet has more than %d octets", maxPacket)
	}
	pos := 0
	for i, into := range []*[]byte{&s.data, &s.certificate, &s.signature} {
		length := emptyLine(packet[pos:])
		if length < 0 && i == 2 {
			length = len(bytes.TrimRight(packet[pos:], "\n"))
		}
		if length <= 0 || packet[pos] == '\n' {
			return s, refuse(LayerEnvelope, "DISC-ENV-01b", "there are %d sections, not three", i)
		}
		*into = packet[pos : pos+length]
		s.all = packet[:pos+length]
		pos += length + len("\n\n")
	}
	return s, nil
}

// emptyLine returns where the first two LFs of b stand next to each other; -1: nowhere. Most lines are short, so that
// bytes.Index would look at many places in vain.
func emptyLine(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 || from+i+1 == len(b) {
			return -1
		}
		if from += i + 1; b[from] == '\n' {
			return from - 1
		}
	}
}

// A certificate is what section 2 says.
type certificate struct {
	der         []byte
	fingerprint string
	key         *rsa.PublicKey
}

const (
	beginCertificate = "-----BEGIN CERTIFICATE-----\n"
	endCertificate   = "\n-----END CERTIFICATE-----"
	leastKey         = 1024 // bits of a modulus (DISC-SIG-03a)
	mostKey          = 8192
)

// parseCertificate reads section 2: one clean PEM block and nothing else. Key and fingerprint come from the same octets
// (DISC-SIG-03, 04, 07).
func parseCertificate(section []byte) (*certificate, error) {
	body, ok := bytes.CutPrefix(section, []byte(beginCertificate))
	if !ok {
		return nil, refuse(LayerCertificate, certificateRule(section), "section 2 does not begin with a CERTIFICATE block")
	}
	body, ok = bytes.CutSuffix(body, []byte(endCertificate))
	if !ok {
		return nil, refuse(LayerCertificate, "DISC-SIG-04b", "section 2 does not end with its CERTIFICATE block")
	}
	der, ok := decodeBase64(nil, body, false)
	if !ok {
		rule := "DISC-SIG-04d"
		if bytes.Contains(body, []byte("-----")) {
			rule = "DISC-SIG-04c"
		}
		return nil, refuse(LayerCertificate, rule, "section 2 is not one PEM block of lines of base64")
	}
	parsed, err := publicKey(der)
	if err != nil {
		return nil, refuse(LayerCertificate, "DISC-SIG-08b", "the certificate cannot be read: %v", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, refuse(LayerCertificate, "DISC-SIG-03a", "the certificate's key is a %T, not RSA", parsed)
	}
	if n := key.N.BitLen(); n < leastKey || n > mostKey {
		return nil, refuse(LayerCertificate, "DISC-SIG-03a", "the certificate's key has %d bits, not %d to %d", n, leastKey, mostKey)
	}
	return &certificate{der, Fingerprint(der), key}, nil
}

// publicKey finds the key in a certificate. What else is in it does not matter, also where crypto/x509 would refuse it: serial
// number, names, dates, extensions, the certificate's own signature (DISC-SIG-06c).
func publicKey(der []byte) (any, error) {
	var c struct {
		Body struct {
			Version                                      int `asn1:"optional,explicit,default:0,tag:0"`
			Serial, Algorithm, Issuer, Validity, Subject asn1.RawValue
			Key                                          asn1.RawValue
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &c)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errors.New("octets stand behind it")
	}
	return x509.ParsePKIXPublicKey(c.Body.Key.FullBytes)
}

func certificateRule(section []byte) string {
	if bytes.HasPrefix(section, []byte("-----BEGIN PUBLIC KEY-----")) {
		return "DISC-SIG-03b"
	}
	return "DISC-SIG-04b"
}

// Fingerprint returns the fingerprint of a certificate in DER form (DISC-SIG-05).
func Fingerprint(der []byte) string {
	sum := sha1.Sum(der)
	b := make([]byte, 0, 3*len(sum))
	for i, c := range sum {
		if i > 0 {
			b = append(b, ':')
		}
		b = fmt.Appendf(b, "%02X", c)
	}
	return string(b)
}

var strictBase64 = base64.StdEncoding.Strict()

// decodeBase64 appends what padded standard base64 says, in which LF may stand anywhere, and blanks where they are allowed. The
// decoder itself would skip CR as well.
func decodeBase64(dst, text []byte, blanks bool) ([]byte, bool) {
	if bytes.IndexByte(text, '\r') >= 0 {
		return nil, false
	}
	if blanks && (bytes.IndexByte(text, ' ') >= 0 || bytes.IndexByte(text, '\t') >= 0) {
		text = bytes.Join(bytes.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' }), nil)
	}
	octets, err := strictBase64.AppendDecode(dst, text)
	return octets, err == nil && len(octets) > len(dst)
}

// signature checks the signature over the data, exactly as it came (DISC-SIG-01, 02).
func (v *verifier) signature(c *certificate, data, signature []byte) error {
	octets, ok := decodeBase64(v.room[:0], signature, true)
	if !ok {
		return refuse(LayerSignature, "DISC-SIG-02d", "the signature is not base64")
	}
	v.room = octets
	sum := sha256.Sum256(data)
	if rsa.VerifyPKCS1v15(c.key, crypto.SHA256, sum[:], octets) != nil {
		return refuse(LayerSignature, "DISC-SIG-06a", "the signature does not fit the data")
	}
	return nil
}

// Verify reads a packet and checks it: its sections, its certificate, its signature, its data. The error is an *Error; the
// packet is not used then. Actions that make no sense are skipped and do not cost the packet.
//
// Whether anybody has authorised the certificate is not looked at.
func Verify(packet []byte) (*Announcement, error) { return new(verifier).verify(packet) }

// A verifier verifies many packets. It keeps what many have in common: certificates, and lists of actions.
type verifier struct {
	certificates map[string]*certificate
	lists        *sharedLists // nil: it is for one packet
	room         []byte       // for what is needed for one packet
	owned        bool         // what it verifies is its own to keep
}

// sharedLists are the lists of actions that many packets have in common.
type sharedLists struct {
	mu    sync.RWMutex
	lists map[string]*list
}

func (s *sharedLists) get(key []byte) *list {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lists[string(key)]
}

// put keeps a list, and returns the one that is kept: another may have been first.
func (s *sharedLists) put(key []byte, l *list) *list {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.lists[string(key)]; first != nil {
		return first
	}
	if len(s.lists) < mostLists {
		s.lists[string(key)] = l
	}
	return l
}

// The bounds of what is kept to be used again.
const (
	mostLists          = 20000
	mostCertificates   = 4096
	largestCertificate = 8 << 10 // octets of a section 2 that is kept
	smallRest          = 64      // octets behind the sections that may stay in memory with them
)

func (v *verifier) verify(packet []byte) (*Announcement, error) {
	s, err := split(packet)
	if err != nil {
		return nil, err
	}
	c, err := v.certificate(s.certificate)
	if err != nil {
		return nil, err
	}
	if err := v.signature(c, s.data, s.signature); err != nil {
		return nil, err
	}
	if !utf8.Valid(s.data) {
		return nil, refuse(LayerData, "DISC-ENV-06c", "the data is not UTF-8")
	}
	if !v.owned || len(packet) > len(s.all)+smallRest {
		s.all = bytes.Clone(s.all)
	}
	a := &Announcement{Certificate: c.der, Packet: s.all}
	a.Fingerprint = c.fingerprint
	if err := v.parseData(a, s.data); err != nil {
		return nil, err
	}
	return a, nil
}

// certificate reads a section 2, unless it is known.
func (v *verifier) certificate(section []byte) (*certificate, error) {
	if c := v.certificates[string(section)]; c != nil {
		return c, nil
	}
	c, err := parseCertificate(section)
	if err == nil && v.certificates != nil && len(section) <= largestCertificate {
		if len(v.certificates) == mostCertificates {
			clear(v.certificates)
		}
		v.certificates[string(section)] = c
	}
	return c, err
}
