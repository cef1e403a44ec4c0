package sim

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// shop is a service that everybody uses.
func shop(instances int) ServiceSpec {
	return ServiceSpec{Name: "shop", Instances: instances, Actions: []ActionSpec{
		{Name: "Shop.get", Latency: Around(20 * time.Millisecond), Reply: OctetsBetween(0, 100000)},
		{Name: "Shop.flaky", Latency: Between(0, 50*time.Millisecond), Reply: OctetsBetween(0, 100000), Errors: 0.1, Refuse: 0.1, Abort: 0.1},
	}}
}

func web(loads ...LoadSpec) RequesterSpec { return RequesterSpec{Name: "web", Calls: loads} }

func TestAQuietWorld(t *testing.T) {
	for _, tls := range []bool{false, true} {
		r := Run(t, 1, func(w *World) {
			w.TLS = tls
			w.Service(shop(3))
			w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Body: OctetsBetween(0, 100000)}, LoadSpec{Action: "shop.FLAKY", Workers: 4, Think: Around(100 * time.Millisecond)}))
			w.Sleep(30 * time.Second)
		})
		get, flaky := r.Stats.Action("Shop.get"), r.Stats.Action("shop.FLAKY")
		if get.Calls < 400 || get.Success() != 1 || get.Latency.Quantile(0.5) < 5*time.Millisecond || get.Latency.Quantile(0.99) > time.Second {
			t.Errorf("%+v, median %v", get, get.Latency.Quantile(0.5))
		}
		if flaky.Kinds[OK] == 0 || flaky.Kinds[Failed] == 0 || flaky.Kinds[GivenUp] == 0 || r.Stats.Retries == 0 || r.Stats.Refusals == 0 {
			t.Errorf("%+v, %+v", flaky, r.Stats)
		}
		if r.Stats.Connections != 3 {
			t.Errorf("%d connections to three instances", r.Stats.Connections)
		}
	}
}

func TestInstancesComeAndGo(t *testing.T) {
	r := Run(t, 2, func(w *World) {
		s := w.Service(shop(4))
		w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Body: OctetsBetween(0, 20000)}))
		w.At(5*time.Second, s.Instance(1).Kill)
		w.At(10*time.Second, s.Instance(2).Shutdown)
		w.At(15*time.Second, s.Instance(3).Crash)
		w.At(20*time.Second, s.Instance(4).Pause)
		w.At(25*time.Second, s.Instance(4).Resume)
		w.At(30*time.Second, func() {
			for _, in := range s.Instances() {
				in.Restart()
			}
		})
		w.Sleep(2 * time.Minute)
	})
	get := r.Stats.Action("Shop.get")
	if get.Success() < 0.7 || get.Success() == 1 || get.Kinds[Lost] == 0 {
		t.Errorf("%+v", get.Kinds)
	}
}

func TestBrokenCaches(t *testing.T) {
	for name, test := range map[string]struct {
		fault CacheFault
		kind  Kind // that must come
	}{
		"missing":  {CacheFault{Missing: true}, Stale},
		"ageing":   {CacheFault{Stopped: true}, Stale},
		"empty":    {CacheFault{Damage: func([]byte) []byte { return []byte{} }}, NotFound},
		"forged":   {CacheFault{Damage: func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("10.0.0."), []byte("10.0.9.")) }}, NotFound},
		"split":    {CacheFault{Only: func(*Instance) bool { return false }}, NotFound},
		"outdated": {CacheFault{Frozen: true}, Unsent},
	} {
		t.Run(name, func(t *testing.T) {
			r := Run(t, 3, func(w *World) {
				s := w.Service(shop(1))
				q := w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 2}))
				w.Sleep(10 * time.Second)
				q.SetCache(test.fault)
				if test.fault.Frozen {
					s.Instance(1).Kill()
				}
				w.Sleep(3 * time.Minute)
				q.SetCache(CacheFault{})
				s.Instance(1).Start()
				w.Sleep(3 * time.Minute)
			})
			get := r.Stats.Action("Shop.get")
			if get.Kinds[test.kind] < 50 || get.Kinds[OK] < 200 {
				t.Errorf("%+v", get.Kinds)
			}
		})
	}
}

func TestNobodyCallsStrangers(t *testing.T) {
	r := Run(t, 4, func(w *World) {
		s := shop(2)
		s.Unauthorized = true
		w.Service(s)
		w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 5}))
		w.Sleep(10 * time.Second)
	})
	if get := r.Stats.Action("Shop.get"); get.Kinds[NotFound] != get.Calls || get.Calls == 0 {
		t.Errorf("%+v", get.Kinds)
	}
}

