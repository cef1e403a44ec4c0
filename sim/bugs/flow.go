package bugs

import (
	"strconv"
	"sync"

	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

func digits(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }

// acks makes a bug that changes the acknowledgements it sends: change is given
// the message's number and total and what the last acknowledgement of the
// message said.
func acks(change func(number uint64, total, last int) (uint64, []byte)) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		last := map[uint64]int{}
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "ACK" {
				total, _ := strconv.Atoi(string(p.Body))
				n := p.Number
				p.Number, p.Body = change(n, total, last[n])
				last[n] = total
			}
			f.Pass(p)
		}}
	}
}

// sending follows what the server has sent of each message, and what of it has
// been acknowledged by the rules.
type sending struct {
	mu          sync.Mutex
	sent, acked map[uint64]uint64
}

func newSending() *sending {
	return &sending{sent: map[uint64]uint64{}, acked: map[uint64]uint64{}}
}

func (s *sending) out(f *interpose.Flow, p interpose.Packet) {
	s.mu.Lock()
	switch p.Type {
	case "HEADER":
		s.sent[p.Number] = 0
	case "DATA":
		s.sent[p.Number] += uint64(len(p.Body))
	case "EOF", "TXERR":
		delete(s.sent, p.Number)
	}
	s.mu.Unlock()
	f.Pass(p)
}

// forgiving makes a bug that ignores acknowledgements that it should close on.
func forgiving(when func(total, sent, acked uint64, malformed bool) bool) func(*server) interpose.Config {
	return func(*server) interpose.Config {
		s := newSending()
		return interpose.Config{Out: s.out, In: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "ACK" {
				s.mu.Lock()
				sent, tracked := s.sent[p.Number]
				total, err := wire.ParseTotal(p.Body)
				ignore := tracked && when(total, sent, s.acked[p.Number], err != nil)
				if tracked && !ignore {
					s.acked[p.Number] = total
				}
				s.mu.Unlock()
				if ignore {
					return
				}
			}
			f.Pass(p)
		}}
	}
}

