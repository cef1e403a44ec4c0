package scamp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// packetText is a packet, as hostile peers write them.
func packetText(kind string, n int, body string) string {
	return fmt.Sprintf("%s %d %d\r\n%sEND\r\n", kind, n, len(body), body)
}

func requestText(n int, action string) string {
	return packetText("HEADER", n, fmt.Sprintf(`{"type":"request","action":%q,"version":1,"envelope":"json","request_id":%d}`, action, n+1))
}

func say(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

// repeated says what f returns for 0, 1, 2 … without ever reading.
func repeated(times int, f func(n int) string) func(w io.Writer) error {
	return func(w io.Writer) error {
		for n := range times {
			if err := say(w, f(n)); err != nil {
				return err
			}
		}
		return nil
	}
}

func once(s string) func(w io.Writer) error { return repeated(1, func(int) string { return s }) }

// attacks are what hostile peers do. Those that go on for ever have to be cut off.
func attacks() map[string]func(w io.Writer) error {
	x1000, x60000, x100000 := strings.Repeat("x", 1000), strings.Repeat("x", 60000), strings.Repeat("x", 100000)
	x130000, blanks := strings.Repeat("x", 130000), strings.Repeat(" ", 100000)
	deep := strings.Repeat("[", 60000) + strings.Repeat("]", 60000)
	return map[string]func(w io.Writer) error{
		"negative length": once("DATA 0 -1\r\n"),
		"huge length":     once("HEADER 0 9223372036854775807\r\n"),
		"null header":     once(packetText("HEADER", 0, "null")),
		"nested header":   once(packetText("HEADER", 0, `{"request_id":`+deep+`}`)),
		"brackets":        once(packetText("HEADER", 0, strings.Repeat("[", 100000))),
		"open messages":   repeated(1000000, func(n int) string { return requestText(n, "Test.count") }),
		"open streams": repeated(1000000, func(n int) string {
			return requestText(n, "Test.echo") + packetText("DATA", n, x1000)
		}),
		"never reads": repeated(1000000, func(n int) string {
			return requestText(n, "Test.echo") + packetText("DATA", n, x60000) + packetText("EOF", n, "")
		}),
		"never reads refusals": repeated(1000000, func(n int) string {
			return requestText(n, "No.such") + packetText("EOF", n, "")
		}),
		"pings without end": repeated(10000000, func(int) string { return "PING 0 0\r\nEND\r\n" }),
		"large ids": repeated(2000, func(n int) string {
			return packetText("HEADER", n, `{"type":"request","action":"No.such","request_id":"`+x100000+`"}`)
		}),
		"large ids of ended requests": repeated(10000, func(n int) string {
			return packetText("HEADER", n, `{"type":"request","action":"No.such","request_id":"`+x100000+`"}`) + packetText("EOF", n, "")
		}),
		"large tickets": repeated(2000, func(n int) string {
			return packetText("HEADER", n, `{"type":"request","action":"Test.count","request_id":1,"ticket":"`+x100000+`"}`)
		}),
		"large headers of dropped messages": repeated(800, func(n int) string {
			return packetText("HEADER", n, `{"type":"foo","ticket":"`+x130000+`"}`)
		}),
		"dropped messages": func(w io.Writer) error {
			repeated(40000, func(int) string { return "PING 0 0\r\nEND\r\n" })(w) // their PONGs fill the transport
			return repeated(200000, func(n int) string {
				return packetText("HEADER", n, `{}`) + packetText("DATA", n, "x") + packetText("EOF", n, "")
			})(w)
		},
		"large bodies of slow actions": repeated(100, func(n int) string {
			return requestText(n, "Test.hold") + strings.Repeat(packetText("DATA", n, blanks), 10) + packetText("DATA", n, "{}") + packetText("EOF", n, "")
		}),
		"streams that were read": func(w io.Writer) error {
			for n := range 30 {
				if err := say(w, requestText(n, "Test.lazy")+strings.Repeat(packetText("DATA", n, x100000), 40)); err != nil {
					return err
				}
				if n%15 == 14 {
					simnet.Sleep(2 * time.Second) // until the action has read them
				}
			}
			return nil
		},
	}
}

// TestHostilePeers lets peers do their worst while another one makes calls: the
// hostile connections end, memory stays bounded, and nobody else notices
// (WIRE-SAFE, WIRE-CONN-08).
func TestHostilePeers(t *testing.T) {
	for name, attack := range attacks() {
		t.Run(name, func(t *testing.T) {
			var grown uint64
			bubble(t, func(t *testing.T) {
				svc, ran := fixture(Config{})
				svc.Mux.Handle(Action{Name: "Test.lazy", NoAuth: true, Stream: true}, HandlerFunc(func(_ context.Context, _ *ReplyWriter, r *Request) error {
					time.Sleep(time.Second)
					_, err := io.Copy(io.Discard, r.Body)
					return err
				}))
				svc.Mux.HandleFunc(Action{Name: "Test.hold", NoAuth: true}, func(context.Context, *ReplyWriter, *Request) error {
					time.Sleep(50 * time.Second)
					return nil
				})
				good := linked(t, svc, Config{IdleTimeout: -1})
				before := heap()
				a, b := simnet.Pipe(0)
				ended := make(chan error, 1)
				go func() { ended <- svc.ServeConn(a) }()
				stopped := make(chan error, 1)
				go func() { stopped <- attack(b) }()
				for open := true; open; {
					r, err := good.Call(t.Context(), NewRequest("Test.echo", []byte("{}")))
					if err != nil {
						t.Fatal("somebody else notices:", err)
					}
					if _, err := r.ReadAll(0); err != nil {
						t.Fatal("somebody else notices:", err)
					}
					synctest.Wait()
					if after := heap(); after > before {
						grown = max(grown, after-before)
					}
					select {
					case <-ended:
						open = false
					case <-time.After(time.Second):
					}
				}
				b.Close()
				<-stopped
				if n := ran.Load(); n != 0 {
					t.Errorf("%d requests were executed", n)
				}
			})
			most := uint64(80 << 20) // what may be buffered, and a little
			if name == "never reads" {
				most = 128 << 20 // and what handlers need
			}
			if grown > most {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
		})
	}
}

// heap is the memory in use, what could be collected left out.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// TestLegalPeersAreNotCutOff: bounds are for peers that do not read. One that
// reads may ask for more than is served at once, and gets an answer to
// everything (WIRE-CONN-08b, WIRE-SAFE-05, WIRE-TIME-08a).
func TestLegalPeersAreNotCutOff(t *testing.T) {
	const times = 100000
	for name, test := range map[string]struct {
		say  func(n int) string
		want wire.Type
	}{
		"requests": {func(n int) string {
			return requestText(n, "Test.sleep") + packetText("DATA", n, `"1s"`) + packetText("EOF", n, "")
		}, wire.TypeEOF},
		"pings": {func(n int) string { return "PING 0 0\r\nEND\r\n" }, wire.TypePong},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				svc, _ := fixture(Config{})
				a, b := simnet.Pipe(1 << 20)
				ended := make(chan error, 1)
				go func() { ended <- svc.ServeConn(a) }()
				defer b.Close()
				go func() {
					var all bytes.Buffer // in large pieces: the service reads faster than it writes
					for n := range times {
						all.WriteString(test.say(n))
					}
					b.Write(all.Bytes())
				}()
				r := wire.NewReader(&slow{b})
				for answers := 0; answers < times; {
					p, err := r.Read()
					if err != nil {
						t.Fatalf("the connection ended after %d answers: %v", answers, <-ended)
					}
					if p.Type == test.want {
						answers++
					}
				}
			})
		})
	}
}

