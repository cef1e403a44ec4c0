package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

func TestRequest(t *testing.T) {
	s := serve(t)
	file := filepath.Join(t.TempDir(), "body.json")
	write(t, file, `{"from":"a file"}`)
	for name, tc := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"argument":     {"", []string{"Conformance.echo", `{"a":1}`}, `{"a":1}`},
		"version":      {"", []string{"Conformance.echo~1", `{"a":1}`}, `{"a":1}`},
		"any case":     {"", []string{"CONFORMANCE.ECHO", `{"a":1}`}, `{"a":1}`},
		"no body":      {"", []string{"Conformance.echo"}, "{}"},
		"standard in":  {`"from stdin"`, []string{"Conformance.echo", "-"}, `"from stdin"`},
		"file":         {"", []string{"Conformance.echo", "@" + file}, `{"from":"a file"}`},
		"other action": {"", []string{"Conformance.blob", `{"bytes":4}`}, `"xxxx"`},
	} {
		t.Run(name, func(t *testing.T) {
			o := scampSim(t, tc.stdin, append([]string{"request", "--server", s.uri, "--fingerprint", s.fingerprint}, tc.args...)...)
			if o.code != 0 || o.stdout != tc.want || o.stderr != "" {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestRequestShowsPackets(t *testing.T) {
	s := serve(t)
	o := scampSim(t, "", "request", "-v", "--server", s.uri, "--insecure", "Conformance.echo", "[1]")
	for _, want := range []string{"> HEADER 0 ", "> EOF 0 0", "< DATA 0 3", "< EOF 0 0"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("no %q in\n%s", want, o.stderr)
		}
	}
}

func TestRequestFails(t *testing.T) {
	s := serve(t)
	direct := []string{"--server", s.uri, "--insecure"}
	for name, tc := range map[string]struct {
		code  int
		args  []string
		words []string
	}{
		"error reply":       {1, append(direct, "Conformance.fail", `{"code":"teapot","text":"short and stout"}`), []string{"teapot: short and stout"}},
		"unknown action":    {1, append(direct, "No.such.action"), []string{"not_found", "No.such.action"}},
		"no version":        {2, append(direct, "Conformance.echo~x"), []string{`"x"`}},
		"no configuration":  {2, []string{"--config", "/no/such/file", "Conformance.echo"}, []string{"/no/such/file", "--cache", "--server"}},
		"no certificate":    {2, []string{"--server", s.uri, "Conformance.echo"}, []string{"--fingerprint", "--insecure"}},
		"no cache":          {2, []string{"--cache", "/no/such/file", "Conformance.echo"}, []string{"/no/such/file"}},
		"two ways to go":    {2, append(direct, "--cache", "x", "Conformance.echo"), []string{"--server", "--cache"}},
		"two caches":        {2, []string{"--config", "x", "--cache", "x", "Conformance.echo"}, []string{"--config", "--cache"}},
		"no server":         {2, []string{"--insecure", "Conformance.echo"}, []string{"--insecure", "--server"}},
		"whose services":    {2, []string{"--authorized", "x", "Conformance.echo"}, []string{"--authorized", "--cache"}},
		"negative time":     {2, append(direct, "--timeout", "-1s", "Conformance.echo"), []string{"-1s"}},
		"other certificate": {2, []string{"--server", s.uri, "--fingerprint", "AA:BB", "Conformance.echo"}, []string{"AA:BB", s.fingerprint}},
		"nobody listens":    {2, []string{"--server", closedPort(t), "--insecure", "Conformance.echo"}, []string{"cannot reach"}},
		"no file":           {2, append(direct, "Conformance.echo", "@/no/such/file"), []string{"/no/such/file"}},
		"no action":         {2, direct, []string{"arg"}},
	} {
		t.Run(name, func(t *testing.T) {
			scampSim(t, "", append([]string{"request"}, tc.args...)...).oneLine(t, tc.code, tc.words...)
		})
	}
}

// TestRequestFindsServices joins two programs with a cache file, and then with a
// configuration.
func TestRequestFindsServices(t *testing.T) {
	s := serve(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, text)
		return path
	}
	read := func(name string) string {
		b, err := fixtures.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	description := file("service.yaml", "name: tester\nident: tester:1\nsector: main\nuri: "+s.uri+
		"\nactions:\n  - {name: Conformance.echo, flags: [noauth, create]}\n  - {name: Conformance.count, flags: [noauth]}\n")
	cache := filepath.Join(dir, "discovery.cache")
	o := scampSim(t, "", "cache", "make", "--announcepath", description, "--keypath", file("server.key", read("server.key.pem")),
		"--certpath", file("server.crt", read("server.cert.pem")), "--out", cache)
	if o.code != 0 {
		t.Fatalf("%+v", o)
	}
	authorized := file("authorized_services", s.fingerprint+" main:Conformance.echo\n")
	config := file("soa.conf", "discovery.cache_path = "+cache+"\nbus.authorized_services = "+authorized+"\n")
	for name, tc := range map[string]struct {
		code  int
		args  []string
		words string
	}{
		"cache":               {0, []string{"--cache", cache, "conformance.ECHO", `{"a":1}`}, `{"a":1}`},
		"alias":               {0, []string{"--cache", cache, "Conformance._create", `{"a":1}`}, `{"a":1}`},
		"pinned":              {0, []string{"--cache", cache, "--ident", s.fingerprint + "#tester:1", "Conformance.echo"}, `{}`},
		"authorised":          {0, []string{"--cache", cache, "--authorized", authorized, "Conformance.echo"}, `{}`},
		"configured":          {0, []string{"--config", config, "-v", "Conformance.echo"}, `{}`},
		"another ident":       {2, []string{"--cache", cache, "--ident", "x", "Conformance.echo"}, "with the ident x"},
		"another sector":      {2, []string{"--cache", cache, "--sector", "web", "Conformance.echo"}, "sector web"},
		"another version":     {2, []string{"--cache", cache, "Conformance.echo~2"}, "version 2"},
		"not authorised":      {2, []string{"--cache", cache, "--authorized", authorized, "Conformance.count"}, "not authorised"},
		"not authorised here": {2, []string{"--config", config, "Conformance.count"}, "not authorised"},
	} {
		t.Run(name, func(t *testing.T) {
			o := scampSim(t, "", append([]string{"request"}, tc.args...)...)
			if o.code != tc.code || !strings.Contains(o.stdout+o.stderr, tc.words) {
				t.Errorf("%+v", o)
			}
		})
	}
	t.Run("stale", func(t *testing.T) {
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(cache, old, old); err != nil {
			t.Fatal(err)
		}
		scampSim(t, "", "request", "--config", config, "Conformance.echo").oneLine(t, 2, "stale", cache)
		if o := scampSim(t, "", "request", "--cache", cache, "Conformance.echo"); o.code != 0 {
			t.Errorf("a cache of any age: %+v", o)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		scampSim(t, "", "request", "--cache", cache, "Conformance.echo").oneLine(t, 2, "reached")
	})
}
