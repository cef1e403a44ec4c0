package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// stopping lets a service stop, and says how that ended and after what time.
func stopping(ctx context.Context, s *Service) func() (time.Duration, error) {
	start := time.Now()
	var took time.Duration
	done := make(chan error, 1)
	go func() {
		err := s.Shutdown(ctx)
		took = time.Since(start)
		done <- err
	}()
	return func() (time.Duration, error) {
		err := <-done
		return took, err
	}
}

const stops = `transport: the service is stopping {"dispatch_failure":true}`

// TestAnOrderlyStop: it is announced at once, and nothing is closed; the service
// serves on, old connections and new ones; then it is gone (WIRE-SVC-04).
func TestAnOrderlyStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &Service{Mux: echoes()}
		ln, ended := listening(s)
		old, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		e := newEther()
		go s.Announce(announcer(t, e))
		synctest.Wait()
		if got := e.all(); len(got) != 1 || got[0].Weight != 1 {
			t.Fatalf("%+v", got)
		}
		stopped := stopping(t.Context(), s)
		synctest.Wait()
		if got := e.all(); len(got) != 1 || got[0].Weight != 0 || got[0].at != 0 {
			t.Errorf("%+v", got)
		}
		time.Sleep(4 * time.Second)
		if got := try(t, old, "Test.echo", ""); got != "{}" {
			t.Error(got)
		}
		fresh, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		if got := try(t, fresh, "Test.echo", ""); got != "{}" {
			t.Error(got)
		}
		time.Sleep(time.Second - time.Nanosecond)
		select {
		case <-ended:
			t.Error("it does not accept in the grace period")
		default:
		}
		time.Sleep(time.Nanosecond)
		if err := <-ended; err != ErrServiceClosed {
			t.Error(err)
		}
		<-ln.done
		if old.Err() != nil || fresh.Err() != nil {
			t.Error("connections are closed with the listener")
		}
		took, err := stopped()
		if err != nil || took != defaultGrace+lull {
			t.Error(took, err)
		}
		synctest.Wait()
		if old.Err() != errPeerClosed || fresh.Err() != errPeerClosed {
			t.Error(old.Err(), fresh.Err())
		}
		old.Close()
		fresh.Close()
		if got := e.all(); len(got) != 3 || got[2].Weight != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestWhatRunsIsFinished, and what comes later is refused as not executed
// (WIRE-SVC-04c, WIRE-ERR-07d).
func TestWhatRunsIsFinished(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		c := linked(t, svc, Config{})
		idle := linked(t, svc, Config{})
		late := calling(c, t.Context(), NewRequest("Test.sleep", []byte(`"20s"`)))
		synctest.Wait()
		stopped := stopping(t.Context(), svc)
		time.Sleep(5*time.Second + lull/2)
		if got := try(t, c, "Test.count", ""); got != stops {
			t.Error(got)
		}
		time.Sleep(10 * time.Second)
		if got := try(t, c, "Test.count", ""); got != stops {
			t.Error(got)
		}
		if idle.Err() == nil {
			t.Error("an idle connection is open")
		}
		if got, err := late(); got != `"awake"` || err != nil {
			t.Error(got, err)
		}
		if took, err := stopped(); err != nil || took < 20*time.Second || took > 20*time.Second+2*lull {
			t.Error(took, err)
		}
		if ran.Load() != 0 {
			t.Error("a refused request was executed")
		}
	})
}

// TestARequestHalfSentIsServed: it has been taken before the service takes none.
func TestARequestHalfSentIsServed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		svc.Grace = -1
		s := served(t, svc)
		s.give(`HEADER 0 {"type":"request","action":"Test.count","request_id":1}`)
		stopped := stopping(t.Context(), svc)
		time.Sleep(3 * time.Second)
		s.give(`HEADER 1 {"type":"request","action":"Test.count","request_id":2}`, "DATA 0 {}", "EOF 0", "DATA 1 {}", "EOF 1")
		var answers []string
		for synctest.Wait(); len(s.got) > 0; synctest.Wait() {
			if p := <-s.got; p.Type == wire.TypeHeader {
				answers = append(answers, string(p.Body))
			}
		}
		slices.Sort(answers)
		if len(answers) != 2 || answers[0] != `{"type":"reply","request_id":1}` || !strings.Contains(answers[1], "the service is stopping") {
			t.Errorf("%q", answers)
		}
		if took, err := stopped(); err != nil || took < 3*time.Second+lull || ran.Load() != 1 {
			t.Error(took, err, ran.Load())
		}
	})
}

