package conformance

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A toy is a small server for the tests of the runner. It knows nothing of package scamp: it answers complete requests
// to the fixture actions, acknowledges every DATA, has no window, and closes on what it does not understand.
type toy struct {
	odd   func(c *toyConn, p packet) bool // sees every packet first; true: it has dealt with it
	greet func(c *toyConn)                // is called when a connection begins
	edit  func(p packet) []packet         // what leaves in place of a packet
	spell func(p packet) []byte           // the octets of a packet
	deaf  bool                            // it takes no notice of what comes
	hasty bool                            // its action slow is not: so it can be tried in real time

	counter atomic.Int64
	mu      sync.Mutex
	open    map[*toyConn]bool
	served  int // connections
}

// A toyConn is one connection of a toy. The reader goroutine owns it; handlers that wait send under mu.
type toyConn struct {
	net.Conn
	*toy
	nth      int // of the toy's connections, from 0
	mu       sync.Mutex
	next     uint64 // number of the next message
	expected uint64 // number of the tester's next message
	messages map[uint64]*toyMessage
	wg       sync.WaitGroup
}

type toyMessage struct {
	header jsonValue
	id     string // as JSON, "" for none
	action string
	body   []byte
}

// start makes a fresh server of the same kind.
func (y *toy) start() (serve func(net.Conn), stop func()) {
	fresh := &toy{odd: y.odd, greet: y.greet, edit: y.edit, spell: y.spell, deaf: y.deaf, hasty: y.hasty, open: map[*toyConn]bool{}}
	return fresh.serve, fresh.stop
}

func (y *toy) stop() {
	y.mu.Lock()
	defer y.mu.Unlock()
	for c := range y.open {
		c.Close()
	}
}

func (y *toy) serve(nc net.Conn) {
	c := &toyConn{Conn: nc, toy: y, messages: map[uint64]*toyMessage{}}
	y.mu.Lock()
	c.nth = y.served
	y.served++
	y.open[c] = true
	y.mu.Unlock()
	if y.greet != nil {
		y.greet(c)
	}
	c.loop()
	c.Close()
	c.wg.Wait()
	y.mu.Lock()
	defer y.mu.Unlock()
	delete(y.open, c)
}

func (c *toyConn) loop() {
	var d decoder
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if c.deaf && c.nth == 0 {
			n = 0
		}
		d.feed(buf[:n])
		for {
			p, wrong, ok := d.next()
			if !ok {
				break
			}
			if c.odd != nil && c.odd(c, p) {
				continue
			}
			if len(wrong) > 0 || !c.take(p) {
				return
			}
		}
		if err != nil || d.broken != nil || d.doubt != nil {
			return
		}
	}
}

// take deals with a packet as the rules say; false is a fatal error.
func (c *toyConn) take(p packet) bool {
	m := c.messages[p.number]
	switch p.kind {
	case "HEADER":
		h, err := parseJSON(p.body)
		if err != nil || h.kind != '{' || p.number != c.expected {
			return false
		}
		c.expected++
		m = &toyMessage{header: h}
		if id, ok := h.get("request_id"); ok && (id.kind == '0' || id.kind == '"') {
			m.id = id.source()
		}
		action, _ := h.get("action")
		m.action = action.text
		c.messages[p.number] = m
	case "DATA":
		if m == nil {
			return false
		}
		if m.body = append(m.body, p.body...); len(p.body) > 0 {
			c.say("ACK", p.number, strconv.Itoa(len(m.body)))
		}
	case "EOF", "TXERR":
		if m == nil || p.kind == "EOF" && len(p.body) > 0 {
			return false
		}
		delete(c.messages, p.number)
		if kind, _ := m.header.get("type"); kind.text != "request" || m.id == "" {
			return true
		}
		if p.kind == "TXERR" {
			c.fail(m.id, "transport", "given up")
			return true
		}
		c.answer(m)
	case "ACK":
	default:
		return false
	}
	return true
}

// answer executes a request.
func (c *toyConn) answer(m *toyMessage) {
	body, _ := parseJSON(m.body)
	n := func(name string) int { v, _ := body.get(name); n, _ := strconv.Atoi(v.text); return n }
	version, ok := m.header.get("version")
	if ok && version.text != "1" {
		m.action = "other version"
	}
	switch strings.TrimPrefix(m.action, "Conformance.") {
	case "echo":
		c.reply(m.id, "", m.body)
	case "blob":
		c.reply(m.id, "", []byte(`"`+strings.Repeat("x", n("bytes"))+`"`))
	case "count":
		c.reply(m.id, "", strconv.AppendInt(nil, c.counter.Add(1), 10))
	case "fail":
		code, _ := body.get("code")
		text, _ := body.get("text")
		c.fail(m.id, code.text, text.text)
	case "slow":
		if c.hasty {
			c.reply(m.id, "", []byte("{}"))
			break
		}
		c.later(time.Duration(n("ms"))*time.Millisecond, func() { c.reply(m.id, "", []byte("{}")) })
	default:
		c.fail(m.id, "not_found", "no action "+m.action)
	}
}

