package simnet

import (
	"context"
	"testing"
	"time"
)

// A pause ends with its time, or with the context if that comes first.
func TestPause(t *testing.T) {
	err := Bubble(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 90*time.Minute)
		defer cancel()
		began := time.Now()
		if !Pause(ctx, time.Hour) || time.Since(began) != time.Hour {
			t.Errorf("the first ends after %v", time.Since(began))
		}
		if Pause(ctx, time.Hour) || time.Since(began) != 90*time.Minute {
			t.Errorf("the second ends after %v", time.Since(began))
		}
	})
	if err != nil {
		t.Error(err)
	}
}
