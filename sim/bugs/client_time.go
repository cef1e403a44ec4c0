package bugs

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

// patientUploads makes a client that lets large requests take all the time that they want.
var patientUploads = wishing(func(c *calling.Call) {
	if len(c.Body) > 65536 {
		c.Timeout = 48 * time.Hour
	}
})

var clientFlow = []Client{
	{Name: "acks-too-late", Rule: "WIRE-FLOW-07a", Title: "acknowledges nothing before 100,000 octets have come",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type != "ACK" || len(p.Body) >= len("100000") {
				f.Pass(p)
			}
		})},
	{Name: "hangs-in-a-closed-window", Rule: "WIRE-FLOW-11a", Title: "waits for ever when nothing of a request is acknowledged", around: patientUploads},
}

// oneAtATime makes calls one after the other, and lets each take all the time that it wants.
func oneAtATime(c calling.Client, _ calling.World) calling.Client {
	turn := make(chan bool, 1)
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		select {
		case turn <- true:
			defer func() { <-turn }()
		case <-ctx.Done():
			return calling.Outcome{Failed: true, Code: "transport", Text: "given up"}
		}
		c.Timeout = 48 * time.Hour
		return next.Call(ctx, c)
	}}
}

// failingTogether makes all calls fail as soon as one of them has timed out.
func failingTogether(c calling.Client, _ calling.World) calling.Client {
	var mu sync.Mutex
	cancels := map[int]context.CancelFunc{}
	n := 0
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		mu.Lock()
		n++
		me := n
		cancels[me] = cancel
		mu.Unlock()
		o := next.Call(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		delete(cancels, me)
		if strings.Contains(o.Text, "timed out") {
			for _, cancel := range cancels {
				cancel()
			}
		}
		return o
	}}
}

var clientTime = []Client{
	{Name: "closes-idle-connections-early", Rule: "WIRE-TIME-01", Title: "closes a connection after a second without packets",
		configure: func(cfg *scamp.Config) { cfg.IdleTimeout = time.Second }},
	{Name: "fails-all-calls-after-a-timeout", Rule: "WIRE-TIME-05b", Title: "fails all calls when one has timed out", around: failingTogether},
	{Name: "never-restarts-the-idle-timer", Rule: "WIRE-TIME-10", Title: "closes a connection two seconds after its first request",
		wrap: func(*server) interpose.Config {
			var once sync.Once
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				once.Do(func() { time.AfterFunc(2*time.Second-time.Millisecond, f.Close) })
				f.Pass(p)
			}}
		}},
	{Name: "waits-for-half-replies", Rule: "WIRE-TIME-11", Title: "makes no call while a reply is incomplete", around: oneAtATime},
	{Name: "never-times-out", Rule: "WIRE-TIME-04a", Title: "waits for a reply for ever",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			c.Timeout = 48 * time.Hour
			return next.Call(ctx, c)
		})},
	{Name: "ignores-announced-times", Rule: "WIRE-TIME-04b", Title: "gives every call the same time",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			if c.Timeout == 0 {
				c.Timeout = 75 * time.Second
			}
			return next.Call(ctx, c)
		})},
	{Name: "counts-from-the-end-of-the-upload", Rule: "WIRE-TIME-04c", Title: "starts the clock of a call when its request has been sent", around: patientUploads},
	{Name: "blocks-on-late-replies", Rule: "WIRE-TIME-05a", Title: "delivers nothing more of a connection on which a reply came too late",
		wrap: func(*server) interpose.Config {
			r := newRequests()
			sent := map[string]time.Time{}
			blocked := false
			return interpose.Config{
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if o, ok := parse(p.Body); p.Type == "HEADER" && ok {
						r.mu.Lock()
						sent[o.get("request_id")] = time.Now()
						r.mu.Unlock()
					}
					r.out(f, p)
				},
				In: func(f *interpose.Flow, p interpose.Packet) {
					if o, ok := parse(p.Body); p.Type == "HEADER" && ok {
						r.mu.Lock()
						at, asked := sent[o.get("request_id")]
						blocked = blocked || asked && time.Since(at) >= 2*time.Second
						r.mu.Unlock()
					}
					if !blocked {
						f.Pass(p)
					}
				},
			}
		}},
	{Name: "closes-while-busy", Rule: "WIRE-TIME-03", Title: "closes a connection on which a call waits for two seconds",
		wrap: func(*server) interpose.Config {
			r := newRequests()
			return interpose.Config{
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if o, ok := parse(p.Body); p.Type == "HEADER" && ok {
						id := o.get("request_id")
						time.AfterFunc(2*time.Second, func() {
							if !r.answered(id) {
								f.Close()
							}
						})
					}
					r.out(f, p)
				},
				In: incomingHeaders(func(_ interpose.Packet, o object) { r.forget(o.get("request_id")) }),
			}
		}},
}
