package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// ticketKeys writes the fixture key that issues tickets, and its public half.
func ticketKeys(t *testing.T) (b *bench, key, pubkey string) {
	t.Helper()
	b = newBench(t)
	for _, name := range []string{"ticket.key.pem", "ticket.pub.pem"} {
		text, err := fixtures.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, b.file(name), string(text))
	}
	return b, b.file("ticket.key.pem"), b.file("ticket.pub.pem")
}

// What is issued is valid now, and says what was asked for (DISC-TKT-01a).
func TestTicket(t *testing.T) {
	b, key, pubkey := ticketKeys(t)
	before := time.Now().Truncate(time.Second)
	o := scampSim(t, "", "ticket", "issue", "--key", key, "--user", "482", "--client", "17", "--privs", "14,3,3")
	form := regexp.MustCompile(`^1,482,17,([0-9]+),3600,3\+14,[A-Za-z0-9_-]+\n$`)
	m := form.FindStringSubmatch(o.stdout)
	if o.code != 0 || o.stderr != "" || m == nil {
		t.Fatalf("%+v", o)
	}
	var unix int64
	fmt.Sscan(m[1], &unix)
	if from := time.Unix(unix, 0); from.Before(before) || from.After(time.Now()) {
		t.Errorf("valid from %v", from)
	}
	text := strings.TrimSpace(o.stdout)
	want := fmt.Sprintf("user 482\nclient 17\nfrom %s\nuntil %s\nprivileges 3 14\n", time.Unix(unix, 0).UTC().Format(time.RFC3339), time.Unix(unix+3600, 0).UTC().Format(time.RFC3339))
	for name, tc := range map[string]struct {
		stdin string
		args  []string
	}{
		"argument":              {"", []string{text}},
		"standard in":           {text + "\n", []string{"-"}},
		"standard in, CRLF":     {text + "\r\n", []string{"-"}},
		"privilege":             {"", []string{text, "--priv", "14"}},
		"privileges":            {"", []string{"--priv", "3", "--priv", "14", text}},
		"privileges in a list":  {"", []string{"--priv", "3,14", text}},
		"at its start":          {"", []string{text, "--at", m[1]}},
		"a second before it is": {"", []string{text, "--at", time.Unix(unix+3599, 0).UTC().Format(time.RFC3339)}},
	} {
		if o := scampSim(t, tc.stdin, append([]string{"ticket", "verify", "--pubkey", pubkey}, tc.args...)...); o.code != 0 || o.stdout != want || o.stderr != "" {
			t.Errorf("%s: %+v", name, o)
		}
	}
	b2, _ := fixtures.FS.ReadFile("server.cert.pem")
	block, _ := pem.Decode(b2)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(c.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, b.file("other.pub"), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	for name, tc := range map[string]struct {
		code  int
		args  []string
		words []string
	}{
		"expired":             {1, []string{"--pubkey", pubkey, text, "--at", fmt.Sprint(unix + 3600)}, []string{"expired"}},
		"not yet":             {1, []string{"--pubkey", pubkey, text, "--at", fmt.Sprint(unix - 1)}, []string{"not valid yet"}},
		"another key":         {1, []string{"--pubkey", b.file("other.pub"), text}, []string{"signature"}},
		"changed":             {1, []string{"--pubkey", pubkey, strings.Replace(text, "482", "483", 1)}, []string{"signature"}},
		"missing privilege":   {1, []string{"--pubkey", pubkey, text, "--priv", "3", "--priv", "15"}, []string{"privilege 15 is missing"}},
		"no ticket":           {1, []string{"--pubkey", pubkey, ""}, []string{"no ticket"}},
		"nonsense":            {1, []string{"--pubkey", pubkey, "nonsense"}, []string{"too few fields"}},
		"type 2":              {1, []string{"--pubkey", pubkey, "2" + text[1:]}, []string{"type 1"}},
		"no key":              {2, []string{"--pubkey", b.file("nosuch"), text}, []string{"nosuch"}},
		"a certificate":       {2, []string{"--pubkey", b.cert, text}, []string{"x.crt", "CERTIFICATE", "PUBLIC KEY"}},
		"no privilege":        {2, []string{"--pubkey", pubkey, text, "--priv", "admin"}, []string{"--priv", `"admin"`}},
		"no time":             {2, []string{"--pubkey", pubkey, text, "--at", "noon"}, []string{"--at", `"noon"`}},
		"two tickets":         {2, []string{"--pubkey", pubkey, text, text}, []string{"too many"}},
		"nothing to standard": {1, []string{"--pubkey", pubkey, "-"}, []string{"no ticket"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := scampSim(t, "", append([]string{"ticket", "verify"}, tc.args...)...)
			o.oneLine(t, tc.code, tc.words...)
			if strings.Contains(o.stderr, "483") {
				t.Errorf("something of the ticket is told: %s", o.stderr)
			}
		})
	}
}

// Times, both forms of the key, and no privileges: then there is no empty field (DISC-TKT-06a).
func TestTicketIssue(t *testing.T) {
	b, key, pubkey := ticketKeys(t)
	write(t, b.file("pkcs1"), string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(fixtures.TicketKey())})))
	whole := []string{"ticket", "issue", "--user", "0", "--client", "999999999999999999", "--ttl", "90s"}
	var made []string
	for _, args := range [][]string{{"--key", key, "--start", "1760000000"}, {"--key", b.file("pkcs1"), "--start", "2025-10-09T08:53:20Z"}, {"--key", key, "--start", "2025-10-09T10:53:20+02:00", "--privs", ""}} {
		o := scampSim(t, "", append(whole, args...)...)
		if made = append(made, o.stdout); o.code != 0 || !strings.HasPrefix(o.stdout, "1,0,999999999999999999,1760000000,90,") || strings.Count(o.stdout, ",") != 5 {
			t.Errorf("%v: %+v", args, o)
		}
	}
	if made[0] != made[1] || made[0] != made[2] {
		t.Errorf("they differ: %q", made)
	}
	if o := scampSim(t, made[0], "ticket", "verify", "--pubkey", pubkey, "--at", "1760000089", "-"); o.code != 0 || !strings.HasSuffix(o.stdout, "privileges none\n") {
		t.Errorf("%+v", o)
	}
	for name, tc := range map[string]struct{ args, words []string }{
		"no key":            {[]string{"--key", b.file("nosuch")}, []string{"cannot read the private key", "nosuch"}},
		"a public key":      {[]string{"--key", pubkey}, []string{"ticket.pub.pem", "PUBLIC KEY", "not a PRIVATE KEY"}},
		"a text":            {[]string{"--key", "ticket_test.go"}, []string{"ticket_test.go has no private key"}},
		"long user":         {[]string{"--key", key, "--user", "1000000000000000000"}, []string{"--user", "18 digits"}},
		"long client":       {[]string{"--key", key, "--client", "1000000000000000000"}, []string{"--client", "18 digits"}},
		"user below 0":      {[]string{"--key", key, "--user", "-1"}, []string{"--user", "not below 0"}},
		"part of a second":  {[]string{"--key", key, "--ttl", "1500ms"}, []string{"--ttl", "whole seconds"}},
		"time below 0":      {[]string{"--key", key, "--ttl=-1h"}, []string{"--ttl"}},
		"before everything": {[]string{"--key", key, "--start", "1969-12-31T00:00:00Z"}, []string{"--start", "1970"}},
		"no time":           {[]string{"--key", key, "--start", "now"}, []string{"--start", `"now"`}},
		"no privilege":      {[]string{"--key", key, "--privs", "3,admin"}, []string{"--privs", `"admin"`}},
	} {
		t.Run(name, func(t *testing.T) {
			scampSim(t, "", append([]string{"ticket", "issue", "--user", "1", "--client", "2"}, tc.args...)...).oneLine(t, 2, tc.words...)
		})
	}
}
