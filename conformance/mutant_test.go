package conformance_test

import (
	"log/slog"
	"net"
	"slices"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// wrong makes a subject of a wrong server.
func wrong(bug bugs.Server) *conformance.Subject {
	logger := slog.New(slog.DiscardHandler)
	return conformance.ServerValue(func() (func(net.Conn), func()) { return bug.Start(logger) }).
		OverTLS(func() (func(net.Conn), func()) { return bug.StartTLS(logger, fixtures.Certificate("server")) }, fixtures.Fingerprint("server"))
}

// about returns the cases that cite a rule.
func about(cases []*conformance.Case, rule string) (some []*conformance.Case) {
	for _, c := range cases {
		if slices.Contains(c.Rules, rule) {
			some = append(some, c)
		}
	}
	return some
}

// Every wrong server is caught by a case of the very rule that it breaks.
func TestMutantsAreCaught(t *testing.T) {
	cases := goldenCases(t)
	for _, bug := range bugs.Servers() {
		t.Run(bug.Name, func(t *testing.T) {
			report, err := conformance.Run(t.Context(), wrong(bug), about(cases, bug.Rule), conformance.Options{})
			if err != nil {
				t.Fatal(err)
			}
			caught := false
			for _, r := range report.Results {
				if r.Verdict == conformance.Errored {
					t.Errorf("%s: the tester's own fault: %+v", r.Name, r.Failures)
				}
				if r.Verdict == conformance.Fail && slices.Contains(r.Rules, bug.Rule) && r.Name != "every-packet/"+bug.Rule {
					caught = true
				}
			}
			if !caught {
				t.Errorf("no case of %s fails", bug.Rule)
			}
		})
	}
}
