package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"
)

// A play is one run of a case against the subject. One goroutine, the script, goes through the steps; those of the
// peers bring in what the subject sends. All state is guarded by mu, and whoever changes it tells change.
type play struct {
	c       *Case
	subject *Subject
	opt     *Options
	ctx     context.Context // nil in virtual time
	dial    func() (net.Conn, error)
	below   func() (net.Conn, error) // opens a transport without TLS; nil where the subject is not reached over TLS
	world   *world                   // nil: the subject is a server
	settle  func()                   // nil in real time
	start   time.Time

	mu     sync.Mutex
	change sync.Cond
	peers  []*peer
	named  map[string]*peer
	log    []entry
	found  []found // breaches of rules that are judged on every packet
	// token stands in the barriers of this run. Where one with another token comes back, the subject has mixed up its
	// connections: what has come here proves nothing about this case.
	token   string
	crossed bool
	// lost: a connection was ended by the subject, or could not be opened, and no step awaited that. In real time that may
	// be the doing of another case.
	lost bool
	// What the replies to echoes have been: with error members, or without.
	adorned, plain bool

	env      Env
	on       string // the connection of the steps
	counter  int64  // of count, when the case began
	readings int64  // of the counter since then
	executed int64  // how often count was executed since then, as it was last read
	counted  bool   // executed was asked
	quiet    bool   // the case has expected a close, an absence or silence
	proved   bool   // the subject has been seen alive since
	verdict  Verdict
	notes    []string // of the branches taken
}

// found is a breach with the place where it was found.
type found struct {
	breach
	conn string
	at   int // index in the log
}

// A stop ends a case before its last step.
type stop struct {
	verdict Verdict
	line    int    // of the step
	reason  string // what happened instead
	harm    bool   // a wrong result, a hang, damage to others: fails a SHOULD, too
	conn    string
}

// failed makes the stop of an expectation that was not met.
func failed(format string, args ...any) *stop {
	return &stop{verdict: Fail, reason: fmt.Sprintf(format, args...)}
}

// harmed makes the stop of an outcome that is a failure for every level.
func harmed(format string, args ...any) *stop {
	return &stop{verdict: Fail, reason: fmt.Sprintf(format, args...), harm: true}
}

// faulty makes the stop of a case that cannot be played: the fault is the tester's or the case's.
func faulty(err error) *stop { return &stop{verdict: Errored, reason: err.Error()} }

// newPlay prepares a run; dial opens a connection that is ready for packets.
func newPlay(c *Case, s *Subject, opt *Options) *play {
	pl := &play{
		c: c, subject: s, opt: opt, on: "a", verdict: Pass, start: time.Now(),
		named: map[string]*peer{}, env: Env{Vars: s.variables()},
	}
	pl.change.L = &pl.mu
	return pl
}

// run plays the case and returns nil, or why it ended early. The verdict so far is in pl.verdict.
func (pl *play) run() (end *stop) {
	defer pl.leave()
	if pl.ctx != nil {
		defer context.AfterFunc(pl.ctx, pl.wake)()
	}
	if uses(pl.c.Steps, isExecuted) {
		if end = pl.readCounter(); end != nil {
			return end
		}
		pl.counter, pl.readings = pl.executed+1, 0
	}
	if end = pl.steps(pl.c.Steps); end == nil {
		end = pl.finale()
	}
	if end != nil && end.verdict == Fail && !end.harm && pl.lenient() { // a dialect, unless the subject is dead
		if dead := pl.alive(); dead != nil && dead.verdict == Fail {
			dead.line, dead.conn = end.line, end.conn
			end = dead
		}
	}
	return end
}

func (pl *play) wake() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.change.Broadcast()
}

// leave ends the client, where the subject is one, and all connections, and judges what can only be judged then.
func (pl *play) leave() {
	if pl.world != nil {
		pl.world.leave()
	}
	for _, p := range pl.peers {
		p.leave()
	}
	for _, p := range pl.peers {
		p.judgeTotals()
		p.judgeDoubtful()
		p.judgeIDs()
	}
}

// breach notes a breach. pl.mu is held.
func (pl *play) breach(p *peer, b breach) {
	pl.found = append(pl.found, found{b, p.name, len(pl.log) - 1})
}

func (pl *play) interrupted() bool { return pl.ctx != nil && pl.ctx.Err() != nil }

// sleep lets time pass.
func (pl *play) sleep(d time.Duration) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.await(d, func() bool { return false })
}

// steps goes through steps; the first that fails ends the case.
func (pl *play) steps(steps []Step) *stop {
	for i := range steps {
		if end := pl.step(&steps[i]); end != nil {
			if end.line == 0 {
				end.line = steps[i].Line
			}
			if end.conn == "" {
				end.conn = pl.on
			}
			return end
		}
		if pl.interrupted() {
			return &stop{verdict: Errored, line: steps[i].Line, reason: "interrupted"}
		}
	}
	return nil
}

