package spec

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// fences returns the fenced blocks of the section that begins with head and ends with the next heading.
func fences(t *testing.T, text, head string) []string {
	t.Helper()
	_, section, ok := strings.Cut(text, "\n"+head+"\n")
	if !ok {
		t.Fatalf("no section %q", head)
	}
	var found []string
	for i, s := range strings.Split(section, "\n```") {
		if i%2 == 1 {
			_, body, _ := strings.Cut(s, "\n")
			found = append(found, body+"\n")
		} else if strings.Contains(s, "\n#") {
			break
		}
	}
	return found
}

// The packets of the examples have the lengths they state (WIRE-FRAME-02).
func TestWireExamplesHaveTheirLengths(t *testing.T) {
	line := regexp.MustCompile(`^[CS]> [A-Z]+ [0-9]+ ([0-9]+)\\r\\n(?:\s+#.*)?$`)
	octets := regexp.MustCompile(`^<([0-9]+) octets>$`)
	for _, head := range []string{
		"### 17.1 A call",
		"### 17.2 Flow control and a second call",
		"### 17.3 An action fails, a reply is given up, a connection breaks",
	} {
		packets := 0
		lines := strings.Split(strings.Join(fences(t, wire, head), ""), "\n")
		for i, l := range lines {
			m := line.FindStringSubmatch(l)
			if m == nil {
				if !strings.HasPrefix(l, "   ") && l != "" {
					t.Errorf("%s: %q is no request line", head, l)
				}
				continue
			}
			packets++
			body, ok := strings.CutSuffix(strings.TrimPrefix(lines[i+1], "   "), `END\r\n`)
			if !ok {
				t.Errorf("%s: %q has no trailer", head, l)
			}
			length := len(body)
			if n := octets.FindStringSubmatch(body); n != nil {
				length, _ = strconv.Atoi(n[1])
			}
			if m[1] != strconv.Itoa(length) {
				t.Errorf("%s: %q has a body of %d octets", head, l, length)
			}
		}
		if packets == 0 {
			t.Errorf("%s: no packet found: the test is blind", head)
		}
	}
}

// The certificate, the fingerprint, both signatures and the ticket of the examples belong together, as section 26 says.
func TestDiscoveryExamplesVerify(t *testing.T) {
	packet := fences(t, discovery, "### 26.1 A small v3 announcement")[0]
	if len(packet) != 1533 {
		t.Errorf("the packet has %d octets, the text says 1533", len(packet))
	}
	section := strings.Split(strings.TrimSuffix(packet, "\n\n"), "\n\n")
	if len(section) != 3 || len(section[0]) != 199 {
		t.Fatalf("the packet has %d sections, the first of %d octets; want 3 and 199", len(section), len(section[0]))
	}
	b, _ := pem.Decode([]byte(section[1] + "\n"))
	if b == nil {
		t.Fatal("the certificate is no PEM")
	}
	cert, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := strings.ReplaceAll(fmt.Sprintf("% X", sha1.Sum(b.Bytes)), " ", ":")
	if !strings.Contains(discovery, "| fingerprint | `"+fingerprint+"` |") {
		t.Errorf("the fingerprint of the certificate is %s; the text says something else", fingerprint)
	}
	verify := func(what, signed string, signature []byte) {
		sum := sha256.Sum256([]byte(signed))
		if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	decode := func(e *base64.Encoding, s string) []byte {
		out, err := e.DecodeString(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		}
		return out
	}
	verify("26.1", section[0], decode(base64.StdEncoding, section[2]))

	second := fences(t, discovery, "### 26.2 The same instance with v4 vectors")
	data := strings.TrimSuffix(second[0], "\n")
	verify("26.2", data, decode(base64.StdEncoding, second[1]))
	for _, s := range []string{section[0], data} {
		if !json.Valid([]byte(s)) {
			t.Errorf("not JSON: %s", s)
		}
	}

	ticket := strings.TrimSuffix(fences(t, discovery, "### 26.5 A ticket")[0], "\n")
	comma := strings.LastIndexByte(ticket, ',')
	signed, signature := ticket[:comma], ticket[comma+1:]
	if len(signed) != 32 || len(signature) != 342 {
		t.Errorf("the ticket signs %d octets with %d characters; the text says 32 and 342", len(signed), len(signature))
	}
	verify("26.5", signed, decode(base64.RawURLEncoding, signature))
}
