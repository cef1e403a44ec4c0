package simnet

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
)

// ErrNoBubble says that this release of Go cannot run a bubble outside a test.
var ErrNoBubble = errors.New("simnet: virtual time is not to be had in this program")

// Bubble runs f in virtual time: the clock begins on 2000-01-01 and stands still
// while anything can go on; when everybody waits, it jumps to the next timer.
// Bubble returns when f and every goroutine that f started have ended.
//
// A panic in f, goroutines that wait for each other for ever, and goroutines
// that are left when f returns are errors. Several bubbles may run at once.
//
// It works in an ordinary program, too. That testing/synctest can be used so is
// not documented; the test of this file holds it fast.
func Bubble(f func()) (err error) {
	ran := false
	done := make(chan struct{})
	go func() { // a goroutine of its own, since synctest may end it
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("simnet: %v%s", p, blocked())
				if !ran {
					err = fmt.Errorf("%w: %v", ErrNoBubble, p)
				}
			}
		}()
		var inner error
		synctest.Test(new(testing.T), func(*testing.T) {
			ran = true
			inner = guard(f)
		})
		err = inner
	}()
	<-done
	return err
}

// blocked shows the goroutines of bubbles that wait, a few of them: one that has ended
// has left them behind.
func blocked() string {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	var b strings.Builder
	shown := 0
	for g := range strings.SplitSeq(string(all), "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		if !strings.Contains(head, "synctest bubble") || strings.Contains(head, "running") {
			continue
		}
		if shown++; shown <= 5 {
			b.WriteString("\n\n" + g)
		}
	}
	if shown > 5 {
		fmt.Fprintf(&b, "\n\nand %d more", shown-5)
	}
	return b.String()
}

// BubbleName is the name that traces of goroutines give the caller's bubble, such as
// "synctest bubble 7"; "" outside of one.
func BubbleName() string {
	var b [128]byte
	head, _, _ := bytes.Cut(b[:runtime.Stack(b[:], false)], []byte("\n"))
	_, name, found := strings.Cut(string(head), ", synctest bubble ")
	name, _, ended := strings.Cut(name, "]")
	if !found || !ended {
		return ""
	}
	name, _, _ = strings.Cut(name, ",")
	return "synctest bubble " + name
}

// mostStacks is how many goroutines Stacks shows.
const mostStacks = 30

// Stacks shows the goroutines of a bubble, of all if the name is "". Those that keep
// its clock from going on come first: they run, or wait for something that time does
// not bring.
func Stacks(bubble string) string {
	var busy, resting []string
	for g := range strings.SplitSeq(strings.TrimSpace(allStacks()), "\n\n") {
		head, _, _ := strings.Cut(g, "\n")
		_, name, found := strings.Cut(head, ", synctest bubble ")
		name = "synctest bubble " + strings.TrimSuffix(name, "]:")
		switch {
		case !found || bubble != "" && name != bubble:
		case strings.Contains(head, "(durable)"):
			resting = append(resting, g)
		default:
			busy = append(busy, g)
		}
	}
	shown := append(busy, resting...)
	rest := ""
	if n := len(shown) - mostStacks; n > 0 {
		shown, rest = shown[:mostStacks], fmt.Sprintf("\n\nand %d more", n)
	}
	return strings.Join(shown, "\n\n") + rest
}

// allStacks shows all goroutines, in up to 64 MiB.
func allStacks() string {
	for size := 1 << 20; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size || size == 64<<20 {
			return string(b[:n])
		}
	}
}

// guard runs f in a goroutine of its own, so that neither a panic nor the end of
// that goroutine reaches the testing package.
func guard(f func()) error {
	result := make(chan error, 1)
	go func() {
		finished := false
		defer func() {
			if p := recover(); p != nil {
				result <- fmt.Errorf("simnet: panic: %v\n%s", p, debug.Stack())
			} else if !finished {
				result <- errors.New("simnet: the function ended its goroutine")
			}
		}()
		f()
		finished = true
		result <- nil
	}()
	return <-result
}

// Settle waits until every other goroutine of the bubble waits for something.
// One goroutine at a time may call it.
func Settle() { synctest.Wait() }
