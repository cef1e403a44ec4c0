package interpose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// wrapped returns an endpoint's end behind filters, and the peer's.
func wrapped(cfg Config) (endpoint *Conn, peer *simnet.Conn) {
	a, b := simnet.Pipe(0)
	return Wrap(a, cfg), b
}

// in sends octets to the endpoint in pieces and returns what it reads until the end.
func in(t *testing.T, cfg Config, pieces ...[]byte) string {
	t.Helper()
	endpoint, peer := wrapped(cfg)
	go func() {
		for _, b := range pieces {
			peer.Write(b)
		}
		peer.Close()
	}()
	got, err := io.ReadAll(endpoint)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading ends with %v", err)
	}
	return string(got)
}

// out lets the endpoint write octets in pieces and returns what the peer reads until the end.
func out(t *testing.T, cfg Config, pieces ...[]byte) string {
	t.Helper()
	endpoint, peer := wrapped(cfg)
	go func() {
		for _, b := range pieces {
			if n, err := endpoint.Write(b); err == nil && n != len(b) {
				t.Errorf("%d of %d octets are written, without an error", n, len(b))
			}
		}
		endpoint.Close()
	}()
	got, _ := io.ReadAll(peer)
	return string(got)
}

func pass(f *Flow, p Packet) { f.Pass(p) }

// segments cuts octets at random.
func segments(rnd *rand.Rand, b []byte) (pieces [][]byte) {
	for len(b) > 0 {
		n := min(len(b), 1+rnd.IntN(1+rnd.IntN(40)))
		pieces = append(pieces, b[:n])
		b = b[n:]
	}
	return pieces
}

// traffic makes octets that are packets, nearly packets, or anything.
func traffic(rnd *rand.Rand) (b []byte) {
	types := []string{"HEADER", "DATA", "EOF", "TXERR", "ACK", "PING", "PONG", "NOOP", "", "data"}
	for range rnd.IntN(8) {
		body := make([]byte, rnd.IntN(60))
		for i := range body {
			body[i] = byte(rnd.Uint32())
		}
		p := Packet{Type: types[rnd.IntN(len(types))], Number: rnd.Uint64() >> rnd.IntN(64), Body: body}
		switch rnd.IntN(12) {
		case 0:
			p.Line = []string{"DATA 0 1\n", "EOF 00 0\r\n", "\r\n", "DATA 0 99999999\r\n", strings.Repeat("x", 100)}[rnd.IntN(5)]
		case 1:
			p.Trailer = []string{"end\r\n", "END", "\r\n"}[rnd.IntN(3)]
		case 2:
			whole := p.Append(nil)
			return append(b, whole[:min(len(whole), rnd.IntN(5))]...)
		}
		b = p.Append(b)
	}
	return b
}

// A Conn cannot be told from none: without filters, and with filters that pass on what they are shown, any octets in any
// segmentation arrive as they are.
func TestTransparent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		stream := traffic(rnd)
		for name, cfg := range map[string]Config{
			"no filters": {}, "passing filters": {In: pass, Out: pass}, "half duplex": {HalfDuplex: true, In: pass},
			"a tolerance": {In: pass, Tolerate: func([]byte) (p Packet, n int, more bool) { return p, 0, false }},
			"hooks":       {Read: func([]byte) bool { return true }, End: func(*Flow) {}},
		} {
			if got := in(t, cfg, segments(rnd, stream)...); got != string(stream) {
				t.Fatalf("%d, %s: in comes %q, not %q", i, name, got, stream)
			}
			// What is no whole packet at the end of a write stays back until it is.
			got := out(t, cfg, segments(rnd, stream)...)
			if !strings.HasPrefix(string(stream), got) || cfg.Out == nil && len(got) < len(stream) {
				t.Fatalf("%d, %s: out goes %q, not %q", i, name, got, stream)
			}
		}
	}
}

func FuzzTransparent(f *testing.F) {
	f.Add([]byte("DATA 0 2\r\n{}END\r\nEOF 0 0\r\nEND\r\n"), uint8(3))
	f.Add([]byte("DATA 0 2\r\n{}end\r\n"), uint8(0))
	f.Add([]byte("\x00\xff"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		var pieces [][]byte
		for b := stream; len(b) > 0; {
			n := min(len(b), int(size)+1)
			pieces = append(pieces, b[:n])
			b = b[n:]
		}
		shown := 0
		count := func(f *Flow, p Packet) {
			shown += len(p.Append(nil))
			f.Pass(p)
		}
		if got := in(t, Config{In: count}, pieces...); got != string(stream) || shown != len(stream) {
			t.Fatalf("in comes %q, not %q", got, stream)
		}
	})
}

