package scenario

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

// TestScenarioPacketFaults: every kind of packet fault is met, does what it says, and
// ends.
func TestScenarioPacketFaults(t *testing.T) {
	for fault, expect := range map[string]string{
		"slow_acks: [web, shop], from: service, delay: 500ms":                                                                  "p50 from 10s to 14s > 480ms",
		"slow_acks: [shop, web], withhold: 100%":                                                                               "timed out from 10s to 13s >= 90%",
		"packets: [web, shop], from: service, type: HEADER, delay: between 300ms and 500ms":                                    "p50 from 10s to 14s > 290ms",
		"packets: [web, shop-1], from: requester, type: [EOF, TXERR], drop: true":                                              "timed out from 10s to 13s > 20%",
		"packets: [web, shop], type: DATA, from: service, share: 50%, flip: 1":                                                 "poisoned from 10s to 15s > 10%",
		"packets: [web, shop], type: DATA, from: service, truncate: 0":                                                         "poisoned from 10s to 14s == 100%",
		"packets: [web, shop], header: type=reply, type: DATA, replace: '{}'":                                                  "poisoned from 10s to 14s == 100%",
		"packets: [web, shop], action: Shop.get, type: DATA, from: service, duplicate: 1":                                      "poisoned from 10s to 14s > 0%",
		`packets: [web, shop], from: service, type: HEADER, substitute: ['"reply"', '"no"']`:                                   "timed out from 10s to 13s == 100%",
		"packets: [web, shop], from: service, type: EOF, inject_before: DATA = x":                                              "poisoned from 10s to 14s == 100%",
		"packets: [web, shop], from: service, type: EOF, inject_after: EOF =":                                                  "lost from 10s to 15s >= 0%",
		"packets: [web, shop], from: service, type: DATA, reorder: true":                                                       "errors from 10s to 14s > 90%",
		"packets: [web, shop], type: DATA, throttle: 200KiB/s":                                                                 "p50 from 11s to 14s > 300ms",
		"packets: [web, shop], from: service, type: HEADER, hold: true":                                                        "p50 from 10s to 13s > 2s",
		"packets: [web, shop], from: service, type: HEADER, nth: 3, close: before":                                             "lost from 10s to 15s > 0%",
		"packets: [web, shop], from: requester, number: 0, type: DATA, most: 1, drop: true}\n  - {at: 11s, reset: [web, shop]": "errors from 11s to 14s > 0%",
	} {
		text := "duration: 30s\n" + strings.Replace(small, "name: Shop.get\n", "{name: Shop.get, reply: 20KiB, timeout: 1s}\n", 1) +
			"faults:\n  - {at: 10s, for: 5s, " + fault + "}\nexpect:\n  - success to 8s == 100%\n  - " + expect + "\n  - success from 22s == 100%\n"
		text = strings.Replace(text, "rate: 5", "rate: 5, body: 20KiB", 1)
		if strings.Contains(fault, "throttle") || strings.Contains(fault, "slow_acks") {
			text = strings.ReplaceAll(text, "20KiB", "100KiB")
		}
		if f := outcome(t, text, Options{Seed: 1}).Failures(); len(f) > 0 {
			t.Errorf("%s: %v", fault, f)
		}
	}
}

func TestScenarioPacketFaultMistakes(t *testing.T) {
	for fault, want := range map[string]string{
		"packets: [web, shop]":                                 "x.yaml:11:14: packets needs what is done to them: substitute, flip",
		"packets: [shop-1, shop-2], drop: true":                "packets: one of the two is a service or an instance, and the other one calls it",
		"packets: [web, web], drop: true":                      "one of the two is a service",
		"packets: web, drop: true":                             "two names should be here",
		"packets: [web, nowhere], drop: true":                  `nothing is called "nowhere"`,
		"packets: [web, shop], type: ACKS, drop: true":         `x.yaml:11:42: there are no packets of type "ACKS"; did you mean "ACK"`,
		"packets: [web, shop], drop: false":                    "drop: false is as if it were left out",
		"packets: [web, shop], share: 0, drop: true":           "share: a fault of nothing cannot be met",
		"packets: [web, shop], from: client, drop: true":       `from: there is no "client"`,
		"packets: [web, shop], delay: 2":                       "2 has no unit",
		"packets: [web, shop], close: never":                   `there is no "never"`,
		"packets: [web, shop], header: busy, drop: true":       "is no member of a header",
		"packets: [web, shop], action: Shop.get~x, drop: true": "the version of Shop.get~x is no number",
		"packets: [web, shop], action: Shop.gte, drop: true":   `no service offers Shop.gte; did you mean "Shop.get"?`,
		"packets: [web, shop], action: Shop.get~2, drop: true": "no service offers Shop.get~2",
		"packets: [web, shop], inject_after: HELLO 1":          "is no packet: begin with one of HEADER",
		"packets: [web, shop], inject_after: PING x":           "behind PING stands the number",
		"packets: [web, shop], nth: 0, drop: true":             "not a whole number from 1",
		"packets: [web, shop], throttle: 0, from: service":     "throttle: a fault of nothing",
		"packets: [web, shop], substitute: [a], from: service": "two names should be here",
		"slow_acks: [web, shop]":                               "x.yaml:11:14: slow_acks needs delay, or withhold, or both",
		"slow_acks: [web, shop], delay: 1s, drop: true":        "drop does not go with slow_acks",
		"kill: shop-1, delay: 1s":                              "delay does not go with kill",
	} {
		_, err := Parse("x.yaml", []byte(small+"faults:\n  - {at: 1s, "+fault+"}\n"))
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s:\n  %v\n  it should say %s", fault, err, want)
		}
	}
}

