package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

func slowly(d Dist) func(*rand.Rand) time.Duration { return d.Duration }

func rule(m interpose.Match, do ...interpose.Action) *interpose.Rule {
	return &interpose.Rule{Match: m, Do: do}
}

// replyData are the DATA packets of replies, as an instance or as a requester sees
// them.
func replyData(from interpose.Direction) interpose.Match {
	return interpose.Match{From: from, Types: []string{"DATA"}, Header: map[string]string{"type": "reply"}, Follow: true}
}

// TestPacketFaults: what rules do to the calls of a world, at either end of its
// connections, with TLS and without. Nobody who is right is blamed.
func TestPacketFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		out   func(out interpose.Direction) *interpose.Rule // out is from the service to the requester
		kinds string                                        // that calls end with while the fault is there
	}{
		{name: "slow acknowledgements", kinds: "ok", out: func(out interpose.Direction) *interpose.Rule {
			return interpose.SlowAcks(out, slowly(Between(50*time.Millisecond, 200*time.Millisecond)))
		}},
		{name: "slow replies", kinds: "ok", out: func(out interpose.Direction) *interpose.Rule {
			return rule(replyData(out), interpose.Delay(slowly(Around(100*time.Millisecond))))
		}},
		{name: "throttled", kinds: "ok", out: func(out interpose.Direction) *interpose.Rule {
			return rule(interpose.Match{From: out, Types: []string{"DATA"}}, interpose.Throttle(500_000))
		}},
		{name: "poisoned replies", kinds: "poisoned", out: func(out interpose.Direction) *interpose.Rule {
			return rule(replyData(out), interpose.Substitute([]byte(`"id"`), []byte(`"no"`)))
		}},
		{name: "half of them poisoned", kinds: "ok poisoned", out: func(out interpose.Direction) *interpose.Rule {
			m := replyData(out)
			m.Share = 0.5
			return rule(m, interpose.Flip(3))
		}},
		{name: "repeated DATA", kinds: "lost poisoned", // too much of a large one breaks the window
			out: func(out interpose.Direction) *interpose.Rule {
				return rule(replyData(out), interpose.Duplicate(1))
			}},
		{name: "lost ends", kinds: "timed out", out: func(out interpose.Direction) *interpose.Rule {
			return rule(interpose.Match{From: out, Types: []string{"EOF"}}, interpose.Drop())
		}},
		{name: "unknown numbers", kinds: "lost", out: func(out interpose.Direction) *interpose.Rule {
			return rule(interpose.Match{From: out, Types: []string{"DATA"}}, interpose.Alter(func(_ *rand.Rand, p interpose.Packet) interpose.Packet {
				p.Number += 1000
				return p
			}))
		}},
		{name: "cut in the middle", kinds: "lost", out: func(out interpose.Direction) *interpose.Rule {
			return rule(interpose.Match{From: out, Types: []string{"DATA"}}, interpose.CloseAmid())
		}},
		{name: "refusals that are none", kinds: "refused", out: func(out interpose.Direction) *interpose.Rule {
			return rule(interpose.Match{From: out, Types: []string{"HEADER"}}, interpose.Substitute([]byte(`"reply"`),
				[]byte(`"reply","error_code":"transport","error":"no","error_data":{"dispatch_failure":true}`)))
		}},
		{name: "altered requests", kinds: "failed", out: func(out interpose.Direction) *interpose.Rule {
			return rule(interpose.Match{From: 3 - out, Types: []string{"DATA"}}, interpose.Substitute([]byte(`"id":`), []byte(`"id":1`)))
		}},
	} {
		for i, at := range []string{"shop-1", "web", "shop-1", "web"} {
			if tls := i > 1; !tls || !raceDetector {
				out := interpose.Out
				if at == "web" {
					out = interpose.In
				}
				var mu sync.Mutex
				ends := map[Kind]int{}
				r := Run(t, 1, func(w *World) {
					w.TLS = tls
					w.Ended = func(c Call) {
						mu.Lock()
						defer mu.Unlock()
						if c.Began > 4*time.Second && c.Began < 8*time.Second {
							ends[c.Kind]++
						} else if c.Kind != OK && (c.Began < 2*time.Second || c.Began > 12*time.Second) {
							t.Errorf("%s at %s, tls %v: %+v", test.name, at, tls, c)
						}
					}
					f := w.Packets(PacketSpec{Name: "packets", At: []string{at}, Rules: []*interpose.Rule{test.out(out)}})
					s := shop(1)
					s.Actions[0].Timeout = 2 * time.Second
					w.Service(s)
					w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 5, Body: OctetsBetween(1000, 100000)}))
					w.Sleep(4 * time.Second)
					f.Begin()
					w.Sleep(5 * time.Second)
					f.End()
					w.Sleep(6 * time.Second)
				})
				if r == nil || r.Faults[0].Hits == 0 {
					t.Fatal("no hits")
				}
				for kind := range ends {
					if !strings.Contains(test.kinds, string(kind)) {
						t.Errorf("%s at %s, tls %v: %v", test.name, at, tls, ends)
					}
				}
				if len(ends) < len(strings.Split(strings.ReplaceAll(test.kinds, "timed out", "late"), " ")) {
					t.Errorf("%s at %s, tls %v: %v", test.name, at, tls, ends)
				}
			}
		}
	}
}

