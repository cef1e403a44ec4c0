package conformance

import (
	"log/slog"
	"net"
	"slices"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// wrongServer makes a subject of a wrong server, attached in both ways.
func wrongServer(bug bugs.Server) *Subject {
	logger := slog.New(slog.DiscardHandler)
	return ServerValue(func() (func(net.Conn), func()) { return bug.Start(logger) }).
		OverTLS(func() (func(net.Conn), func()) { return bug.StartTLS(logger, fixtures.Certificate("server")) }, fixtures.Fingerprint("server"))
}

// Every wrong server is caught by a case of the rule that it breaks where nobody can tell that all has come to rest, too:
// that is how foreign servers are tested.
func TestMutantsAreCaughtUnsettled(t *testing.T) {
	t.Parallel()
	cases := parsedGolden(t)
	for _, bug := range bugs.Servers() {
		t.Run(bug.Name, func(t *testing.T) {
			var about []*Case
			for _, c := range cases {
				if slices.Contains(c.Rules, bug.Rule) && c.Name != "wire-safe/message-without-end" { // which takes long
					about = append(about, c)
				}
			}
			report := unsettled(t, wrongServer(bug), about)
			if bug.Name == "loses-split-line-ends" {
				return // how writes arrive is not to be told there
			}
			if !slices.ContainsFunc(report.Results[:len(about)], func(r Result) bool { return r.Verdict == Fail }) {
				t.Errorf("no case of %s fails", bug.Rule)
			}
			for _, r := range report.Results {
				if r.Verdict == Errored {
					t.Errorf("%s: the tester's own fault: %s", r.Name, r.why())
				}
			}
		})
	}
}
