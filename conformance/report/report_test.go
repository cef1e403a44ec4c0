package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/conformance"
)

var update = flag.Bool("update", false, "rewrite the files of testdata")

// everything is a report in which everything occurs that a report can have.
func everything() *conformance.Report {
	script := []string{"    5  request 0 echo {}", "    6  request 1 echo {}", "    7  request 2 echo {}", "    8  request 3 echo {}", "    9  request 4 echo {}",
		"   10  request 5 echo {}", "   11  request 6 echo {}", "   12  expect echo 1", ">  13  expect echo 2", "   14  expect echo 3", "   15  expect echo 4"}
	return &conformance.Report{
		Took: 1234567 * time.Microsecond,
		Died: []string{"wire-safe/odd-headers", "wire-safe/odd-types"},
		Results: []conformance.Result{
			{Name: "wire-frame/bare-lf", Rules: []string{"WIRE-FRAME-04a", "WIRE-FRAME-04b"}, Level: "MUST", Title: "The line of a HEADER ends in a bare LF.", Verdict: conformance.Pass, Took: 12 * time.Millisecond},
			{Name: "wire-frame/line-over-80", Rules: []string{"WIRE-FRAME-05b"}, Level: "MUST", Title: "A complete DATA packet has a line of more than 80 octets.", Verdict: conformance.Fail, Took: time.Second,
				Failures: []conformance.Failure{
					{Case: "wire-frame/line-over-80", Variant: `zeros = repeat("0", 71)`, Line: 13, Script: script, Reason: "the connection is still open after 5s",
						Packets: []string{"      0s -- connected", "      0s C> EOF 0 0", `     1ms S> HEADER 0 31  {"type":"reply","request_id":1}`}},
					{Case: "wire-frame/line-over-80", Variant: `zeros = repeat("0", 72)`, Reason: "a body with <angles> & \"quotes\" and ]]>"},
				}},
			{Name: "wire-hdr/no-type", Rules: []string{"WIRE-HDR-08a"}, Level: "MUST", Title: "A message without type is read to its end.", Verdict: conformance.Dialect, Notes: []string{"untyped messages are executed", "and more"}},
			{Name: "wire-rpc/slow-then-echo", Rules: []string{"WIRE-RPC-04b"}, Level: "MAY", Title: "A slow request and a quick one.", Verdict: conformance.Unsupported, Notes: []string{"the subject does not offer Conformance.slow"}},
			{Name: "wire-rpc/ten-in-progress", Rules: []string{"WIRE-RPC-05a"}, Level: "MUST", Title: "Ten slow requests.", Verdict: conformance.Unsupported, Notes: []string{"the subject does not offer Conformance.slow"}},
			{Name: "wire-rpc/a", Rules: []string{"WIRE-RPC-05a"}, Level: "MUST", Title: "A.", Verdict: conformance.Unsupported, Notes: []string{"the subject does not offer Conformance.slow"}},
			{Name: "wire-rpc/b", Rules: []string{"WIRE-RPC-05a"}, Level: "MUST", Title: "B.", Verdict: conformance.Unsupported, Notes: []string{"the subject does not offer Conformance.slow"}},
			{Name: "wire-rpc/c", Rules: []string{"WIRE-RPC-05a"}, Level: "MUST", Title: "C.", Verdict: conformance.Unsupported},
			{Name: "mine", Rules: []string{"WIRE-RPC-06a"}, Level: "MUST", Title: "A case without a directory.", Verdict: conformance.Errored,
				Failures: []conformance.Failure{{Case: "mine", Line: 5, Reason: "$x has not been set"}}},
			{Name: "every-packet/WIRE-MSG-05a", Rules: []string{"WIRE-MSG-05a"}, Level: "MUST", Title: "EOF is empty", Verdict: conformance.Fail,
				Failures: []conformance.Failure{{Case: "wire-msg/eof-is-empty", Reason: `EOF 0 has a body: "\x00\x1b[31m"`, Packets: []string{"     1ms S> EOF 0 6  \x00\x1b[31m\xff\u2028"}}}},
			{Name: "every-packet/WIRE-NONE-01", Rules: []string{"WIRE-NONE-01"}, Level: "", Title: "\x00\x08 no such rule\uFFFE", Verdict: conformance.Fail},
			{Name: "every-packet/WIRE-FLOW-05a", Rules: []string{"WIRE-FLOW-05a"}, Level: "SHOULD", Title: "The window is 65536 octets", Verdict: conformance.Dialect, Notes: []string{"another window\x00\x0b"}},
		},
	}
}

