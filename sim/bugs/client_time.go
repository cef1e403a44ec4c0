package bugs

import (
	"context"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

var clientTime = []Client{
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
