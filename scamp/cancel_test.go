package scamp

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

const request1 = `HEADER 0 {"type":"request","action":"A.b","version":1,"envelope":"json","request_id":1}`

// streamed returns a request whose body is not in memory, and what writes it.
func streamed() (*Request, *io.PipeWriter) {
	body, w := io.Pipe()
	r := NewRequest("A.b", nil)
	r.Body = body
	return r, w
}

// TestCancellingAfterAnEarlyReplyAbortsTheUpload: the call is over for its
// caller when its context ends, although the reply has begun (WIRE-TIME-12).
func TestCancellingAfterAnEarlyReplyAbortsTheUpload(t *testing.T) {
	for name, end := range map[string]func(cancel func()){
		"cancelled": func(cancel func()) { cancel() },
		"timed out": func(func()) { simnet.Sleep(3 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, s := scripted(t, Config{CallTimeout: 2 * time.Second})
				ctx, cancel := context.WithCancelCause(t.Context())
				r, w := streamed()
				result := calling(c, ctx, r)
				w.Write([]byte("a"))
				s.want(request1, "DATA 0 a")
				s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x")
				s.want("ACK 0 1")
				end(func() { cancel(errors.New("enough")) })
				text := map[string]string{"cancelled": "call of A.b cancelled: enough", "timed out": "call of A.b timed out"}[name]
				s.want("TXERR 0 " + text)
				if _, err := result(); err == nil || err.Error() != text {
					t.Error(err)
				}
				if _, err := w.Write([]byte("b")); err == nil {
					t.Error("the body is still read")
				}
				cancel(nil)
			})
		})
	}
}

// TestACallWatchesItsContextNoLongerThanItLasts: a context that outlives many
// calls does not collect them.
func TestACallWatchesItsContextNoLongerThanItLasts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		ctx := &watched{Context: t.Context()}
		done := calling(c, ctx, NewRequest("A.b", []byte("{}")))
		synctest.Wait()
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x")
		if n := ctx.watches.Load(); n != 1 {
			t.Fatalf("%d watches while the reply comes", n)
		}
		s.give("EOF 0")
		if body, err := done(); body != "x" || err != nil {
			t.Fatal(body, err)
		}
		if n := ctx.watches.Load(); n != 0 {
			t.Fatalf("%d watches are left of a finished call", n)
		}
		reply := make(chan *Reply, 1)
		go func() {
			r, err := c.Call(ctx, NewRequest("A.b", nil))
			if err != nil {
				t.Error(err)
			}
			reply <- r
		}()
		synctest.Wait()
		s.give(`HEADER 1 {"type":"reply","request_id":2}`, "DATA 1 x")
		(<-reply).Body.Close()
		if n := ctx.watches.Load(); n != 0 {
			t.Fatalf("%d watches are left of a closed reply", n)
		}
	})
}

// watched is a context that counts who watches it with context.AfterFunc.
type watched struct {
	context.Context
	watches atomic.Int64
}

// Value hides the context inside, so that AfterFunc is what is used.
func (w *watched) Value(any) any { return nil }

func (w *watched) AfterFunc(f func()) func() bool {
	w.watches.Add(1)
	stop := context.AfterFunc(w.Context, f)
	return func() bool {
		if stop() {
			w.watches.Add(-1)
			return true
		}
		return false
	}
}

// TestACancelledRequestIsNeverSentLater: Sent is false, so somebody may send the
// request to another instance. It must not go out after all (WIRE-ERR-07c).
func TestACancelledRequestIsNeverSentLater(t *testing.T) {
	for _, body := range [][]byte{nil, []byte("{}")} {
		bubble(t, func(t *testing.T) {
			a, b := simnet.Pipe(1000) // holds less than the first request
			c := NewConnection(a, Config{})
			defer c.Close()
			first := calling(c, t.Context(), NewRequest("A.first", make([]byte, 10000)))
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			second := calling(c, ctx, NewRequest("A.second", body))
			synctest.Wait()
			cancel()
			_, err := second()
			if e := new(CanceledError); !errors.As(err, &e) || e.Sent {
				t.Fatal(err)
			}
			s := newScript(t, b)
			s.want(`HEADER 0 {"type":"request","action":"A.first","version":1,"envelope":"json","request_id":1}`, "DATA 0 \x00*10000", "EOF 0")
			s.idle()
			s.give(`HEADER 0 {"type":"reply","request_id":1}`, "EOF 0")
			if _, err := first(); err != nil {
				t.Fatal(err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.busy() {
				t.Error("the connection is still busy")
			}
		})
	}
}

// TestACallKeepsItsTimeOnATransportThatIsFull: the caller does not hang in the
// transport (WIRE-TIME-04c).
func TestACallKeepsItsTimeOnATransportThatIsFull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := simnet.Pipe(20000)
		c := NewConnection(a, Config{WriteTimeout: time.Hour})
		defer c.Close()
		defer b.Close()
		for i := range 3 { // the second and the third find no room
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := c.Call(ctx, NewRequest("A.b", make([]byte, 15000)))
			cancel()
			if e := new(TimeoutError); !errors.As(err, &e) || time.Since(start) != time.Second {
				t.Fatalf("call %d: %v after %v", i, err, time.Since(start))
			}
		}
	})
}

// A call whose context is over before it begins is not sent, and never succeeds (WIRE-TIME-04c).
func TestACallThatIsOverBeforeItBegins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		c := linked(t, svc, Config{})
		past, done := context.WithDeadline(t.Context(), time.Now())
		defer done()
		given, cancel := context.WithCancel(t.Context())
		cancel()
		for range 50 {
			var late *TimeoutError
			if _, err := c.Call(past, NewRequest("Test.count", nil)); !errors.As(err, &late) || late.Sent || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal("too late:", err)
			}
			var up *CanceledError
			if _, err := c.Call(given, NewRequest("Test.count", nil)); !errors.As(err, &up) || up.Sent || !errors.Is(err, context.Canceled) {
				t.Fatal("given up:", err)
			}
		}
		synctest.Wait()
		if n := ran.Load(); n != 0 {
			t.Errorf("%d were executed", n)
		}
	})
}