// TestScenarioPacketFaultNeverMet: a packet fault that meets nothing is a mistake.
func TestScenarioPacketFaultNeverMet(t *testing.T) {
	for _, fault := range []string{"packets: [web, shop], type: TXERR, drop: true", "packets: [web, shop], header: error_code=never, drop: true", "slow_acks: [web, shop], from: service, delay: 1s"} {
		out := outcome(t, "duration: 20s\n"+small+"faults:\n  - {at: 10s, name: idle, "+fault+"}\n", Options{Seed: 1})
		if f := fmt.Sprint(out.Failures()); fault[0] == 'p' && f != `[the fault "idle" was never met]` {
			t.Errorf("%s: %s", fault, f)
		}
	}
}

func TestScenarioPacketFaultNames(t *testing.T) {
	s := parse(t, small+`faults:
  - {at: 1s, packets: [web, shop], from: service, type: [DATA, EOF], delay: 1s}
  - {at: 1s, packets: [web, shop], type: EOF, close: within}
  - {at: 1s, slow_acks: [web, shop], delay: 1s}
`)
	for i, want := range []string{"packets web and shop from the service DATA EOF delay at 1s", "packets web and shop EOF close within at 1s", "slow_acks web and shop at 1s"} {
		if s.faults[i].name != want {
			t.Errorf("%s, not %s", s.faults[i].name, want)
		}
	}
}

// TestScenarioPacketFaultsShrink: what a packet fault does not need goes from it.
func TestScenarioPacketFaultsShrink(t *testing.T) {
	text := "duration: 20s\n" + strings.Replace(small, "rate: 5", "rate: 5, body: 100KiB", 1) + `faults:
  - {at: 2s, for: 5s, slow_acks: [web, shop], delay: 10ms}
  - {at: 5s, for: 5s, packets: [web, shop], from: service, type: DATA, share: 50%, flip: 1, delay: 20ms}
expect:
  - no poisoned
`
	s, err := Shrink(t.Context(), "x.yaml", []byte(text), Options{Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.Failure, "expected no poisoned") {
		t.Errorf("it fails with %q", s.Failure)
	}
	if text := string(s.Text); strings.Contains(text, "slow_acks") || strings.Contains(text, "delay") || !strings.Contains(text, "flip") {
		t.Error(text)
	}
}

// TestLivePacketFaults: a packet fault can be added and removed while connections exist,
// in real time.
func TestLivePacketFaults(t *testing.T) {
	playLive(t, strings.ReplaceAll(liveShop, "Shop.get, latency: 1ms", "Shop.get, latency: 1ms, reply: 1KiB"), 0, func(l *Live, happens func(string)) {
		ended := func(kind string) { // calls of the world, until one ends so
			t.Helper()
			for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); {
				numbers := l.World().Snapshot()
				for _, a := range numbers.Actions {
					if a.Kinds[sim.Kind(kind)] > 0 {
						return
					}
				}
				runtime.Gosched()
			}
			t.Errorf("no call was %s", kind)
		}
		ended("ok")
		for _, text := range []string{
			"{name: x, packets: [web, shop], from: service, type: DATA, flip: 1}", "{name: x, packets: [web, shop], type: EOF, close: before}",
		} {
			if _, err := l.AddFault([]byte(text)); err != nil {
				t.Fatal(err)
			}
			happens("x begins")
			ended(map[bool]string{true: "poisoned", false: "lost"}[strings.Contains(text, "flip")])
			if f, _ := l.Fault("x"); f.Hits == 0 {
				t.Errorf("%+v", f)
			}
			if f, err := l.EndFault("x"); err != nil || f.Hits == 0 {
				t.Errorf("%+v, %v", f, err)
			}
			happens("x is over")
		}
	})
}
