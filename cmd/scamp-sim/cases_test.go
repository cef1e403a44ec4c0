package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCasesAreFormatted(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.case")
	write(t, file, "# A request is answered.\nrole:   server\nrule: WIRE-RPC-06a\n\nrequest   0 echo {}\nexpect echo   1\n")
	if o := scampSim(t, "", "cases", "fmt", "--check", dir); o.code != 1 || o.stdout != file+"\n" {
		t.Errorf("--check: %+v", o)
	}
	if o := scampSim(t, "", "cases", "fmt", file); o.code != 0 || o.stdout != file+"\n" {
		t.Errorf("%+v", o)
	}
	got, err := os.ReadFile(file)
	want := "# A request is answered.\nrule: WIRE-RPC-06a\nrole: server\n\nrequest 0 echo {}\nexpect echo 1\n"
	if err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
	if o := scampSim(t, "", "cases", "fmt", "--check", dir); o.code != 0 || o.stdout != "" {
		t.Errorf("again: %+v", o)
	}
}

func TestCasesAreLinted(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.case"), "# A request is answered.\nrule: WIRE-RPC-99\nrole: server\n\nrequest 0 blob {}\n")
	write(t, filepath.Join(dir, "b.case"), "# A request is answered.\nrule: WIRE-RPC-06a\nrole: server\n\nexpct echo 1\n")
	o := scampSim(t, "", "cases", "lint", dir)
	for _, want := range []string{"a.case:2:1: ", "needs: blob", "b.case:5:1: ", `did you mean "expect"`} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in\n%s", want, o.stdout)
		}
	}
	if o.code != 1 {
		t.Errorf("exit %d", o.code)
	}
	if o := scampSim(t, "", "cases", "lint", "../../golden"); o.code != 0 {
		t.Errorf("the golden cases: %s", o.stdout)
	}
	scampSim(t, "", "cases", "lint", "nosuch").oneLine(t, 2, "nosuch")
}
