package conformance

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// An identity is a certificate that an instance has: it signs announcements and is presented to clients.
type identity struct {
	tls         tls.Certificate
	fingerprint string
	section     string // the certificate as it stands in a packet

	mu     sync.Mutex
	signed map[string]string // by what was signed: cases sign the same again and again
}

// identities are made when they are used first. Those of S1 and S2 are the fixtures, which have keys of their own; the others have
// the key of S1 and certificates of their own. The one that has expired has a fingerprint like any other.
var identities struct {
	mu   sync.Mutex
	made map[string]*identity
}

// expired is the identity whose certificate has run out.
const expired = "expired"

// identityOf returns the identity of an instance, or the one that has expired.
func identityOf(name string) *identity {
	identities.mu.Lock()
	defer identities.mu.Unlock()
	if i := identities.made[name]; i != nil {
		return i
	}
	var cert tls.Certificate
	switch name {
	case "S1":
		cert = fixtures.Certificate("server")
	case "S2":
		cert = fixtures.Certificate("other")
	default:
		cert = selfSigned(name)
	}
	der := cert.Certificate[0]
	i := &identity{
		tls: cert, fingerprint: fingerprintOf(der), signed: map[string]string{},
		section: strings.TrimSuffix(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), "\n"),
	}
	if identities.made == nil {
		identities.made = map[string]*identity{}
	}
	identities.made[name] = i
	return i
}

// selfSigned makes a certificate for a key of the fixtures. It is the same octets each time.
func selfSigned(name string) tls.Certificate {
	cert := fixtures.Certificate("server")
	from, to := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	if name == expired {
		to = from.AddDate(0, 6, 0)
	}
	serial := new(big.Int).SetBytes([]byte(name))
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to}
	key := cert.PrivateKey.(*rsa.PrivateKey)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic("conformance: certificate of " + name + ": " + err.Error()) // the fixtures are sound
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sign returns the signature of an announcement's data, as it stands in a packet (DISC-SIG-01a, 02a).
func (i *identity) sign(data string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s, ok := i.signed[data]; ok {
		return s
	}
	sum := sha256.Sum256([]byte(data))
	octets, err := rsa.SignPKCS1v15(nil, i.tls.PrivateKey.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		panic("conformance: signature: " + err.Error()) // the fixtures are sound
	}
	const width = 76
	text := base64.StdEncoding.EncodeToString(octets)
	var lines []string
	for len(text) > width {
		lines, text = append(lines, text[:width]), text[width:]
	}
	i.signed[data] = strings.Join(append(lines, text), "\n")
	return i.signed[data]
}
