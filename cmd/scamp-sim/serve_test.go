package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
)

func TestServeEndsWithASignal(t *testing.T) {
	s := serve(t)
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestServeRefusesBadInput(t *testing.T) {
	s := serve(t)
	taken := strings.TrimPrefix(s.uri, "beepish+tls://")
	for name, tc := range map[string]struct{ args, words []string }{
		"address taken": {[]string{"--listen", taken}, []string{"--listen", "address already in use"}},
		"no bug":        {[]string{"--bug", "nosuch"}, []string{"nosuch", "--bug list"}},
		"half a pair":   {[]string{"--cert", "x.pem"}, []string{"--key"}},
		"no file":       {[]string{"--cert", "x.pem", "--key", "y.pem"}, []string{"x.pem"}},
		"arguments":     {[]string{"more"}, []string{"more"}},
	} {
		t.Run(name, func(t *testing.T) {
			scampSim(t, "", append([]string{"serve"}, tc.args...)...).oneLine(t, 2, tc.words...)
		})
	}
}

// A certificate of your own.
func TestServeWithACertificate(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"other.cert.pem", "other.key.pem"} {
		b, err := fixtures.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(b))
	}
	s := serve(t, "--cert", filepath.Join(dir, "other.cert.pem"), "--key", filepath.Join(dir, "other.key.pem"))
	if s.fingerprint != fixtures.Fingerprint("other") {
		t.Error(s.fingerprint)
	}
}

func TestServeListsBugs(t *testing.T) {
	o := scampSim(t, "", "serve", "--bug", "list")
	form := regexp.MustCompile(`^[a-z0-9-]+ +WIRE-[A-Z]+-[0-9]{2}[a-z]? +.+$`)
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if o.code != 0 || len(lines) < 60 {
		t.Fatalf("exit %d, %d lines", o.code, len(lines))
	}
	for _, line := range lines {
		if !form.MatchString(line) {
			t.Errorf("%q", line)
		}
	}
}

// Peers do their worst to a real server: their connections are closed, its memory stays bounded, others do not notice.
func TestHostilePackets(t *testing.T) {
	s := serve(t)
	hostport := strings.TrimPrefix(s.uri, "beepish+tls://")
	header := func(text string) string { return fmt.Sprintf("HEADER 0 %d\r\n%sEND\r\n", len(text), text) }
	open := func(w io.Writer) {
		for n := range 1000000 {
			h := fmt.Sprintf(`{"type":"request","action":"Conformance.count","version":1,"envelope":"json","request_id":%d}`, n+1)
			if _, err := fmt.Fprintf(w, "HEADER %d %d\r\n%sEND\r\n", n, len(h), h); err != nil {
				return
			}
		}
	}
	text := func(s string) func(io.Writer) { return func(w io.Writer) { io.WriteString(w, s) } }
	for name, attack := range map[string]func(io.Writer){
		"negative length":       text("DATA 0 -1\r\n"),
		"huge length":           text("HEADER 0 9223372036854775807\r\n"),
		"null header":           text(header("null")),
		"nested":                text(header(`{"request_id":` + strings.Repeat("[", 100000) + "}")),
		"a million open":        open,
		"line without end":      text(strings.Repeat("A", 100000)),
		"not packets":           text("GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"),
		"number beyond 64 bits": text("DATA 99999999999999999999999 0\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tls.Dial("tcp", hostport, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				attack(c)
			}()
			io.Copy(io.Discard, c) // until the server closes
			<-done
			o := scampSim(t, "", "request", "--server", s.uri, "--insecure", "Conformance.echo", `{"alive":true}`)
			if o.stdout != `{"alive":true}` {
				t.Errorf("others notice: %+v", o)
			}
		})
	}
	if peak, ok := peakMemory(t, s.cmd.Process.Pid); ok && peak > 200<<20 {
		t.Errorf("the resident set grew to %d MiB", peak>>20)
	}
}
