package scamp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A brittle transport does what a test says instead of writing.
type brittle struct {
	*simnet.Conn
	mu     sync.Mutex
	writes int                                // so far
	write  func(n int, p []byte) (int, error) // the n-th write, from 1; nil: it is written
}

func (f *brittle) Write(p []byte) (int, error) {
	f.mu.Lock()
	f.writes++
	n, write := f.writes, f.write
	f.mu.Unlock()
	if write != nil {
		return write(n, p)
	}
	return f.Conn.Write(p)
}

// then lets the transport do something from the next write on, which is number 1.
func (f *brittle) then(write func(n int, p []byte) (int, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes, f.write = 0, write
}

var errBrittle = errors.New("the transport is broken")

// newBrittle returns a connection over a transport that can be broken, without TLS or
// with it, to a service that answers everything.
func newBrittle(t *testing.T, secured bool) (*Connection, *brittle) {
	a, b := simnet.Pipe(0)
	f := &brittle{Conn: a}
	s := &Service{Mux: echoes()}
	var nc, peer net.Conn = f, b
	if secured {
		cert := lightCertificate()[0]
		server := secure(b, serverTLS(cert), tls.Server)
		go server.Handshake()
		client := secure(f, must(ClientTLS(Config{Fingerprint: Fingerprint(cert.Certificate[0])})), tls.Client)
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		nc, peer = client, server
	}
	go s.ServeConn(peer)
	c := NewConnection(nc, Config{})
	t.Cleanup(func() {
		c.Close()
		s.Close()
	})
	return c, f
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func echo(c *Connection, ctx context.Context, body io.Reader) error {
	reply, err := c.Call(ctx, &Request{Header: Header{Action: "Test.echo"}, Body: body})
	if err == nil {
		_, err = reply.ReadAll(0)
	}
	return err
}

// TestWhatIsKnownOfAFailedWrite: a request counts as unsent only if certainly nothing
// that the peer can read has left.
func TestWhatIsKnownOfAFailedWrite(t *testing.T) { // WIRE-ERR-07c, DISC-RTE-04d
	nothing := func(int, []byte) (int, error) { return 0, errBrittle }
	for name, test := range map[string]struct {
		write func(f *brittle) func(n int, p []byte) (int, error)
		size  int
		warm  bool // calls have been made before: the caller writes itself
		sent  bool
	}{
		"nothing":                 {func(*brittle) func(int, []byte) (int, error) { return nothing }, 10, false, false},
		"nothing, of the caller":  {func(*brittle) func(int, []byte) (int, error) { return nothing }, 10, true, false},
		"nothing of a large body": {func(*brittle) func(int, []byte) (int, error) { return nothing }, 300000, true, false},
		"one octet": {func(f *brittle) func(int, []byte) (int, error) {
			return func(_ int, p []byte) (int, error) { return 1, errBrittle }
		}, 10, true, true},
		"all, and an error": {func(f *brittle) func(int, []byte) (int, error) {
			return func(_ int, p []byte) (int, error) {
				n, _ := f.Conn.Write(p)
				return n, errBrittle
			}
		}, 10, true, true},
		"the second batch": {func(f *brittle) func(int, []byte) (int, error) {
			return func(n int, p []byte) (int, error) {
				if n == 1 {
					return f.Conn.Write(p)
				}
				return 0, errBrittle
			}
		}, 300000, true, true},
		"the reader is first": {func(f *brittle) func(int, []byte) (int, error) {
			return func(n int, p []byte) (int, error) {
				f.Conn.Reset()
				simnet.Sleep(time.Second)
				return 0, errBrittle
			}
		}, 10, true, true},
	} {
		for _, secured := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				c, f := newBrittle(t, secured)
				if test.warm {
					for range 3 {
						if err := echo(c, t.Context(), newWhole([]byte("x"))); err != nil {
							t.Fatal(err)
						}
					}
				}
				synctest.Wait()
				f.then(test.write(f))
				err := echo(c, t.Context(), newWhole(make([]byte, test.size)))
				lost, ok := err.(*ConnectionError)
				if !ok || lost.Sent != test.sent {
					t.Errorf("%s, TLS %v: %v, %+v", name, secured, err, lost)
				}
			})
		}
	}
}

// TestARequestBehindAStuckWriteIsUnsent: what no batch was made of has not left.
func TestARequestBehindAStuckWriteIsUnsent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, f := newBrittle(t, false)
		f.then(func(n int, p []byte) (int, error) {
			time.Sleep(time.Minute)
			return 0, errBrittle
		})
		errs := make(chan error, 2)
		go func() { errs <- echo(c, t.Context(), newWhole([]byte("x"))) }()
		synctest.Wait()
		go func() { errs <- echo(c, t.Context(), newWhole([]byte("y"))) }()
		for range 2 {
			if lost, ok := (<-errs).(*ConnectionError); !ok || lost.Sent {
				t.Errorf("%+v", lost)
			}
		}
	})
}

