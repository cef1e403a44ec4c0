package scamp

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func TestOneConnectionPerInstance(t *testing.T) { // WIRE-CONN-04a, DISC-RTE-03c
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h, unused := w.build(), w.build()
		unused.Weight = 0
		w.announce()
		var wg sync.WaitGroup
		for range 10 { // they share one handshake
			wg.Go(func() { w.who() })
		}
		wg.Wait()
		for range 10 {
			w.who()
		}
		if n := h.dialled(); n != 1 {
			t.Errorf("%d connections for 20 calls", n)
		}
		if n := unused.dialled(); n != 0 { // DISC-RTE-03c
			t.Errorf("%d connections to an instance that is not called", n)
		}
	})
}

func TestLostConnectionsAreReplaced(t *testing.T) { // WIRE-CONN-01b, 04b, 04c
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		for i := range 5 {
			w.who()
			h.close()
			time.Sleep(time.Minute)
			if n := h.dialled(); n != i+1 {
				t.Fatalf("%d connections after %d calls", n, i+1)
			}
			h.open()
		}
		if n := w.q.standing(h.Identity).failures; len(n) != 0 {
			t.Error("an end of a connection counts as a failure")
		}
	})
}

func TestAnotherCertificateIsAnotherConnection(t *testing.T) { // WIRE-CONN-05
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		w.who()
		w.mu.Lock()
		h.cert = lightCertificate()[(w.counter+2)%4]
		w.mu.Unlock()
		h.Fingerprint = Fingerprint(h.cert.Certificate[0])
		w.authorize()
		w.announce()
		w.who()
		if n := h.dialled(); n != 2 {
			t.Errorf("%d connections", n)
		}
		h.Fingerprint = Fingerprint(lightCertificate()[0].Certificate[0])
		if h.Fingerprint == Fingerprint(h.cert.Certificate[0]) {
			h.Fingerprint = Fingerprint(lightCertificate()[1].Certificate[0])
		}
		w.mu.Lock()
		w.authorized = discovery.ParseAuthorized([]byte(h.Fingerprint + " main:ALL\n"))
		w.mu.Unlock()
		w.announce()
		w.q.Config.Unverified = true // for whoever dials addresses; it opens nothing here
		var transport *stuckConn
		h.wrap = func(nc net.Conn) net.Conn {
			transport = &stuckConn{Conn: nc, closed: make(chan struct{})}
			return transport
		}
		_, err := w.call("Test.who", "{}")
		var wrong *FingerprintError
		if !errors.As(err, &wrong) || !Failure(err).NotExecuted() {
			t.Errorf("a certificate that is not announced: %v", err)
		}
		select {
		case <-transport.closed:
		default:
			t.Error("its transport is left open")
		}
	})
}

func TestAConnectionThatWasTooSlowTakesNoMoreCalls(t *testing.T) { // WIRE-TIME-05
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build(discovery.Action{Name: "Test.hang"})
		h.mux.Handle(Action{Name: "Test.hang", NoAuth: true, Timeout: -1}, HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
			}
			_, err := w.Write([]byte("1"))
			return err
		}))
		type outcome struct {
			text string
			err  error
		}
		hang := func(d time.Duration) chan outcome {
			ch := make(chan outcome, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), d)
				defer cancel()
				text, err := w.send(ctx, NewRequest("Test.hang", []byte("{}")))
				ch <- outcome{text, err}
			}()
			return ch
		}
		first, second := hang(2*time.Second), hang(20*time.Second)
		time.Sleep(3 * time.Second)
		var late *TimeoutError
		if o := <-first; !errors.As(o.err, &late) {
			t.Fatal(o.err)
		}
		w.who()
		if n := h.dialled(); n != 2 {
			t.Errorf("%d connections after a call that timed out", n)
		}
		if n := w.connections(); n != 2 {
			t.Errorf("%d connections are open while the second call waits", n)
		}
		if o := <-second; o.err != nil || o.text != "1" {
			t.Errorf("the other call: %v", o.err)
		}
		synctest.Wait()
		if n := w.connections(); n != 1 {
			t.Errorf("%d connections are open at the end", n)
		}
	})
}

func TestWaitsBetweenAttempts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		h.close()
		start := time.Now()
		var lost *ConnectionError
		for time.Since(start) < time.Minute {
			if _, err := w.call("Test.who", "{}"); !errors.As(err, &lost) || lost.Sent || !errors.Is(err, errRefused) {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		// 50 ms and its doubles up to 10 s, with at most half of each taken away.
		if n := h.dialled(); n < 12 || n > 20 {
			t.Errorf("%d attempts in a minute", n)
		}
		h.open()
		time.Sleep(mostWait)
		w.who()
		if r := w.q.pool.routes[target{h.URI, h.Fingerprint}]; r.failures != 0 {
			t.Error("the waits go on after a success")
		}
	})
}

