package conformance_test

import (
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// builtInClient makes a fresh built-in requester.
func builtInClient(w calling.World) calling.Client { return reference.NewClient(w) }

func clientCases(t *testing.T) []*conformance.Case {
	t.Helper()
	return conformance.Playing(allCases(t), "client")
}

// The built-in requester is accused of nothing, not even of a dialect.
func TestTheReferenceClientConforms(t *testing.T) {
	report, err := conformance.Run(t.Context(), conformance.ClientValue(builtInClient), clientCases(t), conformance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Verdict != conformance.Pass {
			t.Errorf("%s %s: %s %v\n%s", r.Verdict, r.Name, r.Rules[0], r.Notes, r.Text())
		}
	}
	t.Logf("%d results in %v", len(report.Results), report.Took)
}
