package sim

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// addresses gives each host a free port of the loopback interface, and the same one
// again.
func addresses(host map[string]string) func(string) (net.Listener, error) {
	return func(name string) (net.Listener, error) {
		address := host[name]
		if address == "" {
			address = "127.0.0.1:0"
		}
		ln, err := net.Listen("tcp", address)
		if err == nil {
			host[name] = ln.Addr().String()
		}
		return ln, err
	}
}

// next is what comes from a channel, with a limit; the zero value if it is closed.
func next[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case v = <-from:
	case <-limit.Done():
		t.Fatal("in vain: ", what)
	}
	return v
}

// told is a channel with room for what nobody waits for; tell adds to it as long as there is room.
func told[T any]() (from <-chan T, tell func(T)) {
	c := make(chan T, 1000)
	return c, func(v T) {
		select {
		case c <- v:
		default:
		}
	}
}

func dial(t *testing.T, address string) *scamp.Connection {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := scamp.Dial(ctx, address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func callFrom(t *testing.T, c *scamp.Connection, action, body string) (echo, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	reply, err := c.Call(ctx, scamp.NewRequest(action, []byte(body)))
	if err != nil {
		return echo{}, err
	}
	text, err := reply.ReadAll(1 << 20)
	if err != nil {
		return echo{}, err
	}
	var e echo
	return e, json.Unmarshal(text, &e)
}

// The service of the file is called from outside, over TLS, while the world's own
// requesters call it; it is killed, and comes back at its address.
func TestAWorldWithABorder(t *testing.T) {
	at := map[string]string{}
	r := Live(1, func(w *World) {
		w.TLS, w.Border.Listen = true, addresses(at)
		calls, ended := told[Call]()
		w.Ended = ended
		spec := shop(2)
		spec.Actions = append(spec.Actions, ActionSpec{Name: "Shop.no", Errors: 1}, ActionSpec{Name: "Shop.never", Refuse: 1})
		s := w.Service(spec)
		w.Requester(web(LoadSpec{Action: "Shop.get", Workers: 2, Body: OctetsBetween(0, 20000)}))
		c := dial(t, at["shop-1"])
		for _, body := range []string{`{"id":1,"pad":"x"}`, `{}`, `[1,2]`, `"` + strings.Repeat("x", 70000) + `"`} {
			e, err := callFrom(t, c, "Shop.get", body)
			if err != nil || e.Instance != "shop-1" || e.Octets != len(body) || len(body) < 100 && string(e.Echo) != body || len(body) > mostEcho && e.Echo != nil {
				t.Errorf("%.100q: %+v, %v", body, e, err)
			}
		}
		if _, err := callFrom(t, c, "Shop.no", "{}"); scamp.Failure(err) == nil {
			t.Error(err)
		}
		if _, err := callFrom(t, c, "Shop.never", "{}"); scamp.Failure(err) == nil || !scamp.Failure(err).NotExecuted() {
			t.Error(err)
		}
		for range 20 {
			next(t, "calls of the world", calls)
		}

		s.Instance(1).Kill()
		if next(t, "the connection ends", c.Done()); !errors.Is(c.Err(), syscall.ECONNRESET) {
			t.Errorf("the connection is not reset: %v", c.Err())
		}
		if nc, err := net.Dial("tcp", at["shop-1"]); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("killed, and not refused: %v %v", nc, err)
		}
		before := at["shop-1"]
		s.Instance(1).Restart()
		if e, err := callFrom(t, dial(t, before), "Shop.get", "{}"); err != nil || e.Instance != "shop-1" || at["shop-1"] != before {
			t.Errorf("%+v, %v", e, err)
		}
		s.Instance(2).Crash()
		nc, err := net.Dial("tcp", at["shop-2"])
		if err != nil {
			t.Fatalf("a host that has crashed says nothing: %v", err)
		}
		defer nc.Close()
		s.Instance(2).Restart()
		if e, err := callFrom(t, dial(t, at["shop-2"]), "Shop.get", "{}"); err != nil || e.Instance != "shop-2" {
			t.Errorf("%+v, %v", e, err)
		}
	})
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	kinds := map[Kind]int{}
	for _, o := range r.Stats.Outside {
		kinds[o.Kind] += o.Requests
	}
	if kinds[OK] != 6 || kinds[Failed] != 1 || kinds[Refused] != 1 {
		t.Error(kinds)
	}
	for _, address := range at {
		if nc, err := net.Dial("tcp", address); err == nil {
			nc.Close()
			t.Errorf("%s listens when the world is over", address)
		}
	}
}

func TestOutsideCacheFollowsTheWorld(t *testing.T) {
	at := map[string]string{}
	Live(1, func(w *World) {
		w.TLS, w.Border.Listen = true, addresses(at)
		notes, note := told[string]()
		w.Noted = func(_ time.Duration, what string) { note(what) }
		s := w.Service(shop(2))
		cache := func() (weights map[string]float64) {
			weights = map[string]float64{}
			discovery.Records(w.OutsideCache().Text, func(_ int, record []byte) bool {
				a, err := discovery.Verify(record)
				if err != nil {
					t.Error(err)
					return true
				}
				weights[strings.TrimPrefix(a.URI, "beepish+tls://")] = a.Weight
				return true
			})
			return weights
		}
		if got := cache(); len(got) != 2 || got[at["shop-1"]] != 1 || got[at["shop-2"]] != 1 {
			t.Errorf("%v, listening at %v", got, at)
		}
		version := w.CacheVersion()
		w.Go(s.Instance(1).Shutdown)
		for next(t, "an instance is shut down", notes) != "shop-1 is shut down" {
		}
		if got := cache(); got[at["shop-1"]] != 0 || got[at["shop-2"]] != 1 || w.CacheVersion() == version {
			t.Error(got)
		}
	})
}

// A program of the operating system announces itself, and the world's requesters call it.
func TestForeignInstancesAreCalled(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	svc := &scamp.Service{Mux: new(scamp.Mux), Certificate: fixtures.Certificate("other")}
	calls := make(chan struct{}, 1000)
	svc.Mux.HandleFunc(scamp.Action{Name: "Shop.get", NoAuth: true}, func(_ context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
		calls <- struct{}{}
		_, err := w.Write([]byte("something"))
		return err
	})
	go svc.Serve(ln)
	defer svc.Close()
	packet, err := signers()["other"].Sign(&discovery.Announcement{
		Identity: discovery.Identity{Fingerprint: fixtures.Fingerprint("other"), Ident: "shop:mine"}, Sector: "main", Weight: 1, Interval: 5000,
		URI: "beepish+tls://" + ln.Addr().String(), Envelopes: []string{"json"}, Timestamp: float64(time.Now().Unix()),
		Actions: []discovery.Action{{Sector: "main", Name: "Shop.get", Version: 1, Envelopes: []string{"json"}, Flags: "noauth"}},
	}, discovery.FormAuto)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := discovery.Verify(packet)
	if err != nil {
		t.Fatal(err)
	}
	r := Live(1, func(w *World) {
		w.TLS = true
		w.Border.Listen = addresses(map[string]string{})
		w.Border.Authorized = func() *discovery.Authorized {
			return discovery.ParseAuthorized([]byte(fixtures.Fingerprint("server") + " main:ALL\n" + fixtures.Fingerprint("other") + " main:ALL\n"))
		}
		w.Service(shop(1))
		w.SetForeign([]*discovery.Announcement{mine})
		if !strings.Contains(string(w.OutsideCache().Text), "shop:mine") {
			t.Error("the foreign instance is not in the cache")
		}
		w.Requester(web(LoadSpec{Action: "Shop.get", Workers: 2}))
		for range 5 {
			<-calls
		}
	})
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if get := r.Stats.Action("Shop.get"); get.Kinds[OK] < 3 { // others end with the run
		t.Errorf("%+v", get)
	}
}

// What goes on when the run is over is given up.
func TestLiveEndsSoon(t *testing.T) {
	began := time.Now()
	r := Live(1, func(w *World) {
		w.TLS, w.Border.Listen = true, addresses(map[string]string{})
		packets, passed := told[Packet]()
		w.Passed = func(_ ConnectionID, p Packet, _ []byte) { passed(p) }
		spec := shop(1)
		spec.Actions[0].Latency = Exactly(time.Hour)
		in := w.Service(spec).Instance(1)
		w.Requester(web(LoadSpec{Action: "Shop.get", Workers: 3}))
		next(t, "a call is in progress", packets)
		w.Go(in.Shutdown)
	})
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("after %v", took)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}