// TestTheWaitsAreBounded: none after the first failure, then 50 ms and its doubles, up
// to 10 s, of which chance takes away up to a half.
func TestTheWaitsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, jitter := range []float64{0, 0.5, 1} {
			r, whole := new(route), 50*time.Millisecond
			for i := range 200 {
				r.failed(errRefused, jitter)
				want := time.Duration(0)
				if i > 0 {
					want = whole - time.Duration(jitter*float64(whole/2))
					whole = min(2*whole, 10*time.Second)
				}
				if got := max(0, time.Until(r.until)); got != want {
					t.Fatalf("%v after %d failures, want %v", got, i+1, want)
				}
			}
		}
	})
}

// TestTheWaitsAreSpread: many requesters do not come back at once.
func TestTheWaitsAreSpread(t *testing.T) {
	bubble(t, func(t *testing.T) {
		waits := map[time.Duration]bool{}
		for range 20 {
			q := &Requester{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }}
			to := target{"a:1", "x"}
			for range 2 {
				q.connection(t.Context(), to, time.Now().Add(time.Minute))
			}
			q.mu.Lock()
			waits[time.Until(q.pool.routes[to].until)] = true
			q.mu.Unlock()
			q.Close(t.Context())
		}
		if len(waits) < 10 {
			t.Errorf("%d different waits of 20", len(waits))
		}
	})
}

// TestClosingWhileADialSucceeds: the connection that nobody has is closed at once.
func TestClosingWhileADialSucceeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.build()
		closed := make(chan error, 1)
		w.q.Config.Trace = &Trace{Dialed: func(string, string, error, time.Duration) { // it is made, and not in the pool yet
			go func() { closed <- w.q.Close(context.Background()) }()
			time.Sleep(time.Second)
		}}
		start := time.Now()
		if _, err := w.call("Test.who", "{}"); !errors.Is(err, ErrRequesterClosed) || !Failure(err).NotExecuted() {
			t.Errorf("the call: %v", err)
		}
		if err := <-closed; err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("closed after %v: %v", time.Since(start), err)
		}
	})
}

func TestWhoWaitsIsNotChosen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		bad, other := w.build(), w.build()
		bad.close()
		other.close()
		for range 20 { // both are marked, and wait
			w.call("Test.who", "{}")
		}
		other.open()
		time.Sleep(mostWait)
		for range 20 {
			w.call("Test.who", "{}")
		}
		if n := other.times("Test.who"); n != 20 {
			t.Errorf("%d of 20 calls succeed with one instance of two", n)
		}
	})
}

func TestTheNumberOfConnectionsIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.q.MaxConnections = 2
		var houses []*house
		for range 4 {
			houses = append(houses, w.build())
		}
		pinned := func(h *house) error {
			r := NewRequest("Test.who", []byte("{}"))
			r.Ident = h.Ident
			_, err := w.send(t.Context(), r)
			return err
		}
		for range 3 { // idle ones make room
			for _, h := range houses {
				if err := pinned(h); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
		}
		synctest.Wait()
		if n := w.connections(); n > 2 {
			t.Errorf("%d connections", n)
		}
		var replies []*Reply
		for _, h := range houses[:2] {
			r := NewRequest("Test.echo", []byte("{}"))
			r.Ident = h.Ident
			r.Body = endless{}
			reply, err := w.q.Call(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			replies = append(replies, reply)
		}
		var limit *LimitError
		if err := pinned(houses[3]); !errors.As(err, &limit) || !strings.Contains(err.Error(), "2 connections") || !Failure(err).NotExecuted() {
			t.Errorf("beyond the bound: %v", err)
		}
		if n := w.q.health.standings[houses[3].Identity]; len(n.failures) != 0 {
			t.Error("our own bound is held against the instance")
		}
		for _, r := range replies {
			r.Body.Close()
		}
	})
}

// TestWhatIsIdleLongestMakesRoom: what is used stays.
func TestWhatIsIdleLongestMakesRoom(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.q.MaxConnections = 2
		used, idle, third := w.build(), w.build(), w.build()
		for i, h := range []*house{used, idle, used, third, used, idle} {
			r := NewRequest("Test.who", []byte("{}"))
			r.Ident = h.Ident
			if _, err := w.send(t.Context(), r); err != nil {
				t.Fatal(i, err)
			}
			time.Sleep(time.Second)
		}
		if used.dialled() != 1 || idle.dialled() != 2 {
			t.Errorf("%d and %d connections", used.dialled(), idle.dialled())
		}
	})
}

