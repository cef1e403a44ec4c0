package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fatih/color"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/docs/spec"
)

// A Style says how Terminal writes.
type Style struct {
	Color   bool // with colours
	Verbose bool // every case, not only those with something to say
	Strict  bool // dialects count as failed
}

// A printer writes to one place in one style. Write errors are for whoever owns the place.
type printer struct {
	w io.Writer
	Style
	bad, odd, good, faint *color.Color
}

// Terminal writes a report for people: what failed with the packets that prove it, dialects, what could not be tried and
// why, the rules that are broken, and a line with the numbers.
func Terminal(w io.Writer, r *conformance.Report, style Style) {
	p := &printer{w: w, Style: style, bad: color.New(color.FgRed, color.Bold), odd: color.New(color.FgYellow),
		good: color.New(color.FgGreen), faint: color.New(color.Faint)}
	for _, c := range []*color.Color{p.bad, p.odd, p.good, p.faint} {
		c.DisableColor()
		if style.Color {
			c.EnableColor()
		}
	}
	if style.Verbose {
		p.all(r)
	}
	for i := range r.Results {
		if v := r.Results[i].Verdict; v == conformance.Fail || v == conformance.Errored {
			p.failed(&r.Results[i])
		}
	}
	p.dialects(r)
	p.unsupported(r)
	p.died(r)
	p.broken(r)
	p.summary(r)
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// visible makes a text of a subject, or of somebody's case, harmless for a terminal: what moves the cursor or turns the
// direction of writing becomes an escape.
func visible(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return unicode.IsControl(r) && r != '\t' || unicode.Is(unicode.Cf, r) }

// all lists every result.
func (p *printer) all(r *conformance.Report) {
	for i := range r.Results {
		res := &r.Results[i]
		c := map[conformance.Verdict]*color.Color{conformance.Pass: p.good, conformance.Fail: p.bad, conformance.Errored: p.bad}[res.Verdict]
		if c == nil {
			c = p.odd
		}
		p.line("%s %-45s %s", c.Sprintf("%-11s", res.Verdict), res.Name, p.faint.Sprint(strings.Join(res.Rules, " ")))
	}
	p.line("")
}

// failed shows a failed case: what was tried, what came instead, and the packets.
func (p *printer) failed(res *conformance.Result) {
	verdict := "FAIL"
	if res.Verdict == conformance.Errored {
		verdict = "ERROR"
	}
	p.line("%s  %s", p.bad.Sprint(verdict), p.bad.Sprint(res.Name))
	p.line("      %s: %s", strings.TrimSpace(res.Rules[0]+" "+string(res.Level)), ruleTitle(res.Rules[0]))
	if !strings.HasPrefix(res.Name, "every-packet/") {
		p.line("      %s", visible(res.Title))
	}
	for i := range res.Failures {
		p.failure(&res.Failures[i], res.Name)
	}
	p.line("")
}

func (p *printer) failure(f *conformance.Failure, name string) {
	where := ""
	if f.Case != name {
		where = "in " + f.Case
	}
	if f.Variant != "" {
		where = strings.TrimPrefix(where+", with "+f.Variant, ", ")
	}
	if where != "" {
		p.line("      %s:", visible(where))
	}
	for _, line := range around(f.Script, 6) {
		line = visible(line)
		if strings.HasPrefix(line, ">") {
			line = p.odd.Sprint(line)
		}
		p.line("      %s", line)
	}
	p.line("      %s", p.bad.Sprint("→ "+visible(f.Reason)))
	for _, line := range f.Packets {
		p.line("      %s", p.faint.Sprint(visible(line)))
	}
}

// around returns the marked line of a script with what stands near it.
func around(script []string, near int) []string {
	at := slices.IndexFunc(script, func(s string) bool { return strings.HasPrefix(s, ">") })
	if at < 0 {
		return nil
	}
	return script[max(0, at-near):min(len(script), at+2)]
}

func ruleTitle(id string) string {
	rule, ok := spec.Lookup(id)
	if !ok {
		return "no rule of the specification"
	}
	return rule.Title
}

// dialects lists outcomes that were tolerated, a line for each.
func (p *printer) dialects(r *conformance.Report) {
	head := "dialects: tolerated, and not the strict outcome"
	if p.Strict {
		head = "dialects: failures, since the run is strict"
	}
	for i := range r.Results {
		res := &r.Results[i]
		if res.Verdict != conformance.Dialect {
			continue
		}
		if head != "" {
			p.line("%s", p.odd.Sprint(head))
			head = ""
		}
		p.line("  %-45s %-15s %s", res.Name, res.Rules[0], visible(strings.Join(res.Notes, "; ")))
	}
	if head == "" {
		p.line("")
	}
}

// unsupported lists what could not be tried, by reason.
func (p *printer) unsupported(r *conformance.Report) {
	names := map[string][]string{}
	var reasons []string
	for i := range r.Results {
		res := &r.Results[i]
		if res.Verdict != conformance.Unsupported {
			continue
		}
		reason := "no reason"
		if len(res.Notes) > 0 {
			reason = res.Notes[0]
		}
		if names[reason] == nil {
			reasons = append(reasons, reason)
		}
		names[reason] = append(names[reason], res.Name)
	}
	if len(reasons) == 0 {
		return
	}
	p.line("%s", p.odd.Sprint("skipped: the subject does not have what the case needs"))
	for _, reason := range reasons {
		which := names[reason]
		text := strings.Join(which, " ")
		if len(which) > 3 && !p.Verbose {
			text = fmt.Sprintf("%s and %d more", strings.Join(which[:3], " "), len(which)-3)
		}
		p.line("  %s: %s", reason, text)
	}
	p.line("")
}

func (p *printer) died(r *conformance.Report) {
	if len(r.Died) > 0 {
		p.line("%s %s\n", p.bad.Sprint("the subject stopped serving in"), strings.Join(r.Died, ", "))
	}
}

// broken lists the rules that are broken, with their titles.
func (p *printer) broken(r *conformance.Report) {
	rules := r.Broken()
	if len(rules) == 0 {
		return
	}
	p.line("%s", p.bad.Sprintf("rules broken: %d", len(rules)))
	for _, id := range rules {
		p.line("  %-15s %s", id, ruleTitle(id))
	}
	p.line("")
}

func (p *printer) summary(r *conformance.Report) {
	dialects := r.Count(conformance.Dialect)
	passed, failed := r.Count(conformance.Pass)+dialects, r.Count(conformance.Fail)
	if p.Strict {
		passed, failed = passed-dialects, failed+dialects
	}
	text := fmt.Sprintf("%d passed, %d failed, %d skipped", passed, failed, r.Count(conformance.Unsupported))
	c := p.good
	if failed > 0 {
		c = p.bad
	}
	extra := ""
	if dialects > 0 {
		extra = fmt.Sprintf(" (%d dialects)", dialects)
	}
	if n := r.Count(conformance.Errored); n > 0 {
		extra += fmt.Sprintf(", %d errors of the suite", n)
		c = p.bad
	}
	p.line("%s%s in %v", c.Sprint(text), extra, r.Took.Round(10*time.Millisecond))
}
