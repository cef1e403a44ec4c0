package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A bridged is a service of a network in real time that programs of the operating
// system reach.
type bridged struct {
	n        *Network
	address  string
	accepted chan net.Conn // at the service
	close    func()        // lets nobody else connect, and waits until those who did have gone
}

func newBridged(t *testing.T) *bridged {
	t.Helper()
	b := &bridged{n: NewNetwork(1, true), accepted: make(chan net.Conn, 100)}
	inner, err := b.n.Host("service").Listen("tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			nc, err := inner.Accept()
			if err != nil {
				return
			}
			b.accepted <- nc
		}
	}()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.address = ln.Addr().String()
	ended, over := context.WithCancel(context.Background())
	go func() {
		defer over()
		err := Forward(ln, func(ctx context.Context) (net.Conn, error) { return b.n.Host("outside").Dial(ctx, "tcp", "service:80") })
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Forward: %v", err)
		}
	}()
	b.close = func() {
		ln.Close()
		limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		select {
		case <-ended.Done():
		case <-limit.Done():
			t.Errorf("Forward does not end:\n%s", allStacks())
		}
	}
	t.Cleanup(func() {
		b.n.Close()
		b.close()
	})
	return b
}

// connect returns both ends of a connection, which have 10 s for everything.
func (b *bridged) connect(t *testing.T) (outside *net.TCPConn, service net.Conn) {
	t.Helper()
	nc, err := net.Dial("tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	service = <-b.accepted
	deadline := time.Now().Add(10 * time.Second)
	nc.SetDeadline(deadline)
	service.SetDeadline(deadline)
	return nc.(*net.TCPConn), service
}

func TestBridgeCarriesBothDirections(t *testing.T) {
	b := newBridged(t)
	outside, service := b.connect(t)
	const size = 3 << 20
	text := make([]byte, size)
	for i := range text {
		text[i] = byte(rand.Uint32())
	}
	var wg sync.WaitGroup
	for _, ends := range [][2]net.Conn{{outside, service}, {service, outside}} {
		wg.Go(func() {
			if _, err := ends[0].Write(text); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			got := make([]byte, size)
			if _, err := io.ReadFull(ends[1], got); err != nil || !bytes.Equal(got, text) {
				t.Errorf("what arrives is not what was written: %v", err)
			}
		})
	}
	wg.Wait()
}

func TestBridgeKeepsHalfClosed(t *testing.T) {
	b := newBridged(t)
	outside, service := b.connect(t)
	io.WriteString(outside, "request")
	outside.CloseWrite()
	if got, err := io.ReadAll(service); string(got) != "request" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	io.WriteString(service, "reply")
	service.Close()
	if got, err := io.ReadAll(outside); string(got) != "reply" || err != nil {
		t.Errorf("after the other direction has ended: %q, %v", got, err)
	}
}

func TestBridgePassesResets(t *testing.T) {
	b := newBridged(t)
	reset := func(what string, c net.Conn) {
		t.Helper()
		if _, err := io.Copy(io.Discard, c); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", what, err)
		}
	}
	outside, service := b.connect(t)
	service.(*Stream).Reset()
	reset("the service resets", outside)

	outside, service = b.connect(t)
	outside.SetLinger(0)
	outside.Close()
	reset("the program resets", service)

	outside, _ = b.connect(t)
	b.n.Link(b.n.Host("outside"), b.n.Host("service")).Reset()
	reset("the link is reset", outside)

	outside, _ = b.connect(t)
	b.n.Host("service").Kill()
	reset("the service is killed", outside)

	nc, err := net.Dial("tcp", b.address) // and nobody listens behind it any more
	switch {
	case err == nil:
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		reset("nobody listens", nc)
	case !errors.Is(err, syscall.ECONNRESET): // it can be that fast
		t.Error(err)
	}
}

// forwarded plays a program that is a host, too, so that time is virtual: its connection leads to the service by way of the host
// outside.
func forwarded(t *testing.T, f func(n *Network, program, service net.Conn)) {
	virtual(t, func(t *testing.T, n *Network) {
		inner, err := n.Host("service").Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		outer, err := n.Host("outside").Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		var forwarding sync.WaitGroup
		forwarding.Go(func() {
			Forward(outer, func(ctx context.Context) (net.Conn, error) { return n.Host("outside").Dial(ctx, "tcp", "service:80") })
		})
		program, err := n.Host("program").Dial(t.Context(), "tcp", "outside:80")
		if err != nil {
			t.Fatal(err)
		}
		service, err := inner.Accept()
		if err != nil {
			t.Fatal(err)
		}
		f(n, program, service)
		outer.Close()
		program.Close()
		service.Close()
		forwarding.Wait()
	})
}

// filled writes until nothing more is taken: nobody reads at the other end.
func filled(t *testing.T, c net.Conn) (octets int) {
	t.Helper()
	c.SetWriteDeadline(time.Now().Add(time.Hour))
	octets, err := c.Write(make([]byte, 32<<20))
	if err == nil {
		t.Error("32 MiB were taken, and nobody reads them")
	}
	return octets
}

func TestBridgeHoldsLittle(t *testing.T) {
	forwarded(t, func(_ *Network, program, service net.Conn) {
		n := filled(t, program)
		program.Close()
		got, err := io.Copy(io.Discard, service)
		if err != nil || int(got) != n || n > 16<<20 {
			t.Errorf("%d octets were on their way, and %d arrive, %v", n, got, err)
		}
	})
}

// A bridge ends when one of its connections breaks, although the other one takes nothing.
func TestBridgeEndsWhileNobodyReads(t *testing.T) {
	forwarded(t, func(n *Network, program, service net.Conn) {
		filled(t, service)
		n.Host("service").Kill()
		time.Sleep(time.Second)
		Settle()
		if strings.Contains(Stacks(BubbleName()), "simnet.Bridge(") {
			t.Error("a bridge is left")
		}
		if _, err := io.Copy(io.Discard, program); !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
	})
}

func TestBridgePausesWithItsHost(t *testing.T) {
	forwarded(t, func(n *Network, program, service net.Conn) {
		resume := n.Host("service").Pause()
		io.WriteString(program, "x")
		service.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := service.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d octets reach a host that is paused", n)
		}
		service.SetReadDeadline(time.Time{})
		resume()
		if _, err := service.Read(make([]byte, 1)); err != nil {
			t.Errorf("when it goes on: %v", err)
		}
	})
}

func TestForwardEndsDialsWithItsListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dialling, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- Forward(ln, func(ctx context.Context) (net.Conn, error) {
			close(dialling)
			<-ctx.Done()
			return nil, ctx.Err()
		})
	}()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	<-dialling
	ln.Close()
	nc.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what waited for its dial: %v", err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// No goroutine of a bridge is left when its connections have ended.
func TestBridgeLeavesNothing(t *testing.T) {
	b := newBridged(t)
	for range 20 {
		outside, service := b.connect(t)
		outside.Close()
		if _, err := io.Copy(io.Discard, service); err != nil {
			t.Error(err)
		}
		service.Close()
	}
	b.close() // which waits for bridges
	if text := allStacks(); strings.Contains(text, "simnet.Bridge(") {
		t.Errorf("a bridge is left:\n%s", text)
	}
}
