package scamp

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSenderStopsAtTheWindowAndResumes(t *testing.T) { // WIRE-FLOW-05a, WIRE-FLOW-08
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		m, err := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := m.Write(make([]byte, 70000))
			done <- err
		}()
		s.want(`HEADER 0 {"type":"notify"}`)
		for range 4 {
			s.want("DATA 0 \x00*16384")
		}
		s.idle()
		s.give("ACK 0 1000")
		s.want("DATA 0 \x00*1000")
		s.idle()
		s.give("ACK 0 65536")
		s.want("DATA 0 \x00*3464")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		m.Close()
		s.want("EOF 0")
		s.give("ACK 0 99999", "ACK 7 x") // ended, never opened: ignored (WIRE-FLOW-03)
		s.idle()
	})
}

func TestAStalledMessageHoldsUpNoOther(t *testing.T) { // WIRE-FLOW-05b
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		first, _ := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		go first.Write(make([]byte, 100000))
		s.want(`HEADER 0 {"type":"notify"}`, "DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384")
		second, _ := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		second.Write([]byte("x"))
		second.Close()
		s.want(`HEADER 1 {"type":"notify"}`, "DATA 1 x", "EOF 1")
		s.idle()
	})
}

func TestCancellingAbortsAMessageHalfSent(t *testing.T) { // WIRE-TIME-12
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		m, _ := c.NewMessage(ctx, Header{Type: TypeNotify})
		start := time.Now()
		n, err := m.Write(make([]byte, 70000))
		if !errors.Is(err, context.DeadlineExceeded) || n != 65536 || time.Since(start) != time.Minute {
			t.Fatal(n, err, time.Since(start))
		}
		s.want(`HEADER 0 {"type":"notify"}`, "DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384",
			"TXERR 0 context deadline exceeded")
		s.idle()
	})
}

func TestFatalPackets(t *testing.T) {
	for give, rule := range map[string]string{
		"HEADER 1 {}": "WIRE-MSG-01b",
		"DATA 0 x":    "WIRE-MSG-03",
		"EOF 0":       "WIRE-MSG-04",
		"TXERR 0 x":   "WIRE-MSG-04",
		"HEADER 0 []": "WIRE-HDR-01c",
		"HEADER 0 {":  "WIRE-HDR-01b",
		"ACK 0 0":     "WIRE-FLOW-04a",
		"ACK 0 65537": "WIRE-FLOW-04c",
		"FOO 0 x":     "WIRE-FRAME-13b",
		"EOF 0 x":     "WIRE-MSG-05b",
	} {
		bubble(t, func(t *testing.T) {
			c, s := scripted(t, Config{Accept: true})
			m, _ := c.NewMessage(t.Context(), Header{Type: TypeNotify})
			go m.Write(make([]byte, 70000))
			s.want(`HEADER 0 {"type":"notify"}`, "DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384")
			s.give(give)
			s.closed()
			e := new(ProtocolError)
			if !errors.As(c.Err(), &e) || e.Rule != rule {
				t.Errorf("%s: %v, want %s", give, c.Err(), rule)
			}
		})
	}
}

func TestAcknowledgesWhatIsRead(t *testing.T) { // WIRE-FLOW-07a
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true})
		s.give(`HEADER 0 {"type":"notify"}`, "DATA 0 hello", "DATA 0", "DATA 0 world")
		s.idle() // nothing read, nothing acknowledged
		m, err := c.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(io.LimitReader(m, 10))
		s.want("ACK 0 10")
		s.give("TXERR 0 oops")
		_, err = m.Read(make([]byte, 1))
		if e := new(AbortError); string(got) != "helloworld" || !errors.As(err, &e) || e.Text != "oops" {
			t.Fatal(string(got), err)
		}
		s.idle()
	})
}

func TestClosingAReaderStillAcknowledges(t *testing.T) { // WIRE-FLOW-07b
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true})
		s.give(`HEADER 0 {"type":"notify"}`, "DATA 0 hello")
		m, _ := c.Accept(t.Context())
		m.Close()
		s.want("ACK 0 5")
		s.give("DATA 0 world")
		s.want("ACK 0 10")
		s.give("EOF 0")
		s.idle()
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.in) != 0 || c.buffered != 0 {
			t.Fatal("something is left", len(c.in), c.buffered)
		}
	})
}

func TestNothingIsLeftOfACall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &Service{Mux: echoes()}
		c := linked(t, s, Config{})
		for _, n := range []int{0, 1, 16384, 65536, 131072, 262144, 1 << 20} {
			r, err := c.Call(t.Context(), NewRequest("test.ECHO", []byte(strings.Repeat("x", n))))
			if err != nil {
				t.Fatal(err)
			}
			b, err := r.ReadAll(0)
			if err != nil || len(b) != n {
				t.Fatal(n, len(b), err)
			}
		}
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		for k := range s.connections {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.busy() || k.buffered != 0 || len(k.handlings) != 0 {
				t.Errorf("the service still has in %d, out %d, serving %d, buffered %d", len(k.in), len(k.out), k.serving, k.buffered)
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.busy() || c.buffered != 0 {
			t.Errorf("the client still has in %d, out %d, calls %d, buffered %d", len(c.in), len(c.out), len(c.calls), c.buffered)
		}
	})
}

func TestIdleConnectionsEnd(t *testing.T) { // WIRE-TIME-01, 02, 03, 10
	bubble(t, func(t *testing.T) {
		s := &Service{Mux: echoes(), Config: Config{IdleTimeout: -1}}
		c := linked(t, s, Config{})
		start := time.Now()
		time.Sleep(time.Minute)
		if _, err := c.Call(t.Context(), NewRequest("Test.echo", nil)); err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if took := time.Since(start); took < 150*time.Second || took > 151*time.Second || c.Err() != ErrIdle {
			t.Fatal(took, c.Err())
		}
	})
}

func TestHeartbeat(t *testing.T) { // WIRE-TIME-08, 09
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Heartbeat: 15 * time.Second, IdleTimeout: -1})
		s.give("PING 7 x")
		s.want("PONG 7")
		time.Sleep(15 * time.Second)
		s.want("PING 0")
		s.give("PONG 0")
		time.Sleep(15 * time.Second)
		s.want("PING 0")
		time.Sleep(15 * time.Second)
		s.closed()
		if c.Err() != ErrNoPong {
			t.Fatal(c.Err())
		}
	})
}

func TestLossFailsWhatIsOutstandingOnce(t *testing.T) { // WIRE-CONN-03, WIRE-MSG-12
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		type outcome struct {
			reply *Reply
			err   error
		}
		done := make(chan outcome)
		for range 10 {
			go func() {
				r, err := c.Call(t.Context(), NewRequest("a", make([]byte, 100000)))
				done <- outcome{r, err}
			}()
		}
		synctest.Wait()
		s.nc.Reset()
		for range 10 {
			o := <-done
			e := new(ConnectionError)
			if !errors.As(o.err, &e) || !e.Sent {
				t.Fatal(o.err)
			}
		}
		if _, err := c.Call(t.Context(), NewRequest("a", nil)); err == nil || err.(*ConnectionError).Sent {
			t.Fatal(err)
		}
	})
}
