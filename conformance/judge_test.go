package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// ordinary are cases in which everything occurs that is judged on every packet.
var ordinary = map[string]string{
	"success":     "request 0 echo {\"n\":12345}\nexpect echo 1\nrequest 1 echo \"\\\"hello\\\"\"\nexpect echo 2\n",
	"failure":     "request 0 \"No.such.größe\" {}\nrequest 1 echo {} with {\"version\":99}\nexpect failure 1\nexpect failure 2\n",
	"large":       "request 0 blob {\"bytes\":199998}\nexpect reply 1 json(repeat(\"x\", 199998))\n",
	"upload":      "request 0 echo json(repeat(\"x\", 39998)) in 1000\nexpect echo 1\n",
	"two uploads": "request 0 echo json(repeat(\"x\", 998))\nexpect echo 1\nopen 1 echo\nsend DATA 1 json(repeat(\"x\", 9998))\nbarrier\nsend EOF 1\nexpect echo 2\n",
	"empty DATA":  "open 0 echo\nsend DATA 0 \"\"\nsend DATA 0 {\"n\":12345}\nsend DATA 0 \"\"\nsend EOF 0\nexpect echo 1\n",
	"given up":    "open 0 echo\nsend DATA 0 {\"n\":12345}\nsend TXERR 0 \"never mind\"\nexpect failure 1\n",
	"no id":       "request 0 echo {} without request_id\nanything\nbarrier\n",
	"slow":        "request 0 slow {\"ms\":3000}\nrequest 1 echo {\"n\":12345}\nexpect echo 2\nexpect reply 1\n",
	"fatal":       "open 0 echo\nbarrier\nraw \"x\\r\\n\"\nexpect close\n",
	"counted":     with("needs: count") + "request 0 count {}\nexpect reply 1\nexecuted 1\n",
}

func ordinaryCases(t *testing.T) (cases []*Case) {
	t.Helper()
	for name, steps := range ordinary {
		c := caseOf(t, steps)
		c.Name = "ordinary/" + name
		cases = append(cases, c)
	}
	slices.SortFunc(cases, func(a, b *Case) int { return strings.Compare(a.Name, b.Name) })
	return cases
}

// on makes an edit of packets of one type.
func on(kind string, edit func(p packet) []packet) func(p packet) []packet {
	return func(p packet) []packet {
		if p.kind != kind {
			return []packet{p}
		}
		return edit(p)
	}
}

// member makes an edit that adds members to headers: to those of failures, of successes, or of all.
func member(of, more string) func(p packet) []packet {
	return on("HEADER", func(p packet) []packet {
		failed := bytes.Contains(p.body, []byte("error_code"))
		if of == "failures" && !failed || of == "successes" && failed {
			return []packet{p}
		}
		p.body = append(bytes.TrimSuffix(p.body, []byte("}")), ","+more+"}"...)
		return []packet{p}
	})
}

// replaced makes an edit of the text of headers.
func replaced(from, to string) func(p packet) []packet {
	return on("HEADER", func(p packet) []packet {
		p.body = bytes.ReplaceAll(p.body, []byte(from), []byte(to))
		return []packet{p}
	})
}

