package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

const ledger = `name: ledger
uri: beepish+tls://127.0.0.1:30100
actions:
  - Ledger.list
  - {name: Ledger.post, version: 2, flags: [t30, noauth]}
  - name: Shop.page
    sector: web
    envelopes: web
    flags: read, public
`

const announced = `[3,"x","main",1,5000,"beepish+tls://127.0.0.1:30100",["json"],[["Foo",["bar","",1]]],17.5]`

// A bench is a directory with the fixture pair, in which records are made.
type bench struct {
	dir, key, cert string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir()}
	b.key, b.cert = copyFixtures(t, b.dir, "x")
	return b
}

func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

// make makes a record of a description.
func (b *bench) make(t *testing.T, text string, args ...string) outcome {
	t.Helper()
	write(t, b.file("description"), text)
	return scampSim(t, "", append([]string{"cache", "make", "--announcepath", b.file("description"), "--keypath", b.key, "--certpath", b.cert}, args...)...)
}

// verified are the announcements of a cache file, all of which must be usable.
func verified(t *testing.T, file string) (found []*discovery.Announcement) {
	t.Helper()
	discovery.Records([]byte(file), func(line int, record []byte) bool {
		a, err := discovery.Verify(record)
		if err != nil {
			t.Fatalf("line %d: %v", line, err)
		}
		found = append(found, a)
		return true
	})
	return found
}

// A description becomes a record that says what it says.
func TestMakeOfADescription(t *testing.T) {
	b := newBench(t)
	before := time.Now()
	o := b.make(t, ledger)
	if o.code != 0 || o.stderr != "" || !strings.HasPrefix(o.stdout, "\n%%%\n[3,\"ledger:") {
		t.Fatalf("%+v", o)
	}
	found := verified(t, o.stdout)
	if len(found) != 1 {
		t.Fatalf("%d records", len(found))
	}
	a := found[0]
	at := time.UnixMicro(int64(a.Timestamp * 1e6))
	if a.Fingerprint != fixtures.Fingerprint("server") || a.Sector != "main" || a.Weight != 1 || a.Interval != 5000 || a.URI != "beepish+tls://127.0.0.1:30100" ||
		at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("%+v", a)
	}
	type action struct {
		sector, name, envelopes, flags string
		version                        int
	}
	var got []action
	for _, x := range a.Actions {
		got = append(got, action{x.Sector, x.Name, strings.Join(x.Envelopes, " "), x.Flags, x.Version})
	}
	want := []action{{"main", "Ledger.list", "json", "", 1}, {"main", "Ledger.post", "json", "t30,noauth", 2}, {"web", "Shop.page", "web", "read,public", 1}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%+v, want %+v", got, want)
	}
	if again := verified(t, b.make(t, ledger).stdout)[0]; again.Ident == a.Ident || !strings.HasPrefix(again.Ident, "ledger:") {
		t.Errorf("two runs made %q and %q", a.Ident, again.Ident)
	}
	whole := "ident: me\nuri: scamp+tls://127.0.0.1:1\nsector: web\nenvelopes: [web, json]\nweight: 3\ninterval: 500ms\ntimestamp: 12.25\nactions: [A.b]\n"
	a = verified(t, b.make(t, whole).stdout)[0]
	if a.Ident != "me" || a.URI != "scamp+tls://127.0.0.1:1" || a.Sector != "web" || strings.Join(a.Envelopes, " ") != "web json" || a.Weight != 3 || a.Interval != 500 || a.Timestamp != 12.25 {
		t.Errorf("%+v", a)
	}
}

