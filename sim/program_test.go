package sim

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// doubler is a service of somebody's own, which works for a while.
func doubler(work func(n int)) *scamp.Service {
	svc := &scamp.Service{Mux: new(scamp.Mux)}
	svc.Mux.Handle(scamp.Action{Name: "Number.double", NoAuth: true}, scamp.JSON(func(_ context.Context, n int) (int, error) {
		work(n)
		return 2 * n, nil
	}))
	return svc
}

// working is work of some milliseconds.
func working(w *World) func(n int) {
	return func(n int) { w.Sleep(time.Duration(n%7+1)*time.Millisecond + time.Duration(n)) }
}

// doubling calls it, and knows what must come.
func doubling(rate float64) RequesterSpec {
	return RequesterSpec{Name: "clerk", Calls: []LoadSpec{{
		Action: "Number.double", Rate: rate,
		Request: func(random *rand.Rand) []byte { return fmt.Append(nil, random.IntN(1000)) },
		Judge: func(request, reply []byte) error {
			var n, m int
			if _, err := fmt.Sscan(string(request)+" "+string(reply), &n, &m); err != nil || m != 2*n {
				return fmt.Errorf("%s for %s", reply, request)
			}
			return nil
		},
	}}}
}

// TestPrograms: code of somebody's own is found and called, and finds and calls, beside the requesters and services of the world, which
// are judged as ever; and the run can be repeated.
func TestPrograms(t *testing.T) {
	run := func(seed uint64, tls bool) (*Result, string) {
		var b bytes.Buffer
		transcript := NewTranscript(&b)
		r := Run(t, seed, func(w *World) {
			w.TLS = tls
			w.Record(transcript)
			w.Service(shop(2))
			w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Body: OctetsBetween(0, 50000)}))
			w.Sleep(time.Second)
			w.Program("abacus").Serve("abacus", doubler(working(w)))
			w.Requester(doubling(20))
			till := w.Program("till")
			bus := till.Requester()
			for i := range 3 {
				w.Go(func() {
					for w.Pause(time.Duration(100+i)*time.Millisecond + time.Duration(i)) {
						got, err := scamp.CallJSON[struct{ Octets int }](context.Background(), bus, "Shop.get", strings.Repeat("x", 100*i))
						if err != nil || got.Octets != 100*i+2 {
							t.Errorf("%d octets, %v", got.Octets, err)
						}
						w.Note("program: %d got %d", i, got.Octets)
					}
				})
			}
			w.Sleep(5 * time.Second)
		})
		if err := transcript.Close(); err != nil {
			t.Error(err)
		}
		return r, b.String()
	}
	for _, tls := range []bool{false, true} {
		r, first := run(1, tls)
		double, get := r.Stats.Action("Number.double"), r.Stats.Action("Shop.get")
		outside := 0
		for _, o := range r.Stats.Outside {
			outside += o.Requests
		}
		if double.Success() < 0.7 || double.Calls < 70 || get.Success() != 1 || get.Calls < 80 || outside < 100 {
			t.Errorf("%+v, %+v, %d of the program", double.Kinds, get.Kinds, outside)
		}
		if r.Irreproducible != "" {
			t.Error(r.Irreproducible)
		}
		if _, again := run(1, tls); again != first {
			t.Errorf("tls=%v: two runs differ:\n%s", tls, difference(first, again))
		}
		if _, other := run(2, tls); other == first {
			t.Error("two seeds are equal")
		}
	}
}

// TestProgramsAreJudged by who calls them.
func TestProgramsAreJudged(t *testing.T) {
	r, err := Play(1, func(w *World) {
		svc := &scamp.Service{Mux: new(scamp.Mux)}
		svc.Mux.Handle(scamp.Action{Name: "Number.double", NoAuth: true}, scamp.JSON(func(_ context.Context, n int) (int, error) { return 3 * n, nil }))
		w.Program("abacus").Serve("abacus", svc)
		w.Requester(doubling(5))
		w.Sleep(5 * time.Second)
	})
	if err != nil || len(r.Violations) < 5 || !strings.Contains(r.Violations[0].What, "of clerk to Number.double got a wrong reply: ") {
		t.Errorf("%v, %v", err, r.Violations)
	}
}

