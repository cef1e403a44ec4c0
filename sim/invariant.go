package sim

import (
	"context"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/wire"
)

// A flowJudge watches the messages of one connection: how much of each was sent and
// acknowledged, in both directions.
type flowJudge struct {
	mu   sync.Mutex
	sent map[uint64]uint64 // by message that we send: octets
	ackd map[uint64]uint64 // by the same: acknowledged
	got  map[uint64]uint64 // by message that the peer sends: octets
	told map[uint64]uint64 // by the same: acknowledged by us
}

// window is the most octets of a message that may be on their way (WIRE-FLOW-05).
const window = 65536

// traceOf returns hooks that watch over the connections of a requester while the
// world runs. Windows and acknowledgements are watched in virtual time only: in real
// time a packet can be sent before its hook has told of the one that allowed it.
func (w *World) traceOf(name string) *scamp.Trace {
	var mu sync.Mutex
	judges := map[*scamp.Connection]*flowJudge{}
	judge := func(c *scamp.Connection) *flowJudge {
		mu.Lock()
		defer mu.Unlock()
		j := judges[c]
		if j == nil {
			j = &flowJudge{sent: map[uint64]uint64{}, ackd: map[uint64]uint64{}, got: map[uint64]uint64{}, told: map[uint64]uint64{}}
			judges[c] = j
		}
		return j
	}
	t := &scamp.Trace{
		PacketSent: func(c *scamp.Connection, p wire.Packet) {
			j := judge(c)
			j.mu.Lock()
			defer j.mu.Unlock()
			j.pass(w, name, p, j.sent, j.ackd, j.got, j.told)
		},
		PacketReceived: func(c *scamp.Connection, p wire.Packet) {
			j := judge(c)
			j.mu.Lock()
			defer j.mu.Unlock()
			j.pass(w, name, p, j.got, j.told, j.sent, j.ackd)
		},
		Closed: func(c *scamp.Connection, err error) {
			mu.Lock()
			delete(judges, c)
			mu.Unlock()
		},
		Attempt: func(ctx context.Context, _ *scamp.Connection, to *discovery.Announcement) {
			w.chosen(ctx, to)
			apart(ctx)
		},
		CallDone: func(ctx context.Context, _ *scamp.Connection, _ *scamp.Request, err error, _ time.Duration) {
			if err != nil {
				apart(ctx)
			}
		},
		Dialed: func(_, _ string, err error, _ time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.stats.Dials++
			if err == nil {
				w.stats.Connections++
			}
		},
	}
	if w.real {
		t.PacketSent, t.PacketReceived = nil, nil
	}
	return t
}

// pass looks at a packet: sent and acked are of messages that go its way, got and
// told of those that come the other way.
func (j *flowJudge) pass(w *World, name string, p wire.Packet, sent, acked, got, told map[uint64]uint64) {
	switch p.Type {
	case wire.TypeHeader:
		sent[p.Number], acked[p.Number] = 0, 0
	case wire.TypeData:
		sent[p.Number] += uint64(len(p.Body))
		if n := sent[p.Number] - acked[p.Number]; n > window {
			w.violate("%s: message %d has %d octets on their way, more than the window", name, p.Number, n)
		}
	case wire.TypeAck:
		total, err := wire.ParseTotal(p.Body)
		before, open := told[p.Number]
		switch {
		case err != nil:
			w.violate("%s: an acknowledgement of message %d is no number", name, p.Number)
		case !open: // the message may have ended
		case total <= before && total > 0, total > got[p.Number]:
			w.violate("%s: message %d is acknowledged to %d after %d, of %d octets", name, p.Number, total, before, got[p.Number])
		default:
			told[p.Number] = total
		}
	case wire.TypeEOF, wire.TypeTXErr:
		delete(sent, p.Number)
		delete(acked, p.Number)
	}
}