// TestNothingIsWrittenBehindAGap: the peer would take it for what it is not.
func TestNothingIsWrittenBehindAGap(t *testing.T) { // WIRE-FRAME-15b
	for range 200 {
		bubble(t, func(t *testing.T) {
			c, f := newBrittle(t, false)
			for range 2 {
				if err := echo(c, t.Context(), newWhole([]byte("x"))); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			var more sync.WaitGroup
			f.then(func(n int, p []byte) (int, error) {
				if n > 1 {
					t.Errorf("write %d, of %d octets", n, len(p))
					return len(p), nil
				}
				for range 10 { // there is more to write when this write fails
					more.Go(func() { echo(c, t.Context(), newWhole([]byte("y"))) })
				}
				time.Sleep(time.Second)
				return 0, errBrittle
			})
			if err := echo(c, t.Context(), newWhole([]byte("x"))); err == nil {
				t.Error("no error")
			}
			more.Wait()
		})
	}
}

// TestACallThatIsOverIsNotSent: neither is its body looked at, nor anybody dialled.
func TestACallThatIsOverIsNotSent(t *testing.T) { // WIRE-TIME-04c
	cause := errors.New("enough")
	bubble(t, func(t *testing.T) {
		canceled, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		late, stop := context.WithDeadlineCause(t.Context(), time.Now(), cause)
		defer stop()
		c, s := scripted(t, Config{})
		w := newTown(t, Config{})
		h := w.build()
		for name, call := range map[string]func(context.Context, *Request) (*Reply, error){"connection": c.Call, "requester": w.q.Call} {
			body := &observed{Reader: io.LimitReader(strings.NewReader("x"), 1)}
			r := &Request{Header: Header{Action: "Test.echo"}, Body: body}
			for range 20 {
				var given *CanceledError
				if _, err := call(canceled, r); !errors.As(err, &given) || given.Sent || given.Action != r.Action || !errors.Is(err, cause) {
					t.Errorf("%s, cancelled: %v", name, err)
				}
				var over *TimeoutError
				if _, err := call(late, r); !errors.As(err, &over) || over.Sent || over.Action != r.Action || !errors.Is(err, cause) {
					t.Errorf("%s, too late: %v", name, err)
				}
			}
			if body.reads.Load()+body.closes.Load() != 0 {
				t.Errorf("%s: the body is touched", name)
			}
		}
		s.idle()
		if c.Err() != nil || h.dialled() != 0 {
			t.Errorf("%v, %d dials", c.Err(), h.dialled())
		}
	})
}

// TestErrorsOfOtherCalls: an error that an error of this call wraps says nothing of
// this call: it is not sent again, the instance is not marked, and Failure does not
// say that nothing was executed.
func TestErrorsOfOtherCalls(t *testing.T) { // WIRE-ERR-06, 07c, DISC-RTE-04d
	for name, other := range map[string]error{
		"refused": &ReplyError{Code: CodeTransport, Message: "another", Data: notExecuted},
		"unsent":  &ConnectionError{Err: errBrittle},
	} {
		for _, by := range []string{"body", "context"} {
			bubble(t, func(t *testing.T) {
				w := newTown(t, Config{})
				var attempts atomic.Int32
				w.q.Config.Trace = &Trace{CallDone: func(context.Context, *Connection, *Request, error, time.Duration) { attempts.Add(1) }}
				houses := []*house{w.build(), w.build()}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				out, in := io.Pipe()
				go func() {
					in.Write(make([]byte, 1000))
					synctest.Wait()
					if by == "body" {
						in.CloseWithError(other)
					} else {
						cancel(other)
					}
				}()
				_, err := w.send(ctx, &Request{Header: Header{Action: "Test.echo"}, Body: struct{ io.ReadSeeker }{&pipeFile{out}}})
				if !errors.Is(err, other) || Failure(err).NotExecuted() {
					t.Errorf("%s, %s: %v, %+v", name, by, err, Failure(err))
				}
				synctest.Wait()
				out.Close()
				if n := attempts.Load(); n != 1 {
					t.Errorf("%s, %s: %d attempts", name, by, n)
				}
				for _, h := range houses {
					if p := w.q.health.standings[h.Identity]; p != nil && len(p.failures) > 0 {
						t.Errorf("%s, %s: the instance is marked failed", name, by)
					}
				}
			})
		}
	}
	cause := &ReplyError{Code: "other", Message: "x", Data: notExecuted}
	for _, err := range []error{&CanceledError{Action: "A.b", Sent: true, Err: cause}, &TimeoutError{Action: "A.b", Sent: true, Err: cause},
		&CanceledError{Action: "A.b", Sent: true, Err: &ConnectionError{Err: errBrittle}}} {
		if f := Failure(err); f.Code != CodeTransport || f.NotExecuted() {
			t.Errorf("%v: %+v", err, f)
		}
	}
}

// pipeFile says that it can be read again.
type pipeFile struct{ io.Reader }

func (*pipeFile) Seek(int64, int) (int64, error) { return 0, nil }
