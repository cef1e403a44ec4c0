package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// The topology is drawn in these units.
const (
	topoWidth  = 760.0
	groupWidth = 268.0
	groupGap   = 16.0
	hostHigh   = 24.0
	hostGap    = 4.0
	mostHosts  = 8 // of a group that are drawn one by one
	mostGroups = 24
)

// A topology is the picture of who is there.
type topology struct {
	Width, Height float64
	Groups        []group
	Edges         []edge
	Left          int // groups that are not in it
}

type group struct {
	X, Y, Width, Height float64
	Name, Notes         string
	Service             bool
	Actions             string
	Marks               []mark
	Hosts               []host
	ends, taken         int // of edges
}

// end is the height at which the next edge ends: they are spread over the side.
func (g *group) end() float64 {
	g.taken++
	return g.Y + g.Height*float64(g.taken)/float64(g.ends+1)
}

type host struct {
	X, Y, Width float64
	Name        string
	Marks       []mark
}

// A mark is the number of a fault.
type mark struct {
	X, Y   float64
	Number int
	Title  string
}

// An edge is who calls whom.
type edge struct {
	Path, Text, Title string
	X, Y              float64 // of the text
	Own               bool    // its links have a profile of their own
	Marks             []mark
}

// topology draws the plan: requesters on the left, services on the right.
func (r *Recorder) topology() *topology {
	t := &topology{Width: topoWidth}
	p := r.plan
	left, right := p.Requesters, p.Services
	for _, side := range []*[]scenario.PlannedGroup{&left, &right} {
		if n := len(*side); n > mostGroups {
			t.Left += n - mostGroups
			*side = (*side)[:mostGroups]
		}
	}
	heights := [2]float64{}
	for side, groups := range [][]scenario.PlannedGroup{left, right} {
		y := 4.0
		for _, g := range groups {
			drawn := r.group(g, side == 1, y)
			t.Groups = append(t.Groups, drawn)
			y += drawn.Height + groupGap
		}
		heights[side] = y - groupGap + 4
	}
	t.Height = max(heights[0], heights[1])
	for i := range t.Groups { // the smaller side stands in the middle
		side := 0
		if t.Groups[i].Service {
			side = 1
		}
		t.Groups[i].move((t.Height - heights[side]) / 2)
	}
	at := func(of int) *group { return &t.Groups[of] }
	type pair struct{ q, s int }
	var pairs []pair
	for i, q := range left {
		for k, s := range right {
			if calls(q, s) {
				pairs = append(pairs, pair{i, k})
				at(i).ends++
				at(len(left)+k).ends++
			}
		}
	}
	for _, p := range pairs {
		t.Edges = append(t.Edges, r.edge(at(p.q), at(len(left)+p.s), left[p.q], right[p.s]))
	}
	return t
}

// calls reports whether a requester calls an action of a service.
func calls(q, s scenario.PlannedGroup) bool {
	return slices.ContainsFunc(q.Actions, func(a string) bool {
		return slices.ContainsFunc(s.Actions, func(b string) bool { return strings.EqualFold(a, b) })
	})
}

// group draws one group of hosts.
func (r *Recorder) group(g scenario.PlannedGroup, service bool, y float64) group {
	d := group{X: 4, Y: y, Width: groupWidth, Name: g.Name, Notes: strings.Join(g.Notes, ", "), Service: service}
	if service {
		d.X = topoWidth - groupWidth - 4
		d.Actions = brief(strings.Join(g.Actions, ", "), 42)
	}
	d.Height = 30
	if d.Actions != "" {
		d.Height += 16
	}
	if d.Notes != "" {
		d.Height += 16
	}
	if len(g.Hosts) == 1 && g.Hosts[0] == g.Name {
		d.Marks = r.marks(func(f *scenario.PlannedFault) bool { return slices.Contains(f.Hosts, g.Name) }, d.X+d.Width-14, d.Y+16)
		return d
	}
	top := d.Y + d.Height
	for i, name := range g.Hosts {
		if i == mostHosts-1 && len(g.Hosts) > mostHosts {
			rest := g.Hosts[i:]
			d.Hosts = append(d.Hosts, host{d.X + 10, top, d.Width - 20, fmt.Sprintf("and %d more", len(rest)),
				r.marks(func(f *scenario.PlannedFault) bool {
					return slices.ContainsFunc(f.Hosts, func(h string) bool { return slices.Contains(rest, h) })
				}, d.X+d.Width-24, top+hostHigh/2)})
			top += hostHigh + hostGap
			break
		}
		d.Hosts = append(d.Hosts, host{d.X + 10, top, d.Width - 20, name,
			r.marks(func(f *scenario.PlannedFault) bool { return slices.Contains(f.Hosts, name) }, d.X+d.Width-24, top+hostHigh/2)})
		top += hostHigh + hostGap
	}
	d.Height = top - d.Y + 6
	return d
}