// The forms of an announcement: classes, vectors, both (DISC-V4-11).
func TestMakeForms(t *testing.T) {
	b := newBench(t)
	plain := "ident: x\nuri: beepish+tls://127.0.0.1:1\ntimestamp: 1\nactions: [A.b]\n"
	for form, want := range map[string]struct{ vectors, classes bool }{"auto": {false, true}, "v3": {false, true}, "v4": {true, false}, "both": {true, true}} {
		o := b.make(t, plain, "--form", form)
		if strings.Contains(o.stdout, `"vmaj":4`) != want.vectors || strings.Contains(o.stdout, `[["A",["b","",1]]]`) != want.classes {
			t.Errorf("--form %s: %s%s", form, o.stdout, o.stderr)
		}
		for _, a := range verified(t, o.stdout) {
			if a.Actions[0].Name != "A.b" {
				t.Errorf("--form %s: %+v", form, a.Actions)
			}
		}
	}
	b.make(t, ledger, "--form", "v3").oneLine(t, 2, "description:6:5: ", "Shop.page", "version 3")
	b.make(t, ledger, "--form", "v5").oneLine(t, 2, `"v5"`, "auto, v3, v4 or both")
}

// The JSON of an announcement is signed as it stands; one of several lines becomes one.
func TestMakeOfAnAnnouncement(t *testing.T) {
	b := newBench(t)
	odd := strings.Replace(announced, `"main",1,`, `"main" , 1.0,`, 1)
	for name, tc := range map[string]struct{ text, want string }{
		"one line": {odd, odd}, "with a LF": {odd + "\n", odd}, "CRLF": {announced + "\r\n", announced}, "several lines": {strings.ReplaceAll(announced, ",[", ",\n  ["), announced},
	} {
		o := b.make(t, tc.text)
		if data, _, _ := strings.Cut(strings.TrimPrefix(o.stdout, "\n%%%\n"), "\n"); o.code != 0 || data != tc.want {
			t.Errorf("%s: %+v", name, o)
		}
		verified(t, o.stdout)
	}
	o := b.make(t, strings.Replace(announced, `["Foo",`, `["Foo",["baz","",-1],`, 1))
	if o.code != 0 || !strings.Contains(o.stderr, "skip") || !strings.Contains(o.stderr, "DISC-ACT-05d") || !strings.Contains(o.stderr, "Foo.baz") {
		t.Errorf("an action that is skipped: %+v", o)
	}
	if o = b.make(t, strings.Replace(announced, `[["Foo",["bar","",1]]]`, "[]", 1)); o.code != 0 || !strings.Contains(o.stderr, "no action") {
		t.Errorf("no action: %+v", o)
	}
}

