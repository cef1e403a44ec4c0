package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// TestFetchTable: the authorised instance in the sector main is asked, and nobody else,
// with exactly this request (DISC-AZ-01b).
func TestFetchTable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		w.q.Sector = "web"
		table := discovery.Action{Name: authTableAction}
		answer := func(text string) HandlerFunc {
			return func(_ context.Context, w *ReplyWriter, r *Request) error {
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != "{}" || r.Action != authTableAction || r.Version != 1 || r.Envelope != "json" || r.Sector != "main" || r.Ticket != "" {
					t.Errorf("asked for with %+v, %q, %v", r.Header, body, err)
				}
				_, err = io.WriteString(w, text)
				return err
			}
		}
		good, stranger := w.build(table), w.build(table)
		other := w.build(discovery.Action{Name: authTableAction, Sector: "web"}, discovery.Action{Name: authTableAction, Version: 2})
		good.offer(table, answer(`{"test.secured":["7"]}`))
		stranger.offer(table, answer("{}"))
		other.offer(table, answer("{}"))
		w.mu.Lock()
		w.authorized = discovery.ParseAuthorized([]byte(good.Fingerprint + " main:ALL\n" + other.Fingerprint + " main:ALL, web:ALL\n"))
		w.mu.Unlock()
		fetch := FetchTable(w.q)
		for range 20 {
			if got, err := fetch(t.Context()); string(got) != `{"test.secured":["7"]}` || err != nil {
				t.Errorf("%s, %v", got, err)
			}
		}
		if good.times(authTableAction) != 20 || stranger.dialled()+other.dialled() != 0 {
			t.Error("somebody else is asked")
		}
		good.close()
		if _, err := fetch(t.Context()); err == nil {
			t.Error("a table of nobody")
		}
	})
}

// TestATableHasItsBound: what is longer is an error.
func TestATableHasItsBound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, Config{})
		h := w.build(discovery.Action{Name: authTableAction})
		h.offer(discovery.Action{Name: authTableAction}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			_, err := w.Write(make([]byte, mostTable+1))
			return err
		})
		var limit *LimitError
		if _, err := FetchTable(w.q)(t.Context()); !errors.As(err, &limit) {
			t.Errorf("%v", err)
		}
	})
}

// TestAnnouncedFlagsOpenNothing: whether an action needs a ticket is what its own
// service has registered, whatever others announce (DISC-AZ-06a).
func TestAnnouncedFlagsOpenNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		w := newTown(t, Config{})
		closed := w.build(discovery.Action{Name: "Test.secured"}, discovery.Action{Name: "Test.open"})
		open := w.build(discovery.Action{Name: "Test.secured", Flags: "noauth"}, discovery.Action{Name: "Test.open"})
		closed.service = g.svc
		open.offer(discovery.Action{Name: "Test.secured", Flags: "noauth"}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			_, err := w.Write([]byte("1"))
			return err
		})
		call := func(action string, h *house) error {
			r := NewRequest(action, []byte("{}"))
			r.Ident = h.Ident
			_, err := w.send(t.Context(), r)
			return err
		}
		if err := call("Test.secured", open); err != nil {
			t.Errorf("the other one: %v", err)
		}
		if f := Failure(call("Test.secured", closed)); f == nil || f.Code != CodeAuthn || g.ran.Load() != 0 {
			t.Errorf("without a ticket: %+v", f)
		}
		if err := call("Test.open", closed); err != nil { // although it is announced without noauth
			t.Errorf("what needs no ticket: %v", err)
		}
	})
}

// TestTheSourceOfATable: a service that has been opened asks the bus, unless nobody
// needs a table or it has a source of its own (DISC-AZ-01b).
func TestTheSourceOfATable(t *testing.T) {
	cache := "discovery.cache_path = " + strings.ReplaceAll(t.TempDir(), "\\", "/") + "/cache\n"
	own := func(context.Context) ([]byte, error) { return nil, errors.New("mine") }
	for name, test := range map[string]struct {
		conf    string
		prepare func(s *Service)
		fetches bool
	}{
		"needed":          {cache, func(s *Service) { s.Mux.Handle(Action{Name: "Test.secured"}, nothing) }, true},
		"nobody needs it": {cache, func(*Service) {}, false},
		"no authority":    {cache, func(s *Service) { s.Mux.Handle(Action{Name: "Test.secured"}, nothing); s.Authority = nil }, false},
		"no cache":        {"", func(s *Service) { s.Mux.Handle(Action{Name: "Test.secured"}, nothing) }, false},
		"a source of its own": {cache, func(s *Service) {
			s.Mux.Handle(Action{Name: "Test.secured"}, nothing)
			s.Authority.Fetch = own
		}, true},
	} {
		s := opened(t, test.conf)
		test.prepare(s)
		stop := s.tableSource(t.Context())
		if fetches := s.Authority != nil && s.Authority.Fetch != nil; fetches != test.fetches {
			t.Errorf("%s: fetches=%v", name, fetches)
		} else if fetches {
			_, err := s.Authority.Fetch(t.Context())
			if wanted := map[bool]string{true: "mine", false: "stale"}[name == "a source of its own"]; err == nil || !strings.Contains(err.Error(), wanted) {
				t.Errorf("%s: %v", name, err)
			}
		}
		stop()
		if name == "needed" {
			if _, err := s.Authority.Fetch(t.Context()); err == nil {
				t.Errorf("a table after the end")
			}
		}
	}
}

// TestUnusableURIsAreMarkedAndLeft: such an instance counts as one that cannot be
// reached (DISC-URI-02a).
func TestUnusableURIsAreMarkedAndLeft(t *testing.T) {
	for _, uri := range []string{"foo://127.0.0.1:1", "beepish+tls://127.0.0.1", "beepish+tls://127.0.0.1:0", "beepish+tls://127.0.0.1:70000", "beepish+tls://<nil>:1", "", "beepish+tls://[::1"} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, Config{})
			good, bad := w.build(), w.build()
			bad.URI = uri
			w.announce()
			w.q.Rand = seeded(1)
			for range 20 {
				if ident := w.who(); ident != good.Ident {
					t.Errorf("%s: %s answers", uri, ident)
				}
			}
			w.q.mu.Lock()
			defer w.q.mu.Unlock()
			if n := len(w.q.standing(bad.Identity).failures); n != 1 {
				t.Errorf("%s: marked %d times", uri, n)
			}
		})
	}
}

// TestWhatIsAnnouncedIsListenedOn: the first address of service.address, with a port of
// the configured range (DISC-CFG-04e, 05b, 05f).
func TestWhatIsAnnouncedIsListenedOn(t *testing.T) {
	first, _ := portRange(t, 3)
	s := opened(t, fmt.Sprintf("bus.address = 127.0.0.1\nservice.address = 127.0.0.2\nbeepish.first_port = %d\nbeepish.last_port = %d\n", first, first+2))
	listeners, addresses, err := s.listen(t.Context())
	if err != nil {
		t.Skip("no address 127.0.0.2: ", err)
	}
	for _, ln := range listeners {
		defer ln.Close()
	}
	hosts, err := s.conf.DiscoveryAddresses()
	if err != nil || len(hosts) != 1 {
		t.Fatal(hosts, err)
	}
	at, ok := reachable(hosts[0], addresses, nil)
	if !ok || at.Addr().String() != "127.0.0.2" || int(at.Port()) < first || int(at.Port()) > first+2 || len(listeners) != 1 || listeners[0].Addr().String() != at.String() {
		t.Errorf("%v is announced, %v listened on", at, listeners[0].Addr())
	}
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