// What is no packet is shown as it is, at the moment at which that is clear, and nothing after it is taken for one.
func TestWhatIsNoPacket(t *testing.T) {
	for _, tc := range []struct {
		stream string
		want   string // what the filter is shown: types, or octets in brackets
	}{
		{"EOF 0 0\r\nEND\r\nDATA 7 2\r\n{}END\r\n", "EOF DATA"},
		{"EOF 0 0\r\nEND\r\nhello\r\nEOF 0 0\r\nEND\r\n", `EOF ["hello\r\nEOF 0 0\r\nEND\r\n"]`},
		{"EOF 0 0\r\nEND\r\nEOF 1 0\r\nEN", `EOF ["EOF 1 0\r\nEN"]`},
		{"DATA 0 99999999\r\n", `["DATA 0 99999999\r\n"]`},
		{"", ""},
	} {
		var shown []string
		cfg := Config{In: func(f *Flow, p Packet) {
			if p.Type == "" {
				shown = append(shown, fmt.Sprintf("[%q]", p.Body))
			} else {
				shown = append(shown, p.Type)
			}
			f.Pass(p)
		}}
		in(t, cfg, []byte(tc.stream))
		if got := strings.Join(shown, " "); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.stream, got, tc.want)
		}
	}
}

func TestAppend(t *testing.T) {
	for _, tc := range []struct {
		p    Packet
		want string
	}{
		{Packet{Type: "DATA", Number: 7, Body: []byte("größe")}, "DATA 7 7\r\ngrößeEND\r\n"},
		{Packet{Type: "EOF"}, "EOF 0 0\r\nEND\r\n"},
		{Packet{Body: []byte("hello")}, "hello"},
		{Packet{Type: "DATA", Body: []byte("x"), Line: "DATA 0 01\n", Trailer: "end"}, "DATA 0 01\nxend"},
	} {
		if got := string(tc.p.Append([]byte("-"))); got != "-"+tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

const stream = "HEADER 0 2\r\n{}END\r\nDATA 0 3\r\nabcEND\r\nEOF 0 0\r\nEND\r\n"

// Filters drop, alter, add to and delay what they are shown, in either direction.
func TestFilters(t *testing.T) {
	for _, tc := range []struct {
		name   string
		filter func() Filter
		want   string
	}{
		{"drops", func() Filter {
			return func(f *Flow, p Packet) {
				if p.Type != "DATA" {
					f.Pass(p)
				}
			}
		}, "HEADER 0 2\r\n{}END\r\nEOF 0 0\r\nEND\r\n"},
		{"alters", func() Filter {
			return func(f *Flow, p Packet) {
				p.Number++
				p.Body = bytes.ToUpper(p.Body)
				f.Pass(p)
			}
		}, "HEADER 1 2\r\n{}END\r\nDATA 1 3\r\nABCEND\r\nEOF 1 0\r\nEND\r\n"},
		{"adds", func() Filter {
			return func(f *Flow, p Packet) {
				f.Pass(p)
				f.Pass(Packet{Type: "PING"})
			}
		}, "HEADER 0 2\r\n{}END\r\nPING 0 0\r\nEND\r\nDATA 0 3\r\nabcEND\r\nPING 0 0\r\nEND\r\nEOF 0 0\r\nEND\r\nPING 0 0\r\nEND\r\n"},
		{"holds back", func() Filter {
			var held []Packet
			return func(f *Flow, p Packet) {
				if p.Type == "EOF" {
					f.Pass(p)
					for _, h := range held {
						f.Pass(h)
					}
					return
				}
				held = append(held, p)
			}
		}, "EOF 0 0\r\nEND\r\nHEADER 0 2\r\n{}END\r\nDATA 0 3\r\nabcEND\r\n"},
		{"ends behind the second", func() Filter {
			n := 0
			return func(f *Flow, p Packet) {
				f.Pass(p)
				if n++; n == 2 {
					f.CloseAfter()
				}
			}
		}, "HEADER 0 2\r\n{}END\r\nDATA 0 3\r\nabcEND\r\n"},
		{"ends", func() Filter { return func(f *Flow, p Packet) { f.Close() } }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var pieces [][]byte // a packet each, so that an end is between them
			for _, s := range strings.SplitAfter(stream, "END\r\n") {
				pieces = append(pieces, []byte(s))
			}
			if got := in(t, Config{In: tc.filter()}, pieces...); got != tc.want && !(tc.name == "ends behind the second" && strings.HasPrefix(got, tc.want)) {
				t.Errorf("in comes %q, want %q", got, tc.want)
			}
			if got := out(t, Config{Out: tc.filter()}, pieces...); got != tc.want {
				t.Errorf("out goes %q, want %q", got, tc.want)
			}
		})
	}
}

// What has come in one read behind the packet on which a filter ends the connection is not let in.
func TestNothingComesBehindAnEnd(t *testing.T) {
	end := func(f *Flow, p Packet) {
		if p.Type == "DATA" {
			f.Close()
			return
		}
		f.Pass(p)
	}
	const header = "HEADER 0 2\r\n{}END\r\n"
	if got := in(t, Config{In: end}, []byte(header+"DATA 0 1\r\nxEND\r\nEOF 0 0\r\nEND\r\n")); got != header {
		t.Errorf("in comes %q", got)
	}
}

// A filter keeps the packet: what comes later does not change it.
func TestPacketsAreTheFilters(t *testing.T) {
	var first Packet
	in(t, Config{In: func(f *Flow, p Packet) {
		if first.Type == "" {
			first = p
		}
	}}, []byte("DATA 0 5\r\nhelloEND\r\n"), []byte("DATA 0 5\r\nworldEND\r\n"), bytes.Repeat([]byte("x"), 1000))
	if string(first.Body) != "hello" {
		t.Errorf("%q", first.Body)
	}
}

// An answer goes to the peer, from either direction; a redirected packet goes to the peer of another connection.
func TestAnswerAndRedirect(t *testing.T) {
	other, otherPeer := wrapped(Config{})
	endpoint, peer := wrapped(Config{
		In: func(f *Flow, p Packet) {
			f.Answer(Packet{Type: "PONG", Number: p.Number})
			f.Redirect(other, p)
			if f.Conn() == nil || f.Conn() == other {
				t.Error("the flow does not know its connection")
			}
		},
		Out: func(f *Flow, p Packet) { f.Answer(p) },
	})
	go func() {
		peer.Write([]byte("PING 7 0\r\nEND\r\n"))
		peer.CloseWrite()
	}()
	if got, err := io.ReadAll(endpoint); err != nil || len(got) > 0 {
		t.Errorf("%q %v", got, err)
	}
	go func() {
		endpoint.Write([]byte("ACK 0 1\r\n5END\r\n"))
		endpoint.Close()
		other.Close()
	}()
	if got, _ := io.ReadAll(peer); string(got) != "PONG 7 0\r\nEND\r\nACK 0 1\r\n5END\r\n" {
		t.Errorf("the peer gets %q", got)
	}
	if got, _ := io.ReadAll(otherPeer); string(got) != "PING 7 0\r\nEND\r\n" {
		t.Errorf("the other peer gets %q", got)
	}
}

// What the transport brings can end the connection before it is cut into packets, and its end can add packets.
func TestReadAndEnd(t *testing.T) {
	if got := in(t, Config{Read: func(b []byte) bool { return !bytes.Contains(b, []byte("bad")) }}, []byte("good")); got != "good" {
		t.Errorf("%q", got)
	}
	if got := in(t, Config{Read: func(b []byte) bool { return !bytes.Contains(b, []byte("bad")) }}, []byte("bad")); got != "" {
		t.Errorf("%q", got)
	}
	if got := in(t, Config{In: pass, End: func(f *Flow) { f.Pass(Packet{Type: "EOF"}) }}, []byte("DATA 0 1\r\nxEND\r\nrest")); got != "DATA 0 1\r\nxEND\r\nrestEOF 0 0\r\nEND\r\n" {
		t.Errorf("%q", got)
	}
}

// A write to a connection that is over fails, and the error is the transport's.
func TestWriteError(t *testing.T) {
	endpoint, peer := wrapped(Config{})
	peer.Close()
	endpoint.Close()
	if n, err := endpoint.Write([]byte("x")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d %v", n, err)
	}
	if _, err := endpoint.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := endpoint.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Error("the error does not stay", err)
	}
}