// slow reads 4 KiB in 20 milliseconds.
type slow struct{ io.Reader }

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	return s.Reader.Read(p[:min(len(p), 4096)])
}

// TestReadingDoesNotWaitForWriting: a peer that has stopped reading can still
// send messages to be dropped, more than any buffer holds (WIRE-FLOW-10).
func TestReadingDoesNotWaitForWriting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc := handled(false, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			_, err := w.Write(make([]byte, 60000))
			return err
		})
		a, b := simnet.Pipe(0)
		go svc.ServeConn(a)
		defer svc.Close()
		taken := make(chan error, 1)
		go func() {
			for n := range 200 {
				say(b, requestText(n, "Test.it")+packetText("DATA", n, "{}")+packetText("EOF", n, ""))
			}
			piece := strings.Repeat("y", 90000)
			for n := 200; n < 236; n++ {
				say(b, packetText("HEADER", n, `{}`))
				for range 10 {
					say(b, packetText("DATA", n, piece))
				}
				if err := say(b, packetText("EOF", n, "")); err != nil {
					taken <- err
					return
				}
			}
			taken <- nil
		}()
		synctest.Wait()
		select {
		case err := <-taken:
			if err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatal("the messages are not taken in")
		}
		s := newScript(t, b) // and every reply is there when the peer reads again
		for replies := 0; replies < 200; {
			p, ok := <-s.got
			if !ok {
				t.Fatal("the connection ended")
			}
			if p.Type.String() == "EOF" {
				replies++
			}
		}
	})
}

// TestASlowHandlerStopsNoPackets holds up one action and talks to others on the
// same connection.
func TestASlowHandlerStopsNoPackets(t *testing.T) { // WIRE-RPC-05c
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		c := linked(t, svc, Config{})
		slow := calling(c, t.Context(), NewRequest("Test.sleep", []byte(`"50s"`)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := calling(c, ctx, NewRequest("Test.echo", []byte(strings.Repeat("x", 300000))))(); len(got) != 300000 || err != nil {
			t.Fatal(len(got), err)
		}
		if got, err := slow(); got != `"awake"` || err != nil {
			t.Fatal(got, err)
		}
	})
}

// TestBoundsCanBeSwitchedOff: a negative number is no bound, also where a bound
// is a multiple of it.
func TestBoundsCanBeSwitchedOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{MaxBuffered: -1, MaxMessages: -1, MaxRequest: -1, Window: -1})
		c := linked(t, svc, Config{MaxBuffered: -1, MaxMessages: -1, MaxRequest: -1, Window: -1})
		if got, err := calling(c, t.Context(), NewRequest("Test.echo", make([]byte, 8<<20)))(); len(got) != 8<<20 || err != nil {
			t.Fatal(len(got), err)
		}
	})
}
