package events

import "time"

// A backoff is how long a subscriber waits before it connects again: 50 ms at first, doubling up to 10 s (WIRE-CONN-07).
type backoff struct{ last time.Duration }

const (
	firstPause = 50 * time.Millisecond
	mostPause  = 10 * time.Second
)

// next returns the next pause. Up to a quarter of it is taken away at random, a number from 0 to 1, so that subscribers that
// have lost their connections together do not come back together.
func (b *backoff) next(random float64) time.Duration {
	b.last = min(max(2*b.last, firstPause), mostPause)
	return b.last - time.Duration(random*float64(b.last)/4)
}

// reset lets it begin anew.
func (b *backoff) reset() { b.last = 0 }