// A file is written whole, or added to.
func TestMakeWritesAFile(t *testing.T) {
	b := newBench(t)
	cache := b.file("cache")
	for i, args := range [][]string{{"--out", cache}, {"--out", cache, "--add"}, {"--out", cache, "--add"}, {"--out", cache}, {"--out", b.file("new"), "--add"}} {
		want := []int{1, 2, 3, 1, 1}[i]
		if o := b.make(t, ledger, args...); o.code != 0 || o.stdout != "" || o.stderr != "" {
			t.Fatalf("%v: %+v", args, o)
		}
		text, err := os.ReadFile(args[1])
		if err != nil {
			t.Fatal(err)
		}
		if n := len(verified(t, string(text))); n != want {
			t.Errorf("%v: %d records, want %d", args, n, want)
		}
	}
	if left, _ := filepath.Glob(b.file("*.new")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// Mistakes are told with their place.
func TestMakeRefuses(t *testing.T) {
	b := newBench(t)
	const head = "name: a\nuri: beepish+tls://127.0.0.1:30100\n"
	for name, tc := range map[string]struct {
		text  string
		words []string
	}{
		"unknown field":           {head + "colour: blue\n", []string{":3:1: ", `"colour"`}},
		"unknown field of action": {head + "actions:\n  - {name: A.b, verson: 2}\n", []string{":4:17: ", `"verson"`}},
		"bad YAML":                {head + "actions: [\n  - A.b\n", []string{"description:"}},
		"a tab":                   {"name: a\n\turi: x\n", []string{":2:"}},
		"twice":                   {"name: a\nname: b\n", []string{":2:1: ", `"name"`}},
		"empty":                   {"", []string{"has no name"}},
		"a text":                  {"hello", []string{":1:1: ", "key: value"}},
		"no name":                 {"uri: beepish+tls://127.0.0.1:1\n", []string{"has no name", "name: ledger"}},
		"no uri":                  {"name: a\n", []string{"has no uri", "uri: beepish"}},
		"uri":                     {"name: a\nuri: 127.0.0.1:30100\n", []string{":2:6: ", "beepish+tls://"}},
		"host name in uri":        {"name: a\nuri: beepish+tls://localhost:30100\n", []string{":2:6: ", "IPv4"}},
		"version is text":         {head + "actions:\n  - {name: A.b, version: two}\n", []string{":4:26: ", "whole number", "two"}},
		"version is a fraction":   {head + "actions:\n  - {name: A.b, version: 1.5}\n", []string{":4:26: ", "whole number"}},
		"version 0":               {head + "actions:\n  - {name: A.b, version: 0}\n", []string{":4:26: ", "from 1"}},
		"huge version":            {head + "actions:\n  - A.a\n  - {name: A.b, version: 2147483648}\n", []string{":5:5: ", "A.b", "2147483648"}},
		"action without dot":      {head + "actions: [A.a, bar]\n", []string{":3:16: ", `"bar"`, "Namespace.name"}},
		"action without name":     {head + "actions:\n  - {version: 1}\n", []string{":4:5: ", "no name"}},
		"action is a list":        {head + "actions:\n  - [A.b]\n", []string{":4:5: "}},
		"flag with a blank":       {head + "actions:\n  - {name: A.b, flags: [no auth]}\n", []string{":4:5: ", "blank"}},
		"flag of time":            {head + "actions:\n  - {name: A.b, flags: t0}\n", []string{":4:5: ", "t0", "86400"}},
		"flags are a map":         {head + "actions:\n  - {name: A.b, flags: {a: b}}\n", []string{":4:24: ", "list"}},
		"interval without unit":   {head + "interval: 5\n", []string{":3:11: ", `"5"`, "5s"}},
		"weight":                  {head + "weight: 1.5\n", []string{":3:9: ", "1.5"}},
		"weight is text":          {head + "weight: heavy\n", []string{":3:9: ", "number", "heavy"}},
		"sector":                  {head + "sector: a:b\n", []string{":3:9: ", "colon"}},
		"JSON is cut":             {`[3,"x","main",1`, []string{":1:15: ", "JSON"}},
		"JSON is wrong":           {"[3,\n\"x\",,1]", []string{":2:5: ", "JSON"}},
		"JSON of two elements":    {`[3,"x"]`, []string{"nine", "DISC-JSN-01b"}},
		"JSON of another version": {strings.Replace(announced, "[3,", "[4,", 1), []string{"DISC-JSN-02b"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := b.make(t, tc.text, "--out", b.file("cache"))
			o.oneLine(t, 2, tc.words...)
			if strings.Contains(o.stderr, "discovery: ") || strings.Contains(o.stderr, "Go ") {
				t.Errorf("it speaks of its own parts: %s", o.stderr)
			}
		})
	}
	if _, err := os.Stat(b.file("cache")); err == nil {
		t.Error("a file is written")
	}
	b.make(t, ledger, "--add").oneLine(t, 2, "--add needs --out")
	b.make(t, ledger, "--out", b.file("no/cache")).oneLine(t, 2, "cannot write the cache")
	other, _ := fixtures.FS.ReadFile("other.cert.pem")
	write(t, b.file("other"), string(other))
	for name, tc := range map[string]struct {
		description, key, cert string
		words                  []string
	}{
		"no description": {"nosuch", b.key, b.cert, []string{"cannot read the description", "nosuch"}},
		"no key":         {b.file("description"), "nosuch", b.cert, []string{"cannot read the private key", "nosuch"}},
		"no certificate": {b.file("description"), b.key, "nosuch", []string{"cannot read the certificate", "nosuch"}},
		"no pair":        {b.file("description"), b.key, b.file("other"), []string{"x.key", "other", "belongs to the key"}},
		"exchanged":      {b.file("description"), b.cert, b.key, []string{"x.crt", "CERTIFICATE", "not a private key"}},
	} {
		t.Run(name, func(t *testing.T) {
			scampSim(t, "", "cache", "make", "--announcepath", tc.description, "--keypath", tc.key, "--certpath", tc.cert).oneLine(t, 2, tc.words...)
		})
	}
}
