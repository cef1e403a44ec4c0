package conformance

import (
	"net"
	"strings"
	"testing"
	"time"
)

// What each verb of the language does, and what it says when the subject does something else.
func TestVerbs(t *testing.T) {
	// seen keeps what a toy gets on its first connection.
	for _, tc := range []struct {
		name  string
		steps string
		toy   *toy
		want  Verdict
		why   string
	}{
		{"request and echo", "request 0 echo {\"a\":1}\nexpect echo 1\n", &toy{}, Pass, ""},
		{"open, send, expect parts", "open 0 echo\nsend DATA 0 \"[1,\"\nsend DATA 0 \"2]\"\nexpect ACK 0 = 5\nsend EOF 0\nexpect HEADER $m {\"request_id\":1,\"type\":\"reply\"}\nexpect DATA $m \"[1\"\nexpect DATA $m 1 octets\nexpect DATA $m \"2]\"\nexpect EOF $m\n", &toy{}, Pass, ""},
		{"another name", "request 0 \"Conformance.count\" {}\nexpect reply 1 \"1\"\n", &toy{}, Pass, ""},
		{"with and without", "request 0 echo {} with {\"request_id\":\"seven\",\"x\":[1]} without envelope\nexpect echo \"seven\"\n", &toy{}, Pass, ""},
		{"sizes", "request 0 echo json(repeat(\"x\", 98)) in 1, 0, 7\nexpect ACK 0 >= 100\nexpect echo 1\n", &toy{}, Pass, ""},
		{"window", "request 0 echo json(repeat(\"x\", 98)) in 7 window 10\nexpect echo 1\n", &toy{}, Pass, ""},
		{"next", "request next echo {}\nbarrier\nrequest next echo \"2\"\nexpect echo 1\nexpect echo 3\n", &toy{}, Pass, ""},
		{"raw", "raw \"HEADER 0 2\\r\\n{}END\\r\\n\"\nbarrier\n", &toy{}, Pass, ""},
		{"line and trailer", "open 0 echo\nsend DATA 0 \"{}\" line \"DATA 0 #\\r\\n\" trailer \"END\\r\\n\"\nsend EOF 0\nexpect echo 1\n", &toy{}, Pass, ""},
		{"a broken trailer", "open 0 echo\nsend DATA 0 \"{}\" trailer \"end\\r\\n\"\nexpect close\n", &toy{}, Pass, ""},
		{"together", "together {\n  request 0 echo \"1\"\n  repeat 2 {\n    request next echo \"2\"\n  }\n}\nexpect echo 1\nexpect echo 2\nexpect echo 3\n", &toy{}, Pass, ""},
		{"split", "split 3 {\n  request 0 echo {}\n}\nexpect echo 1\n", &toy{}, Pass, ""},
		{"split settle", "split 1 settle {\n  request 0 echo {}\n}\nexpect echo 1\n", &toy{}, Pass, ""},
		{"connections", "connect b\nrequest 0 echo \"a\"\non b {\n  request 0 echo \"b\"\n  expect echo 1\n}\nexpect echo 1\n", &toy{}, Pass, ""},
		{"no such connection", "on b barrier\n", &toy{}, Errored, "write connect b before"},
		{"a connection by name again", "connect b\non b open 0 echo\nconnect b\non b request 0 echo {}\non b expect echo 1\n", &toy{}, Pass, ""},
		{"close", "request 0 slow {\"ms\":100}\nclose\nalive\n", &toy{}, Pass, ""},
		{"reset", "open 0 echo\nreset\nalive\n", &toy{}, Pass, ""},
		{"half-close", "request 0 echo {}\nexpect echo 1\nhalf-close\nexpect close\n", &toy{}, Pass, ""},
		{"repeat", "repeat 3 {\n  request next echo {}\n}\nexpect echo 1\nexpect echo 2\nexpect echo 3\n", &toy{}, Pass, ""},
		{"repeat a variable", with("each: n = \"2\" | \"0\"") + "repeat $n {\n  barrier\n}\n", &toy{}, Pass, ""},
		{"repeat too often", with("each: n = \"10001\"") + "repeat $n {\n  barrier\n}\n", &toy{}, Errored, "more than 10000"},
		{"repeat no number", with("each: n = \"x\"") + "repeat $n {\n  barrier\n}\n", &toy{}, Errored, "no number"},
		{"wait", with("clock: virtual") + "wait 10m\nbarrier\n", &toy{}, Pass, ""},
		{"each", with("each: x = \"1\" | \"2\"") + "request 0 echo $x\nexpect echo 1\n", &toy{}, Pass, ""},
		{"unset", "request 0 echo $nobody\n", &toy{}, Errored, "$nobody has not been set"},
		{"with no object", with("each: x = \"5\"") + "request 0 echo {} with {$x}\n", &toy{}, Errored, "with needs a JSON object"},
		{"last size 0", with("each: n = \"0\"") + "request 0 echo {} in $n\n", &toy{}, Errored, "cannot be 0"},
		{"size unset", "request 0 echo {} in $n\n", &toy{}, Errored, "has not been set"},
		{"window unset", "request 0 echo {} window $n\n", &toy{}, Errored, "has not been set"},
		{"split unset", "split $n {\n  raw \"x\"\n}\n", &toy{}, Errored, "has not been set"},
		{"in a group", "together {\n  repeat $n {\n    raw \"x\"\n  }\n}\n", &toy{}, Errored, "has not been set"},
		{"line unset", "send EOF 0 line $n\n", &toy{}, Errored, "has not been set"},
		{"trailer unset", "send EOF 0 trailer $n\n", &toy{}, Errored, "has not been set"},
		{"total unset", "send ACK 0 $n + 1\n", &toy{}, Errored, "has not been set"},
		{"number unset", "send EOF $n\n", &toy{}, Errored, "has not been set"},
		{"until unset", "until ended $n {\n  barrier\n}\n", &toy{}, Errored, "has not been set"},
		{"stall unset", "stall $n\n", &toy{}, Errored, "has not been set"},
		{"executed unset", "executed $n\n", &toy{}, Errored, "has not been set"},
		{"ACK of nothing", "expect ACK 7 = 1\n", &toy{}, Errored, "the tester has sent no such message"},

		{"a close that nobody expects", "request 0 echo {}\nexpect echo 1\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" && c.nth == 0 {
				c.take(p)
				c.Close()
			}
			return p.kind == "EOF" && c.nth == 0
		}}, Fail, "closed"},
		{"a reply that nobody expects", "request 0 echo {}\n", &toy{}, Fail, `something came that no step expected: HEADER 0 {"type":"reply","request_id":1}`},
		{"DATA that nobody expects", "request 0 echo {}\nexpect HEADER 0\n", &toy{}, Fail, "no step expected: DATA 0"},
		{"an EOF that nobody expects", "request 0 echo {}\nexpect HEADER 0\nexpect DATA 0 {}\n", &toy{}, Fail, "no step expected: EOF 0"},
		{"a TXERR that nobody expects", "request 0 echo {}\nexpect HEADER 0\n", &toy{odd: abort("sorry")}, Fail, `no step expected: TXERR 0 "sorry"`},
		{"a PONG that nobody expects", "barrier\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" {
				c.say("PONG", 3, "")
			}
			return false
		}}, Fail, "no step expected: PONG 3"},
		{"anything", "request 0 echo {}\nanything\n", &toy{}, Pass, ""},
		{"anything, a close", "raw \"x\\r\\n\"\nanything\nalive\n", &toy{}, Pass, ""},
		{"a barrier that is not answered", "request 0 echo {} with {\"type\":\"x\"}\nbarrier\n", &toy{odd: wedge}, Fail, "(WIRE-SAFE-08)"},
		{"a barrier on a closed connection", "raw \"x\\r\\n\"\nbarrier\n", &toy{}, Fail, "was not answered: the subject has closed the connection"},
		{"a barrier that is an error", "barrier\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" {
				c.fail("1", "busy", "later")
			}
			return p.kind == "EOF"
		}}, Fail, `the barrier, a complete echo: the reply to id 1 is an error: "busy" "later"`},
		{"wedged at the end", "request 0 echo {}\nexpect echo 1\n", &toy{odd: func(c *toyConn, p packet) bool { return p.number > 0 }}, Fail, "on an open connection (WIRE-SAFE-08)"},
		{"a reply without end", "open 0 echo\nsend EOF 0\nanything\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" && p.number == 0 {
				c.begin("1", "")
			}
			return p.kind == "EOF" && p.number == 0
		}}, Pass, ""},
		{"dead at the end", "raw \"x\\r\\n\"\nexpect close\n", &toy{odd: dies}, Fail, "does not serve on a new connection"},
		{"alive and dead", "raw \"x\\r\\n\"\nexpect close\nalive\n", &toy{odd: dies}, Fail, "does not serve on a new connection"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var r Result
			if tc.name == "a reply without end" { // the breach is told under its own rule
				r = reportOn(t, tc.toy.start, tc.steps, Options{}).Results[0]
			} else {
				r = resultOf(t, tc.toy.start, tc.steps)
			}
			r.wants(t, tc.want, tc.why)
		})
	}
}

