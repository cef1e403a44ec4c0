package scenario

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// Options are how a scenario is run.
type Options struct {
	Seed       uint64
	Duration   time.Duration // 0 is the scenario's
	Transcript io.Writer     // nil: there is none
	Until      string        // ends the run when something happens whose text has it
	Logger     *slog.Logger
	mostCalls  int          // ends the run when there are more; 0 is no limit
	bubble     func(string) // is told the name of the run's bubble
	// Progress is told how much virtual time has passed, now and then; Noted, what
	// happens; Ended, of every call; Passed, of every packet, with its body, which it may
	// keep. They come from any goroutine, and must not wait for anything.
	Progress func(passed, all time.Duration)
	Noted    func(at time.Duration, what string)
	Ended    func(sim.Call)
	Passed   func(c sim.ConnectionID, p sim.Packet, body []byte)
}

// An Outcome is what has come of a run.
type Outcome struct {
	*sim.Result
	Expected []Expected
	// Panic says that the world could not be played to its end: a panic, or
	// goroutines that wait for ever or are left.
	Panic error
	// Until is what Options.Until has met, with its time; "" is that nothing has.
	Until   string
	sought  string
	tooMany bool // calls
}

// Failures says what is wrong, a line for each.
func (o *Outcome) Failures() []string {
	var all []string
	if o.Panic != nil {
		all = append(all, o.Panic.Error())
	}
	for _, v := range o.Violations {
		all = append(all, v.Error())
	}
	for _, f := range o.Faults {
		if f.Hits == 0 && o.Until == "" {
			all = append(all, fmt.Sprintf("the fault %q was never met", f.Name))
		}
	}
	for _, e := range o.Expected {
		if !e.OK {
			all = append(all, fmt.Sprintf("expected %s: %s", e.Text, e.Got))
		}
	}
	if o.sought != "" && o.Until == "" {
		all = append(all, fmt.Sprintf("%q did not happen", o.sought))
	}
	return all
}

// Run runs the scenario. An error says that it could not be run at all.
func (s *Scenario) Run(o Options) (*Outcome, error) {
	if o.Duration == 0 {
		o.Duration = s.Duration
	}
	if err := s.Within(o.Duration); err != nil {
		return nil, err
	}
	p := s.newPlay(o)
	var transcript *sim.Transcript
	if o.Transcript != nil {
		transcript = sim.NewTranscript(o.Transcript)
	}
	result, err := sim.Play(o.Seed, func(w *sim.World) {
		if o.bubble != nil {
			o.bubble(simnet.BubbleName())
		}
		if transcript != nil {
			w.Record(transcript)
		}
		p.play(w)
	})
	if errors.Is(err, simnet.ErrNoBubble) {
		return nil, err
	}
	if transcript != nil {
		if err := transcript.Close(); err != nil {
			return nil, fmt.Errorf("cannot write the transcript: %w", err)
		}
	}
	out := &Outcome{Result: result, Panic: err, Until: p.met, sought: o.Until, tooMany: p.tooMany}
	if result == nil {
		out.Result = &sim.Result{Seed: o.Seed}
		return out, nil
	}
	for i := range s.requesters {
		if q := &s.requesters[i]; q.Balance {
			result.Irreproducible = q.Name + " balances its calls"
		}
	}
	if out.Until == "" { // else what was to be is not over
		p.judge(out)
	}
	return out, nil
}

// judge says which expectations came true.
func (p *play) judge(o *Outcome) {
	for i := range p.s.expect {
		o.Expected = append(o.Expected, p.s.expect[i].judge(&p.tallies[i], &o.Stats))
	}
}

func (s *Scenario) newPlay(o Options) *play {
	p := &play{s: s, o: o, tallies: make([]tally, len(s.expect))}
	for i := range p.tallies {
		p.tallies[i].kinds = map[sim.Kind]int{}
	}
	return p
}

// Within says what is wrong with a run of this duration: a fault that comes too late.
func (s *Scenario) Within(d time.Duration) error {
	for i := range s.faults {
		if f := &s.faults[i]; f.when >= d {
			return &Problem{s.File, f.at, fmt.Sprintf("at %v the run has ended, after %v", f.when, d)}
		}
	}
	return nil
}

