package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// answering makes a toy that answers the first request of the first connection with packets of its own: each is a
// type, a blank, and a body. Between two packets may stand a pause, "500ms"; CLOSE ends the connection.
func answering(packets ...string) *toy {
	return &toy{odd: func(c *toyConn, p packet) bool {
		if p.kind != "EOF" || p.number != 0 || c.nth > 0 {
			return false
		}
		delete(c.messages, 0)
		first := c.next
		var send func(packets []string)
		send = func(packets []string) {
			for i, s := range packets {
				kind, body, _ := strings.Cut(s, " ")
				if d, err := time.ParseDuration(kind); err == nil {
					c.later(d, func() { send(packets[i+1:]) })
					return
				}
				c.mu.Lock()
				number := first
				if n, rest, ok := strings.Cut(kind, "/"); ok {
					kind = n
					fmt.Sscan(rest, &number)
				}
				switch kind {
				case "CLOSE":
					c.Close()
				case "HEADER":
					c.next = number + 1
					c.say(kind, number, body)
				default:
					c.say(kind, number, body)
				}
				c.mu.Unlock()
			}
		}
		send(packets)
		return true
	}}
}

// The outcomes of each expectation: satisfied, and not, with a reason that tells what came instead.
func TestExpectations(t *testing.T) {
	const ok = `HEADER {"type":"reply","request_id":1}`
	const bad = `HEADER {"type":"reply","request_id":1,"error_code":"teapot","error":"short"}`
	for _, tc := range []struct {
		steps   string // behind request 0 echo {}
		packets []string
		want    Verdict
		why     string
	}{
		{"expect echo 1", []string{ok, "DATA {}", "EOF"}, Pass, ""},
		{"expect echo 1", []string{ok, "DATA {", "2s", "DATA }", "4s", "EOF"}, Pass, ""},
		{"expect echo 1", []string{ok, "DATA []", "EOF"}, Fail, `of the reply to id 1, the body has 2 octets, "[]"; expected are 2, "{}"`},
		{"expect echo 1", []string{ok, "EOF"}, Fail, "the body has 0 octets"},
		{"expect echo 1", []string{bad, "EOF"}, Fail, `is an error: "teapot" "short"`},
		{"expect echo 1", []string{ok, "DATA {}", "TXERR sorry"}, Fail, `was given up: TXERR "sorry"`},
		{"expect echo 1", []string{ok, "DATA {}"}, Fail, "has begun and did not end within 5s; 2 octets of its body have come"},
		{"expect echo 1", nil, Fail, "no reply to id 1 came within 5s"},
		{"expect echo 1", []string{`HEADER {"type":"reply","request_id":7}`, "EOF"}, Fail, "one to id 7 did, which nobody has asked"},
		{"expect echo 1", []string{`HEADER {"type":"reply"}`, "EOF"}, Fail, "one to no id did"},
		{"expect echo 1", []string{ok, "DATA {}", "CLOSE"}, Fail, "the subject has closed the connection (EOF)"},
		{"expect echo 7", []string{`HEADER {"type":"reply","request_id":7}`, "EOF"}, Fail, "the tester knows of no request with that id"},
		{"expect echo 1 header {\"x\":1}", []string{`HEADER {"type":"reply","request_id":1,"x":1}`, "DATA {}", "EOF"}, Pass, ""},
		{"expect echo 1 header {\"x\":absent} exact", []string{ok, "DATA {}", "EOF"}, Fail, `the header of the reply to id 1 differs: it has a member "type" besides`},
		{"expect reply 1", []string{ok, "DATA x", "EOF"}, Pass, ""},
		{"expect reply 1 \"x\"", []string{ok, "DATA x", "EOF"}, Pass, ""},
		{"expect reply 1 \"x\"", []string{ok, "DATA y", "EOF"}, Fail, "the body has 1 octets"},
		{"expect reply 1 json {\"a\":$a}\nno reply $a", []string{ok, `DATA {"a":7,"b":8}`, "EOF"}, Pass, ""},
		{"expect reply 1 json {\"a\":7} exact", []string{ok, `DATA {"a":7,"b":8}`, "EOF"}, Fail, `the body of the reply to id 1 differs: it has a member "b" besides`},
		{"expect reply 1 json 5", []string{ok, `DATA {`, "EOF"}, Fail, "is not JSON"},
		{"expect reply 1", []string{bad, "EOF"}, Fail, "is an error"},
		{"expect error 1", []string{bad, "EOF"}, Pass, ""},
		{"expect error 1 {\"error_code\":\"teapot\"}", []string{bad, "EOF"}, Pass, ""},
		{"expect error 1 {\"error_code\":\"kettle\"}", []string{bad, "EOF"}, Fail, `it.error_code is "teapot", not "kettle"`},
		{"expect error 1", []string{ok, "DATA {}", "EOF"}, Fail, `is a success with the body "{}"`},
		{"expect error 1", []string{ok, "TXERR x"}, Fail, "was given up"},
		{"expect abort 1", []string{ok, "TXERR x"}, Pass, ""},
		{"expect abort 1 /^x$/", []string{ok, "TXERR x"}, Pass, ""},
		{"expect abort 1 /y/", []string{ok, "TXERR x"}, Fail, `with another text: "x"`},
		{"expect abort 1", []string{bad, "EOF"}, Fail, "is an error"},
		{"expect failure 1", []string{bad, "EOF"}, Pass, ""},
		{"expect failure 1", []string{ok, "TXERR x"}, Pass, ""},
		{"expect failure 1", []string{ok, "DATA {}", "EOF"}, Fail, "is a success"},
		{"expect reply none", []string{`HEADER {"type":"reply"}`, "EOF"}, Pass, ""},
		{"expect reply none", []string{`HEADER {"type":"reply","request_id":null}`, "EOF"}, Fail, "no reply to no id"}, // it is one: see below

		{"expect HEADER 0\nexpect EOF 0", []string{ok, "EOF"}, Pass, ""},
		{"expect HEADER 0 {\"request_id\":2}", []string{ok, "EOF"}, Fail, "HEADER 0 differs: it.request_id is 1, not 2"},
		{"expect HEADER $m {\"request_id\":1}\nexpect EOF $m", []string{ok, "EOF"}, Pass, ""},
		{"expect HEADER $m {\"request_id\":2}", []string{ok, "EOF"}, Fail, "no HEADER that matches came within 5s; HEADER 0 differs"},
		{"expect HEADER $m", nil, Fail, "HEADER did not come within 5s"},
		{"expect HEADER $m", []string{"CLOSE"}, Fail, "the subject has closed the connection"},
		{"expect HEADER 0\nexpect DATA 0 \"ab\"\nexpect DATA 0 1 octets\nexpect EOF 0", []string{ok, "DATA a", "DATA bc", "EOF"}, Pass, ""},
		{"expect HEADER 0\nexpect DATA 0 \"ab\"", []string{ok, "DATA a", "EOF"}, Fail, "message 0 ends after 1 of 2 octets"},
		{"expect HEADER 0\nexpect DATA 0 \"ab\"", []string{ok, "DATA ax", "EOF"}, Fail, "of message 0, the body has 2 octets"},
		{"expect HEADER 0\nexpect DATA 0 \"ab\"", []string{ok, "DATA a"}, Fail, "DATA did not come within 5s"},
		{"expect HEADER 0\nexpect EOF 0", []string{ok, "DATA a", "EOF"}, Fail, `DATA came instead: "a"`},
		{"expect HEADER 0\nexpect EOF 0", []string{ok, "TXERR x"}, Fail, `TXERR "x" came instead`},
		{"expect HEADER 0\nexpect TXERR 0 /x/", []string{ok, "TXERR x"}, Pass, ""},
		{"expect HEADER 0\nexpect TXERR 0 /y/", []string{ok, "TXERR x"}, Fail, `the text is "x"`},
		{"expect HEADER 0\nexpect TXERR 0", []string{ok, "EOF"}, Fail, "EOF came instead"},
		{"expect HEADER 0\nexpect EOF 0", []string{ok}, Fail, "EOF did not come within 5s"},
		{"expect EOF 0", nil, Fail, "EOF did not come"},
		{"expect ACK 0 = 2\nexpect ACK 0 > 1\nexpect ACK 0 >= 2\nanything", []string{ok, "EOF"}, Pass, ""},
		{"expect ACK 0 = 1", []string{ok, "EOF"}, Fail, "ACK 0 2 came, and no ACK 0 1 before"},
		{"expect ACK 0 > 2", []string{ok, "EOF"}, Fail, "the last ACK of message 0 is 2"},
		{"open 1 echo\nexpect ACK 1 > 0", []string{ok, "EOF"}, Fail, "no ACK of message 1 came"},
		{"expect PONG 7", []string{"PONG/7 "}, Pass, ""},
		{"expect PONG 7", []string{"PONG/7 x"}, Fail, "PONG 7 with a body of 1 octets came"},
		{"expect PONG 7", []string{"PONG/6 "}, Fail, "PONG did not come"},
		{"expect PONG 7\nexpect PONG 6", []string{"PONG/6 ", "1s", "PONG/7 "}, Pass, ""},
		{"expect PONG 7", nil, Fail, "PONG did not come"},

		{"expect echo 1 within 3s", []string{"2s", ok, "DATA {}", "EOF"}, Pass, ""},
		{"expect echo 1 within 1s", []string{"2s", ok, "DATA {}", "EOF"}, Fail, "within 1s"},
		{"expect echo 1 after 2s", []string{"2s", ok, "DATA {}", "EOF"}, Pass, ""},
		{"expect echo 1 after 2s", []string{"1900ms", ok, "DATA {}", "EOF"}, Pass, ""}, // 0.2 s early is in time
		{"expect echo 1 after 2s", []string{"1s", ok, "DATA {}", "EOF"}, Fail, "it came after 1s, earlier than 2s"},
		{"expect echo 1", []string{"6s", ok, "DATA {}", "EOF"}, Fail, "no reply to id 1 came within 5s"},
		{"expect echo 1 within 8s", []string{"6s", ok, "DATA {}", "EOF"}, Pass, ""},
		{"request 1 echo {}\nexpect echo 2 before 1\nexpect echo 1", []string{"1s", `HEADER/1 {"type":"reply","request_id":1}`, "DATA/1 {}", "EOF/1 "}, Pass, ""},
		{"request 1 echo {}\nexpect echo 1 before 2\nexpect echo 2", []string{"1s", `HEADER/1 {"type":"reply","request_id":1}`, "DATA/1 {}", "EOF/1 "}, Fail, "its HEADER came after that of the reply to id 2"},
		{"request 1 echo {}\nexpect echo 1 before \"nobody\"\nexpect echo 2", []string{"1s", `HEADER/1 {"type":"reply","request_id":1}`, "DATA/1 {}", "EOF/1 "}, Pass, ""},

		{"no reply 1", nil, Pass, ""},
		{"barrier\nno reply 1", []string{ok, "EOF"}, Fail, `HEADER 0 came: {"type":"reply","request_id":1}`},
		{"barrier\nno success 1\nno failure 1\nanything", []string{ok}, Pass, ""},
		{"barrier\nno success 1", []string{ok, "EOF"}, Fail, "the reply to id 1 is complete and a success"},
		{"barrier\nno success 1\nexpect error 1", []string{bad, "EOF"}, Pass, ""},
		{"barrier\nno failure 1", []string{bad, "EOF"}, Fail, "the reply to id 1 is complete and a failure"},
		{"barrier\nno failure 1", []string{ok, "TXERR x"}, Fail, "complete and a failure"},
		{"barrier\nno ACK 0\nexpect echo 1", []string{ok, "DATA {}", "EOF"}, Fail, "ACK 0 2 came"},
		{"barrier\nno ACK 0 > 2\nno ACK 9\nexpect echo 1", []string{ok, "DATA {}", "EOF"}, Pass, ""},
		{"barrier\nno ACK 0 > 1", nil, Fail, "ACK 0 2 came"},
		{"barrier\nno DATA 0", []string{ok, "DATA {}", "EOF"}, Fail, `DATA 0 came: "{}"`},
		{"expect echo 1\nno DATA 9", []string{ok, "DATA {}", "EOF"}, Pass, ""},
		{"barrier\nno EOF 0", []string{ok, "DATA {}", "EOF"}, Fail, "EOF 0 came"},
		{"expect echo 1\nno EOF 0", []string{ok, "DATA {}", "EOF"}, Pass, ""},
		{"barrier\nno close", []string{ok, "DATA {}", "EOF"}, Fail, "no step expected: HEADER 0"},
		{"expect HEADER 0\nquiet\nno close\nanything", []string{ok, "100ms", "CLOSE"}, Fail, "the connection was closed"},

		{"idle", nil, Pass, ""},
		{"idle", []string{ok, "EOF"}, Fail, "something came: HEADER 0"},
		{"quiet\nexpect echo 1", []string{"200ms", ok, "DATA {}", "EOF"}, Pass, ""},
		{"quiet\nno reply 1", []string{"200ms", ok, "DATA {}", "EOF"}, Fail, "HEADER 0 came"},
		{"alive\nexpect echo 1", []string{ok, "DATA {}", "EOF"}, Pass, ""},
	} {
		t.Run(tc.steps, func(t *testing.T) {
			r := reportOn(t, answering(tc.packets...).start, "request 0 echo {}\n"+tc.steps+"\n", Options{}).Results[0]
			if strings.Contains(tc.why, "no reply to no id") { // null is no id
				tc.want, tc.why = Pass, ""
			}
			r.wants(t, tc.want, tc.why)
		})
	}
}

