package bugs

import (
	"slices"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// opened follows which messages of one direction are open.
type opened struct {
	next uint64
	open map[uint64]bool
}

func newOpened() *opened { return &opened{open: map[uint64]bool{}} }

// see takes a packet and reports whether it fits in with those before it.
func (o *opened) see(p interpose.Packet) bool {
	switch p.Type {
	case "HEADER":
		if p.Number != o.next {
			return false
		}
		o.next++
		o.open[p.Number] = true
	case "DATA":
		return o.open[p.Number]
	case "EOF", "TXERR":
		if !o.open[p.Number] {
			return false
		}
		delete(o.open, p.Number)
	}
	return true
}

// dropping makes a bug that ignores packets of some types that do not fit in.
func dropping(types ...string) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		seen := newOpened()
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if !seen.see(p) && slices.Contains(types, p.Type) {
				return
			}
			f.Pass(p)
		}}
	}
}

// numbered makes a bug whose messages have other numbers than they should.
func numbered(shift func(n uint64) uint64, back func(n uint64) uint64) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		return interpose.Config{
			Out: func(f *interpose.Flow, p interpose.Packet) {
				switch p.Type {
				case "HEADER", "DATA", "EOF", "TXERR":
					p.Number = shift(p.Number)
				}
				f.Pass(p)
			},
			In: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "ACK" {
					p.Number = back(p.Number)
				}
				f.Pass(p)
			},
		}
	}
}

