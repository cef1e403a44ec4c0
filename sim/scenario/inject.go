package scenario

import (
	"cmp"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// An event is the beginning or the end of a fault.
type event struct {
	at    time.Duration
	hosts int // that it does something to, one after the other
	do    func()
}

// apart is the time from one thing that a fault does to the next.
const apart = 2 * time.Microsecond

// inject lets the faults happen in time. What it returns must be called when the run
// is over: it ends what still goes on.
func (p *play) inject() (finish func()) {
	var events []event
	var ends []func()
	for i := range p.s.faults {
		f := &p.s.faults[i]
		counted := p.w.Fault(f.name)
		begin, end := p.faulty(f, counted)
		began := make(chan struct{}) // whoever ends a fault sees what its beginning has left for him
		events = append(events, event{f.when, len(f.hosts), func() {
			defer close(began)
			begin()
		}})
		if end == nil {
			continue
		}
		if f.lasts > 0 && f.when+f.lasts < p.o.Duration {
			events = append(events, event{f.when + f.lasts, len(f.hosts), func() {
				<-began
				end()
			}})
		} else if slices.Contains([]string{"partition", "profile", "clock", "packets", "slow_acks"}, f.what) {
			ends = append(ends, func() {
				select {
				case <-began:
					end()
				default: // the run is over before it has begun
				}
			})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	var free time.Duration
	for _, e := range events { // each at an instant of its own
		at := max(e.at, free)
		free = at + time.Duration(e.hosts+1)*apart
		p.w.At(at, e.do)
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// faulty returns what begins a fault, and what ends it; nil if nothing does.
func (p *play) faulty(f *fault, counted *sim.Fault) (begin, end func()) {
	switch f.what {
	case "partition":
		return p.partition(f, counted)
	case "profile":
		return p.reprofile(f, counted)
	case "reset":
		return func() {
			p.note(f, "begins")
			p.each(f.from, f.to, false, func(l *simnet.Link, _ *simnet.Host) { p.w.Hit(counted, l.Reset()) })
		}, nil
	case "cache":
		return p.breakCaches(f)
	case "clock":
		return p.skew(f, counted)
	case "pause":
		return p.pause(f, counted)
	case "packets", "slow_acks":
		return p.onPackets(f)
	case "rolling":
		return func() { p.rolling(f, counted) }, nil
	}
	begin = func() {
		for i, host := range f.hosts {
			if i > 0 {
				p.w.Sleep(apart)
			}
			p.strike(f, counted, p.instances[host])
		}
	}
	if f.lasts == 0 || f.what == "shutdown" {
		return begin, nil
	}
	return begin, func() {
		for _, host := range f.hosts {
			in := p.instances[host]
			switch f.what {
			case "slow":
				in.Slow(1, nil)
			case "crash":
				in.Restart()
			default:
				in.Start()
			}
		}
	}
}

func (p *play) note(f *fault, what string) { p.w.Note("%s %s", f.name, what) }

// strike does to one instance what the fault says.
func (p *play) strike(f *fault, counted *sim.Fault, in *sim.Instance) {
	running := 0
	if in.Running() {
		running = 1
	}
	switch f.what {
	case "kill":
		in.Kill()
	case "crash":
		in.Crash()
	case "restart":
		in.Restart()
		running = 1
	case "start":
		in.Start()
		running = 1 - running
	case "resume":
		if in.Paused() {
			running = 1
		} else {
			running = 0
		}
		in.Resume()
	case "shutdown":
		p.w.Go(func() { // and not before it has stopped
			in.Shutdown()
			if f.lasts > 0 && p.w.Pause(f.when+f.lasts-p.w.Elapsed()) {
				in.Start()
			}
		})
	case "slow":
		in.Slow(f.times, counted)
		return // requests meet it
	}
	p.w.Hit(counted, running)
}

// rolling restarts instances in good order, one after the other.
func (p *play) rolling(f *fault, counted *sim.Fault) {
	p.note(f, "begins")
	for i, host := range f.hosts {
		if i > 0 && !p.w.Pause(f.every) {
			return
		}
		in := p.instances[host]
		if in.Running() {
			p.w.Hit(counted, 1)
		}
		in.Shutdown()
		if !p.w.Pause(f.down) {
			return
		}
		in.Start()
	}
	p.note(f, "is over")
}

func (p *play) pause(f *fault, counted *sim.Fault) (begin, end func()) {
	all := make([]string, 0, len(p.s.places))
	for _, q := range p.s.places {
		if !q.outside || p.live {
			all = append(all, q.hosts...)
		}
	}
	slices.Sort(all)
	links := *f
	links.from, links.to = f.hosts, slices.Compact(all)
	begin = func() {
		before := p.held(&links)
		p.w.Measure(counted, func() int { return p.held(&links) - before })
		for _, host := range f.hosts {
			p.instances[host].Pause()
		}
	}
	over := false
	end = func() {
		if over {
			return
		}
		over = true
		p.w.Measured(counted)
		for _, host := range f.hosts {
			p.instances[host].Resume()
		}
	}
	return begin, end
}

func (p *play) skew(f *fault, counted *sim.Fault) (begin, end func()) {
	misled := func() (n int) {
		for _, host := range f.hosts {
			n += p.w.Net.Host(host).Misled()
		}
		return n
	}
	set := func(d time.Duration) {
		for _, host := range f.hosts {
			p.w.Net.Host(host).SetSkew(d)
		}
	}
	begun := false
	return func() {
			begun = true
			before := misled()
			p.w.Measure(counted, func() int { return misled() - before })
			set(f.by)
			p.note(f, "begins")
		}, func() {
			if begun {
				p.w.Measured(counted)
				set(0)
				p.note(f, "is over")
			}
		}
}
