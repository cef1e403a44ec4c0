package report

import (
	"encoding/json"
	"io"

	"github.com/gudtech/scamp-sim/conformance"
)

// Run is what a report does not know of itself: what was tested, and with what.
type Run struct {
	Subject string // an address, or what else the subject is called
	Version string // of the suite
	Strict  bool
}

type document struct {
	Format  int            `json:"format"` // 1
	Version string         `json:"version"`
	Subject string         `json:"subject"`
	Strict  bool           `json:"strict"`
	TookMS  int64          `json:"took_ms"`
	Summary map[string]int `json:"summary"` // results by verdict
	Broken  []string       `json:"broken"`  // ids of rules
	Died    []string       `json:"died,omitempty"`
	Results []result       `json:"results"`
}

type result struct {
	Name     string    `json:"name"`
	Rules    []string  `json:"rules"`
	Level    string    `json:"level"`
	Title    string    `json:"title"`
	Verdict  string    `json:"verdict"`
	Notes    []string  `json:"notes,omitempty"`
	Failures []failure `json:"failures,omitempty"`
	TookMS   int64     `json:"took_ms"`
}

type failure struct {
	Case    string   `json:"case"`
	Variant string   `json:"variant,omitempty"`
	Line    int      `json:"line,omitempty"`
	Reason  string   `json:"reason"`
	Script  []string `json:"script,omitempty"`
	Packets []string `json:"packets,omitempty"`
}

// JSON writes a report as one JSON object.
func JSON(w io.Writer, r *conformance.Report, run Run) error {
	d := document{
		Format: 1, Version: run.Version, Subject: run.Subject, Strict: run.Strict, TookMS: r.Took.Milliseconds(),
		Summary: map[string]int{}, Broken: append([]string{}, r.Broken()...), Died: r.Died, Results: []result{},
	}
	for _, v := range []conformance.Verdict{conformance.Pass, conformance.Dialect, conformance.Fail, conformance.Unsupported, conformance.Errored} {
		d.Summary[string(v)] = r.Count(v)
	}
	for i := range r.Results {
		from := &r.Results[i]
		res := result{
			Name: from.Name, Rules: from.Rules, Level: from.Level, Title: from.Title, Verdict: string(from.Verdict),
			Notes: from.Notes, TookMS: from.Took.Milliseconds(),
		}
		for _, f := range from.Failures {
			res.Failures = append(res.Failures, failure{f.Case, f.Variant, f.Line, f.Reason, f.Script, f.Packets})
		}
		d.Results = append(d.Results, res)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(d)
}
