package main

import (
	"path/filepath"
	"strings"
	"testing"
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
		"no server":         {2, []string{"Conformance.echo"}, []string{"--server"}},
		"no certificate":    {2, []string{"--server", s.uri, "Conformance.echo"}, []string{"--fingerprint", "--insecure"}},
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
