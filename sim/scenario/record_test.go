package scenario

import (
	"encoding/json"
	"testing"
	"time"
)

// TestScenarioRecord: a record has nothing that differs from run to run.
func TestScenarioRecord(t *testing.T) {
	text := "duration: 10s\n" + small + "faults:\n  - {at: 1s, for: 1s, kill: shop-1}\nexpect: [calls > 5, no lost, calls < 2]\n"
	var first string
	for range 3 {
		r := outcome(t, text, Options{Seed: 3}).Record()
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(b)
		}
		if string(b) != first {
			t.Errorf("%s\nand\n%s", b, first)
		}
		if r.OK || len(r.Failures) != 1 || r.Calls == 0 || len(r.Expected) != 3 || r.Faults[0].Hits != 1 || r.Actions[0].P99US == 0 ||
			r.VirtualUS < (10*time.Second).Microseconds() {
			t.Errorf("%s", b)
		}
	}
}