// A close is what the script expects when nothing has come before that it excludes.
func TestExpectClose(t *testing.T) {
	const ok = `HEADER {"type":"reply","request_id":1}`
	const bad = `HEADER {"type":"reply","request_id":1,"error_code":"transport","error":"x"}`
	// The offending packet comes when the request is half sent, or was complete before.
	half, complete := "open 0 echo\nsend DATA 0 {}\nraw \"x\\r\\n\"\nexpect close\n", "request 0 echo {}\nraw \"x\\r\\n\"\nexpect close\n"
	same := "together {\n  request 0 echo {}\n  raw \"x\\r\\n\"\n}\nexpect close\n"
	for _, tc := range []struct {
		name, steps string
		packets     []string // that come before the close
		want        Verdict
		why         string
	}{
		{"nothing", half, nil, Pass, ""},
		{"an ACK", half, []string{"ACK 1"}, Pass, ""},
		{"a PONG", half, []string{"PONG"}, Pass, ""},
		{"the beginning of a reply", half, []string{ok, "DATA {"}, Pass, ""},
		{"a success to a request that is half sent", half, []string{ok, "DATA {}", "EOF"}, Fail, "instead of a close came HEADER 0"},
		{"an error to a request that is half sent", half, []string{bad, "EOF"}, Pass, ""},
		{"a reply given up to a request that is half sent", half, []string{ok, "TXERR x"}, Pass, ""},
		{"a reply to a request that was complete", complete, []string{ok, "DATA {}", "EOF"}, Pass, ""},
		{"an error to a request that was complete", complete, []string{bad, "EOF"}, Pass, ""},
		{"a reply to a request of the same write", same, []string{ok, "DATA {}", "EOF"}, Fail, "instead of a close came HEADER 0"},
		{"an error to a request of the same write", same, []string{bad, "EOF"}, Fail, "instead of a close came HEADER 0"},
		{"a reply that nobody has asked", half, []string{`HEADER {"type":"reply","request_id":9}`, "EOF"}, Fail, "instead of a close came HEADER 0"},
		{"an error that nobody has asked", half, []string{`HEADER {"type":"reply","request_id":9,"error_code":"x","error":"x"}`, "EOF"}, Fail, "instead of a close came"},
		{"a late close", half, []string{"4s"}, Pass, ""},
		{"no close", half, []string{"6s"}, Fail, "the connection is still open after 5s"},
		{"no close in time", strings.Replace(half, "close", "close within 1s", 1), []string{"2s"}, Fail, "still open after 1s"},
		{"too early", strings.Replace(half, "close", "close after 1s", 1), nil, Fail, "earlier than 1s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			y := &toy{deaf: true}
			y.greet = func(c *toyConn) {
				if c.nth > 0 {
					return
				}
				c.wg.Go(func() {
					simnet.Sleep(100 * time.Millisecond)
					number := uint64(0)
					for _, s := range tc.packets {
						kind, body, _ := strings.Cut(s, " ")
						if d, err := time.ParseDuration(kind); err == nil {
							simnet.Sleep(d)
							continue
						}
						c.say(kind, number, body)
					}
					c.Close()
				})
			}
			report := reportOn(t, y.start, tc.steps, Options{})
			report.Results[0].wants(t, tc.want, tc.why)
		})
	}
}

