package scamp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

func TestCallsReachWhoOffersTheAction(t *testing.T) { // DISC-RTE-01, 02, 09
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		answer := func(text string) HandlerFunc {
			return func(_ context.Context, w *ReplyWriter, r *Request) error {
				_, err := fmt.Fprintf(w, `"%s %s %d %s"`, text, r.Action, r.Version, r.Envelope)
				return err
			}
		}
		main, web := w.build(discovery.Action{Name: "Shop.Cart.add"}, discovery.Action{Name: "Shop.Cart.add", Version: 2}, discovery.Action{Name: "Shop.Cart.make", Flags: "create"}),
			w.build(discovery.Action{Name: "Shop.Cart.add", Sector: "WEB"}, discovery.Action{Name: "Shop.store", Envelopes: []string{"jsonstore"}})
		main.offer(discovery.Action{Name: "Shop.Cart.add"}, answer("main"))
		main.offer(discovery.Action{Name: "Shop.Cart.add", Version: 2}, answer("main"))
		main.offer(discovery.Action{Name: "Shop.Cart.make"}, answer("main"))
		web.offer(discovery.Action{Name: "Shop.Cart.add"}, answer("web"))
		web.offer(discovery.Action{Name: "Shop.store", Envelopes: []string{"jsonstore"}}, answer("web"))
		for _, test := range []struct {
			h    Header
			want string
		}{
			{Header{Action: "Shop.Cart.add"}, "main Shop.Cart.add 1 json"},
			{Header{Action: "SHOP.cart.ADD", Sector: "Main", Version: 1}, "main Shop.Cart.add 1 json"}, // DISC-RTE-09a
			{Header{Action: "Shop.Cart.add", Version: 2}, "main Shop.Cart.add 2 json"},
			{Header{Action: "shop.cart._CREATE"}, "main Shop.Cart.make 1 json"},
			{Header{Action: "Shop.Cart.add", Sector: "web"}, "web Shop.Cart.add 1 json"},
			{Header{Action: "Shop.store", Envelope: "jsonstore"}, "web Shop.store 1 jsonstore"},
			{Header{Action: "Shop.Cart.add", Version: 3}, "not_found"},
			{Header{Action: "Shop.Cart.add", Envelope: "jsonstore"}, "not_found"},
			{Header{Action: "Shop.store", Sector: "web", Envelope: "jsonstore"}, "not_found"},
			{Header{Action: "Shop.Cart.remove"}, "not_found"},
		} {
			got, err := w.send(t.Context(), &Request{Header: test.h, Body: strings.NewReader("{}")})
			if f := Failure(err); f != nil && f.Code == "not_found" {
				if got = f.Code; !strings.Contains(f.Message, test.h.Action) {
					t.Errorf("%+v: %s does not name the action", test.h, f.Message)
				}
			} else if err != nil {
				t.Errorf("%+v: %v", test.h, err)
			}
			if strings.Trim(got, `"`) != test.want {
				t.Errorf("%+v: %s, want %s", test.h, got, test.want)
			}
		}
		w.q.Sector = "web"
		if got, err := w.call("Shop.Cart.add", "{}"); got != `"web Shop.Cart.add 1 json"` {
			t.Errorf("another default sector: %s, %v", got, err)
		}
		if _, err := w.q.Call(t.Context(), &Request{}); err == nil {
			t.Error("a request without action is sent")
		}
	})
}

func TestOnlyCandidatesAreCalled(t *testing.T) { // DISC-RTE-01a
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		good := w.build()
		bad := w.build()
		for name, spoiled := range map[string]discovery.Announcement{
			"weight 0": {Weight: 0, Actions: bad.Actions}, "negative weight": {Weight: -1, Actions: bad.Actions}, "no actions": {Weight: 1},
		} {
			bad.Weight, bad.Actions = spoiled.Weight, spoiled.Actions
			w.announce()
			for range 50 {
				if who, err := w.call("Test.who", "{}"); who != `"`+good.Ident+`"` {
					t.Fatalf("%s: %s, %v", name, who, err)
				}
			}
		}
	})
}

