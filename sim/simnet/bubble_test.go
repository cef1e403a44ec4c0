package simnet

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestVirtualTimeJumps(t *testing.T) {
	start := time.Now()
	var took time.Duration
	err := Bubble(func() {
		begin := time.Now()
		time.Sleep(time.Hour)
		took = time.Since(begin)
	})
	if err != nil || took != time.Hour || time.Since(start) > 10*time.Second {
		t.Fatal(err, took, time.Since(start))
	}
}

// Who sleeps in virtual time cannot do so where time is real.
func TestSleep(t *testing.T) {
	var took time.Duration
	err := Bubble(func() {
		begin := time.Now()
		Sleep(time.Hour)
		took = time.Since(begin)
	})
	if err != nil || took != time.Hour {
		t.Error(err, took)
	}
	defer func() {
		if recover() == nil {
			t.Error("it sleeps in real time")
		}
	}()
	Sleep(time.Nanosecond)
}

func TestABubbleReportsWhatGoesWrong(t *testing.T) {
	for name, f := range map[string]func(){
		"panic":               func() { panic("oh") },
		"deadlock":            func() { <-make(chan int) },
		"blocked":             func() { go func() { <-make(chan int) }() },
		"ended its goroutine": func() { runtime.Goexit() },
	} {
		err := Bubble(f)
		if err == nil || errors.Is(err, ErrNoBubble) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Bubble(func() {}); err != nil {
		t.Error("the next bubble:", err)
	}
}

// What f has done comes first, and goroutines that are left because of it are named after
// it. Those of other bubbles are not shown.
func TestABubbleReportsThePanicFirst(t *testing.T) {
	err := Bubble(func() {
		go waitForEver()
		panic("oh")
	})
	text := fmt.Sprint(err)
	panics, left := strings.Index(text, "simnet: panic: oh\n"), strings.Index(text, "goroutines are left")
	if panics != 0 || left < panics || !strings.Contains(text, "bubble_test.go:") {
		t.Error(text)
	}
	for range 2 {
		err = Bubble(func() { go waitForEver() })
		if text := fmt.Sprint(err); strings.Count(text, "\n\ngoroutine ") != 1 || !strings.Contains(text, "waitForEver") {
			t.Error(text)
		}
	}
}

func waitForEver() { <-make(chan int) }

func TestManyBubblesAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := Bubble(func() { time.Sleep(time.Minute) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// A bubble has a name, by which its goroutines are shown, those first that keep it from going on.
func TestBubbleName(t *testing.T) {
	if name := BubbleName(); name != "" {
		t.Errorf("there is no bubble, and its name is %q", name)
	}
	var mu sync.Mutex
	err := Bubble(func() {
		var both sync.WaitGroup
		defer both.Wait()
		mu.Lock()
		defer mu.Unlock()
		both.Go(func() { waitForMutex(&mu) })
		both.Go(func() { time.Sleep(time.Second) })
		text := ""
		for deadline := 10_000; deadline > 0; deadline-- { // until it waits
			if runtime.Gosched(); strings.Contains(Stacks(BubbleName()), "waitForMutex(") {
				text = Stacks(BubbleName())
				break
			}
		}
		mutex, sleep := strings.Index(text, "waitForMutex("), strings.Index(text, "time.Sleep")
		if mutex < 0 || sleep >= 0 && sleep < mutex || BubbleName() == "" {
			t.Errorf("%s\n%s", BubbleName(), text)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func waitForMutex(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
}
