package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/docs/spec"
)

// A finding is a breach as a report shows it.
type finding struct {
	rule  string
	grade Grade
	note  string
	Failure
}

// result makes the result of a run that ended so; nil is the end of the script. A subject that is hopeless is not excused
// by an unreadable connection.
func (pl *play) result(end *stop, variant string, hopeless bool) Result {
	res := Result{Verdict: pl.verdict, Notes: pl.notes}
	if end != nil {
		if broken := pl.unreadable(); broken != nil && !hopeless && end.verdict == Fail && !slices.Contains(pl.c.Rules, broken.rule) {
			end = &stop{verdict: Unsupported, reason: fmt.Sprintf("the connection cannot be read on (%s): %s", broken.rule, broken.reason)}
		}
		if end.verdict == Fail && !end.harm && pl.lenient() {
			end.verdict = Dialect
		}
		res.Verdict = end.verdict
		switch end.verdict {
		case Dialect, Unsupported:
			res.Notes = append(slices.Clone(pl.notes), end.reason)
		default:
			res.Notes = nil
			res.Failures = []Failure{pl.failure(variant, end.line, end.reason, end.conn)}
		}
	}
	for _, f := range pl.found { // rules that the case cites are judged in it, too
		if !slices.Contains(pl.c.Rules, f.rule) {
			continue
		}
		if f.grade == GradeFail && res.Verdict != Fail {
			res.Verdict, res.Notes = Fail, nil
			res.Failures = []Failure{pl.failure(variant, 0, f.reason, f.conn)}
		} else if f.grade == GradeDialect && res.Verdict.rank() <= Dialect.rank() {
			res.Verdict = Dialect
			if !slices.Contains(res.Notes, f.reason) {
				res.Notes = append(res.Notes, f.reason)
			}
		}
	}
	return res
}

// lenient reports whether the level of the case tolerates outcomes of which its rule does not speak.
func (pl *play) lenient() bool {
	rule, _ := spec.Lookup(pl.c.Rules[0])
	return rule.Level != "MUST" && rule.Level != ""
}

// unreadable returns why a connection of the case became unreadable.
func (pl *play) unreadable() *breach {
	for _, p := range pl.peers {
		if p.broken != nil {
			return p.broken
		}
	}
	return nil
}

const mostPackets = 24 // lines of a transcript in a failure

func (pl *play) failure(variant string, line int, reason, conn string) Failure {
	return Failure{
		Case: pl.c.Name, Variant: variant, Line: line, Script: pl.c.excerpt(line), Reason: reason,
		Packets: pl.transcript(conn, mostPackets),
	}
}

// findings returns the breaches of a run, the first few of each rule, and whether any packets came.
func (pl *play) findings(variant string) (some []finding, packets bool) {
	const most = 3
	times := map[string]int{}
	for _, f := range pl.found {
		if times[f.rule+string(f.grade)]++; times[f.rule+string(f.grade)] > most {
			continue
		}
		b := finding{f.rule, f.grade, f.reason, pl.failure(variant, 0, f.reason, f.conn)}
		b.Script = nil
		some = append(some, b)
	}
	for _, p := range pl.peers {
		packets = packets || len(p.messages) > 0
	}
	return some, packets
}

// merge makes one result of the runs of a case.
func (r *runner) merge(c *Case) Result {
	rule, _ := spec.Lookup(c.Rules[0])
	res := Result{Name: c.Name, Rules: c.Rules, Level: rule.Level, Title: c.Title, Verdict: Pass}
	first := true
	for _, j := range r.jobs {
		if j.c != c {
			continue
		}
		if first || j.result.Verdict.rank() > res.Verdict.rank() {
			res.Verdict = j.result.Verdict
		}
		first = false
		for _, n := range j.result.Notes {
			if !slices.Contains(res.Notes, n) {
				res.Notes = append(res.Notes, n)
			}
		}
		if len(res.Failures) < 3 {
			res.Failures = append(res.Failures, j.result.Failures...)
		}
		res.Took += j.result.Took
	}
	if res.Verdict == Pass || res.Verdict == Fail {
		res.Notes = nil
	}
	return res
}

// report makes the report: the cases, then the rules that were judged on every packet.
func (r *runner) report(cases []*Case) *Report {
	rep := &Report{Died: r.died}
	for _, c := range cases {
		rep.Results = append(rep.Results, r.merge(c))
	}
	if !slices.ContainsFunc(r.jobs, func(j *job) bool { return j.packets }) {
		return rep
	}
	everywhere := judged
	if r.subject.client != nil {
		everywhere = judgedOfClients
	}
	for _, id := range everywhere {
		rep.Results = append(rep.Results, r.judgedResult(id))
	}
	return rep
}

// judgedResult makes the result of a rule out of what all runs have found.
func (r *runner) judgedResult(id string) Result {
	rule, _ := spec.Lookup(id)
	res := Result{Name: "every-packet/" + id, Rules: []string{id}, Level: rule.Level, Title: rule.Title, Verdict: Pass}
	const most = 3
	for _, j := range r.jobs {
		for _, f := range j.found {
			switch {
			case f.rule != id:
			case f.grade == GradeFail:
				res.Verdict = Fail
				if len(res.Failures) < most {
					res.Failures = append(res.Failures, f.Failure)
				}
			default:
				if res.Verdict == Pass {
					res.Verdict = Dialect
				}
				if len(res.Notes) < most && !slices.Contains(res.Notes, f.note) {
					res.Notes = append(res.Notes, f.note)
				}
			}
		}
	}
	if res.Verdict == Fail {
		res.Notes = nil
	}
	return res
}

// excerpt returns the script of the case with the line marked.
func (c *Case) excerpt(line int) (script []string) {
	lines := strings.Split(strings.TrimSuffix(string(c.Source), "\n"), "\n")
	header := true
	for i, text := range lines {
		if header {
			header = text != ""
			continue
		}
		mark := " "
		if i+1 == line {
			mark = ">"
		}
		script = append(script, fmt.Sprintf("%s %3d  %s", mark, i+1, abbreviated(text)))
	}
	return script
}
