package bugs

import (
	"strings"
	"sync"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// A requests follows the requests that a client has outstanding on a connection.
type requests struct {
	mu    sync.Mutex
	ids   []string          // by the order in which they were sent
	own   map[string]string // what the client calls an id
	ended map[uint64]bool   // requests that are complete, by number
	of    map[string]uint64 // the number of the request of an id
}

func newRequests() *requests {
	return &requests{own: map[string]string{}, ended: map[uint64]bool{}, of: map[string]uint64{}}
}

// out follows what is sent.
func (r *requests) out(f *interpose.Flow, p interpose.Packet) {
	r.mu.Lock()
	switch o, ok := parse(p.Body); {
	case p.Type == "HEADER" && ok:
		id := o.get("request_id")
		r.ids, r.of[id] = append(r.ids, id), p.Number
	case p.Type == "EOF" || p.Type == "TXERR":
		r.ended[p.Number] = true
	}
	r.mu.Unlock()
	f.Pass(p)
}

// oldest takes the oldest id that is outstanding.
func (r *requests) oldest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) == 0 {
		return ""
	}
	id := r.ids[0]
	r.ids = r.ids[1:]
	return id
}

// knows reports whether a request of this id was sent.
func (r *requests) knows(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.of[id]
	return ok
}

// forget notes that a request has been answered.
func (r *requests) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of, id)
}

// answered reports whether a request has been answered.
func (r *requests) answered(id string) bool { return !r.knows(id) }

// complete reports whether the request of this id has been sent to its end.
func (r *requests) complete(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.of[id]
	return !ok || r.ended[n]
}

// swallowing makes a filter that drops incoming messages of one kind, by their headers.
func swallowing(when func(o object) bool) interpose.Filter {
	gone := map[uint64]bool{}
	return func(f *interpose.Flow, p interpose.Packet) {
		if p.Type == "HEADER" {
			o, ok := parse(p.Body)
			if gone[p.Number] = ok && when(o); gone[p.Number] { // its number must be used up
				p.Body = object{{"type", `"event"`}}.bytes()
			}
		}
		f.Pass(p)
	}
}

var clientRPC = []Client{
	{Name: "reuses-ids", Rule: "WIRE-RPC-01a", Title: "gives every request the id 1",
		wrap: func(*server) interpose.Config {
			r := newRequests()
			return interpose.Config{
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if o, ok := parse(p.Body); p.Type == "HEADER" && ok {
						r.mu.Lock()
						r.ids = append(r.ids, o.get("request_id"))
						r.mu.Unlock()
						p.Body = o.with("request_id", "1").bytes()
					}
					f.Pass(p)
				},
				In: editing(func(o object) object {
					if id := r.oldest(); o.get("request_id") == "1" && id != "" {
						return o.with("request_id", id)
					}
					return o
				}),
			}
		}},
	{Name: "matches-replies-by-order", Rule: "WIRE-RPC-02", Title: "gives each reply to the call that has waited longest",
		wrap: func(*server) interpose.Config {
			r := newRequests()
			return interpose.Config{Out: r.out, In: editing(func(o object) object {
				if id := r.oldest(); id != "" {
					return o.with("request_id", id)
				}
				return o
			})}
		}},
	{Name: "closes-on-ids-as-text", Rule: "WIRE-RPC-03", Title: "closes on a reply whose id is a string",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if header(func(o object) bool { return strings.HasPrefix(o.get("request_id"), `"`) })(p) {
				f.Close()
				return
			}
			f.Pass(p)
		})},
	{Name: "loses-replies-out-of-order", Rule: "WIRE-RPC-04a", Title: "drops a reply that is not for the call that has waited longest",
		wrap: func(*server) interpose.Config {
			r := newRequests()
			return interpose.Config{Out: r.out, In: swallowing(func(o object) bool { return r.oldest() != o.get("request_id") })}
		}},
	{Name: "closes-on-stray-replies", Rule: "WIRE-RPC-07", Title: "closes on a reply that belongs to no call",
		wrap: func(*server) interpose.Config {
			r := newRequests()
			return interpose.Config{Out: r.out, In: func(f *interpose.Flow, p interpose.Packet) {
				if header(func(o object) bool { return !r.knows(o.get("request_id")) })(p) {
					f.Close()
					return
				}
				f.Pass(p)
			}}
		}},
	{Name: "drops-early-replies", Rule: "WIRE-RPC-08a", Title: "registers a call when its request has been sent: an earlier reply is lost",
		wrap: func(*server) interpose.Config {
			r := newRequests()
			return interpose.Config{Out: r.out, In: swallowing(func(o object) bool { return !r.complete(o.get("request_id")) })}
		}},
	{Name: "wedges-on-requests", Rule: "WIRE-RPC-09b", Title: "reads nothing more when it is asked something",
		wrap: func(*server) interpose.Config {
			wedged := false
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				wedged = wedged || header(func(o object) bool { return o.text("type") == "request" })(p)
				if !wedged {
					f.Pass(p)
				}
			}}
		}},
	{Name: "sends-lower-case-actions", Rule: "WIRE-RPC-10", Title: "sends names of actions in lower case",
		wrap: writing(func(o object) object { return o.with("action", strings.ToLower(o.get("action"))) })},
}
