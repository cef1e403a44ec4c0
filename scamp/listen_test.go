package scamp

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// arrivals is a listener that accepts what a test sends it.
type arrivals struct {
	silence
	next chan any // a net.Conn or an error
}

func (l *arrivals) Accept() (net.Conn, error) {
	select {
	case x := <-l.next:
		if nc, ok := x.(net.Conn); ok {
			return nc, nil
		}
		return nil, x.(error)
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// listening runs a service in virtual time.
func listening(s *Service) (ln *arrivals, ended chan error) {
	s.Certificate = fixtures.Certificate("server")
	ln = &arrivals{silence{make(chan struct{})}, make(chan any)}
	ended = make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	return ln, ended
}

// arrive dials the listener.
func (l *arrivals) arrive(t *testing.T) (*Connection, error) {
	a, b := simnet.Pipe(0)
	l.next <- a
	return Client(t.Context(), b, Config{Fingerprint: fixtures.Fingerprint("server")})
}

type passing struct{}

func (passing) Error() string { return "too many open files" }

func (passing) Temporary() bool { return true }

func (passing) Timeout() bool { return false }

func TestServeGoesOnAfterErrorsThatPass(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &Service{Mux: echoes()}
		ln, ended := listening(s)
		start := time.Now()
		for range 12 {
			ln.next <- &net.OpError{Op: "accept", Err: passing{}}
		}
		c, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 4*time.Second || took > 7*time.Second {
			t.Error("pauses of", took)
		}
		if got, err := calling(c, t.Context(), NewRequest("Test.echo", []byte("{}")))(); got != "{}" || err != nil {
			t.Error(got, err)
		}
		ln.next <- errors.New("the end")
		if err := <-ended; err.Error() != "the end" {
			t.Error(err)
		}
		if got, err := calling(c, t.Context(), NewRequest("Test.echo", []byte("{}")))(); got != "{}" || err != nil {
			t.Error("connections end with their listener:", got, err)
		}
		s.Close()
		if <-c.Done(); c.Err() != errPeerClosed {
			t.Error(c.Err())
		}
		c.Close()
	})
}

func TestClosingInThePause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &Service{Mux: echoes()}
		ln, ended := listening(s)
		ln.next <- &net.OpError{Op: "accept", Err: passing{}}
		synctest.Wait()
		s.Close()
		if err := <-ended; err != ErrServiceClosed {
			t.Error(err)
		}
	})
}

func TestConnectionsAreBounded(t *testing.T) { // WIRE-CONN-08
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		s := handled(false, func(context.Context, *ReplyWriter, *Request) error { <-release; return nil })
		s.MaxConnections = 2
		ln, ended := listening(s)
		silent, b := simnet.Pipe(0)
		ln.next <- silent // has not begun its handshake, and counts
		c, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ln.arrive(t); err == nil {
			t.Fatal("a third connection")
		}
		time.Sleep(10 * time.Second) // the silent one is given up (WIRE-TLS-06)
		if _, err := b.Read(make([]byte, 1)); err == nil {
			t.Fatal("a silent peer is kept")
		}
		calling(c, t.Context(), NewRequest("Test.it", []byte("{}")))
		synctest.Wait()
		c.Close()
		d, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ln.arrive(t); err == nil {
			t.Fatal("a connection is forgotten while its handler runs")
		}
		close(release)
		synctest.Wait()
		e, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
		e.Close()
		s.Close()
		<-ended
	})
}

func TestWhatDoesNotServe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &Service{Mux: echoes()}
		if err := s.Serve(&silence{make(chan struct{})}); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Error(err)
		}
		s.Close()
		ln, ended := listening(s)
		if err := <-ended; err != ErrServiceClosed {
			t.Error(err)
		}
		<-ln.done // it owns the listener
		a, b := simnet.Pipe(0)
		if err := s.ServeConn(a); err != ErrServiceClosed {
			t.Error(err)
		}
		if _, err := b.Read(make([]byte, 1)); err == nil {
			t.Error("it owns the connection")
		}
	})
}

// TestClosingInTheHandshake: Close does not wait for a peer that says nothing.
func TestClosingInTheHandshake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &Service{Mux: echoes()}
		ln, ended := listening(s)
		a, b := simnet.Pipe(0)
		ln.next <- a
		synctest.Wait()
		start := time.Now()
		s.Close()
		<-ended
		if time.Since(start) != 0 {
			t.Error("it took", time.Since(start))
		}
		io.Copy(io.Discard, b)
		b.Close()
	})
}

// TestClosingWhileServeBegins: Close returns, whenever Serve comes.
func TestClosingWhileServeBegins(t *testing.T) {
	for range 300 {
		bubble(t, func(t *testing.T) {
			s := &Service{Mux: echoes(), Certificate: fixtures.Certificate("server")}
			ln := &silence{done: make(chan struct{})}
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(ln) }()
			runtime.Gosched()
			s.Close()
			if err := <-ended; err != ErrServiceClosed {
				t.Error(err)
			}
		})
	}
}

// silence is a listener to which nobody comes.
type silence struct{ done chan struct{} }

func (l *silence) Accept() (net.Conn, error) { <-l.done; return nil, net.ErrClosed }

func (l *silence) Addr() net.Addr { return &net.TCPAddr{} }

func (l *silence) Close() error {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	return nil
}
