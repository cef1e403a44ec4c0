package sim

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A fakeTB is a test whose failures are looked at.
type fakeTB struct {
	testing.TB
	text    strings.Builder
	skipped bool
}

func (f *fakeTB) Helper()       {}
func (f *fakeTB) Skipped() bool { return f.skipped }
func (f *fakeTB) SkipNow()      { f.skipped = true; runtime.Goexit() }

func (f *fakeTB) Errorf(format string, args ...any) { fmt.Fprintf(&f.text, format+"\n", args...) }

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

// fails runs a world that is busy when a function does something wrong: f, or later. It
// returns what the test is told, whether Run returned, and what is left of the bubble.
func fails(f, later func(t testing.TB, w *World, s *Service)) (t *fakeTB, returned bool, left string) {
	t = new(fakeTB)
	bubble := ""
	over := make(chan struct{})
	go func() {
		defer close(over)
		Run(t, 42, func(w *World) {
			bubble = simnet.BubbleName()
			w.TLS = true
			s := w.Service(shop(2))
			w.Requester(web(LoadSpec{Action: "Shop.get", Rate: 20}, LoadSpec{Action: "Shop.flaky", Workers: 3, Think: Around(100 * time.Millisecond)}))
			w.Program("till").Requester()
			w.Program("greeter").Serve("greeter", doubler(working(w)))
			w.Go(func() { w.Pause(time.Hour) })
			w.At(time.Hour, func() { t.Errorf("the run goes on") })
			w.Sleep(time.Second)
			s.Instance(2).Pause()
			f(t, w, s)
			w.At(30*time.Second, func() { later(t, w, s) })
			if w.Pause(time.Minute) {
				t.Errorf("the run goes on")
			}
		})
		returned = true
	}()
	<-over
	return t, returned, simnet.Stacks(bubble)
}

func nothing(testing.TB, *World, *Service) {}

// What goes wrong in the function of a world is told, with the seed and the place, and
// the world is closed.
func TestWhatGoesWrongInAWorldIsTold(t *testing.T) {
	const here = `play_test\.go:\d+: `
	for name, test := range map[string]struct {
		f    func(t testing.TB, w *World, s *Service)
		want string
	}{
		"panic":          {func(testing.TB, *World, *Service) { panic("inside") }, `^seed 42: sim: panic at ` + here + `inside\n`},
		"wrong spec":     {func(_ testing.TB, w *World, _ *Service) { w.Service(ServiceSpec{Name: "empty"}) }, `^seed 42: sim: panic at ` + here + `sim: service empty has no actions\n`},
		"no instance":    {func(_ testing.TB, _ *World, s *Service) { s.Instance(9).Kill() }, `^seed 42: sim: panic at ` + here + `runtime error: index out of range \[8\] with length 2\n`},
		"in the library": {func(t testing.TB, _ *World, _ *Service) { t.Errorf("%s", strings.Repeat("x", -1)) }, `^seed 42: sim: panic at ` + here + `strings: negative Repeat count\n`},
		"in a fault of a cache": {func(_ testing.TB, w *World, _ *Service) {
			w.Program("till").SetCache(CacheFault{Damage: func([]byte) []byte { panic("inside") }})
		}, `^seed 42: sim: panic at ` + here + `inside\n`},
		"in a fault of a cache, later": {func(_ testing.TB, w *World, _ *Service) {
			w.Program("till").SetCache(CacheFault{Only: func(*Instance) bool {
				if w.Elapsed() > 5*time.Second {
					panic("inside")
				}
				return true
			}})
		}, `^seed 42: sim: panic at ` + here + `inside\n`},
		"beside": {func(_ testing.TB, w *World, _ *Service) {
			w.Go(func() { panic("inside") })
			simnet.Settle()
			panic("what follows")
		}, `^seed 42: sim: panic at ` + here + `inside\n`},
		"in a request": {func(_ testing.TB, w *World, _ *Service) {
			w.Requester(RequesterSpec{Name: "clerk", Calls: []LoadSpec{{Action: "Shop.get", Rate: 1, Request: func(*rand.Rand) []byte { panic("inside") }}}})
		}, `^seed 42: sim: panic at ` + here + `inside\n`},
		"in a reply": {func(_ testing.TB, w *World, _ *Service) {
			judge := func(_, _ []byte) error { panic("inside") }
			w.Requester(RequesterSpec{Name: "clerk", Calls: []LoadSpec{{Action: "Shop.get", Rate: 1, Judge: judge}, {Action: "Shop.get", Workers: 2, Judge: judge}}})
		}, `^seed 42: sim: panic at ` + here + `inside\n`},
		"fatal": {func(t testing.TB, _ *World, _ *Service) { t.Fatalf("inside") }, `^inside\nseed 42: sim: the function of the world has ended its goroutine, as t.Fatal does\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			told, returned, left := fails(test.f, nothing)
			text := told.text.String()
			if !regexp.MustCompile(test.want).MatchString(text) || strings.Contains(text, "deadlock") || strings.Contains(text, "could not be closed") {
				t.Error(text)
			}
			if returned || left != "" {
				t.Errorf("Run returned: %v; goroutines are left:\n%s", returned, left)
			}
		})
	}
}

// So is what goes wrong in a function that the world calls later.
func TestWhatGoesWrongLaterIsTold(t *testing.T) {
	told, returned, left := fails(nothing, func(_ testing.TB, _ *World, s *Service) { s.Instance(9).Kill() })
	want := regexp.MustCompile(`^seed 42: sim: panic at play_test\.go:\d+: runtime error: index out of range \[8\] with length 2\n`)
	if text := told.text.String(); !want.MatchString(text) || returned || left != "" {
		t.Errorf("%s\nRun returned: %v; goroutines are left:\n%s", text, returned, left)
	}
}

// A test that is skipped in a world does not fail.
func TestSkippedInAWorld(t *testing.T) {
	told, returned, left := fails(func(t testing.TB, _ *World, _ *Service) { t.SkipNow() }, nothing)
	if told.text.Len() > 0 || returned || left != "" {
		t.Errorf("%q, returned: %v, %s", told.text.String(), returned, left)
	}
}

// What cannot be closed because of a panic is told after it.
func TestAPanicComesBeforeItsDeadlock(t *testing.T) {
	told, _, left := fails(func(_ testing.TB, w *World, _ *Service) {
		never := make(chan int)
		w.Go(func() { <-never })
		panic("inside")
	}, nothing)
	text := told.text.String()
	panics, because := strings.Index(text, ": inside\n"), strings.Index(text, "\nbecause of that, the world could not be closed: simnet: deadlock: ")
	if panics < 0 || because < panics || left == "" {
		t.Error(text)
	}
}
