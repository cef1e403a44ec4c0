package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// A dialect is a server that no golden case may call wrong.
type dialect struct {
	name  string
	about string // where the specification allows or tolerates it
	way   way
}

type dialectList []dialect

func (l *dialectList) add(name, about string, w way) { *l = append(*l, dialect{name, about, w}) }

// dialects returns servers that no golden case may call wrong.
func dialects() (l dialectList) {
	l.add("the reference", "conforms", way{})
	l.send()
	l.receive()
	return l
}

// wrap is a way that packets go.
func wrap(f func() interpose.Config) way { return way{wraps: []func() interpose.Config{f}} }

// outer is a way that connections go.
func outer(f func(serve func(net.Conn)) func(net.Conn)) way {
	return way{outer: []func(serve func(net.Conn)) func(net.Conn){f}}
}

// send adds what servers may do when they answer.
func (l *dialectList) send() {
	// Sending.
	l.add("no window", "FLOW-05a", way{cfg: scamp.Config{Window: 1 << 30}})
	l.add("window of 131072", "FLOW-05a", way{cfg: scamp.Config{Window: 131072}})
	l.add("window passed by less than a chunk", "FLOW-05a", way{cfg: scamp.Config{Window: 65536 + 10000}})
	l.add("window of 4000", "FLOW-05a: another fixed window", way{cfg: scamp.Config{Window: 4000}})
	l.add("chunks of 1024", "FLOW-09b", wrap(chunks(1024, false)))
	l.add("chunks of 777", "FLOW-09b", wrap(chunks(777, false)))
	l.add("first octets one by one", "FLOW-09a", wrap(func() interpose.Config {
		sent := map[uint64]int{}
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			for p.Type == "DATA" && sent[p.Number] < 40 && len(p.Body) > 1 {
				f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: p.Body[:1]})
				p.Body = p.Body[1:]
				sent[p.Number]++
			}
			f.Pass(p)
		}}
	}))
	l.add("chunks of 131072", "FLOW-09b, FLOW-08", way{cfg: scamp.Config{Window: 262144}}.and(wrap(chunks(131072, true))))
	l.add("whole chunks of 16384 only", "FLOW-08", way{cfg: scamp.Config{Window: 65536}}.and(wrap(chunks(16384, true))))
	l.add("one message after another", "FLOW-05b", wrap(oneAfterAnother(false)))
	l.add("one body after another", "FLOW-05b", wrap(oneAfterAnother(true)))
	l.add("one message after another, the newest first", "FLOW-05b, RPC-04b", wrap(newestFirst()))
	l.add("one message after another without a window", "FLOW-05a, FLOW-05b", way{cfg: scamp.Config{Window: 1 << 30}}.and(wrap(oneAfterAnother(false))))
	l.add("octet by octet", "FRAME-10", outer(late(0, 1, 0)))

	// Acknowledging.
	l.add("acknowledges much only", "FLOW-07a", wrap(acking(func(last, total int) []int {
		if total-last < 32768 {
			return nil
		}
		return []int{total}
	})))
	l.add("acknowledges less than half", "FLOW-07a", wrap(acking(func(last, total int) []int {
		if total-last < 32768 {
			return nil
		}
		return []int{total - 20000}
	})))
	l.add("acknowledges by halves", "FLOW-01b", wrap(acking(func(last, total int) []int {
		if half := last + (total-last)/2; half > last {
			return []int{half, total}
		}
		return []int{total}
	})))
	l.add("acknowledges what arrives", "FLOW-07a", wrap(ackingArrivals(false)))
	l.add("acknowledges messages that have ended", "FLOW-12, FLOW-03a", wrap(ackingArrivals(true)))
	l.add("acknowledges late", "T_reply", wrap(slowAcks(700*time.Millisecond)))
	l.add("acknowledges very late", "T_reply", wrap(slowAcks(4*time.Second)))

	// Answering.
	l.add("echo of complete requests", "section 1.5", way{echo: collecting})
	l.add("echo of complete JSON", "ENV-01b, FRAME-11", way{echo: collecting, whole: true})
	l.add("eager echo", "RPC-08b", way{echo: eager})
	l.add("eager echo without a window", "RPC-08b, FLOW-05a", way{echo: eager, cfg: scamp.Config{Window: 1 << 30}})
	l.add("header at once and body late", "T_reply", way{echo: dawdling(2 * time.Second)})
	l.add("pauses of 300 ms", "T_reply", way{echo: pausing(16384, 300*time.Millisecond)})
	l.add("pauses of 2 s", "T_reply", way{echo: pausing(65536, 2*time.Second)})
	l.add("one request after another", "RPC-05b, RPC-05c", outer(queued(sequential)))
	l.add("everything 1 s late", "T_reply", outer(late(time.Second, 1<<20, 0)))
	l.add("everything 3 s late", "T_reply", outer(late(3*time.Second, 1<<20, 0)))
	l.add("closes late", "T_close", outer(late(0, 1<<20, 4*time.Second)))
	l.add("closes with a reset", "section 1.4", outer(late(0, 1<<20, -1)))

	l.add("slow to count", "T_reply", way{mux: func() *scamp.Mux {
		mux := new(scamp.Mux)
		mux.Handle(scamp.Action{Name: reference.Echo, NoAuth: true, Stream: true}, scamp.HandlerFunc(collecting))
		mux.HandleFunc(scamp.Action{Name: reference.Count, NoAuth: true}, slowCount(time.Second))
		return mux
	}})
	l.add("has an echo and nothing else", "section 1.5", way{mux: func() *scamp.Mux {
		mux := new(scamp.Mux)
		mux.Handle(scamp.Action{Name: reference.Echo, NoAuth: true, Stream: true}, scamp.HandlerFunc(eager))
		return mux
	}})

	// Headers of replies.
	l.add("replies without type", "HDR-07b", wrap(editing(func(m members) members { return m.without("type") })))
	l.add("empty error members", "HDR-17a", wrap(editing(func(m members) members {
		if m.failed() {
			return m
		}
		return m.with("error", `""`).with("error_code", `""`)
	})))
	l.add("null error members", "HDR-17a, HDR-06c", wrap(editing(func(m members) members {
		if m.failed() {
			return m
		}
		return m.with("error", `null`).with("error_code", `null`)
	})))
	l.add("null in optional members", "HDR-06c", wrap(editing(func(m members) members {
		if m["error_data"] == nil {
			m = m.with("error_data", `null`)
		}
		return m.with("ticket", `null`)
	})))
	l.add("further members and white space", "HDR-17c, HDR-01a", wrap(func() interpose.Config {
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if m, ok := membersOf(p); ok {
				p.Body = fmt.Appendf(nil, " %s\r\n", m.with("new_session", `{"a":[1,null]}`).with("action", `"x"`).with("größe", `"ü\u2028"`).with("http_status", "200").bytes())
			}
			f.Pass(p)
		}}
	}))
	l.add("equal duplicates", "HDR-04a", wrap(func() interpose.Config {
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if m, ok := membersOf(p); ok && len(p.Body) < 60000 {
				p.Body = append(bytes.TrimSuffix(m.bytes(), []byte("}")), fmt.Sprintf(`,"request_id":%s}`, m["request_id"])...)
			}
			f.Pass(p)
		}}
	}))
	l.add("respelled ids", "HDR-13a", wrap(editing(respelled)))

	// Errors.
	l.add("text alone", "ERR-01a", wrap(editing(func(m members) members {
		if !m.failed() {
			return m
		}
		return m.without("error_code")
	})))
	l.add("code alone", "ERR-01a", wrap(editing(func(m members) members {
		if !m.failed() || m.text("error_code") == "not_found" {
			return m
		}
		return m.without("error")
	})))
	l.add("text, and null as code", "ERR-01a, HDR-06c", wrap(editing(func(m members) members {
		if !m.failed() {
			return m
		}
		return m.with("error_code", "null")
	})))
	l.add("failures as TXERR", "ERR-01a, ERR-03a, ERR-05b, HDR-11c", wrap(failures(func(m members) bool {
		return kind(m["envelope"]) == '"' && m.text("envelope") != "json"
	}, func(f *interpose.Flow, p interpose.Packet, m members) {
		switch p.Type {
		case "HEADER":
			p.Body = m.without("error", "error_code", "error_data").bytes()
		case "EOF":
			p = interpose.Packet{Type: "TXERR", Number: p.Number, Body: m["error"]}
		}
		f.Pass(p)
	})))
	l.add("null as body of errors", "ERR-01b", wrap(failures(nil, func(f *interpose.Flow, p interpose.Packet, m members) {
		if p.Type == "EOF" {
			f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: []byte("null")})
		}
		f.Pass(p)
	})))
	l.add("errors repeated in the body", "ERR-01b", wrap(failures(nil, func(f *interpose.Flow, p interpose.Packet, m members) {
		if p.Type == "EOF" {
			b, _ := json.Marshal(map[string]json.RawMessage{"error": m["error"], "error_code": m["error_code"]})
			f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: b})
		}
		f.Pass(p)
	})))
	l.add("the text as body of errors", "ERR-01b", wrap(failures(nil, func(f *interpose.Flow, p interpose.Packet, m members) {
		if p.Type == "EOF" {
			f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: m["error"]})
		}
		f.Pass(p)
	})))
	l.add("other codes, and internals", "ERR-03c, ERR-09a, ERR-10", wrap(editing(func(m members) members {
		if !m.failed() || strings.HasPrefix(m.text("error_code"), "teapot") {
			return m
		}
		return m.with("error_code", `"internal"`).with("error", `"died at lib/Service.pm line 42"`)
	})))
	l.add("refuses early", "RPC-08b", wrap(func() interpose.Config {
		refused := map[uint64]int{}
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if m, ok := membersOf(p); ok && m.text("type") == "request" && m["request_id"] != nil && (!isFixture(m) || string(m["version"]) == "99") {
				f.Pass(p)
				f.Pass(interpose.Packet{Type: "EOF", Number: p.Number})
				refused[p.Number] = 0
				return
			}
			if total, ok := refused[p.Number]; ok && own(p) && p.Type != "HEADER" {
				if p.Type == "DATA" && len(p.Body) > 0 {
					refused[p.Number] = total + len(p.Body)
					f.Answer(interpose.Packet{Type: "ACK", Number: p.Number, Body: []byte(strconv.Itoa(total + len(p.Body)))})
				}
				if p.Type == "EOF" {
					delete(refused, p.Number)
				}
				return
			}
			f.Pass(p)
		}}
	}))
}
