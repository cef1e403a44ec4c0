// Package page makes a page of a run of a scenario: one HTML file without anything
// from elsewhere, with the topology, latencies and errors over time, the numbers, and
// the packets of connections.
package page

import (
	"slices"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// What a page has at most. Together they keep it under 10 MB.
const (
	mostConnections = 120  // whose packets are kept
	firstPackets    = 120  // of each of them
	lastPackets     = 120  // of each, after those
	mostText        = 1024 // octets of a body
	mostEvents      = 400  // things that happen
	bins            = 120  // of time
)

// A Recorder collects what a page shows while a scenario runs. It does not change the
// run. Its hooks may be called from any goroutine.
type Recorder struct {
	plan     *scenario.Plan
	duration time.Duration

	mu          sync.Mutex
	bins        [bins]bin
	events      []event
	moreEvents  int
	connections map[sim.ConnectionID]*connection
	more        map[sim.ConnectionID]bool // connections without packets
}

// A bin is the calls that began in a part of the time.
type bin struct {
	kinds   map[sim.Kind]int
	latency sim.Histogram // of those that succeeded
}

type event struct {
	at   time.Duration
	what string
}

// A connection is its first packets, and its last ones.
type connection struct {
	id    sim.ConnectionID
	first []packet
	last  []packet // a ring, when there are lastPackets
	next  int
	all   int // packets
}

type packet struct {
	sim.Packet
	body []byte // as much as is kept of it; nil of DATA
}

// NewRecorder returns a recorder of one run of a scenario, which takes a time; 0 is the
// scenario's.
func NewRecorder(s *scenario.Scenario, duration time.Duration) *Recorder {
	if duration == 0 {
		duration = s.Duration
	}
	return &Recorder{plan: s.Plan(duration), duration: duration, connections: map[sim.ConnectionID]*connection{}, more: map[sim.ConnectionID]bool{}}
}

// Watch lets the recorder see what a run with these options does, besides who sees it
// already.
func (r *Recorder) Watch(o *scenario.Options) {
	ended, noted, passed := o.Ended, o.Noted, o.Passed
	o.Ended = func(c sim.Call) {
		r.call(&c)
		if ended != nil {
			ended(c)
		}
	}
	o.Noted = func(at time.Duration, what string) {
		r.event(at, what)
		if noted != nil {
			noted(at, what)
		}
	}
	o.Passed = func(c sim.ConnectionID, p sim.Packet, body []byte) {
		r.packet(c, p, body)
		if passed != nil {
			passed(c, p, body)
		}
	}
}

func (r *Recorder) call(c *sim.Call) {
	i := min(int(c.Began*bins/r.duration), bins-1)
	r.mu.Lock()
	defer r.mu.Unlock()
	b := &r.bins[i]
	if b.kinds == nil {
		b.kinds = map[sim.Kind]int{}
	}
	b.kinds[c.Kind]++
	if c.Kind == sim.OK {
		b.latency.Add(c.Took)
	}
}

func (r *Recorder) event(at time.Duration, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == mostEvents {
		r.moreEvents++
		return
	}
	r.events = append(r.events, event{at, what})
}

func (r *Recorder) packet(id sim.ConnectionID, p sim.Packet, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.connections[id]
	if c == nil {
		if len(r.connections) == mostConnections {
			if len(r.more) < 100_000 {
				r.more[id] = true
			}
			return
		}
		c = &connection{id: id}
		r.connections[id] = c
	}
	c.all++
	kept := packet{Packet: p}
	if p.Type != "DATA" {
		kept.body = slices.Clone(body[:min(len(body), mostText)])
	}
	switch {
	case len(c.first) < firstPackets:
		c.first = append(c.first, kept)
	case len(c.last) < lastPackets:
		c.last = append(c.last, kept)
	default:
		c.last[c.next] = kept
		c.next = (c.next + 1) % lastPackets
	}
}

// packets are those of the connection in the order in which they passed, and how many
// are left out after the first ones.
func (c *connection) packets() (all []packet, left int) {
	all = slices.Concat(c.first, c.last[c.next:], c.last[:c.next])
	return all, c.all - len(all)
}

// sorted are the connections, by their numbers.
func (r *Recorder) sorted() []*connection {
	all := make([]*connection, 0, len(r.connections))
	for _, c := range r.connections {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *connection) int { return a.id.Compare(b.id) })
	return all
}
