package simnet

import (
	"context"
	"time"
)

// Pause lets time pass, virtual or real; false says that ctx has ended before.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