// later does something after a time, which is virtual.
func (c *toyConn) later(d time.Duration, do func()) {
	c.wg.Go(func() {
		simnet.Sleep(d)
		do()
	})
}

// say sends a packet, or what edit makes of it.
func (c *toyConn) say(kind string, number uint64, body string) {
	ps := []packet{{kind, number, []byte(body)}}
	if c.edit != nil {
		ps = c.edit(ps[0])
	}
	for _, p := range ps {
		octets := appendPacket(nil, p, nil, nil)
		if c.spell != nil {
			octets = c.spell(p)
		}
		c.Write(octets)
	}
}

// raw sends octets.
func (c *toyConn) raw(octets string) { c.Write([]byte(octets)) }

// begin sends the HEADER of a reply; more are further members, with a comma before each.
func (c *toyConn) begin(id, more string) (number uint64) {
	number = c.next
	c.next++
	c.say("HEADER", number, fmt.Sprintf(`{"type":"reply","request_id":%s%s}`, id, more))
	return number
}

// reply sends a whole reply.
func (c *toyConn) reply(id, more string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.begin(id, more)
	for piece := range slices.Chunk(body, chunkMax) {
		c.say("DATA", n, string(piece))
	}
	c.say("EOF", n, "")
}

func (c *toyConn) fail(id, code, text string) {
	c.reply(id, fmt.Sprintf(`,"error_code":%s,"error":%s`, quoteJSON([]byte(code)), quoteJSON([]byte(text))), nil)
}

// text returns a member that is a string.
func textOfMember(header, name string) (s string) {
	var h map[string]json.RawMessage
	json.Unmarshal([]byte(header), &h)
	json.Unmarshal(h[name], &s)
	return s
}

// caseOf parses a case whose steps are given; its rule is a MUST unless the steps have a header of their own.
func caseOf(t *testing.T, steps string) *Case {
	t.Helper()
	src := steps
	if !strings.HasPrefix(steps, "#") {
		src = "# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\n\n" + steps
	}
	c, err := Parse("it.case", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// should begins a case of a SHOULD rule.
const should = "# Something is tried here.\nrule: WIRE-FRAME-04b\nrole: server\n\n"

// with begins a case with lines in its header.
func with(lines string) string {
	return "# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\n" + lines + "\n\n"
}

var everything = map[string]bool{"echo": true, "blob": true, "slow": true, "fail": true, "count": true}

// reportOn plays one case against a server, without the check before it.
func reportOn(t *testing.T, start func() (serve func(net.Conn), stop func()), steps string, opt Options) *Report {
	t.Helper()
	s := ServerValue(start)
	s.fixtures = everything
	report, err := Run(t.Context(), s, []*Case{caseOf(t, steps)}, opt)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// resultOf is the result of one case. Nothing that is judged on every packet may be found.
func resultOf(t *testing.T, start func() (serve func(net.Conn), stop func()), steps string) Result {
	t.Helper()
	report := reportOn(t, start, steps, Options{})
	for _, r := range report.Results[1:] {
		if r.Verdict == Fail || r.Verdict == Errored {
			t.Errorf("%s is blamed: %s", r.Name, r.Text())
		}
	}
	return report.Results[0]
}

// why is what a result says besides its verdict.
func (r *Result) why() string {
	var parts []string
	for _, f := range r.Failures {
		parts = append(parts, f.Reason)
	}
	return strings.Join(append(parts, r.Notes...), "; ")
}

// wants compares a verdict, and what is said beside it.
func (r *Result) wants(t *testing.T, verdict Verdict, why string) {
	t.Helper()
	if r.Verdict != verdict || !strings.Contains(r.why(), why) || why == "" && r.why() != "" {
		t.Errorf("%s: %s\nwant %s: …%s…\n%s", r.Verdict, r.why(), verdict, why, r.Text())
	}
}

// inBubble runs f in virtual time without a tester that knows when all has come to rest.
func inBubble(t *testing.T, f func()) {
	t.Helper()
	if err := simnet.Bubble(f); err != nil {
		t.Fatal(err)
	}
}
