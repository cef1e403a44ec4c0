package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// takeUp is how long a client may take to see that a file has changed, and a little more (DISC-CCH-09).
const takeUp = 6 * time.Second

// around plays a step that changes what is around the client, or that the application does. It reports whether it was one.
func (pl *play) around(do Action) (end *stop, ok bool) {
	w := pl.world
	switch do := do.(type) {
	case Announce:
		return pl.announce(do), true
	case Withdraw:
		w.disturbed = true
		w.instance(do.Instance).packet = ""
		w.writeCache()
		w.writeList()
	case Authorize:
		text, err := EvalText(do.File, &pl.env)
		if err != nil {
			return faulty(err), true
		}
		w.disturbed, w.ownList, w.listed = true, true, string(text)
		w.writeList()
	case Config:
		text, err := EvalText(do.Value, &pl.env)
		if err != nil {
			return faulty(err), true
		}
		w.configure(do.Key, string(text))
	case Age:
		w.disturbed = true
		w.files.age(do.File, do.By)
	case Remove:
		w.disturbed = true
		w.files.remove(do.File)
	case Reload:
		pl.sleep(takeUp)
	case Behave:
		pl.mu.Lock()
		defer pl.mu.Unlock()
		i := w.instance(do.Instance)
		if i.how = do.How; i.how == BehaveServe {
			w.serve(i)
		}
	case DoCall:
		c, err := pl.asked(do)
		if err != nil {
			return faulty(err), true
		}
		w.call(do.Name, c)
	case DoCancel:
		c := w.named(do.Name)
		if c == nil {
			return faulty(fmt.Errorf("there is no call %s", do.Name)), true
		}
		c.cancel()
	case DoClose:
		w.close()
	default:
		return nil, false
	}
	return nil, true
}

// announce plays the step of that name.
func (pl *play) announce(do Announce) *stop {
	w := pl.world
	r := record{}
	if do.With != nil {
		text, err := EvalText(do.With, &pl.env)
		if err == nil {
			r, err = parseRecord(text)
		}
		if err != nil {
			return faulty(err)
		}
	}
	i := w.instance(do.Instance)
	i.record = &r
	w.announce(i)
	return nil
}

// callable reports whether the tester can have the subject call just this instance.
func (i *instance) callable() bool {
	return i.packet != "" && string(i.record.Weight) != "0" && i.record.Signature == "" && i.how != BehaveRefuse
}

// barrierCall has the subject call the instance of a connection and answers it, wherever it comes.
func (pl *play) barrierCall(i *instance) *stop {
	w := pl.world
	pl.mu.Lock()
	if i.how == BehaveListen {
		i.how = BehaveServe
		defer func() {
			pl.mu.Lock()
			defer pl.mu.Unlock()
			i.how = BehaveListen
		}()
	}
	w.serve(i)
	pl.mu.Unlock()
	var sector string
	if s := i.record.sectors(); len(s) > 0 {
		sector = s[0]
	}
	body := fmt.Sprintf(`{"barrier":%q}`, i.name)
	w.call("barrier", calling.Call{Action: barrierAction(i.name), Version: 1, Envelope: "json", Sector: sector, Body: []byte(body)})
	limit := pl.opt.Timeout
	switch c := w.awaitCall("barrier", limit); {
	case !c.done:
		return harmed("a call to %s has no outcome within %v (WIRE-SAFE-08)", i.name, limit)
	case c.panic != "" || c.outcome.Failed:
		return harmed("a call to %s does not succeed: %s", i.name, c.text())
	case strings.TrimSpace(string(c.outcome.Body)) != body: // WIRE-ENV-01a tolerates white space
		return harmed("a call to %s gets another result: %s", i.name, c.text())
	}
	return nil
}

// aliveClient proves that the client serves its application: it calls an instance that is no part of the scenario.
func (pl *play) aliveClient() *stop {
	w := pl.world
	if w.closed {
		return nil
	}
	if w.client != nil && w.disturbed {
		w.disturbed, w.ownList = false, false
		w.writeCache()
		w.writeList()
		pl.sleep(takeUp)
	}
	if end := pl.barrierCall(w.instance(asideInstance)); end != nil {
		return harmed("the client does not serve its application any more: %s", end.reason)
	}
	pl.proved = true
	return nil
}

// barrierClient proves that the client has read what was sent, and works: a second call, answered by the tester. Where it comes on
// another connection it proves nothing about this one, which is given a moment (section 1.5).
func (pl *play) barrierClient(p *peer) *stop {
	if p.instance == nil || !p.instance.callable() || pl.world.ownList {
		return nil
	}
	pl.mu.Lock()
	before := p.barriers()
	pl.mu.Unlock()
	if end := pl.barrierCall(p.instance); end != nil {
		return end
	}
	pl.mu.Lock()
	here := p.barriers() > before
	pl.mu.Unlock()
	if !here {
		pl.sleep(pl.opt.Quiet)
	}
	return nil
}

// barriers counts the tester's own calls that have come on a connection. play.mu is held.
func (p *peer) barriers() (n int) {
	for _, m := range p.messages {
		if m.barrier {
			n++
		}
	}
	return n
}

// mayLeave reports whether a client may have ended the connection: it may when nothing is outstanding. play.mu is held.
func (p *peer) mayLeave() bool {
	return p.play.world != nil && !slices.ContainsFunc(p.messages, func(m *incoming) bool { return !p.answeredWhole(m) })
}

// finaleClient proves what every case proves besides, where the subject is the client.
func (pl *play) finaleClient(open []*peer) *stop {
	w := pl.world
	if pl.settle != nil {
		pl.settle()
	}
	for _, p := range open {
		if p.aside {
			continue
		}
		if end := pl.conclude(p); end != nil {
			end.conn = p.name
			return end
		}
	}
	pl.mu.Lock()
	for _, c := range w.calls {
		if c.done && !c.taken {
			defer pl.mu.Unlock()
			return failed("the outcome of call %s came, which no step expected: %s", c.name, c.text())
		}
	}
	pl.mu.Unlock()
	return pl.aliveClient()
}
