package scamp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// who returns the ident of the instance that answers.
func (w *town) who() (ident string) {
	text, err := w.call("Test.who", "{}")
	if err == nil {
		err = json.Unmarshal([]byte(text), &ident)
	}
	if err != nil {
		w.t.Helper()
		w.t.Error(err)
	}
	return ident
}

// seeded returns a Rand that is the same in every run.
func seeded(seed uint64) func(int) int {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
}

func TestTheChoiceIsEven(t *testing.T) { // DISC-RTE-03a
	for _, uniform := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{})
			w.q.Uniform = uniform
			a, b := w.build(), w.build()
			for range 400 {
				w.who()
			}
			for _, h := range []*house{a, b} {
				if n := h.times("Test.who"); n < 150 || n > 250 {
					t.Errorf("uniform=%v: %d of 400 calls", uniform, n)
				}
			}
		})
	}
}

func TestBusyInstancesGetLess(t *testing.T) {
	for _, uniform := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{})
			w.q.Uniform, w.q.Rand = uniform, seeded(1)
			hold := make(chan struct{})
			houses := []*house{w.build(discovery.Action{Name: "Test.hold"}), w.build(discovery.Action{Name: "Test.hold"})}
			for _, h := range houses {
				h.offer(discovery.Action{Name: "Test.hold"}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
					<-hold
					_, err := w.Write([]byte("1"))
					return err
				})
			}
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if _, err := w.call("Test.hold", "{}"); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			n := houses[0].times("Test.hold")
			if even := n == 50; even == uniform {
				t.Errorf("uniform=%v: %d of 100 calls", uniform, n)
			}
			close(hold)
			wg.Wait()
		})
	}
}

// TestOutstandingCalls: a call counts until the reply has been read, and does not
// when it has failed.
func TestOutstandingCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		count := func() int64 {
			w.q.mu.Lock()
			defer w.q.mu.Unlock()
			return w.q.standing(h.Identity).outstanding.Load()
		}
		for _, end := range []func(*Reply) error{
			func(r *Reply) error { _, err := r.ReadAll(0); return err },
			func(r *Reply) error { return r.Body.Close() },
		} {
			reply, err := w.q.Call(t.Context(), NewRequest("Test.echo", make([]byte, 1<<20)))
			if err != nil {
				t.Fatal(err)
			}
			if n := count(); n != 1 {
				t.Errorf("%d calls while the reply is open", n)
			}
			if err := end(reply); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if n := count(); n != 0 {
				t.Errorf("%d calls at the end", n)
			}
		}
	})
}

// refusing makes a handler that says it has not executed the request.
func refusing(mark json.RawMessage) HandlerFunc {
	return func(context.Context, *ReplyWriter, *Request) error {
		return &ReplyError{Code: CodeTransport, Message: "refused", Data: mark}
	}
}

func TestFailedInstancesAreLeftAlone(t *testing.T) { // WIRE-ERR-08, DISC-RTE-04
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		bad, good, other := w.build(), w.build(), w.build()
		bad.close()
		for bad.dialled() == 0 {
			w.who()
		}
		for n := 1; n <= 3; n++ { // the n-th failure counts for n minutes
			dials := bad.dialled()
			time.Sleep(time.Duration(n)*time.Minute - time.Second)
			for range 50 {
				w.who()
			}
			if bad.dialled() != dials {
				t.Fatalf("tried within %d minutes", n)
			}
			time.Sleep(time.Second)
			for i := 0; bad.dialled() == dials; i++ {
				if i == 1000 {
					t.Fatalf("not tried after %d minutes", n)
				}
				w.who()
			}
		}
		if good.times("Test.who") == 0 || other.times("Test.who") == 0 {
			t.Error("a healthy instance is avoided") // DISC-RTE-04b
		}
		time.Sleep(25 * time.Hour) // the old failures are forgotten
		dials := bad.dialled()
		for bad.dialled() == dials {
			w.who()
		}
		time.Sleep(time.Minute)
		for i := 0; bad.dialled() == dials+1; i++ {
			if i == 1000 {
				t.Fatal("failures count for more than a day")
			}
			w.who()
		}
	})
}

// TestARefusalIsAFailure of the instance: it is left alone for a minute.
func TestARefusalIsAFailure(t *testing.T) { // WIRE-ERR-07e, DISC-RTE-04a
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		refuses, _ := twoHouses(w)
		for refuses.times("Test.act") == 0 {
			w.call("Test.act", "{}")
		}
		time.Sleep(time.Minute - time.Second)
		for range 50 {
			w.call("Test.act", "{}")
		}
		if n := refuses.times("Test.act"); n != 1 {
			t.Errorf("asked %d times within a minute", n)
		}
		time.Sleep(time.Second)
		for i := 0; refuses.times("Test.act") == 1; i++ {
			if i == 1000 {
				t.Fatal("never asked again")
			}
			w.call("Test.act", "{}")
		}
	})
}

func TestAnInstanceIsOutForAnHourAtMost(t *testing.T) { // WIRE-ERR-08a
	p := new(standing)
	now := time.Unix(1e9, 0)
	for range 100 {
		now = now.Add(time.Second)
		p.fail(now, now)
	}
	if d := p.until.Sub(now); d != time.Hour {
		t.Errorf("out for %v", d)
	}
	if until, ok := p.fail(now.Add(-time.Second), now); ok {
		t.Errorf("a failure that began before the last one counts, until %v", until)
	}
	if n := len(p.failures); n > mostFailures {
		t.Errorf("%d failures are kept", n)
	}
}

