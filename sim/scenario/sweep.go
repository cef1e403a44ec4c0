package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// A Sweep runs a scenario with many seeds.
type Sweep struct {
	Scenario *Scenario
	Duration time.Duration // 0 is the scenario's
	Header   Header
	Jobs     int
	// Out takes the results, as lines; nil takes none.
	Out *Results
	// Progress is told of every result, one after the other.
	Progress func(done, all int, r *Record)
}

// NewHeader is the header of the results of a scenario.
func NewHeader(s *Scenario, duration time.Duration, version string, first, last uint64) Header {
	if duration == 0 {
		duration = s.Duration
	}
	return Header{Format: 1, Version: version, Scenario: s.File, Digest: s.Digest, DurationMS: duration.Milliseconds(), First: first, Last: last}
}

// Run runs every seed of the shard that has no result yet. It goes on whatever comes
// of one; it ends early when ctx does, and returns what there is.
func (w *Sweep) Run(ctx context.Context) (*Report, error) {
	report := &Report{Header: w.Header}
	done := map[uint64]bool{}
	if w.Out != nil {
		report.Runs = w.Out.before
		for _, r := range report.Runs {
			done[r.Seed] = true
		}
	}
	var seeds []uint64
	all := 0
	step, seed := uint64(max(w.Header.Shards, 1)), w.Header.First+uint64(max(w.Header.Shard, 1)-1)
	for ; seed <= w.Header.Last; seed += step {
		if all++; !done[seed] {
			seeds = append(seeds, seed)
		}
		if seed+step < seed {
			break
		}
	}
	work := make(chan uint64)
	var (
		mu     sync.Mutex
		failed error
		wg     sync.WaitGroup
	)
	for range max(w.Jobs, 1) {
		wg.Go(func() {
			for seed := range work {
				r, err := w.one(seed)
				mu.Lock()
				if err == nil {
					report.Runs = append(report.Runs, r)
					if w.Out != nil {
						err = w.Out.add(r)
					}
					if w.Progress != nil {
						w.Progress(len(report.Runs), all, r)
					}
				}
				if failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
feed:
	for _, seed := range seeds {
		mu.Lock()
		stop := failed != nil
		mu.Unlock()
		if stop {
			break
		}
		select {
		case work <- seed:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	wg.Wait()
	report.Complete()
	if failed == nil && ctx.Err() != nil && len(report.Runs) < all {
		failed = fmt.Errorf("interrupted after %d of %d seeds", len(report.Runs), all)
	}
	return report, failed
}

func (w *Sweep) one(seed uint64) (*Record, error) {
	o, err := w.Scenario.Run(Options{Seed: seed, Duration: w.Duration})
	if err != nil {
		return nil, err
	}
	return o.Record(), nil
}

// Results is a file with the results of a shard: a header and a line for each seed.
// Whenever the program is killed, what is in it counts when it is opened again.
type Results struct {
	w      io.WriteCloser
	before []*Record
}

// OpenResults opens a file of results, or makes it.
func OpenResults(name string, h Header) (*Results, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	r, err := resume(f, h)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

func resume(f *os.File, h Header) (*Results, error) {
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	out := &Results{w: f}
	whole := 0
	if bytes.IndexByte(text, '\n') >= 0 {
		before, n, err := ReadReport(text)
		if err == nil && n == 0 {
			err = fmt.Errorf("it is a whole report")
		}
		if err == nil {
			err = before.same(h)
		}
		if err == nil && (before.Shard != h.Shard || before.Shards != h.Shards) {
			err = fmt.Errorf("it is of shard %d/%d, not of %d/%d", before.Shard, before.Shards, h.Shard, h.Shards)
		}
		if err != nil {
			return nil, fmt.Errorf("the file has other results: %w; remove it, or name another file", err)
		}
		out.before, whole = before.Runs, n
	} else if len(text) > 0 && !bytes.HasPrefix(text, []byte(`{"format":`)) && !bytes.HasPrefix([]byte(`{"format":`), text) {
		return nil, fmt.Errorf("the file has something else than results; name another file")
	}
	if err := f.Truncate(int64(whole)); err != nil && whole != len(text) {
		return nil, err
	}
	if _, err := f.Seek(int64(whole), io.SeekStart); err != nil && whole > 0 {
		return nil, err
	}
	if whole == 0 {
		return out, out.line(h)
	}
	return out, nil
}

// NewResults writes results to w.
func NewResults(w io.WriteCloser, h Header) (*Results, error) {
	out := &Results{w: w}
	return out, out.line(h)
}

func (o *Results) add(r *Record) error { return o.line(r) }

// line writes a line at once.
func (o *Results) line(x any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return err
	}
	_, err := o.w.Write(b.Bytes())
	return err
}

// Close closes the file.
func (o *Results) Close() error { return o.w.Close() }
