package sim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/bugs"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A RequesterSpec describes a program that calls services.
type RequesterSpec struct {
	Name    string // of its host
	Sector  string
	Timeout time.Duration // of a call, where the action announces none; 0 is 75 s
	// Balance lets it prefer instances with fewer of its calls outstanding, as
	// requesters do. Calls that retry at the same instant then depend on the order of
	// goroutines: such a run may not be the same the next time.
	Balance bool
	// Bug is the name of a wrong client of bugs.PacketClients, whose mistake it makes.
	Bug string
	// Calls are what it does.
	Calls []LoadSpec
}

// A LoadSpec is calls of one requester.
type LoadSpec struct {
	Action  string // "Name" or "Name~VERSION"
	Rate    float64
	Workers int  // instead of Rate: so many callers, one call after the other each
	Think   Dist // pause of a worker between two calls
	Body    Dist // octets of the request besides its envelope
	// Request, if it is set, makes the bodies of requests to a Program. Judge, if it
	// is set, says what is wrong with the reply to one of them.
	Request func(random *rand.Rand) []byte
	Judge   func(request, reply []byte) error
	// Slow lets the requester read replies with pauses, so that windows stall.
	Slow Dist
	// Cancel is the probability that a call is given up, after a pause drawn from
	// CancelAfter.
	Cancel      float64
	CancelAfter Dist
	From, Until time.Duration // of the world; Until 0 is the end of the run
}

// A Requester is a program of the world that calls services.
type Requester struct {
	w    *World
	spec RequesterSpec
	q    *scamp.Requester
	view *view
}

// Requester adds a requester, and begins with its calls.
func (w *World) Requester(spec RequesterSpec) *Requester {
	if err := spec.check(); err != nil {
		panic(err)
	}
	q := &Requester{w: w, spec: spec, view: w.newView(spec.Name)}
	cfg := w.config()
	cfg.CallTimeout = spec.Timeout
	cfg.Trace = w.traceOf()
	q.q = &scamp.Requester{
		Config: cfg, Directory: &q.view.directory, Fresh: q.view.fresh, Authorized: w.authorized,
		Sector: spec.Sector, Dial: q.dial, Uniform: !spec.Balance, Rand: w.rand(spec.Name),
	}
	if !w.TLS || spec.Bug != "" || w.interposed(spec.Name) {
		q.q.Secure = q.secure(cfg)
	}
	w.mu.Lock()
	w.requesters = append(w.requesters, q)
	w.mu.Unlock()
	w.Go(func() { q.view.watch(w.stop) })
	for i, load := range spec.Calls {
		if load.Workers == 0 {
			w.Go(func() { q.arrivals(load, i) })
		}
		for k := range load.Workers {
			w.Go(func() { q.worker(load, i, k) })
		}
	}
	return q
}

// secure returns what makes a connection ready for packets: without TLS where the
// world has none, with packet faults, and with the mistake of the requester.
func (q *Requester) secure(cfg scamp.Config) func(ctx context.Context, nc net.Conn, fingerprint string) (net.Conn, error) {
	wrong := func(nc net.Conn) net.Conn { return nc }
	if b, ok := q.spec.bug(); ok {
		around := b.Around()
		wrong = func(nc net.Conn) net.Conn { return around(q.w.watchOf(nc.LocalAddr()).tap(nc)) }
	}
	above := func(nc net.Conn) net.Conn { return wrong(q.wire(nc)) }
	return func(ctx context.Context, nc net.Conn, fingerprint string) (net.Conn, error) {
		if !q.w.TLS {
			return above(nc), nil
		}
		cfg := cfg
		cfg.Fingerprint = fingerprint
		settings, err := scamp.ClientTLS(cfg)
		if err != nil {
			nc.Close()
			return nil, err
		}
		conn := tls.Client(nc, settings)
		if err := conn.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		return above(conn), nil
	}
}

// bug returns the wrong client whose mistake the requester makes.
func (s *RequesterSpec) bug() (bugs.Client, bool) {
	for _, b := range bugs.PacketClients() {
		if b.Name == s.Bug {
			return b, true
		}
	}
	return bugs.Client{}, false
}

func (s *RequesterSpec) check() error {
	if s.Name == "" {
		return errors.New("sim: a requester has no name")
	}
	if _, ok := s.bug(); !ok && s.Bug != "" {
		return fmt.Errorf("sim: requester %s: there is no bug of packets %q", s.Name, s.Bug)
	}
	for _, l := range s.Calls {
		switch {
		case l.Action == "":
			return fmt.Errorf("sim: a load of %s names no action", s.Name)
		case l.Workers < 0 || l.Rate < 0 || l.Workers > 0 == (l.Rate > 0):
			return fmt.Errorf("sim: the load %s of %s needs a rate, or workers", l.Action, s.Name)
		case l.Request != nil && l.Body != (Dist{}):
			return fmt.Errorf("sim: the load %s of %s has a Body and a Request that makes it", l.Action, s.Name)
		case !(l.Cancel >= 0 && l.Cancel <= 1):
			return fmt.Errorf("sim: cancel of %s is %v, not from 0 to 1", l.Action, l.Cancel)
		}
		if err := errors.Join(l.Think.check("think"), l.Body.check("body"), l.Slow.check("slow"), l.CancelAfter.check("cancel after")); err != nil {
			return err
		}
	}
	return nil
}

