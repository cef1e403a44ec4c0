package simnet

import (
	"math/rand/v2"
	"syscall"
	"time"
)

// A Link joins two hosts, in both directions. Its faults can be changed at any
// time; they count how often they were met.
type Link struct {
	n      *Network
	a, b   *Host
	ab, ba *path
}

// A path is one direction of a link.
type path struct {
	n        *Network
	from, to *Host
	random   *rand.Rand

	// Guarded by n.mu.
	profile *Profile // nil: the network's
	free    time.Time
	blocked int     // reasons to hold what is on its way
	held    []event // in the order in which they would have happened
	counts  Counts
}

// Counts says how often the faults of one direction were met, and what has passed.
type Counts struct {
	Segments   int // of streams that were sent
	Octets     int // in them
	Datagrams  int // that were sent
	Lost       int // segments and datagrams
	Duplicated int // datagrams
	Reordered  int // datagrams
	Held       int // by a partition, a stall or a paused host
	Reset      int // connections
}

// Ends returns the hosts that the link joins.
func (l *Link) Ends() (a, b *Host) { return l.a, l.b }

// side returns the direction that begins at a host, nil for a host that is not an
// end of the link.
func (l *Link) side(from *Host) *path {
	switch from {
	case l.a:
		return l.ab
	case l.b:
		return l.ba
	}
	return nil
}

// SetProfile sets the profile of both directions.
func (l *Link) SetProfile(p Profile) error {
	if err := p.Check(); err != nil {
		return err
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.ab.profile, l.ba.profile = &p, &p
	return nil
}

// SetProfileFrom sets the profile of the direction that begins at a host.
func (l *Link) SetProfileFrom(from *Host, p Profile) error {
	if err := p.Check(); err != nil {
		return err
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if q := l.side(from); q != nil {
		q.profile = &p
	}
	return nil
}

// Partition lets nothing pass, in either direction, until what it returns is
// called. Streams go on then, with all that was written; datagrams are gone.
func (l *Link) Partition() (heal func()) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.ab.block()
	if l.ba != l.ab {
		l.ba.block()
	}
	return l.n.once(func() {
		l.ab.unblock()
		if l.ba != l.ab {
			l.ba.unblock()
		}
	})
}

// PartitionFrom is Partition for the direction that begins at a host.
func (l *Link) PartitionFrom(from *Host) (heal func()) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	q := l.side(from)
	if q == nil {
		return func() {}
	}
	q.block()
	return l.n.once(q.unblock)
}

// Reset resets all connections over the link, and returns how many there were.
func (l *Link) Reset() (connections int) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	for _, s := range l.a.sortedStreams() {
		if s.peer.host == l.b {
			s.abort(syscall.ECONNRESET)
			s.peer.abort(syscall.ECONNRESET)
			connections++
		}
	}
	l.ab.counts.Reset += connections
	return connections
}

// Counts returns what has passed in the direction that begins at a host.
func (l *Link) Counts(from *Host) Counts {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if q := l.side(from); q != nil {
		return q.counts
	}
	return Counts{}
}

// once returns a function that calls f the first time, with n.mu held.
func (n *Network) once(f func()) func() {
	done := false
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if !done {
			done = true
			f()
		}
	}
}

func (q *path) settings() *Profile {
	if q.profile != nil {
		return q.profile
	}
	if q.from == q.to {
		return &Profile{} // within a host
	}
	return &q.n.profile
}

// block holds what is on its way. n.mu is held.
func (q *path) block() { q.blocked++ }

// unblock lets what was held happen now, in its order. n.mu is held.
func (q *path) unblock() {
	if q.blocked--; q.blocked > 0 {
		return
	}
	now := time.Now()
	for _, e := range q.held {
		q.n.schedule(now, q, e.do)
	}
	q.held = nil
}

// hold keeps an event that cannot happen now. n.mu is held.
func (q *path) hold(e event) bool {
	if q == nil || q.blocked == 0 {
		return false
	}
	q.held = append(q.held, e)
	q.counts.Held++
	return true
}

// arrival says when so many octets of a stream arrive that leave now: behind what
// left before. n.mu is held.
func (q *path) arrival(octets int, last time.Time) time.Time {
	p := q.settings()
	now := time.Now()
	leaves := now
	if p.Bandwidth > 0 {
		if q.free.After(leaves) {
			leaves = q.free
		}
		leaves = leaves.Add(time.Duration(float64(octets) / float64(p.Bandwidth) * float64(time.Second)))
		q.free = leaves
	}
	late, times := p.lost(q.random)
	q.counts.Lost += times
	q.counts.Segments++
	q.counts.Octets += octets
	at := leaves.Add(p.Latency + p.jitter(q.random) + late)
	if !at.After(last) {
		at = last.Add(1)
	}
	return at
}
