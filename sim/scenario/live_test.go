package scenario

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const liveShop = `
services:
  - {name: shop, instances: 2, actions: [{name: Shop.get, latency: 1ms}]}
requesters:
  - {name: web, calls: [{action: Shop.get, workers: 2, think: 1ms}]}
`

// play plays a scenario in real time until f returns. f can wait for what happens.
func playLive(t *testing.T, text string, d time.Duration, f func(l *Live, happens func(what string))) *Outcome {
	t.Helper()
	s, err := Parse("live.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	noted, done := make(chan string, 10000), make(chan struct{})
	o := LiveOptions{Options: Options{Seed: 1, Duration: d, Noted: func(_ time.Duration, what string) { noted <- what }}}
	o.Ready = func(l *Live) {
		go func() {
			defer close(done)
			defer func() {
				if d == 0 {
					cancel()
				}
			}()
			limit, stop := context.WithTimeout(context.Background(), 20*time.Second)
			defer stop()
			var passed []string // what nobody has waited for yet: faults of nearly one time begin in any order
			f(l, func(what string) {
				for {
					if i := slices.IndexFunc(passed, func(s string) bool { return strings.Contains(s, what) }); i >= 0 {
						passed = slices.Delete(passed, i, i+1)
						return
					}
					select {
					case got := <-noted:
						passed = append(passed, got)
					case <-limit.Done():
						t.Errorf("did not happen: %s", what)
						return
					}
				}
			})
		}()
	}
	out := s.Live(ctx, o)
	<-done
	if len(out.Violations) > 0 {
		t.Error(out.Violations)
	}
	return out
}

func TestLiveFaults(t *testing.T) {
	text := liveShop + `
faults:
  - {at: 30ms, for: 50ms, kill: shop-1}
  - {name: cut, at: 10ms, partition: [web, shop]}
  - {name: later, at: 50s, pause: shop-2}
`
	playLive(t, text, 0, func(l *Live, happens func(string)) {
		for _, what := range []string{"cut begins", "shop-1 is killed", "shop-1 starts as shop:1.2"} {
			happens(what)
		}
		states := map[string]FaultState{}
		for _, f := range l.Faults() {
			states[f.Name] = f.State
			if f.Name == "cut" && f.Hits == 0 {
				t.Errorf("met, and not counted: %+v", f)
			}
		}
		if states["cut"] != Active || states["later"] != Pending {
			t.Error(states)
		}
		if f, err := l.EndFault("cut"); err != nil || f.Hits == 0 || f.State != Over {
			t.Errorf("%+v, %v", f, err)
		}
		if f, err := l.EndFault("later"); err != nil || f.Hits != 0 {
			t.Errorf("%+v, %v", f, err)
		}
		if _, err := l.EndFault("cut"); !errors.Is(err, ErrNoFault) {
			t.Error(err)
		}
		if names := l.Faults(); len(names) != 1 {
			t.Errorf("%+v", names)
		}
	})
}

// A fault that is added has begun when that returns, and each kind ends when it is
// told to.
func TestLiveEndsEveryKind(t *testing.T) {
	text := strings.Replace(liveShop, "instances: 2", "instances: 2, grace: 100ms", 1)
	playLive(t, text, 0, func(l *Live, happens func(string)) {
		up := func() bool {
			return !slices.ContainsFunc(l.State().Services[0].Instances, func(in InstanceState) bool { return in.State != "up" })
		}
		happens("shop-1 starts")
		for _, f := range []struct{ text, begins, ends string }{
			{"kill: shop-1", "shop-1 is killed", "shop-1 starts"},
			{"crash: shop-1", "shop-1 crashes", "shop-1 starts"},
			{"shutdown: shop-1", "shop-1 is shut down", "shop-1 starts"},
			{"pause: shop-1", "shop-1 is paused", "shop-1 goes on"},
			{"slow: shop-1\ntimes: 3", "shop-1 takes 3 times", "as fast as before"},
			{"profile: wan\nbetween: [web, shop]", "f begins", "f is over"},
			{"cache: missing", "the cache of web changes", "the cache of web changes"},
			{"clock: web\nby: 1h", "f begins", "f is over"},
		} {
			if name, err := l.AddFault([]byte("name: f\n" + f.text)); name != "f" || err != nil {
				t.Error(f, err)
				return
			}
			happens(f.begins)
			if _, err := l.AddFault([]byte("name: f\n" + f.text)); !errors.Is(err, ErrFaultExists) {
				t.Error(err)
			}
			if _, err := l.EndFault("f"); err != nil {
				t.Error(f, err)
			}
			happens(f.ends)
			if !up() {
				t.Errorf("after %s: %+v", f.text, l.State().Services)
			}
		}
		if err := l.Change(func() {}); err != nil {
			t.Error(err)
		}
	})
}

func TestLiveIsJudgedAfterItsTime(t *testing.T) {
	text := liveShop + "faults: [{at: 100ms, start: shop-1}, {at: 200ms, kill: shop-2}]\nexpect: ['calls > 10', 'calls > 1000000']\n"
	var late *Live
	out := playLive(t, text, time.Second, func(l *Live, happens func(string)) { late = l })
	got := strings.Join(out.Failures(), "\n")
	if !strings.Contains(got, `"start shop-1 at 100ms" was never met`) || !strings.Contains(got, "expected calls > 1000000") || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
	if _, err := late.AddFault([]byte("kill: shop-1")); !errors.Is(err, ErrOver) {
		t.Error(err)
	}
	if err := late.Change(func() { t.Error("changed") }); !errors.Is(err, ErrOver) {
		t.Error(err)
	}
}
