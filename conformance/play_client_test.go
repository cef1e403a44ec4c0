package conformance

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// What happens at the very time that a step gives is within it, in each of many runs: of two things at one instant of virtual
// time either may come first.
func TestTheVeryTimeIsInTime(t *testing.T) {
	failing := func(d time.Duration) toyCaller {
		return toyCaller{odd: func(_ *toyCaller, ctx context.Context, c calling.Call) (calling.Outcome, bool) {
			if c.Action != "Conformance.echo" {
				return calling.Outcome{}, false
			}
			simnet.Sleep(d)
			return transport(context.DeadlineExceeded), true
		}}
	}
	judge := func(d time.Duration, steps string) *Result {
		r, _ := callerResult(t, failing(d), steps)
		return &r
	}
	const call = "do call one echo {}\n"
	for range 200 {
		judge(3*time.Second, call+"expect failure one within 3s\n").wants(t, Pass, "")
		judge(3*time.Second, call+"either {\n  expect failure one within 3s\n} or fail \"it is late\" {\n  expect failure one within 9s\n}\n").wants(t, Pass, "")
	}
	judge(3010*time.Millisecond, call+"expect failure one within 3s\n").wants(t, Fail, "no outcome within 3s")
}

const plainCall = "do call one echo {\"a\":1}\nexpect request $id {\"a\":1}\nreply $id {\"b\":2}\nexpect result one {\"b\":2}\n"

// What a client does that a step does not expect is noticed, and said; what is expected passes.
func TestClientSteps(t *testing.T) {
	succeed := func(c calling.Call, o calling.Outcome) calling.Outcome { return calling.Outcome{Body: []byte("{}")} }
	never := func(*toyCaller, context.Context, calling.Call) (calling.Outcome, bool) {
		return transport(context.Canceled), true
	}
	hang := func(_ *toyCaller, ctx context.Context, _ calling.Call) (calling.Outcome, bool) {
		<-ctx.Done()
		return transport(ctx.Err()), true
	}
	twice := func(y *toyCaller, ctx context.Context, c calling.Call) (calling.Outcome, bool) {
		if nc, err := y.world.Dial(ctx, "tcp", addressOf("S2")); err == nil {
			y.kept = append(y.kept, nc)
		}
		return calling.Outcome{}, false
	}
	for name, tc := range map[string]struct {
		toy     toyCaller
		steps   string
		verdict Verdict
		why     string
	}{
		"a plain call":             {toyCaller{}, plainCall, Pass, ""},
		"json and header":          {toyCaller{}, "do call one echo {}\nexpect request 1 json {} header {\"action\":string}\nreply 1 {\"x\":[1,2]}\nexpect result one json {\"x\":[1,$n]}\n", Pass, ""},
		"another body is sent":     {toyCaller{edit: func(ps []packet) []packet { ps[1].body = []byte("7"); return ps }}, plainCall, Fail, "of request 0, the body has 1 octets"},
		"another result":           {toyCaller{report: succeed}, plainCall, Fail, "of the result of call one, the body has 2 octets"},
		"success for an error":     {toyCaller{report: succeed}, "do call one echo {}\nexpect request 1\nreply 1 \"\" with {\"error\":\"no\"}\nexpect failure one\n", Fail, "call one succeeds"},
		"failure":                  {toyCaller{}, "do call one echo {}\nexpect request 1\nreply 1 \"\" with {\"error\":\"no\",\"error_code\":\"c\",\"error_data\":{\"a\":1}}\nexpect failure one {\"code\":\"c\",\"text\":/n/,\"data\":{\"a\":1}}\n", Pass, ""},
		"another code":             {toyCaller{}, "do call one echo {}\nexpect request 1\nreply 1 \"\" with {\"error\":\"no\",\"error_code\":\"c\"}\nexpect failure one {\"code\":\"d\"}\n", Fail, `it.code is "c", not "d"`},
		"failure for success":      {toyCaller{odd: never}, "do call one echo {}\nexpect result one\n", Fail, "call one: failure"},
		"no connection":            {toyCaller{odd: never}, plainCall, Fail, "no connection to S1 came within 5s; call one: failure"},
		"no outcome":               {toyCaller{odd: hang}, "do call one echo {}\nexpect failure one within 3s\n", Fail, "call one has no outcome within 3s"},
		"a failure, whichever":     {toyCaller{odd: never}, "do call one echo {}\nexpect outcome one\n", Pass, ""},
		"a result, whichever":      {toyCaller{}, "do call one echo {}\nexpect request 1\nreply 1\nexpect outcome one\n", Pass, ""},
		"neither":                  {toyCaller{odd: hang}, "do call one echo {}\nexpect outcome one within 3s\n", Fail, "call one has no outcome within 3s"},
		"an outcome too early":     {toyCaller{odd: never}, "do call one echo {}\nexpect failure one within 3s after 2s\n", Fail, "earlier than 2s"},
		"an outcome too soon":      {toyCaller{odd: never}, "do call one echo {}\nidle\nno outcome one\n", Fail, "no connection"},
		"an outcome nobody awaits": {toyCaller{odd: never}, "do call one echo {}\nno connection S1\n", Fail, "which no step expected"},
		"cancelled":                {toyCaller{odd: hang}, "do call one echo {}\nno outcome one\ndo cancel one\nexpect failure one {\"text\":/canceled/}\n", Pass, ""},
		"a panic":                  {toyCaller{odd: func(*toyCaller, context.Context, calling.Call) (calling.Outcome, bool) { panic("oops") }}, "do call one echo {}\nexpect failure one\n", Fail, "the client panicked: oops"},
		"refused":                  {toyCaller{}, "refuse S1\ndo call one echo {}\nexpect connection S1\nexpect failure one\nno connection S1\nconnections S1 = 1\n", Pass, ""},
		"a refusal not taken":      {toyCaller{}, "refuse S1\ndo call one echo {}\nexpect failure one\nno connection S1\n", Fail, "a connection to S1 was tried"},
		"one connection too many":  {toyCaller{odd: twice}, "do call one echo {}\nexpect request 1\nreply 1\nexpect result one\nno connection S2\n", Fail, "a connection to S2 was tried"},
		"another number of them":   {toyCaller{}, plainCall + "connections S1 = 2\n", Fail, "connections S1 are 1, not = 2"},
		"serve":                    {toyCaller{}, "serve S1\nrepeat 3 {\n  do call one echo {\"a\":1}\n  expect result one {\"a\":1}\n}\nanswered S1 = 3\nanswered S1 < 3\n", Fail, "answered S1 are 3, not < 3"},
		"any and other":            {toyCaller{}, "do call one echo {}\naccept any\nno connection other\nexpect request 1\nreply 1\nexpect result one\n", Pass, ""},
		"plain":                    {toyCaller{}, "do call one echo {}\naccept S1 plain\nexpect hello\nraw \"nonsense\"\nclose\nexpect failure one\n", Pass, ""},
		"no hello": {toyCaller{odd: func(y *toyCaller, ctx context.Context, _ calling.Call) (calling.Outcome, bool) {
			nc, _ := y.world.Dial(ctx, "tcp", addressOf("S1"))
			nc.Write([]byte("HELO "))
			nc.Close()
			return transport(ctx.Err()), true
		}}, "do call one echo {}\naccept S1 plain\nexpect hello\n", Errored, ""},
		"octets to a stranger":        {toyCaller{}, "do call one echo {}\naccept S1 certificate S2\nidle\nno octets\n", Fail, "something came"},
		"requests that nobody awaits": {toyCaller{}, "do call one echo {}\naccept S1\nidle\n", Fail, "something came: HEADER 0"},
		"no request":                  {toyCaller{}, "do call one echo {}\naccept S1\nexpect request 1\nno request\nreply 1\nexpect result one\n", Pass, ""},
		"it closes": {toyCaller{odd: func(y *toyCaller, ctx context.Context, c calling.Call) (calling.Outcome, bool) {
			nc, _ := y.connect(ctx, c)
			nc.Write(appendPacket(nil, packet{"HEADER", 0, []byte(`{"type":"request","action":"A.b","version":1,"envelope":"json","request_id":1}`)}, nil, nil))
			nc.Close()
			return transport(context.Canceled), true
		}}, "do call one echo {}\nexpect HEADER 0\nexpect failure one\n", Fail, "closed the connection, which no step expected"},
		"it must stay": {toyCaller{odd: func(y *toyCaller, ctx context.Context, c calling.Call) (calling.Outcome, bool) {
			nc, _ := y.connect(ctx, c)
			y.kept = append(y.kept, nc)
			return calling.Outcome{Body: []byte("{}")}, true
		}}, "do call one echo {}\naccept S1\nexpect result one\nexpect close\n", Fail, "still open after 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := callerResult(t, tc.toy, tc.steps)
			if tc.verdict == Errored { // a row that shows what came
				tc.verdict, tc.why = Fail, "the first octets are no ClientHello"
			}
			r.wants(t, tc.verdict, tc.why)
		})
	}
}

