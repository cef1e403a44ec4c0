package sim

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A World is one simulated bus: a network, services, requesters, what they know of
// each other, and a record of what happens. It lives in a bubble of virtual time, and
// its methods may be called from any goroutine of the bubble; or in real time.
type World struct {
	// Net is the network. Hosts have the names of instances and of requesters.
	Net *simnet.Network
	// TLS lets connections be those of production. Without it packets pass as they
	// are, which costs less and shows more.
	TLS bool
	// Logger takes what the programs of the world log; nil is silent.
	Logger *slog.Logger

	// Ended, if it is set, is told of every call that has ended, and Noted of what
	// else happens: instances that start and stop, faults. They come from any
	// goroutine, must not wait, and must not use the world.
	Ended func(Call)
	Noted func(at time.Duration, what string)
	// Passed, if it is set, is told of every packet on the connections of requesters,
	// with its body, which it may keep. It must not wait, and must not use the world.
	Passed func(c ConnectionID, p Packet, body []byte)

	// Border is how programs of the operating system take part, in real time. It must
	// be set before there are services. Patience is how long calls may go on when a
	// run in real time is over; then they are given up.
	Border   Border
	Patience time.Duration

	transcript *Transcript // nil: nothing is recorded

	real    bool            // time is
	calling context.Context // of calls
	giveUp  context.CancelFunc

	seed  uint64
	start time.Time
	stop  context.Context
	end   context.CancelFunc
	busy  sync.WaitGroup // loads, and what else comes to an end when the run does

	serving  sync.WaitGroup // of services
	forwards sync.WaitGroup // of connections of the operating system

	mu         sync.Mutex
	services   []*Service
	requesters []*Requester
	cacheState cacheState
	callID     uint64
	calls      map[uint64]*callRecord
	watches    map[string]*watch // by the address that a connection has at the requester
	broken     []Violation
	stats      Stats
	faults     []*Fault
	wires      wires
	programs   map[string]*Program // by host
	unmarked   uint64              // the last call before the first of them
	voices     map[string]*voice   // of programs, by identity
	foreign    map[string]*foreign // by identity
	outer      cacheFault          // of the file of the operating system's programs
	outerSaid  []cacheEntry        // what it has while it is frozen
	ways       map[string]string   // addresses of the world, by those of the operating system that they lead to
	relayed    int                 // connections that lead to programs of the operating system
	outsiders  uint64              // requests of programs of the operating system
	wrong      error               // with a function that Play was given, or Go: the first
	old        []uint64            // calls that failed, in the order of their ends; of real time
}

// A Result is what a run comes to.
type Result struct {
	Seed       uint64
	Virtual    time.Duration // how long it took in its own time
	Stats      Stats
	Violations []Violation // of what must always hold
	Faults     []*Fault    // with their hits
	// Irreproducible says why another run with this seed may differ; "" is that it
	// does not.
	Irreproducible string
}

// Err returns what is wrong with the run: a violation, or a fault that was never met.
func (r *Result) Err() error {
	var errs []error
	for _, v := range r.Violations {
		errs = append(errs, &v)
	}
	for _, f := range r.Faults {
		if f.Hits == 0 {
			errs = append(errs, fmt.Errorf("the fault %q was never met", f.Name))
		}
	}
	return errors.Join(errs...)
}

// Live is Play in real time, where the world has a Border. The seed decides less: two
// runs are never the same.
func Live(seed uint64, f func(w *World)) *Result {
	w := newWorld(seed, true)
	f(w)
	return w.finish()
}

func newWorld(seed uint64, real bool) *World {
	w := &World{
		Net: simnet.NewNetwork(seed, real), seed: seed, start: time.Now(), calls: map[uint64]*callRecord{},
		watches: map[string]*watch{}, real: real, calling: context.Background(), giveUp: func() {}, ways: map[string]string{},
	}
	w.stop, w.end = context.WithCancel(context.Background())
	if real {
		w.calling, w.giveUp = context.WithCancel(w.calling)
	}
	lan, _ := simnet.Preset("lan")
	w.Net.SetProfile(lan)
	w.stats.init()
	return w
}

