package interpose

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

func packet(text string) Packet {
	f := strings.SplitN(text, " ", 3)
	p := Packet{Type: f[0]}
	fmt.Sscan(f[1], &p.Number)
	if len(f) > 2 {
		p.Body = []byte(f[2])
	}
	return p
}

func packets(all ...string) (b []byte) {
	for _, t := range all {
		b = packet(t).Append(b)
	}
	return b
}

// listen notes what packets come, and when.
func listen(r io.Reader, start time.Time) (lines []string) {
	from := wire.NewReader(r)
	for {
		p, err := from.Read()
		at := time.Since(start).Round(time.Millisecond)
		if err != nil {
			return append(lines, fmt.Sprintf("%v %v", at, strings.TrimPrefix(err.Error(), "read sim pipe:b->pipe:a: ")))
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%v %v %d %s", at, p.Type, p.Number, p.Body)))
	}
}

// A sending is packets that are sent in one piece at a time.
type sending struct {
	at      time.Duration
	packets []string
}

// through sends packets through a wire with rules in one direction, and returns what
// comes at the other end.
func through(t *testing.T, d Direction, sendings []sending, while func(c *Wire), rules ...*Rule) (lines []string) {
	t.Helper()
	err := simnet.Bubble(func() {
		a, b := simnet.Pipe(0)
		c := NewWire(a, Options{})
		for i, r := range rules {
			c.Begin(r, rand.New(rand.NewPCG(1, uint64(i))))
		}
		start := time.Now()
		got := make(chan []string)
		var w io.WriteCloser = c
		if d == In {
			w = b
			go func() { got <- listen(c, start) }()
		} else {
			go func() { got <- listen(b, start) }()
		}
		if while != nil {
			go while(c)
		}
		for _, s := range sendings {
			time.Sleep(s.at - time.Since(start))
			if n, err := w.Write(packets(s.packets...)); err != nil && n > 0 {
				t.Errorf("%d, %v", n, err)
			}
		}
		time.Sleep(10*time.Second - time.Since(start))
		w.Close()
		lines = <-got
		c.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func after(d time.Duration) func(*rand.Rand) time.Duration {
	return func(*rand.Rand) time.Duration { return d }
}

func types(names ...string) Match { return Match{Types: names} }

const ms = time.Millisecond

// What every action does to a stream, in both directions: whoever wrote it.
func TestActions(t *testing.T) {
	number := func(n uint64) *uint64 { return &n }
	whole := sending{0, []string{"HEADER 0 {}", "DATA 0 one", "DATA 0 two", "EOF 0"}}
	for _, test := range []struct {
		name  string
		rules []*Rule
		sent  []sending
		want  string
	}{
		{"nothing is done", nil, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 one, 0s DATA 0 two, 0s EOF 0"},
		{"a delayed packet is overtaken by nothing of its message", []*Rule{{Match: Match{Types: []string{"DATA"}, Nth: 1}, Do: []Action{Delay(after(100 * ms))}}},
			[]sending{whole}, "0s HEADER 0 {}, 100ms DATA 0 one, 100ms DATA 0 two, 100ms EOF 0"},
		{"nor by one that comes later with less delay", []*Rule{{Match: Match{Types: []string{"DATA"}, Nth: 1}, Do: []Action{Delay(after(100 * ms))}},
			{Match: Match{Types: []string{"DATA"}, Nth: 2}, Do: []Action{Delay(after(20 * ms))}}},
			[]sending{whole}, "0s HEADER 0 {}, 100ms DATA 0 one, 100ms DATA 0 two, 100ms EOF 0"},
		{"delayed acknowledgements are overtaken by all else", []*Rule{SlowAcks(Both, after(50*ms))},
			[]sending{{0, []string{"HEADER 0 {}", "ACK 7 10", "DATA 0 x", "ACK 7 20", "PING 0"}}}, "0s HEADER 0 {}, 0s DATA 0 x, 0s PING 0, 50ms ACK 7 10, 50ms ACK 7 20"},
		{"HEADERs come in their order", []*Rule{{Match: Match{Types: []string{"HEADER"}, Nth: 1}, Do: []Action{Delay(after(30 * ms))}}},
			[]sending{{0, []string{"HEADER 0 {}", "HEADER 1 {}", "DATA 1 x", "ACK 0 5"}}}, "0s ACK 0 5, 30ms HEADER 0 {}, 30ms HEADER 1 {}, 30ms DATA 1 x"},
		{"delays add nothing up: the longest counts", []*Rule{{Match: types("PING"), Do: []Action{Delay(after(30 * ms)), Delay(after(20 * ms))}}},
			[]sending{{0, []string{"PING 0"}}}, "30ms PING 0"},
		{"held for a time", []*Rule{{Match: types("EOF"), Do: []Action{Hold(time.Second)}}}, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 one, 0s DATA 0 two, 1s EOF 0"},
		{"dropped", []*Rule{{Match: Match{Types: []string{"DATA"}, Every: 2}, Do: []Action{Drop()}}}, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 one, 0s EOF 0"},
		{"withheld", []*Rule{WithheldAcks(Both, 1)}, []sending{{0, []string{"ACK 0 5", "PING 0"}}}, "0s PING 0"},
		{"duplicated", []*Rule{{Match: types("EOF"), Do: []Action{Duplicate(2)}}}, []sending{{0, []string{"EOF 0", "PING 0"}}}, "0s EOF 0, 0s EOF 0, 0s EOF 0, 0s PING 0"},
		{"reordered", []*Rule{{Match: Match{Types: []string{"DATA"}, Nth: 1}, Do: []Action{Reorder(0)}}}, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 two, 0s DATA 0 one, 0s EOF 0"},
		{"reordered with what comes in time", []*Rule{{Match: types("PING"), Do: []Action{Reorder(time.Second)}}},
			[]sending{{0, []string{"PING 1"}}, {500 * ms, []string{"PONG 0"}}, {800 * ms, []string{"PING 2", "PING 3"}}}, "500ms PONG 0, 500ms PING 1, 800ms PING 3, 800ms PING 2"},
		{"reordered with nothing", []*Rule{{Match: types("PING"), Do: []Action{Reorder(0)}}}, []sending{{0, []string{"PING 1"}}}, "1s PING 1"},
		{"truncated", []*Rule{{Match: types("DATA"), Do: []Action{Truncate(2)}}}, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 on, 0s DATA 0 tw, 0s EOF 0"},
		{"substituted", []*Rule{{Match: types("DATA"), Do: []Action{Substitute([]byte("o"), []byte("0!"))}}}, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 0!ne, 0s DATA 0 tw0!, 0s EOF 0"},
		{"replaced", []*Rule{{Match: types("EOF"), Do: []Action{Replace(Packet{Type: "TXERR", Body: []byte("no")})}}}, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 one, 0s DATA 0 two, 0s TXERR 0 no"},
		{"injected before and after", []*Rule{{Match: types("EOF"), Do: []Action{
			InjectBefore(func(p Packet) Packet { return Packet{Type: "DATA", Number: p.Number, Body: []byte("more")} }),
			InjectAfter(func(Packet) Packet { return packet("PING 9") })}}}, []sending{{0, []string{"EOF 4"}}}, "0s DATA 4 more, 0s EOF 4, 0s PING 9"},
		{"closed before", []*Rule{{Match: types("EOF"), Do: []Action{CloseBefore()}}}, []sending{whole, {ms, []string{"PING 0"}}}, "0s HEADER 0 {}, 0s DATA 0 one, 0s DATA 0 two, 0s EOF"},
		{"closed within", []*Rule{{Match: types("EOF"), Do: []Action{CloseAmid()}}}, []sending{whole}, "0s HEADER 0 {}, 0s DATA 0 one, 0s DATA 0 two, 0s unexpected EOF"},
		{"closed after", []*Rule{{Match: types("HEADER"), Do: []Action{CloseAfter()}}}, []sending{whole}, "0s HEADER 0 {}, 0s EOF"},
		{"closed after what waits", []*Rule{{Match: types("DATA"), Do: []Action{Delay(after(ms))}}, {Match: types("EOF"), Do: []Action{CloseAfter()}}}, []sending{whole},
			"0s HEADER 0 {}, 1ms DATA 0 one, 1ms DATA 0 two, 1ms EOF 0, 1ms EOF"},
		{"throttled", []*Rule{{Match: types("DATA"), Do: []Action{Throttle(1000)}}}, []sending{{0, []string{"DATA 0 xxxxxxxxxx", "PING 0", "DATA 1 xxxxxxxxxx"}}}, // 26 octets each
			"0s PING 0, 26ms DATA 0 xxxxxxxxxx, 52ms DATA 1 xxxxxxxxxx"},
		{"one rule after the other", []*Rule{{Match: types("DATA"), Do: []Action{Truncate(1)}}, {Match: types("DATA"), Do: []Action{Duplicate(1)}}}, []sending{{0, []string{"DATA 0 xy"}}}, "0s DATA 0 x, 0s DATA 0 x"},
		{"of one message", []*Rule{{Match: Match{Number: number(3)}, Do: []Action{Drop()}}}, []sending{{0, []string{"DATA 3 x", "ACK 3 1", "PING 3", "DATA 2 x"}}}, "0s PING 3, 0s DATA 2 x"},
		{"at most so many", []*Rule{{Match: Match{Types: []string{"PING"}, Most: 2}, Do: []Action{Drop()}}}, []sending{{0, []string{"PING 1", "PING 2", "PING 3"}}}, "0s PING 3"},
	} {
		for _, d := range []Direction{Out, In} {
			rules := make([]*Rule, len(test.rules))
			for i, r := range test.rules { // hits are counted from 0
				rules[i] = &Rule{Match: r.Match, Do: r.Do}
			}
			got := through(t, d, test.sent, nil, rules...)
			if !strings.HasSuffix(test.want, "EOF") || strings.HasSuffix(test.want, "EOF 0") {
				if last := got[len(got)-1]; last != "10s EOF" {
					t.Errorf("%s, %d: it ends with %q", test.name, d, last)
				}
				got = got[:len(got)-1]
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("%s, %d:\n%s\nnot\n%s", test.name, d, text, test.want)
			}
			for i, r := range rules {
				if r.Hits() == 0 {
					t.Errorf("%s, %d: rule %d was not met", test.name, d, i)
				}
			}
		}
	}
}

// Flip changes octets, other ones with other randomness, and the length of nothing.
func TestFlip(t *testing.T) {
	body := strings.Repeat("x", 50)
	flipped := map[string]bool{}
	for seed := range uint64(20) {
		s := step{packet: Packet{Type: "DATA", Body: []byte(body)}, random: rand.New(rand.NewPCG(seed, 0))}
		Flip(1).do(&s)
		changed := 0
		for i := range body {
			if s.packet.Body[i] != body[i] {
				changed++
			}
		}
		if changed != 1 || len(s.packet.Body) != len(body) {
			t.Errorf("%q", s.packet.Body)
		}
		flipped[string(s.packet.Body)] = true
	}
	if len(flipped) < 15 {
		t.Errorf("%d of 20 are different", len(flipped))
	}
	s := step{packet: Packet{Type: "EOF"}}
	Flip(3).do(&s) // there is nothing to change
	if len(s.packet.Body) != 0 {
		t.Errorf("%q", s.packet.Body)
	}
}

// What is held goes when the rule is released, or ends, or when its time is over.
func TestReleaseAndEnd(t *testing.T) {
	sent := []sending{{0, []string{"DATA 0 x", "EOF 0", "PING 0"}}, {3 * time.Second, []string{"DATA 1 y"}}}
	for _, d := range []Direction{In, Out} {
		r := &Rule{Match: types("DATA"), Do: []Action{Hold(0)}}
		got := through(t, d, sent, func(c *Wire) {
			time.Sleep(2 * time.Second)
			c.Release(r)
			time.Sleep(3 * time.Second)
			c.End(r)
		}, r)
		want := "0s PING 0, 2s DATA 0 x, 2s EOF 0, 5s DATA 1 y, 10s EOF"
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%d: %s, not %s", d, text, want)
		}
	}
}

// A rule that begins later is about what comes then, and one that has ended about
// nothing.
func TestRulesComeAndGo(t *testing.T) {
	ping := []string{"PING 0"}
	sent := []sending{{0, ping}, {2 * time.Second, ping}, {4 * time.Second, ping}}
	for _, d := range []Direction{In, Out} {
		r := &Rule{Do: []Action{Drop()}}
		got := through(t, d, sent, func(c *Wire) {
			time.Sleep(time.Second)
			c.Begin(r, rand.New(rand.NewPCG(1, 1)))
			c.Begin(r, rand.New(rand.NewPCG(1, 1))) // it is there already
			time.Sleep(2 * time.Second)
			c.End(r)
			c.End(r)
		})
		if text := strings.Join(got, ", "); text != "0s PING 0, 4s PING 0, 10s EOF" || r.Hits() != 1 {
			t.Errorf("%d: %s, %d hits", d, text, r.Hits())
		}
	}
}

// Shares are drawn from the randomness that is given, for each direction by itself.
func TestShare(t *testing.T) {
	run := func(seed uint64) string {
		r := &Rule{Match: Match{Share: 0.3}, Do: []Action{Drop()}}
		u := newUse(r, rand.New(rand.NewPCG(seed, 0)))
		var b bytes.Buffer
		for range 1000 {
			p := Packet{Type: "PING"}
			fmt.Fprint(&b, u.meets(&flow{dir: In}, &p, nil), " ")
		}
		if r.Hits() < 240 || r.Hits() > 360 {
			t.Errorf("%d of 1000", r.Hits())
		}
		return b.String()
	}
	first, again, other := run(1), run(1), run(2)
	if first != again || first == other {
		t.Error("the seed does not decide")
	}
}
