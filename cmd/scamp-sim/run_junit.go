package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

type junitSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Suite    junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a report as JUnit XML: a case for each seed.
func writeJUnit(w io.Writer, report *scenario.Report, replay func(uint64) string) error {
	suite := junitSuite{Name: xmlText(report.Scenario), Tests: report.Seeds, Failures: len(report.Failed)}
	for _, r := range report.Runs {
		c := junitCase{Class: suite.Name, Name: fmt.Sprintf("seed %d", r.Seed)}
		if !r.OK {
			c.Failure = &junitFailure{xmlText(r.Failures[0]), xmlText(strings.Join(r.Failures, "\n") + "\nreplay: " + replay(r.Seed))}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	all := junitSuites{Name: "scamp-sim run", Tests: suite.Tests, Failures: suite.Failures, Suite: suite}
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// xmlText leaves out what XML cannot carry.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return '.'
		}
		return r
	}, s)
}
