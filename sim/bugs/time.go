package bugs

import (
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

// idle is the time after which the reference closes connections that are not busy.
const idle = 120 * time.Second

// timed makes a bug that closes connections by a timer of its own, which packets
// start anew or do not.
func timed(packetsCount bool) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		var t *time.Timer
		see := func(f *interpose.Flow, p interpose.Packet) {
			if t == nil {
				t = time.AfterFunc(idle, f.Close)
			} else if packetsCount {
				t.Reset(idle)
			}
			f.Pass(p)
		}
		return interpose.Config{In: see, End: func(*interpose.Flow) {
			if t != nil {
				t.Stop()
			}
		}}
	}
}

var timing = []Server{
	{Name: "closes-busy-connections", Slow: true, Rule: "WIRE-TIME-03", Title: "closes 120 s after the last packet it got, whatever is in progress",
		wrap: timed(true)},
	{Name: "pongs-zero", Rule: "WIRE-TIME-08a", Title: "answers every PING with PONG 0",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "PONG" {
				p.Number = 0
			}
			f.Pass(p)
		})},
	{Name: "returns-ping-bodies", Rule: "WIRE-TIME-08a", Title: "gives a PONG the body of its PING",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "PING" {
				f.Answer(interpose.Packet{Type: "PONG", Number: p.Number, Body: p.Body})
				return
			}
			f.Pass(p)
		})},
	{Name: "refuses-pings-in-mid-message", Rule: "WIRE-TIME-08a", Title: "closes on a PING while a message is half received",
		wrap: func(*server) interpose.Config {
			seen := newOpened()
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				seen.see(p)
				if p.Type == "PING" && len(seen.open) > 0 {
					f.Close()
					return
				}
				f.Pass(p)
			}}
		}},
	{Name: "closes-on-unasked-pongs", Rule: "WIRE-TIME-08b", Title: "closes on a PONG for which it has sent no PING",
		wrap: fatal(func(p interpose.Packet) bool { return p.Type == "PONG" })},
	{Name: "pings-strangers", Slow: true, Rule: "WIRE-TIME-08c", Title: "sends PINGs to peers of which it knows nothing",
		configure: func(cfg *scamp.Config) { cfg.Heartbeat = 15 * time.Second }},
	{Name: "counts-idle-time-from-the-first-packet", Slow: true, Rule: "WIRE-TIME-10", Title: "closes 120 s after the first packet, though more have come",
		wrap: timed(false)},
}
