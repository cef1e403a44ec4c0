package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

func packetText(kind string, n int, body string) string {
	return fmt.Sprintf("%s %d %d\r\n%sEND\r\n", kind, n, len(body), body)
}

// requestText is the HEADER of a request, and the rest of it if there is a body.
func requestText(n int, action, body string) string {
	text := packetText("HEADER", n, fmt.Sprintf(`{"type":"request","action":"Conformance.%s","version":1,"envelope":"json","request_id":%d}`, action, n+1))
	if body != "" {
		text += packetText("DATA", n, body) + packetText("EOF", n, "")
	}
	return text
}

// repeated says what f returns for 0, 1, 2 … until the server does not take it any more.
func repeated(times int, f func(n int) string) func(io.Writer) error {
	return func(w io.Writer) error {
		for n := range times {
			if _, err := io.WriteString(w, f(n)); err != nil {
				return err
			}
		}
		return nil
	}
}

func once(text string) func(io.Writer) error { return repeated(1, func(int) string { return text }) }

// A million of something is more than a connection may hold.
const million = 1000000

// attacks are what hostile peers say. Each has to be cut off.
var attacks = map[string]struct {
	say       func(io.Writer) error
	neverRead bool
}{
	"negative length":       {say: once("DATA 0 -1\r\n")},
	"huge length":           {say: once("HEADER 0 9223372036854775807\r\n")},
	"null header":           {say: once(packetText("HEADER", 0, "null"))},
	"nested":                {say: once(packetText("HEADER", 0, `{"request_id":`+strings.Repeat("[", 100000)+"}"))},
	"a million open":        {say: repeated(million, func(n int) string { return requestText(n, "count", "") })},
	"line without end":      {say: once(strings.Repeat("A", 100000))},
	"not packets":           {say: once("GET / HTTP/1.1\r\nHost: example.net\r\n\r\n")},
	"number beyond 64 bits": {say: once("DATA 99999999999999999999999 0\r\n")},
	"never reads large replies": {neverRead: true,
		say: repeated(million, func(n int) string { return requestText(n, "blob", `{"bytes":60000000}`) })},
	"never reads what it is refused": {neverRead: true,
		say: repeated(million, func(n int) string { return requestText(n, "nosuch", "{}") })},
	"never reads PONGs": {neverRead: true,
		say: repeated(10*million, func(n int) string { return packetText("PING", n, "") })},
}

// hostile opens a connection on which packets can be written as they look.
func hostile(t *testing.T, s *served) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(s.uri, "beepish+tls://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// servesOthers fails unless a new connection is served, its server's memory within bounds.
func (s *served) servesOthers(t *testing.T) {
	t.Helper()
	o := scampSim(t, "", "request", "--server", s.uri, "--insecure", "Conformance.echo", `{"alive":true}`)
	if o.stdout != `{"alive":true}` {
		t.Errorf("others notice: %+v", o)
	}
	if peak, ok := peakMemory(t, s.cmd.Process.Pid); ok {
		t.Logf("resident set: %d MiB", peak>>20)
		if peak > 200<<20 {
			t.Errorf("the resident set grew to %d MiB", peak>>20)
		}
	}
}

// Peers do their worst to a real server: their connections are closed, its memory stays bounded, others do not notice.
func TestHostilePackets(t *testing.T) {
	s := serve(t)
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			c := hostile(t, s)
			defer c.Close()
			said := make(chan error, 1)
			go func() { said <- attack.say(c) }()
			s.servesOthers(t)
			if attack.neverRead {
				if err := <-said; err == nil {
					t.Error("all of it was taken in, and nothing that came back was read")
				}
			} else {
				io.Copy(io.Discard, c) // until the server closes
				<-said
			}
			s.servesOthers(t)
		})
	}
}

// A peer asks for large replies and does not read. They stop, and hold up nobody; when it reads again without
// acknowledging anything, exactly the window of each has been sent (WIRE-FLOW-05a, WIRE-FLOW-10).
func TestAPeerThatDoesNotRead(t *testing.T) {
	const replies, window = 300, 65536
	s := serve(t)
	c := hostile(t, s)
	defer c.Close()
	for n := range replies { // more than the buffers of two sockets hold
		if _, err := io.WriteString(c, requestText(n, "blob", `{"bytes":60000000}`)); err != nil {
			t.Fatal(err)
		}
	}
	s.servesOthers(t)
	if _, err := io.WriteString(c, requestText(replies, "echo", `{"last":true}`)); err != nil {
		t.Fatal("the peer cannot write any more:", err)
	}
	r := wire.NewReader(c)
	octets := map[uint64]int{}
	for open, whole := true, 0; open || whole < replies; {
		p, err := r.Read()
		if err != nil {
			t.Fatalf("after %d windows: %v", whole, err)
		}
		switch p.Type {
		case wire.TypeData:
			octets[p.Number] += len(p.Body)
			if octets[p.Number] == window {
				whole++
			}
		case wire.TypeEOF: // of the only reply that fits into its window
			open = false
		}
	}
	if _, err := io.WriteString(c, packetText("PING", 7, "")); err != nil {
		t.Fatal(err)
	}
	for {
		p, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if p.Type == wire.TypePong {
			break
		}
		t.Errorf("%v comes although the window is full", p)
	}
	s.servesOthers(t)
}
