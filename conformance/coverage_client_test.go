package conformance_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/docs/spec"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// The groups whose client side the suite covers.
var coveredOfClients = []string{
	"WIRE-FRAME", "WIRE-MSG", "WIRE-HDR", "WIRE-FLOW", "WIRE-RPC", "WIRE-ERR", "WIRE-TIME", "WIRE-TLS", "WIRE-CONN", "WIRE-SVC", "WIRE-ENV",
	"WIRE-EVT", "WIRE-SAFE", "DISC-CCH", "DISC-AUT", "DISC-RTE",
}

// The roles of the specification that a client plays.
var rolesOfClients = []string{"client", "requester", "sender", "receiver", "both", "all"}

// Why a rule that binds a client has no case, or no bug.
var withoutClientCase = map[string]string{
	"WIRE-MSG-08b": "an application cannot give a call up with a text of the tester's choice",
	"WIRE-HDR-15a": "`client_id` stands in requests, which a client does not receive",
	"WIRE-HDR-15b": "`client_id` stands in requests, which a client does not receive",
	"WIRE-TLS-02d": "a call goes to an announced instance; it is not made to a bare address",
	"WIRE-TLS-04c": "a client does not declare that it has old suites",
	"WIRE-TLS-05":  "connections are in memory, where no packet is delayed",
}

var withoutClientBug = map[string]string{
	"WIRE-MSG-08b":  "no case (above)",
	"WIRE-HDR-15a":  "no case (above)",
	"WIRE-HDR-15b":  "no case (above)",
	"WIRE-TLS-02d":  "no case (above)",
	"WIRE-SAFE-06a": "memory that is set aside cannot be seen from the other end of a connection; the test of package scamp measures it",
}

// bindsClients reports whether a rule is one that clients are tried on.
func bindsClients(rule spec.Rule) bool {
	role := slices.Contains(rolesOfClients, rule.Role) || rule.ID == "DISC-CCH-11" // of readers, and calls show it
	return slices.Contains(coveredOfClients, rule.Group) && role
}

// whyNoClientCase is the reason for a rule to have no case for clients.
func whyNoClientCase(rule spec.Rule) string {
	if why := withoutClientCase[rule.ID]; why != "" || rule.Group != "DISC-AUT" {
		return why
	}
	return "vectors, above" // they ask the list itself
}

// whyNoClientBug is the reason for a rule to have no wrong client.
func whyNoClientBug(rule spec.Rule, cases []*conformance.Case) string {
	if why := withoutClientBug[rule.ID]; why != "" || rule.Group != "DISC-AUT" || len(about(cases, rule.ID)) > 0 {
		return why
	}
	return "vectors, above"
}

func TestClientCoverage(t *testing.T) {
	cases, all := clientCases(t), bugs.Clients()
	hasBug := func(id string) bool {
		return slices.ContainsFunc(all, func(b bugs.Client) bool { return b.Rule == id })
	}
	for _, rule := range spec.Rules() {
		if !bindsClients(rule) || rule.Level != "MUST" || rule.Profile != "core" {
			continue
		}
		if len(about(cases, rule.ID)) == 0 && !slices.Contains(conformance.JudgedOfClients(), rule.ID) && whyNoClientCase(rule) == "" {
			t.Errorf("%s (%s, %s) has no case for clients and no reason", rule.ID, rule.Role, rule.Title)
		}
		if !hasBug(rule.ID) && whyNoClientBug(rule, cases) == "" {
			t.Errorf("%s (%s, %s) has no wrong client and no reason", rule.ID, rule.Role, rule.Title)
		}
	}
	for id := range withoutClientCase {
		if len(about(cases, id)) > 0 {
			t.Errorf("%s has a case, and a reason for having none", id)
		}
	}
	for id := range withoutClientBug {
		if hasBug(id) {
			t.Errorf("%s has a wrong client, and a reason for having none", id)
		}
	}
}

// clientCoverage writes the table of rules, cases and wrong clients.
func clientCoverage(cases []*conformance.Case, all []bugs.Client) []byte {
	var b bytes.Buffer
	b.WriteString(`
# Clients

The rules that bind a client, with the cases in which the subject is one and the wrong clients of ` + "`sim/bugs`" + `. The same
holds for them: a MUST of these groups has a case and a bug, or a reason.
`)
	for _, group := range coveredOfClients {
		fmt.Fprintf(&b, "\n## %s, clients\n\n| rule | level | role | cases | bugs |\n|---|---|---|---|---|\n", group)
		for _, rule := range spec.Rules() {
			if rule.Group != group || !bindsClients(rule) {
				continue
			}
			fmt.Fprintf(&b, "| %s<br>%s | %s | %s | %s | %s |\n", rule.ID, rule.Title, rule.Level, rule.Role,
				clientCaseCell(rule, cases), clientBugCell(rule, cases, all))
		}
	}
	return b.Bytes()
}

func clientCaseCell(rule spec.Rule, cases []*conformance.Case) string {
	var cells []string
	if slices.Contains(conformance.JudgedOfClients(), rule.ID) {
		cells = append(cells, "*every packet*")
	}
	for _, c := range about(cases, rule.ID) {
		cells = append(cells, fmt.Sprintf("[%s](../golden/%s.case)", c.Name[strings.LastIndexByte(c.Name, '/')+1:], c.Name))
	}
	switch {
	case len(cells) > 0:
		return strings.Join(cells, "<br>")
	case withoutClientCase[rule.ID] == "" && rule.Profile != "core":
		return "profile " + rule.Profile
	}
	return whyNoClientCase(rule)
}

func clientBugCell(rule spec.Rule, cases []*conformance.Case, all []bugs.Client) string {
	var cells []string
	for _, bug := range all {
		if bug.Rule == rule.ID {
			cells = append(cells, "`"+bug.Name+"`")
		}
	}
	if len(cells) == 0 {
		return whyNoClientBug(rule, cases)
	}
	return strings.Join(cells, "<br>")
}