func TestUnauthorisedInstancesAreNotCalled(t *testing.T) { // DISC-AUT-01, 07, 13
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build(discovery.Action{Name: "_meta.tell"})
		tickets := make(chan string, 10)
		h.offer(discovery.Action{Name: "_meta.tell"}, func(_ context.Context, w *ReplyWriter, r *Request) error {
			tickets <- r.Ticket + "/" + r.IdentifyingToken
			_, err := w.Write([]byte("1"))
			return err
		})
		r := NewRequest("_meta.tell", []byte("{}"))
		r.Ticket, r.IdentifyingToken = "a ticket", "a token"
		if _, err := w.send(t.Context(), r); err != nil || <-tickets != "a ticket/a token" {
			t.Errorf("authorised: %v, or another ticket", err)
		}
		w.mu.Lock()
		w.authorized = nil
		w.mu.Unlock()
		if _, err := w.send(t.Context(), r); err != nil || <-tickets != "/" {
			t.Errorf("a stranger: %v, or a ticket", err)
		}
		if r.Ticket == "" {
			t.Error("the caller's request is changed")
		}
		_, err := w.call("Test.echo", "{}")
		var nobody *NoServiceError
		if !errors.As(err, &nobody) || nobody.Announced != 1 || !strings.Contains(err.Error(), "not authorised") {
			t.Errorf("%v", err)
		}
		w.q.Authorized = nil
		if _, err := w.call("Test.echo", "{}"); !errors.As(err, &nobody) {
			t.Errorf("without authorised services: %v", err)
		}
		if n := h.dialled(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestAStaleDirectoryIsAnErrorOfItsOwn(t *testing.T) { // DISC-CCH-08
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.build()
		w.stale = fmt.Errorf("%w: it is an hour old", discovery.ErrStale)
		_, err := w.call("Test.echo", "{}")
		if f := Failure(err); !errors.Is(err, discovery.ErrStale) || f.Code == CodeNotFound || !strings.Contains(f.Message, "an hour old") {
			t.Errorf("%v, %+v", err, f)
		}
		w.stale = nil
		if _, err := w.call("Test.echo", "{}"); err != nil {
			t.Errorf("fresh again: %v", err)
		}
	})
}

func TestPins(t *testing.T) { // DISC-RTE-06, WIRE-ERR-07b
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.build()
		h := w.build()
		trap := w.build() // its ident is the whole pin of h
		trap.Ident = h.Fingerprint + "#" + h.Ident
		w.announce()
		for range 20 {
			for _, pin := range []string{h.Ident, h.Fingerprint + "#" + h.Ident, strings.ToLower(h.Fingerprint) + "#" + h.Ident} {
				r := NewRequest("Test.who", []byte("{}"))
				r.Ident = pin
				if who, err := w.send(t.Context(), r); who != `"`+h.Ident+`"` {
					t.Fatalf("%s: %s, %v", pin, who, err)
				}
			}
		}
		r := NewRequest("Test.who", []byte("{}"))
		var nobody *NoServiceError
		for _, pin := range []string{"nobody", "house-", trap.Fingerprint + "#" + h.Ident, h.Fingerprint + "#"} {
			r.Ident = pin
			if _, err := w.send(t.Context(), r); !errors.As(err, &nobody) || !strings.Contains(err.Error(), pin) {
				t.Errorf("%s: %v", pin, err)
			}
		}
		r.Ident = h.Ident
		h.close()
		var lost *ConnectionError
		if _, err := w.send(t.Context(), r); !errors.As(err, &lost) || lost.Sent {
			t.Errorf("a pinned instance that is gone: %v", err)
		}
		if trap.times("Test.who") != 0 {
			t.Error("another instance is called")
		}
	})
}

// TestAPinIsNotSentElsewhere, though another identity has the ident.
func TestAPinIsNotSentElsewhere(t *testing.T) { // WIRE-ERR-07b, DISC-RTE-06c
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		one, two := w.build(discovery.Action{Name: "Test.act"}), w.build(discovery.Action{Name: "Test.act"})
		long := w.build()
		long.Ident = strings.Repeat("x", fingerprintSize) + "#y"
		two.Ident = one.Ident
		w.announce()
		one.offer(discovery.Action{Name: "Test.act"}, refusing(notExecuted))
		two.offer(discovery.Action{Name: "Test.act"}, refusing(notExecuted))
		r := NewRequest("Test.act", []byte("{}"))
		r.Ident = one.Ident
		_, err := w.send(t.Context(), r)
		if n := one.times("Test.act") + two.times("Test.act"); n != 1 || !Failure(err).NotExecuted() {
			t.Errorf("%d attempts: %v", n, err)
		}
		r = NewRequest("Test.who", []byte("{}"))
		r.Ident = long.Ident
		if who, err := w.send(t.Context(), r); err != nil || who != `"`+long.Ident+`"` {
			t.Errorf("%s, %v", who, err)
		}
	})
}

