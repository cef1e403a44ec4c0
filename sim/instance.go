package sim

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/bugs"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// An Instance is one process of a service, on a host of its own.
type Instance struct {
	service *Service
	host    string
	number  int

	// Guarded by w.mu.
	starts  int // which start this is
	kills   int // how often it was killed
	running *scamp.Service
	ending  *scamp.Service // what is shut down; running is the same until it has stopped
	again   bool           // it is to start then
	ln      net.Listener
	ident   string
	weight  float64
	address string
	outer   string // the address at which programs of the operating system reach it; "" where they do not
	crashed bool
	resume  func()  // of a pause
	slow    float64 // how many times its latencies are what they should be; 0 is 1
	slowing *Fault  // that makes it slow
	clock   discovery.Clock
	remote  remote
	silent  time.Duration // since when it announces nothing, while it does not run
}

// Host is the name of the host that the instance runs on.
func (in *Instance) Host() string { return in.host }

// Start starts the instance, unless it runs. One that is being shut down starts when it
// has stopped. It is announced when it is ready.
func (in *Instance) Start() {
	in.service.w.mu.Lock()
	in.remote.killed = false
	in.begin()
}

// begin starts the instance, unless it runs, or leads nowhere. w.mu is held, and let go.
func (in *Instance) begin() {
	w := in.service.w
	if in.running != nil || in.service.spec.Remote && in.remote.to == nil {
		in.again = in.running != nil && in.running == in.ending
		w.mu.Unlock()
		return
	}
	in.starts++
	start, kills := in.starts, in.kills
	w.mu.Unlock()
	d := time.Duration(0)
	if in.service.spec.Startup != (Dist{}) {
		d = in.service.spec.Startup.Duration(w.random("startup", in.host, start))
	}
	if d == 0 {
		in.up(start, kills)
		return
	}
	w.At(w.Elapsed()+d, func() { in.up(start, kills) })
}

// up lets the instance serve, unless it was killed since so many times.
func (in *Instance) up(start, kills int) {
	s := in.service
	w := s.w
	host := w.Net.Host(in.host)
	ln, err := host.Listen("tcp", ":30100")
	if err != nil {
		return // it was started twice, or its host is down
	}
	inner := ln
	if ln, err = in.open(inner); err != nil {
		inner.Close()
		w.Note("%s cannot start: %v", in.host, err)
		return
	}
	cfg := w.config()
	cfg.Trace = w.serviceTrace()
	svc := &scamp.Service{Mux: new(scamp.Mux), Certificate: fixtures.Certificate(s.identity()), Config: cfg, Grace: s.spec.Grace} // of a remote one nobody asks it
	for _, a := range s.spec.Actions {
		svc.Mux.Handle(scamp.Action{Name: a.Name, Version: a.Version, NoAuth: true, Timeout: a.Timeout},
			&handler{in: in, spec: a, start: start})
	}
	w.mu.Lock()
	if in.kills != kills {
		w.mu.Unlock()
		ln.Close()
		return
	}
	in.running, in.weight, in.ln = svc, 1, ln
	in.ident = fmt.Sprintf("%s:%d.%d", s.spec.Name, in.number, start)
	in.address = fmt.Sprintf("%v:30100", host.IP())
	if d, ok := ln.(*door); ok {
		in.outer = d.outer.Addr().String()
	}
	w.mu.Unlock()
	context.AfterFunc(w.stop, func() { ln.Close() })
	if s.spec.Remote {
		w.serving.Go(func() { acceptAll(ln, in.relay) })
		w.Note("%s listens", in.host)
		return
	}
	w.serving.Go(func() { in.serve(svc, ln) })
	w.announce(in)
	w.Note("%s starts as %s", in.host, in.ident)
}

// serve serves connections until the listener is closed.
func (in *Instance) serve(svc *scamp.Service, ln net.Listener) {
	s, w := in.service, in.service.w
	serve := func(nc net.Conn) { svc.ServeConn(nc) }
	if s.spec.Bug != "" {
		bug, _ := bugs.Lookup(s.spec.Bug)
		serve = bug.Around(svc)
	}
	answer := func(nc net.Conn) { in.answer(nc, serve) }
	if !w.TLS || s.spec.Bug != "" {
		acceptAll(ln, answer)
		return
	}
	svc.Serve(&diverter{Listener: ln, answer: answer, beside: w.serving.Go, wanted: func() bool { return w.interposed(in.host) }})
}

// answer answers a connection. That of a wrong service, and one with packet faults, is
// watched from its own end, too: nobody else knows what it could have done.
func (in *Instance) answer(nc net.Conn, serve func(net.Conn)) {
	s, w := in.service, in.service.w
	interposed := w.interposed(in.host)
	if !interposed && s.spec.Bug == "" {
		serve(nc)
		return
	}
	m := &meter{Stream: nc.(*simnet.Stream)}
	k := w.newWatch(ConnectionID{m.Stream.Peer().Name(), in.host, m.Stream.ID()}, true, patience, m)
	above := func(nc net.Conn) { serve(k.tap(nc)) }
	if interposed {
		above = func(nc net.Conn) { serve(in.wire(nc, k)) }
	}
	if w.TLS {
		above = overTLS(s.identity(), above)
	}
	above(m)
}

// take returns the running service and forgets it. w.mu is held.
func (in *Instance) take() *scamp.Service {
	svc, w := in.running, in.service.w
	if svc == nil {
		return nil // it has been silent since it ended
	}
	in.running, in.weight = nil, 0
	in.silent = w.Elapsed()
	go func() { // then healthy caches forget it
		if simnet.Pause(w.stop, expiry+time.Duration(in.number)) {
			w.mu.Lock()
			w.cacheState.version++
			w.mu.Unlock()
		}
	}()
	return svc
}

