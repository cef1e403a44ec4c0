package scamp

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// TestHostilePeers lets peers do their worst while another one makes calls: the
// hostile connections end, memory stays bounded, and nobody else notices
// (WIRE-SAFE, WIRE-CONN-08).
func TestHostilePeers(t *testing.T) {
	request := func(n int, action string) string {
		h := fmt.Sprintf(`{"type":"request","action":%q,"version":1,"envelope":"json","request_id":%d}`, action, n+1)
		return fmt.Sprintf("HEADER %d %d\r\n%sEND\r\n", n, len(h), h)
	}
	header := func(h string) string { return fmt.Sprintf("HEADER 0 %d\r\n%sEND\r\n", len(h), h) }
	deep := strings.Repeat("[", 60000) + strings.Repeat("]", 60000)
	for name, attack := range map[string]func(w io.Writer) error{
		"negative length": func(w io.Writer) error { return say(w, "DATA 0 -1\r\n") },
		"huge length":     func(w io.Writer) error { return say(w, "HEADER 0 9223372036854775807\r\n") },
		"null header":     func(w io.Writer) error { return say(w, header("null")) },
		"nested header":   func(w io.Writer) error { return say(w, header(`{"request_id":`+deep+`}`)) },
		"brackets":        func(w io.Writer) error { return say(w, header(strings.Repeat("[", 100000))) },
		"open messages": func(w io.Writer) error {
			for n := range 1000000 {
				if err := say(w, request(n, "Test.count")); err != nil {
					return err
				}
			}
			return nil
		},
		"open streams": func(w io.Writer) error {
			for n := range 1000000 {
				if err := say(w, request(n, "Test.echo")+fmt.Sprintf("DATA %d 1000\r\n%sEND\r\n", n, strings.Repeat("x", 1000))); err != nil {
					return err
				}
			}
			return nil
		},
		"never reads": func(w io.Writer) error {
			body := strings.Repeat("x", 60000)
			for n := range 1000000 {
				if err := say(w, request(n, "Test.echo")+fmt.Sprintf("DATA %d 60000\r\n%sEND\r\nEOF %d 0\r\nEND\r\n", n, body, n)); err != nil {
					return err
				}
			}
			return nil
		},
		"pings without end": func(w io.Writer) error {
			for range 10000000 {
				if err := say(w, "PING 0 0\r\nEND\r\n"); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var grown uint64
			bubble(t, func(t *testing.T) {
				svc, ran := fixture(Config{})
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
			if grown > 192<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
		})
	}
}

func say(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
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
