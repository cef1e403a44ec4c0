package sim

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// A ServiceSpec describes a fake service.
type ServiceSpec struct {
	Name      string // its hosts are NAME-1, NAME-2, …
	Instances int    // 0 is 1
	Sector    string // "" is main
	Actions   []ActionSpec
	// Bug is the name of a wrong server of package bugs, whose mistake all instances
	// make.
	Bug string
	// Startup is how long an instance takes to start.
	Startup Dist
	// Grace is how long it serves on when it is shut down; 0 is 5 s, negative nothing.
	Grace time.Duration
	// Unauthorized lets the service announce itself with a certificate that is not
	// in the authorised-services file. Nobody must call it.
	Unauthorized bool
}

// An ActionSpec describes one action of a fake service. It takes any body of the
// world's requesters, and answers with what proves that it has read it.
type ActionSpec struct {
	Name    string
	Version int     // 0 is 1
	Latency Dist    // from the end of the request to the reply
	Reply   Dist    // octets that the reply has besides
	Errors  float64 // probability of an error reply
	Refuse  float64 // probability that the request is refused unexecuted
	Abort   float64 // probability that the reply is given up in the middle
	Timeout time.Duration
}

// A Service is a fake service of a world.
type Service struct {
	w         *World
	spec      ServiceSpec
	instances []*Instance
}

// An Instance is one process of a service, on a host of its own.
type Instance struct {
	service *Service
	host    string
	number  int

	// Guarded by w.mu.
	starts  int // which start this is
	running *scamp.Service
	ln      net.Listener
	ident   string
	weight  float64
	address string
	resume  func()  // of a pause
	slow    float64 // how many times its latencies are what they should be; 0 is 1
	slowing *Fault  // that makes it slow
	clock   discovery.Clock
	silent  time.Duration // since when it announces nothing, while it does not run
}

// Service adds a service, and starts its instances.
func (w *World) Service(spec ServiceSpec) *Service {
	if err := spec.check(); err != nil {
		panic(err)
	}
	s := &Service{w: w, spec: spec}
	w.mu.Lock()
	w.services = append(w.services, s)
	w.mu.Unlock()
	for i := range max(spec.Instances, 1) {
		in := &Instance{service: s, number: i + 1, host: fmt.Sprintf("%s-%d", spec.Name, i+1)}
		s.instances = append(s.instances, in)
		in.Start()
	}
	return s
}

func (s *ServiceSpec) check() error {
	switch {
	case s.Name == "":
		return errors.New("sim: a service has no name")
	case s.Instances < 0 || s.Instances > 10000:
		return fmt.Errorf("sim: service %s has %d instances", s.Name, s.Instances)
	case len(s.Actions) == 0:
		return fmt.Errorf("sim: service %s has no actions", s.Name)
	}
	if _, ok := bugs.Lookup(s.Bug); s.Bug != "" && !ok {
		return fmt.Errorf("sim: service %s: there is no bug %q", s.Name, s.Bug)
	}
	for _, a := range s.Actions {
		for what, p := range map[string]float64{"errors": a.Errors, "refuse": a.Refuse, "abort": a.Abort} {
			if !(p >= 0 && p <= 1) {
				return fmt.Errorf("sim: %s of action %s is %v, not from 0 to 1", what, a.Name, p)
			}
		}
		if err := errors.Join(a.Latency.check("latency of "+a.Name), a.Reply.check("reply of "+a.Name), s.Startup.check("startup of "+s.Name)); err != nil {
			return err
		}
		if !strings.Contains(strings.Trim(a.Name, "."), ".") {
			return fmt.Errorf("sim: action %q is not Namespace.name", a.Name)
		}
	}
	return nil
}

// Instance returns one of the instances, from 1.
func (s *Service) Instance(n int) *Instance { return s.instances[n-1] }

// Instances returns all instances.
func (s *Service) Instances() []*Instance { return s.instances }

// Host is the name of the host that the instance runs on.
func (in *Instance) Host() string { return in.host }

// Start starts the instance, unless it runs. It is announced when it is ready.
func (in *Instance) Start() {
	w := in.service.w
	w.mu.Lock()
	if in.running != nil {
		w.mu.Unlock()
		return
	}
	in.starts++
	start := in.starts
	w.mu.Unlock()
	d := time.Duration(0)
	if in.service.spec.Startup != (Dist{}) {
		d = in.service.spec.Startup.duration(w.random("startup", in.host, start))
	}
	if d == 0 {
		in.up(start)
		return
	}
	w.At(w.Elapsed()+d, func() { in.up(start) })
}

