package scamp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// handled is a service with one action.
func handled(stream bool, f HandlerFunc) *Service {
	mux := new(Mux)
	mux.Handle(Action{Name: "Test.it", NoAuth: true, Stream: stream}, f)
	return &Service{Mux: mux}
}

type faulty struct{ text string }

func (f *faulty) Error() string { return f.text } // panics for nil

// TestFaultyHandlersFailOneRequest: whatever a handler does wrong, its own
// request is answered and the next one is served (WIRE-SVC-09, WIRE-RPC-06a).
func TestFaultyHandlersFailOneRequest(t *testing.T) {
	const internal = `"error_code":"general","error":"internal error"`
	for name, test := range map[string]struct {
		f    HandlerFunc
		want string
	}{
		"panics":              {func(context.Context, *ReplyWriter, *Request) error { panic("oh") }, internal},
		"panics with nil":     {func(context.Context, *ReplyWriter, *Request) error { panic(nil) }, internal},
		"ends its goroutine":  {func(context.Context, *ReplyWriter, *Request) error { runtime.Goexit(); return nil }, internal},
		"nil *ReplyError":     {func(context.Context, *ReplyWriter, *Request) error { var e *ReplyError; return e }, internal},
		"nil *AbortError":     {func(context.Context, *ReplyWriter, *Request) error { var e *AbortError; return e }, internal},
		"nil error of a type": {func(context.Context, *ReplyWriter, *Request) error { var e *faulty; return e }, internal},
		"empty code and text": {func(context.Context, *ReplyWriter, *Request) error { return &ReplyError{} }, `"error_code":"general","error":"Unknown error"`},
		"empty text":          {func(context.Context, *ReplyWriter, *Request) error { return errors.New("") }, `"error_code":"general","error":"Unknown error"`},
		"data that is no object": {func(context.Context, *ReplyWriter, *Request) error {
			return &ReplyError{Code: "c", Message: "t", Data: []byte(`[]`)}
		}, `"error_code":"c","error":"t"`},
		"data nested too deeply": {func(context.Context, *ReplyWriter, *Request) error {
			return &ReplyError{Code: "c", Message: "t", Data: []byte(`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}")}
		}, `"error_code":"c","error":"t"`},
		"data that is too long": {func(context.Context, *ReplyWriter, *Request) error {
			return &ReplyError{Code: "c", Message: "t", Data: []byte(`{"a":"` + strings.Repeat("x", 131000) + `"}`)}
		}, `"error_code":"c","error":"t"`},
		"header that cannot be sent": {func(_ context.Context, w *ReplyWriter, _ *Request) error {
			w.Header.Ticket = strings.Repeat("x", 131072)
			return nil
		}, `"error_code":"general","error":"scamp: a header of 131147 octets is longer than 131072"`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := served(t, handled(false, test.f))
				for n := range 2 {
					s.request(uint64(n), "Test.it", "{}")
					s.want(fmt.Sprintf(`HEADER %d {"type":"reply","request_id":%d,%s}`, n, n+1, test.want), fmt.Sprintf("EOF %d", n))
				}
				s.idle()
			})
		})
	}
}

// TestAHandlerThatFailsAfterFlushIsAnswered: the header was promised, so it goes
// out, and TXERR after it (WIRE-RPC-06a, WIRE-ERR-01a).
func TestAHandlerThatFailsAfterFlushIsAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := served(t, handled(false, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			w.Flush()
			return errors.New("no more")
		}))
		for n := range 20 {
			s.request(uint64(n), "Test.it", "{}")
			s.want(fmt.Sprintf(`HEADER %d {"type":"reply","request_id":%d}`, n, n+1), fmt.Sprintf("TXERR %d no more", n))
		}
	})
}

// TestAReplyWriterIsOverWithItsHandler: there is never a second reply (WIRE-RPC-06a).
func TestAReplyWriterIsOverWithItsHandler(t *testing.T) {
	for name, result := range map[string]error{"succeeded": nil, "failed": &ReplyError{Code: "c", Message: "t"}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				kept := make(chan *ReplyWriter, 1)
				svc := handled(false, func(_ context.Context, w *ReplyWriter, _ *Request) error {
					kept <- w
					return result
				})
				s := served(t, svc)
				s.request(0, "Test.it", "{}")
				s.want(`HEADER 0 {"type":"reply","request_id":1`+map[bool]string{true: "", false: `,"error_code":"c","error":"t"`}[result == nil]+"}", "EOF 0")
				w := <-kept
				if _, err := w.Write(make([]byte, 100000)); err == nil {
					t.Error("it still writes")
				}
				if err := w.Flush(); err == nil {
					t.Error("it still flushes")
				}
				s.idle()
			})
		})
	}
}

func TestAHandlerLearnsThatItsTimeIsOver(t *testing.T) { // WIRE-TIME-07
	bubble(t, func(t *testing.T) {
		var before, after, cause error
		svc := handled(false, func(ctx context.Context, w *ReplyWriter, _ *Request) error {
			_, before = w.Write(make([]byte, 20000))
			<-ctx.Done()
			cause = context.Cause(ctx)
			_, after = w.Write(make([]byte, 20000))
			return errors.New("too late")
		})
		svc.Config.HandlerTimeout = time.Second
		s := served(t, svc)
		s.request(0, "Test.it", "{}")
		s.want(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 \x00*16384", "DATA 0 \x00*3616")
		time.Sleep(time.Second)
		s.want("TXERR 0 handler ran too long")
		s.idle()
		if before != nil || after != ErrHandlerTime || cause != ErrHandlerTime {
			t.Error(before, after, cause)
		}
	})
}

// TestAnExpiredHandlerIsAnsweredOnAFullTransport: the reply's header has not been
// written when the time is over; the request is answered all the same.
func TestAnExpiredHandlerIsAnsweredOnAFullTransport(t *testing.T) {
	bubble(t, func(t *testing.T) {
		mux := echoes()
		mux.Handle(Action{Name: "Test.it", NoAuth: true, Timeout: time.Second}, HandlerFunc(func(ctx context.Context, w *ReplyWriter, _ *Request) error {
			w.Write(make([]byte, 20000))
			return nil
		}))
		svc := &Service{Mux: mux}
		a, b := simnet.Pipe(1000)
		go svc.ServeConn(a)
		defer svc.Close()
		say(b, requestText(0, "Test.echo")+"DATA 0 5000\r\n"+strings.Repeat("x", 5000)+"END\r\nEOF 0 0\r\nEND\r\n")
		synctest.Wait() // the echo fills the transport
		say(b, requestText(1, "Test.it")+"DATA 1 2\r\n{}END\r\nEOF 1 0\r\nEND\r\n")
		time.Sleep(2 * time.Second)
		s := newScript(t, b)
		s.want(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x*5000", "EOF 0", `HEADER 1 {"type":"reply","request_id":2}`, "TXERR 1 handler ran too long")
	})
}

func TestAServiceWithoutActionsAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := served(t, &Service{})
		s.request(0, "Test.it", "{}")
		s.want(`HEADER 0 {"type":"reply","request_id":1,"error_code":"not_found","error":"no such action: Test.it version 1"}`, "EOF 0")
	})
}

// TestBodiesOfInvalidUTF8AreRefused: a json body is a JSON text in UTF-8 (WIRE-ENV-01).
func TestBodiesOfInvalidUTF8AreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		s := served(t, svc)
		s.request(0, "Test.count", "\"\xff\"")
		s.want(`HEADER 0 {"type":"reply","request_id":1,"error_code":"bad_request","error":"the body is not one JSON text"}`, "EOF 0")
		if ran.Load() != 0 {
			t.Error("it was executed")
		}
	})
}

// TestAnUnreadBodyIsAcknowledged: a handler that does not look at its body does
// not stall the sender (WIRE-FLOW-07b).
func TestAnUnreadBodyIsAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := linked(t, handled(true, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			_, err := io.WriteString(w, "early")
			return err
		}), Config{})
		for range 3 {
			if got, err := calling(c, t.Context(), NewRequest("Test.it", make([]byte, 1<<20)))(); got != "early" || err != nil {
				t.Fatal(got, err)
			}
		}
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.busy() {
			t.Error("a request has not been sent to its end")
		}
	})
}

func TestServeConnWaitsForItsHandlers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		returned := false
		svc := handled(false, func(ctx context.Context, _ *ReplyWriter, _ *Request) error {
			<-ctx.Done()
			time.Sleep(time.Minute)
			returned = true
			return nil
		})
		a, b := simnet.Pipe(0)
		ended := make(chan error, 1)
		go func() { ended <- svc.ServeConn(a) }()
		newScript(t, b).request(0, "Test.it", "{}")
		b.Close()
		if err := <-ended; !returned {
			t.Error("the handler runs on after", err)
		}
	})
}

// TestLargeIDsAreEchoed: an id of nearly the size of a packet comes back, or the
// request fails; nothing else does (WIRE-SAFE-02).
func TestLargeIDsAreEchoed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		s := served(t, svc)
		for i, size := range []int{100000, 130900, 131000} {
			id := `"` + strings.Repeat("i", size) + `"`
			for j, action := range []string{"Test.echo", "No.such"} {
				n := 2*i + j
				s.give(fmt.Sprintf(`HEADER %d {"type":"request","action":%q,"request_id":%s}`, n, action, id), fmt.Sprintf("EOF %d", n))
				p := <-s.got
				if !bytes.Contains(p.Body, []byte(id)) {
					t.Fatalf("%s with an id of %d octets: %.100s", action, size, p.Body)
				}
				if end := <-s.got; size == 100000 && end.Type.String() != "EOF" {
					t.Errorf("%s with an id of %d octets ends in %v", action, size, end)
				}
			}
		}
	})
}

// TestHandlersOfLogsMayAskTheConnection: nobody is called with the mutex held.
func TestHandlersOfLogsMayAskTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := &asking{}
		c, s := scripted(t, Config{Logger: slog.New(h)})
		h.c = c
		s.give(`HEADER 0 {"type":"foo","action":"`+strings.Repeat("x", 1000)+`"}`, "EOF 0")
		s.idle()
		if !strings.Contains(h.text, "message dropped") || strings.Contains(h.text, strings.Repeat("x", 100)) {
			t.Error(h.text)
		}
	})
}

type asking struct {
	slog.Handler
	c    *Connection
	text string
}

func (h *asking) Enabled(context.Context, slog.Level) bool { return h.c == nil || h.c.Err() == nil }
func (h *asking) Handle(_ context.Context, r slog.Record) error {
	h.text += r.Message
	r.Attrs(func(a slog.Attr) bool { h.text += " " + a.String(); return true })
	return h.c.Err()
}