// TestAReplyThatWaitsForItsWindow arrives whole.
func TestAReplyThatWaitsForItsWindow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		svc.Grace = -1
		s := served(t, svc)
		s.give(`HEADER 0 {"type":"request","action":"Test.echo","request_id":1}`, "DATA 0 "+strings.Repeat("x", 70000), "EOF 0")
		s.want(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x*16384", "DATA 0 x*16384", "DATA 0 x*16384", "DATA 0 x*16384")
		stopped := stopping(t.Context(), svc)
		time.Sleep(30 * time.Second)
		s.give("ACK 0 65536")
		s.want("DATA 0 x*4464", "EOF 0")
		if took, err := stopped(); err != nil || took < 30*time.Second+lull {
			t.Error(took, err)
		}
		s.closed()
	})
}

// TestAReplyThatTheTransportHolds is written before the connection is closed.
func TestAReplyThatTheTransportHolds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		svc.Grace = -1
		a, b := simnet.Pipe(4096)
		go svc.ServeConn(a)
		say(b, packetText("HEADER", 0, `{"type":"request","action":"Test.echo","request_id":1}`)+packetText("DATA", 0, strings.Repeat("x", 3000))+
			packetText("DATA", 0, strings.Repeat("x", 3000))+packetText("EOF", 0, ""))
		stopped := stopping(t.Context(), svc)
		time.Sleep(10 * time.Second) // nobody reads
		got, err := io.ReadAll(b)
		if err != nil || strings.Count(string(got), "x") != 6000 || !strings.HasSuffix(string(got), "EOF 0 0\r\nEND\r\n") {
			t.Error(len(got), err)
		}
		if took, err := stopped(); err != nil || took < 10*time.Second {
			t.Error(took, err)
		}
	})
}

// TestShutdownIsBounded: when its context ends, everything does.
func TestShutdownIsBounded(t *testing.T) {
	cause := errors.New("enough")
	for name, test := range map[string]struct{ after, grace time.Duration }{
		"in the grace period":  {3 * time.Second, 0},
		"while something runs": {30 * time.Second, 0},
		"at once":              {0, -1},
	} {
		bubble(t, func(t *testing.T) {
			svc, _ := fixture(Config{HandlerTimeout: -1})
			svc.Grace = test.grace
			ln, ended := listening(svc)
			c, err := ln.arrive(t)
			if err != nil {
				t.Fatal(err)
			}
			lost := calling(c, t.Context(), NewRequest("Test.sleep", []byte(`"1h"`))) // does not look at its context
			synctest.Wait()
			ctx, cancel := context.WithTimeoutCause(t.Context(), test.after, cause)
			defer cancel()
			if took, err := stopping(ctx, svc)(); took != test.after || err != cause {
				t.Error(name, took, err)
			}
			if err := <-ended; err != ErrServiceClosed {
				t.Error(name, err)
			}
			var gone *ConnectionError
			if _, err := lost(); !errors.As(err, &gone) {
				t.Error(name, err)
			}
			c.Close()
			svc.Close() // waits for the handler
		})
	}
}

// TestACallerThatDoesNotStopAsking is left all the same (WIRE-SVC-04d).
func TestACallerThatDoesNotStopAsking(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		svc.Grace = -1
		s := served(t, svc)
		synctest.Wait()
		stopped := stopping(t.Context(), svc)
		time.Sleep(7 * time.Millisecond) // not when the service looks
		n, refusals := uint64(0), 0
		for svc.busyConnections() > 0 { // there is always a request half sent
			s.give(fmt.Sprintf(`HEADER %d {"type":"request","action":"Test.count","request_id":1}`, n))
			time.Sleep(50 * time.Millisecond)
			s.give(fmt.Sprintf(`HEADER %d {"type":"request","action":"Test.count","request_id":1}`, n+1), fmt.Sprintf("EOF %d", n))
			for len(s.got) > 0 {
				if p, ok := <-s.got; ok && strings.Contains(string(p.Body), "dispatch_failure") {
					refusals++
				}
			}
			s.give(fmt.Sprintf("EOF %d", n+1))
			n += 2
			if n > 1000 {
				t.Fatal("it never ends")
			}
		}
		took, err := stopped()
		if err != nil || took < lastWord || took > lastWord+2*lull || refusals < 10 || ran.Load() != 0 {
			t.Error(took, err, refusals, ran.Load())
		}
	})
}