// A subject that breaks one of the rules that are judged on every packet is accused of that rule and of nothing else:
// no other rule, and no case. Misattribution is the worst that a suite can do.
func TestJudgedRulesAreNotMixedUp(t *testing.T) {
	for _, tc := range []struct {
		name string
		rule string
		toy  *toy
		want Verdict // of the rule
		why  string
		also []string // dialects that come with it
	}{
		{"nothing", "", &toy{}, Pass, "", []string{"WIRE-FLOW-05a"}},
		{"a banner", "WIRE-FRAME-01", &toy{greet: func(c *toyConn) { c.raw("SCAMP ready\r\n") }}, Fail, "SCAMP ready", nil},
		{"an empty line behind each packet", "WIRE-FRAME-02", &toy{spell: func(p packet) []byte { return appendPacket(nil, p, nil, []byte("END\r\n\r\n")) }}, Fail, "three fields", nil},
		{"another trailer", "WIRE-FRAME-02", &toy{spell: func(p packet) []byte {
			if p.kind == "DATA" {
				return appendPacket(nil, p, nil, []byte("end\r\n"))
			}
			return appendPacket(nil, p, nil, nil)
		}}, Fail, "instead of END CR LF", nil},
		{"zeros before lengths", "WIRE-FRAME-06", &toy{spell: func(p packet) []byte {
			return appendPacket(nil, p, fmt.Appendf(nil, "%s %d 00#\r\n", p.kind, p.number), nil)
		}}, Fail, "is not how the number", nil},
		{"a sign", "WIRE-FRAME-06", &toy{spell: func(p packet) []byte {
			return appendPacket(nil, p, fmt.Appendf(nil, "%s +%d #\r\n", p.kind, p.number), nil)
		}}, Fail, `"+0" is not how`, nil},
		{"oversize", "WIRE-FRAME-08a", &toy{odd: oneBlob(200000)}, Fail, "a body of 200000 octets", nil},
		{"characters counted", "WIRE-FRAME-12", &toy{spell: func(p packet) []byte {
			return appendPacket(nil, p, fmt.Appendf(nil, "%s %d %d\r\n", p.kind, p.number, utf8.RuneCount(p.body)), nil)
		}}, Fail, "counts characters", nil},
		{"a type nobody knows", "WIRE-FRAME-13a", &toy{edit: on("HEADER", func(p packet) []packet { return []packet{{"NOOP", 0, []byte("x")}, p} })}, Fail, "NOOP", nil},
		{"numbers from one", "WIRE-MSG-01a", &toy{edit: func(p packet) []packet {
			if p.kind != "ACK" {
				p.number++
			}
			return []packet{p}
		}}, Fail, "HEADER 1 comes where HEADER 0 is next", nil},
		{"DATA before HEADER", "WIRE-MSG-02a", &toy{edit: on("HEADER", func(p packet) []packet { return []packet{{"DATA", p.number, []byte("x")}, p} })}, Fail, "DATA 0 comes before HEADER 0", nil},
		{"two ends", "WIRE-MSG-02b", &toy{edit: on("EOF", func(p packet) []packet { return []packet{p, p} })}, Fail, "EOF 0 comes after the end of message 0", nil},
		{"DATA behind the end", "WIRE-MSG-02b", &toy{edit: on("EOF", func(p packet) []packet { return []packet{p, {"DATA", p.number, []byte("x")}} })}, Fail, "DATA 0 comes after the end", nil},
		{"a body of EOF", "WIRE-MSG-05a", &toy{edit: on("EOF", func(p packet) []packet { p.body = []byte("x"); return []packet{p} })}, Fail, `EOF 0 has a body: "x"`, nil},
		{"an empty DATA", "WIRE-MSG-06a", &toy{edit: on("EOF", func(p packet) []packet { return []packet{{"DATA", p.number, nil}, p} })}, Fail, "DATA 0 is empty", nil},
		{"an ACK for an empty DATA", "WIRE-MSG-06c", &toy{odd: ackEmpties("")}, Fail, "", nil},
		{"a TXERR without text", "WIRE-MSG-08a", &toy{odd: giveUp("")}, Fail, `TXERR 0 has the text ""`, nil},
		{"a TXERR with 0", "WIRE-MSG-08a", &toy{odd: giveUp("0")}, Fail, `TXERR 0 has the text "0"`, nil},
		{"a TXERR that is not UTF-8", "WIRE-MSG-08a", &toy{odd: giveUp("\xff")}, Fail, "is not UTF-8", nil},
		{"something behind the header", "WIRE-HDR-01a", &toy{edit: on("HEADER", func(p packet) []packet { p.body = append(p.body, 'x'); return []packet{p} })}, Fail, "something follows", nil},
		{"a member twice", "WIRE-HDR-04a", &toy{edit: member("all", `"x":1,"x":2`)}, Fail, `the member "x" twice, with different values`, nil},
		{"a member twice, equally", "WIRE-HDR-04a", &toy{edit: member("all", `"x":1,"x":1`)}, Dialect, "with equal values", nil},
		{"null where it must not be", "WIRE-HDR-06b", &toy{edit: member("all", `"version":null`)}, Fail, `null in "version"`, nil},
		{"null where it need not be", "WIRE-HDR-06c", &toy{edit: member("all", `"error_data":null`)}, Dialect, `null in "error_data"`, nil},
		{"another type", "WIRE-HDR-07b", &toy{edit: replaced(`"reply"`, `"response"`)}, Fail, `the type "response"`, nil},
		{"no type", "WIRE-HDR-07b", &toy{edit: replaced(`"type":"reply",`, "")}, Dialect, "replies without type", nil},
		{"error members in a success", "WIRE-HDR-17a", &toy{odd: adorned}, Fail, "although the call has succeeded", nil},
		{"empty error members in a success", "WIRE-HDR-17a", &toy{edit: member("successes", `"error":"","error_code":null`)}, Dialect, "empty error members", []string{"WIRE-HDR-06c"}},
		{"ACKs for messages that do not exist", "WIRE-FLOW-01a", &toy{edit: on("ACK", func(p packet) []packet { p.number += 7; return []packet{p} })}, Fail, "ACK 7 is for a message that does not exist", nil},
		{"ACKs for message 0", "WIRE-FLOW-01a", &toy{edit: on("ACK", func(p packet) []packet { p.number = 0; return []packet{p} })}, Fail, "message 1 has so many", nil},
		{"ACKs with LF", "WIRE-FLOW-01b", &toy{edit: on("ACK", func(p packet) []packet { p.body = append(p.body, '\n'); return []packet{p} })}, Fail, `ACK 0 has the body`, nil},
		{"ACKs with zeros", "WIRE-FLOW-01b", &toy{edit: on("ACK", func(p packet) []packet { p.body = append([]byte("0"), p.body...); return []packet{p} })}, Fail, `ACK 0 has the body`, nil},
		{"increments", "WIRE-FLOW-01b", &toy{odd: ackIncrements}, Fail, "are increments, not totals", nil},
		{"an ACK twice", "WIRE-FLOW-02a", &toy{odd: ackTwice}, Fail, "comes after ACK 0 ", nil},
		{"ACKs beyond what came", "WIRE-FLOW-02b", &toy{edit: on("ACK", func(p packet) []packet {
			n, _ := strconv.Atoi(string(p.body))
			p.body = appendUint(uint64(n + 100000))
			return []packet{p}
		})}, Fail, "octets have been sent", nil},
		{"large DATA", "WIRE-FLOW-09b", &toy{odd: oneBlob(100000)}, Dialect, "a DATA of more than 16384 octets", []string{"WIRE-FLOW-05a"}},
		{"error members that are numbers", "WIRE-ERR-01a", &toy{edit: replaced(`"error_code":"`, `"error_code":5,"x":"`)}, Fail, "error members that are no strings", nil},
		{"text without code", "WIRE-ERR-01a", &toy{edit: replaced(`"error_code":`, `"x":`)}, Dialect, "error without error_code", nil},
		{"code without text", "WIRE-ERR-01a", &toy{edit: replaced(`"error":`, `"x":`)}, Dialect, "error_code without error", nil},
		{"an error with a body", "WIRE-ERR-01b", &toy{odd: errorBody(`{"status":500}`)}, Fail, `has a body: "{\"status\":500}"`, nil},
		{"an error with the body of an echo", "WIRE-ERR-01b", &toy{odd: errorBody(`{}`)}, Fail, `has a body: "{}"`, nil},
		{"an error with the body null", "WIRE-ERR-01b", &toy{odd: errorBody(`null`)}, Dialect, "the body null", nil},
		{"an error that says it twice", "WIRE-ERR-01b", &toy{odd: errorBody(`{"error":{"code":"failed","text":"it failed","data":null}}`)}, Dialect, "repeats the error", nil},
		{"an empty code", "WIRE-ERR-09a", &toy{edit: replaced(`"error_code":"`, `"error_code":"","x":"`)}, Fail, "an empty error_code beside an error", nil},
		{"internals", "WIRE-ERR-10", &toy{edit: replaced(`"error":"`, `"error":"died at lib/Service.pm line 42: `)}, Dialect, "tells how the server is made", nil},
		{"a PING", "WIRE-TIME-08c", &toy{greet: func(c *toyConn) { c.say("PING", 0, "") }}, Fail, "PING 0 comes", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := ServerValue(tc.toy.start)
			s.fixtures = everything
			report, err := Run(t.Context(), s, ordinaryCases(t), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results {
				rule, every := strings.CutPrefix(r.Name, "every-packet/")
				switch {
				case every && rule == tc.rule:
					if r.Verdict != tc.want || !strings.Contains(r.why(), tc.why) {
						t.Errorf("%s: %s %s, want %s: …%s…", r.Name, r.Verdict, r.why(), tc.want, tc.why)
					}
				case r.Verdict == Pass:
				case every && r.Verdict == Dialect && (slices.Contains(tc.also, rule) || rule == "WIRE-FLOW-05a"): // a toy has no window
				case !every && r.Verdict == Unsupported && strings.Contains(r.why(), "the connection cannot be read on ("+tc.rule+")"):
				default:
					t.Errorf("%s is blamed: %s %s\n%s", r.Name, r.Verdict, r.why(), r.Text())
				}
			}
		})
	}
}

