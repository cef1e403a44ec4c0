package scamp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestWrap: it is put around all actions, once, and runs for who may run only.
func TestWrap(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		var made, ran atomic.Int64
		g.svc.Wrap = func(next Handler) Handler {
			made.Add(1)
			return HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
				ran.Add(1)
				if TicketFrom(ctx) != nil && r.Action == "Test.ticket" {
					return &ReplyError{Code: "wrapped"}
				}
				return next.ServeSCAMP(ctx, w, r)
			})
		}
		c, d := linked(t, g.svc, Config{}), linked(t, g.svc, Config{})
		for _, test := range []struct {
			c                    *Connection
			action, ticket, want string
		}{
			{c, "Test.open", "", `"0 "`},
			{d, "Test.open", "x", `"0 "`},
			{c, "Test.secured", "", "authn: there is no ticket "},
			{d, "Test.ticket", issued(t), "wrapped: Unknown error "},
			{d, "Test.secured", issued(t, 5, 6), `"482 "`},
		} {
			if got := try(t, test.c, test.action, test.ticket); got != test.want {
				t.Errorf("%s: %q", test.action, got)
			}
		}
		if made.Load() != 1 || ran.Load() != 4 {
			t.Error(made.Load(), ran.Load())
		}
	})
}

func TestLogRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		g := guarded()
		g.svc.Wrap = LogRequests(slog.New(slog.NewTextHandler(&log, nil)))
		g.svc.Mux.HandleFunc(Action{Name: "Test.fail", NoAuth: true, Version: 3}, func(context.Context, *ReplyWriter, *Request) error {
			time.Sleep(1500 * time.Millisecond)
			return &ReplyError{Code: "c", Message: "t"}
		})
		c := linked(t, g.svc, Config{})
		try(t, c, "Test.ticket", issued(t))
		r := NewRequest("Test.fail", []byte("{}"))
		r.Version = 3
		calling(c, t.Context(), r)()
		synctest.Wait()
		got := regexp.MustCompile(`(?m)^time=\S+ `).ReplaceAllString(log.String(), "")
		want := "level=INFO msg=request action=Test.ticket version=1 peer=pipe:b took=0s user=482 client=17\n" +
			"level=INFO msg=request action=Test.fail version=3 peer=pipe:b took=1.5s error=\"c: t\"\n"
		if got != want {
			t.Errorf("%s", got)
		}
	})
}

// TestLimitConcurrency: n run, some wait in order, the rest is refused as not
// executed (WIRE-SVC-08, WIRE-ERR-07d).
func TestLimitConcurrency(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		svc.Wrap = LimitConcurrency(2, 3)
		s := served(t, svc)
		for i := range uint64(7) {
			s.request(i, "Test.sleep", `"1s"`)
		}
		var got []string
		collect := func() {
			for synctest.Wait(); len(s.got) > 0; synctest.Wait() {
				if p := <-s.got; strings.HasPrefix(string(p.Body), `{"type":"reply"`) {
					got = append(got, string(p.Body))
				}
			}
		}
		collect()
		for i := range got {
			if !strings.Contains(got[i], `"error":"too many requests in progress","error_data":{"dispatch_failure":true}`) {
				t.Error(got[i])
			}
		}
		if len(got) != 2 || !strings.Contains(got[0], `"request_id":6`) || !strings.Contains(got[1], `"request_id":7`) {
			t.Fatalf("%q", got)
		}
		got = nil
		var counts []int
		for range 4 {
			time.Sleep(time.Second)
			collect()
			slices.Sort(got[len(got)-min(2, len(got)):]) // two end at one moment
			counts = append(counts, len(got))
		}
		want := []string{}
		for i := range 5 {
			want = append(want, fmt.Sprintf(`{"type":"reply","request_id":%d}`, i+1))
		}
		if !slices.Equal(counts, []int{2, 4, 5, 5}) || !slices.Equal(got, want) {
			t.Errorf("%v %q", counts, got)
		}
		s.request(7, "Test.sleep", `"0s"`) // everything is free again
		s.want(`HEADER 7 {"type":"reply","request_id":8}`, `DATA 7 "awake"`, "EOF 7")
	})
}

