package conformance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// The groups whose cases for clients are tried on clients that rules tolerate.
var tolerantGroups = []string{"wire-frame/", "wire-msg/", "wire-hdr/", "wire-flow/", "wire-safe/", "wire-tls/", "wire-rpc/", "wire-err/", "wire-time/", "wire-conn/", "wire-svc/", "wire-env/", "disc-rte/", "disc-cch/", "disc-aut/"}

// What a rule tolerates is called a dialect by a case of that rule, and wrong by none.
func TestToleratedClients(t *testing.T) {
	var cases []*conformance.Case
	for _, c := range clientCases(t) {
		if slices.ContainsFunc(tolerantGroups, func(g string) bool { return strings.HasPrefix(c.Name, g) }) {
			cases = append(cases, c)
		}
	}
	for i, client := range bugs.Tolerated() {
		if conformance.RaceDetector && i%8 != 0 { // each costs ten times as much
			continue
		}
		t.Run(client.Name, func(t *testing.T) {
			report, err := conformance.Run(t.Context(), conformance.ClientValue(client.Start), cases, conformance.Options{Force: true})
			if err != nil {
				t.Fatal(err)
			}
			shown := map[string]bool{}
			for _, r := range report.Results {
				switch r.Verdict {
				case conformance.Fail, conformance.Errored:
					t.Errorf("%s %s: %s", r.Verdict, r.Name, r.Text())
				case conformance.Dialect:
					for _, rule := range r.Rules {
						shown[rule] = true
					}
				}
			}
			for _, rule := range client.Rules {
				if !shown[rule] {
					t.Errorf("no case of %s calls it a dialect", rule)
				}
			}
		})
	}
}
