package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A Sweep runs a scenario with many seeds.
type Sweep struct {
	Scenario *Scenario
	Duration time.Duration // 0 is the scenario's
	Header   Header
	Jobs     int
	// Limit is how long a run may take in real time; 0 is for ever. A seed whose run
	// has not ended by then has failed. Since nothing can end the goroutines of that
	// run, it keeps the place of its job for as long as they go on: the other runs
	// have no less of the machine than before.
	Limit time.Duration
	// Out takes the results, as lines; nil takes none.
	Out *Results
	// Progress is told of every result, and Overdue of seeds whose run has passed the
	// limit, with what the goroutines of the run are doing. They are called one after
	// the other.
	Progress func(done, all int, r *Record)
	Overdue  func(seed uint64, stacks string)

	one func(seed uint64, bubble func(string)) (*Record, error) // what a run is; nil: a run of the scenario
}

// ErrStuck says that no job of a sweep comes to its end any more. There is a result
// for every seed that was begun; the others can be run by another process.
var ErrStuck = errors.New("no run comes to its end any more")

// ErrInterrupted says that a sweep was ended before it was done.
var ErrInterrupted = errors.New("interrupted")

// NewHeader is the header of the results of a scenario.
func NewHeader(s *Scenario, duration time.Duration, version string, first, last uint64) Header {
	if duration == 0 {
		duration = s.Duration
	}
	return Header{Format: 1, Version: version, Scenario: s.File, Digest: s.Digest, DurationMS: duration.Milliseconds(), First: first, Last: last}
}

// Run runs every seed of the shard that has no result yet. It goes on whatever comes
// of one; it ends early when ctx does, with ErrStuck, or when a result cannot be
// written, and returns what there is. It does not wait for runs that go on then.
func (w *Sweep) Run(ctx context.Context) (*Report, error) {
	report := &Report{Header: w.Header}
	done := map[uint64]bool{}
	if w.Out != nil {
		report.Runs = w.Out.before
		for _, r := range report.Runs {
			done[r.Seed] = true
		}
	}
	seeds, all := w.seeds(done)
	err := w.work(ctx, seeds, func(r *Record) error {
		report.Runs = append(report.Runs, r)
		if w.Progress != nil {
			w.Progress(len(report.Runs), all, r)
		}
		if w.Out == nil {
			return nil
		}
		return w.Out.line(r)
	})
	report.Complete()
	if err == ErrStuck || err == ErrInterrupted {
		err = fmt.Errorf("%w: %d of %d seeds have no result", err, all-len(report.Runs), all)
	}
	return report, err
}

// seeds are those of the shard that are not done, and how many there are in all.
func (w *Sweep) seeds(done map[uint64]bool) (left []uint64, all int) {
	step, seed := uint64(max(w.Header.Shards, 1)), w.Header.First+uint64(max(w.Header.Shard, 1)-1)
	for ; seed <= w.Header.Last; seed += step {
		if all++; !done[seed] {
			left = append(left, seed)
		}
		if seed+step < seed {
			break
		}
	}
	return left, all
}

// lastWait is how long a sweep waits at most for the end of a run, when all of them have
// passed the limit.
const lastWait = 10 * time.Second

// An ending is what a job tells: the result of its seed, or that its run has ended
// after all, after a result was told.
type ending struct {
	seed   uint64
	record *Record
	err    error
	stacks string // of a run that has passed the limit and goes on
}

// work runs seeds, so many at a time, and gives their results to keep.
func (w *Sweep) work(ctx context.Context, seeds []uint64, keep func(*Record) error) error {
	jobs := make(chan ending)
	over := make(chan struct{})
	defer close(over)
	free, running := max(w.Jobs, 1), 0
	for {
		for ; free > 0 && len(seeds) > 0; seeds = seeds[1:] {
			free--
			running++
			go w.job(seeds[0], jobs, over)
		}
		var stuck <-chan time.Time
		switch {
		case running > 0:
		case len(seeds) > 0:
			stuck = time.After(min(w.Limit, lastWait))
		default:
			return nil
		}
		select {
		case <-stuck:
			return ErrStuck
		case e := <-jobs:
			if e.record == nil && e.err == nil { // it was overdue
				free++
				continue
			}
			running--
			if e.err != nil {
				return e.err
			}
			if err := keep(e.record); err != nil {
				return err
			}
			if e.stacks == "" {
				free++
			} else if w.Overdue != nil {
				w.Overdue(e.seed, e.stacks)
			}
		case <-ctx.Done():
			return ErrInterrupted
		}
	}
}

// job runs one seed and tells what has come of it, as long as somebody listens.
func (w *Sweep) job(seed uint64, jobs chan<- ending, over <-chan struct{}) {
	tell := func(e ending) {
		select {
		case jobs <- e:
		case <-over:
		}
	}
	ended := make(chan ending, 1)
	bubble := make(chan string, 1)
	go func() {
		one := w.one
		if one == nil {
			one = w.run
		}
		r, err := one(seed, func(id string) { bubble <- id })
		ended <- ending{seed: seed, record: r, err: err}
	}()
	var late <-chan time.Time
	if w.Limit > 0 {
		t := time.NewTimer(w.Limit)
		defer t.Stop()
		late = t.C
	}
	select {
	case e := <-ended:
		tell(e)
		return
	case <-over:
		return
	case <-late:
	}
	id := ""
	select {
	case id = <-bubble:
	default:
	}
	tell(ending{seed: seed, record: w.overdue(seed), stacks: simnet.Stacks(id)})
	select {
	case <-ended:
		tell(ending{seed: seed})
	case <-over:
	}
}

// run runs the scenario with a seed, and tells its bubble.
func (w *Sweep) run(seed uint64, bubble func(string)) (*Record, error) {
	o, err := w.Scenario.Run(Options{Seed: seed, Duration: w.Duration, bubble: bubble})
	if err != nil {
		return nil, err
	}
	return o.Record(), nil
}

// overdue is the record of a seed whose run has passed the limit. It has nothing of
// what the run has come to, since that depends on the machine.
func (w *Sweep) overdue(seed uint64) *Record {
	return &Record{
		Seed: seed, Failures: []string{fmt.Sprintf("the run did not come to its end within %v of real time", w.Limit)},
		Actions: []ActionRecord{}, Faults: []FaultRecord{}, Expected: []ExpectRecord{},
		Irreproducible: "it was given up after some real time, which another machine may not need",
	}
}
