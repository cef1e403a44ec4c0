package interpose

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A wire whose rules are never met cannot be told from none: any octets in any
// segmentation arrive as they are, at once.
func TestWireTransparent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 1000 {
		stream := traffic(rnd)
		pieces := segments(rnd, stream)
		for _, d := range []Direction{In, Out} {
			a, b := simnet.Pipe(0)
			c := NewWire(a, Options{Near: func(Direction, Packet) {}, Far: func(Direction, Packet) {}})
			never := &Rule{Match: Match{Types: []string{"PONG"}, Nth: 1 << 30}, Do: []Action{Drop()}}
			if i%2 == 0 {
				c.Begin(never, rnd)
			}
			var from io.Reader = c
			var to io.WriteCloser = b
			if d == Out {
				from, to = b, c
			}
			go func() {
				for _, p := range pieces {
					to.Write(p)
				}
				to.Close()
			}()
			got, _ := io.ReadAll(from)
			// What is no whole packet at the end of what is written stays back until it is.
			if d == In && string(got) != string(stream) || !bytes.HasPrefix(stream, got) {
				t.Fatalf("%d, %d: %q comes, not %q", i, d, got, stream)
			}
			c.Abort()
			b.Close()
		}
	}
}

// What the endpoint and the peer see of a packet is shown, in order.
func TestNearAndFar(t *testing.T) {
	var seen []string
	o := Options{
		Near: func(d Direction, p Packet) {
			seen = append(seen, "near "+map[Direction]string{In: "in ", Out: "out "}[d]+string(p.Body))
		},
		Far: func(d Direction, p Packet) {
			seen = append(seen, "far "+map[Direction]string{In: "in ", Out: "out "}[d]+string(p.Body))
		},
	}
	a, b := simnet.Pipe(0)
	defer b.Close()
	c := NewWire(a, o)
	defer c.Close()
	c.Begin(&Rule{Do: []Action{Truncate(2)}}, rand.New(rand.NewPCG(1, 1)))
	c.Write(packets("DATA 0 one"))
	b.Write(packets("DATA 0 two"))
	c.Read(make([]byte, 100))
	if got := strings.Join(seen, ", "); got != "near out one, far out on, far in two, near in tw" {
		t.Error(got)
	}
}

// What rules have changed is known by the request; a changed HEADER is everybody's.
func TestTainted(t *testing.T) {
	a, b := simnet.Pipe(0)
	defer b.Close()
	c := NewWire(a, Options{})
	defer c.Close()
	r := rand.New(rand.NewPCG(1, 1))
	c.Begin(SlowAcks(Both, after(time.Hour)), r)
	c.Begin(&Rule{Match: Match{Types: []string{"DATA"}, Nth: 2}, Do: []Action{Flip(1)}}, r)
	c.Begin(&Rule{Match: Match{Types: []string{"HEADER"}, Nth: 3}, Do: []Action{Flip(1)}}, r)
	c.Write(packets(`HEADER 0 {"request_id":5}`, "DATA 0 x", "ACK 3 1", `HEADER 1 {"request_id":"6"}`))
	if c.Tainted("5") || c.Tainted("6") {
		t.Error("nothing is changed yet")
	}
	c.Write(packets("DATA 1 x"))
	if c.Tainted("5") || !c.Tainted("6") || c.Foul() {
		t.Error("the second message is changed, and no other")
	}
	c.Write(packets(`HEADER 2 {"request_id":7}`))
	if !c.Tainted("5") || !c.Foul() || !c.Met() {
		t.Error("a HEADER is changed")
	}
}

