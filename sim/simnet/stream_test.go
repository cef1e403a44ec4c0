package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

// TestStreamsAreConns: they do what package net's connections do.
func TestStreamsAreConns(t *testing.T) {
	for name, p := range map[string]Profile{"nothing": {}, "small pieces": {Segment: 7}, "a little time": {Latency: 50 * time.Microsecond, Jitter: 50 * time.Microsecond}} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				n := NewNetwork(1, true)
				n.SetProfile(p)
				c1, c2 = connect(t, n)
				return c1, c2, func() {
					c1.Close()
					c2.Close()
					n.Close()
				}, nil
			})
		})
	}
}

// connect returns a connection between the hosts a and b.
func connect(t *testing.T, n *Network) (a, b *Stream) {
	t.Helper()
	ln, err := n.Host("b").Listen("tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	dialled := make(chan net.Conn, 1)
	go func() {
		c, err := n.Host("a").Dial(context.Background(), "tcp", "b:80")
		if err != nil {
			t.Error(err)
		}
		dialled <- c
	}()
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := <-dialled
	if c == nil {
		t.FailNow()
	}
	ln.Close()
	return c.(*Stream), accepted.(*Stream)
}

// virtual runs f with a network in virtual time.
func virtual(t *testing.T, f func(t *testing.T, n *Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork(1, false)
		defer n.Close()
		f(t, n)
	})
}

func TestTimeOnALink(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		n.SetProfile(Profile{Latency: 10 * time.Millisecond, Bandwidth: 1000})
		start := time.Now()
		a, b := connect(t, n)
		if d := time.Since(start).Round(time.Millisecond); d != 20*time.Millisecond {
			t.Errorf("connecting takes %v", d)
		}
		start = time.Now()
		a.Write(make([]byte, 500))
		a.Write(make([]byte, 500))
		if _, err := io.ReadFull(b, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start).Round(time.Millisecond); d != 1010*time.Millisecond {
			t.Errorf("1000 octets take %v", d)
		}
	})
}

func TestWhatIsWrittenInAnInstantIsOnePiece(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		a, b := connect(t, n)
		for _, segment := range []int{0, 1, 3} {
			n.Link(n.Host("a"), n.Host("b")).SetProfile(Profile{Latency: time.Millisecond, Segment: segment})
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() { a.Write([]byte("xy")) })
			}
			wg.Wait()
			var sizes []int
			for got := 0; got < 10; {
				p := make([]byte, 100)
				k, err := b.Read(p)
				if err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, k)
				got += k
			}
			if want := map[int]int{0: 1, 1: 10, 3: 4}[segment]; len(sizes) != want {
				t.Errorf("pieces of at most %d: %v", segment, sizes)
			}
		}
	})
}

func TestAWriterWaitsForTheReader(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		n.SetProfile(Profile{Buffer: 1000})
		a, b := connect(t, n)
		var written atomic.Int64
		go func() {
			for {
				k, err := a.Write(make([]byte, 300))
				if written.Add(int64(k)); err != nil {
					return
				}
			}
		}()
		time.Sleep(time.Second)
		if n := written.Load(); n != 900 { // and 100 of the fourth
			t.Errorf("%d octets are written before any is read", n)
		}
		io.ReadFull(b, make([]byte, 500))
		time.Sleep(time.Second)
		if n := written.Load(); n != 1500 {
			t.Errorf("%d octets are written when 500 are read", n)
		}
		b.Close()
		time.Sleep(time.Second)
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("to a peer that has left: %v", err)
		}
	})
}

func TestEndsOfStreams(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		n.SetProfile(Profile{Latency: time.Millisecond})
		a, b := connect(t, n)
		a.Write([]byte("last"))
		a.CloseWrite()
		if got, err := io.ReadAll(b); string(got) != "last" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("after CloseWrite: %v", err)
		}
		b.Write([]byte("answer"))
		b.Close()
		if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
			t.Errorf("the other direction: %q, %v", got, err)
		}
		a.Close()
		if err := a.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}

		a, b = connect(t, n)
		a.Write([]byte("unread"))
		a.Reset()
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after a reset: %v", err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("at who resets: %v", err)
		}
	})
}

func TestWhoCannotBeReached(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		n.SetProfile(Profile{Latency: 5 * time.Millisecond})
		a, b := n.Host("a"), n.Host("b")
		start := time.Now()
		_, err := a.Dial(t.Context(), "tcp", "b:80")
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) < 10*time.Millisecond {
			t.Errorf("nobody listens: %v", err)
		}
		var dns *net.DNSError
		if _, err := a.Dial(t.Context(), "tcp", "c:80"); !errors.As(err, &dns) {
			t.Errorf("an unknown host: %v", err)
		}
		b.Crash()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := a.Dial(ctx, "tcp", "b:80"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a host that has crashed: %v", err)
		}
		if _, err := b.Listen("tcp", ":80"); err == nil {
			t.Error("a host that has crashed listens")
		}
	})
}

func TestLostSegmentsComeLater(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		n.SetProfile(Profile{Latency: time.Millisecond, Loss: 0.3, Segment: 10})
		a, b := connect(t, n)
		sent := bytes.Repeat([]byte("0123456789"), 100)
		go a.Write(sent)
		start := time.Now()
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%v", err)
		}
		if d := time.Since(start); d < 200*time.Millisecond {
			t.Errorf("all comes within %v", d)
		}
		if c := n.Link(n.Host("a"), n.Host("b")).Counts(n.Host("a")); c.Lost < 10 || c.Octets != 1000 {
			t.Errorf("%+v", c)
		}
	})
}

// TestHaste: who writes without having set the deadline at that instant is counted, but not for what he writes before he sets one for the
// first time.
func TestHaste(t *testing.T) {
	err := Bubble(func() {
		n := NewNetwork(1, false)
		defer n.Close()
		a, b := n.Host("a"), n.Host("b")
		ln, err := b.Listen("tcp", ":1")
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		c, err := a.Dial(context.Background(), "tcp", "b:1")
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		for i, step := range []struct {
			do   func()
			want int
		}{
			{func() { c.Write([]byte("hello")) }, 1},
			{func() { c.Write([]byte("hello")) }, 2},
			{func() { c.SetReadDeadline(time.Now().Add(time.Hour)) }, 2},
			{func() { c.SetWriteDeadline(time.Now().Add(time.Hour)); c.Write([]byte("x")); c.Write([]byte("y")) }, 0},
			{func() { time.Sleep(time.Nanosecond) }, 0},
			{func() { c.Write([]byte("late")) }, 1},
			{func() { c.SetDeadline(time.Time{}); c.Write([]byte("in time")) }, 1},
		} {
			if step.do(); a.Hasty() != step.want || b.Hasty() != 0 {
				t.Errorf("after step %d: %d, %d", i, a.Hasty(), b.Hasty())
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}