// TestAPinGrantsNothing: DISC-RTE-06c.
func TestAPinGrantsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.build()
		h := w.build()
		r := NewRequest("Test.who", []byte("{}"))
		r.Ident = h.Ident
		for name, spoil := range map[string]func(){
			"weight 0":     func() { h.Weight = 0 },
			"unauthorised": func() { w.mu.Lock(); w.authorized = nil; w.mu.Unlock() },
		} {
			spoil()
			w.announce()
			var nobody *NoServiceError
			start := time.Now()
			if _, err := w.send(t.Context(), r); !errors.As(err, &nobody) || time.Since(start) != 0 { // DISC-RTE-07b
				t.Errorf("%s: %v", name, err)
			}
			h.Weight = 1
			w.announce()
			w.authorize()
		}
		for _, h := range w.houses {
			if h.dialled() != 0 {
				t.Error("somebody is dialled")
			}
		}
	})
}

// TestNobodyIsFoundAtOnce: DISC-RTE-07.
func TestNobodyIsFoundAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.build()
		start := time.Now()
		_, err := w.call("Shop.nothing", "{}")
		if f := Failure(err); f == nil || f.Code != CodeNotFound || !strings.Contains(f.Message, "Shop.nothing") || time.Since(start) != 0 {
			t.Errorf("%+v after %v", f, time.Since(start))
		}
	})
}

// TestTheHeaderSaysWhatIsMeant: sector and envelope too, where the caller names none.
func TestTheHeaderSaysWhatIsMeant(t *testing.T) { // DISC-RTE-02b, 02d, 09
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.q.Sector = "web"
		h := w.build(discovery.Action{Name: "Shop.add", Sector: "web", Version: 3})
		headers := make(chan Header, 1)
		h.offer(discovery.Action{Name: "Shop.add", Version: 3}, func(_ context.Context, _ *ReplyWriter, r *Request) error {
			headers <- r.Header
			return nil
		})
		if _, err := w.send(t.Context(), &Request{Header: Header{Action: "SHOP.ADD", Version: 3}, Body: newWhole([]byte("{}"))}); err != nil {
			t.Fatal(err)
		}
		if got := <-headers; got.Action != "Shop.add" || got.Version != 3 || got.Sector != "web" || got.Envelope != "json" {
			t.Errorf("%+v", got)
		}
	})
}

// TestRepliesRedirectNobody: whatever a reply says, only the directory decides who is
// called.
func TestRepliesRedirectNobody(t *testing.T) { // DISC-RTE-08
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h, trap := w.build(discovery.Action{Name: "Test.act"}), w.build()
		h.offer(discovery.Action{Name: "Test.act"}, func(_ context.Context, w *ReplyWriter, r *Request) error {
			return &ReplyError{Code: CodeTransport, Message: "moved to " + trap.URI,
				Data: fmt.Appendf(nil, `{"dispatch_failure":true,"ident":%q,"uri":%q,"address":%q}`, trap.Ident, trap.URI, trap.address)}
		})
		for range 5 {
			if _, err := w.call("Test.act", "{}"); err == nil {
				t.Error("no error")
			}
		}
		if trap.dialled() != 0 {
			t.Error("the call went where the reply said")
		}
	})
}

func TestTimeOfACall(t *testing.T) { // WIRE-TIME-04, DISC-RTE-05
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build(discovery.Action{Name: "Test.plain"}, discovery.Action{Name: "Test.timed", Flags: "t2"})
		never := func(ctx context.Context, w *ReplyWriter, r *Request) error {
			<-ctx.Done()
			return ctx.Err()
		}
		h.mux.Handle(Action{Name: "Test.plain", NoAuth: true, Timeout: -1}, HandlerFunc(never))
		h.mux.Handle(Action{Name: "Test.timed", NoAuth: true, Timeout: -1}, HandlerFunc(never))
		measure := func(ctx context.Context, action string) time.Duration {
			start := time.Now()
			_, err := w.send(ctx, NewRequest(action, []byte("{}")))
			var late *TimeoutError
			if !errors.As(err, &late) || !strings.Contains(Failure(err).Message, action) {
				t.Errorf("%s: %v", action, err)
			}
			return time.Since(start)
		}
		if d := measure(t.Context(), "Test.plain"); d != 75*time.Second {
			t.Errorf("the default is %v", d)
		}
		w.q.Config.CallTimeout = 3 * time.Second
		if d := measure(t.Context(), "Test.plain"); d != 3*time.Second {
			t.Errorf("the configured time is %v", d)
		}
		if d := measure(t.Context(), "Test.timed"); d != 7*time.Second {
			t.Errorf("the announced time is %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if d := measure(ctx, "Test.timed"); d != time.Second {
			t.Errorf("the caller's time is %v", d)
		}
		h.mux.Handle(Action{Name: "Test.long", NoAuth: true, Timeout: -1}, HandlerFunc(func(context.Context, *ReplyWriter, *Request) error {
			time.Sleep(48 * time.Hour)
			return nil
		}))
		h.Actions = append(h.Actions, discovery.Action{Sector: "main", Name: "Test.long", Version: 1, Envelopes: []string{"json"}})
		w.announce()
		w.q.Config.CallTimeout = -1
		if _, err := w.call("Test.long", "{}"); err != nil {
			t.Errorf("without a limit: %v", err)
		}
	})
}