// step plays one step on its connection.
func (pl *play) step(s *Step) *stop {
	if s.On != "" {
		before := pl.on
		pl.on = s.On
		defer func() { pl.on = before }()
	}
	switch do := s.Do.(type) {
	case On:
		before := pl.on
		pl.on = do.Conn
		defer func() { pl.on = before }()
		return pl.steps(do.Steps)
	case Connect:
		if do.Below != nil {
			return pl.connectBelow(do)
		}
		_, err := pl.connect(do.Name)
		return pl.unreachable(err)
	case Repeat:
		return pl.repeat(do)
	case UntilEnded:
		return pl.untilEnded(do)
	case Either:
		return pl.either(do)
	case Wait:
		pl.sleep(do.For)
		return nil
	case Accept, ExpectOutcome, ExpectConnection, Count, Alive:
		return pl.expect(s)
	case No:
		if do.What == "outcome" || do.What == "connection" {
			return pl.expect(s)
		}
	}
	if pl.world != nil {
		if end, ok := pl.around(s.Do); ok {
			return end
		}
	}
	p, end := pl.peer()
	if end != nil {
		return end
	}
	switch do := s.Do.(type) {
	case Send, Raw, Request, Reply, Together, Split:
		return pl.send(p, do)
	case Close:
		p.hangUp(do.How)
		return nil
	case Reading:
		pl.mu.Lock()
		defer pl.mu.Unlock()
		p.reading = do.On
		pl.change.Broadcast()
		return nil
	case Acks:
		pl.mu.Lock()
		defer pl.mu.Unlock()
		p.acking = do.On
		return nil
	case Anything:
		pl.mu.Lock()
		defer pl.mu.Unlock()
		p.anything = true
		return nil
	}
	return pl.expect(s)
}

// peer returns the connection of the step. The first one is opened when it is needed.
func (pl *play) peer() (*peer, *stop) {
	if p := pl.named[pl.on]; p != nil {
		return p, nil
	}
	if pl.on != "a" {
		form := "connect"
		if pl.world != nil {
			form = "accept S1 as"
		}
		return nil, faulty(fmt.Errorf("no connection %s has been opened; write %s %s before", pl.on, form, pl.on))
	}
	if pl.world != nil { // the first one is accepted when it is needed
		if end := pl.expect(&Step{Do: Accept{Instance: "S1"}}); end != nil {
			return nil, end
		}
		return pl.named["a"], nil
	}
	p, err := pl.connect("a")
	return p, pl.unreachable(err)
}

// unreachable is a connection that could not be opened: the subject is dead, or its process is.
func (pl *play) unreachable(err error) *stop {
	if err == nil {
		return nil
	}
	pl.lost = true
	return harmed("the subject cannot be reached: %v", err)
}

func (pl *play) repeat(do Repeat) *stop {
	n, err := EvalNumber(do.Times, &pl.env)
	if err != nil {
		return faulty(err)
	}
	if n > maxRepeats {
		return faulty(fmt.Errorf("%d rounds are more than %d", n, maxRepeats))
	}
	before := maps.Clone(pl.env.Vars)
	for round := range n {
		if round > 0 { // what a round has set is its own
			pl.env.Vars = maps.Clone(before)
		}
		if end := pl.steps(do.Steps); end != nil {
			return end
		}
	}
	return nil
}

// untilEnded repeats steps until a message of the subject has ended (WIRE-FLOW-08).
func (pl *play) untilEnded(do UntilEnded) *stop {
	p, end := pl.peer()
	if end != nil {
		return end
	}
	n, err := EvalNumber(do.Number, &pl.env)
	if err != nil {
		return faulty(err)
	}
	for {
		m, end := pl.stopped(p, n)
		switch {
		case end != nil:
			return end
		case m.ended:
			return nil
		case m.outstanding() == 0:
			return harmed("message %d does not go on: %d octets have come, all of them are acknowledged, and neither DATA nor its end follows", n, len(m.body))
		}
		if end := pl.steps(do.Steps); end != nil {
			return end
		}
	}
}

// unusable says why nothing more can be expected of a connection; nil while it is open and readable. pl.mu is held.
func (p *peer) unusable() error {
	switch {
	case p.broken != nil:
		return errors.New("nothing more can be read: " + p.broken.reason)
	case p.end != nil && p.closed:
		return errors.New("the tester has closed the connection")
	case p.end != nil:
		return fmt.Errorf("the subject has closed the connection (%v)", p.end)
	}
	return nil
}
