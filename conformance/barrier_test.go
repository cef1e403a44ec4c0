package conformance

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// windowed answers blob from a window: chunks of some octets, each after a pause, while fewer than window are
// outstanding. It forgets all ACKs after some octets, if that is not 0.
func windowed(window, chunk int, pause time.Duration, forget int) *toy {
	type state struct {
		number      uint64
		body        string
		sent, acked int
		waiting     bool
	}
	states := map[*toyConn]*state{}
	var pump func(c *toyConn, s *state)
	pump = func(c *toyConn, s *state) {
		if s.waiting {
			return
		}
		n := min(chunk, len(s.body)-s.sent, window-(s.sent-s.acked))
		if n <= 0 {
			return
		}
		s.waiting = true
		send := func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			s.waiting = false
			n := min(chunk, len(s.body)-s.sent, window-(s.sent-s.acked))
			c.say("DATA", s.number, s.body[s.sent:s.sent+n])
			if s.sent += n; s.sent == len(s.body) {
				c.say("EOF", s.number, "")
				return
			}
			pump(c, s)
		}
		c.later(pause, send)
	}
	return &toy{odd: func(c *toyConn, p packet) bool {
		m := c.messages[p.number]
		switch {
		case p.kind == "EOF" && m != nil && m.action == "Conformance.blob":
			c.mu.Lock()
			defer c.mu.Unlock()
			body, _ := parseJSON(m.body)
			size, _ := body.get("bytes")
			n, _ := strconv.Atoi(size.text)
			s := &state{number: c.begin(m.id, ""), body: `"` + strings.Repeat("x", n-2) + `"`}
			states[c] = s
			delete(c.messages, p.number)
			pump(c, s)
			return true
		case p.kind == "ACK" && states[c] != nil && p.number == states[c].number:
			c.mu.Lock()
			defer c.mu.Unlock()
			s := states[c]
			if total, err := strconv.Atoi(string(p.body)); err == nil && (forget == 0 || total < forget) {
				s.acked = total
				pump(c, s)
			}
			return true
		}
		return false
	}}
}

// unsettledReport plays one case as against a foreign server.
func unsettledReport(t *testing.T, start func() (serve func(net.Conn), stop func()), steps string) (report *Report) {
	t.Helper()
	c := caseOf(t, steps)
	inBubble(t, func() {
		s := ServerValue(start)
		s.fixtures = everything
		report, _ = Run(context.Background(), s, []*Case{c}, Options{})
	})
	return report
}

// Where a message of the subject has stopped, and whether it goes on, is seen in virtual and in real time alike.
func TestStallAndUntil(t *testing.T) {
	const ask = "# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\nneeds: blob\nacks: off\n\nrequest 0 blob {\"bytes\":100000}\nexpect HEADER $m {\"request_id\":1}\n"
	const half = "until ended $m {\n  send ACK $m $sent - $outstanding + half($outstanding)\n}\nexpect reply 1\n"
	const all = "until ended $m {\n  send ACK $m $sent\n}\nexpect reply 1\n"
	for _, tc := range []struct {
		name  string
		toy   func() *toy
		steps string
		want  Verdict
		why   string
	}{
		{"stops at a window", func() *toy { return windowed(65536, 16384, 0, 0) }, ask + "stall $m\nexpect DATA $m 65536 octets\nsend ACK $m $sent\nanything\n", Pass, ""},
		{"at another window", func() *toy { return windowed(30000, 7000, 0, 0) }, ask + "stall $m\nsend ACK $m 10\nstall $m\nexpect DATA $m 30010 octets\nanything\n", Pass, ""},
		{"the octets are told", func() *toy { return windowed(30000, 30000, 0, 0) }, ask + "stall $m\nsend ACK $m 1\nstall $m\nrequest $sent - 30000 echo json(repeat(\"x\", $outstanding))\nexpect echo 2\nanything\n", Pass, ""},
		{"has no window", func() *toy { return &toy{} }, ask + "stall $m\n", Unsupported, "message 0 runs to its end unacknowledged: the subject has no window"},
		{"has not begun", func() *toy { return &toy{} }, "stall 0\n", Fail, "message 0 has not begun within 5s"},
		{"closed before", func() *toy { return &toy{} }, "raw \"x\\r\\n\"\nstall 0\n", Fail, "the subject has closed"},
		{"closed in the middle", func() *toy { return windowed(65536, 16384, 0, 0) }, ask + "raw \"x\\r\\n\"\nstall $m\n", Fail, "message 0 does not end: the subject has closed"},
		{"goes on with half", func() *toy { return windowed(65536, 16384, 0, 0) }, ask + half, Pass, ""},
		{"goes on with all", func() *toy { return windowed(65536, 16384, 0, 0) }, ask + all, Pass, ""},
		{"a small window", func() *toy { return windowed(1000, 1000, 0, 0) }, ask + all, Pass, ""},
		{"pauses that are shorter than T_quiet", func() *toy { return windowed(65536, 16384, 300*time.Millisecond, 0) }, ask + all, Pass, ""},
		{"pauses that are longer", func() *toy { return windowed(65536, 16384, 2*time.Second, 0) }, ask + all, Pass, ""},
		{"pauses, and half", func() *toy { return windowed(65536, 16384, 2*time.Second, 0) }, ask + half, Pass, ""},
		{"a header long before its DATA", func() *toy { return windowed(65536, 16384, 4*time.Second, 0) }, ask + all, Pass, ""},
		{"forgets to go on", func() *toy { return windowed(65536, 16384, 0, 60000) }, ask + all, Fail, "message 0 does not go on: 65536 octets have come, all of them are acknowledged"},
		{"forgets to go on, by halves", func() *toy { return windowed(65536, 16384, 0, 60000) }, ask + half, Fail, "message 0 does not go on"},
		{"ended already", func() *toy { return &toy{} }, ask + "quiet\n" + all, Pass, ""},
		{"a round that fails", func() *toy { return windowed(65536, 16384, 0, 0) }, ask + "until ended $m {\n  expect EOF $m\n}\n", Fail, "DATA came instead"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reportOn(t, tc.toy().start, tc.steps, Options{}).Results[0].wants(t, tc.want, tc.why)
			unsettledReport(t, tc.toy().start, tc.steps).Results[0].wants(t, tc.want, tc.why)
		})
	}
}

