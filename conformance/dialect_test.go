package conformance

import (
	"context"
	"flag"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/golden"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

var everyDialect = flag.Bool("dialects", false, "play all golden cases against every dialect by itself")

// Dialects that get on with each other, so that a few servers show them all.
var mixtures = [][]string{
	{"takes leading zeros", "notices unknown types late", "notices a bare LF late", "repairs UTF-8 in headers", "reads deep headers",
		"1.0 is 1", "does not look at the envelope", "executes untyped messages", "answers no id with null", "answers odd ids",
		"replies without type", "null in optional members", "text, and null as code", "errors repeated in the body",
		"acknowledges much only", "respelled ids", "PINGs those who do", "eager echo", "keeps stalled messages for ever",
		"closes late"},
	{"echo of complete JSON", "closes on wrong JSON types", "closes on duplicates", "closes on TXERR without text",
		"closes on TXERR that is not UTF-8", "headers of at most 16 levels", "closes on PING", "closes on ACKs after the end", "refuses versions that are text",
		"1.0 is another version", "failures as TXERR", "errors before a close", "closes beyond the bounds",
		"closes when a hundred replies wait", "64 messages and 1,000,000 octets", "closes with a reset"},
	{"one request after another", "one message after another", "chunks of 1024", "window of 131072", "empty error members", "code alone",
		"null as body of errors", "refuses duplicates", "lines of up to 80 octets",
		"refuses wrong JSON types"},
	{"no window", "eager echo without a window", "chunks of 131072", "equal duplicates", "acknowledges messages that have ended",
		"answers no id with 0", "answers odd ids without id", "gives up its replies before a close", "null error members"},
	{"everything 1 s late", "acknowledges late", "header at once and body late", "text alone",
		"other codes, and internals", "answers odd ids with 0", "0 and 00 are two messages"},
	{"one message after another, the newest first", "pauses of 300 ms", "acknowledges by halves", "window of 4000", "refuses early",
		"answers without id", "answers odd ids with null", "further members and white space", "first octets one by one", "the text as body of errors"},
}

// Cases that take long and have little to do with the ways of a server; and those with large bodies, which the first two
// mixtures, which are about headers and lines, are spared.
var (
	heavy = map[string]bool{
		"wire-safe/message-without-end": true, "wire-safe/deep-nesting": true, "wire-safe/large-ids": true, "wire-safe/odd-headers": true,
		"wire-flow/reads-while-it-cannot-write": true, "wire-safe/open-without-end": true,
	}
	bulky = regexp.MustCompile(`(repeat\(".", |"bytes":)[0-9]{5,}`)
)

// Outcomes that the specification tolerates are never called failures (section 1.5): a wrong verdict is worse than none.
// With -dialects every dialect is played by itself, and everything in both manners, which takes minutes.
func TestDialectsAreNotCalledWrong(t *testing.T) {
	t.Parallel()
	all := parsedGolden(t)
	var cases, small []*Case
	for _, c := range all {
		if !heavy[c.Name] {
			cases = append(cases, c)
			if !bulky.Match(c.Source) {
				small = append(small, c)
			}
		}
	}
	find := map[string]dialect{}
	for _, d := range dialects() {
		find[d.name] = d
		if *everyDialect {
			t.Run(d.name, func(t *testing.T) {
				blameless(t, d, settled(t, d.way.start, all))
				blameless(t, d, unsettled(t, ServerValue(d.way.start), all))
			})
		}
	}
	for i, names := range mixtures {
		if RaceDetector && i%4 != 1 { // each costs ten times as much
			continue
		}
		t.Run(names[0], func(t *testing.T) {
			m := dialect{about: strings.Join(names, ", ")}
			for _, name := range names {
				d, ok := find[name]
				if !ok {
					t.Fatalf("there is no dialect %q", name)
				}
				m.way = m.way.and(d.way)
			}
			some := cases
			if i < 2 && !*everyDialect {
				some = small
			}
			if i%2 == 0 || *everyDialect {
				blameless(t, m, settled(t, m.way.start, some))
			}
			if i%2 == 1 || *everyDialect {
				blameless(t, m, unsettled(t, ServerValue(m.way.start), some))
			}
		})
	}
}

func parsedGolden(t *testing.T) []*Case {
	t.Helper()
	cases, err := ParseFS(golden.FS)
	if err != nil {
		t.Fatal(err)
	}
	return Playing(cases, "server")
}

// settled plays cases where the tester knows when all has come to rest.
func settled(t *testing.T, start func() (serve func(net.Conn), stop func()), cases []*Case) *Report {
	t.Helper()
	report, err := Run(t.Context(), ServerValue(start), cases, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// unsettled plays cases as against a foreign server: nobody can tell that all has come to rest. It is still in virtual
// time, one bubble for all, since bubbles in bubbles cannot be had.
func unsettled(t *testing.T, s *Subject, cases []*Case) (report *Report) {
	t.Helper()
	var err error
	left := simnet.Bubble(func() {
		report, err = Run(context.Background(), s, cases, Options{Jobs: 24})
	})
	if left != nil || err != nil {
		t.Fatal(left, err)
	}
	return report
}

func blameless(t *testing.T, d dialect, report *Report) {
	t.Helper()
	for _, r := range report.Results {
		switch r.Verdict {
		case Fail, Errored:
			t.Errorf("%s %s (%s): %s", r.Verdict, r.Name, d.about, r.Text())
		case Dialect, Unsupported:
			t.Logf("%s %s: %q", r.Verdict, r.Name, r.Notes)
		}
	}
}