// TestDialsCountAsConnections: a connection that is being opened takes a place.
func TestDialsCountAsConnections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.q.MaxConnections = 2
		var wg sync.WaitGroup
		for i := range 3 {
			h := w.build()
			h.silent, h.service = true, nil
			if i == 2 {
				break
			}
			wg.Go(func() {
				r := NewRequest("Test.who", nil)
				r.Ident = h.Ident
				w.send(t.Context(), r)
			})
			synctest.Wait()
		}
		r := NewRequest("Test.who", nil)
		r.Ident = "house-3"
		var limit *LimitError
		if _, err := w.send(t.Context(), r); !errors.As(err, &limit) || w.houses["10.0.0.3:30100"].dialled() != 0 {
			t.Errorf("beside two that are being opened: %v", err)
		}
		wg.Wait()
	})
}

// TestClosedBeforeItIsUsed: nobody is dialled.
func TestClosedBeforeItIsUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		if err := w.q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := w.call("Test.who", "{}"); !errors.Is(err, ErrRequesterClosed) || !Failure(err).NotExecuted() || h.dialled() != 0 {
			t.Errorf("%v, %d dials", err, h.dialled())
		}
	})
}

// TestAnInstanceThatHangsUpIsDialledOnce for a call.
func TestAnInstanceThatHangsUpIsDialledOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build()
		h.service.Close() // whoever connects is hung up on
		r := NewRequest("Test.who", []byte("{}"))
		r.Ident = h.Ident
		var lost *ConnectionError
		if _, err := w.send(t.Context(), r); !errors.As(err, &lost) || h.dialled() != 1 {
			t.Errorf("%v, %d dials", err, h.dialled())
		}
	})
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestCloseWaitsForCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build(discovery.Action{Name: "Test.slow"})
		h.offer(discovery.Action{Name: "Test.slow"}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			time.Sleep(3 * time.Second)
			_, err := w.Write([]byte("1"))
			return err
		})
		done := make(chan error, 1)
		go func() {
			_, err := w.call("Test.slow", "{}")
			done <- err
		}()
		time.Sleep(time.Second)
		start := time.Now()
		if err := w.q.Close(t.Context()); err != nil || time.Since(start) != 2*time.Second {
			t.Errorf("closed after %v: %v", time.Since(start), err)
		}
		if err := <-done; err != nil {
			t.Errorf("the call: %v", err)
		}
		if _, err := w.call("Test.who", "{}"); !errors.Is(err, ErrRequesterClosed) || !Failure(err).NotExecuted() {
			t.Errorf("a call after Close: %v", err)
		}
		if err := w.q.Close(t.Context()); err != nil {
			t.Errorf("closed again: %v", err)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h, silent := w.build(), w.build()
		silent.silent, silent.service = true, nil
		errs := make(chan error, 2)
		for _, ident := range []string{h.Ident, silent.Ident} {
			go func() {
				r := NewRequest("Test.echo", nil)
				r.Ident, r.Body = ident, endless{}
				reply, err := w.q.Call(t.Context(), r)
				if err == nil {
					time.Sleep(time.Minute)
					_, err = reply.ReadAll(1 << 40)
				}
				errs <- err
			}()
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := w.q.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("closed after %v: %v", time.Since(start), err)
		}
		for range 2 {
			if err := <-errs; !errors.Is(err, ErrRequesterClosed) && !errors.Is(err, context.Canceled) {
				t.Errorf("an outstanding call: %v", err)
			}
		}
	})
}

func TestIdleConnectionsAreClosed(t *testing.T) { // WIRE-TIME-01
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{IdleTimeout: 10 * time.Second})
		w.build()
		w.who()
		time.Sleep(9 * time.Second)
		if w.connections() != 1 {
			t.Error("closed early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if w.connections() != 0 || len(w.q.pool.routes) != 0 {
			t.Error("something is left")
		}
	})
}

// TestRoutesAreForgotten: addresses come and go.
func TestRoutesAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		q := &Requester{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }}
		for i := range 1000 {
			address := net.JoinHostPort("10.0.0.1", strings.Repeat("1", i%5+1))
			_, _, err := q.connection(t.Context(), target{address, strings.Repeat("x", i)}, time.Now().Add(time.Second))
			if err == nil {
				t.Fatal("connected")
			}
			time.Sleep(time.Second)
		}
		if n := len(q.pool.routes); n > 100 {
			t.Errorf("%d routes", n)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
