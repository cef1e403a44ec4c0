package simnet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

func TestPipeIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := Pipe(4096)
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

func TestAWriterWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(1000)
		done := make(chan error, 1)
		sent := bytes.Repeat([]byte("0123456789"), 500)
		go func() {
			_, err := a.Write(sent)
			a.Close()
			done <- err
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("the writer did not wait")
		default:
		}
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, sent) || <-done != nil {
			t.Fatal(len(got), err)
		}
		a.SetWriteDeadline(time.Now().Add(time.Second))
	})
}

func TestDeadlinesInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(10)
		start := time.Now()
		a.SetWriteDeadline(start.Add(time.Minute))
		n, err := a.Write(make([]byte, 20))
		if n != 10 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Fatal(n, err, time.Since(start))
		}
		b.Read(make([]byte, 10))
		b.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		a.Close()
		b.Close()
	})
}

func TestTheWaysToEnd(t *testing.T) {
	a, b := Pipe(0)
	a.Write([]byte("x"))
	a.CloseWrite()
	if got, err := io.ReadAll(b); string(got) != "x" || err != nil {
		t.Fatal(string(got), err)
	}
	if _, err := a.Write([]byte("y")); !errors.Is(err, syscall.EPIPE) {
		t.Fatal(err)
	}
	if _, err := b.Write([]byte("z")); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, err := b.Write([]byte("z")); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}

	a, b = Pipe(0)
	a.Write([]byte("lost"))
	a.Reset()
	if _, err := b.Read(make([]byte, 9)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	if _, err := a.Read(make([]byte, 9)); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}