// TestWaitingTakesTime: a request that waits for longer than it has is over without
// being executed, and says so (WIRE-ERR-07d); its place in the queue is free.
func TestWaitingTakesTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{HandlerTimeout: 5 * time.Second})
		svc.Wrap = LimitConcurrency(1, 1)
		c := linked(t, svc, Config{})
		slow := calling(c, t.Context(), NewRequest("Test.sleep", []byte(`"20s"`))) // overdue, and still there
		synctest.Wait()
		for range 3 {
			start := time.Now()
			if got := try(t, c, "Test.count", ""); got != `transport: no time left for the request {"dispatch_failure":true}` || time.Since(start) != 5*time.Second {
				t.Error(got, time.Since(start))
			}
		}
		time.Sleep(5 * time.Second)
		if got := try(t, c, "Test.count", ""); got != "1" || ran.Load() != 1 {
			t.Error(got)
		}
		if _, err := slow(); err == nil {
			t.Error("it ran for 20 s")
		}
	})
}

// TestTurnAndTimeAtOnce: what is answered as not executed is not executed, and what
// is executed is answered otherwise, also when a request's turn and the end of its
// time come together.
func TestTurnAndTimeAtOnce(t *testing.T) {
	refused, executed := 0, 0
	for i := range 200 {
		bubble(t, func(t *testing.T) {
			svc, ran := fixture(Config{HandlerTimeout: 5 * time.Second})
			svc.Wrap = LimitConcurrency(1, 1)
			c := linked(t, svc, Config{})
			slow := calling(c, t.Context(), NewRequest("Test.sleep", []byte(`"5s"`)))
			synctest.Wait()
			got := try(t, c, "Test.count", "") // of the same instant
			slow()
			time.Sleep(time.Second)
			synctest.Wait()
			switch {
			case strings.Contains(got, "dispatch_failure") && ran.Load() == 0:
				refused++
			case !strings.Contains(got, "dispatch_failure") && ran.Load() == 1:
				executed++
			default:
				t.Errorf("run %d: %q, executed %d times", i, got, ran.Load())
			}
		})
	}
	t.Logf("%d refused, %d executed", refused, executed)
}

// TestALimitSurvivesPanics: a handler that panics gives its place back.
func TestALimitSurvivesPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		svc.Wrap = LimitConcurrency(1, 0)
		c := linked(t, svc, Config{})
		for range 3 {
			if got := try(t, c, "Test.panic", ""); got != "general: internal error " {
				t.Error(got)
			}
		}
	})
	for _, n := range [][2]int{{0, 0}, {-1, 0}, {1, -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error(n)
				}
			}()
			LimitConcurrency(n[0], n[1])
		}()
	}
}

// TestLimitBody, for actions that collect and for those that stream.
func TestLimitBody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		var read atomic.Int64
		var failed error
		svc.Mux.HandleFunc(Action{Name: "Test.read", NoAuth: true, Stream: true}, func(_ context.Context, w *ReplyWriter, r *Request) error {
			n, err := io.Copy(io.Discard, r.Body)
			read.Store(n)
			if failed = err; err != nil {
				return fmt.Errorf("upload: %w", err)
			}
			_, err = fmt.Fprint(w, n)
			return err
		})
		svc.Wrap = LimitBody(10)
		c := linked(t, svc, Config{})
		for _, test := range []struct {
			action string
			octets int
			want   string
		}{
			{"Test.count", 10, "1"},
			{"Test.count", 11, `bad_request: request refused: more than 10 octets in a request {"dispatch_failure":true}`},
			{"Test.read", 0, "0"},
			{"Test.read", 10, "10"},
			{"Test.read", 11, "bad_request: request refused: more than 10 octets in a request "},
			{"Test.read", 100000, "bad_request: request refused: more than 10 octets in a request "},
		} {
			body := strings.Repeat("1", test.octets)
			got, err := calling(c, t.Context(), NewRequest(test.action, []byte(body)))()
			if e := new(ReplyError); errors.As(err, &e) {
				got = fmt.Sprintf("%s: %s %s", e.Code, e.Message, e.Data)
			}
			if got != test.want {
				t.Errorf("%s, %d octets: %q %v", test.action, test.octets, got, err)
			}
		}
		var limit *LimitError
		if ran.Load() != 1 || read.Load() != 10 || !errors.As(failed, &limit) {
			t.Error(ran.Load(), read.Load(), failed)
		}
	})
}

// TestALimitedBodyStaysTooLong, whoever reads on.
func TestALimitedBodyStaysTooLong(t *testing.T) {
	limit := &LimitError{What: "octets", Limit: 3}
	b := &limitedBody{body: strings.NewReader("abcdef"), left: 3, limit: limit}
	got, err := io.ReadAll(b)
	if string(got) != "abc" || err != limit {
		t.Errorf("%q %v", got, err)
	}
	if n, err := b.Read(make([]byte, 5)); n != 0 || err != limit {
		t.Error(n, err)
	}
}
