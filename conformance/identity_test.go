package conformance

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"testing"
)

// Identities differ, stay the same, and one of them has expired.
func TestIdentities(t *testing.T) {
	seen := map[string]string{}
	for _, name := range append(slices.Clone(instanceNames), expired) {
		i := identityOf(name)
		if other := seen[i.fingerprint]; other != "" {
			t.Errorf("%s and %s have one certificate", name, other)
		}
		seen[i.fingerprint] = name
		if identityOf(name) != i {
			t.Errorf("%s has two identities", name)
		}
		block, _ := pem.Decode([]byte(i.section + "\n"))
		if block == nil || fingerprintOf(block.Bytes) != i.fingerprint {
			t.Errorf("%s: the section is of another certificate", name)
		}
		cert, err := x509.ParseCertificate(i.tls.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if old := cert.NotAfter.Year() < 2020; old != (name == expired) {
			t.Errorf("%s is valid until %v", name, cert.NotAfter)
		}
		if first, again := i.sign("a"), i.sign("a"); first != again || first == i.sign("b") {
			t.Errorf("%s: signatures", name)
		}
	}
}
