package scenario

import (
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// stuck is runs of seeds, some of which never end: they turn round at one instant of
// virtual time, or wait for a mutex.
type stuck struct {
	quiet   bool // all of them wait for the mutex
	release atomic.Bool
	mu      sync.Mutex
	running atomic.Int64
}

func (s *stuck) one(seed uint64, bubble func(string)) (*Record, error) {
	s.running.Add(1)
	defer s.running.Add(-1)
	err := simnet.Bubble(func() {
		bubble(simnet.BubbleName())
		switch {
		case seed%10 == 3 && !s.quiet:
			s.turnRound()
		case seed%10 == 3, seed%10 == 7:
			s.waitForTheMutex()
		}
	})
	return &Record{Seed: seed, OK: true}, err
}

func (s *stuck) turnRound() {
	for !s.release.Load() {
	}
}

func (s *stuck) waitForTheMutex() {
	s.mu.Lock()
	defer s.mu.Unlock()
}

func newStuck(t *testing.T) *stuck {
	s := new(stuck)
	s.mu.Lock()
	t.Cleanup(func() {
		s.release.Store(true)
		s.mu.Unlock()
		for s.running.Load() > 0 { // one that was given up may only begin now: that is no use for a WaitGroup
			runtime.Gosched()
		}
	})
	return s
}

// TestScenarioSweepOverdue: runs that do not end fail their seeds, with what they are
// doing; the others go on in the places that are left.
func TestScenarioSweepOverdue(t *testing.T) {
	s := newStuck(t)
	told := map[uint64]string{}
	h := Header{First: 1, Last: 9}
	w := &Sweep{Header: h, Jobs: 3, Limit: 100 * time.Millisecond, one: s.one, Overdue: func(seed uint64, stacks string) { told[seed] = stacks }}
	r, err := w.Run(t.Context())
	if err != nil || r.Seeds != 9 || !slices.Equal(r.Failed, []uint64{3, 7}) {
		t.Fatalf("%d seeds, failed: %v, %v", r.Seeds, r.Failed, err)
	}
	if run := r.Runs[2]; len(run.Failures) != 1 || run.Failures[0] != "the run did not come to its end within 100ms of real time" || run.Irreproducible == "" {
		t.Errorf("%+v", run)
	}
	for seed, where := range map[uint64]string{3: "turnRound", 7: "waitForTheMutex"} {
		first, _, _ := strings.Cut(told[seed], "\n\n")
		if !strings.Contains(first, "."+where+"(") || strings.Count(told[seed], "turnRound")+strings.Count(told[seed], "waitForTheMutex") != 1 {
			t.Errorf("of seed %d it tells\n%s", seed, told[seed])
		}
	}
	if len(told) != 2 {
		t.Errorf("it tells of %d seeds", len(told))
	}
}

// TestScenarioSweepStuck: when no job ends, the sweep does, and another process goes
// on where it was.
func TestScenarioSweepStuck(t *testing.T) {
	s := newStuck(t)
	s.quiet = true
	name := filepath.Join(t.TempDir(), "a")
	h := Header{Format: 1, First: 1, Last: 30}
	for i, want := range []int{7, 17, 27, 30} { // until the second that hangs
		out, err := OpenResults(name, h)
		if err != nil {
			t.Fatal(err)
		}
		w := &Sweep{Header: h, Jobs: 2, Limit: 200 * time.Millisecond, one: s.one, Out: out}
		r, err := w.Run(t.Context())
		if errors.Is(err, ErrStuck) != (want < 30) || r.Seeds != want {
			t.Errorf("process %d: %d seeds, %v", i, r.Seeds, err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if r := read(t, name); len(r.Runs) != 30 {
		t.Errorf("%d results", len(r.Runs))
	}
}

// TestScenarioSweepLate: a run that ends after its limit has failed all the same, and
// makes room for others.
func TestScenarioSweepLate(t *testing.T) {
	s := newStuck(t)
	w := &Sweep{Header: Header{First: 3, Last: 6}, Jobs: 1, Limit: 2 * time.Second, one: s.one, Overdue: func(uint64, string) { s.release.Store(true) }}
	r, err := w.Run(t.Context())
	if err != nil || r.Seeds != 4 || !slices.Equal(r.Failed, []uint64{3}) {
		t.Errorf("%d seeds, failed: %v, %v", r.Seeds, r.Failed, err)
	}
}