// up lets the instance serve.
func (in *Instance) up(start int) {
	s := in.service
	w := s.w
	host := w.Net.Host(in.host)
	ln, err := host.Listen("tcp", ":30100")
	if err != nil {
		return // it was started twice, or its host is down
	}
	svc := &scamp.Service{Mux: new(scamp.Mux), Certificate: fixtures.Certificate(s.identity()), Config: w.config(), Grace: s.spec.Grace}
	for _, a := range s.spec.Actions {
		svc.Mux.Handle(scamp.Action{Name: a.Name, Version: a.Version, NoAuth: true, Timeout: a.Timeout},
			&handler{in: in, spec: a, start: start})
	}
	w.mu.Lock()
	in.running, in.weight, in.ln = svc, 1, ln
	in.ident = fmt.Sprintf("%s:%d.%d", s.spec.Name, in.number, start)
	in.address = fmt.Sprintf("%v:30100", host.IP())
	w.mu.Unlock()
	serve := svc.Serve
	answer := func(nc net.Conn) { svc.ServeConn(nc) }
	if s.spec.Bug != "" {
		b, _ := bugs.Lookup(s.spec.Bug)
		answer = b.Around(svc)
		if w.TLS {
			answer = overTLS(s.identity(), answer)
		}
	}
	if !w.TLS || s.spec.Bug != "" {
		serve = func(ln net.Listener) error { return acceptAll(ln, answer) }
	}
	w.serving.Go(func() { serve(ln) })
	context.AfterFunc(w.stop, func() { ln.Close() })
	w.announce(in)
	w.Note("%s starts as %s", in.host, in.ident)
}

// acceptAll gives every connection to answer until the listener is closed, and
// waits for all of them.
func acceptAll(ln net.Listener, answer func(net.Conn)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		nc, err := ln.Accept()
		if err != nil {
			return err
		}
		wg.Go(func() { answer(nc) })
	}
}

// overTLS lets answer have a connection when its handshake is done.
func overTLS(identity string, answer func(net.Conn)) func(net.Conn) {
	settings := &tls.Config{Certificates: []tls.Certificate{fixtures.Certificate(identity)}, MinVersion: tls.VersionTLS12}
	return func(nc net.Conn) {
		defer nc.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if conn := tls.Server(nc, settings); conn.HandshakeContext(ctx) == nil {
			answer(conn)
		}
	}
}

// identity is the name of the fixture identity that the service has.
func (s *Service) identity() string {
	if s.spec.Unauthorized {
		return "other"
	}
	return "server"
}

// take returns the running service and forgets it. w.mu is held.
func (in *Instance) take() *scamp.Service {
	svc := in.running
	in.running, in.weight = nil, 0
	w := in.service.w
	in.silent = w.Elapsed()
	go func() { // then healthy caches forget it
		if sleep(w.stop, expiry+time.Duration(in.number)) {
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
	svc := in.take()
	w.mu.Unlock()
	if svc == nil {
		return
	}
	w.Net.Host(in.host).Kill()
	svc.Close()
	w.Note("%s is killed", in.host)
}

// Shutdown stops the instance in good order, and returns when it has stopped.
func (in *Instance) Shutdown() {
	w := in.service.w
	w.mu.Lock()
	svc, ln := in.running, in.ln
	in.weight = 0
	w.mu.Unlock()
	if svc == nil {
		return
	}
	w.announce(in)
	w.Note("%s is shut down", in.host)
	svc.Shutdown(context.Background())
	ln.Close()
	w.mu.Lock()
	if in.running == svc {
		in.take()
	}
	w.mu.Unlock()
	w.Note("%s has stopped", in.host)
}

// Crash stops the host of the instance: who talks to it hears nothing.
func (in *Instance) Crash() {
	w := in.service.w
	w.mu.Lock()
	svc := in.take()
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

func (s *Service) close() {
	for _, in := range s.instances {
		in.Resume()
		s.w.mu.Lock()
		svc := in.take()
		s.w.mu.Unlock()
		if svc != nil {
			svc.Close()
		}
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

// A message is the body of a request of the world.
type message struct {
	ID  uint64 `json:"id"`
	Pad string `json:"pad"`
}

// An answer is the body of a reply: it proves which request it is for, and that its
// body came whole.
type answer struct {
	ID    uint64 `json:"id"`
	Octet int    `json:"octets"`
	Sum   uint32 `json:"sum"`
	Pad   string `json:"pad"`
}

// handler runs an action of one start of an instance.
type handler struct {
	in    *Instance
	spec  ActionSpec
	start int
}

// ServeSCAMP executes a request: after its latency, with its probability of going
// wrong. What it draws depends on the request alone.
func (h *handler) ServeSCAMP(ctx context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	world := h.in.service.w
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		world.violate("%s: a request arrived damaged: %v", h.in.host, err)
		return &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: "no request of this world"}
	}
	if h.in.service.spec.Unauthorized {
		world.violate("%s is called, which is not authorised", h.in.host)
	}
	random := world.random("handle", h.in.host, h.start, m.ID)
	if random.Float64() < h.spec.Refuse {
		world.refused(m.ID, h.in.host)
		return &scamp.ReplyError{Code: scamp.CodeTransport, Message: "refused", Data: json.RawMessage(`{"dispatch_failure":true}`)}
	}
	world.executed(m.ID, h.in.host)
	if h.spec.Latency != (Dist{}) {
		t := time.NewTimer(h.in.latency(h.spec.Latency.duration(random)))
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if random.Float64() < h.spec.Errors {
		return &scamp.ReplyError{Code: "simulated", Message: "the service fails as it was told to"}
	}
	reply, err := json.Marshal(answer{m.ID, len(body), crc32.ChecksumIEEE(body), strings.Repeat("y", h.spec.Reply.size(random))})
	if err != nil {
		return err
	}
	if random.Float64() < h.spec.Abort {
		if _, err := w.Write(reply[:random.IntN(len(reply))]); err != nil {
			return err
		}
		return errors.New("given up as it was told to")
	}
	_, err = w.Write(reply)
	return err
}
