package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// A table writes what has come of runs, for people.
type table struct {
	w                     io.Writer
	bad, odd, good, faint *color.Color
}

func newTable(w io.Writer) *table {
	t := &table{w: w, bad: color.New(color.FgRed, color.Bold), odd: color.New(color.FgYellow), good: color.New(color.FgGreen), faint: color.New(color.Faint)}
	for _, c := range []*color.Color{t.bad, t.odd, t.good, t.faint} {
		c.DisableColor()
		if colored(w) {
			c.EnableColor()
		}
	}
	return t
}

func (t *table) line(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

// outcome writes the numbers of a run.
func (t *table) outcome(s *scenario.Scenario, r *scenario.Record, panicked error, took time.Duration) {
	if s.About != "" {
		t.line("%s", visible(s.About))
	}
	if panicked != nil {
		t.line("%s\n%v", t.bad.Sprint("the run did not come to its end"), panicked)
		return
	}
	t.line("%s", t.faint.Sprintf("%s, seed %d: %v of virtual time in %v\n", s.File, r.Seed,
		(time.Duration(r.VirtualUS)*time.Microsecond).Round(time.Millisecond), took.Round(10*time.Millisecond)))
	if r.Until != "" {
		t.line("%s %s\n", t.odd.Sprint("ended"), visible(r.Until))
	}
	t.actions(r)
	t.line("%s, %s, %s; %s for %s",
		countedAs(r.Calls, "call", "calls"), countedAs(r.Retries, "retried elsewhere", "retried elsewhere"), countedAs(r.Refusals, "refusal", "refusals"),
		countedAs(r.Dials, "dial", "dials"), countedAs(r.Connections, "connection", "connections"))
	t.faults(r)
	t.expected(r)
	if r.Irreproducible != "" {
		t.line("\n%s %s", t.odd.Sprint("another run of this seed may differ:"), r.Irreproducible)
	}
}

func countedAs(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// actions writes a row for each action.
func (t *table) actions(r *scenario.Record) {
	rows := [][]string{{"action", "calls", "ok", "p50", "p90", "p99", "max", "errors"}}
	for _, a := range r.Actions {
		share := "-"
		if a.Calls > 0 {
			share = fmt.Sprintf("%.2f%%", floor(100*float64(a.Kinds["ok"])/float64(a.Calls), 100))
		}
		row := []string{a.Action, grouped(a.Calls), share}
		for _, us := range []int64{a.P50US, a.P90US, a.P99US, a.MaxUS} {
			row = append(row, latency(us, a.Kinds["ok"]))
		}
		rows = append(rows, append(row, errorsOf(a.Kinds)))
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			switch {
			case i == 0:
				b.WriteString(cell + space)
			case i == len(row)-1:
				b.WriteString("  " + cell)
			default:
				b.WriteString("  " + space + cell)
			}
		}
		text := strings.TrimRight(b.String(), " ")
		if n == 0 {
			text = t.faint.Sprint(text)
		}
		t.line("%s", text)
	}
	t.line("")
}

// floor rounds down, so that 99.999 is not told as 100.
func floor(f, parts float64) float64 { return float64(int64(f*parts+1e-9)) / parts }

// latency is a time with three digits.
func latency(us int64, calls int) string {
	if calls == 0 {
		return "-"
	}
	d := time.Duration(us) * time.Microsecond
	unit := time.Duration(1)
	for unit*1000 <= d {
		unit *= 10
	}
	return d.Round(unit).String()
}

// errorsOf says how calls failed, in the order of the kinds.
func errorsOf(kinds map[string]int) string {
	var all []string
	for _, k := range sim.Kinds()[1:] {
		if n := kinds[string(k)]; n > 0 {
			all = append(all, grouped(n)+" "+string(k))
		}
	}
	return strings.Join(all, ", ")
}

func (t *table) faults(r *scenario.Record) {
	if len(r.Faults) == 0 {
		return
	}
	t.line("\n%s", t.faint.Sprint("faults, and how often they were met"))
	for _, f := range r.Faults {
		if f.Hits == 0 && r.Until == "" {
			t.line("  %s  %s", t.bad.Sprintf("%7s", "never"), visible(f.Name))
		} else {
			t.line("  %7s  %s", grouped(f.Hits), visible(f.Name))
		}
	}
}

func (t *table) expected(r *scenario.Record) {
	if len(r.Expected) == 0 {
		return
	}
	t.line("\n%s", t.faint.Sprint("expectations"))
	width := 0
	for _, e := range r.Expected {
		width = max(width, len(e.Text))
	}
	for _, e := range r.Expected {
		mark := t.good.Sprint("ok  ")
		if !e.OK {
			mark = t.bad.Sprint("FAIL")
		}
		t.line("  %s  %-*s  %s", mark, width, visible(e.Text), e.Got)
	}
}

// failed writes what is wrong with a run, and the command that replays it.
func (t *table) failed(r *scenario.Record, replay string) {
	t.line("\n%s", t.bad.Sprintf("FAIL  seed %d", r.Seed))
	for i, f := range r.Failures {
		if i == 10 {
			t.line("      and %d more", len(r.Failures)-i)
			break
		}
		t.line("      %s", visible(f))
	}
	t.packets(r)
	t.line("      replay: %s", replay)
}

// packets shows the last packets of the connections that violations were seen on, as
// far as the record has them.
func (t *table) packets(r *scenario.Record) {
	shown := false
	for _, v := range r.Violations {
		if len(v.Packets) == 0 {
			continue
		}
		c := v.Connection
		shown = true
		t.line("\n      %s", t.faint.Sprintf("the last packets of %s > %s #%d, until %.6f: time, type, message, octets; > was sent by %s", visible(c.Requester), visible(c.Instance), c.Number,
			(time.Duration(v.AtUS)*time.Microsecond).Seconds(), visible(c.Requester)))
		for _, p := range v.Packets {
			t.line("      %12.6f  %s", (time.Duration(p.AtUS) * time.Microsecond).Seconds(),
				visible(sim.Packet{Sent: p.Sent, Type: p.Type, Number: p.Number, Size: p.Octets, Text: p.Text}.String()))
		}
	}
	if shown {
		t.line("")
	}
}

// sweep writes the end of a sweep: every seed that failed.
func (t *table) sweep(report *scenario.Report, replay func(uint64) string, took time.Duration) {
	for _, r := range report.Runs {
		if !r.OK {
			t.failed(r, replay(r.Seed))
		}
	}
	c, word := t.good, "failed"
	if len(report.Failed) > 0 {
		c = t.bad
		t.line("")
	}
	part := ""
	if report.Shards > 0 {
		part = fmt.Sprintf("part %d/%d: ", report.Shard, report.Shards)
	}
	t.line("%s%s", c.Sprintf("%s%s passed, %d %s", part, counted(report.Seeds-len(report.Failed), "seed"), len(report.Failed), word), in(took))
	kinds := map[string]int{}
	for _, r := range report.Runs {
		for _, f := range r.Failures {
			kinds[reason(f)]++
		}
	}
	if len(report.Failed) > 1 {
		for _, k := range slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return strings.Compare(a, b) }) {
			t.line("  %6s  %s", grouped(kinds[k]), visible(k))
		}
	}
}

func in(took time.Duration) string {
	if took == 0 {
		return ""
	}
	return fmt.Sprintf(" in %v", took.Round(10*time.Millisecond))
}

// reason is the part of a failure that is the same for many seeds.
func reason(failure string) string {
	if strings.HasPrefix(failure, "expected ") {
		text, _, _ := strings.Cut(failure, ": ")
		return text
	}
	if strings.HasPrefix(failure, "after ") {
		return "something that must always hold"
	}
	return failure
}
