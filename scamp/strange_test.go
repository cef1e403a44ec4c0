package scamp

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// TestStrangeRandomNumbers: whatever Rand returns, somebody is called. It is not
// called under a lock.
func TestStrangeRandomNumbers(t *testing.T) {
	for name, number := range map[string]func(w *town, n int) int{
		"always 0": func(*town, int) int { return 0 },
		"negative": func(*town, int) int { return -1 << 62 },
		"large":    func(_ *town, n int) int { return n + 1<<40 },
		"calls": func(w *town, n int) int {
			w.q.mu.Lock()
			defer w.q.mu.Unlock()
			return n - 1
		},
	} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{})
			w.q.Rand = func(n int) int { return number(w, n) }
			w.build()
			w.build()
			w.build().close()
			for range 30 {
				if _, err := w.call("Test.who", "{}"); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			q := &Requester{Rand: w.q.Rand, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }}
			for range 20 {
				q.connection(t.Context(), target{"a:1", "x"}, time.Now().Add(time.Minute))
				q.mu.Lock()
				if wait := time.Until(q.pool.routes[target{"a:1", "x"}].until); wait > mostWait {
					t.Errorf("%s: a wait of %v", name, wait)
				}
				q.mu.Unlock()
				time.Sleep(time.Second)
			}
			q.Close(t.Context())
		})
	}
}

// TestPanicsLeaveNothingBehind: of what the caller has given.
func TestPanicsLeaveNothingBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.build()
		w.build()
		w.who()
		fresh, authorized := w.q.Fresh, w.q.Authorized
		for name, spoil := range map[string]func(r *Request){
			"Rand":       func(*Request) { w.q.Rand = func(int) int { panic("mine") } },
			"Fresh":      func(*Request) { w.q.Fresh = func() error { panic("mine") } },
			"Authorized": func(*Request) { w.q.Authorized = func() *discovery.Authorized { panic("mine") } },
			"Seek":       func(r *Request) { r.Body = panickingSeek{} },
		} {
			r := NewRequest("Test.who", nil)
			spoil(r)
			func() {
				defer func() {
					if recover() != "mine" {
						t.Errorf("%s: no panic", name)
					}
				}()
				w.q.Call(t.Context(), r)
			}()
			w.q.Rand, w.q.Fresh, w.q.Authorized = nil, fresh, authorized
			w.who()
		}
	}) // the town looks for calls that are still counted
}

type panickingSeek struct{ io.Reader }

func (panickingSeek) Seek(int64, int) (int64, error) { panic("mine") }

// TestStrangeDials: nobody waits for ever, and Close finds nothing.
func TestStrangeDials(t *testing.T) {
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"nothing":           func(context.Context, string, string) (net.Conn, error) { return nil, nil },
		"no more goroutine": func(context.Context, string, string) (net.Conn, error) { runtime.Goexit(); return nil, nil },
	} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{})
			w.build()
			w.q.Dial = dial
			start := time.Now()
			var lost *ConnectionError
			if _, err := w.call("Test.who", "{}"); !errors.As(err, &lost) || lost.Sent || !errors.Is(err, errNoDial) || time.Since(start) != 0 {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
		})
	}
}

// TestACallIsNotLostToMakingRoom: a connection that was made for a call, and was
// closed for another one before it was used, is made again.
func TestACallIsNotLostToMakingRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.q.MaxConnections = 1
		houses := []*house{w.build(), w.build(), w.build()}
		var limited, ok atomic.Int32
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				r := NewRequest("Test.who", []byte("{}"))
				r.Ident = houses[i%3].Ident
				var limit *LimitError
				switch _, err := w.send(t.Context(), r); {
				case err == nil:
					ok.Add(1)
				case errors.As(err, &limit):
					limited.Add(1)
				default:
					t.Errorf("call %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		t.Log(ok.Load(), "succeed,", limited.Load(), "find no room")
	})
	bubble(t, func(t *testing.T) { // the moment between, made large
		w := newTown(t, Config{})
		h := w.build()
		var taken atomic.Int32
		w.q.Config.Trace = &Trace{Dialed: func(string, string, error, time.Duration) {
			go func() { // as soon as the connection is in the pool, or never
				for range 10000 {
					w.q.mu.Lock()
					if len(w.q.pool.open) > w.q.pool.leaving && w.q.makeRoom() {
						taken.Add(1)
						w.q.mu.Unlock()
						return
					}
					w.q.mu.Unlock()
					runtime.Gosched()
				}
			}()
		}}
		for range 50 {
			time.Sleep(2 * clientIdle) // a new connection each time
			w.who()
		}
		if taken.Load() == 0 {
			t.Error("the test is blind")
		}
		if n := w.q.health.standings[h.Identity].failures; len(n) > 0 {
			t.Error("our own want of room is held against the instance")
		}
	})
}

