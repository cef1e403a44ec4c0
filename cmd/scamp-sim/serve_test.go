package main

import (
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
)

func TestServeEndsWithASignal(t *testing.T) {
	s := serve(t)
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// A request that is in progress when the server is told to stop gets its reply (WIRE-SVC-04c).
func TestServeFinishesWhatItHasTaken(t *testing.T) {
	s := serve(t)
	conn, err := scamp.Dial(t.Context(), s.uri, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body, feed := io.Pipe()
	reply, err := conn.Call(t.Context(), &scamp.Request{Header: scamp.Header{Action: "Conformance.echo"}, Body: io.MultiReader(strings.NewReader(strings.Repeat("x", 40000)), body)})
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	for { // until it takes no connections
		c, err := scamp.Dial(t.Context(), s.uri, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
		if err != nil {
			break
		}
		c.Close()
	}
	io.WriteString(feed, "the end")
	feed.Close()
	got, err := io.ReadAll(reply.Body)
	if err != nil || len(got) != 40007 || !strings.HasSuffix(string(got), "the end") {
		t.Error(len(got), err)
	}
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