// abort gives up the reply to the first request.
func abort(text string) func(c *toyConn, p packet) bool {
	return func(c *toyConn, p packet) bool {
		if p.kind != "EOF" || p.number != 0 || c.nth > 0 {
			return false
		}
		delete(c.messages, 0)
		n := c.begin("1", "")
		c.say("TXERR", n, text)
		return true
	}
}

// wedge stops dealing with packets when a message has the type x.
func wedge(c *toyConn, p packet) bool {
	if p.kind == "HEADER" && textOfMember(string(p.body), "type") == "x" {
		c.expected = 1000
	}
	return c.expected == 1000
}

// dies lets nobody in but the first connection.
func dies(c *toyConn, p packet) bool {
	if c.nth > 0 {
		c.Close()
	}
	return c.nth > 0
}

// The octets of each write arrive as the steps say, and nothing else does.
func TestWhatIsSent(t *testing.T) {
	for _, tc := range []struct{ steps, want string }{
		{"raw \"x\\x00\" + hex(ff)\n", "x\x00\xff"},
		{"send HEADER 0 {\"a\":1}\n", "HEADER 0 7\r\n{\"a\":1}END\r\n"},
		{"send EOF 7\n", "EOF 7 0\r\nEND\r\n"},
		{"send ACK 3 5\nsend ACK 3 \"05\"\n", "ACK 3 1\r\n5END\r\nACK 3 2\r\n05END\r\n"},
		{"send PING 7 \"x\"\nsend PONG 7\n", "PING 7 1\r\nxEND\r\nPONG 7 0\r\nEND\r\n"},
		{"send DATA 0 \"größe\" line \"data\\t0 0#\\n\" trailer \"\"\n", "data\t0 07\ngröße"},
		{"request 0 echo \"\"\n", `HEADER 0 91` + "\r\n" + `{"type":"request","action":"Conformance.echo","version":1,"envelope":"json","request_id":1}END` + "\r\nEOF 0 0\r\nEND\r\n"},
		{"open 5 \"A.b\" with {\"version\":2,\"x\":$echo} without type,action\n", `HEADER 5 69` + "\r\n" + `{"version":2,"envelope":"json","request_id":6,"x":"Conformance.echo"}END` + "\r\n"},
		{"send HEADER 0 \"\"\nsend DATA next \"x\"\nopen next echo without type, action, version, envelope\n", "HEADER 0 0\r\nEND\r\nDATA 1 1\r\nxEND\r\nHEADER 1 16\r\n{\"request_id\":2}END\r\n"},
		{"request 0 \"\" \"abc\" without action, type, version, envelope, request_id in 2, 0, 9\n", "HEADER 0 2\r\n{}END\r\nDATA 0 2\r\nabEND\r\nDATA 0 0\r\nEND\r\nDATA 0 1\r\ncEND\r\nEOF 0 0\r\nEND\r\n"},
	} {
		var got []byte
		start := func() (func(c net.Conn), func()) {
			return func(c net.Conn) {
				buf := make([]byte, 1000)
				for {
					n, err := c.Read(buf)
					got = append(got, buf[:n]...)
					if err != nil {
						return
					}
				}
			}, func() {}
		}
		resultOf(t, start, tc.steps+"close\n")
		if !strings.HasPrefix(string(got), tc.want) || len(tc.want) == 0 {
			t.Errorf("%s\nsends %q, want %q", tc.steps, got, tc.want)
		}
	}
}

