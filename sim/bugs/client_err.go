package bugs

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

// sulking makes a client that fails all calls for a minute after one that could not be sent.
func sulking(c calling.Client, _ calling.World) calling.Client {
	var mu sync.Mutex
	var until time.Time
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		mu.Lock()
		sulks := time.Now().Before(until)
		mu.Unlock()
		if sulks {
			return calling.Outcome{Failed: true, Code: "transport", Text: "all instances are out of service"}
		}
		o := next.Call(ctx, c)
		if strings.Contains(string(o.Data), "dispatch_failure") {
			mu.Lock()
			until = time.Now().Add(time.Minute)
			mu.Unlock()
		}
		return o
	}}
}

var clientErr = []Client{
	{Name: "needs-an-error-code", Rule: "WIRE-ERR-02a", Title: "takes an error without error_code for success",
		wrap: reading(func(o object) object {
			if o.text("error_code") == "" {
				return o.without("error")
			}
			return o
		})},
	{Name: "reports-no-text", Rule: "WIRE-ERR-02b", Title: "reports a failure without error with an empty text",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if o.Text == "Unknown error" {
				o.Text = ""
			}
			return o
		})},
	{Name: "delivers-bodies-of-failures", Rule: "WIRE-ERR-02c", Title: "takes an error reply with a body for success",
		wrap: func(*server) interpose.Config {
			held := map[uint64]interpose.Packet{}
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				if header(object.failed)(p) {
					held[p.Number] = p
					return
				}
				if h, ok := held[p.Number]; ok && p.Type != "ACK" {
					if o, _ := parse(h.Body); p.Type == "DATA" {
						h.Body = o.without("error", "error_code").bytes()
					}
					f.Pass(h)
					delete(held, p.Number)
				}
				f.Pass(p)
			}}
		}},
	{Name: "takes-txerr-for-eof", Rule: "WIRE-ERR-04", Title: "takes the end of a reply for success, whatever it is",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "TXERR" {
				p = interpose.Packet{Type: "EOF", Number: p.Number}
			}
			f.Pass(p)
		})},
	{Name: "marks-lost-calls-as-unsent", Rule: "WIRE-ERR-06a", Title: "says of every lost connection that nothing was executed",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if strings.HasPrefix(o.Text, "Connection lost") {
				o.Data = []byte(`{"dispatch_failure":true}`)
			}
			return o
		})},
	{Name: "dies-when-refused", Rule: "WIRE-ERR-06b", Title: "ends when a connection cannot be made",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if strings.HasPrefix(o.Text, "Connection failed") {
				panic("connection refused")
			}
			return o
		})},
	{Name: "reports-timeouts-as-success", Rule: "WIRE-ERR-06c", Title: "returns an empty result for a call that has timed out",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if strings.Contains(o.Text, "timed out") {
				return calling.Outcome{}
			}
			return o
		})},
	{Name: "retries-again-and-again", Rule: "WIRE-ERR-07a", Title: "sends a request that was not executed again until it is", around: insisting},
	{Name: "retries-pinned-calls", Rule: "WIRE-ERR-07b", Title: "tries another instance when a pinned one cannot be reached",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			o := next.Call(ctx, c)
			if c.Ident != "" && strings.Contains(string(o.Data), "dispatch_failure") {
				c.Ident = ""
				return next.Call(ctx, c)
			}
			return o
		})},
	{Name: "retries-after-sending", Rule: "WIRE-ERR-07c", Title: "makes a call again whenever its connection was lost",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			o := next.Call(ctx, c)
			if o.Failed && strings.HasPrefix(o.Text, "Connection lost") && ctx.Err() == nil {
				return next.Call(ctx, c)
			}
			return o
		})},
	{Name: "marks-the-others", Rule: "WIRE-ERR-07e", Title: "takes all instances out of the choice but the one that has failed",
		change: grudging(func(failed, instance string) bool { return failed != instance }, time.Minute)},
	{Name: "never-forgives", Rule: "WIRE-ERR-08a", Title: "takes an instance that has failed out of the choice for ever",
		change: grudging(func(failed, instance string) bool { return failed == instance }, 100*time.Hour)},
	{Name: "gives-up-marked-instances", Rule: "WIRE-ERR-08b", Title: "calls nobody for a minute when the only instance has failed", around: sulking},
	{Name: "has-no-codes", Rule: "WIRE-ERR-09a", Title: "reports its own failures without a code",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if o.Code == "not_found" || strings.HasPrefix(o.Text, "Connection failed") {
				o.Code = ""
			}
			return o
		})},
	{Name: "translates-codes", Rule: "WIRE-ERR-09b", Title: "reports general for codes that it does not know",
		around: telling(func(o calling.Outcome) calling.Outcome {
			switch o.Code {
			case "transport", "authn", "authz", "general", "not_found", "bad_request", "":
			default:
				o.Code = "general"
			}
			return o
		})},
}
