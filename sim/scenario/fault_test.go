package scenario

import (
	"fmt"
	"strings"
	"testing"
)

func TestScenarioFaultMistakes(t *testing.T) {
	for fault, want := range map[string]string{
		"at: 1s":                                           "x.yaml:11:5: the fault says not what happens; it is one of cache, clock, crash",
		"kill: shop-1":                                     "a fault has no at",
		"at: 1s, kill: shop-1, crash: shop-2":              "does several things: crash, kill",
		"at: 1s, kill: shop-3":                             `x.yaml:11:20: nothing is called "shop-3"; did you mean "shop`,
		"at: 1s, kill: web":                                "web is a requester; a service or one of its instances should be here",
		"at: 1s, cache: stale, of: shop":                   "shop is a service; a requester should be here",
		"at: 1s, cache: bad":                               `x.yaml:11:21: cache: there is no "bad"`,
		"at: 1s, cache: lag":                               "cache: lag, and no other, needs by",
		"at: 1s, cache: stale, by: 2s":                     "x.yaml:11:28: cache: lag, and no other, needs by",
		"at: 1s, cache: split":                             "needs knows",
		"at: 1s, kill: shop-1, times: 2":                   "x.yaml:11:28: times does not go with kill",
		"at: 1s, slow: shop-1":                             "slow needs times",
		"at: 1s, slow: shop-1, times: 0":                   "is not a number above 0",
		"at: 1s, for: 0, kill: shop-1":                     "cannot be met",
		"at: 2m, kill: shop-1":                             "at 2m0s the run has ended, after 1m0s",
		"at: 1s, partition: [web, nowhere]":                `nothing is called "nowhere"`,
		"at: 1s, partition: web":                           "two names should be here",
		"at: 1s, kill: [shop, shop-1]":                     "something is named twice",
		"at: 1s, profile: lan":                             "profile needs between",
		"at: 1s, kill: shop-1}\n  - {at: 1s, kill: shop-1": `x.yaml:12:5: there are two faults called "kill shop-1 at 1s"`,
	} {
		_, err := Parse("x.yaml", []byte(small+"faults:\n  - {"+fault+"}\n"))
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s:\n  %v\n  it should say %s", fault, err, want)
		}
	}
}

func TestScenarioFaultNames(t *testing.T) {
	s := parse(t, small+`faults:
  - {at: 1s, kill: [shop-1, shop-2]}
  - {at: 1500ms, for: 1s, partition: [web, shop], one_way: true}
  - {at: 2s, cache: stale}
  - {at: 2s, cache: torn, of: web, name: torn paper}
`)
	for i, want := range []string{"kill shop-1, shop-2 at 1s", "partition web to shop at 1.5s", "cache stale at 2s", "torn paper"} {
		if s.faults[i].name != want {
			t.Errorf("%s, not %s", s.faults[i].name, want)
		}
	}
}
