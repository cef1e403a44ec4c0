package conformance

import (
	"strings"
	"testing"
)

// Each rule that requests keep is judged in every case, under its own id.
func TestRequestsAreJudged(t *testing.T) {
	header := func(from, to string) func([]packet) []packet {
		return func(ps []packet) []packet {
			ps[0].body = []byte(strings.Replace(string(ps[0].body), from, to, 1))
			return ps
		}
	}
	for name, tc := range map[string]struct {
		edit    func([]packet) []packet
		rule    string
		verdict Verdict
		why     string
	}{
		"no type":            {header(`"type":"request",`, ``), "WIRE-HDR-07a", Fail, "has no type"},
		"another type":       {header(`"type":"request"`, `"type":"Request"`), "WIRE-HDR-07a", Fail, "has the type"},
		"no action":          {header(`"action":"Conformance.echo",`, ``), "WIRE-HDR-10a", Fail, "has no action"},
		"action not a name":  {header(`"Conformance.echo"`, `"echo"`), "WIRE-HDR-10a", Fail, "has the action"},
		"no version":         {header(`"version":1,`, ``), "WIRE-HDR-10b", Fail, "has no version"},
		"version as text":    {header(`"version":1`, `"version":"1"`), "WIRE-HDR-10b", Fail, "has the version"},
		"no envelope":        {header(`"envelope":"json",`, ``), "WIRE-HDR-10c", Dialect, "without envelope"},
		"empty envelope":     {header(`"json"`, `""`), "WIRE-HDR-10c", Fail, "has the envelope"},
		"no id":              {header(`,"request_id":1`, ``), "WIRE-HDR-10d", Fail, "has no request_id"},
		"id zero":            {header(`"request_id":1`, `"request_id":0`), "WIRE-HDR-10d", Fail, "has the request_id"},
		"id as text":         {header(`"request_id":1`, `"request_id":"1"`), "WIRE-HDR-10d", Dialect, "strings"},
		"ids count from two": {header(`"request_id":1`, `"request_id":2`), "WIRE-RPC-01b", Dialect, "do not count"},
		"null":               {header(`"version":1`, `"version":1,"client_id":null`), "WIRE-HDR-06b", Fail, "null"},
		"an id in use": {func(ps []packet) []packet {
			more := []packet{ps[0], ps[1], ps[2]}
			for i := range more {
				more[i].number = 1
			}
			return append(ps, more...)
		}, "WIRE-RPC-01a", Fail, "which is outstanding"},
		"number one":   {func(ps []packet) []packet { ps[0].number, ps[1].number, ps[2].number = 1, 1, 1; return ps }, "WIRE-MSG-01a", Fail, "HEADER 0 is next"},
		"empty DATA":   {func(ps []packet) []packet { ps[1].body = nil; return ps }, "WIRE-MSG-06a", Fail, "is empty"},
		"no such type": {func(ps []packet) []packet { return append([]packet{{"NOOP", 0, nil}}, ps...) }, "WIRE-FRAME-13a", Fail, "NOOP"},
		"a PING":       {func(ps []packet) []packet { return append(ps, packet{"PING", 0, nil}) }, "WIRE-TIME-08c", Fail, "PING"},
	} {
		t.Run(name, func(t *testing.T) {
			_, everywhere := callerResult(t, toyCaller{edit: tc.edit}, "do call one echo {} timeout 2s\naccept S1\nanything\nexpect failure one\n")
			for _, r := range everywhere {
				if r.Name == "every-packet/"+tc.rule {
					r.wants(t, tc.verdict, tc.why)
					return
				}
			}
			t.Errorf("%s is not blamed: %v", tc.rule, everywhere)
		})
	}
}
