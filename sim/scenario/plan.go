package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A Plan is what a scenario describes, for pictures of it.
type Plan struct {
	About      string
	TLS        bool
	Link       string // how links behave that have no profile of their own
	Services   []PlannedGroup
	Requesters []PlannedGroup
	Links      []PlannedLink
	Faults     []PlannedFault // in the order of the file, as in Outcome.Faults
}

// A PlannedGroup is a service or a requester with its hosts.
type PlannedGroup struct {
	Name    string
	Hosts   []string
	Actions []string // that it offers, or calls, without ~1
	Notes   []string // what is special about it
}

// A PlannedLink is links that have a profile of their own, between two names.
type PlannedLink struct {
	Between [2]string
	Profile string
	OneWay  bool
}

// A PlannedFault is a fault with its time: from At until Until, or at At alone where both
// are the same.
type PlannedFault struct {
	Name, What string
	At, Until  time.Duration
	Hosts      []string  // that it happens to
	Between    [2]string // names, between which it happens; empty where that is not so
}

// Plan returns what the scenario describes, where a run takes a time; 0 is its own.
func (s *Scenario) Plan(duration time.Duration) *Plan {
	if duration == 0 {
		duration = s.Duration
	}
	p := &Plan{About: s.About, TLS: s.tls, Link: s.link.words()}
	for i := range s.services {
		v := &s.services[i]
		g := PlannedGroup{Name: v.Name, Hosts: v.hosts()}
		for _, a := range v.Actions {
			name := a.Name
			if a.Version > 1 {
				name = fmt.Sprintf("%s~%d", name, a.Version)
			}
			g.Actions = append(g.Actions, name)
		}
		g.note(v.Bug, v.Sector)
		if v.Unauthorized {
			g.Notes = append(g.Notes, "not authorised")
		}
		p.Services = append(p.Services, g)
	}
	for i := range s.requesters {
		q := &s.requesters[i]
		g := PlannedGroup{Name: q.Name, Hosts: q.hosts()}
		for _, l := range q.Calls {
			g.Actions = append(g.Actions, strings.TrimSuffix(l.Action, "~1"))
		}
		g.note(q.Bug, q.Sector)
		p.Requesters = append(p.Requesters, g)
	}
	for i := range s.links {
		l := &s.links[i]
		p.Links = append(p.Links, PlannedLink{[2]string{l.between[0].text, l.between[1].text}, l.profile.words(), l.oneWay})
	}
	for i := range s.faults {
		p.Faults = append(p.Faults, s.faults[i].planned(duration))
	}
	return p
}

func (g *PlannedGroup) note(bug, sector string) {
	if bug != "" {
		g.Notes = append(g.Notes, "bug: "+bug)
	}
	if sector != "" && sector != "main" {
		g.Notes = append(g.Notes, "sector "+sector)
	}
}

// momentary are the faults that happen at a moment.
var momentary = map[string]bool{"reset": true, "restart": true, "start": true, "resume": true}

func (f *fault) planned(duration time.Duration) PlannedFault {
	p := PlannedFault{Name: f.name, What: f.what, At: f.when, Until: duration, Hosts: f.hosts}
	switch {
	case momentary[f.what]:
		p.Until = f.when
	case f.what == "rolling":
		n := time.Duration(len(f.hosts))
		p.Until = f.when + n*f.down + (n-1)*f.every
	case f.lasts > 0:
		p.Until = f.when + f.lasts
	}
	p.Until = max(min(p.Until, duration), p.At)
	if len(f.between) == 2 {
		p.Between = [2]string{f.between[0].text, f.between[1].text}
	}
	return p
}

// words are the profile in a few words: the preset, and what differs from it.
func (l *linkProfile) words() string {
	var all []string
	add := func(word string, is bool) {
		if is {
			all = append(all, word)
		}
	}
	add(l.preset, l.preset != "")
	preset, err := simnet.Preset(l.preset)
	if err != nil {
		preset = simnet.Profile{}
	}
	add(l.Latency.String(), l.Latency != preset.Latency)
	add(fmt.Sprintf("± %v", l.Jitter), l.Jitter != preset.Jitter)
	add(fmt.Sprintf("%d kB/s", l.Bandwidth/1000), l.Bandwidth != preset.Bandwidth)
	add(fmt.Sprintf("%.3g%% lost", 100*l.Loss), l.Loss != preset.Loss)
	add(fmt.Sprintf("in pieces of %d", l.Segment), l.Segment != preset.Segment)
	if len(all) == 0 {
		return "no latency"
	}
	return strings.Join(all, ", ")
}
