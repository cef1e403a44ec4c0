package conformance

import (
	"strconv"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// chunks cuts the DATA that leave into pieces, or joins them to pieces.
func chunks(size int, join bool) func() interpose.Config {
	return func() interpose.Config {
		held := map[uint64][]byte{}
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			rest := held[p.Number]
			switch p.Type {
			case "DATA":
				rest = append(rest, p.Body...)
				for len(rest) >= size || len(rest) > 0 && !join {
					n := min(size, len(rest))
					f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: rest[:n:n]})
					rest = rest[n:]
				}
				held[p.Number] = rest
				return
			case "EOF", "TXERR":
				if len(rest) > 0 {
					f.Pass(interpose.Packet{Type: "DATA", Number: p.Number, Body: rest})
					held[p.Number] = nil
				}
			}
			f.Pass(p)
		}}
	}
}

func own(p interpose.Packet) bool {
	return p.Type == "HEADER" || p.Type == "DATA" || p.Type == "EOF" || p.Type == "TXERR"
}

// oneAfterAnother sends messages strictly one after another, their headers too unless those go out at once.
func oneAfterAnother(headersAtOnce bool) func() interpose.Config {
	return func() interpose.Config {
		current := int64(-1)
		var waiting []uint64
		held := map[uint64][]interpose.Packet{}
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if !own(p) || headersAtOnce && p.Type == "HEADER" {
				f.Pass(p)
				return
			}
			if current < 0 {
				current = int64(p.Number)
			}
			if p.Number != uint64(current) {
				if held[p.Number] == nil {
					waiting = append(waiting, p.Number)
				}
				held[p.Number] = append(held[p.Number], p)
				return
			}
			f.Pass(p)
			for p.Type == "EOF" || p.Type == "TXERR" {
				current = -1
				if len(waiting) == 0 {
					return
				}
				current = int64(waiting[0])
				waiting = waiting[1:]
				for _, p = range held[uint64(current)] {
					f.Pass(p)
				}
				delete(held, uint64(current))
			}
		}}
	}
}

// renumbering gives the numbers of messages when they leave, so that they can leave in another order. The filter is
// given packets as the reference made them.
type renumbering struct {
	mu     sync.Mutex
	next   uint64
	theirs map[uint64]uint64 // ours to those on the wire
	ours   map[uint64]uint64
}

func newRenumbering() *renumbering {
	return &renumbering{theirs: map[uint64]uint64{}, ours: map[uint64]uint64{}}
}

// out gives a packet its number on the wire.
func (r *renumbering) out(p interpose.Packet) interpose.Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !own(p) {
		return p
	}
	if p.Type == "HEADER" {
		r.theirs[p.Number], r.ours[r.next] = r.next, p.Number
		r.next++
	}
	p.Number = r.theirs[p.Number]
	return p
}

func (r *renumbering) in(f *interpose.Flow, p interpose.Packet) {
	r.mu.Lock()
	if p.Type == "ACK" {
		if n, ok := r.ours[p.Number]; ok {
			p.Number = n
		} else {
			p.Number = 1 << 50
		}
	}
	r.mu.Unlock()
	f.Pass(p)
}

// newestFirst sends one message after another; while a reply to an odd id is being made those to even ones go first.
func newestFirst() func() interpose.Config {
	return func() interpose.Config {
		r := newRenumbering()
		var mu sync.Mutex
		current := int64(-1)
		var waiting []uint64
		held := map[uint64][]interpose.Packet{}
		var advance func(f *interpose.Flow)
		send := func(f *interpose.Flow, p interpose.Packet) { f.Redirect(f.Conn(), r.out(p)) }
		advance = func(f *interpose.Flow) {
			for current < 0 && len(waiting) > 0 {
				n := waiting[len(waiting)-1]
				waiting = waiting[:len(waiting)-1]
				current = int64(n)
				for _, p := range held[n] {
					send(f, p)
					if p.Type == "EOF" || p.Type == "TXERR" {
						current = -1
					}
				}
				delete(held, n)
			}
		}
		return interpose.Config{In: r.in, Out: func(f *interpose.Flow, p interpose.Packet) {
			if !own(p) {
				f.Pass(p)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if current == int64(p.Number) {
				send(f, p)
				if p.Type == "EOF" || p.Type == "TXERR" {
					current = -1
					advance(f)
				}
				return
			}
			if held[p.Number] == nil {
				waiting = append(waiting, p.Number)
				go func() {
					simnet.Sleep(100 * time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					advance(f)
				}()
			}
			held[p.Number] = append(held[p.Number], p)
		}}
	}
}

// A speaker sends packets that a filter adds, in order and each after some time, without holding the filter up.
type speaker struct {
	after time.Duration

	mu    sync.Mutex
	queue []spoken
	busy  bool
}

type spoken struct {
	p   interpose.Packet
	due time.Time
}

func (s *speaker) say(c *interpose.Conn, f *interpose.Flow, p interpose.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, spoken{p, time.Now().Add(s.after)})
	if s.busy {
		return
	}
	s.busy = true
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for len(s.queue) > 0 {
			next := s.queue[0]
			s.queue = s.queue[1:]
			s.mu.Unlock()
			simnet.Sleep(time.Until(next.due))
			f.Redirect(c, next.p)
			s.mu.Lock()
		}
		s.busy = false
	}()
}

// acking changes the acknowledgements that leave: change is given a message's total and the last total that has left, and
// returns totals to send in its place.
func acking(change func(last, total int) []int) func() interpose.Config {
	return func() interpose.Config {
		lasts := map[uint64]int{}
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type != "ACK" {
				f.Pass(p)
				return
			}
			total, _ := strconv.Atoi(string(p.Body))
			for _, t := range change(lasts[p.Number], total) {
				lasts[p.Number] = t
				f.Pass(interpose.Packet{Type: "ACK", Number: p.Number, Body: []byte(strconv.Itoa(t))})
			}
		}}
	}
}

// ackingArrivals acknowledges DATA itself, as it arrives or when its message ends.
func ackingArrivals(atEnd bool) func() interpose.Config {
	return func() interpose.Config {
		var mu sync.Mutex
		out := &speaker{}
		in := following{open: map[uint64]string{}}
		came, last := map[uint64]int{}, map[uint64]int{}
		ack := func(f *interpose.Flow, n uint64) {
			if came[n] > last[n] {
				last[n] = came[n]
				out.say(f.Conn(), f, interpose.Packet{Type: "ACK", Number: n, Body: []byte(strconv.Itoa(came[n]))})
			}
		}
		return interpose.Config{
			In: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				f.Pass(p)
				switch fatal := in.fatal(p); {
				case fatal:
				case p.Type == "HEADER":
					came[p.Number], last[p.Number] = 0, 0
				case p.Type == "DATA":
					if came[p.Number] += len(p.Body); !atEnd {
						ack(f, p.Number)
					}
				case p.Type == "EOF" || p.Type == "TXERR":
					ack(f, p.Number)
				}
			},
			Out: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				if p.Type == "ACK" {
					if total, _ := strconv.Atoi(string(p.Body)); atEnd && total > last[p.Number] {
						last[p.Number] = total
						out.say(f.Conn(), f, p)
					}
					return
				}
				f.Pass(p)
			},
		}
	}
}

// slowAcks lets acknowledgements wait.
func slowAcks(d time.Duration) func() interpose.Config {
	return func() interpose.Config {
		out := &speaker{after: d}
		return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "ACK" {
				out.say(f.Conn(), f, p)
				return
			}
			f.Pass(p)
		}}
	}
}
