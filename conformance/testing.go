package conformance

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Test plays cases against the subject and reports them as subtests of t: one for each case, and one for each rule that
// is judged on every packet. Dialects pass and are logged, unsupported cases are skipped with their reason.
//
//	func TestConformance(t *testing.T) {
//		cases, err := conformance.ParseFS(golden.FS)
//		if err != nil {
//			t.Fatal(err)
//		}
//		subject, err := conformance.ServerAt("127.0.0.1:30100", "")
//		if err != nil {
//			t.Fatal(err)
//		}
//		conformance.Test(t, subject, cases, conformance.Options{})
//	}
func Test(t *testing.T, s *Subject, cases []*Case, opt Options) {
	t.Helper()
	report, err := Run(t.Context(), s, cases, opt)
	if errors.Is(err, ErrNoTest) {
		t.Fatal(err)
	}
	for i := range report.Results {
		r := &report.Results[i]
		t.Run(r.Name, func(t *testing.T) {
			switch r.Verdict {
			case Dialect:
				t.Logf("dialect: %s", strings.Join(r.Notes, "; "))
			case Unsupported:
				t.Skip(strings.Join(r.Notes, "; "))
			case Fail, Errored:
				t.Errorf("%s (%s): %s\n%s", r.Rules[0], r.Level, r.Title, r.Text())
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Text shows the failures of a result on several lines: the script with the step at which it went another way, what
// came instead, and the packets. It is empty where there are none.
func (r *Result) Text() string {
	var b strings.Builder
	for _, f := range r.Failures {
		if f.Case != r.Name || f.Variant != "" {
			fmt.Fprintf(&b, "in %s %s:\n", f.Case, f.Variant)
		}
		for _, line := range f.Script {
			b.WriteString(line + "\n")
		}
		b.WriteString("→ " + f.Reason + "\n")
		for _, line := range f.Packets {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
