package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/gudtech/scamp-sim/sim"
)

// An expectation is something that must have come of a run:
//
//	METRIC [of ACTION] [by REQUESTER] [from TIME] [to TIME] RELATION VALUE
//	no METRIC [of ACTION] …
type expectation struct {
	at    Position
	text  string
	about metric

	action      placed
	requester   placed
	from, until time.Duration
	relation    string
	value       float64 // a count, a share, or nanoseconds
	share       bool    // of calls
	hosts       []string
}

// A metric is what an expectation is about.
type metric struct {
	name     string
	unit     string // count, time
	calls    bool   // it is of calls, and can be of some of them
	quantile float64
	count    func(*tally) int
	total    func(*sim.Stats) int
}

// metrics are those with a name; p50, p99.9 and so on are others.
var metrics = func() []metric {
	all := []metric{
		{name: "calls", unit: "count", calls: true, count: func(t *tally) int { return t.calls }},
		{name: "success", unit: "count", calls: true, count: func(t *tally) int { return t.kinds[sim.OK] }},
		{name: "errors", unit: "count", calls: true, count: func(t *tally) int { return t.calls - t.kinds[sim.OK] }},
		{name: "mean", unit: "time", calls: true, quantile: -1},
		{name: "median", unit: "time", calls: true, quantile: 0.5},
		{name: "max", unit: "time", calls: true, quantile: 1},
		{name: "retries", unit: "count", total: func(s *sim.Stats) int { return s.Retries }},
		{name: "refusals", unit: "count", total: func(s *sim.Stats) int { return s.Refusals }},
		{name: "connections", unit: "count", total: func(s *sim.Stats) int { return s.Connections }},
		{name: "dials", unit: "count", total: func(s *sim.Stats) int { return s.Dials }},
		{name: "duplicate executions", unit: "count", total: func(s *sim.Stats) int { return s.Duplicates }},
	}
	for _, k := range sim.Kinds()[1:] {
		all = append(all, metric{name: string(k), unit: "count", calls: true, count: func(t *tally) int { return t.kinds[k] }})
	}
	return all
}()

var percentile = regexp.MustCompile(`^p([0-9]{1,2}(\.[0-9]{1,4})?)$`)

func findMetric(name string) (metric, error) {
	if m := percentile.FindStringSubmatch(name); m != nil {
		f, _ := strconv.ParseFloat(m[1], 64)
		return metric{name: name, unit: "time", calls: true, quantile: f / 100}, nil
	}
	known := []string{"p50", "p99"}
	for _, m := range metrics {
		if m.name == name {
			return m, nil
		}
		known = append(known, m.name)
	}
	return metric{}, fmt.Errorf("nothing is counted as %q; %s", abridged(name), hint(name, known))
}

func expectations(name, doc string, to *[]expectation) field {
	var e []placed
	f := words(name, doc, &e)
	f.read = func(r *reader, n ast.Node) {
		for _, item := range r.items(n) {
			p, ok := r.scalar(item, "an expectation")
			if !ok {
				continue
			}
			x, err := parseExpectation(p)
			if err != nil {
				r.wrong(p.at, "%v", err)
				continue
			}
			*to = append(*to, x)
		}
	}
	return f
}

var (
	relation = regexp.MustCompile(`^(.*?)\s*(<=|>=|==|!=|<|>|=)\s*(.+)$`)
	clause   = regexp.MustCompile(`\s+(of|by|from|to)\s+(\S+)$`)
)

func parseExpectation(p placed) (e expectation, err error) {
	e = expectation{at: p.at, text: strings.Join(strings.Fields(p.text), " "), action: placed{at: p.at}, requester: placed{at: p.at}, until: -1}
	subject, value := e.text, "0"
	if rest, ok := strings.CutPrefix(subject, "no "); ok {
		subject, e.relation = rest, "=="
	} else if m := relation.FindStringSubmatch(subject); m != nil {
		subject, e.relation, value = m[1], m[2], m[3]
		if e.relation == "=" {
			e.relation = "=="
		}
	} else {
		return e, fmt.Errorf("%q expects nothing: write such as success >= 99%%, p99 of Shop.get < 250ms, no lost", abridged(e.text))
	}
	for {
		m := clause.FindStringSubmatch(subject)
		if m == nil {
			break
		}
		subject = strings.TrimSuffix(subject, m[0])
		switch m[1] {
		case "of":
			e.action.text = m[2]
		case "by":
			e.requester.text = m[2]
		case "from":
			e.from, err = parseDuration(m[2])
		case "to":
			e.until, err = parseDuration(m[2])
		}
		if err != nil {
			return e, err
		}
	}
	if e.about, err = findMetric(strings.TrimSpace(subject)); err != nil {
		return e, err
	}
	if !e.about.calls && (e.action.text != "" || e.requester.text != "" || e.from != 0 || e.until >= 0) {
		return e, fmt.Errorf("%s are counted for the whole run: leave out of, by, from and to", e.about.name)
	}
	if e.until >= 0 && e.until <= e.from {
		return e, fmt.Errorf("from %v to %v is no time", e.from, e.until)
	}
	return e, e.parseValue(value)
}