// Writes that are to leave in one piece, or in pieces, do.
func TestWrites(t *testing.T) {
	for _, tc := range []struct {
		steps string
		want  []int
	}{
		{"together {\n  request 0 echo {}\n  raw \"x\"\n}\n", []int{106 + 13 + 14 + 5 + 1 - 0}},
		{"split 100 settle {\n  raw repeat(\"x\", 250)\n}\n", []int{100, 100, 50}},
	} {
		var got []int
		start := func() (func(c net.Conn), func()) {
			return func(c net.Conn) {
				buf := make([]byte, 1000)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					got = append(got, n)
				}
			}, func() {}
		}
		resultOf(t, start, tc.steps+"close\n")
		if len(got) < len(tc.want) || len(tc.want) > 1 && (got[0] != tc.want[0] || got[1] != tc.want[1]) || len(tc.want) == 1 && got[0] < 100 {
			t.Errorf("%s\nreads of %v, want %v", tc.steps, got, tc.want)
		}
	}
}

// A subject that takes no octets fails the step that sends, within T_reply, and not the run.
func TestWriteThatMakesNoProgress(t *testing.T) {
	for _, steps := range []string{
		"repeat 40 {\n  send DATA 0 repeat(\"x\", 131072)\n}\n",
		"together {\n  request 0 echo repeat(\"x\", 4000000)\n}\n",
		"request 0 echo repeat(\"x\", 4000000) window 9000000\n",
		should + "repeat 40 {\n  send DATA 0 repeat(\"x\", 131072)\n}\n",
	} {
		start := func() (func(c net.Conn), func()) {
			stop := make(chan struct{})
			return func(net.Conn) { <-stop }, func() { close(stop) }
		}
		r := resultOf(t, start, steps)
		r.wants(t, Fail, "has taken no octets on connection a for 5s")
	}
}

