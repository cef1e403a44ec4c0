package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

//go:embed page.html page.css page.js
var files embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"n": number,
}).ParseFS(files, "page.html"))

// number writes a coordinate.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 32) }

// A Run is what has come of the run that was recorded.
type Run struct {
	Scenario *scenario.Scenario
	Outcome  *scenario.Outcome
	Replay   string // the command that runs it again
	Version  string // of the program
}

const (
	mostData  = 7 << 20 // octets that the packets take in the page
	mostTexts = 3 << 20 // octets of these that bodies take; then they are cut to
	cutText   = 64      // octets
	mostRows  = 300     // of each table

	mostFailures = 8
	mostTrails   = 10 // connections on which a violation was seen
)

// view is what the template is given.
type view struct {
	Style    template.CSS
	Script   template.JS
	Data     template.JS
	Title    string
	File     string
	Record   *scenario.Record
	TLS      bool
	Virtual  string
	Replay   string
	Version  string
	Failures []string
	More     int // failures that are left out

	Trails   []trail
	Topology *topology
	Latency  *chart
	Calls    *chart
	Actions  []actionRow
	Faults   []faultRow
	Events   []eventRow
	Hidden   hidden
}

// hidden is what the page leaves out.
type hidden struct{ Actions, Faults, Events, Connections int }

// A trail is the last packets before a violation.
type trail struct {
	Connection, What, At string
	Packets              []packetRow
}

type packetRow struct{ At, Line string }

type actionRow struct {
	Action, Calls, Share, P50, P90, P99, Max, Errors string
	Bad                                              bool
}

type faultRow struct {
	Number         int
	Name, At, What string
	Hits           int
	Never          bool
}

type eventRow struct{ At, What string }

// Write writes the page. The run must be over.
func (r *Recorder) Write(w io.Writer, run Run) error {
	v, err := r.view(run)
	if err != nil {
		return err
	}
	return pageTemplate.Execute(w, v)
}

// view is what a page of the run shows.
func (r *Recorder) view(run Run) (*view, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record := run.Outcome.Record()
	style, err := files.ReadFile("page.css")
	if err != nil {
		return nil, err
	}
	script, err := files.ReadFile("page.js")
	if err != nil {
		return nil, err
	}
	data, err := r.data()
	if err != nil {
		return nil, err
	}
	v := &view{
		Style: template.CSS(style), Script: template.JS(script), Data: template.JS(data), // ours, and JSON as it stands in HTML
		Title: r.plan.About, File: run.Scenario.File, Record: record, TLS: r.plan.TLS, Replay: run.Replay, Version: run.Version,
		Virtual:  (time.Duration(record.VirtualUS) * time.Microsecond).Round(time.Millisecond).String(),
		Failures: record.Failures[:min(len(record.Failures), mostFailures)], Topology: r.topology(), Latency: r.latencies(), Calls: r.calls(),
	}
	if v.Title == "" {
		v.Title = run.Scenario.File
	}
	v.More = len(record.Failures) - len(v.Failures)
	v.Trails = trails(run.Outcome.Violations)
	v.Hidden.Connections = len(r.more)
	r.tables(v, run.Outcome)
	return v, nil
}

// trails are the last packets of the first violation on each connection.
func trails(violations []sim.Violation) (all []trail) {
	seen := map[sim.ConnectionID]bool{}
	for _, v := range violations {
		if len(v.Packets) == 0 || seen[v.Connection] || len(all) == mostTrails {
			continue
		}
		seen[v.Connection] = true
		t := trail{Connection: v.Connection.String(), What: v.What, At: seconds(v.At)}
		for _, p := range v.Packets {
			t.Packets = append(t.Packets, packetRow{seconds(p.At), p.String()})
		}
		all = append(all, t)
	}
	return all
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 6, 64) }

// tables fills in the tables.
func (r *Recorder) tables(v *view, o *scenario.Outcome) {
	for i := range o.Stats.Actions {
		if i == mostRows {
			v.Hidden.Actions = len(o.Stats.Actions) - i
			break
		}
		v.Actions = append(v.Actions, rowOf(&o.Stats.Actions[i]))
	}
	hits := map[string]int{}
	for _, f := range o.Faults {
		hits[f.Name] = f.Hits
	}
	for i, f := range r.plan.Faults {
		if i == mostRows {
			v.Hidden.Faults = len(r.plan.Faults) - i
			break
		}
		at := f.At.String()
		if f.Until > f.At {
			at += " to " + f.Until.String()
		}
		v.Faults = append(v.Faults, faultRow{i + 1, f.Name, at, f.What, hits[f.Name], hits[f.Name] == 0 && o.Until == ""})
	}
	for _, e := range r.events {
		v.Events = append(v.Events, eventRow{seconds(e.at), e.what})
	}
	v.Hidden.Events = r.moreEvents
}

func rowOf(a *sim.ActionStats) actionRow {
	ok := a.Kinds[sim.OK]
	row := actionRow{Action: a.Action, Calls: strconv.Itoa(a.Calls), Share: "–", P50: "–", P90: "–", P99: "–", Max: "–", Bad: ok < a.Calls}
	if a.Calls > 0 {
		row.Share = fmt.Sprintf("%.2f %%", float64(10000*ok/a.Calls)/100) // 99.999 is not 100
	}
	if ok > 0 {
		h := &a.Latency
		row.P50, row.P90, row.P99, row.Max = rough(h.Quantile(0.5)), rough(h.Quantile(0.9)), rough(h.Quantile(0.99)), rough(h.Max())
	}
	var errors []string
	for _, k := range sim.Kinds()[1:] {
		if n := a.Kinds[k]; n > 0 {
			errors = append(errors, fmt.Sprintf("%d %s", n, k))
		}
	}
	row.Errors = strings.Join(errors, ", ")
	return row
}

// rough is a time with three digits.
func rough(d time.Duration) string {
	unit := time.Duration(1)
	for unit*1000 <= d {
		unit *= 10
	}
	return d.Round(unit).String()
}

// data is the packets as JSON: an object for each connection. A packet is a list of its
// time in microseconds, 1 if the requester has sent it, its type, number and size, how
// its body begins, and 1 if that is cut off.
func (r *Recorder) data() ([]byte, error) {
	type shown struct {
		Name    string            `json:"name"`
		From    string            `json:"from"`
		To      string            `json:"to"`
		All     int               `json:"all"`   // packets
		First   int               `json:"first"` // that are here before some that are not
		Left    int               `json:"left"`  // that are not here
		Packets []json.RawMessage `json:"packets"`
	}
	all, room, texts := []shown{}, mostData, mostTexts
	for _, c := range r.sorted() {
		s := shown{Name: c.id.String(), From: c.id.Requester, To: c.id.Instance, All: c.all, First: len(c.first), Packets: []json.RawMessage{}}
		packets, _ := c.packets()
		for _, p := range packets {
			body := p.body
			if texts < 0 {
				body = body[:min(len(body), cutText)]
			}
			text, err := json.Marshal([]any{p.At.Microseconds(), bit(p.Sent), p.Type, p.Number, p.Size, string(body), bit(len(body) < p.Size && p.Type != "DATA")})
			if err != nil {
				return nil, err
			}
			texts -= len(text)
			if room -= len(text); room < 0 {
				break
			}
			s.Packets = append(s.Packets, text)
		}
		s.First = min(s.First, len(s.Packets))
		s.Left = s.All - len(s.Packets)
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b shown) int { return strings.Compare(a.From, b.From) })
	return json.Marshal(all)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
