package scenario

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A FaultState says how far a fault is.
type FaultState string

// The states of a fault.
const (
	Pending FaultState = "pending" // it has not begun
	Active  FaultState = "active"
	Over    FaultState = "over"
)

// A liveFault is a fault of a live run.
type liveFault struct {
	fault
	counted *sim.Fault
	cancel  context.CancelFunc
	began   chan struct{} // closed when its beginning is over
	done    chan struct{} // closed when it has been ended

	state FaultState // guarded by Live.mu
}

// The errors of changes of faults.
var (
	ErrNoFault     = errors.New("there is no such fault")
	ErrFaultExists = errors.New("there is a fault of this name")
	ErrTooMany     = errors.New("there are 1000 faults: end some of them")
	ErrRolling     = errors.New("a rolling restart that has begun goes on to its end")
	ErrOver        = errors.New("the run is over")
)

const mostFaults = 1000

// parseFault reads one fault, as an element of the list of a file or as JSON. Without
// at it happens now. It is called as; "" lets the text say so.
func (l *Live) parseFault(text []byte, as string) (*fault, error) {
	r := &reader{file: "fault"}
	if len(bytes.TrimSpace(text)) == 0 {
		r.wrong(Position{1, 1}, "nothing stands here: a fault is such as {kill: shop-1, for: 5s}")
		return nil, r.problems
	}
	f := &fault{when: l.cast().w.Elapsed().Truncate(time.Millisecond)}
	fields := faultFields(f)
	for i := range fields {
		fields[i].required = false
	}
	if root := r.plain(r.parse(text)); root != nil {
		if keys := r.object(root, "a fault", fields); keys != nil {
			if at, named := keys["name"]; named && as != "" && f.name != as {
				r.wrong(at, "the fault that is changed is called %q, and keeps its name: leave out %q, or add another fault", abridged(as), abridged(f.name))
			}
			readFault(r, f, PositionOf(root), keys)
			f.name = cmp.Or(as, f.name)
		}
		if len(r.problems) == 0 {
			l.cast().s.resolve(r, f)
		}
	}
	return f, r.problems.sorted()
}

// AddFault reads a fault as it stands in a file, in YAML or JSON, and lets it happen:
// now, unless it says when. It returns what the fault is called. An error is Problems
// where the text is wrong.
func (l *Live) AddFault(text []byte) (name string, err error) {
	f, err := l.parseFault(text, "")
	if err != nil {
		return "", err
	}
	return f.name, l.start(f)
}

// ChangeFault ends a fault and puts another one in its place, under the same name. When
// the text is wrong, or gives another name, the fault stays as it is.
func (l *Live) ChangeFault(name string, text []byte) error {
	f, err := l.parseFault(text, name)
	if err != nil {
		return err
	}
	if _, err := l.EndFault(name); err != nil {
		return err
	}
	return l.start(f)
}

// start lets a fault happen in time. One that happens now has begun when start returns.
func (l *Live) start(f *fault) error {
	ctx, cancel := context.WithCancel(l.stop)
	lf := &liveFault{fault: *f, cancel: cancel, began: make(chan struct{}), done: make(chan struct{}), state: Pending}
	if err := l.add(ctx, lf); err != nil {
		cancel()
		return err
	}
	if f.when > l.cast().w.Elapsed() {
		return nil
	}
	t := time.NewTimer(longestBeginning)
	defer t.Stop()
	select {
	case <-lf.began:
	case <-lf.done:
	case <-t.C:
	}
	return nil
}

// longestBeginning is how long somebody who adds a fault waits until it has begun. A
// rolling restart takes longer.
const longestBeginning = time.Second

// add lets a fault run.
func (l *Live) add(ctx context.Context, f *liveFault) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case slices.ContainsFunc(l.faults, func(o *liveFault) bool { return o.name == f.name }):
		return fmt.Errorf("%w: %q", ErrFaultExists, f.name)
	case len(l.faults) >= mostFaults:
		return ErrTooMany
	case ctx.Err() != nil:
		return ErrOver
	}
	f.counted = l.cast().w.Fault(f.name)
	l.faults = append(l.faults, f)
	l.running.Go(func() { l.play(ctx, f) })
	return nil
}

// EndFault ends a fault, as if its time had passed, and forgets it. What was killed is
// started. It returns what has come of the fault.
func (l *Live) EndFault(name string) (FaultReport, error) {
	l.mu.Lock()
	i := slices.IndexFunc(l.faults, func(f *liveFault) bool { return f.name == name })
	if i < 0 {
		l.mu.Unlock()
		return FaultReport{}, fmt.Errorf("%w: %q", ErrNoFault, name)
	}
	f := l.faults[i]
	if f.what == "rolling" && f.state == Active {
		l.mu.Unlock()
		return FaultReport{}, ErrRolling
	}
	l.faults = slices.Delete(l.faults, i, i+1)
	l.mu.Unlock()
	f.cancel()
	<-f.done
	return l.report(f), nil
}

// play lets a fault begin and end.
func (l *Live) play(ctx context.Context, f *liveFault) {
	defer close(f.done)
	defer f.cancel()
	begin, end := l.prepare(f)
	if !simnet.Pause(ctx, f.when-l.cast().w.Elapsed()) {
		return
	}
	l.set(f, Active)
	l.cast().w.Go(func() { // it may take its time, until the run is over
		defer close(f.began)
		begin()
	})
	select {
	case <-f.began:
	case <-l.stop.Done():
		return
	}
	switch {
	case end == nil:
	case f.lasts == 0:
		<-ctx.Done()
	default:
		simnet.Pause(ctx, f.when+f.lasts-l.cast().w.Elapsed())
	}
	if end != nil && (l.stop.Err() == nil || !slices.Contains(starting, f.what)) {
		end()
	}
	l.set(f, Over)
}

// starting are faults whose end starts instances, which nobody needs when the run is
// over.
var starting = []string{"kill", "crash", "shutdown"}

// prepare returns what begins a fault and what ends it, nil if nothing does.
func (l *Live) prepare(f *liveFault) (begin, end func()) {
	what := f.fault
	if !slices.Contains(faultKinds[f.what].takes, "for") {
		return l.cast().faulty(&what, f.counted)
	}
	if f.what == "shutdown" {
		what.lasts = 0 // else it starts what it has stopped by itself
		begin, _ = l.cast().faulty(&what, f.counted)
		return begin, func() {
			for _, host := range f.hosts {
				l.cast().instances[host].Start()
			}
		}
	}
	what.lasts = longest // somebody ends it
	return l.cast().faulty(&what, f.counted)
}

func (l *Live) set(f *liveFault, state FaultState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.state = state
}
