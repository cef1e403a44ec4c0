package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
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
	done := make(chan error, 1)
	go func() {
		done <- Forward(ln, func(ctx context.Context) (net.Conn, error) { return b.n.Host("outside").Dial(ctx, "tcp", "service:80") })
	}()
	t.Cleanup(func() {
		ln.Close()
		b.n.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Forward: %v", err)
		}
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

// filled writes until nothing more is taken: nobody reads at the other end.
func filled(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	if _, err := c.Write(make([]byte, 32<<20)); err == nil {
		t.Fatal("32 MiB were taken, and nobody reads them")
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

	outside, service = b.connect(t)
	filled(t, service)
	b.n.Host("service").Kill()
	noBridges(t) // although nobody reads
	reset("the service is killed while the program does not read", outside)

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

func TestBridgeHoldsLittle(t *testing.T) {
	b := newBridged(t)
	outside, service := b.connect(t)
	filled(t, outside)
	service.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	n, _ := io.Copy(io.Discard, service)
	if n > 16<<20 {
		t.Errorf("%d octets were on their way", n)
	}
}

func TestBridgePausesWithItsHost(t *testing.T) {
	b := newBridged(t)
	outside, service := b.connect(t)
	resume := b.n.Host("service").Pause()
	io.WriteString(outside, "x")
	service.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := service.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d octets reach a host that is paused", n)
	}
	service.SetReadDeadline(time.Now().Add(10 * time.Second))
	resume()
	if _, err := service.Read(make([]byte, 1)); err != nil {
		t.Errorf("when it goes on: %v", err)
	}
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
	noBridges(t)
}

// noBridges waits until no bridge is left.
func noBridges(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for left := 1; left > 0; runtime.Gosched() {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		if left = strings.Count(string(all), "simnet.Bridge("); left > 0 && time.Now().After(deadline) {
			t.Fatalf("%d bridges are left:\n%s", left, all)
		}
	}
}
