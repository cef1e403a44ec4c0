package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// lists is a cache of two services, of which the file "list" authorises one in part.
func lists(t *testing.T) (b *bench, list func(args ...string) outcome) {
	b = newBench(t)
	server, other := fixtureSigner(t, "server"), fixtureSigner(t, "other")
	data := strings.Replace(announced, `[["Foo",["bar","",1]]]`, `[["Foo",["bar","",1],["make","create,t30",2]],["_meta",["doc","noauth",1]],["Bar",["x","",1]]]`, 1)
	newer := strings.Replace(data, "17.5", "18", 1)
	odd := strings.NewReplacer(`"x"`, `"a\tb"`, ",1,5000,", ",0.5,2500000000,", `["json"]`, `["json","web"]`).Replace(announced)
	write(t, b.file("cache"), record(t, server, newer)+record(t, server, data)+record(t, other, odd))
	write(t, b.file("list"), fixtures.Fingerprint("server")+" main:Foo\n")
	return b, func(args ...string) outcome {
		t.Helper()
		return scampSim(t, "", append([]string{"cache", "list", b.file("cache")}, args...)...)
	}
}

// columns are the words of a line.
func columns(line string) string { return strings.Join(strings.Fields(line), " ") }

// The service list (DISC-TOL-01).
func TestList(t *testing.T) {
	b, list := lists(t)
	fp, strange := fixtures.Fingerprint("server")[:8], fixtures.Fingerprint("other")[:8]
	header := "ID Sector Weight Interval Address Envelopes Fingerprint Actions"
	row := func(actions string) string {
		return "x main 1 5 beepish+tls://127.0.0.1:30100 json " + fp + " " + actions
	}
	stranger := func(actions string) string {
		return `"a\tb" main 0.5 2500000 beepish+tls://127.0.0.1:30100 json,web ` + strange + " " + actions
	}
	authorized := []string{"--authorized", b.file("list")}
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"without a list": {nil, []string{header, row("3"), stranger("1")}},
		"authorised":     {authorized, []string{header, row("2")}},
		"all":            {append(authorized, "--all"), []string{header, row("2"), stranger("0")}},
		"raw":            {append(authorized, "--raw"), []string{row("2")}},
	} {
		o := list(tc.args...)
		lines := strings.Split(strings.TrimSuffix(o.stdout, "\n"), "\n")
		if o.code != 0 || len(lines) != len(tc.want) {
			t.Fatalf("%s: %+v", name, o)
		}
		for _, want := range tc.want { // fingerprints have an order of their own
			found := false
			for _, l := range lines {
				found = found || columns(l) == want
			}
			if !found {
				t.Errorf("%s: no %q in\n%s", name, want, o.stdout)
			}
		}
		if hides := strings.Contains(o.stderr, "1 instance is without an authorised action; --all shows them"); hides != (len(tc.args) > 0 && name != "all") {
			t.Errorf("%s: %q", name, o.stderr)
		}
	}
	if o := list("--raw", "--authorized", b.file("list")); strings.Count(o.stdout, "\t") != 7 {
		t.Errorf("%q", o.stdout)
	}
}

// The list of actions.
func TestListActions(t *testing.T) {
	b, list := lists(t)
	o := list("--actions", "--authorized", b.file("list"))
	want := []string{"ID Sector Name Version Flags Authorised", "x main Foo.bar 1 Y", "x main Foo.make 2 create,t30 Y", "x main _meta.doc 1 noauth Y", "x main Bar.x 1 N", ""}
	lines := strings.Split(o.stdout, "\n")
	for i := range want {
		if len(lines) != len(want) || columns(lines[i]) != want[i] {
			t.Fatalf("%s, want %q", o.stdout, want)
		}
	}
	if o := list("--actions", "--raw"); !strings.Contains(o.stdout, "x\tmain\tFoo.bar\t1\t\t-\n") || strings.Contains(o.stdout, "ID\t") {
		t.Errorf("%s", o.stdout)
	}
}

// The form for programs is what docs/operators.md says, octet by octet.
func TestListJSON(t *testing.T) {
	b, list := lists(t)
	want := `[
  {
    "ident": "x",
    "fingerprint": "` + fixtures.Fingerprint("server") + `",
    "sector": "main",
    "weight": 1,
    "interval_ms": 5000,
    "uri": "beepish+tls://127.0.0.1:30100",
    "envelopes": [
      "json"
    ],
    "timestamp": 18,
    "actions": [
      {
        "sector": "main",
        "name": "Foo.bar",
        "version": 1,
        "envelopes": [
          "json"
        ],
        "flags": "",
        "authorized": true
      },
`
	o := list("--json", "--authorized", b.file("list"))
	if o.code != 0 || !strings.HasPrefix(o.stdout, want) || strings.Count(o.stdout, `"authorized": true`) != 3 || strings.Count(o.stdout, `"authorized": false`) != 1 {
		t.Errorf("%s", o.stdout)
	}
	if again := list("--json", "--authorized", b.file("list")); again.stdout != o.stdout {
		t.Error("two runs differ")
	}
	if o = list("--json"); strings.Count(o.stdout, `"authorized": null`) != 5 || strings.Count(o.stdout, `"ident"`) != 2 {
		t.Errorf("without a list: %s", o.stdout)
	}
	write(t, b.file("cache"), "")
	if o = list("--json"); o.code != 0 || o.stdout != "[]\n" || o.stderr != "" {
		t.Errorf("of an empty file: %+v", o)
	}
	if o = list(); o.code != 0 || strings.Count(o.stdout, "\n") != 1 {
		t.Errorf("of an empty file: %+v", o)
	}
}

// What is not listed is told, beside the list.
func TestListTellsWhatItLeavesOut(t *testing.T) {
	b, list := lists(t)
	text, _ := os.ReadFile(b.file("cache"))
	write(t, b.file("cache"), string(text)+"\n%%%\ngarbage\n\n%%%\nmore\n")
	old := time.Now().Add(-time.Hour)
	os.Chtimes(b.file("cache"), old, old)
	o := list("--raw")
	for _, want := range []string{"2 records are not usable", "cache check --quiet", " is 1h0m"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("no %q in %s", want, o.stderr)
		}
	}
	if o.code != 0 || strings.Count(o.stdout, "\n") != 2 {
		t.Errorf("%+v", o)
	}
}