// A client that does not serve its application any more fails a case that it has passed otherwise.
func TestClientMustBeAliveAfterwards(t *testing.T) {
	dead := false
	y := toyCaller{odd: func(_ *toyCaller, ctx context.Context, c calling.Call) (calling.Outcome, bool) {
		dead = true
		return calling.Outcome{}, false
	}}
	s := ClientValue(func(w calling.World) calling.Client {
		fresh := y
		fresh.world = w
		return &dying{&fresh, &dead}
	})
	s.fixtures = everything
	report, err := Run(t.Context(), s, []*Case{clientCase(t, plainCall)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Results[0]; r.Verdict != Fail || !strings.Contains(r.why(), "does not succeed") {
		t.Errorf("%s: %s", r.Verdict, r.why())
	}
}

type dying struct {
	calling.Client
	dead *bool
}

func (d *dying) Call(ctx context.Context, c calling.Call) calling.Outcome {
	if *d.dead {
		return transport(context.Canceled)
	}
	return d.Client.Call(ctx, c)
}

// A client that does not end when it is closed is told of, and so is one that cannot make a plain call.
func TestClientsThatCannotBeTested(t *testing.T) {
	s := toyCaller{odd: func(y *toyCaller, ctx context.Context, c calling.Call) (calling.Outcome, bool) {
		return transport(context.DeadlineExceeded), true
	}}.client()
	s.fixtures = nil
	if _, err := Run(t.Context(), s, nil, Options{}); err == nil || !strings.Contains(err.Error(), "makes no plain call of Conformance.echo") {
		t.Error(err)
	}
	s = toyCaller{close: func() { go func() { <-make(chan int) }() }}.client()
	report, err := Run(t.Context(), s, []*Case{clientCase(t, plainCall)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_ = report
}

// What a round of repeat has set is its own, and the time that a step takes is that of the case.
func TestRepeatForgets(t *testing.T) {
	r, _ := callerResult(t, toyCaller{}, "repeat 3 {\n  do call one echo {}\n  accept S1\n  expect HEADER $n {\"request_id\":$x}\n  expect DATA $n {}\n  expect EOF $n\n  reply $x\n  expect result one\n}\n")
	r.wants(t, Pass, "")
	if r.Took > time.Second {
		t.Errorf("it took %v", r.Took)
	}
}
