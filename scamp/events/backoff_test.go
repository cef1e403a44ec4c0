package events

import (
	"fmt"
	"testing"
	"time"
)

// TestBackoff: "after 50 ms at first, doubling up to 10 s, starting again at 50 ms" (WIRE-CONN-07).
func TestBackoff(t *testing.T) {
	var b backoff
	var got []time.Duration
	for range 10 {
		got = append(got, b.next(0))
	}
	if fmt.Sprint(got) != "[50ms 100ms 200ms 400ms 800ms 1.6s 3.2s 6.4s 10s 10s]" {
		t.Error(got)
	}
	b.reset()
	if d := b.next(1); d != 37500*time.Microsecond {
		t.Error(d)
	}
	if d := b.next(0.5); d != 87500*time.Microsecond {
		t.Error(d)
	}
}