// finish ends everything and judges.
func (w *World) finish() *Result {
	w.end()
	if w.real {
		defer time.AfterFunc(w.Patience, w.giveUp).Stop()
	}
	w.busy.Wait()
	w.settle()
	w.mu.Lock()
	faults := slices.Clone(w.faults)
	w.mu.Unlock()
	for _, f := range faults {
		w.Measured(f)
	}
	if w.transcript != nil {
		w.transcript.end()
	}
	for _, q := range w.requesters {
		q.close()
	}
	for _, s := range w.services {
		s.close()
	}
	w.closePrograms()
	if w.real { // who is at the other end of a connection may keep it for ever
		w.Net.Close()
	}
	w.cut()
	w.serving.Wait()
	w.forwards.Wait()
	virtual := w.Elapsed()
	w.settle()
	w.Net.Close()
	hasty := w.hasty()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.judgeCalls()
	w.stats.complete()
	slices.SortFunc(w.broken, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.What, b.What), a.Connection.Compare(b.Connection))
	})
	return &Result{Seed: w.seed, Virtual: virtual, Stats: w.stats, Violations: w.broken, Faults: w.faults, Irreproducible: hasty}
}

// settle lets everybody come to rest, where that can be known.
func (w *World) settle() {
	if !w.real {
		synctest.Wait()
	}
}

// Elapsed is how much time has passed in the world.
func (w *World) Elapsed() time.Duration { return time.Since(w.start) }

// Sleep lets time pass.
func (w *World) Sleep(d time.Duration) { time.Sleep(d) }

// Pause lets time pass, until the run ends; false says that it has.
func (w *World) Pause(d time.Duration) bool { return simnet.Pause(w.stop, d) }

// Go lets f happen beside the caller. The run waits for its end. In virtual time a
// panic of f ends the run; see [Play].
func (w *World) Go(f func()) { w.busy.Go(w.guarded(f)) }

// At is Go when so much time has passed in the world; not at all if the run has ended
// before.
func (w *World) At(at time.Duration, f func()) {
	w.Go(func() {
		t := time.NewTimer(at - w.Elapsed())
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-w.stop.Done():
		}
	})
}

// random returns a source for something with these names. It depends on nothing
// else, so that it is the same whatever others do, and in whatever order.
func (w *World) random(names ...any) *rand.Rand {
	h := fnv.New64a()
	for _, n := range names {
		switch n := n.(type) {
		case string:
			h.Write([]byte(n))
			h.Write([]byte{0})
		case uint64:
			h.Write(binary.LittleEndian.AppendUint64(nil, n))
		case int:
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
		}
	}
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// config is what the programs of the world make their connections with.
func (w *World) config() scamp.Config { return scamp.Config{Logger: w.Logger} }

// A Violation is something that must hold, and did not.
type Violation struct {
	At   time.Duration // in the time of the world
	What string
	// Connection is the one that it was seen on, and Packets are the last that passed
	// there, up to 20, the oldest first; without a connection both are zero.
	Connection ConnectionID
	Packets    []Packet
}

func (v *Violation) Error() string { return fmt.Sprintf("after %v: %s", v.At, v.What) }

const mostViolations = 100

// violate notes a violation.
func (w *World) violate(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violated(format, args...)
}

// violated is violate with w.mu held.
func (w *World) violated(format string, args ...any) {
	w.broke(Violation{What: fmt.Sprintf(format, args...)})
}

// broke notes a violation of this moment. w.mu is held.
func (w *World) broke(v Violation) {
	if len(w.broken) < mostViolations {
		v.At = w.Elapsed()
		w.broken = append(w.broken, v)
	}
}

// A Fault is something that goes wrong on purpose. One that is never met is a mistake
// of who wrote it.
type Fault struct {
	Name string
	Hits int // how often it was met; guarded by the world until the run has ended

	measure func() int // how often it has been met besides, while it goes on; guarded by the world
}

// Fault returns the fault of this name, which is added where there is none.
func (w *World) Fault(name string) *Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		if f.Name == name {
			return f
		}
	}
	f := &Fault{Name: name}
	w.faults = append(w.faults, f)
	return f
}

// Hits is how often a fault was met until now.
func (w *World) Hits(f *Fault) int {
	w.mu.Lock()
	for _, p := range w.wires.faults {
		p.count()
	}
	n, measure := f.Hits, f.measure
	w.mu.Unlock()
	if measure != nil {
		n += measure()
	}
	return n
}

// Measure lets a function say how often a fault has been met since it began, besides
// what Hit has noted. It may be called from any goroutine, until Measured.
func (w *World) Measure(f *Fault, measure func() int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.measure = measure
}

// Measured notes what was measured as hits, at the end of a fault.
func (w *World) Measured(f *Fault) {
	w.mu.Lock()
	measure := f.measure
	f.measure = nil
	w.mu.Unlock()
	if measure != nil {
		w.Hit(f, measure())
	}
}

// Hit notes that a fault was met n times.
func (w *World) Hit(f *Fault, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.Hits += n
}