// TestProgramsStop: who stops loses no call, and is forgotten.
func TestProgramsStop(t *testing.T) {
	for _, tls := range []bool{false, true} {
		r := Run(t, 1, func(w *World) {
			w.TLS = tls
			first := w.Program("abacus").Serve("abacus:1", doubler(working(w)))
			second := w.Program("abacus").Serve("abacus:2", doubler(working(w)))
			w.Requester(doubling(50))
			w.Sleep(5 * time.Second)
			first()
			w.Sleep(20 * time.Second)
			if n := len(w.Program("other").Directory().Instances()); n != 1 {
				t.Errorf("%d instances are known", n)
			}
			second()
			w.Sleep(20 * time.Second)
			if n := len(w.Program("other").Directory().Instances()); n != 0 {
				t.Errorf("%d instances are known", n)
			}
		})
		get := r.Stats.Action("Number.double")
		if get.Kinds[OK] < 1000 || get.Kinds[OK]+get.Kinds[NotFound]+get.Kinds[Unsent] != get.Calls {
			t.Errorf("%+v", get.Kinds)
		}
	}
}

// echoed talks to an echo on raw connections, with or without deadlines. Several write to a connection.
func echoed(w *World, deadlines bool) error {
	write := func(nc net.Conn, b []byte) error {
		if deadlines {
			nc.SetWriteDeadline(time.Now().Add(time.Second))
		}
		_, err := nc.Write(b)
		return err
	}
	ln, err := w.Program("parrot").Listen("tcp", ":7")
	if err != nil {
		return err
	}
	w.Go(func() {
		acceptAll(ln, func(nc net.Conn) {
			defer nc.Close()
			for r := bufio.NewReader(nc); ; {
				line, err := r.ReadBytes('\n')
				if err != nil || write(nc, line) != nil {
					return
				}
			}
		})
	})
	nc, err := w.Program("till").Dial(context.Background(), "tcp", "parrot:7")
	if err != nil {
		return err
	}
	defer nc.Close()
	for i := range 10 {
		line := []byte(fmt.Sprintf("line %d\n", i))
		if err := write(nc, line); err != nil {
			return err
		}
		back := make([]byte, len(line))
		if _, err := io.ReadFull(nc, back); err != nil || !bytes.Equal(line, back) {
			return fmt.Errorf("%q came back: %w", back, err)
		}
	}
	return nil
}

// TestRawPrograms: code that breaks the rules of replay runs, and the result says that it is not replayable, and because of whom.
func TestRawPrograms(t *testing.T) {
	for deadlines, want := range map[bool]string{
		true:  "",
		false: "code on parrot, till writes to connections without setting their write deadline first",
	} {
		r := Run(t, 1, func(w *World) {
			w.Service(shop(1))
			w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Body: OctetsBetween(0, 50000)}))
			if err := echoed(w, deadlines); err != nil {
				t.Error(err)
			}
			w.Sleep(time.Second)
		})
		if r.Irreproducible != want {
			t.Errorf("deadlines %v: %q", deadlines, r.Irreproducible)
		}
	}
}

// TestWorldsAreNotHasty: the requesters and services of a world keep the rules of replay.
func TestWorldsAreNotHasty(t *testing.T) {
	for _, tls := range []bool{false, true} {
		var w *World
		Run(t, 3, func(made *World) {
			w = made
			w.TLS = tls
			s := w.Service(shop(2))
			w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Body: OctetsBetween(0, 100000)}, LoadSpec{Action: "Shop.flaky", Workers: 3, Think: Around(50 * time.Millisecond)}))
			w.Sleep(2 * time.Second)
			s.Instance(1).Shutdown()
			w.Sleep(2 * time.Second)
		})
		for _, h := range w.Net.Hosts() {
			if h.Hasty() > 0 {
				t.Errorf("tls=%v: %s, %d times", tls, h.Name(), h.Hasty())
			}
		}
	}
}