// A sender with a window goes on when it is acknowledged, never has more outstanding, and says where it stalls.
func TestWindowedRequest(t *testing.T) {
	acknowledging := func(total func(came int) int) (*toy, *int) {
		most := new(int)
		acked, came := 0, 0
		return &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind != "DATA" || c.nth > 0 || p.number > 0 {
				return false
			}
			m := c.messages[0]
			m.body = append(m.body, p.body...)
			came = len(m.body)
			*most = max(*most, came-acked)
			if t := total(came); t > acked {
				acked = t
				c.say("ACK", 0, string(appendUint(uint64(t))))
			}
			return true
		}}, most
	}
	const steps = "request 0 echo json(repeat(\"x\", 9998)) in 300 window 1000\nexpect echo 1\n"
	y, most := acknowledging(func(came int) int { return came / 500 * 500 })
	r := resultOf(t, y.start, steps)
	r.wants(t, Pass, "")
	if *most > 1000 {
		t.Errorf("%d octets were outstanding", *most)
	}
	y, most = acknowledging(func(came int) int { return min(came/500*500, 5000) })
	r = resultOf(t, y.start, steps)
	r.wants(t, Fail, "nothing of message 0 has been acknowledged for 5s: of 6000 octets sent 1000 are outstanding")
	if *most != 1000 {
		t.Errorf("%d octets were outstanding when it stalled", *most)
	}
	// A close gives room: what is expected will tell.
	y = &toy{odd: func(c *toyConn, p packet) bool {
		if p.kind == "DATA" && c.nth == 0 {
			c.Close()
		}
		return c.nth == 0 && p.kind == "DATA"
	}}
	r = resultOf(t, y.start, "request 0 echo json(repeat(\"x\", 9998)) in 300 window 1000\nexpect close\n")
	r.wants(t, Pass, "")
}

