package scenario

import (
	"errors"
	"strings"
	"testing"
)

// TestScenarioShrinks: what has nothing to do with a failure goes.
func TestScenarioShrinks(t *testing.T) {
	text := `about: A wrong server among others.
duration: 20s
link: wan
links:
  - {between: [web, shop-2], profile: {preset: wan, latency: 80ms}}
services:
  - name: shop
    instances: 3
    bug: repeats-acks
    actions:
      - {name: Shop.get, latency: around 20ms, reply: between 0 and 64KiB}
      - {name: Shop.put, latency: heavy 10ms, errors: 5%, refuse: 5%}
  - name: bank
    actions: [{name: Bank.pay, latency: 5ms}]
requesters:
  - name: web
    calls:
      - {action: Shop.get, rate: 5, body: between 0 and 200KiB}
      - {action: Shop.put, workers: 3, think: around 100ms}
  - name: till
    calls: [{action: Bank.pay, rate: 5}]
faults:
  - {at: 5s, for: 3s, kill: shop-1}
  - {at: 10s, for: 2s, partition: [web, shop-2]}
expect:
  - calls > 10
  - success of Bank.pay > 10%
`
	small, err := Shrink(t.Context(), "x.yaml", []byte(text), Options{Seed: 5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"bank", "till", "faults", "link", "expect", "Shop.put", "latency", "instances", "timeout"} {
		if strings.Contains(string(small.Text), gone) {
			t.Errorf("%s is left in\n%s", gone, small.Text)
		}
	}
	if !strings.Contains(small.Failure, "message # is acknowledged to #") || small.Tried < 20 {
		t.Errorf("%+v", small)
	}
	s := parse(t, string(small.Text))
	if s.Seed != 5 || s.Duration > 5e9 || s.About == "" {
		t.Errorf("%s", small.Text)
	}
	if out, err := s.Run(Options{Seed: s.Seed}); err != nil || len(out.Failures()) == 0 {
		t.Errorf("the shrunk scenario does not fail: %v", err)
	}
}

// TestScenarioShrinksNotToMoreCalls: without its pauses a worker whose calls fail at
// once would call for ever.
func TestScenarioShrinksNotToMoreCalls(t *testing.T) {
	text := "duration: 10s\n" + strings.Replace(small, "rate: 5", "workers: 2, think: around 100ms", 1) +
		"faults:\n  - {at: 1s, cache: missing}\nexpect: [success > 90%]\n"
	small, err := Shrink(t.Context(), "x.yaml", []byte(text), Options{Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if small.Outcome.Stats.Calls > 1000 {
		t.Errorf("%d calls of\n%s", small.Outcome.Stats.Calls, small.Text)
	}
}

func TestScenarioThatIsFineDoesNotShrink(t *testing.T) {
	if _, err := Shrink(t.Context(), "x.yaml", []byte("duration: 1s\n"+small), Options{Seed: 1}, nil); !errors.Is(err, ErrDoesNotFail) {
		t.Error(err)
	}
}

// A requester that stops for good at its window breaks a rule, and what has nothing to
// do with that goes.
func TestWrongRequesterShrinks(t *testing.T) {
	text := `duration: 20s
link: wan
services:
  - name: shop
    instances: 2
    actions:
      - {name: Shop.get, latency: around 5ms, reply: between 0 and 100KiB}
      - {name: Shop.put, latency: around 50ms, errors: 10%}
  - name: bank
    actions: [{name: Bank.pay, latency: 5ms}]
requesters:
  - name: web
    bug: never-resumes
    timeout: 20s
    calls:
      - {action: Shop.get, rate: 5, body: between 0 and 200KiB}
      - {action: Shop.put, workers: 2, think: around 1s, body: 2KiB}
  - name: till
    calls: [{action: Bank.pay, rate: 5}]
faults:
  - {at: 5s, for: 3s, kill: shop-1}
`
	small, err := Shrink(t.Context(), "x.yaml", []byte(text), Options{Seed: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"bank", "till", "faults", "link", "Shop.put", "latency", "instances", "reply"} {
		if strings.Contains(string(small.Text), gone) {
			t.Errorf("%s is left in\n%s", gone, small.Text)
		}
	}
	if small.Failure != "web: message # has # octets on their way, and did not go on for # (WIRE-FLOW-#)" || !strings.Contains(string(small.Text), "bug: never-resumes") {
		t.Errorf("%s:\n%s", small.Failure, small.Text)
	}
	v := small.Outcome.Record().Violations[0]
	if v.Connection == nil || v.Connection.Requester != "web" || len(v.Packets) == 0 || v.Packets[len(v.Packets)-1].Type != "TXERR" {
		t.Errorf("%+v", v)
	}
}