// TestAnnouncedByHand: another implementation is announced by what it says of itself, and each host's cache can be broken.
func TestAnnouncedByHand(t *testing.T) {
	Run(t, 1, func(w *World) {
		p := w.Program("mine")
		good := discovery.Announcement{Sector: "main", URI: fmt.Sprintf("beepish+tls://%v:99", w.Net.Host("mine").IP()), Actions: []discovery.Action{{Sector: "main", Name: "Mine.dig", Version: 1, Envelopes: []string{"json"}}}}
		good.Ident = "dwarf"
		for _, break1 := range []func(a *discovery.Announcement){
			func(a *discovery.Announcement) { a.Ident = "" }, func(a *discovery.Announcement) { a.URI = "" }, func(a *discovery.Announcement) { a.Actions = nil },
		} {
			bad := good
			break1(&bad)
			if _, err := p.Announce(&bad); err == nil {
				t.Errorf("%+v was announced", bad)
			}
		}
		quiet, err := p.Announce(&good)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := w.Program("thief").Announce(&good); err == nil || !strings.Contains(err.Error(), "is announced by mine already") {
			t.Error(err)
		}
		other := w.Program("other")
		known := func() int { return len(other.Directory().Instances()) }
		if known() != 1 {
			t.Errorf("%d are known", known())
		}
		other.SetCache(CacheFault{Missing: true})
		_, err = scamp.CallJSON[int](context.Background(), other.Requester(), "Mine.dig", 1)
		if !errors.Is(err, discovery.ErrStale) {
			t.Error(err)
		}
		other.SetCache(CacheFault{Only: func(*Instance) bool { return true }})
		if known() != 0 {
			t.Error("who knows some instances knows the program")
		}
		other.SetCache(CacheFault{})
		quiet()
		quiet()
		w.Sleep(9 * time.Second)
		if known() != 1 {
			t.Error("it is forgotten too soon")
		}
		w.Sleep(4 * time.Second)
		if known() != 0 {
			t.Error("it is not forgotten")
		}
	})
}

// TestProgramsCannot: what makes no sense is said at once.
func TestProgramsCannot(t *testing.T) {
	var panics atomic.Int32
	Run(t, 1, func(w *World) {
		try := func(f func()) {
			defer func() {
				if recover() != nil {
					panics.Add(1)
				}
			}()
			f()
		}
		try(func() { w.Program("a").Serve("a", &scamp.Service{}) })
		try(func() { w.Program("a").Serve("a", &scamp.Service{Mux: new(scamp.Mux)}) })
		try(func() { JSON(func() {}) })
		try(func() {
			w.Requester(web(LoadSpec{Action: "A.b", Rate: 1, Body: Octets(5), Request: JSON(1)}))
		})
		w.Net.Host("b").Crash()
		try(func() { w.Program("b").Serve("b", doubler(working(w))) })
	})
	if panics.Load() != 5 {
		t.Errorf("%d of 5", panics.Load())
	}
}

// TestProgramsInRealTime: the same code takes part in a world of real time.
func TestProgramsInRealTime(t *testing.T) {
	for _, tls := range []bool{false, true} {
		r := Live(1, func(w *World) {
			w.TLS = tls
			w.Service(shop(1))
			w.Program("abacus").Serve("abacus", doubler(func(int) {}))
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			bus := w.Program("till").Requester()
			if n, err := scamp.CallJSON[int](ctx, bus, "Number.double", 21); n != 42 || err != nil {
				t.Errorf("tls=%v: %d, %v", tls, n, err)
			}
			if got, err := scamp.CallJSON[struct{ Instance string }](ctx, bus, "Shop.get", nil); got.Instance != "shop-1" || err != nil {
				t.Errorf("tls=%v: %+v, %v", tls, got, err)
			}
		})
		if err := r.Err(); err != nil {
			t.Error(err)
		}
	}
}
