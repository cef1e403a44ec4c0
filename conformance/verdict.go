package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/docs/spec"
)

// A finding is a breach as a report shows it.
type finding struct {
	grade Grade
	note  string
	Failure
}

// result makes the result of a run that ended so; nil is the end of the script. A subject that is hopeless is not excused
// by an unreadable connection.
func (pl *play) result(end *stop, variant string, hopeless bool) Result {
	res := Result{Verdict: pl.verdict, Notes: pl.notes}
	rule, _ := spec.Lookup(pl.c.Rules[0])
	if end != nil {
		if broken := pl.unreadable(); broken != nil && !hopeless && end.verdict == Fail && !slices.Contains(pl.c.Rules, broken.rule) {
			end = &stop{verdict: Unsupported, reason: fmt.Sprintf("the connection cannot be read on (%s): %s", broken.rule, broken.reason)}
		}
		if end.verdict == Fail && !end.harm && rule.Level != "MUST" && rule.Level != "" {
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

// collect adds the breaches of a run to those of the rules.
func (r *runner) collect(pl *play, variant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range pl.peers {
		r.packets = r.packets || len(p.messages) > 0
	}
	const most = 3 // of a rule
	for _, f := range pl.found {
		known := r.breaches[f.rule]
		if len(known) >= most && !(f.grade == GradeFail && known[0].grade != GradeFail) {
			continue
		}
		b := finding{f.grade, f.reason, pl.failure(variant, 0, f.reason, f.conn)}
		b.Script = nil
		if f.grade == GradeFail { // those first
			r.breaches[f.rule] = append([]finding{b}, known...)
		} else {
			r.breaches[f.rule] = append(known, b)
		}
	}
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
	if !r.packets {
		return rep
	}
	for _, id := range judged {
		rep.Results = append(rep.Results, r.judgedResult(id))
	}
	for _, id := range slices.Sorted(maps.Keys(r.breaches)) {
		if !slices.Contains(judged, id) {
			panic("conformance: " + id + " is judged and not listed")
		}
	}
	return rep
}

func (r *runner) judgedResult(id string) Result {
	rule, _ := spec.Lookup(id)
	res := Result{Name: "every-packet/" + id, Rules: []string{id}, Level: rule.Level, Title: rule.Title, Verdict: Pass}
	for _, b := range r.breaches[id] {
		if b.grade == GradeFail {
			res.Verdict = Fail
			res.Failures = append(res.Failures, b.Failure)
			continue
		}
		if res.Verdict == Pass {
			res.Verdict = Dialect
		}
		if !slices.Contains(res.Notes, b.note) {
			res.Notes = append(res.Notes, b.note)
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