// good is a report of a subject that conforms.
func good() *conformance.Report {
	return &conformance.Report{Took: 5 * time.Millisecond, Results: []conformance.Result{
		{Name: "wire-frame/bare-lf", Rules: []string{"WIRE-FRAME-04a"}, Level: "MUST", Title: "The line of a HEADER ends in a bare LF.", Verdict: conformance.Pass},
	}}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what is written now (%v; go test -update rewrites it):\n%s", file, err, got)
	}
}

func TestTerminal(t *testing.T) {
	for name, tc := range map[string]struct {
		report *conformance.Report
		style  Style
	}{
		"terminal.txt":         {everything(), Style{}},
		"terminal-verbose.txt": {everything(), Style{Verbose: true}},
		"terminal-strict.txt":  {everything(), Style{Strict: true}},
		"terminal-color.txt":   {everything(), Style{Color: true, Verbose: true}},
		"terminal-good.txt":    {good(), Style{}},
		"terminal-empty.txt":   {&conformance.Report{}, Style{}},
	} {
		var b bytes.Buffer
		Terminal(&b, tc.report, tc.style)
		golden(t, name, b.Bytes())
		if !tc.style.Color && bytes.Contains(b.Bytes(), []byte("\x1b[1")) {
			t.Errorf("%s has colours", name)
		}
	}
}

// A person finds in the report what failed, why, and with which packets; and what did not fail in few words.
func TestTerminalTells(t *testing.T) {
	var b bytes.Buffer
	Terminal(&b, everything(), Style{})
	text := b.String()
	for _, want := range []string{
		"FAIL  wire-frame/line-over-80\n      WIRE-FRAME-05b MUST: Lines over 80 octets are rejected\n      A complete DATA packet",
		"with zeros = repeat(\"0\", 71):\n",
		">  13  expect echo 2\n         14  expect echo 3\n      → the connection is still open after 5s\n",
		"ERROR  mine\n", "in wire-msg/eof-is-empty:\n", "no rule of the specification",
		"wire-hdr/no-type                              WIRE-HDR-08a    untyped messages are executed; and more\n",
		"the subject does not offer Conformance.slow: wire-rpc/slow-then-echo wire-rpc/ten-in-progress wire-rpc/a and 1 more\n",
		"no reason: wire-rpc/c\n",
		"the subject stopped serving in wire-safe/odd-headers, wire-safe/odd-types\n",
		"rules broken: 3\n", "3 passed, 3 failed, 5 skipped (2 dialects), 1 errors of the suite in 1.23s\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say\n%s", want)
		}
	}
	for _, not := range []string{"wire-frame/bare-lf", "   15  expect echo 4", "    6  request 1 echo"} {
		if strings.Contains(text, not) {
			t.Errorf("it says %s", not)
		}
	}
	b.Reset()
	if Terminal(&b, everything(), Style{Strict: true}); !strings.Contains(b.String(), "1 passed, 5 failed, 5 skipped (2 dialects)") || !strings.Contains(b.String(), "since the run is strict") {
		t.Errorf("strict: %s", b.String())
	}
}

