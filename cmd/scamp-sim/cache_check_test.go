package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// fixtureSigner signs as one of the fixture identities.
func fixtureSigner(t *testing.T, name string) *discovery.Signer {
	t.Helper()
	key, err := fixtures.FS.ReadFile(name + ".key.pem")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := fixtures.FS.ReadFile(name + ".cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	s, err := discovery.NewSigner(key, cert)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record is a signed record of a cache file.
func record(t *testing.T, s *discovery.Signer, data string) string {
	t.Helper()
	packet, err := s.SignData([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return "\n%%%\n" + string(packet)
}

// with is the announcement of another ident.
func with(ident string) string { return strings.Replace(announced, `"x"`, `"`+ident+`"`, 1) }

// Every record gets its verdict: the line, the rule and the reason.
func TestCheck(t *testing.T) {
	b := newBench(t)
	server, other := fixtureSigner(t, "server"), fixtureSigner(t, "other")
	forged := strings.Replace(record(t, server, with("forged")), `"Foo"`, `"Bar"`, 1)
	cache := b.file("cache")
	write(t, cache, record(t, server, with("good"))+record(t, other, with("stranger"))+forged+"\n%%%\ngarbage \x1b[2J\n"+
		record(t, server, strings.Replace(with("skips"), `["Foo",`, `["Foo",["baz","",-1],`, 1))+
		record(t, server, strings.Replace(with("stopping"), `[["Foo",["bar","",1]]]`, `[]`, 1)))
	fp := fixtures.Fingerprint("server")
	write(t, b.file("list"), "nonsense\n"+fp+" main:ALL\n")

	o := scampSim(t, "", "cache", "check", cache)
	lines := strings.Split(o.stdout, "\n")
	for i, words := range [][]string{
		{"line 3 ", "ok", "good", "1 action", "beepish+tls://127.0.0.1:30100"},
		{"ok", "stranger"},
		{"refused", "DISC-SIG-", "signature: ", "it says it is of forged"},
		{"refused", "DISC-ENV-01b", "sections"},
		{"ok", "skips", "1 action"},
		{"skipped", "DISC-ACT-05d", "skips", "Foo.baz"},
		{"ok", "stopping", "0 actions"},
		{"6 records: 4 usable, 2 not (lines "},
	} {
		for _, w := range words {
			if !strings.Contains(lines[i], w) {
				t.Errorf("no %q in %q", w, lines[i])
			}
		}
	}
	if o.code != 1 || o.stderr != "" || len(lines) != 9 || strings.Contains(o.stdout, "\x1b") {
		t.Errorf("exit %d, %d lines\n%s%s", o.code, len(lines), o.stdout, o.stderr)
	}
	text, _ := os.ReadFile(cache)
	number := 1 + bytes.Count(text[:bytes.Index(text, []byte(`[3,"forged"`))], []byte("\n"))
	if !strings.Contains(lines[2], fmt.Sprintf("line %d ", number)) || !strings.Contains(lines[7], fmt.Sprintf("(lines %d, ", number)) {
		t.Errorf("the forged record is in line %d: %s %s", number, lines[2], lines[7])
	}

	o = scampSim(t, "", "cache", "check", cache, "--authorized", b.file("list"), "--quiet")
	for _, want := range []string{"DISC-AUT-01a  stranger: its action is not authorised for " + fixtures.Fingerprint("other") + " in " + b.file("list"), "6 records: 3 usable, 3 not (lines "} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
	if o.code != 1 || strings.Contains(o.stdout, " ok ") || !strings.Contains(o.stderr, "line 1 has no effect") {
		t.Errorf("%+v", o)
	}

	write(t, cache, record(t, server, with("good")))
	if o = scampSim(t, "", "cache", "check", cache, "--authorized", b.file("list")); o.code != 0 || !strings.Contains(o.stdout, "1 record: 1 usable, 0 not\n") {
		t.Errorf("a good file: %+v", o)
	}
	old := time.Now().Add(-5 * time.Minute)
	os.Chtimes(cache, old, old)
	if o = scampSim(t, "", "cache", "check", cache); o.code != 0 || !strings.Contains(o.stdout, "is 5m") {
		t.Errorf("a stale file: %+v", o)
	}
	write(t, cache, "")
	if o = scampSim(t, "", "cache", "check", cache); o.code != 0 || o.stdout != "0 records: 0 usable, 0 not\n" {
		t.Errorf("an empty file: %+v", o)
	}
	write(t, cache, "this is no cache\n")
	for _, verb := range []string{"check", "list"} {
		scampSim(t, "", "cache", verb, cache).oneLine(t, 1, "no record", "%%%", "17 octets")
	}
	scampSim(t, "", "cache", "check", cache, "--authorized", b.file("nosuch")).oneLine(t, 2, "cannot read the authorised services", "nosuch")
}

// What only _meta offers needs no authorisation (DISC-AUT-07).
func TestCheckMeta(t *testing.T) {
	b := newBench(t)
	meta := record(t, fixtureSigner(t, "server"), strings.Replace(announced, `["Foo",`, `["_meta",`, 1))
	write(t, b.file("cache"), meta)
	write(t, b.file("list"), "")
	if o := scampSim(t, "", "cache", "check", b.file("cache"), "--authorized", b.file("list")); o.code != 0 {
		t.Errorf("%+v", o)
	}
}

// smallSigner has a key of 1024 bits, which receivers take: it signs five times as fast as one of 2048.
func smallSigner(t *testing.T) *discovery.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	der, err := selfSigned(key, "small")
	if err != nil {
		t.Fatal(err)
	}
	s, err := discovery.NewSigner(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// records are so many instances, service0 and up.
func records(t *testing.T, n int) []string {
	t.Helper()
	s := smallSigner(t)
	all := make([]string, n)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				packet, err := s.SignData([]byte(with(fmt.Sprint("service", i))))
				if err != nil {
					t.Error(err)
					return
				}
				all[i] = "\n%%%\n" + string(packet)
			}
		})
	}
	wg.Wait()
	return all
}

// One damaged record in ten thousand is named with its line, and the other 9,999 are listed.
func TestTenThousandRecords(t *testing.T) {
	t.Parallel()
	const n, damaged = 10000, 7777
	start := time.Now()
	all := records(t, n)
	all[damaged] = strings.Replace(all[damaged], `"bar"`, `"baz"`, 1)
	text := strings.Join(all, "")
	b := newBench(t)
	cache := b.file("cache")
	write(t, cache, text)
	signed := time.Since(start)

	at := strings.Index(text, fmt.Sprintf(`[3,"service%d"`, damaged))
	line := 1 + strings.Count(text[:at], "\n")
	start = time.Now()
	o := scampSim(t, "", "cache", "check", cache)
	checked := time.Since(start)
	var refused []string
	for l := range strings.Lines(o.stdout) {
		if !strings.Contains(l, " ok ") {
			refused = append(refused, l)
		}
	}
	if o.code != 1 || o.stderr != "" || strings.Count(o.stdout, "\n") != n+1 || len(refused) != 2 {
		t.Fatalf("exit %d, %d lines, of which %d are not ok: %s", o.code, strings.Count(o.stdout, "\n"), len(refused), refused)
	}
	for _, want := range []string{fmt.Sprintf("line %d ", line), "refused", "DISC-SIG-", fmt.Sprintf("service%d", damaged)} {
		if !strings.Contains(refused[0], want) {
			t.Errorf("no %q in %q", want, refused[0])
		}
	}
	if want := fmt.Sprintf("10,000 records: 9,999 usable, 1 not (line %d)\n", line); refused[1] != want {
		t.Errorf("%q, want %q", refused[1], want)
	}

	start = time.Now()
	o = scampSim(t, "", "cache", "list", cache, "--json")
	t.Logf("signed in %v, checked in %v, listed in %v", signed, checked, time.Since(start))
	var listed []struct{ Ident string }
	if err := json.Unmarshal([]byte(o.stdout), &listed); err != nil || o.code != 0 || !strings.Contains(o.stderr, "1 record is not usable") {
		t.Fatalf("exit %d, %v: %s", o.code, err, o.stderr)
	}
	found := map[string]bool{}
	for _, l := range listed {
		found[l.Ident] = true
	}
	for i := range n {
		if found[fmt.Sprint("service", i)] == (i == damaged) {
			t.Errorf("service%d is listed: %v", i, i == damaged)
		}
	}
	if len(listed) != n-1 {
		t.Errorf("%d instances are listed", len(listed))
	}
}