// marks are the numbers of the faults that are meant, from right to left.
func (r *Recorder) marks(meant func(*scenario.PlannedFault) bool, x, y float64) (all []mark) {
	for i := len(r.plan.Faults) - 1; i >= 0; i-- {
		f := &r.plan.Faults[i]
		if meant(f) && len(all) < 6 {
			all = append(all, mark{x - 19*float64(len(all)), y, i + 1, f.Name})
		}
	}
	return all
}

func (g *group) move(by float64) {
	g.Y += by
	for i := range g.Marks {
		g.Marks[i].Y += by
	}
	for i := range g.Hosts {
		h := &g.Hosts[i]
		h.Y += by
		for k := range h.Marks {
			h.Marks[k].Y += by
		}
	}
}

// edge draws that a requester calls a service.
func (r *Recorder) edge(a, b *group, q, s scenario.PlannedGroup) edge {
	x1, y1, x2, y2 := a.X+a.Width, a.end(), b.X-7, b.end()
	mid := (x1 + x2) / 2
	e := edge{Path: fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x1, y1, mid, y1, mid, y2, x2, y2), X: x2 - 8, Y: y2 - 5, Text: r.plan.Link}
	between := func(names [2]string) bool {
		one := func(name string, g scenario.PlannedGroup) bool {
			return name == g.Name || slices.Contains(g.Hosts, name)
		}
		return one(names[0], q) && one(names[1], s) || one(names[1], q) && one(names[0], s)
	}
	var own []string
	for _, l := range r.plan.Links {
		if between(l.Between) {
			own = append(own, fmt.Sprintf("%s and %s: %s", l.Between[0], l.Between[1], l.Profile))
			e.Text = l.Profile
			if l.Between != [2]string{q.Name, s.Name} && l.Between != [2]string{s.Name, q.Name} {
				e.Text = "some " + l.Profile
			}
		}
	}
	e.Own = own != nil
	e.Title = fmt.Sprintf("%s calls %s; links: %s", q.Name, s.Name, strings.Join(append(own, r.plan.Link), "; "))
	e.Text = brief(e.Text, 26)
	const t = 0.3 // of the curve, where the marks stand
	x, y := bezier(t, x1, mid, mid, x2), bezier(t, y1, y1, y2, y2)
	e.Marks = r.marks(func(f *scenario.PlannedFault) bool { return f.Between[0] != "" && between(f.Between) }, x, y)
	return e
}

// bezier is a coordinate of a curve.
func bezier(t, a, b, c, d float64) float64 {
	u := 1 - t
	return u*u*u*a + 3*u*u*t*b + 3*u*t*t*c + t*t*t*d
}

// brief is a text of at most n characters.
func brief(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

// Where texts stand.

func (g *group) below(lines int) float64 { return g.Y + 20 + 16*float64(lines) }

// TextX is where the texts of a group begin.
func (g group) TextX() float64 { return g.X + 12 }

// NameY, ActionsY and NotesY are the lines of its texts.
func (g group) NameY() float64    { return g.below(0) }
func (g group) ActionsY() float64 { return g.below(1) }
func (g group) NotesY() float64 {
	if g.Actions == "" {
		return g.below(1)
	}
	return g.below(2)
}

// Short is as much of the name as there is room for.
func (g group) Short() string { return brief(g.Name, 30) }

// TextX and TextY are where the name of a host stands, and Short is as much of it as
// there is room for.
func (h host) TextX() float64 { return h.X + 8 }
func (h host) TextY() float64 { return h.Y + 16.5 }
func (h host) Short() string  { return brief(h.Name, 28) }

// TextY is where the number stands.
func (m mark) TextY() float64 { return m.Y + 4 }