func TestJSON(t *testing.T) {
	for name, report := range map[string]*conformance.Report{"report.json": everything(), "good.json": good(), "empty.json": {}} {
		var b bytes.Buffer
		if err := JSON(&b, report, Run{Subject: "127.0.0.1:30100", Version: "v1", Strict: name == "good.json"}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		var back struct {
			Format  int
			Strict  bool
			Summary map[string]int
			Broken  []string
			Results []struct{ Name, Verdict string }
		}
		if err := json.Unmarshal(b.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		if back.Format != 1 || len(back.Results) != len(report.Results) || back.Broken == nil || back.Results == nil || len(back.Summary) != 5 {
			t.Errorf("%s: %+v", name, back)
		}
		sum := 0
		for _, n := range back.Summary {
			sum += n
		}
		if sum != len(report.Results) {
			t.Errorf("%s: the summary has %d results", name, sum)
		}
	}
}

// JUnit XML is well-formed whatever is in it, and its numbers are right.
func TestJUnit(t *testing.T) {
	for name, tc := range map[string]struct {
		report                           *conformance.Report
		strict                           bool
		tests, failures, errors, skipped int
	}{
		"junit.xml":        {everything(), false, 12, 3, 1, 5},
		"junit-strict.xml": {everything(), true, 12, 5, 1, 5},
		"junit-good.xml":   {good(), false, 1, 0, 0, 0},
		"junit-empty.xml":  {&conformance.Report{}, false, 0, 0, 0, 0},
	} {
		var b bytes.Buffer
		if err := JUnit(&b, tc.report, Run{Subject: "127.0.0.1:30100 <&>", Version: "v1", Strict: tc.strict}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		var back testsuites
		d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
		if err := d.Decode(&back); err != nil {
			t.Errorf("%s is not well-formed: %v", name, err)
			continue
		}
		if _, err := d.Token(); err != io.EOF && err == nil { // the line end behind it
			if _, err = d.Token(); err != io.EOF {
				t.Errorf("%s goes on behind its end: %v", name, err)
			}
		}
		sums := [4]int{}
		for _, s := range back.Suites {
			if s.Tests != len(s.Cases) {
				t.Errorf("%s: %s has %d cases and says %d", name, s.Name, len(s.Cases), s.Tests)
			}
			sums[0] += s.Tests
			sums[1] += s.Failures
			sums[2] += s.Errors
			sums[3] += s.Skipped
		}
		want := [4]int{tc.tests, tc.failures, tc.errors, tc.skipped}
		if got := [4]int{back.Tests, back.Failures, back.Errors, back.Skipped}; got != want || sums != want {
			t.Errorf("%s: %v and in its suites %v, want %v", name, got, sums, want)
		}
		for _, r := range b.String() {
			if r < ' ' && r != '\n' && r != '\t' || r == '\uFFFE' || r == '\uFFFF' {
				t.Errorf("%s has the character %U, which XML cannot carry", name, r)
			}
		}
	}
}

// A place that takes nothing is an error, not a panic.
func TestWriteErrors(t *testing.T) {
	for n := range 3 {
		w := &full{room: n * 10}
		if err := JUnit(w, everything(), Run{}); !errors.Is(err, errFull) {
			t.Errorf("JUnit: %v", err)
		}
		if err := JSON(&full{room: n * 10}, everything(), Run{}); !errors.Is(err, errFull) {
			t.Errorf("JSON: %v", err)
		}
	}
	var b bytes.Buffer
	JUnit(&b, good(), Run{})
	if err := JUnit(&full{room: b.Len() - 1}, good(), Run{}); !errors.Is(err, errFull) {
		t.Errorf("the last octet: %v", err)
	}
}

var errFull = errors.New("no room")

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// No text makes JUnit write XML that cannot be read.
func FuzzJUnit(f *testing.F) {
	f.Add("a\x00b", "]]>", "\xff\ufffe\u2028")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		r := &conformance.Report{Results: []conformance.Result{
			{Name: a + "/" + b, Rules: []string{c}, Title: a, Verdict: conformance.Fail, Failures: []conformance.Failure{{Case: b, Variant: c, Reason: a, Script: []string{b}, Packets: []string{c}}}},
			{Name: b, Rules: []string{a}, Title: c, Verdict: conformance.Dialect, Notes: []string{a, b, c}},
			{Name: c, Rules: []string{a}, Title: b, Verdict: conformance.Unsupported, Notes: []string{a}},
		}}
		var out bytes.Buffer
		if err := JUnit(&out, r, Run{Subject: a}); err != nil {
			t.Fatal(err)
		}
		var back testsuites
		if err := xml.Unmarshal(out.Bytes(), &back); err != nil {
			t.Fatalf("%v:\n%q", err, out.Bytes())
		}
	})
}
