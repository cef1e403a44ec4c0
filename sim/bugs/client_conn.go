package bugs

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// mourning makes a bug that reports a lost connection only when the time of the call is over.
func mourning(when func(c calling.Call) bool) func(calling.Client, calling.World) calling.Client {
	return asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		o := next.Call(ctx, c)
		if strings.HasPrefix(o.Text, "Connection lost") && when(c) {
			select {
			case <-time.After(75 * time.Second):
			case <-ctx.Done():
			}
		}
		return o
	})
}

// lossIsTheEnd takes the end of a connection for the end of its messages.
func lossIsTheEnd(*server) interpose.Config {
	seen := newOpened()
	return interpose.Config{
		In: func(f *interpose.Flow, p interpose.Packet) {
			if seen.see(p) {
				f.Pass(p)
			}
		},
		End: func(f *interpose.Flow) {
			for n := range seen.open {
				f.Pass(interpose.Packet{Type: "EOF", Number: n})
			}
		},
	}
}

var clientConn = []Client{
	{Name: "says-goodbye", Rule: "WIRE-CONN-01a", Title: "takes its leave with a packet of its own", way: way{goodbye: true}},
	{Name: "takes-a-cut-reply-for-whole", Rule: "WIRE-CONN-01b", Title: "takes a connection that ends in mid-packet for the end of its replies", wrap: lossIsTheEnd},
	{Name: "half-closes", Rule: "WIRE-CONN-02", Title: "ends its direction when its request has been sent",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			f.Pass(p)
			if p.Type == "EOF" {
				time.AfterFunc(10*time.Millisecond, func() { f.Conn().Conn.(interface{ CloseWrite() error }).CloseWrite() })
			}
		})},
	{Name: "waits-when-a-connection-is-lost", Rule: "WIRE-CONN-03a", Title: "reports a lost connection when the time of the call is over",
		around: mourning(func(calling.Call) bool { return true })},
	{Name: "leaves-uploads-blocked", Rule: "WIRE-CONN-03b", Title: "does not wake a request that waits for its window when the connection is lost",
		around: mourning(func(c calling.Call) bool { return len(c.Body) > 65536 })},
	{Name: "leaves-sockets-open", Rule: "WIRE-CONN-03c", Title: "does not close a connection on which it has seen a fatal error", way: way{lingers: true}},
	{Name: "connects-for-every-call", Rule: "WIRE-CONN-04a", Title: "makes a connection for every call",
		around: func(c calling.Client, w calling.World) calling.Client {
			return &caller{c, func(ctx context.Context, _ calling.Client, c calling.Call) calling.Outcome {
				once := reference.NewClient(w)
				defer once.Close()
				return once.Call(ctx, c)
			}}
		}},
	{Name: "never-reconnects", Rule: "WIRE-CONN-04b", Title: "goes on with a connection that has been closed", way: way{once: true}},
	{Name: "reconnects-without-pause", Rule: "WIRE-CONN-04c", Title: "tries to connect a hundred times a second once a connection was lost",
		way: way{redials: 10 * time.Millisecond}},
	{Name: "pools-by-address", Rule: "WIRE-CONN-05", Title: "uses a connection for whatever is announced at its address", way: way{pooled: true}},
	{Name: "knows-the-legacy-scheme-only", Rule: "WIRE-CONN-06b", Title: "does not understand beepish+tls",
		reads: func(record []byte) bool { return !bytes.Contains(record, []byte("beepish+tls://")) }},
	{Name: "closes-on-large-replies", Rule: "WIRE-CONN-08b", Title: "closes when a reply has more than 500,000 octets", wrap: closesAfter(500000)},
}

// closesAfter makes a bug that closes when so many octets of bodies have come.
func closesAfter(octets int) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		n := 0
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "DATA" {
				n += len(p.Body)
			}
			if n > octets {
				f.Close()
				return
			}
			f.Pass(p)
		}}
	}
}

var clientSvc = []Client{
	{Name: "needs-authorisation-for-meta", Rule: "WIRE-SVC-07b", Title: "calls _meta actions of authorised services only",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			if strings.HasPrefix(c.Action, "_meta.") {
				return calling.Outcome{Failed: true, Code: "not_found", Text: c.Action + " is not authorised"}
			}
			return next.Call(ctx, c)
		})},
}

var clientEnv = []Client{
	{Name: "sends-a-second-text", Rule: "WIRE-ENV-01a", Title: "ends every body with a second JSON text",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "EOF" {
				f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: []byte("{}")})
			}
			f.Pass(p)
		})},
}

var clientSafe = []Client{
	{Name: "dies-on-cut-replies", Rule: "WIRE-SAFE-09", Title: "ends when a connection ends in the middle of a reply",
		wrap: func(w *server) interpose.Config {
			seen := newOpened()
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					seen.see(p)
					f.Pass(p)
				},
				End: func(*interpose.Flow) {
					if len(seen.open) > 0 {
						w.die()
					}
				},
			}
		}},
}
