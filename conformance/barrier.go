package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// barrier sends a complete echo request and waits for its reply: what was sent before has been read by then.
func (pl *play) barrier(p *peer) *stop {
	if pl.world != nil {
		return pl.barrierClient(p)
	}
	pl.mu.Lock()
	if p.wedged {
		pl.mu.Unlock()
		return harmed("the connection has left a barrier unanswered before")
	}
	p.sends++
	number := p.nextOut
	id := jsonValue{kind: '0', text: strconv.FormatUint(number+1, 10)}
	for n := number + 1001; p.request(&id) != nil || len(p.replies(&id)) > 0; n++ { // the case has used it
		id.text = strconv.FormatUint(n, 10)
	}
	body := fmt.Appendf(nil, `{"barrier":%d,"of":%s}`, number, quoteJSON([]byte(pl.token+" "+p.name)))
	header := fmt.Appendf(nil, `{"type":"request","action":%s,"version":1,"envelope":"json","request_id":%s}`, quoteJSON([]byte(pl.subject.action("echo"))), id.text)
	pl.mu.Unlock()
	var octets []byte
	for _, pkt := range []packet{{"HEADER", number, header}, {"DATA", number, body}, {"EOF", number, nil}} {
		octets = appendPacket(octets, pkt, nil, nil)
	}
	if end := pl.say(p, octets, 0, false); end != nil {
		return end
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if o := p.own(number); o != nil {
		o.barrier = true
	}
	var m *incoming
	answered := pl.awaitWith(newPatience(pl.opt.Timeout, p), func() bool {
		if found := p.replies(&id); len(found) > 0 && found[0].ended {
			m = found[0]
		}
		return m != nil || p.unusable() != nil
	})
	switch {
	case m != nil:
		m.whole = true
		if end := pl.satisfies(p, m, ExpectReply{Kind: ReplyEcho}, nil, nil); end != nil {
			return failed("the barrier, a complete echo: %s", end.reason)
		}
		return nil
	case answered:
		return failed("the barrier, a complete echo, was not answered: %v", p.unusable())
	}
	p.wedged = true
	return harmed("the barrier, a complete echo, was not answered within %v on an open connection (WIRE-SAFE-08)", pl.opt.Timeout)
}

// idle checks that nothing has come that no step has expected.
func (pl *play) idle(p *peer) *stop {
	if pl.settle != nil {
		pl.settle()
	} else if end := pl.barrier(p); end != nil {
		return end
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if what := p.leftovers(); what != "" {
		return failed("something came: %s", what)
	}
	pl.silent()
	return nil
}

// aside opens a connection that is no part of the scenario.
func (pl *play) aside(name string) (*peer, *stop) {
	pl.mu.Lock()
	before := pl.named[name]
	pl.mu.Unlock()
	p, err := pl.connect(name)
	if err != nil {
		return nil, pl.unreachable(err)
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	p.acking, p.aside = true, true
	if before != nil {
		pl.named[name] = before
	} else {
		delete(pl.named, name)
	}
	return p, nil
}

// alive proves that the subject serves: an echo on a new connection, once what was sent on the others has been read.
func (pl *play) alive() *stop {
	if pl.world != nil {
		return pl.aliveClient()
	}
	pl.dealtWith()
	p, end := pl.aside("alive")
	if end != nil {
		return end
	}
	defer p.hangUp(CloseOrderly)
	if end := pl.barrier(p); end != nil {
		return harmed("the subject does not serve on a new connection: %s", end.reason)
	}
	pl.proved = true
	return nil
}

// dealtWith waits until the subject has read what was sent to it, as far as that can be known: in virtual time all has
// come to rest; otherwise open connections have answered a barrier or are closed, and those that the tester has closed
// are given a moment.
func (pl *play) dealtWith() {
	if pl.settle != nil {
		pl.settle()
		return
	}
	left := false
	for _, p := range pl.peers {
		pl.mu.Lock()
		ready := p.reading && p.speaks()
		left = left || p.closed && !p.aside
		pl.mu.Unlock()
		if ready {
			pl.barrier(p) // whether it is answered will be judged in its place
		}
	}
	if left {
		pl.sleep(pl.opt.Quiet / 5)
	}
}

// speaks reports whether a request can be sent on the connection. play.mu is held.
func (p *peer) speaks() bool {
	return !p.closed && !p.half && !p.plain && p.failed == nil && p.unusable() == nil && !p.out.midway()
}

// readCounter asks count how often it was executed.
func (pl *play) readCounter() *stop {
	p, end := pl.aside("count")
	if end != nil {
		return end
	}
	defer p.hangUp(CloseOrderly)
	r := Request{Number: Literal{0}, Action: Quoted{"count"}, Fixture: true}
	if end := pl.send(p, r); end != nil {
		return end
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	id := &jsonValue{kind: '0', text: "1"}
	pl.await(pl.opt.Timeout, func() bool {
		found := p.replies(id)
		return p.unusable() != nil || len(found) > 0 && found[0].ended
	})
	found := p.replies(id)
	if len(found) == 0 || !found[0].ended || found[0].abort != nil || !found[0].success() {
		return harmed("the counter of count cannot be read")
	}
	v, err := parseJSON(found[0].body)
	n, err2 := strconv.ParseInt(v.text, 10, 64)
	if err != nil || v.kind != '0' || err2 != nil {
		return harmed("count does not return a number: %s", showOctets(found[0].body))
	}
	pl.readings++
	pl.executed = n - pl.counter - pl.readings
	return nil
}

// checkExecuted compares how the counter has grown, the readings aside. What must have been executed is awaited.
func (pl *play) checkExecuted(do Executed) *stop {
	n, err := EvalNumber(do.Times, &pl.env)
	if err != nil {
		return faulty(err)
	}
	want := int64(n)
	pl.counted = true
	pl.dealtWith()
	for deadline := time.Now().Add(pl.opt.Timeout); ; pl.sleep(pl.opt.Quiet / 10) {
		if end := pl.readCounter(); end != nil {
			return end
		}
		switch {
		case pl.executed == want:
			if want == 0 {
				pl.silent()
			}
			return nil
		case pl.executed > want:
			return harmed("count was executed %d times, not %d", pl.executed, want)
		case pl.executed < 0:
			return faulty(errors.New("the counter of count went backwards: does anybody else use this server, or was it restarted?"))
		case time.Now().After(deadline):
			return harmed("count was executed %d times, not %d", pl.executed, want)
		}
	}
}

// stall waits until a message has stopped before its end, and sets $sent and $outstanding.
func (pl *play) stall(p *peer, do Stall) *stop {
	n, err := EvalNumber(do.Number, &pl.env)
	if err != nil {
		return faulty(err)
	}
	m, end := pl.stopped(p, n)
	if end != nil {
		return end
	}
	if m.ended {
		return &stop{verdict: Unsupported, reason: fmt.Sprintf("message %d runs to its end unacknowledged: the subject has no window", n)}
	}
	return nil
}

// stopped waits until a message of the subject has ended or does not go on by itself.
func (pl *play) stopped(p *peer, n uint64) (*incoming, *stop) {
	if pl.settle != nil {
		pl.settle()
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	var m *incoming
	if !pl.awaitWith(newPatience(pl.opt.Timeout, p), func() bool { m = p.message(n); return m != nil || p.unusable() != nil }) {
		return nil, harmed("message %d has not begun within %v", n, pl.opt.Timeout)
	}
	if m == nil {
		return nil, failed("%v", p.unusable())
	}
	m.watched = true
	for {
		size := len(m.body)
		if m.ended || p.unusable() != nil || m.window > 0 && m.outstanding() == m.window {
			break
		}
		patience := pl.opt.Quiet
		switch {
		case m.outstanding() == 0 || pl.settle != nil: // a hang, if nothing comes; or patience costs nothing
			patience = pl.opt.Timeout
		case m.outstanding()%windowMax != 0: // not a window that is known: look twice as long
			patience *= 2
		}
		if !pl.await(patience, func() bool { return len(m.body) != size || m.ended || p.unusable() != nil }) {
			break
		}
	}
	if err := p.unusable(); err != nil && !m.ended {
		return nil, failed("message %d does not end: %v", n, err)
	}
	if m.window == 0 {
		m.window = m.outstanding()
	}
	pl.env.Vars["sent"] = appendUint(uint64(len(m.body)))
	pl.env.Vars["outstanding"] = appendUint(uint64(m.outstanding()))
	return m, nil
}

// finale proves what every case proves besides: the connections that are left work, nothing unexpected has come, and the
// subject is alive.
func (pl *play) finale() *stop {
	pl.mu.Lock()
	var open []*peer
	for _, p := range pl.peers {
		if p.closed || p.half || !p.reading || p.plain {
			continue
		}
		open = append(open, p)
		p.acking = true
		for _, m := range p.messages {
			if m.abort == nil && m.outstanding() > 0 {
				p.acknowledge(m)
				p.wedged = false // messages may have waited for this one
			}
		}
	}
	pl.change.Broadcast()
	pl.mu.Unlock()
	if pl.world != nil {
		return pl.finaleClient(open)
	}
	for _, p := range open {
		if end := pl.conclude(p); end != nil {
			end.conn = p.name
			return end
		}
	}
	if pl.counted {
		want := pl.executed
		if end := pl.readCounter(); end != nil {
			return end
		}
		if pl.executed != want {
			return harmed("count was executed once more when the case was over")
		}
	}
	if pl.quiet && !pl.proved || slices.ContainsFunc(pl.peers, func(p *peer) bool { return p.closed && !p.aside }) {
		return pl.alive()
	}
	return nil
}

// conclude proves that one connection has been left in order.
func (pl *play) conclude(p *peer) *stop {
	pl.mu.Lock()
	usable := p.unusable() == nil && p.failed == nil
	speaks := p.speaks()
	pl.mu.Unlock()
	if speaks {
		end := pl.barrier(p)
		pl.mu.Lock()
		closed := p.ended()
		pl.mu.Unlock()
		if end != nil && !(p.anything && closed) {
			return end
		}
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if p.ended() && !p.awaited && !p.anything && !p.mayLeave() {
		return failed("the subject has closed the connection, which no step expected")
	}
	if usable {
		for _, m := range p.messages {
			o := p.request(m.id)
			if o == nil || !o.ended || m.ended {
				continue
			}
			if !pl.awaitWith(newPatience(pl.opt.Timeout, p), func() bool { return m.ended || p.unusable() != nil }) {
				p.wrong("WIRE-MSG-02a", "message %d has no end although its request is complete and all of it has been acknowledged", m.number)
			}
		}
	}
	if what := p.leftovers(); what != "" {
		return failed("something came that no step expected: %s", what)
	}
	return nil
}
