package scenario

import (
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

func TestScenarioQuantities(t *testing.T) {
	for text, want := range map[string]sim.Dist{
		"20ms":                 sim.Exactly(20 * time.Millisecond),
		"0":                    {},
		"exactly 5s":           sim.Exactly(5 * time.Second),
		"around 20ms":          sim.Around(20 * time.Millisecond),
		"between 1ms and 1m5s": sim.Between(time.Millisecond, 65*time.Second),
		"heavy 10ms":           {Shape: sim.Heavy, Mean: 1e7},
	} {
		if d, err := parseTimes(text); err != nil || d != want {
			t.Errorf("%s: %+v, %v", text, d, err)
		}
	}
	for text, want := range map[string]sim.Dist{
		"1500":                  sim.Octets(1500),
		"exactly 1.5KiB":        sim.Octets(1536),
		"around 2 kB":           {Shape: sim.Exponential, Mean: 2000},
		"between 0 and 64KiB":   sim.OctetsBetween(0, 65536),
		"between 1B and 0.5MiB": sim.OctetsBetween(1, 524288),
	} {
		if d, err := parseSizes(text); err != nil || d != want {
			t.Errorf("%s: %+v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "5", "around", "between 1ms", "between 2ms and 1ms", "nearly 5ms", "-1ms", "heavy 900h", "around 5 apples", "NaNs", "9999999h"} {
		if d, err := parseTimes(text); err == nil {
			t.Errorf("%q is %+v", text, d)
		}
	}
	for _, text := range []string{"", "-5", "5 apples", "1TiB", "NaN", "InfKiB", "between 0 and 1GiB", "around 10MiB"} {
		if d, err := parseSizes(text); err == nil {
			t.Errorf("%q is %+v", text, d)
		}
	}
	for text, want := range map[string]float64{"5%": 0.05, "0.25": 0.25, "100%": 1, "99.9 %": 0.9990000000000001} {
		if f, err := parseShare(text); err != nil || f < want-1e-9 || f > want+1e-9 {
			t.Errorf("%s: %v, %v", text, f, err)
		}
	}
	for _, text := range []string{"", "101%", "-1%", "2", "NaN", "x%"} {
		if f, err := parseShare(text); err == nil {
			t.Errorf("%q is %v", text, f)
		}
	}
}
