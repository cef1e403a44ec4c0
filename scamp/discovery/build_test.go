package discovery

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
)

// keyPair makes a key and its certificate, in PEM.
func keyPair(t *testing.T, key any, public any) (keyPEM, certPEM []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Whatever the files look like, section 2 is the one clean block of the service's own certificate, and the packet has three
// sections (DISC-ENV-04b, DISC-ENV-07, DISC-SIG-04a, DISC-PRV-02).
func TestNewSignerForms(t *testing.T) {
	key, cert := pemOf("server")
	_, otherCert := pemOf("other")
	block, _ := pem.Decode(key)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(parsed.(*rsa.PrivateKey))})
	crlf := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }
	text := func(parts ...string) []byte { return []byte(strings.Join(parts, "")) }
	k, c, oc := string(key), string(cert), string(otherCert)
	want, err := server().SignData([]byte(base))
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][2][]byte{
		"PKCS #8":              {key, cert},
		"PKCS #1":              {pkcs1, cert},
		"no final LF":          {bytes.TrimRight(key, "\n"), bytes.TrimRight(cert, "\n")},
		"three final LFs":      {text(k, "\n\n"), text(c, "\n\n")},
		"CR LF":                {crlf(pkcs1), crlf(cert)},
		"CR LF, cut":           {crlf(key), bytes.TrimRight(crlf(cert), "\r\n")},
		"text around":          {text("a key:\n", k, "end\n"), text("Certificate:\n    Data:\n", c, "more text\n")},
		"own one first":        {key, text(c, oc)},
		"chain, own one last":  {key, text(oc, c)},
		"key in the same file": {key, text(k, c)},
		"trailing blanks":      {key, bytes.ReplaceAll(cert, []byte("\n"), []byte(" \n"))},
		"empty lines around":   {key, text("\n\n", c, "\n\n")},
		"empty line inside":    {key, bytes.Replace(cert, []byte("-----\n"), []byte("-----\n\n"), 1)},
	} {
		s, err := NewSigner(files[0], files[1])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := s.SignData([]byte(base))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the packet is %q, %v", name, got, err)
		}
		if s.Fingerprint != server().Fingerprint {
			t.Errorf("%s: fingerprint %s", name, s.Fingerprint)
		}
	}
}

// Files that make no service are errors at start, and say which they are (DISC-SIG-03a, DISC-PRV-02).
func TestNewSignerRefuses(t *testing.T) {
	key, cert := pemOf("server")
	_, otherCert := pemOf("other")
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, ecCert := keyPair(t, ec, &ec.PublicKey)
	damaged := func(kind string) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("nonsense")}) }
	for name, tc := range map[string]struct {
		key, cert []byte
		want      string
	}{
		"no key":             {nil, cert, "no private key in PEM"},
		"certificate as key": {cert, cert, `the PEM block is "CERTIFICATE"`},
		"encrypted":          {damaged("ENCRYPTED PRIVATE KEY"), cert, `"ENCRYPTED PRIVATE KEY", not a private key`},
		"damaged PKCS #1":    {damaged("RSA PRIVATE KEY"), cert, "cannot be read"},
		"damaged PKCS #8":    {damaged("PRIVATE KEY"), cert, "cannot be read"},
		"EC":                 {ecKey, ecCert, "not RSA"},
		"no certificate":     {key, nil, "no certificate that belongs to the key"},
		"another's":          {key, otherCert, "no certificate that belongs to the key"},
		"damaged":            {key, damaged("CERTIFICATE"), "the certificate cannot be read"},
		"public key":         {key, damaged("PUBLIC KEY"), "no certificate that belongs to the key"},
	} {
		if _, err := NewSigner(tc.key, tc.cert); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// Receivers take keys of 1024 to 8192 bits. A service with another one learns it at start, not from the silence of its callers
// (DISC-SIG-03a).
func TestNewSignerKeySize(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	for bits, ok := range map[int]bool{768: false, 1024: true} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewSigner(keyPair(t, key, &key.PublicKey)); (err == nil) != ok {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

// A packet has the form of the grammar: three sections, no CR, lines of at most 76 characters, an empty line at the end
// (DISC-ENV-01a, 02a, 05a, DISC-SIG-02a).
func TestPacketForm(t *testing.T) {
	p := signed(t, base)
	parts := strings.Split(string(p), "\n\n")
	if len(parts) != 4 || parts[3] != "" {
		t.Fatalf("%d sections", len(parts))
	}
	if parts[0] != base {
		t.Errorf("section 1 is %q", parts[0])
	}
	_, cert := pemOf("server")
	if parts[1]+"\n" != string(cert) {
		t.Errorf("section 2 is %q", parts[1])
	}
	lines := strings.Split(parts[2], "\n")
	if len(lines) != 5 { // 344 characters
		t.Errorf("the signature has %d lines", len(lines))
	}
	for i, l := range lines {
		if want := 76; i < 4 && len(l) != want || len(l) > want {
			t.Errorf("line %d of the signature has %d characters", i, len(l))
		}
	}
	if bytes.Contains(p, []byte("\r")) {
		t.Error("there is a CR")
	}
	if again := signed(t, base); !bytes.Equal(p, again) {
		t.Error("two signatures over the same data differ") // DISC-SIG-01a
	}
}

// Data of several lines, or with a CR, is no data of a packet (DISC-ENV-02a, 08a).
func TestSignDataRefuses(t *testing.T) {
	for _, data := range []string{"[3,\n4]", "\n", "[3,\r4]", base + "\r\n"} {
		if p, err := server().SignData([]byte(data)); err == nil {
			t.Errorf("%q became %q", data, p)
		}
	}
}

// Timestamps rise strictly, whatever the system's clock does, and have microseconds (DISC-TSP-01).
func TestClock(t *testing.T) {
	var c Clock
	now := time.Unix(1760000000, 123456789)
	if got := c.Next(now); got != 1760000000.123456 {
		t.Errorf("the first is %f", got)
	}
	last := 1760000000.123456
	for i := range 10000 {
		switch {
		case i == 5000:
			now = now.Add(-time.Hour)
		case i%100 == 0:
			now = now.Add(3 * time.Microsecond)
		}
		next := c.Next(now)
		if next <= last {
			t.Fatalf("%f after %f", next, last)
		}
		if fmt.Sprintf("%.6f", next) == fmt.Sprintf("%.6f", last) {
			t.Fatalf("%f and %f are the same when written with six digits", next, last)
		}
		last = next
	}
	if got := c.Next(now.Add(2 * time.Hour)); math.Abs(got-float64(now.Add(2*time.Hour).UnixMicro())/1e6) > 1e-6 {
		t.Errorf("the clock does not follow the system's: %f", got)
	}
}
