package discovery

import (
	"bytes"
	"container/heap"
	linked "container/list"
	"hash/maphash"
	"time"
)

// A memory is what a Directory that listens to the group remembers of each identity: until when it lives, and the highest
// timestamp, so that older packets are refused for a while after it has gone.
type memory struct {
	byIdentity map[Identity]*remembered
	byPacket   map[uint64]*remembered // live ones, by the hash of their packets
	alive      timeline
	expired    timeline    // remembered for their timestamps alone
	silent     linked.List // live ones, those that have been silent longest first
	octets     int         // of packets of live ones
	parsed     int         // octets of what they say, about
}

// remembered is one identity.
type remembered struct {
	id        Identity
	timestamp float64
	packet    []byte    // the one accepted last; nil: it has expired
	hash      uint64    // of the packet
	until     time.Time // the end of its life, or of its being remembered
	index     int       // in its timeline; -1: in none
	parsed    int       // octets of what the packet says, about
	silent    *linked.Element
}

// A timeline is a heap by until.
type timeline []*remembered

func (t timeline) Len() int           { return len(t) }
func (t timeline) Less(i, j int) bool { return t[i].until.Before(t[j].until) }
func (t timeline) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}
func (t *timeline) Push(x any) {
	r := x.(*remembered)
	r.index = len(*t)
	*t = append(*t, r)
}
func (t *timeline) Pop() any {
	old := *t
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	return r
}

// Heard is what Hear has done with a packet.
type Heard int

// The outcomes of Hear.
const (
	Accepted  Heard = iota // the instance is new, or says something else
	Refreshed              // nothing has changed but that it was heard
	Replayed               // refused: a newer packet of the identity was accepted before (DISC-RPL-01a)
)

// Refresh lets an instance live on if this very packet is its present one; then there is no need to verify it again
// (DISC-RPL-06, DISC-CMG-06). It reports whether it is.
func (d *Directory) Refresh(packet []byte, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.heard == nil {
		return false
	}
	r := d.heard.byPacket[maphash.Bytes(packetSeed, packet)]
	if r == nil || !bytes.Equal(r.packet, packet) {
		return false
	}
	d.live(r, d.instances[r.id], now)
	return true
}

var packetSeed = maphash.MakeSeed()

// Hear takes in an announcement that has been verified: it replaces what the identity said before, unless that was newer,
// and lives for its Expiry. now is a reading of time.Now, or of the clock that stands for it.
func (d *Directory) Hear(a *Announcement, now time.Time) Heard {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.heard == nil {
		d.heard = &memory{byIdentity: map[Identity]*remembered{}, byPacket: map[uint64]*remembered{}}
		d.instances = map[Identity]*Announcement{}
	}
	m := d.heard
	r := m.byIdentity[a.Identity]
	switch {
	case r == nil:
		r = &remembered{id: a.Identity, index: -1}
		m.byIdentity[a.Identity] = r
	case a.Timestamp < r.timestamp:
		return Replayed
	case bytes.Equal(r.packet, a.Packet):
		d.live(r, d.instances[a.Identity], now)
		return Refreshed
	}
	if r.packet == nil && r.index >= 0 {
		heap.Remove(&m.expired, r.index)
		r.index = -1
	}
	m.octets += len(a.Packet) - len(r.packet)
	m.parsed += a.footprint() - r.parsed
	r.parsed = a.footprint()
	delete(m.byPacket, r.hash)
	r.timestamp, r.packet, r.hash = a.Timestamp, a.Packet, maphash.Bytes(packetSeed, a.Packet)
	m.byPacket[r.hash] = r
	d.instances[a.Identity] = a
	d.live(r, a, now)
	d.forget()
	d.touch()
	return Accepted
}

// live lets an instance live on from now. d.mu is held.
func (d *Directory) live(r *remembered, a *Announcement, now time.Time) {
	r.until = now.Add(a.Expiry())
	m := d.heard
	if r.index < 0 {
		heap.Push(&m.alive, r)
		r.silent = m.silent.PushBack(r)
	} else {
		heap.Fix(&m.alive, r.index)
		m.silent.MoveToBack(r.silent)
	}
}

// forget keeps the memory within its bounds: expired identities go before live ones, of live ones those that have been silent
// longest, whatever they say of their intervals. d.mu is held.
func (d *Directory) forget() {
	m := d.heard
	for m.octets > mostStored || m.parsed > mostParsed {
		d.end(m.silent.Front().Value.(*remembered))
	}
	for len(m.byIdentity) > mostRemembered {
		if len(m.expired) == 0 {
			d.end(m.silent.Front().Value.(*remembered))
		}
		r := heap.Pop(&m.expired).(*remembered)
		delete(m.byIdentity, r.id)
	}
}

// end ends the life of an instance; its timestamp is remembered for a while. d.mu is held.
func (d *Directory) end(r *remembered) {
	m := d.heard
	heap.Remove(&m.alive, r.index)
	m.silent.Remove(r.silent)
	m.octets -= len(r.packet)
	m.parsed -= r.parsed
	delete(m.byPacket, r.hash)
	r.packet, r.hash, r.parsed, r.silent = nil, 0, 0, nil
	r.until = r.until.Add(rememberFor)
	heap.Push(&m.expired, r)
	delete(d.instances, r.id)
	d.touch()
}

// Expire lets the instances go that have been silent for too long, and returns when it must be called again; the zero
// time is never (DISC-RPL-02).
func (d *Directory) Expire(now time.Time) (next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.heard == nil {
		return time.Time{}
	}
	m := d.heard
	for len(m.alive) > 0 && !m.alive[0].until.After(now) {
		d.end(m.alive[0])
	}
	for len(m.expired) > 0 && !m.expired[0].until.After(now) {
		delete(m.byIdentity, heap.Pop(&m.expired).(*remembered).id)
	}
	for _, t := range []timeline{m.alive, m.expired} {
		if len(t) > 0 && (next.IsZero() || t[0].until.Before(next)) {
			next = t[0].until
		}
	}
	return next
}