// Writers wait when too much is held, until their deadline; readers read no more.
func TestHeldIsBounded(t *testing.T) {
	err := simnet.Bubble(func() {
		for _, d := range []Direction{In, Out} {
			a, b := simnet.Pipe(1000)
			c := NewWire(a, Options{MostHeld: 5000})
			r := &Rule{Do: []Action{Hold(0)}}
			c.Begin(r, rand.New(rand.NewPCG(1, 1)))
			data := packets("DATA 0 " + strings.Repeat("x", 990))
			var w net.Conn = c
			if d == In {
				w = b
				go c.Read(make([]byte, 10))
			} else {
				go io.Copy(io.Discard, b)
			}
			start := time.Now()
			w.SetWriteDeadline(start.Add(time.Second))
			wrote := 0
			for {
				n, err := w.Write(data)
				wrote += n
				if err != nil {
					if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
						t.Errorf("%v after %v", err, time.Since(start))
					}
					break
				}
			}
			if wrote < 5000 || wrote > 9000 {
				t.Errorf("%d: %d octets are taken", d, wrote)
			}
			w.SetWriteDeadline(time.Time{})
			done := make(chan bool)
			go func() {
				for range 5 {
					w.Write(data)
				}
				close(done)
			}()
			time.Sleep(time.Second)
			c.End(r)
			if d == In {
				go io.Copy(io.Discard, c)
			}
			<-done
			c.Close()
			b.Close()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Deadlines of reads hold, with something delayed and without.
func TestWireDeadlines(t *testing.T) {
	err := simnet.Bubble(func() {
		a, b := simnet.Pipe(0)
		c := NewWire(a, Options{})
		c.Begin(&Rule{Do: []Action{Delay(after(3 * time.Second))}}, rand.New(rand.NewPCG(1, 1)))
		start := time.Now()
		read := func(want time.Duration, wantErr error) {
			t.Helper()
			_, err := c.Read(make([]byte, 100))
			if got := time.Since(start); got != want || !errors.Is(err, wantErr) {
				t.Errorf("%v after %v, not %v after %v", err, got, wantErr, want)
			}
		}
		c.SetReadDeadline(start.Add(time.Second))
		read(time.Second, os.ErrDeadlineExceeded)
		b.Write(packets("PING 0"))
		c.SetReadDeadline(start.Add(2 * time.Second))
		read(2*time.Second, os.ErrDeadlineExceeded)
		c.SetDeadline(start.Add(3 * time.Second))
		time.AfterFunc(time.Second/2, func() { c.SetDeadline(start.Add(time.Minute)) })
		read(4*time.Second, nil) // it came after 1 s
		time.AfterFunc(2*time.Second, func() { c.SetReadDeadline(time.Now()) })
		read(6*time.Second, os.ErrDeadlineExceeded)
		b.Close()
		c.Close()
		read(6*time.Second, net.ErrClosed)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What is delayed outlasts Close, for a time; nothing outlasts Abort.
func TestLinger(t *testing.T) {
	for _, test := range []struct {
		delay time.Duration
		end   func(*Wire)
		want  string
	}{
		{2 * time.Second, func(c *Wire) { c.Close() }, "2s PING 0, 2s EOF"},
		{time.Minute, func(c *Wire) { c.Close() }, "31s EOF"},
		{2 * time.Second, (*Wire).Abort, "1s EOF"},
	} {
		err := simnet.Bubble(func() {
			a, b := simnet.Pipe(0)
			start := time.Now()
			c := NewWire(a, Options{})
			c.Begin(&Rule{Do: []Action{Delay(after(test.delay))}}, rand.New(rand.NewPCG(1, 1)))
			c.Write(packets("PING 0"))
			go func() {
				time.Sleep(time.Second)
				test.end(c)
				if _, err := c.Write(packets("PING 1")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("writing after the end: %v", err)
				}
			}()
			go c.Read(make([]byte, 10)) // it ends too, or the bubble does not
			if got := strings.Join(listen(b, start), ", "); got != test.want {
				t.Errorf("%v: %s, not %s", test.delay, got, test.want)
			}
			b.Close()
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// When a rule has closed a connection, its endpoint sees the end of it, whichever
// direction it was.
func TestBothSeeTheCut(t *testing.T) {
	for _, d := range []Direction{In, Out} {
		err := simnet.Bubble(func() {
			a, b := simnet.Pipe(0)
			c := NewWire(a, Options{})
			c.Begin(&Rule{Do: []Action{CloseAfter()}}, rand.New(rand.NewPCG(1, 1)))
			ended := make(chan error)
			go func() {
				_, err := io.ReadAll(c)
				ended <- err
			}()
			if d == In {
				b.Write(packets("PING 0", "PING 1"))
			} else if n, err := c.Write(packets("PING 0", "PING 1")); n != 30 || err != nil {
				t.Errorf("%d, %v: who writes does not notice", n, err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if n, err := c.Write(packets("PING 2")); n != 0 || !errors.Is(err, syscall.EPIPE) {
				t.Errorf("writing after the cut: %d, %v", n, err)
			}
			if got, _ := io.ReadAll(b); d == Out && string(got) != string(packets("PING 0")) {
				t.Errorf("the peer gets %q", got)
			}
			c.Close()
			b.Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A write that fails when nothing of it has left says so, and one that something has
// left of does not.
func TestFailedWrites(t *testing.T) {
	err := simnet.Bubble(func() {
		a, b := simnet.Pipe(100)
		c := NewWire(a, Options{})
		defer c.Close()
		c.Begin(&Rule{Match: Match{Types: []string{"DATA"}}, Do: []Action{Truncate(50)}}, rand.New(rand.NewPCG(1, 1)))
		c.SetWriteDeadline(time.Now().Add(time.Second))
		long := packets("DATA 0 "+strings.Repeat("x", 1000), "DATA 0 "+strings.Repeat("x", 1000))
		if n, err := c.Write(long); n == 0 || n >= len(long) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		b.Close()
		if n, err := c.Write(long); n != 0 || err == nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// On real sockets, with TLS above or below: a delay passes in real time, and reads that
// were interrupted for it lose nothing.
func TestWireOnSockets(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	limit := time.Now().Add(10 * time.Second)
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		nc.SetDeadline(limit)
		conn := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{fixtures.Certificate("server")}})
		io.Copy(conn, conn)
	}()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(limit)
	conn := tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	if err := conn.HandshakeContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := NewWire(conn, Options{})
	defer c.Close()
	short := func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(3 * time.Millisecond))) }
	slow := &Rule{Match: Match{From: In}, Do: []Action{Delay(short)}}
	late := &Rule{Match: Match{From: Out, Types: []string{"DATA"}}, Do: []Action{Delay(short)}}
	c.Begin(slow, rand.New(rand.NewPCG(1, 1)))
	c.Begin(late, rand.New(rand.NewPCG(1, 2)))
	c.SetReadDeadline(limit)
	c.SetWriteDeadline(limit)
	var sent []byte
	random := rand.New(rand.NewPCG(1, 3))
	for range 200 {
		sent = append(sent, packets("DATA 0 "+strings.Repeat("x", random.IntN(3000)))...)
	}
	go func() {
		for rest := sent; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(5000))
			c.Write(rest[:n])
			rest = rest[n:]
		}
	}()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%v, equal: %v", err, bytes.Equal(got, sent))
	}
	if slow.Hits() != 200 || late.Hits() != 200 {
		t.Errorf("%d and %d hits", slow.Hits(), late.Hits())
	}
}
