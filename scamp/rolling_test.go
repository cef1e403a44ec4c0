package scamp

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// TestARollingRestartFailsNoCall restarts all instances one after the other, each
// with Shutdown, under load. Requesters learn up to 4 s later that an instance
// stops, and up to 4 s later that it is back.
func TestARollingRestartFailsNoCall(t *testing.T) { // WIRE-SVC-04, DISC-SHD-02
	seeds := uint64(10)
	if raceDetector {
		seeds = 2
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) { rolling(t, seed) })
	}
}

func rolling(t *testing.T, seed uint64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	up := func(most time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(random.Int64N(int64(most)))
	}
	w := newTown(t, Config{})
	var houses []*house
	for range 4 {
		h := w.build(discovery.Action{Name: "Test.act"})
		h.offer(discovery.Action{Name: "Test.act"}, func(_ context.Context, w *ReplyWriter, r *Request) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			time.Sleep(up(2 * time.Second))
			_, err = w.Write(body)
			return err
		})
		houses = append(houses, h)
	}
	stop := make(chan struct{})
	var load sync.WaitGroup
	var calls atomic.Int64
	for range 40 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(up(500 * time.Millisecond)):
				}
				sent := []byte(`"` + strings.Repeat("x", int(up(30000))) + `"`)
				got, err := w.send(t.Context(), NewRequest("Test.act", sent))
				if calls.Add(1); err != nil || !bytes.Equal([]byte(got), sent) {
					t.Errorf("seed %d: %d octets, %v", seed, len(got), err)
				}
			}
		})
	}
	late := 0 // calls of instances that stop
	for _, h := range houses {
		w.mu.Lock()
		s := h.service
		w.mu.Unlock()
		before := h.times("Test.act")
		stopped := make(chan error, 1)
		go func() { stopped <- s.Shutdown(t.Context()) }()
		time.Sleep(up(4 * time.Second))
		h.Weight = 0
		w.announce()
		if err := <-stopped; err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		late += h.times("Test.act") - before
		w.mu.Lock()
		h.service = nil
		w.mu.Unlock()
		time.Sleep(up(2 * time.Second))
		h.open()
		time.Sleep(up(4 * time.Second))
		h.Weight, h.Ident = 1, h.Ident+"'"
		w.announce()
		time.Sleep(up(4 * time.Second))
	}
	close(stop)
	load.Wait()
	if calls.Load() < 500 || late < 10 {
		t.Errorf("the test is blind: %d calls, %d of instances that stop", calls.Load(), late)
	}
}
