package bugs

import (
	"bytes"
	"sync/atomic"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// octets makes a condition on what is no packet, by the first octets of it.
func octets(when func(b []byte) bool) func(p interpose.Packet) bool {
	return func(p interpose.Packet) bool { return p.Type == "" && when(p.Body) }
}

var safe = []Server{
	{Name: "dies-on-negative-length", Rule: "WIRE-SAFE-01", Title: "ends when a length is negative",
		wrap: deadly(octets(func(b []byte) bool { return bytes.Contains(b, []byte(" -")) }))},
	{Name: "dies-on-huge-length", Rule: "WIRE-SAFE-01", Title: "ends when a length has 19 digits or more",
		wrap: deadly(octets(func(b []byte) bool { return bytes.Contains(b, []byte("9223372036854775807")) }))},
	{Name: "dies-on-null-header", Rule: "WIRE-SAFE-02", Title: "ends when a header is null",
		wrap: deadly(func(p interpose.Packet) bool { return p.Type == "HEADER" && string(p.Body) == "null" })},
	{Name: "dies-on-huge-numbers", Rule: "WIRE-SAFE-02", Title: "ends when a header has a number out of range",
		wrap: deadly(func(p interpose.Packet) bool { return p.Type == "HEADER" && bytes.Contains(p.Body, []byte("1e999")) })},
	{Name: "dies-of-deep-nesting", Rule: "WIRE-SAFE-03", Title: "ends when a header is nested 5000 levels deep",
		wrap: deadly(func(p interpose.Packet) bool {
			return p.Type == "HEADER" && bytes.Count(p.Body, []byte("[")) > 5000 && p.Body[0] == '{'
		})},
	{Name: "dies-on-constructor", Rule: "WIRE-SAFE-04", Title: "ends when a packet type has a special meaning in its language",
		wrap: deadly(octets(func(b []byte) bool {
			return bytes.HasPrefix(b, []byte("constructor")) || bytes.HasPrefix(b, []byte("__proto__"))
		}))},
	{Name: "refuses-adjacent-large-packets", Rule: "WIRE-SAFE-05", Title: "closes on two packets of maximum size in a row",
		wrap: func(*server) interpose.Config {
			before := 0
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				if before+len(p.Body) > 2*131000 {
					f.Close()
					return
				}
				before = len(p.Body)
				f.Pass(p)
			}}
		}},
	{Name: "dies-of-open-messages", Rule: "WIRE-SAFE-06b", Title: "ends when a thousand messages are open on a connection",
		wrap: func(w *server) interpose.Config {
			open := map[uint64]bool{}
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				switch p.Type {
				case "HEADER":
					open[p.Number] = true
				case "EOF", "TXERR":
					delete(open, p.Number)
				}
				if len(open) >= 1000 {
					w.die()
					return
				}
				f.Pass(p)
			}}
		}},
	{Name: "wedges-on-odd-input", Rule: "WIRE-SAFE-08", Title: "stops reading when a message has no type, and stays connected",
		wrap: func(*server) interpose.Config {
			wedged := false
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				wedged = wedged || header(func(o object) bool { return o.get("type") == "" })(p)
				if !wedged {
					f.Pass(p)
				}
			}}
		}},
	{Name: "dies-on-early-close", Rule: "WIRE-SAFE-09", Title: "ends when the peer leaves before it has its reply",
		wrap: func(w *server) interpose.Config {
			var pending atomic.Int64
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "HEADER" {
						pending.Add(1)
					}
					f.Pass(p)
				},
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "EOF" || p.Type == "TXERR" {
						pending.Add(-1)
					}
					f.Pass(p)
				},
				End: func(*interpose.Flow) {
					if pending.Load() > 0 {
						w.die()
					}
				},
			}
		}},
}