// The first branch in order of writing is taken that is satisfied, when those before it cannot be any more.
func TestEither(t *testing.T) {
	const ok = `HEADER {"type":"reply","request_id":1}`
	const bad = `HEADER {"type":"reply","request_id":1,"error_code":"teapot","error":"short"}`
	three := "either {\n  expect echo 1\n} or dialect \"an error\" {\n  expect error 1\n} or unsupported \"given up\" {\n  expect abort 1\n} or fail \"silence\" {\n  barrier\n}\n"
	for _, tc := range []struct {
		name, steps string
		packets     []string
		want        Verdict
		why         string
	}{
		{"the first", three, []string{ok, "DATA {}", "EOF"}, Pass, ""},
		{"the second", three, []string{bad, "EOF"}, Dialect, "an error"},
		{"the third", three, []string{ok, "TXERR x"}, Unsupported, "given up"},
		{"the last", three, nil, Fail, "silence"},
		{"one that is satisfied waits for those before it", "either {\n  expect echo 1\n} or dialect \"an ACK\" {\n  expect ACK 0 > 0\n  anything\n}\n", []string{"2s", ok, "DATA {}", "EOF"}, Pass, ""},
		{"… and is taken when they cannot be satisfied", "either {\n  expect echo 1\n} or dialect \"an ACK\" {\n  expect ACK 0 > 0\n  anything\n}\n", []string{"2s", bad, "EOF"}, Dialect, "an ACK"},
		{"… or their time is over", "either {\n  expect echo 1 within 1s\n} or dialect \"late\" {\n  expect echo 1\n}\n", []string{"2s", ok, "DATA {}", "EOF"}, Dialect, "late"},
		{"the time of a head counts from the beginning", "either {\n  expect error 1 within 3s\n} or {\n  expect echo 1 within 4s\n}\n", []string{"3500ms", ok, "DATA {}", "EOF"}, Pass, ""},
		{"… and is over for all", "either {\n  expect error 1 within 3s\n} or {\n  expect echo 1 within 2s\n}\n", []string{"4s", ok, "DATA {}", "EOF"}, Fail, "none of the branches: expect error 1: no reply to id 1 came within 3s; expect echo 1: no reply to id 1 came within 2s"},
		{"quiet is over when those before it are", "either {\n  expect error 1 within 3s\n} or dialect \"quiet\" {\n  quiet\n  expect echo 1\n}\n", []string{"3200ms", ok, "DATA {}", "EOF"}, Dialect, "quiet"},
		{"the rest of a branch is not a reason to take another", "either {\n  expect HEADER $m\n  expect TXERR $m\n} or {\n  expect echo 1\n}\n", []string{ok, "DATA {}", "EOF"}, Fail, "DATA came instead"},
		{"no is judged at once", "either {\n  no reply 1\n} or dialect \"a reply\" {\n  expect echo 1\n}\nanything\n", []string{"1s", ok, "DATA {}", "EOF"}, Pass, ""},
		{"executed decides", with("needs: count") + "request 0 count {}\nexpect reply 1\neither {\n  executed 0\n} or dialect \"executed\" {\n  executed 1\n}\n", nil, Dialect, "executed"},
		{"alive decides", "either {\n  alive\n} or dialect \"x\" {\n  barrier\n}\n", nil, Pass, ""},
		{"stall does not", "either {\n  stall 0\n} or dialect \"no window\" {\n  expect echo 1\n}\n", []string{ok, "DATA {}", "EOF"}, Dialect, "no window"},
		{"inside another", "either {\n  expect error 1\n} or dialect \"outer\" {\n  expect HEADER $m\n  either {\n    expect TXERR $m\n  } or dialect \"inner\" {\n    expect DATA $m {}\n    expect EOF $m\n  }\n}\n", []string{ok, "DATA {}", "EOF"}, Dialect, "outer; inner"},
		{"on connections", "connect b\non b request 0 echo {}\neither {\n  on b expect echo 1\n} or dialect \"a\" {\n  expect echo 1\n}\n", []string{ok, "DATA {}", "EOF"}, Pass, ""},
		{"none", "either {\n  expect error 1\n} or {\n  expect abort 1\n}\n", []string{ok, "DATA {}", "EOF"}, Fail, `none of the branches: expect error 1: the reply to id 1 is a success with the body "{}"; expect abort 1: the reply`},
		{"a case that is wrong", "either {\n  expect ACK 9 = 1\n} or {\n  expect abort 1\n}\n", []string{ok, "DATA {}", "EOF"}, Errored, "the tester has sent no such message"},
		{"a head that cannot be made", "either {\n  expect EOF $nobody\n} or {\n  expect abort 1\n}\n", []string{ok, "DATA {}", "EOF"}, Errored, "has not been set"},
		{"a head that acts and is wrong", "either {\n  stall $nobody\n} or {\n  expect abort 1\n}\n", []string{ok, "DATA {}", "EOF"}, Errored, "has not been set"},
		{"no connection", "either {\n  on c barrier\n} or {\n  idle\n}\n", nil, Errored, "connect c before"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			steps := tc.steps
			y := answering(tc.packets...)
			if !strings.HasPrefix(steps, "#") {
				steps = "request 0 echo {}\n" + steps
			} else {
				y = &toy{}
			}
			if tc.name == "on connections" { // b is the first connection here, and a has no request
				steps = tc.steps
			}
			reportOn(t, y.start, steps, Options{}).Results[0].wants(t, tc.want, tc.why)
		})
	}
}

