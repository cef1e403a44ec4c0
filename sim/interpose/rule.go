package interpose

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// A Rule says what happens to some packets. It may be in force on any number of
// wires at the same time, and must not be changed or copied once it is on one.
type Rule struct {
	Match Match
	// Do is what is done to a packet that matches, one after the other.
	Do []Action

	hits atomic.Int64
}

// Hits is how many packets have met the rule, on all wires together. It may be
// called at any time.
func (r *Rule) Hits() int { return int(r.hits.Load()) }

// SlowAcks is a rule under which the acknowledgements that pass in a direction
// come later, each by what draw draws. They overtake nothing of their own message,
// and everything else overtakes them.
func SlowAcks(from Direction, draw func(*rand.Rand) time.Duration) *Rule {
	return &Rule{Match: Match{From: from, Types: []string{"ACK"}}, Do: []Action{Delay(draw)}}
}

// WithheldAcks is a rule under which a share of the acknowledgements that pass in a
// direction never comes; 1 is all of them.
func WithheldAcks(from Direction, share float64) *Rule {
	return &Rule{Match: Match{From: from, Types: []string{"ACK"}, Share: share}, Do: []Action{Drop()}}
}

// A use is a rule in force on one wire. It is guarded by the wire's mutex.
type use struct {
	rule   *Rule
	random [2]*rand.Rand // by direction, so that neither disturbs the other
	seen   [2]int        // packets that match but for their count
	met    [2]int
	free   [2]time.Time // of a throttle: when the next packet may begin
}

func newUse(r *Rule, random *rand.Rand) *use {
	u := &use{rule: r}
	for i := range u.random {
		u.random[i] = rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
	}
	return u
}

// meets reports whether the rule is to act on a packet, and counts it.
func (u *use) meets(f *flow, p *Packet, m *message) bool {
	match := &u.rule.Match
	if !match.fits(f.dir, p) || len(match.Header) > 0 && !m.fits(u, p) {
		return false
	}
	i := f.dir.index()
	u.seen[i]++
	switch {
	case match.Nth > 0 && u.seen[i] != match.Nth,
		match.Every > 0 && u.seen[i]%match.Every != 0,
		match.Most > 0 && u.met[i] >= match.Most,
		match.Share > 0 && match.Share < 1 && u.random[i].Float64() >= match.Share:
		return false
	}
	u.met[i]++
	u.rule.hits.Add(1)
	return true
}