var msg = []Server{
	{Name: "numbers-from-one", Rule: "WIRE-MSG-01a", Title: "gives its first message the number 1",
		wrap: numbered(func(n uint64) uint64 { return n + 1 }, func(n uint64) uint64 { return n - 1 })},
	{Name: "skips-numbers", Rule: "WIRE-MSG-01a", Title: "uses even message numbers only",
		wrap: numbered(func(n uint64) uint64 { return 2 * n }, func(n uint64) uint64 { return n / 2 })},
	{Name: "ignores-misnumbered-headers", Rule: "WIRE-MSG-01b", Title: "drops a HEADER out of sequence and stays connected",
		wrap: dropping("HEADER", "DATA", "EOF", "TXERR")},
	{Name: "accepts-any-number", Rule: "WIRE-MSG-01b", Title: "takes message numbers as they come",
		wrap: func(*server) interpose.Config {
			numbers := map[uint64]uint64{} // theirs to ours
			theirs := map[uint64]uint64{}
			next := uint64(0)
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					switch p.Type {
					case "HEADER":
						numbers[p.Number], theirs[next] = next, p.Number
						p.Number = next
						next++
					case "DATA", "EOF", "TXERR":
						if n, ok := numbers[p.Number]; ok {
							p.Number = n
						}
					}
					f.Pass(p)
				},
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "ACK" {
						p.Number = theirs[p.Number]
					}
					f.Pass(p)
				},
			}
		}},
	{Name: "never-ends-error-replies", Rule: "WIRE-MSG-02a", Title: "sends error replies without EOF",
		wrap: func(*server) interpose.Config {
			failed := map[uint64]bool{}
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "HEADER" {
					o, _ := parse(p.Body)
					failed[p.Number] = o.failed()
				}
				if p.Type == "EOF" && failed[p.Number] {
					return
				}
				f.Pass(p)
			}}
		}},
	{Name: "ends-twice", Rule: "WIRE-MSG-02b", Title: "sends EOF twice",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			f.Pass(p)
			if p.Type == "EOF" {
				f.Pass(p)
			}
		})},
	{Name: "data-after-eof", Rule: "WIRE-MSG-02b", Title: "sends DATA after EOF",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			f.Pass(p)
			if p.Type == "EOF" {
				f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: []byte(" ")})
			}
		})},
	{Name: "ignores-stray-data", Rule: "WIRE-MSG-03", Title: "drops DATA of messages that are not open",
		wrap: dropping("DATA")},
	{Name: "ignores-stray-ends", Rule: "WIRE-MSG-04", Title: "drops EOF and TXERR of messages that are not open",
		wrap: dropping("EOF", "TXERR")},
	{Name: "sends-eof-with-body", Rule: "WIRE-MSG-05a", Title: "puts the word end into its EOF packets",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "EOF" {
				p.Body = []byte("end")
			}
			f.Pass(p)
		})},
	{Name: "accepts-eof-with-body", Rule: "WIRE-MSG-05b", Title: "does not look at the body of an EOF",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "EOF" {
				p.Body = nil
			}
			f.Pass(p)
		})},
	{Name: "sends-empty-data", Rule: "WIRE-MSG-06a", Title: "ends every body with an empty DATA",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "EOF" {
				f.Pass(interpose.Packet{Type: "DATA", Number: p.Number})
			}
			f.Pass(p)
		})},
	{Name: "refuses-empty-data", Rule: "WIRE-MSG-06b", Title: "closes on an empty DATA",
		wrap: fatal(func(p interpose.Packet) bool { return p.Type == "DATA" && len(p.Body) == 0 })},
	{Name: "acknowledges-empty-data", Rule: "WIRE-MSG-06c", Title: "answers an empty DATA with an ACK of what it has",
		wrap: func(*server) interpose.Config {
			total := map[uint64]int{}
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "DATA" {
					if total[p.Number] += len(p.Body); len(p.Body) == 0 {
						f.Answer(interpose.Packet{Type: "ACK", Number: p.Number, Body: digits(total[p.Number])})
					}
				}
				f.Pass(p)
			}}
		}},
	{Name: "one-message-at-a-time", Rule: "WIRE-MSG-07a", Title: "closes when a message begins before the last one has ended",
		wrap: func(*server) interpose.Config {
			seen := newOpened()
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "HEADER" && len(seen.open) > 0 {
					f.Close()
					return
				}
				seen.see(p)
				f.Pass(p)
			}}
		}},
	{Name: "mixes-interleaved-bodies", Rule: "WIRE-MSG-07a", Title: "gives DATA to the message that was opened last",
		wrap: func(*server) interpose.Config {
			seen := newOpened()
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				if seen.see(p) && p.Type == "DATA" && seen.open[seen.next-1] {
					p.Number = seen.next - 1
				}
				f.Pass(p)
			}}
		}},
	{Name: "needs-ends-in-order", Rule: "WIRE-MSG-07b", Title: "loses a message that ends before an earlier one",
		wrap: func(*server) interpose.Config {
			seen := newOpened()
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				seen.see(p)
				if p.Type == "EOF" {
					for n := range seen.open {
						if n < p.Number {
							return
						}
					}
				}
				f.Pass(p)
			}}
		}},
	{Name: "aborts-without-text", Rule: "WIRE-MSG-08a", Title: "sends TXERR with an empty body",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "TXERR" {
				p.Body = nil
			}
			f.Pass(p)
		})},
	{Name: "takes-empty-txerr-for-eof", Rule: "WIRE-MSG-09", Title: "takes a TXERR without text, or with 0, for success",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "TXERR" && (len(p.Body) == 0 || string(p.Body) == "0") {
				p = interpose.Packet{Type: "EOF", Number: p.Number}
			}
			f.Pass(p)
		})},
	{Name: "delivers-partial-bodies", Rule: "WIRE-MSG-11", Title: "takes what came before a TXERR for the whole",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "TXERR" {
				p = interpose.Packet{Type: "EOF", Number: p.Number}
			}
			f.Pass(p)
		})},
	{Name: "executes-on-loss", Rule: "WIRE-MSG-12", Title: "takes the end of the connection for the end of its messages",
		wrap: func(*server) interpose.Config {
			seen := newOpened()
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					if seen.see(p) {
						f.Pass(p)
					}
				},
				End: func(f *interpose.Flow) {
					for n := range seen.open {
						f.Pass(interpose.Packet{Type: "EOF", Number: n})
					}
				},
			}
		}},
}