func TestTimeRunsWhileConnecting(t *testing.T) { // WIRE-TIME-04c, WIRE-TIME-06
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{CallTimeout: 2 * time.Second})
		h := w.build()
		h.silent, h.service = true, nil
		start := time.Now()
		_, err := w.call("Test.echo", "{}")
		var late *TimeoutError
		if !errors.As(err, &late) || late.Sent || time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		start = time.Now()
		patient, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err = w.send(patient, NewRequest("Test.echo", nil)) // joins the attempt that is going on
		var lost *ConnectionError
		if !errors.As(err, &lost) || lost.Sent || time.Since(start) != 8*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait() // until the call waits, too
			cancel()
		}()
		start = time.Now()
		_, err = w.send(ctx, NewRequest("Test.echo", nil))
		var given *CanceledError
		if !errors.As(err, &given) || given.Sent || time.Since(start) != 0 {
			t.Errorf("cancelled, after %v: %v", time.Since(start), err)
		}
	})
}

func TestFailures(t *testing.T) { // WIRE-ERR-04, 06, 09b
	data := []byte(`{"a":{"b":1}}`)
	for _, test := range []struct {
		err        error
		code, text string
		unsent     bool
	}{
		{&ReplyError{"xyzzy", "ünknown", data}, "xyzzy", "ünknown", false},
		{&AbortError{"boom"}, "transport", "boom", false},
		{&ConnectionError{Err: errPeerClosed, Sent: true}, "transport", "Connection lost", false},
		{&ConnectionError{Err: errPeerClosed}, "transport", "Connection failed", true},
		{&TimeoutError{Action: "A.b", Sent: true, Err: context.DeadlineExceeded}, "transport", "A.b timed out", false},
		{&TimeoutError{Action: "A.b", Err: context.DeadlineExceeded}, "transport", "A.b timed out", true},
		{&CanceledError{Action: "A.b", Err: context.Canceled}, "transport", "cancelled", true},
		{&NoServiceError{Action: "A.b"}, "not_found", "A.b", false},
		{fmt.Errorf("%w: old", discovery.ErrStale), "transport", "stale", true},
		{ErrRequesterClosed, "transport", "closed", true},
		{&LimitError{What: "octets", Limit: 1}, "general", "octets", false},
	} {
		for _, err := range []error{test.err, fmt.Errorf("wrapped: %w", test.err)} {
			f := Failure(err)
			if f.Code != test.code || !strings.Contains(f.Message, test.text) || f.NotExecuted() != test.unsent {
				t.Errorf("%v: %+v", err, f)
			}
		}
	}
	if Failure(nil) != nil {
		t.Error("nothing is a failure")
	}
}

func TestAttemptsAreTraced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		bad := w.build(discovery.Action{Name: "Test.act"})
		good := w.build(discovery.Action{Name: "Test.act"})
		for _, h := range []*house{bad, good} {
			h.offer(discovery.Action{Name: "Test.act"}, refusing(notExecuted))
		}
		var told []string
		w.q.Config.Trace = &Trace{
			Attempt: func(_ context.Context, c *Connection, to *discovery.Announcement) {
				if c.Err() != nil {
					t.Error("an attempt on a connection that has ended")
				}
				told = append(told, to.Ident)
			},
			CallDone: func(_ context.Context, _ *Connection, _ *Request, err error, _ time.Duration) {
				if err == nil {
					t.Error("a refusal is told as a success")
				}
				told = append(told, "done")
			},
		}
		w.call("Test.act", "{}")
		if len(told) != 4 || told[0] == told[2] || told[1] != "done" || told[3] != "done" {
			t.Errorf("%q", told)
		}
	})
}
