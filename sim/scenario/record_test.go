package scenario

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim"
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

// TestRecordOfViolations: a record has the last packets at the first violation on a
// connection, and of three connections at most.
func TestRecordOfViolations(t *testing.T) {
	o := Outcome{Result: &sim.Result{}}
	for i := range 20 {
		v := sim.Violation{What: "x", Packets: []sim.Packet{{Type: "ACK"}}}
		if i > 0 {
			v.Connection = sim.ConnectionID{Requester: "web", Instance: "shop-1", Number: uint64(i/2)*2 + 1}
		} else {
			v.Packets = nil
		}
		o.Violations = append(o.Violations, v)
	}
	var with []int
	for i, b := range o.Record().Violations {
		if b.Packets != nil {
			with = append(with, i)
		}
		if (b.Connection != nil) != (i > 0) {
			t.Errorf("violation %d was seen on %v", i, b.Connection)
		}
	}
	if !slices.Equal(with, []int{1, 2, 4}) {
		t.Errorf("violations %v have packets", with)
	}
}