// An endpoint that is half duplex reads nothing while a write of its own is blocked; another one does.
func TestHalfDuplex(t *testing.T) {
	for _, half := range []bool{true, false} {
		err := simnet.Bubble(func() {
			a, b := simnet.Pipe(10)
			endpoint := Wrap(a, Config{HalfDuplex: half})
			wrote := make(chan struct{})
			go func() {
				endpoint.Write(make([]byte, 20)) // more than the pipe holds
				close(wrote)
			}()
			time.Sleep(time.Second)
			got := make(chan byte, 1)
			go func() {
				p := make([]byte, 1)
				endpoint.Read(p)
				got <- p[0]
			}()
			b.Write([]byte("x"))
			time.Sleep(time.Second)
			select {
			case <-got:
				if half {
					t.Error("it reads while it writes")
				}
			default:
				if !half {
					t.Error("it does not read while it writes")
				}
			}
			io.ReadFull(b, make([]byte, 20))
			<-wrote
			if half && <-got != 'x' {
				t.Error("it does not read when it has written")
			}
			endpoint.Close()
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// Writes of several goroutines do not mix.
func TestConcurrentWrites(t *testing.T) {
	endpoint, peer := wrapped(Config{Out: pass, In: func(f *Flow, p Packet) { f.Answer(p) }})
	packet := []byte("DATA 0 100\r\n" + strings.Repeat("x", 100) + "END\r\n")
	done := make(chan struct{})
	for range 4 {
		go func() {
			for range 100 {
				endpoint.Write(packet)
			}
			done <- struct{}{}
		}()
	}
	go func() {
		for range 100 {
			peer.Write(packet)
		}
		peer.CloseWrite()
	}()
	go func() {
		io.Copy(io.Discard, endpoint)
		for range 4 {
			<-done
		}
		endpoint.Close()
	}()
	got, _ := io.ReadAll(peer)
	if want := bytes.Repeat(packet, 500); !bytes.Equal(got, want) {
		t.Errorf("%d octets, and they are not the packets", len(got))
	}
}
