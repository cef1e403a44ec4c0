package scenario

import (
	"fmt"
	"strings"
	"testing"
)

// TestScenarioFaults: every kind of fault is met, does what it says, and ends.
func TestScenarioFaults(t *testing.T) {
	for fault, expect := range map[string]string{
		"for: 5s, kill: shop":                                               "errors from 10s to 15s >= 90%",
		"for: 8s, shutdown: shop":                                           "success from 10s to 15s > 0%",
		"for: 5s, crash: shop":                                              "errors from 10s to 15s > 20%",
		"restart: shop-1":                                                   "success >= 99%",
		"rolling: shop, every: 1s, down: 1s":                                "success == 100%",
		"for: 5s, pause: shop":                                              "p90 from 10s to 15s > 300ms",
		"for: 5s, slow: shop, times: 300":                                   "p50 from 10s to 15s > 200ms",
		"for: 5s, partition: [web, shop]":                                   "p90 from 10s to 15s > 300ms",
		"for: 5s, partition: [shop, web], one_way: true":                    "p90 from 10s to 15s > 300ms",
		"for: 5s, profile: {latency: 1s}, between: [web, shop]":             "p50 from 10s to 14s >= 2s",
		"reset: [web, shop]":                                                "connections == 4",
		"for: 5s, cache: missing":                                           "stale from 10s to 15s == 100%",
		"for: 5s, cache: frozen, of: web":                                   "success == 100%",
		"for: 5s, cache: lag, by: 30s":                                      "success from 15s == 100%",
		"for: 5s, cache: torn, of: web":                                     "success from 15s == 100%",
		"for: 5s, cache: corrupt":                                           "success from 15s == 100%",
		"for: 5s, cache: forged":                                            "not found from 10s to 15s >= 90%",
		"for: 5s, cache: split, knows: shop-2":                              "success == 100%",
		"for: 5s, cache: stale}\n  - {at: 11s, for: 3s, clock: web, by: 3m": "stale from 11s to 14s == 100%",
	} {
		text := "duration: 40s\n" + strings.Replace(small, "name: Shop.get\n", "{name: Shop.get, latency: between 1ms and 2ms, timeout: 1s}\n", 1) +
			"faults:\n  - {at: 10s, " + fault + "}\nexpect:\n  - " + expect + "\n  - success from 33s == 100%\n"
		if f := outcome(t, text, Options{Seed: 1}).Failures(); len(f) > 0 {
			t.Errorf("%s: %v", fault, f)
		}
	}
}

// TestScenarioFaultsNeverMet: a fault that does nothing is a mistake.
func TestScenarioFaultsNeverMet(t *testing.T) {
	quiet := strings.Replace(small, "rate: 5", "rate: 5, until: 2s", 1)
	for _, fault := range []string{
		"start: shop-1", "resume: shop-1", "for: 1s, slow: shop, times: 3", "for: 1s, partition: [web, shop]", "for: 1s, pause: shop",
		"for: 1s, clock: shop-1, by: 5m", "for: 1s, profile: wan, between: [web, shop]", "for: 1ms, partition: [shop-1, shop-2]",
	} {
		out := outcome(t, "duration: 20s\n"+quiet+"faults:\n  - {at: 10s, name: idle, "+fault+"}\n", Options{Seed: 1})
		if f := fmt.Sprint(out.Failures()); f != `[the fault "idle" was never met]` {
			t.Errorf("%s: %s", fault, f)
		}
	}
}