// busyConnections is how many connections there are.
func (s *Service) busyConnections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// TestHandshakesAtTheEnd: one that is under way is completed, so that its request is
// refused and not lost; one that does not go on is cut.
func TestHandshakesAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		svc.Grace = -1
		ln, ended := listening(svc)
		silent, _ := simnet.Pipe(0)
		ln.next <- silent
		a, b := simnet.Pipe(0)
		ln.next <- a
		synctest.Wait()
		stopped := stopping(t.Context(), svc)
		synctest.Wait()
		c, err := Client(t.Context(), b, Config{Fingerprint: fixtures.Fingerprint("server")})
		if err != nil {
			t.Fatal(err)
		}
		if got := try(t, c, "Test.count", ""); got != stops || ran.Load() != 0 {
			t.Error(got)
		}
		if took, err := stopped(); err != nil || took != lastWord {
			t.Error(took, err)
		}
		<-ended
		c.Close()
	})
}

// TestOtherWaysToStop: twice, after Close, before anything was served.
func TestOtherWaysToStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		unused := new(Service)
		if took, err := stopping(t.Context(), unused)(); took != defaultGrace || err != nil {
			t.Error(took, err)
		}
		ln, ended := listening(unused)
		if err := <-ended; err != ErrServiceClosed {
			t.Error(err)
		}
		<-ln.done

		svc := &Service{Mux: echoes()}
		ln, ended = listening(svc)
		c, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		first := stopping(t.Context(), svc)
		time.Sleep(2 * time.Second)
		second := stopping(t.Context(), svc) // the grace period does not begin anew
		a, b := simnet.Pipe(0)
		go svc.ServeConn(a)
		d := NewConnection(b, Config{})
		if got := try(t, d, "Test.echo", ""); got != "{}" {
			t.Error("in the grace period:", got)
		}
		time.Sleep(3 * time.Second)
		a, _ = simnet.Pipe(0)
		if err := svc.ServeConn(a); err != ErrServiceClosed {
			t.Error(err)
		}
		if took, err := first(); took != defaultGrace+lull || err != nil {
			t.Error(took, err)
		}
		if took, err := second(); took != 3*time.Second+lull || err != nil {
			t.Error(took, err)
		}
		<-ended
		c.Close()
		d.Close()

		svc = &Service{Mux: echoes()}
		ln, ended = listening(svc)
		if c, err = ln.arrive(t); err != nil {
			t.Fatal(err)
		}
		stopped := stopping(t.Context(), svc)
		time.Sleep(time.Second)
		svc.Close()
		if took, err := stopped(); took != time.Second || err != nil {
			t.Error("Close in the grace period:", took, err)
		}
		<-ended
		c.Close()
		if took, err := stopping(t.Context(), svc)(); took != 0 || err != nil {
			t.Error("after Close:", took, err)
		}
	})
}

// TestNothingIsLostInAStop: callers that go elsewhere when they are refused lose no
// call, whenever the service stops.
func TestNothingIsLostInAStop(t *testing.T) {
	for seed := range uint64(30) {
		bubble(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			svc, ran := fixture(Config{})
			svc.Grace = time.Duration(rng.IntN(1000)) * time.Millisecond
			ln, ended := listening(svc)
			var answered, moved atomic.Int64
			var wg sync.WaitGroup
			for i := range 8 {
				c, err := ln.arrive(t)
				if err != nil {
					t.Fatal(err)
				}
				rng := rand.New(rand.NewPCG(seed, uint64(2+i)))
				wg.Go(func() {
					defer c.Close()
					for {
						time.Sleep(time.Duration(rng.IntN(int(150 * time.Millisecond))))
						_, err := calling(c, t.Context(), NewRequest("Test.count", []byte("{}")))()
						if e := new(ReplyError); errors.As(err, &e) && e.NotExecuted() {
							moved.Add(1)
							return
						}
						if err != nil {
							t.Error("lost:", err)
							return
						}
						answered.Add(1)
					}
				})
			}
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
			if _, err := stopping(t.Context(), svc)(); err != nil {
				t.Error(err)
			}
			wg.Wait()
			<-ended
			if moved.Load() != 8 || answered.Load() != ran.Load() {
				t.Errorf("seed %d: %d moved, %d answered, %d executed", seed, moved.Load(), answered.Load(), ran.Load())
			}
		})
	}
}
