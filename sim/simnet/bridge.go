package simnet

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// piece is how much a bridge holds of each direction, besides what its connections hold.
const piece = 32 << 10

// Bridge lets two connections be one: what comes from one is written to the other, in
// both directions, and so are their ends. A direction that ends is ended at the other
// side and leaves the other direction as it is; a connection that breaks is reset at
// the other side. Bridge returns when both have ended, and closes them. It waits as
// long as they do: who wants to end it earlier resets one of them.
//
// It is meant to join a connection of the operating system with one of a network that
// runs in real time, so that what happens to the latter happens to the program at the
// other end of the former. A connection without CloseWrite is closed when what comes
// to it ends.
func Bridge(a, b net.Conn) {
	var once sync.Once
	fail := func() {
		once.Do(func() {
			Reset(a)
			Reset(b)
		})
	}
	over := make(chan struct{})
	var watches, directions sync.WaitGroup
	for _, c := range []net.Conn{a, b} {
		if s := beneath(c); s != nil {
			watches.Go(func() {
				select {
				case <-s.broken():
					fail() // also when nobody reads there, since the other side takes nothing
				case <-over:
				}
			})
		}
	}
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		directions.Go(func() {
			if carry(way[0], way[1]) != nil {
				fail()
			}
		})
	}
	directions.Wait()
	close(over)
	watches.Wait()
	a.Close()
	b.Close()
}

// carry writes what comes from one connection to the other, and the end.
func carry(from, to net.Conn) error {
	b := make([]byte, piece)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			if c, ok := to.(interface{ CloseWrite() error }); ok {
				return c.CloseWrite()
			}
			return to.Close()
		case err != nil:
			return err
		}
	}
}

// beneath is the stream of a network that a connection is made over, nil if there is
// none.
func beneath(c net.Conn) *Stream {
	for {
		if s, ok := c.(*Stream); ok {
			return s
		}
		over, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = over.NetConn()
	}
}

// Reset closes a connection so that its peer sees ECONNRESET, if it is one of a network
// or of TCP, or is made over one as those of crypto/tls are. Others are closed.
func Reset(c net.Conn) {
	for {
		switch r := c.(type) {
		case interface{ Reset() error }:
			r.Reset()
			c.Close()
			return
		case interface{ NetConn() net.Conn }:
			c = r.NetConn()
			continue
		case interface{ SetLinger(int) error }:
			r.SetLinger(0)
		}
		c.Close()
		return
	}
}

// The limits of Forward.
const (
	mostForwarded = 4096              // connections at a time
	longestDial   = 127 * time.Second // as systems give up
)

// Forward accepts connections until the listener is closed, and lets each be one, by a
// Bridge, with what dial returns for it. A connection for which that fails is reset,
// and so is one that comes while there are 4096. Each dial has 127 s, and ends when
// the listener is closed. Forward returns, with the error of the listener, when the
// last connection has ended.
func Forward(ln net.Listener, dial func(ctx context.Context) (net.Conn, error)) error {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	slots := make(chan struct{}, mostForwarded)
	for {
		nc, err := ln.Accept()
		switch {
		case exhausted(err):
			time.Sleep(20 * time.Millisecond)
			continue
		case err != nil:
			return err
		}
		select {
		case slots <- struct{}{}:
		default:
			Reset(nc)
			continue
		}
		all.Go(func() {
			defer func() { <-slots }()
			dialling, stop := context.WithTimeout(ctx, longestDial)
			defer stop()
			to, err := dial(dialling)
			if err != nil {
				Reset(nc)
				return
			}
			Bridge(nc, to)
		})
	}
}

// exhausted reports whether Accept failed for a reason that passes.
func exhausted(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