// TestRunsAreEqual: the seed decides, and nothing else.
func TestRunsAreEqual(t *testing.T) {
	for _, tls := range []bool{false, true} {
		first := turbulence(t, 7, tls)
		if lines := strings.Count(first, "\n"); lines < 1000 {
			t.Errorf("the transcript has %d lines", lines)
		}
		runs := 8
		if testing.Short() || raceDetector { // a run costs ten times as much
			runs = 1
		}
		for range runs {
			if again := turbulence(t, 7, tls); again != first {
				t.Fatalf("tls=%v: two runs differ:\n%s", tls, difference(first, again))
			}
		}
		if turbulence(t, 8, tls) == first {
			t.Error("two seeds are equal")
		}
	}
}

func turbulence(t *testing.T, seed uint64, tls bool) string {
	var b bytes.Buffer
	transcript := NewTranscript(&b)
	Run(t, seed, func(w *World) {
		w.TLS = tls
		w.Record(transcript)
		p, _ := simnet.Preset("wan")
		w.Net.SetProfile(p)
		s := w.Service(shop(3))
		w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Body: OctetsBetween(0, 100000), Slow: Around(time.Millisecond)},
			LoadSpec{Action: "Shop.flaky", Workers: 4, Think: Around(100 * time.Millisecond), Cancel: 0.1, CancelAfter: Around(50 * time.Millisecond)}))
		w.At(5*time.Second, s.Instance(1).Kill)
		w.At(7*time.Second, s.Instance(1).Start)
		w.At(9*time.Second, s.Instance(2).Shutdown)
		w.At(12*time.Second, s.Instance(3).Pause)
		w.At(14*time.Second, s.Instance(3).Resume)
		w.Sleep(20 * time.Second)
	})
	if err := transcript.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// difference shows where two texts part.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			from, to := max(i-5, 0), i+5
			return strings.Join(x[from:min(to, len(x))], "\n") + "\n--- and\n" + strings.Join(y[from:min(to, len(y))], "\n")
		}
	}
	return "one is longer"
}

// The functions of a cache fault may use the world, and let time pass. What they break
// or mend meanwhile is seen within a second.
func TestCacheFaultsUseTheWorld(t *testing.T) {
	Run(t, 1, func(w *World) {
		s := w.Service(shop(2))
		q := w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20}))
		p := w.Program("till")
		w.Sleep(time.Second)
		var asked, damaged atomic.Int64
		fault := CacheFault{
			Only: func(in *Instance) bool {
				asked.Add(1)
				return in.Running() && in.Host() == s.Instance(2).Host()
			},
			Damage: func(b []byte) []byte {
				damaged.Add(1)
				w.Note("the cache has %d octets", len(b))
				w.Sleep(100 * time.Millisecond)
				return b
			},
		}
		q.SetCache(fault)
		w.Sleep(5 * time.Second)
		if asked.Load() < 10 || damaged.Load() < 5 || len(q.view.directory.Instances()) != 1 {
			t.Errorf("asked %d times, damaged %d times, %d instances", asked.Load(), damaged.Load(), len(q.view.directory.Instances()))
		}
		q.SetCache(CacheFault{})
		p.SetCache(CacheFault{Name: "mends itself", Damage: func([]byte) []byte {
			p.SetCache(CacheFault{})
			return nil
		}})
		w.Sleep(1100 * time.Millisecond)
		if n := len(p.Directory().Instances()); n != 2 {
			t.Errorf("%d instances in a cache that was mended", n)
		}
	})
}

// Who is killed while it starts does not start, until it is started once more.
func TestKilledWhileItStarts(t *testing.T) {
	Run(t, 1, func(w *World) {
		spec := shop(1)
		spec.Startup = Exactly(5 * time.Second)
		in := w.Service(spec).Instance(1)
		w.Sleep(time.Second)
		in.Kill()
		w.Sleep(10 * time.Second)
		if in.Running() {
			t.Error("who is killed runs")
		}
		in.Start()
		w.Sleep(6 * time.Second)
		if !in.Running() {
			t.Error("it is not started")
		}
	})
}

// Who is started while he is shut down starts when he has stopped, unless somebody kills him or shuts him down once more.
func TestStartedWhileItStops(t *testing.T) {
	for name, tc := range map[string]struct {
		then func(in *Instance)
		runs bool
	}{
		"started":                    {(*Instance).Start, true},
		"nothing":                    {func(*Instance) {}, false},
		"started and killed":         {func(in *Instance) { in.Start(); in.Kill() }, false},
		"restarted":                  {(*Instance).Restart, true},
		"started and shut down more": {func(in *Instance) { in.Start(); in.Shutdown() }, false},
	} {
		Run(t, 1, func(w *World) {
			in := w.Service(shop(1)).Instance(1)
			w.Sleep(time.Second)
			w.Go(in.Shutdown)
			w.Sleep(time.Second)
			if !in.Running() {
				t.Errorf("%s: it has stopped too soon", name)
			}
			tc.then(in)
			w.Sleep(10 * time.Second)
			if in.Running() != tc.runs {
				t.Errorf("%s: it runs: %v", name, in.Running())
			}
		})
	}
}
