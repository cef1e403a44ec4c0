package simnet

import (
	"sync"
	"time"
)

// A deadline is a point in time that wakes who waits. It has a timer only where
// somebody waits: most writers never do.
type deadline struct {
	at      time.Time
	waiting int
	timer   *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// wait waits for change, or for the deadline. The mutex of change is held.
func (d *deadline) wait(change *sync.Cond) {
	d.waiting++
	d.arm(change)
	change.Wait()
	d.waiting--
}

// set changes the deadline and wakes who waits on change, now and then: to look at
// it. The mutex of change is held. Nobody is to be woken any more if live is false.
func (d *deadline) set(t time.Time, change *sync.Cond, live bool) {
	d.at = t
	d.stop()
	if live {
		d.arm(change)
	}
	change.Broadcast()
}

func (d *deadline) arm(change *sync.Cond) {
	if d.timer != nil || d.at.IsZero() || d.waiting == 0 {
		return
	}
	d.timer = time.AfterFunc(time.Until(d.at), func() {
		change.L.Lock()
		defer change.L.Unlock()
		change.Broadcast()
	})
}

// stop lets the deadline wake nobody.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