// oneBlob answers blob with DATA of one size.
func oneBlob(size int) func(c *toyConn, p packet) bool {
	return func(c *toyConn, p packet) bool {
		m := c.messages[p.number]
		if p.kind != "EOF" || m == nil || m.action != "Conformance.blob" {
			return false
		}
		delete(c.messages, p.number)
		n := c.begin(m.id, "")
		for piece := range slices.Chunk([]byte(`"`+strings.Repeat("x", 199998)+`"`), size) {
			c.say("DATA", n, string(piece))
		}
		c.say("EOF", n, "")
		return true
	}
}

// ackEmpties acknowledges DATA without octets: with this body, or the total.
func ackEmpties(body string) func(c *toyConn, p packet) bool {
	return func(c *toyConn, p packet) bool {
		m := c.messages[p.number]
		if p.kind != "DATA" || m == nil || len(p.body) > 0 {
			return false
		}
		text := body
		if text == "" {
			text = strconv.Itoa(len(m.body))
		}
		c.say("ACK", p.number, text)
		return true
	}
}

// giveUp gives up the replies to requests that were given up.
func giveUp(text string) func(c *toyConn, p packet) bool {
	return func(c *toyConn, p packet) bool {
		m := c.messages[p.number]
		if p.kind != "TXERR" || m == nil {
			return false
		}
		delete(c.messages, p.number)
		c.say("TXERR", c.begin(m.id, ""), text)
		return true
	}
}

