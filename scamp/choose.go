package scamp

import (
	"errors"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
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

// A choice is the instance that an attempt calls.
type choice struct {
	discovery.Instance
	trusted  bool        // the operator has listed it for the action
	standing *standing   // which counts the attempt
	conn     *Connection // the one that there is; nil: there is none
}

// How good a candidate is; less is better.
const (
	classHealthy = iota
	classFailed  // marked, and left alone as long as there are others (DISC-RTE-03b)
	classWaiting // it must not be dialled yet
	classes
)

// rooms are for what the directory finds: there may be thousands.
var rooms = sync.Pool{New: func() any { return new([]discovery.Instance) }}

// pick takes one of the instances that may be called (DISC-RTE-01), except one, and
// counts a call of it. Candidates are looked at in random order until there are as
// many of the best class as are compared: what a call costs does not depend on how
// many there are.
func (q *Requester) pick(w *want, except *discovery.Identity, now time.Time) (choice, error) {
	if q.Fresh != nil {
		if err := q.Fresh(); err != nil {
			return choice{}, err
		}
	}
	if q.Directory == nil {
		return choice{}, errNoDirectory
	}
	var authorized *discovery.Authorized
	if q.Authorized != nil {
		authorized = q.Authorized()
	}
	room := rooms.Get().(*[]discovery.Instance)
	defer rooms.Put(room)
	found := q.Directory.Lookup((*room)[:0], w.sector, w.action, w.version, w.envelope)
	*room = found
	announced := len(found)
	if w.ident != "" {
		found = slices.DeleteFunc(found, func(i discovery.Instance) bool { return !pinned(w.ident, i.Identity) })
	}
	matching := len(found)
	if except != nil {
		found = slices.DeleteFunc(found, func(i discovery.Instance) bool { return i.Identity == *except })
	}
	var random rand.PCG
	if len(found) > 1 {
		random.Seed(q.draw(), 0)
	}
	if chosen, ok := q.choose(found, authorized, &random, now); ok {
		return chosen, nil
	}
	return choice{}, &NoServiceError{Sector: w.sector, Action: w.action, Version: w.version, Envelope: w.envelope, Ident: w.ident,
		Announced: announced, Matching: matching}
}

var errNoDirectory = errors.New("scamp: the requester has no directory")

// choose takes one of the candidates that are authorised (DISC-RTE-03). It changes
// their order.
func (q *Requester) choose(found []discovery.Instance, authorized *discovery.Authorized, random *rand.PCG, now time.Time) (choice, bool) {
	compared := 2
	if q.Uniform {
		compared = 1
	}
	var best [2]struct {
		*discovery.Instance
		*standing
	}
	n, class := 0, classes
	q.mu.Lock()
	defer q.mu.Unlock()
	for k := range found {
		if rest := len(found) - k; rest > 1 {
			j := k + below(random, rest)
			found[k], found[j] = found[j], found[k]
		}
		i := &found[k]
		if !authorized.Allows(i.Fingerprint, i.Action.Sector, i.Action.Name) {
			continue
		}
		p := q.health.standings[i.Identity]
		c := q.class(i, p, now)
		if c < class {
			n, class = 0, c
		}
		if c == class && n < compared {
			best[n].Instance, best[n].standing = i, p
			n++
		}
		if class == classHealthy && n == compared {
			break
		}
	}
	if n == 0 {
		return choice{}, false
	}
	b := &best[0]
	if n == 2 && best[1].calls() < b.calls() {
		b = &best[1]
	}
	if b.standing == nil {
		b.standing = q.standing(b.Identity)
	}
	b.standing.outstanding.Add(1)
	chosen := choice{Instance: *b.Instance, standing: b.standing}
	chosen.trusted = authorized.Trusts(chosen.Fingerprint, chosen.Action.Sector, chosen.Action.Name)
	if r := q.pool.routes[target{chosen.URI, chosen.Fingerprint}]; r != nil && !q.closed {
		chosen.conn = r.conn
	}
	return chosen, true
}

// class says how good a candidate is. q.mu is held.
func (q *Requester) class(i *discovery.Instance, p *standing, now time.Time) int {
	if r := q.pool.routes[target{i.URI, i.Fingerprint}]; r != nil && now.Before(r.until) {
		return classWaiting
	}
	if p != nil && now.Before(p.until) {
		return classFailed
	}
	return classHealthy
}

// calls returns how many calls have not ended; of an instance of which nothing is
// known, none.
func (p *standing) calls() int64 {
	if p == nil {
		return 0
	}
	return p.outstanding.Load()
}

// below returns a random number from 0 to n-1.
func below(random *rand.PCG, n int) int {
	high, _ := bits.Mul64(random.Uint64(), uint64(n))
	return int(high)
}

// draw returns a random number. It calls what is not ours: no lock may be held.
func (q *Requester) draw() uint64 {
	if q.Rand != nil {
		return uint64(q.Rand(1 << 30))
	}
	return rand.Uint64()
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
