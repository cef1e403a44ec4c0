package ticket

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

var (
	key = fixtures.TicketKey()
	now = time.Unix(1760000100, 999999999)
)

// sign makes a ticket of any text.
func sign(text string) string {
	sum := sha256.Sum256([]byte(text))
	s, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "," + base64.RawURLEncoding.EncodeToString(s)
}

// The checks of DISC-TKT, each by an otherwise correctly signed ticket.
func TestVerify(t *testing.T) {
	const good = "1,482,17,1760000000,3600,3+14+92"
	signature := sign(good)[len(good)+1:]
	for name, tc := range map[string]struct {
		text string
		want error
	}{
		"good":                       {sign(good), nil},
		"01b: six fields":            {sign("1,482,17,1760000000,3600"), nil},
		"01c: empty":                 {"", ErrNone},
		"01c: one field":             {"1", ErrFields},
		"01c: five fields":           {"1,2,3,4,5", ErrFields},
		"01c: the signature alone":   {signature, ErrFields},
		"02a: type 2":                {sign("2,482,17,1760000000,3600"), ErrType},
		"02a: type 0":                {sign("0,482,17,1760000000,3600"), ErrType},
		"02a: no type":               {sign(",482,17,1760000000,3600"), ErrType},
		"02b: 01":                    {sign("01,482,17,1760000000,3600"), ErrType},
		"02b: blank":                 {sign(" 1,482,17,1760000000,3600"), ErrType},
		"02b: 1.0":                   {sign("1.0,482,17,1760000000,3600"), ErrType},
		"03b: another user":          {strings.Replace(sign(good), "482", "483", 1), ErrSignature},
		"03b: another privilege":     {strings.Replace(sign(good), "+92", "+93", 1), ErrSignature},
		"03b: no signature":          {good + ",", ErrSignature},
		"03b: cut":                   {good + "," + signature[:len(signature)-4], ErrSignature},
		"03b: another key":           {good + "," + signedBy(t, otherKey(t), good), ErrSignature},
		"03b: PSS":                   {good + "," + pss(t, good), ErrSignature},
		"03b: SHA-1":                 {good + "," + withSHA1(t, good), ErrSignature},
		"03c: padding":               {sign(good) + "==", nil},
		"03d: standard alphabet":     {good + "," + strings.NewReplacer("-", "+", "_", "/").Replace(signature), ErrSignature},
		"03d: trailing LF":           {sign(good) + "\n", ErrSignature},
		"03d: LF inside":             {good + "," + signature[:10] + "\n" + signature[10:], ErrSignature},
		"03d: leading blank":         {" " + sign(good), ErrType},
		"04a: type before signature": {"2,482,17,1760000000,3600,x", ErrType},
		"04a: signature before form": {"1,abc,17,1760000000,3600,x", ErrSignature},
		"04b: user":                  {sign("1,abc,17,1760000000,3600"), ErrNumber},
		"04b: client":                {sign("1,482,-5,1760000000,3600"), ErrNumber},
		"04b: start":                 {sign("1,482,17,+5,3600"), ErrNumber},
		"04b: length":                {sign("1,482,17,1760000000,1e9"), ErrNumber},
		"04b: empty":                 {sign("1,482,,1760000000,3600"), ErrNumber},
		"04b: 30 digits":             {sign("1," + strings.Repeat("1", 30) + ",17,1760000000,3600"), ErrNumber},
		"04b: 19 digits":             {sign("1,1000000000000000000,17,1760000000,3600"), ErrNumber},
		"04b: other digits":          {sign("1,\u0664,17,1760000000,3600"), ErrNumber},
		"04b: privilege":             {sign("1,482,17,1760000000,3600,3+x"), ErrNumber},
		"04b: empty privilege":       {sign("1,482,17,1760000000,3600,3++4"), ErrNumber},
		"04c: long":                  {sign("1,482,17,1760000000,999999999999999999"), nil},
		"04c: late and long":         {sign("1,482,17,999999999999999999,999999999999999999"), ErrNotYet},
		"05a: not yet":               {sign("1,482,17,1760000101,3600"), ErrNotYet},
		"05b: over":                  {sign("1,482,17,1759999000,100"), ErrExpired},
		"05b: length 0":              {sign("1,482,17,1760000100,0"), ErrExpired},
		"05c: at its end":            {sign("1,482,17,1760000000,100"), ErrExpired},
		"05c: a second before":       {sign("1,482,17,1760000000,101"), nil},
		"05c: at its start":          {sign("1,482,17,1760000100,1"), nil},
		"06b: empty privileges":      {sign("1,482,17,1760000000,3600,"), nil},
		"07: further fields":         {sign("1,482,17,1760000000,3600,3,more,fields"), nil},
		"huge":                       {sign("1,482,17,1760000000,3600," + strings.Repeat("1+", 70000) + "1"), ErrFields},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Verify(tc.text, &key.PublicKey, now)
			if !errors.Is(err, tc.want) || (got == nil) != (tc.want != nil) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "482") {
				t.Error("the text of the error has something of the ticket in it")
			}
		})
	}
}