// adorned answers an echo with success and error members.
func adorned(c *toyConn, p packet) bool {
	m := c.messages[p.number]
	if p.kind != "EOF" || m == nil || m.action != "Conformance.echo" || m.id == "" {
		return false
	}
	if v, ok := m.header.get("version"); ok && v.text != "1" {
		return false
	}
	delete(c.messages, p.number)
	c.reply(m.id, `,"error":"none","error_code":"ok"`, m.body)
	return true
}

// errorBody gives error replies a body.
func errorBody(body string) func(c *toyConn, p packet) bool {
	return func(c *toyConn, p packet) bool {
		m := c.messages[p.number]
		if m == nil || m.id == "" {
			return false
		}
		v, ok := m.header.get("version")
		fails := p.kind == "TXERR" || p.kind == "EOF" && (ok && v.text != "1" || strings.HasPrefix(m.action, "No."))
		if fails {
			delete(c.messages, p.number)
			c.reply(m.id, `,"error":"it failed","error_code":"failed"`, []byte(body))
		}
		return fails
	}
}

// ackIncrements acknowledges what has come since the last ACK.
func ackIncrements(c *toyConn, p packet) bool {
	m := c.messages[p.number]
	if p.kind != "DATA" || m == nil || len(p.body) == 0 {
		return false
	}
	m.body = append(m.body, p.body...)
	c.say("ACK", p.number, strconv.Itoa(len(p.body)))
	return true
}

// ackTwice sends each ACK of a large message twice.
func ackTwice(c *toyConn, p packet) bool {
	m := c.messages[p.number]
	if p.kind != "DATA" || m == nil || len(m.body) == 0 || len(p.body) == 0 {
		return false
	}
	m.body = append(m.body, p.body...)
	c.say("ACK", p.number, strconv.Itoa(len(m.body)))
	c.say("ACK", p.number, strconv.Itoa(len(m.body)))
	return true
}