// A play is one run.
type play struct {
	s *Scenario
	o Options
	w *sim.World

	live bool // in real time, with programs outside of it

	services   map[string]*sim.Service
	instances  map[string]*sim.Instance
	requesters map[string]*sim.Requester

	seen chan struct{} // closed when Options.Until has been met

	mu      sync.Mutex // guards the rest
	tallies []tally
	met     string
	calls   int
	tooMany bool
}

// build makes the world.
func (p *play) build(w *sim.World) {
	p.w, p.services, p.instances, p.requesters = w, map[string]*sim.Service{}, map[string]*sim.Instance{}, map[string]*sim.Requester{}
	p.seen = make(chan struct{})
	w.TLS, w.Logger, w.Noted, w.Ended, w.Passed = p.s.tls || p.live, p.o.Logger, p.noted, p.ended, p.o.Passed
	w.Net.SetProfile(p.s.link.Profile)
	for i := range p.s.services {
		service := w.Service(p.s.services[i].ServiceSpec)
		p.services[p.s.services[i].Name] = service
		for _, in := range service.Instances() {
			p.instances[in.Host()] = in
		}
	}
	if p.live { // packet faults can come at any time
		w.Interpose(p.s.Instances()...)
	}
	for i := range p.s.requesters {
		for _, host := range p.s.requesters[i].hosts() {
			spec := p.s.requesters[i].RequesterSpec
			spec.Name = host
			p.requesters[host] = w.Requester(spec)
		}
	}
	for i := range p.s.links {
		l := &p.s.links[i]
		p.each(l.from, l.to, l.oneWay, func(link *simnet.Link, from *simnet.Host) { setProfile(link, from, l.profile.Profile) })
	}
}

// play makes the world and lets time pass.
func (p *play) play(w *sim.World) {
	p.build(w)
	finish := p.inject()
	for step := range 100 {
		t := time.NewTimer(p.o.Duration*time.Duration(step+1)/100 - w.Elapsed())
		select {
		case <-t.C:
		case <-p.seen:
			t.Stop()
			finish()
			return
		}
		if p.o.Progress != nil {
			p.o.Progress(w.Elapsed(), p.o.Duration)
		}
	}
	finish()
}

// ended takes a call into account.
func (p *play) ended(c sim.Call) {
	p.mu.Lock()
	if p.calls++; p.o.mostCalls > 0 && p.calls > p.o.mostCalls && !p.tooMany && p.met == "" {
		p.tooMany = true
		close(p.seen)
	}
	for i := range p.s.expect {
		if p.s.expect[i].counts(&c) {
			p.tallies[i].add(&c)
		}
	}
	p.mu.Unlock()
	if p.o.Ended != nil {
		p.o.Ended(c)
	}
	if p.o.Until != "" {
		p.happened(c.Began+c.Took, fmt.Sprintf("call %d of %s to %s %s", c.Number, c.Requester, c.Action, c.Kind))
	}
}

// noted takes what else happens.
func (p *play) noted(at time.Duration, what string) {
	if p.o.Noted != nil {
		p.o.Noted(at, what)
	}
	p.happened(at, what)
}

// happened ends the run when that was to be waited for.
func (p *play) happened(at time.Duration, what string) {
	if p.o.Until == "" || !strings.Contains(what, p.o.Until) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.met == "" && !p.tooMany {
		p.met = fmt.Sprintf("after %v: %s", at, what)
		close(p.seen)
	}
}

// each calls f with the links between hosts, and with the host whose direction is
// meant, nil for both.
func (p *play) each(from, to []string, oneWay bool, f func(link *simnet.Link, from *simnet.Host)) {
	done := map[[2]string]bool{}
	for _, a := range from {
		for _, b := range to {
			if a == b || done[[2]string{a, b}] || !oneWay && done[[2]string{b, a}] {
				continue
			}
			done[[2]string{a, b}] = true
			x, y := p.w.Net.Host(a), p.w.Net.Host(b)
			if oneWay {
				f(p.w.Net.Link(x, y), x)
			} else {
				f(p.w.Net.Link(x, y), nil)
			}
		}
	}
}

func setProfile(link *simnet.Link, from *simnet.Host, p simnet.Profile) {
	if from == nil {
		link.SetProfile(p)
	} else {
		link.SetProfileFrom(from, p)
	}
}