func TestWhenAllHaveFailedAllAreTried(t *testing.T) { // WIRE-ERR-08b, DISC-RTE-03b
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		h.close()
		var lost *ConnectionError
		if _, err := w.call("Test.who", "{}"); !errors.As(err, &lost) || lost.Sent {
			t.Fatal(err)
		}
		h.open()
		if ident := w.who(); ident != h.Ident {
			t.Error("the only instance is not tried again at once")
		}
	})
}

// TestFailureMarksSurviveChangesOfTheDirectory: DISC-CCH-10.
func TestFailureMarksSurviveChangesOfTheDirectory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		bad, good := w.build(), w.build()
		bad.close()
		for bad.dialled() == 0 {
			w.who()
		}
		for range 50 {
			w.announce()
			w.who()
		}
		if n := bad.dialled(); n != 1 {
			t.Errorf("the failed instance is dialled %d times", n)
		}
		if n := good.dialled(); n != 1 {
			t.Errorf("the other one is dialled %d times", n)
		}
	})
}

func TestOneRetryElsewhere(t *testing.T) { // WIRE-ERR-07, DISC-RTE-04c, 04d
	refusals := map[string]struct {
		data  json.RawMessage
		retry bool
	}{
		"true": {json.RawMessage(`{"dispatch_failure":true}`), true}, "no data": {nil, false}, "false": {json.RawMessage(`{"dispatch_failure":false}`), false},
		"text": {json.RawMessage(`{"dispatch_failure":"true"}`), false}, "number": {json.RawMessage(`{"dispatch_failure":1}`), false},
	}
	for name, test := range refusals {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{})
			bad := w.build(discovery.Action{Name: "Test.act"})
			good := w.build(discovery.Action{Name: "Test.act"})
			bad.offer(discovery.Action{Name: "Test.act"}, refusing(test.data))
			good.offer(discovery.Action{Name: "Test.act"}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
				_, err := w.Write([]byte("1"))
				return err
			})
			for bad.times("Test.act") == 0 {
				before := good.times("Test.act")
				_, err := w.call("Test.act", "{}")
				if met := bad.times("Test.act") == 1; met && test.retry != (err == nil && good.times("Test.act") == before+1) {
					t.Errorf("%s: %v, after %d calls of the other one", name, err, good.times("Test.act")-before)
				}
			}
		})
	}
	bubble(t, func(t *testing.T) { // never more than two
		w := newTown(t, Config{})
		var houses []*house
		for range 4 {
			h := w.build(discovery.Action{Name: "Test.act"})
			h.offer(discovery.Action{Name: "Test.act"}, refusing(notExecuted))
			houses = append(houses, h)
		}
		_, err := w.call("Test.act", "{}")
		n := 0
		for _, h := range houses {
			if k := h.times("Test.act"); k > 1 {
				t.Error("the same instance is asked twice")
			} else {
				n += k
			}
		}
		if f := Failure(err); n != 2 || f == nil || !f.NotExecuted() {
			t.Errorf("%d attempts: %v", n, err)
		}
	})
}

func TestNoRetryAfterHandOver(t *testing.T) { // WIRE-ERR-07c, DISC-RTE-04d
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{CallTimeout: time.Second})
		var houses []*house
		for range 2 {
			h := w.build(discovery.Action{Name: "Test.act"}, discovery.Action{Name: "Test.hang"})
			h.offer(discovery.Action{Name: "Test.act"}, func(context.Context, *ReplyWriter, *Request) error {
				h.town.mu.Lock()
				s := h.service
				h.town.mu.Unlock()
				go s.Close()
				time.Sleep(time.Second)
				return nil
			})
			h.mux.Handle(Action{Name: "Test.hang", NoAuth: true}, HandlerFunc(func(ctx context.Context, _ *ReplyWriter, _ *Request) error {
				<-ctx.Done()
				return ctx.Err()
			}))
			houses = append(houses, h)
		}
		_, err := w.call("Test.hang", "{}")
		var late *TimeoutError
		if !errors.As(err, &late) || !late.Sent {
			t.Errorf("%v", err)
		}
		_, err = w.call("Test.act", "{}")
		var lost *ConnectionError
		if n := houses[0].times("Test.act") + houses[1].times("Test.act"); n != 1 || !errors.As(err, &lost) || !lost.Sent {
			t.Errorf("%d attempts: %v", n, err)
		}
	})
}

// TestStandingsAreForgotten: each start of a service is another instance.
func TestStandingsAreForgotten(t *testing.T) {
	q := new(Requester)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.standing(discovery.Identity{Ident: "busy"}).outstanding.Add(1)
	now := time.Now()
	q.standing(discovery.Identity{Ident: "failed"}).fail(now, now)
	for i := range 10000 {
		q.standing(discovery.Identity{Ident: fmt.Sprint(i)})
	}
	if n := len(q.health.standings); n > 200 {
		t.Errorf("%d instances are remembered", n)
	}
	for _, ident := range []string{"busy", "failed"} {
		if q.health.standings[discovery.Identity{Ident: ident}] == nil {
			t.Errorf("the %s one is forgotten", ident)
		}
	}
}
