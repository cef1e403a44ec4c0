package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

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

// dialects returns servers that no golden case may call wrong.
func dialects() []dialect {
	var all []dialect
	add := func(name, about string, w way) { all = append(all, dialect{name, about, w}) }
	wrap := func(f func() interpose.Config) way { return way{wraps: []func() interpose.Config{f}} }
	outer := func(f func(serve func(net.Conn)) func(net.Conn)) way {
		return way{outer: []func(serve func(net.Conn)) func(net.Conn){f}}
	}

	add("the reference", "conforms", way{})

	// Sending.
	add("no window", "FLOW-05a", way{cfg: scamp.Config{Window: 1 << 30}})
	add("window of 131072", "FLOW-05a", way{cfg: scamp.Config{Window: 131072}})
	add("window passed by less than a chunk", "FLOW-05a", way{cfg: scamp.Config{Window: 65536 + 10000}})
	add("window of 4000", "FLOW-05a: another fixed window", way{cfg: scamp.Config{Window: 4000}})
	add("chunks of 1024", "FLOW-09b", wrap(chunks(1024, false)))
	add("chunks of 777", "FLOW-09b", wrap(chunks(777, false)))
	add("first octets one by one", "FLOW-09a", wrap(func() interpose.Config {
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
	add("chunks of 131072", "FLOW-09b, FLOW-08", way{cfg: scamp.Config{Window: 262144}}.and(wrap(chunks(131072, true))))
	add("whole chunks of 16384 only", "FLOW-08", way{cfg: scamp.Config{Window: 65536}}.and(wrap(chunks(16384, true))))
	add("one message after another", "FLOW-05b", wrap(oneAfterAnother(false)))
	add("one body after another", "FLOW-05b", wrap(oneAfterAnother(true)))
	add("one message after another, the newest first", "FLOW-05b, RPC-04b", wrap(newestFirst()))
	add("one message after another without a window", "FLOW-05a, FLOW-05b", way{cfg: scamp.Config{Window: 1 << 30}}.and(wrap(oneAfterAnother(false))))
	add("octet by octet", "FRAME-10", outer(late(0, 1, 0)))

	// Acknowledging.
	add("acknowledges much only", "FLOW-07a", wrap(acking(func(last, total int) []int {
		if total-last < 32768 {
			return nil
		}
		return []int{total}
	})))
	add("acknowledges less than half", "FLOW-07a", wrap(acking(func(last, total int) []int {
		if total-last < 32768 {
			return nil
		}
		return []int{total - 20000}
	})))
	add("acknowledges by halves", "FLOW-01b", wrap(acking(func(last, total int) []int {
		if half := last + (total-last)/2; half > last {
			return []int{half, total}
		}
		return []int{total}
	})))
	add("acknowledges what arrives", "FLOW-07a", wrap(ackingArrivals(false)))
	add("acknowledges messages that have ended", "FLOW-12, FLOW-03a", wrap(ackingArrivals(true)))
	add("acknowledges late", "T_reply", wrap(slowAcks(700*time.Millisecond)))
	add("acknowledges very late", "T_reply", wrap(slowAcks(4*time.Second)))

	// Answering.
	add("echo of complete requests", "section 1.5", way{echo: collecting})
	add("echo of complete JSON", "ENV-01b, FRAME-11", way{echo: collecting, whole: true})
	add("eager echo", "RPC-08b", way{echo: eager})
	add("eager echo without a window", "RPC-08b, FLOW-05a", way{echo: eager, cfg: scamp.Config{Window: 1 << 30}})
	add("header at once and body late", "T_reply", way{echo: dawdling(2 * time.Second)})
	add("pauses of 300 ms", "T_reply", way{echo: pausing(16384, 300*time.Millisecond)})
	add("pauses of 2 s", "T_reply", way{echo: pausing(65536, 2*time.Second)})
	add("one request after another", "RPC-05b, RPC-05c", outer(queued(sequential)))
	add("everything 1 s late", "T_reply", outer(late(time.Second, 1<<20, 0)))
	add("everything 3 s late", "T_reply", outer(late(3*time.Second, 1<<20, 0)))
	add("closes late", "T_close", outer(late(0, 1<<20, 4*time.Second)))
	add("closes with a reset", "section 1.4", outer(late(0, 1<<20, -1)))

	add("slow to count", "T_reply", way{mux: func() *scamp.Mux {
		mux := new(scamp.Mux)
		mux.Handle(scamp.Action{Name: reference.Echo, NoAuth: true, Stream: true}, scamp.HandlerFunc(collecting))
		mux.HandleFunc(scamp.Action{Name: reference.Count, NoAuth: true}, slowCount(time.Second))
		return mux
	}})
	add("has an echo and nothing else", "section 1.5", way{mux: func() *scamp.Mux {
		mux := new(scamp.Mux)
		mux.Handle(scamp.Action{Name: reference.Echo, NoAuth: true, Stream: true}, scamp.HandlerFunc(eager))
		return mux
	}})

	// Headers of replies.
	add("replies without type", "HDR-07b", wrap(editing(func(m members) members { return m.without("type") })))
	add("empty error members", "HDR-17a", wrap(editing(func(m members) members {
		if m.failed() {
			return m
		}
		return m.with("error", `""`).with("error_code", `""`)
	})))
	add("null error members", "HDR-17a, HDR-06c", wrap(editing(func(m members) members {
		if m.failed() {
			return m
		}
		return m.with("error", `null`).with("error_code", `null`)
	})))
	add("null in optional members", "HDR-06c", wrap(editing(func(m members) members {
		if m["error_data"] == nil {
			m = m.with("error_data", `null`)
		}
		return m.with("ticket", `null`)
	})))
	add("further members and white space", "HDR-17c, HDR-01a", wrap(func() interpose.Config {
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if m, ok := membersOf(p); ok {
				p.Body = fmt.Appendf(nil, " %s\r\n", m.with("new_session", `{"a":[1,null]}`).with("action", `"x"`).with("größe", `"ü\u2028"`).with("http_status", "200").bytes())
			}
			f.Pass(p)
		}}
	}))
	add("equal duplicates", "HDR-04a", wrap(func() interpose.Config {
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if m, ok := membersOf(p); ok && len(p.Body) < 60000 {
				p.Body = append(bytes.TrimSuffix(m.bytes(), []byte("}")), fmt.Sprintf(`,"request_id":%s}`, m["request_id"])...)
			}
			f.Pass(p)
		}}
	}))
	add("respelled ids", "HDR-13a", wrap(editing(respelled)))

	// Errors.
	add("text alone", "ERR-01a", wrap(editing(func(m members) members {
		if !m.failed() {
			return m
		}
		return m.without("error_code")
	})))
	add("code alone", "ERR-01a", wrap(editing(func(m members) members {
		if !m.failed() || m.text("error_code") == "not_found" {
			return m
		}
		return m.without("error")
	})))
	add("text, and null as code", "ERR-01a, HDR-06c", wrap(editing(func(m members) members {
		if !m.failed() {
			return m
		}
		return m.with("error_code", "null")
	})))
	add("failures as TXERR", "ERR-01a, ERR-03a, ERR-05b, HDR-11c", wrap(failures(func(m members) bool {
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
	add("null as body of errors", "ERR-01b", wrap(failures(nil, func(f *interpose.Flow, p interpose.Packet, m members) {
		if p.Type == "EOF" {
			f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: []byte("null")})
		}
		f.Pass(p)
	})))
	add("errors repeated in the body", "ERR-01b", wrap(failures(nil, func(f *interpose.Flow, p interpose.Packet, m members) {
		if p.Type == "EOF" {
			b, _ := json.Marshal(map[string]json.RawMessage{"error": m["error"], "error_code": m["error_code"]})
			f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: b})
		}
		f.Pass(p)
	})))
	add("the text as body of errors", "ERR-01b", wrap(failures(nil, func(f *interpose.Flow, p interpose.Packet, m members) {
		if p.Type == "EOF" {
			f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: m["error"]})
		}
		f.Pass(p)
	})))
	add("other codes, and internals", "ERR-03c, ERR-09a, ERR-10", wrap(editing(func(m members) members {
		if !m.failed() || strings.HasPrefix(m.text("error_code"), "teapot") {
			return m
		}
		return m.with("error_code", `"internal"`).with("error", `"died at lib/Service.pm line 42"`)
	})))
	add("refuses early", "RPC-08b", wrap(func() interpose.Config {
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

	// Taking requests.
	add("closes on wrong JSON types", "HDR-08c, HDR-14, HDR-18b", wrap(closingOn(func(m members) bool {
		return wrongKind(m, "type", `"`) || wrongKind(m, "action", `"`) || wrongKind(m, "envelope", `"`) || wrongKind(m, "request_id", `"0`)
	})))
	add("refuses wrong JSON types", "HDR-15b, HDR-18a", wrap(refusing(func(m members) bool {
		id := m["client_id"]
		odd := kind(id) == '"' && strings.Trim(m.text("client_id"), "0123456789") != "" || kind(id) == '0' && bytes.ContainsAny(id, ".eE") || strings.ContainsRune("{[tf", rune(kind(id))) && id != nil
		return odd || wrongKind(m, "ticket", `"`) || wrongKind(m, "terminal", `"`) || wrongKind(m, "identifying_token", `"`) || wrongKind(m, "sector", `"`)
	})))
	add("refuses versions that are text", "HDR-11b", wrap(refusing(func(m members) bool { return kind(m["version"]) == '"' })))
	add("1.0 is another version", "HDR-11c", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			p.Body = bytes.Replace(p.Body, []byte(`"version":1.0,`), []byte(`"version":1.5,`), 1)
			f.Pass(p)
		}}
	}))
	add("1.0 is 1", "HDR-11c", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			p.Body = bytes.Replace(p.Body, []byte(`"version":1.0,`), []byte(`"version":1,`), 1)
			f.Pass(p)
		}}
	}))
	add("does not look at the envelope", "HDR-12b", wrap(asked(func(m members) members {
		if kind(m["envelope"]) == '"' {
			return m.with("envelope", `"json"`)
		}
		return m
	})))
	add("executes untyped messages", "HDR-08a", wrap(asked(func(m members) members {
		if k := kind(m["type"]); k == 0 || k == 'n' {
			return m.with("type", `"request"`)
		}
		return m
	})))
	add("answers without id", "HDR-14", wrap(identified(noID, func(m members, _ json.RawMessage) members { return m.without("request_id") })))
	add("answers no id with null", "HDR-14", wrap(identified(noID, func(m members, _ json.RawMessage) members { return m.with("request_id", "null") })))
	add("answers no id with 0", "HDR-14", wrap(identified(noID, func(m members, _ json.RawMessage) members { return m.with("request_id", "0") })))
	add("answers odd ids", "HDR-14", wrap(identified(oddID, func(m members, id json.RawMessage) members { return m.with("request_id", string(id)) })))
	add("answers odd ids with null", "HDR-14", wrap(identified(oddID, func(m members, _ json.RawMessage) members { return m.with("request_id", "null") })))
	add("answers odd ids without id", "HDR-14", wrap(identified(oddID, func(m members, _ json.RawMessage) members { return m.without("request_id") })))
	add("answers odd ids with 0", "HDR-14", wrap(identified(oddID, func(m members, _ json.RawMessage) members { return m.with("request_id", "0") })))
	duplicates := func(p interpose.Packet) bool {
		h, err := parseJSON(p.Body)
		if p.Type != "HEADER" || err != nil {
			return false
		}
		for i, name := range h.names {
			if slices.Index(h.names, name) < i {
				return true
			}
		}
		return false
	}
	add("closes on duplicates", "HDR-04b", wrap(closing(duplicates)))
	add("refuses duplicates", "HDR-04b", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if m, ok := membersOf(p); ok && duplicates(p) {
				p.Body = m.with("action", `"Conformance.refused"`).bytes()
			}
			f.Pass(p)
		}}
	}))
	add("repairs UTF-8 in headers", "HDR-02", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" {
				p.Body = bytes.ToValidUTF8(p.Body, []byte("\uFFFD"))
			}
			f.Pass(p)
		}}
	}))
	add("reads deep headers", "HDR-19", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" && len(p.Body) < 5000 {
				p.Body = bytes.ReplaceAll(bytes.ReplaceAll(p.Body, bytes.Repeat([]byte("["), 200), []byte("[")), bytes.Repeat([]byte("]"), 200), []byte("]"))
			}
			f.Pass(p)
		}}
	}))
	add("headers of at most 16 levels", "HDR-19", wrap(closing(func(p interpose.Packet) bool {
		depth, most := 0, 0
		for _, b := range p.Body { // no string of a golden case has brackets in it that would disturb this
			switch b {
			case '[', '{':
				depth++
			case ']', '}':
				depth--
			}
			most = max(most, depth)
		}
		return p.Type == "HEADER" && most > 16
	})))
	add("closes on TXERR without text", "MSG-09", wrap(closing(func(p interpose.Packet) bool {
		return p.Type == "TXERR" && (len(p.Body) == 0 || string(p.Body) == "0")
	})))
	add("closes on TXERR that is not UTF-8", "MSG-10", wrap(closing(func(p interpose.Packet) bool { return p.Type == "TXERR" && !utf8.Valid(p.Body) })))

	// Framing.
	add("takes leading zeros", "FRAME-07b", wrap(zeros(40, sameNumber)))
	add("lines of up to 80 octets", "FRAME-05b", wrap(zeros(80, sameNumber)))
	add("0 and 00 are two messages", "FRAME-07b", wrap(func() interpose.Config {
		two := false
		cfg := zeros(40, func(typ, number string) string {
			two = two || number == "00"
			return sameNumber(typ, number)
		})()
		cfg.In = func(f *interpose.Flow, p interpose.Packet) {
			if two && p.Type == "DATA" {
				f.Close()
				return
			}
			f.Pass(p)
		}
		return cfg
	}))
	add("notices a bare LF late", "FRAME-04b", wrap(func() interpose.Config {
		return interpose.Config{Tolerate: func(b []byte) (p interpose.Packet, n int, more bool) {
			i := bytes.IndexByte(b, '\n')
			return p, 0, len(b) < 80 && i > 0 && b[i-1] != '\r' && !bytes.Contains(b, []byte("\r\n"))
		}}
	}))
	add("notices unknown types late", "FRAME-14", wrap(func() interpose.Config {
		return interpose.Config{Tolerate: func(b []byte) (p interpose.Packet, n int, more bool) {
			_, _, more = interpose.Line(func(s string) (typ, number, length string, ok bool) {
				typ, number, length, ok = interpose.Fields(s)
				return typ, number, length, ok && len(s) <= 80 && len(length) < 6 && strings.Trim(length, "0123456789") == ""
			})(b)
			return p, 0, more && bytes.IndexByte(b, '\n') >= 0
		}}
	}))
	add("closes on PING", "FRAME-13c", wrap(closing(func(p interpose.Packet) bool { return p.Type == "PING" || p.Type == "PONG" })))
	add("PINGs those who do", "TIME-08c, TIME-09a", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			f.Pass(p)
			if p.Type == "PING" {
				f.Answer(interpose.Packet{Type: "PING"})
			}
		}}
	}))
	errorHeader := func(id string) string {
		return fmt.Sprintf(`{"type":"reply","request_id":%s,"error_code":"transport","error":"protocol error"}`, id)
	}
	add("errors before a close", "FRAME-15b", way{echo: collecting}.and(wrap(flushing(errorHeader, "EOF"))))
	add("gives up its replies before a close", "FRAME-15b", way{echo: eager}.and(wrap(func() interpose.Config {
		var mu sync.Mutex
		open, over := map[uint64]bool{}, false
		in := following{open: map[uint64]string{}}
		return interpose.Config{
			In: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				if over = over || in.fatal(p); over {
					for n := range open {
						f.Answer(interpose.Packet{Type: "TXERR", Number: n, Body: []byte("protocol error")})
					}
					clear(open)
					f.Close()
					return
				}
				f.Pass(p)
			},
			Out: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				switch p.Type {
				case "HEADER":
					open[p.Number] = true
				case "EOF", "TXERR":
					delete(open, p.Number)
				}
				f.Pass(p)
			},
		}
	})))
	add("closes on ACKs after the end", "FLOW-03b", wrap(func() interpose.Config {
		var mu sync.Mutex
		sent, ended, acked := map[uint64]uint64{}, map[uint64]bool{}, map[uint64]uint64{}
		return interpose.Config{
			In: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				if p.Type == "ACK" && ended[p.Number] {
					total, err := strconv.ParseUint(string(p.Body), 10, 64)
					if err != nil || total <= acked[p.Number] || total > sent[p.Number] {
						f.Close()
						return
					}
				}
				if total, err := strconv.ParseUint(string(p.Body), 10, 64); p.Type == "ACK" && err == nil {
					acked[p.Number] = total
				}
				f.Pass(p)
			},
			Out: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				switch p.Type {
				case "DATA":
					sent[p.Number] += uint64(len(p.Body))
				case "EOF", "TXERR":
					ended[p.Number] = true
				}
				f.Pass(p)
			},
		}
	}))

	// Bounds and times.
	add("64 messages and 1,000,000 octets", "CONN-08b", way{cfg: scamp.Config{MaxMessages: 64, MaxRequest: 1000000}})
	add("closes beyond the bounds", "CONN-08a", wrap(func() interpose.Config {
		sizes := map[uint64]int{}
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			switch p.Type {
			case "HEADER":
				sizes[p.Number] = 0
			case "DATA":
				sizes[p.Number] += len(p.Body)
			case "EOF", "TXERR":
				delete(sizes, p.Number)
			}
			if len(sizes) > 64 || sizes[p.Number] > 1000000 {
				f.Close()
				return
			}
			f.Pass(p)
		}}
	}))
	add("closes when a hundred replies wait", "FLOW-10", wrap(func() interpose.Config {
		var mu sync.Mutex
		waiting := 0
		return interpose.Config{
			In: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				if m, ok := membersOf(p); ok && m.text("action") == reference.Blob {
					if waiting++; waiting > 100 {
						f.Close()
						return
					}
				}
				f.Pass(p)
			},
			Out: func(f *interpose.Flow, p interpose.Packet) {
				f.Pass(p)
				if p.Type == "EOF" {
					mu.Lock()
					defer mu.Unlock()
					waiting--
				}
			},
		}
	}))
	add("keeps stalled messages for ever", "FLOW-11b, TIME-11", way{cfg: scamp.Config{MessageTimeout: -1, IdleTimeout: -1, HandlerTimeout: -1}})
	return all
}
