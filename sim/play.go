package sim

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// Run plays a world in a test. It fails the test for what is wrong, with the seed. If
// f panics or ends the test, as t.Fatal does, the test ends here: there is no Result.
func Run(t testing.TB, seed uint64, f func(w *World)) *Result {
	t.Helper()
	r, err := Play(seed, f)
	switch {
	case r == nil && errors.Is(err, errEnded) && t.Skipped():
		t.SkipNow()
	case r == nil:
		t.Fatalf("seed %d: %v", seed, err)
	case err == nil:
		err = r.Err()
	}
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	return r
}

// errEnded is what is wrong with a function that has not returned.
var errEnded = errors.New("sim: the function of the world has ended its goroutine, as t.Fatal does")

// Play makes a world and lets f do with it what it likes: add services and loads,
// let time pass, break things. When f returns, loads stop, outstanding calls end, and
// everything is closed. That is so, too, when f panics or ends its goroutine; there is
// no Result then, and the error says what f did, and where. Other errors are of
// goroutines that wait for each other for ever, or are left.
//
// A panic in a function of [World.Go] or [World.At], or in one that a load or the fault
// of a cache was given, is told in the same way. Loads and [World.Pause] end at once
// then, and the run when f returns. A panic in another goroutine ends the program, as it
// does everywhere in Go.
func Play(seed uint64, f func(w *World)) (*Result, error) {
	var r *Result
	var w *World
	err := simnet.Bubble(func() {
		w = newWorld(seed, false)
		over := make(chan struct{})
		go func() { // whose end is not that of the world
			defer close(over)
			returned := false
			defer func() {
				if p := recover(); p != nil {
					w.fail(panicked(p))
				} else if !returned {
					w.fail(errEnded)
				}
			}()
			f(w)
			returned = true
		}()
		<-over
		r = w.finish()
	})
	wrong := error(nil)
	if w != nil { // what f has begun may never end
		wrong = w.failure()
	}
	switch {
	case wrong == nil:
		return r, err
	case err != nil:
		why, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%w\nbecause of that, the world could not be closed: %s", wrong, why)
	}
	return nil, wrong
}

// guarded is a function whose panic is told, and ends the run. In real time nobody is
// told: there it ends the program.
func (w *World) guarded(f func()) func() {
	if w.real {
		return f
	}
	return func() {
		defer func() {
			if p := recover(); p != nil {
				w.fail(panicked(p))
			}
		}()
		f()
	}
}

// fail ends the run because of something wrong with a function of who uses the world.
func (w *World) fail(err error) {
	w.mu.Lock()
	if w.wrong == nil {
		w.wrong = err
	}
	w.mu.Unlock()
	w.end()
}

// failure is what has gone wrong first.
func (w *World) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

// panicked is the error of a panic, with the line of who uses this module, if that can
// be found, and the stack. It is called by the function that recovers.
func panicked(p any) error {
	at := ""
	if f, ok := culprit(); ok {
		at = fmt.Sprintf(" at %s:%d", filepath.Base(f.File), f.Line)
	}
	return fmt.Errorf("sim: panic%s: %v\n\n%s", at, p, debug.Stack())
}

// culprit is the innermost frame that panics and is neither of Go's own packages nor of
// this module's, but for its tests.
func culprit() (runtime.Frame, bool) {
	const module = "github.com/gudtech/scamp-sim/"
	pc := make([]uintptr, 100)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	library, panics := "", false // where Go's packages are; "" with -trimpath
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			library, panics = strings.TrimSuffix(f.File, "runtime/panic.go"), true
		case !panics, strings.HasPrefix(f.Function, "runtime."):
		case strings.HasSuffix(f.File, "_test.go"):
			return f, true
		case library != "" && strings.HasPrefix(f.File, library), library == "" && !dotted(f.File):
		case strings.HasPrefix(f.Function, module):
		default:
			return f, true
		}
		if !more {
			return f, false
		}
	}
}

// dotted reports whether the first element of a path is that of a module, not of a
// package of Go's own.
func dotted(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}
