package conformance_test

import (
	"slices"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// Every wrong client is caught by a case of the very rule that it breaks.
func TestWrongClientsAreCaught(t *testing.T) {
	cases := clientCases(t)
	for _, bug := range bugs.Clients() {
		t.Run(bug.Name, func(t *testing.T) {
			report, err := conformance.Run(t.Context(), conformance.ClientValue(bug.Start), about(cases, bug.Rule), conformance.Options{Force: true})
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

// What wrong clients are made of changes nothing by itself.
func TestTheInnocentClientConforms(t *testing.T) {
	report, err := conformance.Run(t.Context(), conformance.ClientValue(bugs.Innocent().Start), clientCases(t), conformance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Verdict == conformance.Fail || r.Verdict == conformance.Errored {
			t.Errorf("%s %s: %s", r.Verdict, r.Name, r.Text())
		}
	}
}