// A case of a SHOULD rule fails only by harm: other outcomes are dialects.
func TestLevels(t *testing.T) {
	const ok = `HEADER {"type":"reply","request_id":1}`
	const bad = `HEADER {"type":"reply","request_id":1,"error_code":"teapot","error":"short"}`
	for _, tc := range []struct {
		name, steps string
		packets     []string
		should      Verdict // a MUST always fails
		why         string
	}{
		{"an error instead of success", "expect echo 1", []string{bad, "EOF"}, Dialect, "is an error"},
		{"a close instead of a reply", "expect echo 1", []string{"CLOSE"}, Dialect, "the subject has closed the connection"},
		{"another header", "expect echo 1 header {\"x\":1}", []string{ok, "DATA {}", "EOF"}, Dialect, "no member"},
		{"another code", "expect error 1 {\"error_code\":\"x\"}", []string{bad, "EOF"}, Dialect, "differs"},
		{"an unexpected packet", "expect HEADER 0", []string{ok, "DATA {}", "EOF"}, Dialect, "no step expected"},
		{"no ACK", "open 1 echo\nexpect ACK 1 > 0\n", []string{ok, "DATA {}", "EOF"}, Dialect, "no ACK of message 1"},
		{"still open", "expect echo 1\nexpect close", []string{ok, "DATA {}", "EOF"}, Dialect, "still open"},
		{"none of the branches", "either {\n  expect error 1\n} or {\n  expect abort 1 /x/\n}", []string{ok, "TXERR y"}, Dialect, "none of the branches"},
		{"a wrong result", "expect echo 1", []string{ok, "DATA []", "EOF"}, Fail, "the body has"},
		{"no reply", "expect echo 1", nil, Fail, "no reply"},
		{"half a reply", "expect echo 1", []string{ok}, Fail, "did not end"},
		{"success instead of failure", "expect error 1", []string{ok, "DATA {}", "EOF"}, Fail, "is a success"},
		{"what must not come", "barrier\nno reply 1", []string{ok, "EOF"}, Fail, "HEADER 0 came"},
		{"a branch marked fail", "either {\n  expect error 1\n} or fail \"bad\" {\n  expect echo 1\n}", []string{ok, "DATA {}", "EOF"}, Fail, "bad"},
		{"none of the branches, one with harm", "either {\n  expect error 1\n} or {\n  expect abort 1\n}", []string{ok, "DATA {}", "EOF"}, Fail, "none of the branches"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			steps := "request 0 echo {}\n" + tc.steps + "\n"
			reportOn(t, answering(tc.packets...).start, steps, Options{}).Results[0].wants(t, Fail, tc.why)
			reportOn(t, answering(tc.packets...).start, should+steps, Options{}).Results[0].wants(t, tc.should, tc.why)
			dead := answering(tc.packets...)
			dead.greet = func(c *toyConn) {
				if c.nth > 0 {
					c.Close()
				}
			}
			if r := reportOn(t, dead.start, should+steps, Options{}).Results[0]; r.Verdict != Fail {
				t.Errorf("the subject is dead: %s %s", r.Verdict, r.why())
			}
		})
	}
}

