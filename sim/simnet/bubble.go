package simnet

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ErrNoBubble says that this release of Go cannot run a bubble outside a test.
var ErrNoBubble = errors.New("simnet: virtual time is not to be had in this program")

// Bubble runs f in virtual time: the clock begins on 2000-01-01 and stands still
// while anything can go on; when everybody waits, it jumps to the next timer.
// Bubble returns when f and every goroutine that f started have ended.
//
// A panic in f, the end of its goroutine, goroutines that wait for each other for
// ever, and goroutines that are left when f returns are errors. What f has done comes
// first: what is left because of that is named after it. Goroutines that are left wait
// as long as the program runs. Several bubbles may run at once.
//
// It works in an ordinary program, too. That testing/synctest can be used so is
// not documented; the test of this file holds it fast.
func Bubble(f func()) (err error) {
	name := ""
	done := make(chan struct{})
	go func() { // a goroutine of its own, since synctest may end it
		defer close(done)
		var inner error
		defer func() {
			p := recover()
			switch {
			case p == nil:
				err = inner
			case name == "":
				err = fmt.Errorf("%w: %v", ErrNoBubble, p)
			case inner != nil:
				err = fmt.Errorf("%w\nsimnet: because of that, goroutines are left: %v", inner, p)
			default:
				err = fmt.Errorf("simnet: %v%s", p, blocked(name))
			}
		}()
		synctest.Test(new(testing.T), func(*testing.T) {
			name = BubbleName()
			inner = guard(f)
		})
	}()
	<-done
	return err
}

// blocked shows the goroutines of a bubble that has ended and left them behind, a few
// of them.
func blocked(bubble string) string {
	var b strings.Builder
	shown := 0
	for g := range strings.SplitSeq(strings.TrimSpace(allStacks()), "\n\n") {
		if head, _, _ := strings.Cut(g, "\n"); bubbleOf(head) != bubble || strings.Contains(head, "running") {
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
	head, _, _ := strings.Cut(string(b[:runtime.Stack(b[:], false)]), "\n")
	return bubbleOf(head)
}

// bubbleOf is the name of the bubble in the first line of a goroutine's trace; "" if it
// is in none.
func bubbleOf(head string) string {
	_, name, found := strings.Cut(head, ", synctest bubble ")
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
		name := bubbleOf(head)
		switch {
		case name == "" || bubble != "" && name != bubble:
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

// Sleep lets virtual time pass. It panics outside of a bubble, where time is real: what
// is played in virtual time only cannot keep anybody waiting by mistake.
func Sleep(d time.Duration) {
	if BubbleName() == "" {
		panic("simnet: Sleep was called where time is real: call it in a Bubble")
	}
	time.Sleep(d)
}

// Settle waits until every other goroutine of the bubble waits for something.
// One goroutine at a time may call it.
func Settle() { synctest.Wait() }
