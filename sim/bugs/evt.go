package bugs

import (
	"sync"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

var events = []Server{
	{Name: "publishes-unasked", Rule: "WIRE-EVT-06", Title: "sends an event after every reply",
		wrap: following(`{"type":"event"}`, `[{"code":"a","key":"b","value":1}]`)},
}

var clientEvents = []Client{
	{Name: "subscribes-unasked", Rule: "WIRE-EVT-06", Title: "subscribes to a topic after every request",
		wrap: following(`{"type":"subscribe","request_id":4711}`, `["a"]`)},
}

// following sends a message of its own behind every other one. What the peer says of
// the numbers does not reach the endpoint.
func following(header, body string) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		var mu sync.Mutex
		added := uint64(0)
		renumbered := map[uint64]uint64{} // numbers on the wire to the endpoint's
		return interpose.Config{
			Out: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "ACK" || p.Type == "PING" || p.Type == "PONG" {
					f.Pass(p)
					return
				}
				mu.Lock()
				own := p.Number
				p.Number += added
				renumbered[p.Number] = own
				ended := p.Type == "EOF" || p.Type == "TXERR"
				if ended {
					added++
				}
				mu.Unlock()
				f.Pass(p)
				if ended {
					n := p.Number + 1
					f.Pass(interpose.Packet{Type: "HEADER", Number: n, Body: []byte(header)})
					f.Pass(interpose.Packet{Type: "DATA", Number: n, Body: []byte(body)})
					f.Pass(interpose.Packet{Type: "EOF", Number: n})
				}
			},
			In: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "ACK" {
					mu.Lock()
					own, ok := renumbered[p.Number]
					mu.Unlock()
					if !ok {
						return // of a message that the endpoint does not know
					}
					p.Number = own
				}
				f.Pass(p)
			},
		}
	}
}
