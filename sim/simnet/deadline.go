package simnet

import (
	"sync"
	"time"
)

// A deadline is a point in time that wakes who waits.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// set changes the deadline and wakes who waits on change, now and then: to look at
// it. The mutex of change is held. Nobody is to be woken any more if live is false.
func (d *deadline) set(t time.Time, change *sync.Cond, live bool) {
	d.at = t
	d.stop()
	if !t.IsZero() && live {
		d.timer = time.AfterFunc(time.Until(t), func() {
			change.L.Lock()
			defer change.L.Unlock()
			change.Broadcast()
		})
	}
	change.Broadcast()
}

// stop lets the deadline wake nobody.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
