package conformance_test

import (
	"errors"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// Subjects that do nothing cannot be tested, and where the cases are played all the same every required one fails.
func TestNullSubjectsFailEveryRequiredCase(t *testing.T) {
	cases := goldenCases(t)
	for i, null := range bugs.Nulls() {
		if conformance.RaceDetector && i > 0 { // each costs ten times as much
			break
		}
		t.Run(null.Name, func(t *testing.T) {
			subject := conformance.ServerValue(null.Start)
			if _, err := conformance.Run(t.Context(), subject, cases, conformance.Options{}); !errors.Is(err, conformance.ErrNoTest) {
				t.Errorf("it can be tested: %v", err)
			}
			report, err := conformance.Run(t.Context(), subject, cases, conformance.Options{Force: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results[:len(cases)] {
				if r.Level == "MUST" && r.Verdict != conformance.Fail || r.Verdict == conformance.Pass {
					t.Errorf("%s (%s): %s %v", r.Name, r.Level, r.Verdict, r.Notes)
				}
			}
		})
	}
}