// Kill ends the instance at once, as if its process were killed: connections are
// reset, and nothing is announced.
func (in *Instance) Kill() {
	w := in.service.w
	w.mu.Lock()
	svc, ln := in.take(), in.ln
	in.kills++
	in.remote.killed = in.service.spec.Remote
	w.mu.Unlock()
	if svc == nil {
		return
	}
	w.Net.Host(in.host).Kill()
	ln.Close()
	svc.Close()
	w.Note("%s is killed", in.host)
}

// Shutdown stops the instance in good order, and returns when it has stopped. Whoever
// starts it meanwhile lets it start then.
func (in *Instance) Shutdown() {
	w := in.service.w
	w.mu.Lock()
	svc, ln := in.running, in.ln
	in.weight = 0
	in.ending, in.again = svc, false
	w.mu.Unlock()
	if svc == nil {
		return
	}
	w.announce(in)
	w.Note("%s is shut down", in.host)
	patience := context.Background()
	if w.real {
		patience = w.stop
	}
	svc.Shutdown(patience)
	ln.Close()
	w.mu.Lock()
	again := in.again && in.running == svc && w.stop.Err() == nil
	if in.running == svc {
		in.take()
		in.again = false
	}
	w.mu.Unlock()
	w.Note("%s has stopped", in.host)
	if again {
		in.Start()
	}
}

// Crash stops the host of the instance: who talks to it hears nothing.
func (in *Instance) Crash() {
	w := in.service.w
	w.mu.Lock()
	svc := in.take()
	in.kills++
	in.crashed = true
	if d, ok := in.ln.(*door); ok {
		d.held.Store(true)
	}
	w.mu.Unlock()
	w.Net.Host(in.host).Crash()
	if svc != nil {
		svc.Close()
	}
	w.Note("%s crashes", in.host)
}

// Restart starts the instance again, and its host if that has crashed.
func (in *Instance) Restart() {
	in.Kill()
	in.service.w.Net.Host(in.host).Restart()
	in.service.w.mu.Lock()
	in.crashed = false
	in.service.w.mu.Unlock()
	in.Start()
}

// Pause stops the host for the others, as if it were out of memory: nothing comes
// from it or reaches it until Resume.
func (in *Instance) Pause() {
	w := in.service.w
	resume := w.Net.Host(in.host).Pause()
	w.mu.Lock()
	before := in.resume
	in.resume = resume
	w.mu.Unlock()
	if before != nil {
		before()
	}
	w.Note("%s is paused", in.host)
}

// Running reports whether the instance serves.
func (in *Instance) Running() bool {
	in.service.w.mu.Lock()
	defer in.service.w.mu.Unlock()
	return in.running != nil
}

// Paused reports whether the instance is paused.
func (in *Instance) Paused() bool {
	in.service.w.mu.Lock()
	defer in.service.w.mu.Unlock()
	return in.resume != nil
}

// Crashed reports whether the host of the instance has crashed.
func (in *Instance) Crashed() bool {
	in.service.w.mu.Lock()
	defer in.service.w.mu.Unlock()
	return in.crashed
}

// Outer is the address at which programs of the operating system reach the instance;
// "" where they do not, or before it has started for the first time.
func (in *Instance) Outer() string {
	in.service.w.mu.Lock()
	defer in.service.w.mu.Unlock()
	return in.outer
}

// Slow lets the latencies of the instance be so many times what they should be, from
// now on. Requests that it delays meet the fault; nil counts nothing.
func (in *Instance) Slow(times float64, f *Fault) {
	w := in.service.w
	w.mu.Lock()
	in.slow, in.slowing = times, f
	w.mu.Unlock()
	if times == 1 {
		w.Note("%s is as fast as before", in.host)
	} else {
		w.Note("%s takes %v times as long", in.host, times)
	}
}

// latency is how long a request takes that would take d.
func (in *Instance) latency(d time.Duration) time.Duration {
	in.service.w.mu.Lock()
	defer in.service.w.mu.Unlock()
	if in.slow == 0 || in.slow == 1 {
		return d
	}
	if in.slowing != nil {
		in.slowing.Hits++
	}
	return time.Duration(float64(d) * in.slow)
}

// Resume ends a pause.
func (in *Instance) Resume() {
	w := in.service.w
	w.mu.Lock()
	resume := in.resume
	in.resume = nil
	w.mu.Unlock()
	if resume != nil {
		resume()
		w.Note("%s goes on", in.host)
	}
}

// describe is what the instance announces.
func (in *Instance) describe() *discovery.Announcement {
	s := in.service
	a := &discovery.Announcement{
		Identity: discovery.Identity{Fingerprint: fixtures.Fingerprint(s.identity()), Ident: in.ident},
		Sector:   "main", Weight: in.weight, Interval: 5000, URI: "beepish+tls://" + in.address, Envelopes: []string{"json"},
	}
	if s.spec.Sector != "" {
		a.Sector = s.spec.Sector
	}
	for _, spec := range s.spec.Actions {
		action := discovery.Action{Sector: a.Sector, Name: spec.Name, Version: max(spec.Version, 1), Envelopes: a.Envelopes, Flags: "noauth"}
		if spec.Timeout > 0 {
			action.Flags += fmt.Sprintf(",t%d", int(spec.Timeout.Seconds()+0.999))
		}
		a.Actions = append(a.Actions, action)
	}
	return a
}
