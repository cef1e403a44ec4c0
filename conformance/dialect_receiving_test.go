package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// receive adds what servers may do with what they are sent.
func (l *dialectList) receive() {
	// Taking requests.
	l.add("closes on wrong JSON types", "HDR-08c, HDR-14, HDR-18b", wrap(closingOn(func(m members) bool {
		return wrongKind(m, "type", `"`) || wrongKind(m, "action", `"`) || wrongKind(m, "envelope", `"`) || wrongKind(m, "request_id", `"0`)
	})))
	l.add("refuses wrong JSON types", "HDR-15b, HDR-18a", wrap(refusing(func(m members) bool {
		id := m["client_id"]
		odd := kind(id) == '"' && strings.Trim(m.text("client_id"), "0123456789") != "" || kind(id) == '0' && bytes.ContainsAny(id, ".eE") || strings.ContainsRune("{[tf", rune(kind(id))) && id != nil
		return odd || wrongKind(m, "ticket", `"`) || wrongKind(m, "terminal", `"`) || wrongKind(m, "identifying_token", `"`) || wrongKind(m, "sector", `"`)
	})))
	l.add("refuses versions that are text", "HDR-11b", wrap(refusing(func(m members) bool { return kind(m["version"]) == '"' })))
	l.add("1.0 is another version", "HDR-11c", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			p.Body = bytes.Replace(p.Body, []byte(`"version":1.0,`), []byte(`"version":1.5,`), 1)
			f.Pass(p)
		}}
	}))
	l.add("1.0 is 1", "HDR-11c", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			p.Body = bytes.Replace(p.Body, []byte(`"version":1.0,`), []byte(`"version":1,`), 1)
			f.Pass(p)
		}}
	}))
	l.add("does not look at the envelope", "HDR-12b", wrap(asked(func(m members) members {
		if kind(m["envelope"]) == '"' {
			return m.with("envelope", `"json"`)
		}
		return m
	})))
	l.add("executes untyped messages", "HDR-08a", wrap(asked(func(m members) members {
		if k := kind(m["type"]); k == 0 || k == 'n' {
			return m.with("type", `"request"`)
		}
		return m
	})))
	l.add("answers without id", "HDR-14", wrap(identified(noID, func(m members, _ json.RawMessage) members { return m.without("request_id") })))
	l.add("answers no id with null", "HDR-14", wrap(identified(noID, func(m members, _ json.RawMessage) members { return m.with("request_id", "null") })))
	l.add("answers no id with 0", "HDR-14", wrap(identified(noID, func(m members, _ json.RawMessage) members { return m.with("request_id", "0") })))
	l.add("answers odd ids", "HDR-14", wrap(identified(oddID, func(m members, id json.RawMessage) members { return m.with("request_id", string(id)) })))
	l.add("answers odd ids with null", "HDR-14", wrap(identified(oddID, func(m members, _ json.RawMessage) members { return m.with("request_id", "null") })))
	l.add("answers odd ids without id", "HDR-14", wrap(identified(oddID, func(m members, _ json.RawMessage) members { return m.without("request_id") })))
	l.add("answers odd ids with 0", "HDR-14", wrap(identified(oddID, func(m members, _ json.RawMessage) members { return m.with("request_id", "0") })))
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
	l.add("closes on duplicates", "HDR-04b", wrap(closing(duplicates)))
	l.add("refuses duplicates", "HDR-04b", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if m, ok := membersOf(p); ok && duplicates(p) {
				p.Body = m.with("action", `"Conformance.refused"`).bytes()
			}
			f.Pass(p)
		}}
	}))
	l.add("repairs UTF-8 in headers", "HDR-02", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" {
				p.Body = bytes.ToValidUTF8(p.Body, []byte("\uFFFD"))
			}
			f.Pass(p)
		}}
	}))
	l.add("reads deep headers", "HDR-19", wrap(func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" && len(p.Body) < 5000 {
				p.Body = bytes.ReplaceAll(bytes.ReplaceAll(p.Body, bytes.Repeat([]byte("["), 200), []byte("[")), bytes.Repeat([]byte("]"), 200), []byte("]"))
			}
			f.Pass(p)
		}}
	}))
	l.add("headers of at most 16 levels", "HDR-19", wrap(closing(func(p interpose.Packet) bool {
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
	l.add("closes on TXERR without text", "MSG-09", wrap(closing(func(p interpose.Packet) bool {
		return p.Type == "TXERR" && (len(p.Body) == 0 || string(p.Body) == "0")
	})))
	l.add("closes on TXERR that is not UTF-8", "MSG-10", wrap(closing(func(p interpose.Packet) bool { return p.Type == "TXERR" && !utf8.Valid(p.Body) })))

	// Framing.
	l.add("takes leading zeros", "FRAME-07b", wrap(zeros(40, sameNumber)))
	l.add("lines of up to 80 octets", "FRAME-05b", wrap(zeros(80, sameNumber)))
	l.add("0 and 00 are two messages", "FRAME-07b", wrap(func() interpose.Config {
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
	l.add("notices a bare LF late", "FRAME-04b", wrap(func() interpose.Config {
		return interpose.Config{Tolerate: func(b []byte) (p interpose.Packet, n int, more bool) {
			i := bytes.IndexByte(b, '\n')
			return p, 0, len(b) < 80 && i > 0 && b[i-1] != '\r' && !bytes.Contains(b, []byte("\r\n"))
		}}
	}))
	l.add("notices unknown types late", "FRAME-14", wrap(func() interpose.Config {
		return interpose.Config{Tolerate: func(b []byte) (p interpose.Packet, n int, more bool) {
			_, _, more = interpose.Line(func(s string) (typ, number, length string, ok bool) {
				typ, number, length, ok = interpose.Fields(s)
				return typ, number, length, ok && len(s) <= 80 && len(length) < 6 && strings.Trim(length, "0123456789") == ""
			})(b)
			return p, 0, more && bytes.IndexByte(b, '\n') >= 0
		}}
	}))
	l.add("closes on PING", "FRAME-13c", wrap(closing(func(p interpose.Packet) bool { return p.Type == "PING" || p.Type == "PONG" })))
	l.add("PINGs those who do", "TIME-08c, TIME-09a", wrap(func() interpose.Config {
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
	l.add("errors before a close", "FRAME-15b", way{echo: collecting}.and(wrap(flushing(errorHeader, "EOF"))))
	l.add("gives up its replies before a close", "FRAME-15b", way{echo: eager}.and(wrap(func() interpose.Config {
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
	l.add("closes on ACKs after the end", "FLOW-03b", wrap(func() interpose.Config {
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
	l.add("64 messages and 1,000,000 octets", "CONN-08b", way{cfg: scamp.Config{MaxMessages: 64, MaxRequest: 1000000}})
	l.add("closes beyond the bounds", "CONN-08a", wrap(func() interpose.Config {
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
	l.add("closes when a hundred replies wait", "FLOW-10", wrap(func() interpose.Config {
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
	l.add("keeps stalled messages for ever", "FLOW-11b, TIME-11", way{cfg: scamp.Config{MessageTimeout: -1, IdleTimeout: -1, HandlerTimeout: -1}})
}
