package conformance_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/docs/spec"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

var update = flag.Bool("update", false, "rewrite docs/coverage.md")

const coverageFile = "../docs/coverage.md"

// The groups whose server side the suite covers.
var covered = []string{"WIRE-FRAME", "WIRE-MSG", "WIRE-HDR", "WIRE-FLOW", "WIRE-RPC", "WIRE-ERR", "WIRE-TIME", "WIRE-TLS",
	"WIRE-CONN", "WIRE-SVC", "WIRE-ENV", "WIRE-EVT", "WIRE-SAFE"}

// Why a rule that binds a server has no case, or no bug.
var withoutCase = merged(withoutCaseOfServices, map[string]string{
	"WIRE-MSG-08b": "the application of a server cannot be made to abort with a text of the tester's choice; the fixture actions of section 1.5 do not abort",
	"WIRE-RPC-09a": "a server that sends requests declares it, which no profile does so far",
	"WIRE-RPC-09b": "for a server without handlers; a server under test has them",
})

var withoutBug = merged(withoutBugOfServices, map[string]string{
	"WIRE-MSG-08b":  "no case (above)",
	"WIRE-RPC-09b":  "no case (above)",
	"WIRE-SAFE-06a": "memory that is set aside cannot be seen from the other end of a connection; the test of package scamp measures it",
})

func TestCoverage(t *testing.T) {
	cases := goldenCases(t)
	all := bugs.Servers()
	for _, rule := range spec.Rules() {
		if !slices.Contains(covered, rule.Group) || rule.Level != "MUST" || rule.Role == "client" {
			continue
		}
		if len(about(cases, rule.ID)) == 0 && !slices.Contains(conformance.Judged(), rule.ID) && withoutCase[rule.ID] == "" {
			t.Errorf("%s (%s, %s) has no case and no reason", rule.ID, rule.Role, rule.Title)
		}
		if !slices.ContainsFunc(all, func(b bugs.Server) bool { return b.Rule == rule.ID }) && withoutBug[rule.ID] == "" {
			t.Errorf("%s (%s, %s) has no bug and no reason", rule.ID, rule.Role, rule.Title)
		}
	}
	for id := range withoutCase {
		if len(about(cases, id)) > 0 {
			t.Errorf("%s has a case, and a reason for having none", id)
		}
	}
	for id := range withoutBug {
		if slices.ContainsFunc(all, func(b bugs.Server) bool { return b.Rule == id }) {
			t.Errorf("%s has a bug, and a reason for having none", id)
		}
	}
	want := slices.Concat(coverage(cases, all), discoveryCoverage(goldenVectors(t)), clientCoverage(clientCases(t), bugs.Clients()))
	if *update {
		if err := os.WriteFile(coverageFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(coverageFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/coverage.md is not up to date (%v): go test ./conformance -run TestCoverage -update", err)
	}
}

// coverage writes the table of rules, cases and bugs.
func coverage(cases []*conformance.Case, all []bugs.Server) []byte {
	var b bytes.Buffer
	b.WriteString(`# Coverage

Made from the specification's index, the golden cases and vectors, and the wrong servers of ` + "`sim/bugs`" + `
(` + "`go test ./conformance -run TestCoverage -update`" + `); a test fails when it is not up to date.

The groups of connections, WIRE, have [cases](../golden/README.md) and bugs. The test fails when a MUST has neither a case
nor a reason, or neither a bug nor a reason. That every bug is caught by a case of its rule is another test
(` + "`TestMutantsAreCaught`" + `). Rules that bind clients only come with the requester's cases. *Every packet* says that the
rule is judged on all that the subject sends in any case.

The groups of discovery, DISC, have [vectors](../golden/README.md#vectors), of which the first few are named, and tests of
the library. The test fails when a MUST has neither of them and no reason, and when it has both a reason and one of them.
Tests that need multicast, or a host with two networks, are skipped where there is none. Routing has cases for clients,
below; peering and the gateway have nothing yet.
`)
	for _, group := range covered {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | level | role | cases | bugs |\n|---|---|---|---|---|\n", group)
		for _, rule := range spec.Rules() {
			if rule.Group != group || rule.Role == "client" {
				continue
			}
			fmt.Fprintf(&b, "| %s<br>%s | %s | %s | %s | %s |\n", rule.ID, rule.Title, rule.Level, rule.Role, caseCell(rule.ID, cases), bugCell(rule.ID, all))
		}
	}
	return b.Bytes()
}

func caseCell(rule string, cases []*conformance.Case) string {
	var cells []string
	if slices.Contains(conformance.Judged(), rule) {
		cells = append(cells, "*every packet*")
	}
	for _, c := range about(cases, rule) {
		cells = append(cells, fmt.Sprintf("[%s](../golden/%s.case)", c.Name[strings.LastIndexByte(c.Name, '/')+1:], c.Name))
	}
	if len(cells) == 0 {
		return withoutCase[rule]
	}
	return strings.Join(cells, "<br>")
}

func bugCell(rule string, all []bugs.Server) string {
	var cells []string
	for _, bug := range all {
		if bug.Rule == rule {
			cells = append(cells, "`"+bug.Name+"`")
		}
	}
	if len(cells) == 0 {
		return withoutBug[rule]
	}
	return strings.Join(cells, "<br>")
}