// The steps that prove absence do so in real time, too: by barriers.
func TestAbsenceUnsettled(t *testing.T) {
	const ok = `HEADER {"type":"reply","request_id":1}`
	for _, tc := range []struct {
		name, steps string
		toy         *toy
		want        Verdict
		why         string
	}{
		{"idle", "idle\n", &toy{}, Pass, ""},
		{"idle, and something came", "request 0 echo {}\nidle\n", answering(ok, "EOF"), Fail, "something came: HEADER 0"},
		{"idle on a closed connection", "raw \"x\\r\\n\"\nidle\n", &toy{}, Fail, "the barrier, a complete echo, was not answered"},
		{"alive when all has been read", "open 0 echo\nalive\n", &toy{}, Pass, ""},
		{"alive when a peer has left", "open 0 echo\nclose\nalive\n", &toy{}, Pass, ""},
		{"alive in the middle of a packet", "open 0 echo\nraw \"DATA 0\"\nalive\nclose\n", &toy{}, Pass, ""},
		{"alive when a connection is closed", "raw \"x\\r\\n\"\nexpect close\nalive\n", &toy{}, Pass, ""},
		{"alive and it is not", "raw \"x\\r\\n\"\nexpect close\nalive\n", &toy{odd: dies}, Fail, "does not serve"},
		{"executed", with("needs: count") + "request 0 count {}\nexecuted 1\nanything\n", &toy{}, Pass, ""},
		{"executed behind a close", with("needs: count") + "request 0 count {}\nclose\nexecuted 1\n", &toy{}, Pass, ""},
		{"executed too often", with("needs: count") + "request 0 count {}\nanything\nexecuted 0\n", &toy{}, Fail, "count was executed 1 times, not 0"},
		{"split settle", "split 1 settle {\n  request 0 echo {}\n}\nexpect echo 1\n", &toy{}, Pass, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			unsettledReport(t, tc.toy.start, tc.steps).Results[0].wants(t, tc.want, tc.why)
		})
	}
}

// A connection that waits for the tester's acknowledgements is judged when it has them.
func TestBarrierBehindAStalledMessage(t *testing.T) {
	oneAfterAnother := func() *toy {
		y := windowed(65536, 16384, 0, 0)
		var mu sync.Mutex // guards what follows: the reader acknowledges while the message is sent
		var held []packet
		over := false
		y.edit = func(p packet) []packet {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case over || p.kind == "ACK":
				return []packet{p}
			case p.number > 0:
				held = append(held, p)
				return nil
			case p.kind == "EOF":
				over = true
				return append([]packet{p}, held...)
			}
			return []packet{p}
		}
		return y
	}
	const ask = "# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\nneeds: blob\nacks: off\n\nrequest 0 blob {\"bytes\":100000}\nexpect HEADER $m {\"request_id\":1}\n"
	r := reportOn(t, oneAfterAnother().start, ask+"either {\n  barrier\n} or dialect \"one after another\" {\n  expect DATA $m 65536 octets\n}\nanything\n", Options{}).Results[0]
	r.wants(t, Dialect, "one after another")
	r = reportOn(t, oneAfterAnother().start, ask+"barrier\n", Options{}).Results[0]
	r.wants(t, Fail, "on an open connection (WIRE-SAFE-08)")
	// Asked twice, it is not awaited twice.
	r = reportOn(t, (&toy{odd: wedge}).start, "request 0 echo {} with {\"type\":\"x\"}\neither {\n  barrier\n} or {\n  barrier\n}\n", Options{}).Results[0]
	r.wants(t, Fail, "has left a barrier unanswered before")
}

// Connections can be opened more than once, and crossing connections is noticed.
func TestCrossedConnections(t *testing.T) {
	var mu sync.Mutex
	var last *toyConn
	y := &toy{odd: func(c *toyConn, p packet) bool {
		mu.Lock()
		defer mu.Unlock()
		if p.kind == "HEADER" && c.expected == 0 {
			last = c
		}
		if p.kind != "EOF" || c == last || last == nil {
			return false
		}
		m := c.messages[p.number]
		last.reply(m.id, "", m.body)
		return true
	}}
	report := reportOn(t, y.start, "connect b\nopen 0 echo\non b open 0 echo\nbarrier\n", Options{})
	report.Results[0].wants(t, Fail, "the barrier")
}