// parseValue reads what is compared with.
func (e *expectation) parseValue(text string) error {
	if e.about.unit == "time" {
		d, err := parseDuration(text)
		e.value = float64(d)
		return err
	}
	if e.share = strings.HasSuffix(text, "%"); e.share {
		if e.about.count == nil || e.about.name == "calls" {
			return fmt.Errorf("%s are no share of calls: compare them with a number", e.about.name)
		}
		share, err := parseShare(text)
		e.value = share
		return err
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(text, ",", ""), 10, 53)
	if err != nil {
		return fmt.Errorf("%q is neither a share such as 99.9%% nor a number of calls", abridged(text))
	}
	e.value = float64(n)
	return nil
}

// checkExpectation finds what an expectation names.
func (s *Scenario) checkExpectation(r *reader, e *expectation) {
	if e.requester.text != "" {
		e.hosts = s.hostsOf(r, e.requester, "requester")
	}
	if e.action.text == "" {
		return
	}
	var called []string
	for i := range s.requesters {
		for _, l := range s.requesters[i].Calls {
			called = append(called, l.Action)
		}
	}
	if !slices.ContainsFunc(called, func(a string) bool { return strings.EqualFold(a, e.action.text) }) {
		r.wrong(e.at, "nobody calls %s; %s", e.action.text, hint(e.action.text, called))
	}
}

// A tally is the calls that an expectation is about.
type tally struct {
	calls   int
	kinds   map[sim.Kind]int
	latency sim.Histogram
}

// counts reports whether a call is one of them.
func (e *expectation) counts(c *sim.Call) bool {
	return (e.action.text == "" || strings.EqualFold(e.action.text, c.Action)) &&
		(e.requester.text == "" || slices.Contains(e.hosts, c.Requester)) &&
		c.Began >= e.from && (e.until < 0 || c.Began < e.until)
}

func (t *tally) add(c *sim.Call) {
	t.calls++
	t.kinds[c.Kind]++
	if c.Kind == sim.OK {
		t.latency.Add(c.Took)
	}
}

// An Expected is an expectation, and what came.
type Expected struct {
	Text string
	Line int
	Got  string
	OK   bool
}

// judge compares.
func (e *expectation) judge(t *tally, stats *sim.Stats) Expected {
	x := Expected{Text: e.text, Line: e.at.Line}
	var got float64
	switch {
	case e.about.total != nil:
		got = float64(e.about.total(stats))
		x.Got = fmt.Sprint(got)
	case e.share && t.calls == 0:
		x.Got = "no call that this is about"
		return x
	case e.share:
		got = float64(e.about.count(t)) / float64(t.calls)
		x.Got = percent(e.about.count(t), t.calls)
	case e.about.unit == "count":
		got = float64(e.about.count(t))
		x.Got = strconv.Itoa(e.about.count(t))
	case t.latency.Count() == 0:
		x.Got = "no call that succeeded"
		return x
	case e.about.quantile < 0:
		got = float64(t.latency.Mean())
	default:
		got = float64(t.latency.Quantile(e.about.quantile))
	}
	if x.Got == "" {
		x.Got = time.Duration(got).String()
	}
	switch e.relation {
	case "<":
		x.OK = got < e.value
	case "<=":
		x.OK = got <= e.value
	case ">":
		x.OK = got > e.value
	case ">=":
		x.OK = got >= e.value
	case "==":
		x.OK = got == e.value
	case "!=":
		x.OK = got != e.value
	}
	return x
}

// percent is a share with enough digits to see that it is not all.
func percent(n, of int) string {
	return fmt.Sprintf("%s%% (%d of %d)", strconv.FormatFloat(100*float64(n)/float64(of), 'f', 3, 64), n, of)
}
