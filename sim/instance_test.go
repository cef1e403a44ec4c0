package sim

import (
	"testing"
	"time"
)

// An instance that has ended is silent from then on, however often it is killed: caches forget it in their time.
func TestTheDeadAreForgotten(t *testing.T) {
	Run(t, 1, func(w *World) {
		s := w.Service(shop(1))
		w.Sleep(time.Second)
		s.Instance(1).Kill()
		w.Sleep(8 * time.Second)
		s.Instance(1).Kill()
		w.mu.Lock()
		before := len(w.healthyCache())
		w.mu.Unlock()
		w.Sleep(4 * time.Second)
		w.mu.Lock()
		after := len(w.healthyCache())
		w.mu.Unlock()
		if before != 1 || after != 0 {
			t.Errorf("%d instances are known 8 s after the end, %d after 12 s", before, after)
		}
	})
}
