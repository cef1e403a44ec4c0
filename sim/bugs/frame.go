package bugs

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

// line makes a tolerance that changes a request line before it is read by the rules.
func line(fix func(line string) string) interpose.Tolerance {
	return interpose.Line(func(s string) (typ, number, length string, ok bool) {
		return interpose.Fields(fix(s))
	})
}

var frame = []Server{
	{Name: "sends-banner", Rule: "WIRE-FRAME-01", Title: "greets its peer with a line of text",
		wrap: func(*server) interpose.Config {
			greeted := false
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if !greeted {
					greeted = true
					f.Pass(interpose.Packet{Body: []byte("SCAMP ready\r\n")})
				}
				f.Pass(p)
			}}
		}},
	{Name: "blank-line-between-packets", Rule: "WIRE-FRAME-02", Title: "sends an empty line after every packet",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			p.Trailer = "END\r\n\r\n"
			f.Pass(p)
		})},
	{Name: "accepts-tabs", Rule: "WIRE-FRAME-03a", Title: "takes TABs for blanks in request lines",
		wrap: tolerating(line(func(s string) string { return strings.ReplaceAll(s, "\t", " ") }))},
	{Name: "accepts-runs-of-blanks", Rule: "WIRE-FRAME-03a", Title: "takes any run of blanks for one",
		wrap: tolerating(line(func(s string) string { return strings.Join(strings.Fields(s), " ") + "\r\n" }))},
	{Name: "ignores-extra-fields", Rule: "WIRE-FRAME-03b", Title: "does not look at what follows the length",
		wrap: tolerating(line(func(s string) string {
			f := strings.SplitN(s, " ", 3)
			if len(f) < 3 {
				return s
			}
			digits := len(f[2]) - len(strings.TrimLeft(f[2], "0123456789"))
			return f[0] + " " + f[1] + " " + f[2][:digits] + "\r\n"
		}))},
	{Name: "accepts-bare-lf", Rule: "WIRE-FRAME-04a", Title: "takes a bare LF for the end of a line",
		wrap: tolerating(line(func(s string) string { return strings.TrimRight(s, "\r\n") + "\r\n" }))},
	{Name: "refuses-long-numbers", Rule: "WIRE-FRAME-05a", Title: "closes on message numbers of more than 32 bits",
		wrap: fatal(func(p interpose.Packet) bool { return p.Number > 1<<32 })},
	{Name: "accepts-long-lines", Rule: "WIRE-FRAME-05b", Title: "has no limit for the length of a line",
		wrap: tolerating(line(func(s string) string {
			f := strings.Split(strings.TrimSuffix(s, "\r\n"), " ")
			for i := 1; i < len(f); i++ {
				f[i] = strings.TrimLeft(f[i][:max(len(f[i])-1, 0)], "0") + f[i][max(len(f[i])-1, 0):]
			}
			return strings.Join(f, " ") + "\r\n"
		}))},
	{Name: "waits-for-end-of-long-line", Rule: "WIRE-FRAME-05c", Title: "looks at an overlong line when its LF has come",
		wrap: tolerating(func(b []byte) (p interpose.Packet, n int, more bool) {
			return p, 0, bytes.IndexByte(b, '\n') < 0
		})},
	{Name: "pads-lengths", Rule: "WIRE-FRAME-06", Title: "writes lengths with leading zeros",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			p.Line = fmt.Sprintf("%s %d %06d\r\n", p.Type, p.Number, len(p.Body))
			f.Pass(p)
		})},
	{Name: "accepts-signs", Rule: "WIRE-FRAME-07a", Title: "takes +5 for 5",
		wrap: tolerating(line(func(s string) string { return strings.ReplaceAll(s, " +", " ") }))},
	{Name: "sends-oversize-data", Rule: "WIRE-FRAME-08a", Title: "puts up to 200,000 octets into one DATA",
		configure: func(cfg *scamp.Config) { cfg.Window = 1 << 30 },
		wrap: func(*server) interpose.Config {
			held := map[uint64][]byte{}
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "DATA" {
					held[p.Number] = append(held[p.Number], p.Body...)
					if len(held[p.Number]) < 180000 {
						return
					}
				}
				if b := held[p.Number]; len(b) > 0 && p.Type != "ACK" {
					f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: b})
					delete(held, p.Number)
				}
				if p.Type != "DATA" {
					f.Pass(p)
				}
			}}
		}},
	{Name: "refuses-131072", Rule: "WIRE-FRAME-08b", Title: "closes on a body of exactly 131072 octets",
		wrap: fatal(func(p interpose.Packet) bool { return len(p.Body) >= 131072 })},
	{Name: "accepts-131073", Rule: "WIRE-FRAME-08c", Title: "has no upper bound for bodies",
		wrap: func(*server) interpose.Config {
			return interpose.Config{Tolerate: interpose.Line(interpose.Fields), In: func(f *interpose.Flow, p interpose.Packet) {
				for p.Type == "DATA" && len(p.Body) > 131072 {
					f.Pass(interpose.Packet{Type: p.Type, Number: p.Number, Body: p.Body[:131072]})
					p.Body = p.Body[131072:]
				}
				f.Pass(p)
			}}
		}},
	{Name: "waits-for-oversize-body", Rule: "WIRE-FRAME-08d", Title: "looks at the length when the body has come",
		wrap: tolerating(func(b []byte) (p interpose.Packet, n int, more bool) {
			var typ string
			var number, length uint64
			if _, err := fmt.Sscanf(string(b[:min(len(b), 80)]), "%s %d %d\r\n", &typ, &number, &length); err != nil {
				return p, 0, bytes.Count(b, []byte(" ")) == 2 && bytes.HasPrefix(b, []byte("DATA "))
			}
			return p, 0, typ == "DATA" && length > 131072 && uint64(len(b)) < length
		})},
	{Name: "ignores-trailers", Rule: "WIRE-FRAME-09", Title: "skips five octets after the body, whatever they are",
		wrap: tolerating(func(b []byte) (p interpose.Packet, n int, more bool) {
			end := bytes.Index(b, []byte("\r\n"))
			if end < 0 {
				return p, 0, false
			}
			var length int
			fmt.Sscanf(string(b[:end]), "%s %d %d", &p.Type, &p.Number, &length)
			if fmt.Sprintf("%s %d %d", p.Type, p.Number, length) != string(b[:end]) || length < 0 || length > 131072 {
				return p, 0, false
			}
			if len(b) < end+2+length+5 {
				return p, 0, true
			}
			p.Body = bytes.Clone(b[end+2 : end+2+length])
			return p, end + 2 + length + 5, false
		})},
	{Name: "loses-split-line-ends", Rule: "WIRE-FRAME-10", Title: "closes when CR and LF come in two reads",
		wrap: func(*server) interpose.Config {
			return interpose.Config{Read: func(b []byte) bool { return !bytes.HasSuffix(b, []byte("\r")) }}
		}},
	{Name: "searches-bodies-for-end", Rule: "WIRE-FRAME-11", Title: "takes END CR LF inside a body for the trailer",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if i := bytes.Index(p.Body, []byte("END\r\n")); p.Type == "DATA" && i >= 0 {
				p.Body = p.Body[:i]
			}
			f.Pass(p)
		})},
	{Name: "repairs-utf8", Rule: "WIRE-FRAME-11", Title: "replaces what is not UTF-8 in the packets of a body",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "DATA" {
				p.Body = bytes.ToValidUTF8(p.Body, []byte("?"))
			}
			f.Pass(p)
		})},
	{Name: "counts-characters", Rule: "WIRE-FRAME-12", Title: "writes lengths in characters instead of octets",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if utf8.Valid(p.Body) {
				p.Line = fmt.Sprintf("%s %d %d\r\n", p.Type, p.Number, utf8.RuneCount(p.Body))
			}
			f.Pass(p)
		})},
	{Name: "sends-unknown-type", Rule: "WIRE-FRAME-13a", Title: "sends a NOOP before every reply",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" {
				f.Pass(interpose.Packet{Type: "NOOP", Number: p.Number})
			}
			f.Pass(p)
		})},
	{Name: "ignores-unknown-types", Rule: "WIRE-FRAME-13b", Title: "skips packets of unknown types",
		wrap: func(*server) interpose.Config {
			return interpose.Config{Tolerate: interpose.Line(interpose.Fields), In: func(f *interpose.Flow, p interpose.Packet) {
				switch p.Type {
				case "", "HEADER", "DATA", "EOF", "TXERR", "ACK", "PING", "PONG":
					f.Pass(p)
				}
			}}
		}},
	{Name: "accepts-lower-case-types", Rule: "WIRE-FRAME-13b", Title: "takes data for DATA",
		wrap: tolerating(interpose.Line(func(s string) (typ, number, length string, ok bool) {
			typ, number, length, ok = interpose.Fields(s)
			return strings.ToUpper(typ), number, length, ok && typ != ""
		}))},
	{Name: "swallows-ping", Rule: "WIRE-FRAME-13c", Title: "drops PINGs without an answer",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type != "PING" {
				f.Pass(p)
			}
		})},
	{Name: "executes-after-fatal", Rule: "WIRE-FRAME-15a", Title: "acts on what is buffered behind a fatal packet before it closes",
		wrap: func(*server) interpose.Config {
			next := uint64(0)
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "HEADER" {
					if p.Number != next {
						f.CloseAfter()
						return
					}
					next++
				}
				f.Pass(p)
			}}
		}},
	{Name: "answers-after-fatal", Rule: "WIRE-FRAME-15b", Title: "replies with success to a half-received request when a fatal packet comes",
		wrap: func(*server) interpose.Config {
			ids := map[uint64]string{}
			sent := uint64(0)
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					switch p.Type {
					case "HEADER":
						if o, ok := parse(p.Body); ok {
							ids[p.Number] = o.get("request_id")
						}
					case "EOF", "TXERR":
						delete(ids, p.Number)
					case "":
						for n, id := range ids {
							f.Answer(interpose.Packet{Type: "HEADER", Number: sent, Body: fmt.Appendf(nil, `{"type":"reply","request_id":%s}`, id)})
							f.Answer(interpose.Packet{Type: "EOF", Number: sent})
							delete(ids, n)
							sent++
						}
					}
					f.Pass(p)
				},
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "HEADER" {
						sent = p.Number + 1
					}
					f.Pass(p)
				},
			}
		}},
}
