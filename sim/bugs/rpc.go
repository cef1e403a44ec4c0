package bugs

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// replies makes a bug that changes replies of one kind: it is given the packets
// of a reply whose header is of that kind.
func replies(when func(o object) bool, change func(f *interpose.Flow, p interpose.Packet)) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		chosen := map[uint64]bool{}
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" {
				o, _ := parse(p.Body)
				chosen[p.Number] = when(o)
			}
			if p.Type != "ACK" && p.Type != "PONG" && chosen[p.Number] {
				change(f, p)
				return
			}
			f.Pass(p)
		}}
	}
}

func notFound(o object) bool { return o.text("error_code") == "not_found" }

// incomingHeaders follows the headers of requests that come in.
func incomingHeaders(see func(p interpose.Packet, o object)) interpose.Filter {
	return func(f *interpose.Flow, p interpose.Packet) {
		if p.Type == "HEADER" {
			if o, ok := parse(p.Body); ok {
				see(p, o)
			}
		}
		f.Pass(p)
	}
}

func isCount(o object) bool { return strings.EqualFold(o.text("action"), "Conformance.count") }

var rpc = []Server{
	{Name: "loses-slow-replies", Rule: "WIRE-RPC-04b", Title: "loses a reply that becomes ready after a later one",
		wrap: func(*server) interpose.Config {
			lost := map[uint64]bool{}
			highest := 0
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "HEADER" {
					o, _ := parse(p.Body)
					var id int
					fmt.Sscan(o.get("request_id"), &id)
					if lost[p.Number] = id < highest && id > 0; lost[p.Number] {
						p.Body = object{{"type", `"reply"`}}.bytes()
					}
					highest = max(highest, id)
				}
				f.Pass(p)
			}}
		}},
	{Name: "closes-on-ninth-request", Rule: "WIRE-RPC-05a", Title: "closes when a request comes while eight are in progress",
		wrap: func(*server) interpose.Config {
			var inProgress atomic.Int64
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					if header(func(o object) bool { return o.text("type") == "request" })(p) && inProgress.Add(1) > 8 {
						f.Close()
						return
					}
					f.Pass(p)
				},
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "EOF" || p.Type == "TXERR" {
						inProgress.Add(-1)
					}
					f.Pass(p)
				},
			}
		}},
	{Name: "replies-twice", Rule: "WIRE-RPC-06a", Title: "sends every error reply twice",
		wrap: func(*server) interpose.Config {
			extra := uint64(0)
			last := map[uint64]interpose.Packet{}
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "ACK" || p.Type == "PONG" {
					f.Pass(p)
					return
				}
				original := p.Number
				p.Number += extra
				f.Pass(p)
				if p.Type == "HEADER" {
					if o, _ := parse(p.Body); o.failed() {
						last[original] = p
					}
				}
				if h, ok := last[original]; ok && p.Type == "EOF" {
					extra++
					h.Number = original + extra
					f.Pass(h)
					f.Pass(interpose.Packet{Type: "EOF", Number: h.Number})
					delete(last, original)
				}
			}}
		}},
	{Name: "swallows-failures", Rule: "WIRE-RPC-06a", Title: "never answers when the handler fails",
		wrap: func(*server) interpose.Config {
			return interpose.Config{Out: editing(func(o object) object {
				if o.failed() && !notFound(o) && o.text("error_code") != "transport" {
					return object{{"type", `"event"`}}
				}
				return o
			})}
		}},
	{Name: "replies-on-newest-connection", Rule: "WIRE-RPC-06b", Title: "sends replies on the connection that was opened last",
		wrap: func(w *server) interpose.Config {
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				w.mu.Lock()
				last := w.last
				w.mu.Unlock()
				if p.Type == "ACK" || last == nil || !w.isOpen(last) || last == f.Conn() {
					f.Pass(p)
					return
				}
				f.Redirect(last, p)
			}}
		}},
	{Name: "replies-before-the-end", Rule: "WIRE-RPC-08b", Title: "takes the first DATA for the whole request",
		wrap: func(*server) interpose.Config {
			seen := newOpened()
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				open := seen.open[p.Number]
				if p.Type == "HEADER" {
					seen.see(p)
				}
				switch {
				case p.Type == "DATA" && open && len(p.Body) > 0:
					f.Pass(p)
					f.Pass(interpose.Packet{Type: "EOF", Number: p.Number})
					seen.open[p.Number] = false
				case (p.Type == "DATA" || p.Type == "EOF" || p.Type == "TXERR") && !open && p.Number < seen.next:
				default:
					f.Pass(p)
				}
			}}
		}},
	{Name: "fails-with-success", Rule: "WIRE-ERR-01a", Title: "reports a failure in the body of a successful reply",
		wrap: replies(func(o object) bool { return o.failed() && !notFound(o) }, func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" {
				o, _ := parse(p.Body)
				p.Body = o.without("error", "error_code", "error_data").bytes()
			}
			if p.Type == "EOF" {
				f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: []byte(`{"error":"it failed"}`)})
			}
			f.Pass(p)
		})},
	{Name: "error-with-body", Rule: "WIRE-ERR-01b", Title: "gives error replies a body of their own",
		wrap: replies(object.failed, func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "EOF" {
				f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: []byte(`{"status":"failed"}`)})
			}
			f.Pass(p)
		})},
	{Name: "unknown-action-is-success", Rule: "WIRE-ERR-03a", Title: "answers an unknown action with success and an error text in the body",
		wrap: replies(notFound, func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" {
				o, _ := parse(p.Body)
				p.Body = o.without("error", "error_code", "error_data").bytes()
			}
			if p.Type == "EOF" {
				f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: []byte(`{"error":"no such action"}`)})
			}
			f.Pass(p)
		})},
	{Name: "unknown-action-is-silence", Rule: "WIRE-ERR-03a", Title: "never answers a request for an unknown action",
		wrap: mute(func(o object) bool {
			return !strings.HasPrefix(strings.ToLower(o.text("action")), "conformance.") || o.get("version") == "99"
		})},
	{Name: "closes-after-unknown-action", Rule: "WIRE-ERR-03b", Title: "closes when it has answered a request for an unknown action",
		wrap: replies(notFound, func(f *interpose.Flow, p interpose.Packet) {
			f.Pass(p)
			if p.Type == "EOF" {
				f.CloseAfter()
			}
		})},
	{Name: "executes-aborted-requests", Rule: "WIRE-ERR-05a", Title: "executes a request that ended in TXERR, and reports that it failed",
		wrap: func(*server) interpose.Config {
			aborted := newIDs()
			counting := map[uint64]string{}
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					if o, ok := parse(p.Body); p.Type == "HEADER" && ok && isCount(o) {
						counting[p.Number] = o.get("request_id")
					}
					if id, ok := counting[p.Number]; ok && p.Type == "TXERR" && len(p.Body) > 1 {
						aborted.add(id)
						p = interpose.Packet{Type: "EOF", Number: p.Number}
					}
					f.Pass(p)
				},
				Out: editing(func(o object) object {
					if aborted.has(o.get("request_id")) {
						return append(o, member{"error_code", `"transport"`}, member{"error", `"request given up"`})
					}
					return o
				}),
			}
		}},
	{Name: "drops-aborted-requests", Rule: "WIRE-ERR-05b", Title: "never answers a request that ended in TXERR",
		wrap: writing(func(o object) object {
			if o.text("error_code") == "transport" {
				return object{{"type", `"event"`}}
			}
			return o
		})},
	{Name: "marks-executed-requests", Rule: "WIRE-ERR-07d", Title: "executes a request with a bad ticket, then says that it was not executed",
		wrap: func(*server) interpose.Config {
			marked := newIDs()
			return interpose.Config{
				In: incomingHeaders(func(_ interpose.Packet, o object) {
					if o.text("ticket") != "" {
						marked.add(o.get("request_id"))
					}
				}),
				Out: editing(func(o object) object {
					if marked.has(o.get("request_id")) {
						return append(o, member{"error_code", `"authn"`}, member{"error", `"bad ticket"`}, member{"error_data", `{"dispatch_failure":true}`})
					}
					return o
				}),
			}
		}},
}

// ids is a set of request ids that both directions of a connection use.
type ids struct {
	mu  sync.Mutex
	set map[string]bool
}

func newIDs() *ids { return &ids{set: map[string]bool{}} }

func (s *ids) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set[id] = true
}

func (s *ids) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set[id]
}

func (w *server) isOpen(c *interpose.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open[c]
}