// The tester acknowledges what comes unless the case says otherwise, and in the end all the same.
func TestAcknowledging(t *testing.T) {
	for _, tc := range []struct {
		steps string
		want  string // ACKs of message 0 before its EOF comes, then those after
	}{
		{"request 0 blob {\"bytes\":40000}\nexpect reply 1\n", "40002"},
		{"acks off\nrequest 0 blob {\"bytes\":40000}\nexpect reply 1\nbarrier\nraw \"PING 0 0\\r\\nEND\\r\\n\"\nexpect close\n", ""},
		{with("acks: off\nneeds: blob") + "request 0 blob {\"bytes\":40000}\nexpect reply 1\n", "40002"},
		{with("acks: off\nneeds: blob") + "acks on\nrequest 0 blob {\"bytes\":40000}\nexpect reply 1\nraw \"PING 0 0\\r\\nEND\\r\\n\"\nexpect close\n", "40002"},
		{with("acks: off\nneeds: blob") + "request 0 blob {\"bytes\":40000}\nexpect reply 1\nsend ACK 0 5\nsend ACK 0 99999\nraw \"PING 0 0\\r\\nEND\\r\\n\"\nexpect close\n", "5 99999"},
	} {
		var acks []string
		y := &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "ACK" && p.number == 0 && c.nth == 0 {
				acks = append(acks, string(p.body))
			}
			return false
		}}
		r := resultOf(t, y.start, tc.steps)
		r.wants(t, Pass, "")
		if len(acks) > 0 && tc.want == "40002" {
			acks = acks[len(acks)-1:]
		}
		if got := strings.Join(acks, " "); got != tc.want {
			t.Errorf("%s\nacknowledges %q, want %q", tc.steps, got, tc.want)
		}
	}
}

// A tester that does not read takes nothing, and goes on when it reads again.
func TestReadingOff(t *testing.T) {
	r := resultOf(t, (&toy{}).start, "reading off\nrequest 0 blob {\"bytes\":600000}\nquiet\nno reply 1\nreading on\nexpect reply 1\n")
	r.wants(t, Pass, "")
	r = resultOf(t, (&toy{}).start, "reading off\nrequest 0 blob {\"bytes\":600000}\n")
	r.wants(t, Pass, "") // a connection that is not read is not judged
}

// count tells how often it was executed, the readings aside, and is awaited where it must come.
func TestExecuted(t *testing.T) {
	for _, tc := range []struct {
		steps string
		toy   *toy
		want  Verdict
		why   string
	}{
		{"request 0 count {}\nexpect reply 1\nexecuted 1\n", &toy{}, Pass, ""},
		{"executed 0\nrequest 0 count {}\nexpect reply 1\nexecuted 1\nexecuted 1\n", &toy{}, Pass, ""},
		{"request 0 count {}\nexpect reply 1\nexecuted 0\n", &toy{}, Fail, "count was executed 1 times, not 0"},
		{"executed 1\n", &toy{}, Fail, "count was executed 0 times, not 1"},
		{should + "executed 1\n", &toy{}, Fail, "count was executed 0 times, not 1"},
		{"request 0 count {}\nexpect reply 1\nexecuted 1\n", &toy{odd: func(c *toyConn, p packet) bool {
			slow := p.kind == "EOF" && c.nth == 1 && p.number == 0
			if slow { // it is answered before it is executed
				c.reply("1", "", []byte("{}"))
				c.later(3*time.Second, func() { c.counter.Add(1) })
			}
			return slow
		}}, Pass, ""},
		{"executed 0\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" && c.nth == 3 { // once more when the case is over
				c.counter.Add(1)
			}
			return false
		}}, Fail, "once more when the case was over"},
		{"executed 0\n", &toy{odd: func(c *toyConn, p packet) bool {
			if c.nth == 2 {
				c.counter.Store(0)
			}
			return false
		}}, Errored, "went backwards"},
		{"executed 0\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" {
				c.reply("1", "", []byte(`"one"`))
			}
			return p.kind == "EOF"
		}}, Fail, "count does not return a number"},
		{"executed 0\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" {
				c.fail("1", "busy", "later")
			}
			return p.kind == "EOF"
		}}, Fail, "the counter of count cannot be read"},
		{"executed 0\n", &toy{odd: func(c *toyConn, p packet) bool { return true }}, Fail, "the counter of count cannot be read"},
	} {
		r := resultOf(t, tc.toy.start, tc.steps)
		r.wants(t, tc.want, tc.why)
	}
}