// A case that cites a judged rule fails where the rule is broken in that very case, and is a dialect where it is tolerated.
func TestCasesCiteJudgedRules(t *testing.T) {
	const cites = "# Something is tried here.\nrule: WIRE-FRAME-02 WIRE-MSG-05a WIRE-HDR-06c\nrole: server\n\nrequest 0 echo {\"n\":12345}\nexpect echo 1\n"
	for _, tc := range []struct {
		name string
		toy  *toy
		want Verdict
		why  string
	}{
		{"nothing", &toy{}, Pass, ""},
		{"a body of EOF", &toy{edit: on("EOF", func(p packet) []packet { p.body = []byte("x"); return []packet{p} })}, Fail, "EOF 0 has a body"},
		{"null", &toy{edit: member("all", `"error_data":null`)}, Dialect, `null in "error_data"`},
		{"both", &toy{edit: func(p packet) []packet {
			if p.kind == "EOF" {
				p.body = []byte("x")
			}
			return member("all", `"error_data":null`)(p)
		}}, Fail, "EOF 0 has a body"},
		{"unreadable by a rule that it cites", &toy{spell: func(p packet) []byte { return appendPacket(nil, p, nil, []byte("END\r\n\r\n")) }}, Fail, "nothing more can be read"},
		{"unreadable by another", &toy{greet: func(c *toyConn) { c.raw("hello\r\n") }}, Unsupported, "the connection cannot be read on (WIRE-FRAME-01)"},
		{"a rule that it does not cite", &toy{edit: on("EOF", func(p packet) []packet { return []packet{p, p} })}, Pass, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reportOn(t, tc.toy.start, cites, Options{}).Results[0].wants(t, tc.want, tc.why)
		})
	}
}

// A reply that is never ended breaks WIRE-MSG-02a, whatever case it is in.
func TestReplyWithoutEnd(t *testing.T) {
	y := answering(`HEADER {"type":"reply","request_id":1}`, "DATA {}")
	report := reportOn(t, y.start, "request 0 echo {}\nanything\n", Options{})
	report.Results[0].wants(t, Pass, "")
	for _, r := range report.Results[1:] {
		if want := r.Rules[0] == "WIRE-MSG-02a"; (r.Verdict == Fail) != want {
			t.Errorf("%s: %s %s", r.Name, r.Verdict, r.why())
		}
	}
}

// What the tester has sent out of order does not make the acknowledgements of it wrong, and answers to requests without
// a usable id may have null.
func TestNotBlamed(t *testing.T) {
	for name, tc := range map[string]struct {
		steps string
		toy   *toy
	}{
		"an ACK for DATA of no message": {"send DATA 3 \"xyz\"\nanything\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "DATA" && p.number == 3 {
				c.say("ACK", 3, "3")
			}
			return p.number == 3
		}}},
		"an ACK for DATA behind the end": {"request 0 echo {}\nexpect echo 1\nsend DATA 0 \"xyz\"\nanything\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "DATA" && string(p.body) == "xyz" {
				c.say("ACK", 0, "5")
			}
			return string(p.body) == "xyz"
		}}},
		"an ACK for what is no packet": {"raw \"DATA 0 3 x\\r\\nabcEND\\r\\n\"\nanything\n", &toy{deaf: true, greet: func(c *toyConn) {
			if c.nth == 0 {
				c.later(1, func() { c.say("ACK", 0, "3"); c.Close() })
			}
		}}},
		"a late ACK for a number that is used again": {"request 0 echo {\"a\":1}\nexpect echo 1\nopen 0 echo\nexpect close\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "HEADER" && c.expected == 1 && c.nth == 0 {
				c.say("ACK", 0, "7")
			}
			return p.kind == "DATA" && c.nth == 0 && p.number == 0 && string(p.body) != `{"a":1}`
		}}},
		"null for an id that is no id": {"request 0 echo {} with {\"request_id\":[1]}\nexpect reply none\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "EOF" && p.number == 0 && c.nth == 0 {
				c.reply("null", "", []byte("{}"))
			}
			return p.kind == "EOF" && p.number == 0 && c.nth == 0
		}}},
		"a PING for one who has sent one": {"send PING 0\nexpect PONG 0\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "PING" {
				c.say("PONG", 0, "")
				c.say("PING", 0, "")
			}
			return p.kind == "PING"
		}}},
		"a reply with error members that is given up": {"open 0 echo\nsend DATA 0 {\"n\":12345}\nsend TXERR 0 \"x\"\nexpect failure 1\n", &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "TXERR" {
				n := c.begin("1", `,"error":"x","error_code":"x"`)
				c.say("DATA", n, "{")
				c.say("TXERR", n, "x")
			}
			return p.kind == "TXERR"
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			report := reportOn(t, tc.toy.start, tc.steps, Options{})
			for _, r := range report.Results {
				if r.Verdict == Fail || r.Verdict == Errored {
					t.Errorf("%s is blamed: %s", r.Name, r.Text())
				}
			}
		})
	}
}

func TestJudged(t *testing.T) {
	all := Judged()
	all[0] = "x"
	if Judged()[0] == "x" {
		t.Error("the caller does not own the list")
	}
}
