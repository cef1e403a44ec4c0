package conformance

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// A call is one call of the application, with what became of it.
type call struct {
	name    string
	cancel  context.CancelFunc
	done    bool
	outcome calling.Outcome
	panic   string // the client has panicked
	taken   bool   // a step has expected what came
}

// call starts a call. The client is made for the first one.
func (w *world) call(name string, c calling.Call) {
	pl := w.play
	if w.client == nil {
		w.client = w.start(calling.World{Dial: w.dial, Files: &w.files})
	}
	ctx, cancel := context.WithCancel(w.ctx)
	made := &call{name: name, cancel: cancel}
	pl.mu.Lock()
	w.calls = append(w.calls, made)
	pl.remark(fmt.Sprintf("call %s of %s", name, c.Action))
	pl.mu.Unlock()
	w.wg.Go(func() {
		defer cancel()
		o, why := w.outcome(ctx, c)
		pl.mu.Lock()
		defer pl.mu.Unlock()
		made.outcome, made.panic, made.done = o, why, true
		if w.ctx.Err() == nil {
			pl.remark("call " + name + ": " + made.text())
		}
		pl.change.Broadcast()
	})
}

// outcome is what the client returns; why is not empty where it panics instead.
func (w *world) outcome(ctx context.Context, c calling.Call) (o calling.Outcome, why string) {
	defer func() {
		if p := recover(); p != nil {
			why = fmt.Sprint(p)
		}
	}()
	return w.client.Call(ctx, c), ""
}

// named returns the latest call of a name; nil if there is none.
func (w *world) named(name string) *call {
	for n := len(w.calls) - 1; n >= 0; n-- {
		if w.calls[n].name == name {
			return w.calls[n]
		}
	}
	return nil
}

// text says what became of a call.
func (c *call) text() string {
	switch o := c.outcome; {
	case !c.done:
		return "it has no outcome"
	case c.panic != "":
		return "the client panicked: " + abbreviated(c.panic)
	case o.Failed:
		text := "failure " + strconv.Quote(o.Code) + " " + strconv.Quote(abbreviated(o.Text))
		if len(o.Data) > 0 {
			text += " " + abbreviated(string(o.Data))
		}
		return text
	default:
		return "result " + showOctets(o.Body)
	}
}

// asked makes a Call of a step.
func (pl *play) asked(do DoCall) (c calling.Call, err error) {
	text := func(t Text) string {
		if t == nil || err != nil {
			return ""
		}
		var b []byte
		b, err = EvalText(t, &pl.env)
		return string(b)
	}
	c = calling.Call{Action: text(do.Action), Envelope: text(do.Envelope), Sector: text(do.Sector), Ident: text(do.Ident), Ticket: text(do.Ticket), Timeout: do.Timeout}
	if do.Fixture {
		c.Action = "Conformance." + c.Action
	}
	c.Body = []byte("{}")
	if do.Body != nil {
		c.Body = []byte(text(do.Body))
	}
	if do.Version != nil && err == nil {
		var n uint64
		n, err = EvalNumber(do.Version, &pl.env)
		c.Version = int(min(n, 1<<31-1))
	}
	return c, err
}

// awaitCall waits for the outcome of a call that the tester makes for its own ends.
func (w *world) awaitCall(name string, limit time.Duration) *call {
	pl := w.play
	pl.mu.Lock()
	defer pl.mu.Unlock()
	c := w.named(name)
	pl.await(limit, func() bool { return c.done })
	c.taken = true
	return c
}