// stuckConn lets nothing through from some time on, until it is closed.
type stuckConn struct {
	net.Conn
	stuck  atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (c *stuckConn) Write(p []byte) (int, error) {
	if c.stuck.Load() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestCloseIsBoundedForWhatMakesRoom: a connection that was closed to make room, and
// cannot say so, holds up nobody.
func TestCloseIsBoundedForWhatMakesRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{WriteTimeout: time.Hour})
		w.q.MaxConnections = 1
		a, b := w.build(), w.build()
		var stuck *stuckConn
		a.service = &Service{Mux: a.mux, Config: Config{Heartbeat: time.Minute}}
		a.wrap = func(nc net.Conn) net.Conn {
			stuck = &stuckConn{Conn: nc, closed: make(chan struct{})}
			return stuck
		}
		for _, h := range []*house{a, b} {
			r := NewRequest("Test.who", []byte("{}"))
			r.Ident = h.Ident
			if _, err := w.send(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if h == a {
				stuck.stuck.Store(true)
				time.Sleep(61 * time.Second) // the PONG is stuck
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := w.q.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// hangingFile can be read again, but not to its end.
type hangingFile struct {
	closable
	closes time.Duration // how long Close takes
}

func (*hangingFile) Seek(int64, int) (int64, error) { return 0, nil }

func (f *hangingFile) Close() error {
	f.closable.Close()
	time.Sleep(f.closes)
	return nil
}

// TestABodyThatHangsHoldsNobodyUp: a Read that does not return is waited for as long
// as the call may take, a Close not at all.
func TestABodyThatHangsHoldsNobodyUp(t *testing.T) { // WIRE-TIME-04c
	for name, limit := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"default": context.WithCancel,
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		},
		"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			go func() {
				simnet.Sleep(3 * time.Second)
				cancel()
			}()
			return ctx, cancel
		},
	} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{CallTimeout: 5 * time.Second})
			for range 2 {
				h := w.build(discovery.Action{Name: "Test.act"})
				h.mux.Handle(Action{Name: "Test.act", NoAuth: true, Stream: true}, HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
					time.Sleep(time.Millisecond) // until the body is being read
					return refusing(notExecuted)(ctx, w, r)
				}))
			}
			body := &hangingFile{closable{text: "x", stuck: make(chan struct{})}, time.Hour}
			ctx, cancel := limit(t.Context())
			defer cancel()
			start, want := time.Now(), 5*time.Second
			if name == "cancelled" {
				want = 3 * time.Second
			}
			_, err := w.send(ctx, &Request{Header: Header{Action: "Test.act"}, Body: body})
			if f := Failure(err); f == nil || !f.NotExecuted() || time.Since(start) != want {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			synctest.Wait()
			if n := body.closed.Load(); n != 1 {
				t.Errorf("%s: closed %d times", name, n)
			}
			time.Sleep(2 * time.Hour)
		})
	}
}

// TestTheSecondAttemptHasTheTimeThatIsLeft: and is not made when none is.
func TestTheSecondAttemptHasTheTimeThatIsLeft(t *testing.T) { // WIRE-TIME-04c
	for _, announced := range []string{"", "t1"} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{CallTimeout: 6 * time.Second})
			var houses []*house
			for range 2 {
				h := w.build(discovery.Action{Name: "Test.act", Flags: announced})
				h.mux.Handle(Action{Name: "Test.act", NoAuth: true, Timeout: -1}, HandlerFunc(func(ctx context.Context, _ *ReplyWriter, _ *Request) error {
					select {
					case <-time.After(4 * time.Second):
					case <-ctx.Done():
					}
					return &ReplyError{Code: CodeTransport, Message: "refused", Data: notExecuted}
				}))
				houses = append(houses, h)
			}
			start := time.Now()
			_, err := w.call("Test.act", "{}")
			var late *TimeoutError
			if d := time.Since(start); !errors.As(err, &late) || !late.Sent || d != 6*time.Second {
				t.Errorf("%q: %v after %v", announced, err, d)
			}
			if houses[0].dialled() != 1 || houses[1].dialled() != 1 {
				t.Error("there was no second attempt")
			}
		})
	}
}