var flow = []Server{
	{Name: "acks-another-number", Rule: "WIRE-FLOW-01a", Title: "acknowledges every message under the number 0",
		wrap: acks(func(_ uint64, total, _ int) (uint64, []byte) { return 0, digits(total) })},
	{Name: "acks-increments", Rule: "WIRE-FLOW-01b", Title: "acknowledges what has come since the last ACK instead of the total",
		wrap: acks(func(n uint64, total, last int) (uint64, []byte) { return n, digits(total - last) })},
	{Name: "acks-with-newline", Rule: "WIRE-FLOW-01b", Title: "ends the total of an ACK with LF",
		wrap: acks(func(n uint64, total, _ int) (uint64, []byte) { return n, append(digits(total), '\n') })},
	{Name: "repeats-acks", Rule: "WIRE-FLOW-02a", Title: "sends every ACK twice",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			f.Pass(p)
			if p.Type == "ACK" {
				f.Pass(p)
			}
		})},
	{Name: "acks-past-end", Rule: "WIRE-FLOW-02b", Title: "acknowledges five octets more than have come",
		wrap: acks(func(n uint64, total, _ int) (uint64, []byte) { return n, digits(total + 5) })},
	{Name: "closes-on-unknown-acks", Rule: "WIRE-FLOW-03a", Title: "closes on an ACK for a message that it does not track",
		wrap: func(*server) interpose.Config {
			s := newSending()
			return interpose.Config{Out: s.out, In: func(f *interpose.Flow, p interpose.Packet) {
				s.mu.Lock()
				_, tracked := s.sent[p.Number]
				s.mu.Unlock()
				if p.Type == "ACK" && !tracked && (p.Number > 4 || len(p.Body) == 0 || p.Body[0] == 'x') {
					f.Close()
					return
				}
				f.Pass(p)
			}}
		}},
	{Name: "ignores-malformed-acks", Rule: "WIRE-FLOW-04a", Title: "ignores an ACK that is no number",
		wrap: forgiving(func(_, _, _ uint64, malformed bool) bool { return malformed })},
	{Name: "ignores-repeated-acks", Rule: "WIRE-FLOW-04b", Title: "ignores an ACK that does not advance",
		wrap: forgiving(func(total, _, acked uint64, malformed bool) bool { return !malformed && total <= acked })},
	{Name: "ignores-acks-past-sent", Rule: "WIRE-FLOW-04c", Title: "ignores an ACK for more than it has sent",
		wrap: forgiving(func(total, sent, _ uint64, malformed bool) bool { return !malformed && total > sent })},
	{Name: "loses-octets-at-window", Rule: "WIRE-FLOW-05a", Title: "loses the DATA that follows when the window opens",
		wrap: func(*server) interpose.Config {
			sent := map[uint64]int{}
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "DATA" {
					before := sent[p.Number]
					sent[p.Number] += len(p.Body)
					if before == 65536 {
						return
					}
				}
				f.Pass(p)
			}}
		}},
	{Name: "forgets-other-messages", Rule: "WIRE-FLOW-05b", Title: "never goes on with a message after another one has ended",
		wrap: func(*server) interpose.Config {
			gone := map[uint64]bool{}
			begun := map[uint64]bool{}
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if gone[p.Number] && p.Type != "ACK" {
					return
				}
				switch p.Type {
				case "HEADER":
					begun[p.Number] = true
				case "EOF":
					delete(begun, p.Number)
					for n := range begun {
						gone[n] = true
					}
				}
				f.Pass(p)
			}}
		}},
	{Name: "punishes-overrun", Rule: "WIRE-FLOW-06", Title: "closes when more than 65536 octets come without an ACK",
		wrap: func(*server) interpose.Config {
			var mu sync.Mutex
			ahead := map[uint64]int{}
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					mu.Lock()
					defer mu.Unlock()
					if p.Type == "DATA" {
						if ahead[p.Number] += len(p.Body); ahead[p.Number] > 65536+131072 {
							f.Close()
							return
						}
					}
					f.Pass(p)
				},
			}
		}},
	{Name: "acks-nothing-it-drops", Rule: "WIRE-FLOW-07b", Title: "does not acknowledge messages that it is going to drop",
		wrap: func(*server) interpose.Config {
			var mu sync.Mutex
			dropped := map[uint64]bool{}
			return interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "HEADER" {
						o, ok := parse(p.Body)
						mu.Lock()
						dropped[p.Number] = ok && o.text("type") != "request"
						mu.Unlock()
					}
					f.Pass(p)
				},
				Out: func(f *interpose.Flow, p interpose.Packet) {
					mu.Lock()
					drop := p.Type == "ACK" && dropped[p.Number]
					mu.Unlock()
					if !drop {
						f.Pass(p)
					}
				},
			}
		}},
	{Name: "never-acknowledges", Rule: "WIRE-FLOW-07b", Title: "sends no ACKs",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type != "ACK" {
				f.Pass(p)
			}
		})},
	{Name: "never-resumes", Rule: "WIRE-FLOW-08", Title: "stops at its window for good",
		wrap: func(*server) interpose.Config {
			s := newSending()
			return interpose.Config{Out: s.out, In: func(f *interpose.Flow, p interpose.Packet) {
				if total, err := wire.ParseTotal(p.Body); p.Type == "ACK" && err == nil {
					s.mu.Lock()
					sent, tracked := s.sent[p.Number]
					good := tracked && total <= sent && total > s.acked[p.Number]
					if good {
						s.acked[p.Number] = total
					}
					s.mu.Unlock()
					if good {
						return
					}
				}
				f.Pass(p)
			}}
		}},
	{Name: "refuses-tiny-data", Rule: "WIRE-FLOW-09a", Title: "closes on a DATA of one octet that is not the last",
		wrap: fatal(func(p interpose.Packet) bool { return p.Type == "DATA" && len(p.Body) == 1 && p.Body[0] == '"' })},
	{Name: "sends-reordered-data", Rule: "WIRE-FLOW-09b", Title: "swaps two neighbouring DATA of a large body",
		wrap: func(*server) interpose.Config {
			held := map[uint64]*interpose.Packet{}
			return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
				if h := held[p.Number]; h != nil && p.Type != "ACK" {
					delete(held, p.Number)
					if p.Type == "DATA" {
						f.Pass(p)
						f.Pass(*h)
						return
					}
					f.Pass(*h)
				} else if p.Type == "DATA" && len(p.Body) == 16384 {
					held[p.Number] = &p
					return
				}
				f.Pass(p)
			}}
		}},
	{Name: "reads-only-when-not-writing", Rule: "WIRE-FLOW-10", Title: "stops reading while its output is blocked",
		wrap: func(*server) interpose.Config {
			return interpose.Config{HalfDuplex: true}
		}},
	{Name: "acks-after-txerr", Rule: "WIRE-FLOW-12", Title: "acknowledges more than came when a message is given up",
		wrap: func(*server) interpose.Config {
			total := map[uint64]int{}
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				switch p.Type {
				case "DATA":
					total[p.Number] += len(p.Body)
				case "TXERR":
					f.Answer(interpose.Packet{Type: "ACK", Number: p.Number, Body: digits(total[p.Number] + len(p.Body))})
				}
				f.Pass(p)
			}}
		}},
}
