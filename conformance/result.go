package conformance

import "time"

// A Verdict is what a case says of the subject.
type Verdict string

// The verdicts, from the best to the worst that can be said.
const (
	Pass        Verdict = "pass"        // the strict outcome
	Unsupported Verdict = "unsupported" // the subject lacks what the case needs
	Dialect     Verdict = "dialect"     // an outcome that the rule tolerates; it counts as passed
	Errored     Verdict = "error"       // the tester's own fault
	Fail        Verdict = "fail"
)

// rank orders verdicts: a case that runs several times has the worst.
func (v Verdict) rank() int {
	for i, w := range []Verdict{Pass, Unsupported, Dialect, Errored, Fail} {
		if v == w {
			return i
		}
	}
	return 0
}

// A Result is the verdict of one case, or of a rule that is judged on every packet of every case.
type Result struct {
	Name    string   // of the case: "wire-frame/bare-lf"; of a rule judged everywhere: "every-packet/WIRE-FRAME-06"
	Rules   []string // the first is what the case is about
	Level   string   // of that rule: MUST, SHOULD or MAY
	Title   string   // what is tried, or what the rule is called
	Verdict Verdict
	// Notes are the dialects that were seen, or the reason of Unsupported.
	Notes []string
	// Failures are the first places where the case failed: several where it runs once per text, or where the rule was
	// broken more than once. Those of Errored are here, too.
	Failures []Failure
	Took     time.Duration
}

// A Failure is one place where a case went another way.
type Failure struct {
	Case    string // the name of the case in which it was seen
	Variant string // the text of each, with its name; "" where there is none
	Line    int    // of the step, in the file of the case
	Script  []string
	Reason  string // what came instead
	// Packets shows what passed on the connection, the last lines being the nearest. C> was sent by the tester, S> by the
	// subject.
	Packets []string
}

// A Report is what a run has found.
type Report struct {
	// Results has the cases in the order in which they were given, then the rules that were judged on every packet.
	Results []Result
	Took    time.Duration
	// Died are the cases in which the process of the subject ended, or stopped serving.
	Died []string
}

// Count returns how many results have a verdict.
func (r *Report) Count(v Verdict) (n int) {
	for i := range r.Results {
		if r.Results[i].Verdict == v {
			n++
		}
	}
	return n
}

// Broken returns the rules that the subject breaks, each once, in the order of the results.
func (r *Report) Broken() (rules []string) {
	seen := map[string]bool{}
	for i := range r.Results {
		if res := &r.Results[i]; res.Verdict == Fail && !seen[res.Rules[0]] {
			seen[res.Rules[0]] = true
			rules = append(rules, res.Rules[0])
		}
	}
	return rules
}