// rand returns the randomness of a scamp.Requester. It is of the moment, not of how
// many have drawn before: so the order of goroutines does not matter.
func (w *World) rand(name string) func(n int) int {
	return func(n int) int {
		return w.random("choice", name, uint64(w.Elapsed()), n).IntN(n)
	}
}

// arrivals makes calls at random times, whether earlier ones have ended or not.
func (q *Requester) arrivals(l LoadSpec, number int) {
	random := q.w.random("load", q.spec.Name, number)
	next := Around(time.Duration(float64(time.Second) / l.Rate))
	var calls sync.WaitGroup
	defer calls.Wait()
	if !q.pause(l.From - q.w.Elapsed() + next.Duration(random)) {
		return
	}
	for q.within(l) {
		c := q.prepare(l, random)
		calls.Go(q.w.guarded(func() { q.call(c) }))
		if !q.pause(next.Duration(random)) {
			return
		}
	}
}

// worker makes one call after the other.
func (q *Requester) worker(l LoadSpec, number, k int) {
	random := q.w.random("worker", q.spec.Name, number, k)
	if !q.pause(l.From - q.w.Elapsed() + l.Think.Duration(random)) {
		return
	}
	for q.within(l) {
		began := q.w.Elapsed()
		q.call(q.prepare(l, random))
		think := l.Think.Duration(random)
		if q.w.real && q.w.Elapsed()-began < breath {
			think = max(think, 10*breath)
		}
		if !q.pause(think) {
			return
		}
	}
}

// breath is less than a call over a network takes in real time. A worker whose call
// fails sooner takes its time, instead of the processor's.
const breath = time.Millisecond

func (q *Requester) within(l LoadSpec) bool {
	return q.w.stop.Err() == nil && (l.Until == 0 || q.w.Elapsed() < l.Until)
}

// pause lets time pass; false says that the run is over.
func (q *Requester) pause(d time.Duration) bool { return simnet.Pause(q.w.stop, d) }

// A call is one call with all that was drawn for it.
type call struct {
	record *callRecord
	load   LoadSpec
	body   []byte
	give   time.Duration // up after this time; 0: never
	id     string        // of the reply
	random *rand.Rand
}

func (q *Requester) prepare(l LoadSpec, random *rand.Rand) call {
	r := q.w.newCall(q.spec.Name, l.Action)
	c := call{record: r, load: l, random: q.w.random("call", r.id)}
	if l.Request != nil {
		r.foreign = true
		c.body = l.Request(random)
	} else {
		c.body, _ = filled(message{r.id, q.w.mark()}, asking, l.Body.size(random))
	}
	r.asked = bodyOf(c.body)
	if random.Float64() < l.Cancel {
		c.give = l.CancelAfter.Duration(random)
	}
	return c
}

// callKey is the key of a call's record in its context.
type callKey struct{}

// apart lets some nanoseconds pass, other ones for every call: many calls can fail at
// one instant, or get their connection, and then go on one after the other, in the
// same order in every run.
func apart(ctx context.Context) {
	id := uint64(0)
	if r, ok := ctx.Value(callKey{}).(*callRecord); ok {
		id = r.id
	}
	time.Sleep(time.Duration(id%5000)*2 + 2 + time.Duration(time.Now().Nanosecond()&1))
}

// call makes a call and judges what comes of it.
func (q *Requester) call(c call) {
	ctx := context.WithValue(q.w.calling, callKey{}, c.record)
	if c.give > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer time.AfterFunc(c.give, cancel).Stop()
		defer cancel()
	}
	r, err := scamp.NewJSONRequest(c.load.Action, nil)
	var reply []byte
	if err == nil {
		r.Body = scamp.NewRequest("", c.body).Body
		reply, err = q.receive(ctx, r, &c)
	}
	own := false
	if err == nil {
		var a answer
		own = unfilled(reply, answering, &a) == nil && a.ID == c.record.id && body{a.Octet, a.Sum} == c.record.asked
	}
	var wrong error
	if err == nil && c.load.Judge != nil {
		wrong = c.load.Judge(c.body, reply)
	}
	q.w.done(c.record, err, c.id, reply, own, wrong)
}

// receive calls and reads the reply, with pauses where the load says so.
func (q *Requester) receive(ctx context.Context, r *scamp.Request, c *call) ([]byte, error) {
	reply, err := q.q.Call(ctx, r)
	if err != nil {
		return nil, err
	}
	c.id = reply.RequestID.String()
	if c.load.Slow == (Dist{}) {
		return reply.ReadAll(64 << 20)
	}
	defer reply.Body.Close()
	var all []byte
	piece := make([]byte, 16<<10)
	for {
		n, err := reply.Body.Read(piece)
		all = append(all, piece[:n]...)
		switch {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return nil, err
		}
		simnet.Pause(q.w.calling, c.load.Slow.Duration(c.random))
	}
}

func (q *Requester) close() {
	q.q.Close(context.Background())
}
