package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A subject that dies in one case and is started again: that case fails, and others are not blamed. It may come back
// before anybody has noticed.
func TestSubjectDiesAndComesBack(t *testing.T) {
	t.Parallel()
	for _, refused := range []int{0, 3} { // connections, before it serves again
		var l *listening
		var deaths atomic.Int64
		l = listen(t, &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "HEADER" && textOfMember(string(p.body), "type") == "die" {
				deaths.Add(1)
				l.crash(refused)
				return true
			}
			return false
		}})
		steps := []string{"request 0 echo {} with {\"type\":\"die\"}\nbarrier\n"}
		for range 30 {
			steps = append(steps, "repeat 20 {\n  request next echo {}\n  barrier\n  anything\n}\n")
		}
		report, err := Run(t.Context(), l.subject(), realCases(t, steps...), Options{Jobs: 8, Timeout: 2 * time.Second, Quiet: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range report.Results {
			switch {
			case i == 0 && refused > 0:
				r.wants(t, Fail, "the subject stopped serving")
			case i == 0:
				r.wants(t, Fail, "closed")
			case r.Verdict != Pass:
				t.Errorf("%s is blamed: %s %s", r.Name, r.Verdict, r.why())
			}
		}
		if want := map[bool]string{true: "[case/0]", false: "[]"}[refused > 0]; fmt.Sprint(report.Died) != want || deaths.Load() != 2 {
			t.Errorf("died in %v, %d times", report.Died, deaths.Load())
		}
	}
}

// A subject that dies and stays dead: nobody is blamed when several cases ran, and the one when it was alone.
func TestSubjectDiesAndStaysDead(t *testing.T) {
	t.Parallel()
	for _, jobs := range []int{1, 8} {
		var l *listening
		l = listen(t, &toy{odd: func(c *toyConn, p packet) bool {
			if p.kind == "HEADER" && textOfMember(string(p.body), "type") == "die" {
				l.kill()
				return true
			}
			return false
		}})
		steps := []string{"barrier\n", "request 0 echo {} with {\"type\":\"die\"}\nbarrier\n"}
		for range 20 {
			steps = append(steps, "repeat 300 {\n  barrier\n}\n")
		}
		report, err := Run(t.Context(), l.subject(), realCases(t, steps...), Options{Jobs: jobs, Timeout: 800 * time.Millisecond, Quiet: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		fails := report.Count(Fail)
		if jobs == 1 {
			report.Results[1].wants(t, Fail, "closed")
			if fails != 1 {
				t.Errorf("%d cases fail", fails)
			}
		} else if fails > 0 {
			t.Errorf("%d cases are blamed", fails)
		}
		for _, r := range report.Results {
			if r.Verdict == Errored && !strings.Contains(r.why(), "the subject has died") && !strings.Contains(r.why(), "did not come back") {
				t.Errorf("%s: %s", r.Name, r.why())
			}
		}
		if report.Count(Errored) < 15 {
			t.Errorf("%d cases could not be tried", report.Count(Errored))
		}
	}
}

// A subject that answers on the wrong connection does not fail cases that are right when they are played alone.
func TestSubjectMixesUpConnections(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var last *toyConn
	l := listen(t, &toy{odd: func(c *toyConn, p packet) bool {
		mu.Lock()
		defer mu.Unlock()
		if p.kind == "HEADER" {
			last = c
		}
		m := c.messages[p.number]
		if p.kind != "EOF" || m == nil || m.id == "" || last == c {
			return false
		}
		delete(c.messages, p.number)
		last.reply(m.id, "", m.body)
		return true
	}})
	steps := []string{"connect b\nopen 0 echo\nsend DATA 0 \"1\"\nexpect ACK 0 = 1\non b {\n  open 0 echo\n  send DATA 0 \"1\"\n  expect ACK 0 = 1\n}\nsend EOF 0\nexpect echo 1\non b send EOF 0\non b expect echo 1\n"}
	for range 10 {
		steps = append(steps, "repeat 20 {\n  barrier\n}\n")
	}
	s := l.subject()
	s.fixtures = everything
	report, err := Run(t.Context(), s, realCases(t, steps...), Options{Jobs: 6, Timeout: time.Second, Quiet: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results[1:11] { // what becomes of the first one is chance, as long as others run
		if r.Verdict != Pass {
			t.Errorf("%s is blamed: %s %s", r.Name, r.Verdict, r.why())
		}
	}
	if report, err = Run(t.Context(), s, realCases(t, steps[0]), Options{Timeout: 300 * time.Millisecond, Quiet: 20 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	report.Results[0].wants(t, Fail, "no reply to id 1 came")
}

// An interrupted run ends soon, and says so.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	l := listen(t, &toy{odd: func(c *toyConn, p packet) bool { return c.nth > 20 && p.kind == "EOF" }})
	ctx, cancel := context.WithCancel(t.Context())
	steps := make([]string, 30)
	for i := range steps {
		steps[i] = "request 0 echo {}\nexpect echo 1\nrequest 1 echo {}\nexpect echo 2\n"
	}
	var once sync.Once
	opt := Options{Jobs: 2, Timeout: time.Minute, Quiet: 20 * time.Millisecond, Progress: func(done, all int, name string, v Verdict) {
		if done == 5 {
			once.Do(cancel)
		}
	}}
	s := l.subject()
	s.fixtures = everything
	began := time.Now()
	_, err := Run(ctx, s, realCases(t, steps...), opt)
	if !errors.Is(err, context.Canceled) || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}
