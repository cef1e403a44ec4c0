package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// ErrNoTest says that the subject cannot be tested: nobody listens, TLS fails, or there is no echo.
var ErrNoTest = errors.New("could not test")

// Check looks whether the subject can be tested at all, and which of the optional fixture actions it has. The error, an ErrNoTest, says what is missing and what to do.
func (s *Subject) Check(ctx context.Context, opt Options) error {
	opt.fill()
	if s.client != nil {
		return s.checkClient(ctx, opt)
	}
	var err error
	if left := s.host(ctx, &opt, func(dial func() (net.Conn, error), settle func()) {
		if err = s.greet(dial, &opt); err == nil {
			s.fixtures = s.probe(dial, &opt)
		}
	}); err == nil && left != nil {
		err = fmt.Errorf("%w: the server cannot be left in order: %w", ErrNoTest, left)
	}
	return err
}

// greet makes one echo, in the hardest words for a wrong verdict: what comes need not even be packets, as long as the
// token of the request is in it.
func (s *Subject) greet(dial func() (net.Conn, error), opt *Options) error {
	nc, err := dial()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoTest, err)
	}
	defer nc.Close()
	const token = "conformance-6d1f"
	header := fmt.Sprintf(`{"type":"request","action":%s,"version":1,"envelope":"json","request_id":1}`, quoteJSON([]byte(s.action("echo"))))
	var octets []byte
	for _, p := range []packet{{"HEADER", 0, []byte(header)}, {"DATA", 0, []byte(`"` + token + `"`)}, {"EOF", 0, nil}} {
		octets = appendPacket(octets, p, nil, nil)
	}
	deadline := time.Now().Add(opt.Timeout)
	nc.SetDeadline(deadline)
	if _, err := nc.Write(octets); err != nil {
		return s.noEcho(nil, err)
	}
	var got []byte
	var end error
	buf := make([]byte, 4096)
	for end == nil && len(got) < 1<<16 {
		var n int
		n, end = nc.Read(buf)
		got = append(got, buf[:n]...)
		if bytes.Contains(got, []byte(header)) {
			return fmt.Errorf("%w: the server sends back what it is sent; it does not speak SCAMP: %s", ErrNoTest, showOctets(got))
		}
		if bytes.Contains(got, []byte(token)) && bytes.Contains(got, []byte("END\r\n")) || bytes.Contains(dataOf(got), []byte(token)) {
			return nil
		}
		if _, whole := refusalIn(got); whole {
			break
		}
	}
	return s.noEcho(got, end)
}

// dataOf returns the octets of the DATA in what came.
func dataOf(got []byte) (body []byte) {
	var d decoder
	d.feed(got)
	for {
		p, _, ok := d.next()
		if !ok {
			return body
		}
		if p.kind == "DATA" {
			body = append(body, p.body...)
		}
	}
}

// refusalIn returns the words of the first failed reply in what came, and whether all of it is there.
func refusalIn(got []byte) (words string, whole bool) {
	var d decoder
	d.feed(got)
	for {
		p, _, ok := d.next()
		if !ok {
			return words, false
		}
		switch p.kind {
		case "HEADER":
			if h, err := parseJSON(p.body); err == nil && words == "" && (h.says("error") || h.says("error_code")) {
				m := incoming{header: h}
				words = m.errorText()
			}
		case "EOF", "TXERR":
			if words != "" {
				return words, true
			}
		}
	}
}

// noEcho says what came in place of an echo, until end.
func (s *Subject) noEcho(got []byte, end error) error {
	action := s.action("echo")
	mend := "add this action to it (its reply is its request), or name one with --echo-action"
	words, _ := refusalIn(got)
	switch {
	case words != "":
		return fmt.Errorf("%w: the server refuses %s: %s; %s", ErrNoTest, action, words, mend)
	case len(got) > 0:
		return fmt.Errorf("%w: the server does not return what %s is sent; what came begins with %s", ErrNoTest, action, showOctets(got))
	case end != nil && !errors.Is(end, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: the server closes the connection when it is sent a request for %s (%w); %s", ErrNoTest, action, end, mend)
	}
	return fmt.Errorf("%w: the server does not answer a request for %s; %s", ErrNoTest, action, mend)
}

// probe finds out which of the optional fixture actions there are.
func (s *Subject) probe(dial func() (net.Conn, error), opt *Options) map[string]bool {
	found := map[string]bool{"echo": true}
	ask := func(short, body string, with Text) (m *incoming, took time.Duration) {
		c := &Case{Role: "server", Rules: []string{"WIRE-RPC-06a"}}
		pl := newPlay(c, s, opt)
		pl.dial = dial
		defer pl.leave()
		p, err := pl.connect("a")
		if err != nil {
			return nil, 0
		}
		began := time.Now()
		if pl.send(p, Request{Number: Literal{0}, Action: Quoted{short}, Fixture: true, Body: Quoted{body}, With: with}) != nil {
			return nil, 0
		}
		pl.mu.Lock()
		defer pl.mu.Unlock()
		id := &jsonValue{kind: '0', text: "1"}
		pl.await(opt.Timeout, func() bool {
			if got := p.replies(id); len(got) > 0 {
				m = got[0]
			}
			return m != nil && m.ended || p.unusable() != nil
		})
		return m, time.Since(began)
	}
	works := func(m *incoming) bool { return m != nil && m.ended && m.abort == nil && m.success() }
	if m, _ := ask("blob", `{"bytes":3}`, nil); works(m) {
		found["blob"] = string(m.body) == `"xxx"`
	}
	if m, took := ask("slow", `{"ms":100}`, nil); works(m) {
		found["slow"] = took >= 80*time.Millisecond
	}
	// Whatever comes of fail counts, unless an action that nobody has gets the same.
	m, _ := ask("fail", `{"code":"teapot","text":"probe"}`, nil)
	if nobody, _ := ask("nobody.has.this", "{}", nil); nobody.shape() != m.shape() || m.fails("probe") {
		found["fail"] = true
	}
	if m, _ := ask("count", "{}", nil); works(m) {
		found["count"] = m.isCount()
	}
	if m, _ := ask("secured", "{}", Quoted{`{"ticket":"` + goodTicket + `"}`}); works(m) {
		found["secured"] = m.isCount()
	}
	found["heartbeat"] = s.answersPing(dial, opt)
	return found
}

// fails reports whether the text of a failure is this one.
func (m *incoming) fails(with string) bool {
	if m == nil || m.abort != nil {
		return m != nil && *m.abort == with
	}
	text, _ := m.header.get("error")
	return text.text == with
}

// shape says in which way a request was answered: not, given up, with success, with an error of some code.
func (m *incoming) shape() string {
	switch {
	case m == nil:
		return "silence"
	case m.abort != nil:
		return "abort"
	case m.success():
		return "success"
	}
	code, _ := m.header.get("error_code")
	return "error " + code.source()
}
