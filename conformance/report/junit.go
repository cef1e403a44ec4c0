package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/conformance"
)

type testsuites struct {
	XMLName  xml.Name    `xml:"testsuites"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Suites   []testsuite `xml:"testsuite"`
}

type testsuite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testcase `xml:"testcase"`
}

type testcase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *problem `xml:"failure,omitempty"`
	Error   *problem `xml:"error,omitempty"`
	Skipped *problem `xml:"skipped,omitempty"`
	Out     string   `xml:"system-out,omitempty"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a report as JUnit XML: one suite per group of rules. A dialect passes with its note as output, unless the
// run is strict.
func JUnit(w io.Writer, r *conformance.Report, run Run) error {
	all := testsuites{Name: "scamp conformance of " + run.Subject, Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	index := map[string]int{}
	seconds := map[string]float64{}
	for i := range r.Results {
		res := &r.Results[i]
		group, name, _ := strings.Cut(res.Name, "/")
		if name == "" {
			group, name = "cases", res.Name
		}
		if _, ok := index[group]; !ok {
			index[group] = len(all.Suites)
			all.Suites = append(all.Suites, testsuite{Name: group})
		}
		s := &all.Suites[index[group]]
		c := testcaseOf(res, group, name, run.Strict)
		s.Cases = append(s.Cases, c)
		s.Tests++
		s.Failures += count(c.Failure)
		s.Errors += count(c.Error)
		s.Skipped += count(c.Skipped)
		seconds[group] += res.Took.Seconds()
		s.Time = fmt.Sprintf("%.3f", seconds[group])
	}
	for _, s := range all.Suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func count(p *problem) int {
	if p == nil {
		return 0
	}
	return 1
}

func testcaseOf(res *conformance.Result, group, name string, strict bool) testcase {
	c := testcase{Class: group, Name: name, Time: fmt.Sprintf("%.3f", res.Took.Seconds())}
	notes := printable(strings.Join(res.Notes, "; "))
	rule := fmt.Sprintf("%s (%s): %s", strings.Join(res.Rules, " "), res.Level, res.Title)
	switch res.Verdict {
	case conformance.Fail:
		c.Failure = problemOf(res, rule)
	case conformance.Errored:
		c.Error = problemOf(res, rule)
	case conformance.Unsupported:
		c.Skipped = &problem{Message: notes}
	case conformance.Dialect:
		if strict {
			c.Failure = &problem{Message: "dialect: " + notes, Text: rule}
		} else {
			c.Out = "dialect: " + notes
		}
	}
	return c
}

func problemOf(res *conformance.Result, rule string) *problem {
	var b strings.Builder
	b.WriteString(rule)
	for _, f := range res.Failures {
		fmt.Fprintf(&b, "\n\n%s %s\n%s\n%s\n%s", f.Case, f.Variant, strings.Join(f.Script, "\n"), f.Reason, strings.Join(f.Packets, "\n"))
	}
	p := &problem{Text: printable(b.String())}
	if len(res.Failures) > 0 {
		p.Message = printable(res.Rules[0] + ": " + res.Failures[0].Reason)
	}
	return p
}

// printable leaves out what XML cannot carry.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' {
			return '.'
		}
		return r
	}, s)
}
