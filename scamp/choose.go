package scamp

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// health is what a Requester knows about instances from having called them.
type health struct {
	standings map[discovery.Identity]*standing
	sweepAt   int // the number of standings at which those that say nothing are dropped
}

// A standing is what is known about one instance.
type standing struct {
	outstanding atomic.Int64 // calls that have not ended

	// Guarded by Requester.mu.
	failures []time.Time // of the last 24 hours, the last 60 of them
	until    time.Time   // out of the choice until then
}

const (
	failuresCount = 24 * time.Hour
	mostFailures  = 60 // minutes out of the choice are no more
)

// choose takes one of the candidates and counts a call to it: one that is
// neither marked failed nor waiting to be dialled again, if there is one
// (DISC-RTE-03). There is at least one candidate.
func (q *Requester) choose(found []discovery.Instance) (discovery.Instance, *standing) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	least, n := 3, 0 // the best class, and how many of it stand at the beginning
	for i := range found {
		class := q.class(&found[i], now)
		if class < least {
			least, n = class, 0
		}
		if class == least {
			found[n], found[i] = found[i], found[n]
			n++
		}
	}
	best := found[:n]
	i := q.random(len(best))
	if len(best) > 1 && !q.Uniform {
		j := q.random(len(best) - 1)
		if j >= i {
			j++
		}
		if q.outstanding(&best[j]) < q.outstanding(&best[i]) {
			i = j
		}
	}
	p := q.standing(best[i].Identity)
	p.outstanding.Add(1)
	return best[i], p
}

// class says how good a candidate is: 0 healthy, 1 marked failed, 2 not to be
// dialled yet. q.mu is held.
func (q *Requester) class(i *discovery.Instance, now time.Time) int {
	if r := q.pool.routes[target{i.URI, i.Fingerprint}]; r != nil && now.Before(r.until) {
		return 2
	}
	if p := q.health.standings[i.Identity]; p != nil && now.Before(p.until) {
		return 1
	}
	return 0
}

func (q *Requester) outstanding(i *discovery.Instance) int64 {
	if p := q.health.standings[i.Identity]; p != nil {
		return p.outstanding.Load()
	}
	return 0
}

func (q *Requester) random(n int) int {
	if n == 1 {
		return 0
	}
	if q.Rand != nil {
		return q.Rand(n)
	}
	return rand.IntN(n)
}

// standing returns what is known about an instance. q.mu is held.
func (q *Requester) standing(id discovery.Identity) *standing {
	h := &q.health
	p := h.standings[id]
	if p == nil {
		if h.standings == nil {
			h.standings = map[discovery.Identity]*standing{}
		}
		if len(h.standings) >= max(h.sweepAt, 64) {
			h.sweep(time.Now())
		}
		p = new(standing)
		h.standings[id] = p
	}
	return p
}

// sweep drops what says nothing: instances come and go, and each start of a
// service is a new one.
func (h *health) sweep(now time.Time) {
	for id, p := range h.standings {
		if p.outstanding.Load() == 0 && (len(p.failures) == 0 || now.Sub(p.failures[len(p.failures)-1]) > failuresCount) {
			delete(h.standings, id)
		}
	}
	h.sweepAt = 2 * len(h.standings)
}

// mark notes that an instance has failed an attempt that began then: the n-th
// failure within 24 hours takes it out of the choice for n minutes (WIRE-ERR-08a,
// DISC-RTE-04a). Attempts that began before the last mark add nothing to it: of
// a hundred calls that meet one outage only the first counts.
func (q *Requester) mark(id discovery.Identity, began time.Time) {
	q.mu.Lock()
	until, ok := q.standing(id).fail(began, time.Now())
	q.mu.Unlock()
	if ok {
		q.Config.logger().Warn("instance marked failed", "ident", id.Ident, "fingerprint", id.Fingerprint, "until", until)
	}
}

func (p *standing) fail(began, now time.Time) (until time.Time, ok bool) {
	if n := len(p.failures); n > 0 && began.Before(p.failures[n-1]) {
		return until, false
	}
	p.failures = slices.DeleteFunc(p.failures, func(t time.Time) bool { return now.Sub(t) >= failuresCount })
	if len(p.failures) == mostFailures {
		p.failures = slices.Delete(p.failures, 0, 1)
	}
	p.failures = append(p.failures, now)
	p.until = now.Add(time.Duration(len(p.failures)) * time.Minute)
	return p.until, true
}