func otherKey(t *testing.T) *rsa.PrivateKey {
	k, ok := fixtures.Certificate("other").PrivateKey.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the other identity has no RSA key")
	}
	return k
}

func signedBy(t *testing.T, k *rsa.PrivateKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	s, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(s)
}

func pss(t *testing.T, text string) string {
	sum := sha256.Sum256([]byte(text))
	s, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(s)
}

func withSHA1(t *testing.T, text string) string {
	sum := sha1.Sum([]byte(text))
	s, err := rsa.SignPKCS1v15(nil, key, crypto.SHA1, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(s)
}

func TestATicketSaysWhoItIs(t *testing.T) {
	got, err := Verify(sign("1,482,17,1760000000,3600,92+3+14+3"), &key.PublicKey, now)
	if err != nil {
		t.Fatal(err)
	}
	if got.User != 482 || got.Client != 17 || got.Start.Unix() != 1760000000 || got.Length != time.Hour || !slices.Equal(got.Privileges, []uint64{3, 14, 92}) {
		t.Errorf("%+v", got)
	}
	if !got.Holds(14) || got.Holds(15) || got.Holds(0) {
		t.Error("privileges")
	}
}

// A missing key denies (DISC-TKT-08b), after the checks that come before the signature.
func TestWithoutAKey(t *testing.T) {
	if _, err := Verify(sign("1,2,3,1760000000,3600"), nil, now); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := Verify("1,2", nil, now); !errors.Is(err, ErrFields) {
		t.Error(err)
	}
}

// What is issued verifies and says the same (DISC-TKT-01a, 03a, 06a).
func TestIssue(t *testing.T) {
	for _, want := range []Ticket{
		{User: 482, Client: 17, Start: time.Unix(1760000000, 0), Length: time.Hour, Privileges: []uint64{14, 3, 3}},
		{Start: time.Unix(1760000000, 0), Length: time.Hour},
		{User: 1e18 - 1, Client: 1e18 - 1, Start: time.Unix(0, 0), Length: time.Duration(mostLength) * time.Second, Privileges: []uint64{1e18 - 1, 0}},
	} {
		text, err := Issue(want, key)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, ",,") || strings.ContainsAny(text, " =\n") {
			t.Errorf("%q", text)
		}
		got, err := Verify(text, &key.PublicKey, now)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want.Privileges)
		want.Privileges = slices.Compact(want.Privileges)
		if got.User != want.User || got.Client != want.Client || !got.Start.Equal(want.Start) || got.Length != want.Length || !slices.Equal(got.Privileges, want.Privileges) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, bad := range []Ticket{
		{User: 1e18}, {Client: 1e18}, {Start: time.Unix(-1, 0)}, {Length: -time.Second}, {Length: time.Millisecond}, {Privileges: []uint64{1e18}},
	} {
		if text, err := Issue(bad, key); err == nil {
			t.Errorf("%+v became %s", bad, text)
		}
	}
}

func TestPublicKeys(t *testing.T) {
	good, err := fixtures.FS.ReadFile("ticket.pub.pem")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParsePublicKey(good)
	if err != nil || !got.Equal(&key.PublicKey) {
		t.Error(err)
	}
	cert, err := fixtures.FS.ReadFile("server.cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	private, err := fixtures.FS.ReadFile("ticket.key.pem")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "a certificate": cert, "a private key": private,
		"broken": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
		"not RSA": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{
			0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
			17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}}),
	} {
		if _, err := ParsePublicKey(text); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if _, err := LoadPublicKey(file); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "key.pem") {
		t.Error(err)
	}
	os.WriteFile(file, []byte("no key"), 0o600)
	if _, err := LoadPublicKey(file); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "key.pem") {
		t.Error(err)
	}
	os.WriteFile(file, good, 0o600)
	if _, err := LoadPublicKey(file); err != nil {
		t.Error(err)
	}
	if _, err := x509.ParsePKIXPublicKey(nil); err == nil {
		t.Error("x509 takes nothing for a key")
	}
}

// FuzzVerify: whatever is signed, Verify answers, and what it accepts can be issued again.
func FuzzVerify(f *testing.F) {
	for _, s := range []string{"1,482,17,1760000000,3600,3+14", "1,2,3,1760000000,9", "1,2,3,4,5,,x", ",,,,,", "1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		Verify(text, &key.PublicKey, now)
		got, err := Verify(sign(text), &key.PublicKey, now)
		if err != nil {
			return
		}
		again, err := Issue(*got, key)
		if err != nil {
			t.Fatalf("%+v: %v", got, err)
		}
		if _, err := Verify(again, &key.PublicKey, now); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
	})
}