// What was sent is awaited anew whenever something comes: a large body on a slow way is no hang. A time that the case
// gives is kept.
func TestSlowIsNoHang(t *testing.T) {
	trickle := []string{`HEADER {"type":"reply","request_id":1}`}
	for range 10 {
		trickle = append(trickle, "2s", "DATA x")
	}
	trickle = append(trickle, "4s", "EOF")
	body := strings.Repeat("x", 10)
	for steps, want := range map[string]Verdict{
		"expect reply 1 \"" + body + "\"\n":                                                        Pass,
		"expect reply 1 within 10s\n":                                                              Fail,
		"expect HEADER 0\nexpect DATA 0 \"" + body + "\"\nexpect EOF 0\n":                          Pass,
		"either {\n  expect reply 1\n} or dialect \"quiet\" {\n  quiet\n  anything\n}\n":           Pass,
		"request 1 echo {} with {\"type\":\"x\"}\nbarrier\nexpect reply 1\n":                       Pass,
		"either {\n  expect error 1\n} or dialect \"slow\" {\n  expect reply 1 within 30s\n}\n":    Fail, // the body comes within 24 s, as a success
		"either {\n  expect error 1 within 2s\n} or dialect \"slow\" {\n  expect reply 1\n}\n":     Dialect,
		"until ended 0 {\n  barrier\n}\nexpect reply 1\n":                                          Pass,
		"connect b\nexpect reply 1\non b barrier\n":                                                Pass,
		"expect HEADER $m {\"request_id\":1}\nexpect DATA $m 10 octets within 1s\nexpect EOF $m\n": Fail,
	} {
		r := reportOn(t, answering(trickle...).start, "request 0 echo {}\n"+steps, Options{}).Results[0]
		if r.Verdict != want && !(want == Fail && r.Verdict == Dialect) {
			t.Errorf("%s%s, want %s: %s", steps, r.Verdict, want, r.why())
		}
	}
	// A subject that sends a little for ever does hang in the end.
	endless := append([]string(nil), trickle[:1]...)
	for range 100 {
		endless = append(endless, "2s", "DATA x")
	}
	r := reportOn(t, answering(endless...).start, "request 0 echo {}\nexpect reply 1\n", Options{}).Results[0]
	r.wants(t, Fail, "has begun and did not end")
}
