package conformance

import (
	"time"
)

// await waits until done, at most for d; it reports whether done came true. pl.mu is held, and done is called with it.
func (pl *play) await(d time.Duration, done func() bool) bool {
	return pl.awaitWith(newPatience(d, nil), done)
}

// awaitWith is await with a patience of its own.
func (pl *play) awaitWith(pt *patience, done func() bool) bool {
	for !done() {
		left := pt.left()
		if left <= 0 || pl.interrupted() {
			return false
		}
		timer := time.AfterFunc(left, pl.wake)
		pl.change.Wait()
		timer.Stop()
	}
	return true
}

// A patience is how long something is awaited: a time, or, where a connection is given, that time anew whenever octets
// have come on it. A large body on a slow way is no hang.
type patience struct {
	limit        time.Duration
	p            *peer
	began, since time.Time
	octets       int
	metAt        time.Time // when what is awaited was seen to be there; zero: not yet
}

// tooLate reports whether what is awaited since a time was there only when the patience was over.
func (pt *patience) tooLate(began time.Time) bool {
	return pt.p == nil && !pt.metAt.IsZero() && pt.metAt.Sub(began) > pt.limit
}

// longest is how many times its limit a patience lasts at most.
const longest = 12

func newPatience(limit time.Duration, p *peer) *patience {
	pt := &patience{limit: limit, p: p, began: time.Now()}
	pt.since = pt.began
	if p != nil {
		pt.octets = p.octets
	}
	return pt
}

// left is how much of it is left. play.mu is held.
func (pt *patience) left() time.Duration {
	now := time.Now()
	if pt.p != nil && pt.p.octets > pt.octets && now.Sub(pt.began) < longest*pt.limit {
		pt.since, pt.octets = now, pt.p.octets
	}
	return pt.limit - now.Sub(pt.since)
}
