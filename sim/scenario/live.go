package scenario

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

// LiveOptions are how a scenario is played in real time.
type LiveOptions struct {
	// Options has no Transcript and no Until. A Duration of 0 is until the context ends.
	Options
	Border sim.Border
	// Prepare is told of the world before anything goes wrong. It may take its time.
	Prepare func(*Live)
	// Ready is told when everything runs, of what changes it. It must return soon.
	Ready func(*Live)
}

// patience is how long calls may go on when the time of a live run is over.
const patience = 10 * time.Second

// Live plays the scenario in real time, with TLS, until the context or the time ends.
// Expectations are judged where there is a Duration that has passed.
func (s *Scenario) Live(ctx context.Context, o LiveOptions) *Outcome {
	p := s.newPlay(o.Options)
	p.live = true
	timeout := false
	result := sim.Live(o.Seed, func(w *sim.World) {
		w.Border = o.Border
		p.build(w)
		stop, cancel := context.WithCancel(ctx)
		defer cancel()
		l := &Live{stop: stop}
		l.now.Store(p)
		if o.Prepare != nil {
			o.Prepare(l)
		}
		for i := range s.faults {
			l.start(&s.faults[i])
		}
		if o.Ready != nil {
			o.Ready(l)
		}
		var over <-chan time.Time
		if o.Duration > 0 {
			t := time.NewTimer(o.Duration - w.Elapsed())
			defer t.Stop()
			over = t.C
		}
		select {
		case <-ctx.Done():
		case <-over:
			timeout = true
			w.Patience = patience
		}
		l.mu.Lock() // who has seen that it goes on has been counted
		cancel()
		l.mu.Unlock()
		l.running.Wait()
	})
	out := &Outcome{Result: result}
	if timeout {
		p.judge(out)
	}
	return out
}

// A Live is a scenario that is being played in real time. Its methods may be called
// from any goroutine.
type Live struct {
	now     atomic.Pointer[play] // does not change but as a whole: see Admit
	stop    context.Context
	running sync.WaitGroup // of faults and changes

	mu     sync.Mutex
	faults []*liveFault // in the order in which they came
}

func (l *Live) cast() *play { return l.now.Load() }

// Change lets f do something to the world, unless the run is over. It must not take
// long: the run does not end before it.
func (l *Live) Change(f func()) error {
	l.mu.Lock()
	if l.stop.Err() != nil {
		l.mu.Unlock()
		return ErrOver
	}
	l.running.Add(1)
	l.mu.Unlock()
	defer l.running.Done()
	f()
	return nil
}

// Instance returns an instance by its name; nil if there is none.
func (l *Live) Instance(name string) *sim.Instance { return l.cast().instances[name] }

// World returns the world that is played.
func (l *Live) World() *sim.World { return l.cast().w }