// TestWrongEndpointsBehindPacketFaults: what a service does wrong is found although a
// packet fault is on its connections; and a fault that is never met is told.
func TestWrongEndpointsBehindPacketFaults(t *testing.T) {
	for _, at := range []string{"shop-1", "web"} {
		r, err := Play(1, func(w *World) {
			w.Packets(PacketSpec{Name: "slow", At: []string{at}, Rules: []*interpose.Rule{
				interpose.SlowAcks(interpose.Both, slowly(Exactly(time.Millisecond))),
				rule(interpose.Match{Types: []string{"HEADER"}, Header: map[string]string{"action": "No.such"}}, interpose.Drop()),
			}}).Begin()
			w.Packets(PacketSpec{Name: "never", At: []string{at}, Rules: []*interpose.Rule{rule(interpose.Match{Nth: 1 << 30}, interpose.Drop())}}).Begin()
			s := shop(1)
			s.Bug = "repeats-acks"
			w.Service(s)
			w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Body: Octets(100000)}))
			w.Sleep(20 * time.Second)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Violations) == 0 || !strings.Contains(r.Violations[0].What, "shop-1: message") {
			t.Errorf("%v", r.Violations)
		}
		if err := fmt.Sprint(r.Err()); !strings.Contains(err, `"never" was never met`) || strings.Contains(err, `"slow" was`) {
			t.Error(err)
		}
	}
}

// TestPacketFaultsAreOfSomeConnections: those of other hosts and peers have none.
func TestPacketFaultsAreOfSomeConnections(t *testing.T) {
	r := Run(t, 1, func(w *World) {
		w.Packets(PacketSpec{Name: "drop", At: []string{"shop-2", "shop-1"}, Peers: []string{"app"}, Rules: []*interpose.Rule{
			rule(interpose.Match{Types: []string{"HEADER"}}, interpose.CloseBefore())}}).Begin()
		w.Service(shop(2))
		app := web(LoadSpec{Action: "Shop.get~1", Rate: 5})
		app.Name = "app"
		w.Requester(app)
		w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 5}))
		w.Sleep(10 * time.Second)
	})
	ours, others := r.Stats.Action("Shop.get~1"), r.Stats.Action("Shop.get")
	if ours.Kinds[OK] > 0 || others.Success() < 1 {
		t.Errorf("%v, %v", ours.Kinds, others.Kinds)
	}
}

// TestHeldPacketsAreReleased: by hand, and in the end. Large replies are held twice.
func TestHeldPacketsAreReleased(t *testing.T) {
	r := Run(t, 1, func(w *World) {
		f := w.Packets(PacketSpec{Name: "held", At: []string{"shop-1"}, Rules: []*interpose.Rule{rule(replyData(interpose.Out), interpose.Hold(0))}})
		w.Service(shop(1))
		w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20, Until: 15 * time.Second}))
		f.Begin()
		for range 2 {
			w.Sleep(10 * time.Second)
			f.Release()
		}
		f.End()
		f.End()
	})
	get := r.Stats.Action("Shop.get")
	if get.Success() < 1 || get.Latency.Quantile(0.5) < time.Second || get.Latency.Max() > 21*time.Second {
		t.Errorf("%+v, median %v, at most %v", get.Kinds, get.Latency.Quantile(0.5), get.Latency.Max())
	}
}

// TestPacketFaultsReplay: the seed decides, with packet faults as without.
func TestPacketFaultsReplay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runs := 3
	if testing.Short() || raceDetector {
		runs = 1
	}
	for _, tls := range []bool{false, true} {
		runtime.GOMAXPROCS(1)
		first := faultyPackets(t, 7, tls)
		if lines := strings.Count(first, "\n"); lines < 1000 {
			t.Errorf("the transcript has %d lines", lines)
		}
		runtime.GOMAXPROCS(2)
		for range runs {
			if again := faultyPackets(t, 7, tls); again != first {
				t.Fatalf("tls=%v: two runs differ:\n%s", tls, difference(first, again))
			}
		}
		if faultyPackets(t, 8, tls) == first {
			t.Error("two seeds are equal")
		}
	}
}

func faultyPackets(t *testing.T, seed uint64, tls bool) string {
	var b bytes.Buffer
	transcript := NewTranscript(&b)
	Run(t, seed, func(w *World) {
		w.TLS = tls
		w.Record(transcript)
		all := []string{"shop-1", "shop-2", "shop-3"}
		share := func(m interpose.Match, share float64) interpose.Match {
			m.Share = share
			return m
		}
		slow := w.Packets(PacketSpec{Name: "slow", At: append([]string{"web"}, all...), Rules: []*interpose.Rule{
			interpose.SlowAcks(interpose.Both, slowly(Between(0, 300*time.Millisecond))), interpose.WithheldAcks(interpose.Both, 0.1),
			rule(interpose.Match{Types: []string{"DATA"}}, interpose.Throttle(2_000_000))}})
		poison := w.Packets(PacketSpec{Name: "poison", At: all, Rules: []*interpose.Rule{rule(share(replyData(interpose.Out), 0.1), interpose.Flip(1))}})
		held := w.Packets(PacketSpec{Name: "held", At: all[:1], Rules: []*interpose.Rule{rule(interpose.Match{From: interpose.Out, Every: 5}, interpose.Hold(0))}})
		cut := w.Packets(PacketSpec{Name: "cut", At: []string{"web"}, Peers: all[1:], Rules: []*interpose.Rule{rule(share(interpose.Match{}, 0.02), interpose.CloseAmid())}})
		w.Service(shop(3))
		w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 10, Body: OctetsBetween(0, 70000), Slow: Around(time.Millisecond)},
			LoadSpec{Action: "Shop.flaky", Workers: 4, Think: Around(100 * time.Millisecond), Cancel: 0.1, CancelAfter: Around(50 * time.Millisecond)}))
		for i, f := range []*PacketFault{slow, poison, held, cut} {
			w.At(time.Duration(i+1)*time.Second, f.Begin)
			w.At(time.Duration(i+4)*time.Second, f.End)
		}
		w.Sleep(8 * time.Second)
	})
	if err := transcript.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
