package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// fixture is a service with one action of each kind; ran counts executions.
func fixture(cfg Config) (s *Service, ran *atomic.Int64) {
	mux, ran := echoes(), new(atomic.Int64)
	mux.HandleFunc(Action{Name: "Test.count", NoAuth: true}, func(_ context.Context, w *ReplyWriter, r *Request) error {
		_, err := fmt.Fprint(w, ran.Add(1))
		return err
	})
	mux.HandleFunc(Action{Name: "Test.sleep", NoAuth: true}, func(ctx context.Context, w *ReplyWriter, r *Request) error {
		body, _ := io.ReadAll(r.Body)
		d, _ := time.ParseDuration(strings.Trim(string(body), `"`))
		simnet.Sleep(d)
		_, err := w.Write([]byte(`"awake"`))
		return err
	})
	mux.HandleFunc(Action{Name: "Test.panic", NoAuth: true}, func(context.Context, *ReplyWriter, *Request) error { panic("oh") })
	mux.HandleFunc(Action{Name: "Test.fail", NoAuth: true}, func(context.Context, *ReplyWriter, *Request) error {
		return &ReplyError{Code: "c", Message: "t", Data: []byte(`{"a":1}`)}
	})
	mux.Handle(Action{Name: "Test.half", NoAuth: true, Stream: true}, HandlerFunc(func(_ context.Context, w *ReplyWriter, r *Request) error {
		w.Write([]byte("half"))
		w.Flush()
		return errors.New("no more")
	}))
	return &Service{Mux: mux, Config: cfg}, ran
}

func TestRequestsAreAnswered(t *testing.T) { // WIRE-SVC-02a, DISC-RTE-10a
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		s := served(t, svc)
		s.request(0, "test.COUNT", "{}") // WIRE-SVC-02a
		s.want(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 1", "EOF 0")
		s.idle()
		if ran.Load() != 1 {
			t.Fatal(ran.Load())
		}
	})
}

func TestServiceErrors(t *testing.T) { // DISC-RTE-10b
	for _, test := range []struct{ give, want string }{
		{`"action":"No.such","version":1`, `"error_code":"not_found","error":"no such action: No.such version 1"`},       // WIRE-ERR-03
		{`"action":"Test.echo","version":99`, `"error_code":"not_found","error":"no such action: Test.echo version 99"`}, // WIRE-SVC-02b
		{`"version":1`, `"error_code":"not_found","error":"no such action:  version 1"`},
		{`"action":5`, `"error_code":"bad_request","error":"action is not a string"`}, // WIRE-HDR-18b
		{`"action":"Test.echo","version":"x"`, `"error_code":"bad_request","error":"version is not an integer from 1"`},
		{`"action":"Test.echo","envelope":[]`, `"error_code":"bad_request","error":"envelope is not a string"`},
		{`"action":"Test.echo","envelope":"nosuch"`, `"error_code":"bad_request","error":"action Test.echo does not take the envelope nosuch"`}, // WIRE-HDR-12b
		{`"action":"Test.panic"`, `"error_code":"general","error":"internal error"`},                                                            // WIRE-SVC-09
		{`"action":"Test.fail"`, `"error_code":"c","error":"t","error_data":{"a":1}`},                                                           // WIRE-ERR-01
	} {
		bubble(t, func(t *testing.T) {
			svc, _ := fixture(Config{})
			s := served(t, svc)
			s.give(`HEADER 0 {"type":"request","request_id":"x",`+test.give+`}`, "DATA 0 {}", "EOF 0")
			s.want(`HEADER 0 {"type":"reply","request_id":"x",`+test.want+`}`, "EOF 0")
			s.request(1, "Test.echo", "{}")
			s.want(`HEADER 1 {"type":"reply","request_id":2}`, "DATA 1 {}", "EOF 1")
		})
	}
}

func TestWhatIsNotExecuted(t *testing.T) {
	for name, give := range map[string][]string{
		"WIRE-HDR-08a": {`HEADER 0 {"action":"Test.count","request_id":1}`, "DATA 0 {}", "EOF 0"},
		"WIRE-HDR-08b": {`HEADER 0 {"type":"Request","action":"Test.count","request_id":1}`, "DATA 0 {}", "EOF 0"},
		"WIRE-HDR-08c": {`HEADER 0 {"type":["request"],"action":"Test.count","request_id":1}`, "DATA 0 {}", "EOF 0"},
		"WIRE-HDR-14":  {`HEADER 0 {"type":"request","action":"Test.count"}`, "DATA 0 {}", "EOF 0"},
	} {
		bubble(t, func(t *testing.T) {
			svc, ran := fixture(Config{})
			s := served(t, svc)
			s.give(give...)
			s.idle()
			if ran.Load() != 0 {
				t.Error(name, "it was executed")
			}
		})
	}
}

func TestAnAbortedRequestIsAnsweredAndNotExecuted(t *testing.T) { // WIRE-ERR-05
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		s := served(t, svc)
		s.give(`HEADER 0 {"type":"request","action":"Test.count","request_id":1}`, "DATA 0 {}", "TXERR 0 never mind")
		s.want(`HEADER 0 {"type":"reply","request_id":1,"error_code":"transport","error":"request given up: never mind","error_data":{"dispatch_failure":true}}`, "EOF 0")
		s.give(`HEADER 1 {"type":"request","action":"Test.echo","request_id":2}`, "DATA 1 abc")
		s.want("ACK 1 3")
		s.give("TXERR 1 0")
		s.want(`HEADER 1 {"type":"reply","request_id":2,"error_code":"transport","error":"request given up: aborted"}`, "EOF 1")
		if ran.Load() != 0 {
			t.Error("it was executed")
		}
	})
}

func TestNothingIsExecutedAfterAFatalError(t *testing.T) { // WIRE-FRAME-15a
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		s := served(t, svc)
		s.give(`HEADER 5 {}`, `HEADER 0 {"type":"request","action":"Test.count","request_id":1}`, "DATA 0 {}", "EOF 0")
		s.closed()
		if ran.Load() != 0 {
			t.Error("it was executed")
		}
	})
}

func TestBadJSONIsRefused(t *testing.T) { // WIRE-ENV-01b
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{})
		s := served(t, svc)
		for i, body := range []string{"{", "{}x", ""} {
			s.give(fmt.Sprintf(`HEADER %d {"type":"request","action":"Test.count","request_id":1}`, i), fmt.Sprintf("DATA %d %s", i, body), fmt.Sprintf("EOF %d", i))
			s.want(fmt.Sprintf(`HEADER %d {"type":"reply","request_id":1,"error_code":"bad_request","error":"the body is not one JSON text"}`, i), fmt.Sprintf("EOF %d", i))
		}
		if ran.Load() != 0 {
			t.Error("it was executed")
		}
	})
}

func TestASlowActionDelaysNothing(t *testing.T) { // WIRE-RPC-05
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		s := served(t, svc)
		s.request(0, "Test.sleep", `"2s"`)
		s.request(1, "Test.echo", "{}")
		s.want(`HEADER 0 {"type":"reply","request_id":2}`, "DATA 0 {}", "EOF 0")
		s.idle()
		time.Sleep(2 * time.Second)
		s.want(`HEADER 1 {"type":"reply","request_id":1}`, `DATA 1 "awake"`, "EOF 1")
	})
}

func TestHandlersAreLimitedInTime(t *testing.T) { // WIRE-TIME-07
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{HandlerTimeout: time.Second})
		s := served(t, svc)
		s.request(0, "Test.sleep", `"5s"`)
		time.Sleep(time.Second)
		s.want(`HEADER 0 {"type":"reply","request_id":1,"error_code":"general","error":"handler ran too long"}`, "EOF 0")
		time.Sleep(5 * time.Second)
		s.idle()
	})
}

func TestAReplyHalfSentEndsInTXERR(t *testing.T) { // WIRE-ERR-01a
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		s := served(t, svc)
		s.request(0, "Test.half", "{}")
		s.want(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 half", "TXERR 0 no more")
	})
}

func TestIncompleteRequestsAreGivenUp(t *testing.T) { // WIRE-TIME-11
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		s := served(t, svc)
		s.give(`HEADER 0 {"type":"request","action":"Test.count","request_id":1}`)
		time.Sleep(150 * time.Second)
		s.want(`HEADER 0 {"type":"reply","request_id":1,"error_code":"transport","error":"request refused: message not completed in time","error_data":{"dispatch_failure":true}}`, "EOF 0")
		time.Sleep(120 * time.Second) // it no longer keeps the connection busy
		s.closed()
	})
}

func TestAStalledReplyIsGivenUp(t *testing.T) { // WIRE-FLOW-11b
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{IdleTimeout: time.Second, HandlerTimeout: -1})
		s := served(t, svc)
		s.give(`HEADER 0 {"type":"request","action":"Test.echo","request_id":1}`, "DATA 0 "+strings.Repeat("x", 100000), "EOF 0")
		s.want(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x*16384", "DATA 0 x*16384", "DATA 0 x*16384", "DATA 0 x*16384")
		time.Sleep(151 * time.Second)
		s.want("TXERR 0 window did not move")
	})
}

func TestBoundsAreHeld(t *testing.T) { // WIRE-CONN-08
	bubble(t, func(t *testing.T) {
		svc, ran := fixture(Config{MaxMessages: 64, MaxRequest: 1000})
		s := served(t, svc)
		s.give(`HEADER 0 {"type":"request","action":"Test.count","request_id":1}`, "DATA 0 "+strings.Repeat("1", 1001))
		s.want("ACK 0 1001")
		s.give("EOF 0")
		s.want(`HEADER 0 {"type":"reply","request_id":1,"error_code":"bad_request","error":"request refused: more than 1000 octets in a message","error_data":{"dispatch_failure":true}}`, "EOF 0")
		for i := range 64 {
			s.give(fmt.Sprintf(`HEADER %d {"type":"request","action":"Test.count","request_id":1}`, i+1))
		}
		s.idle()
		s.give(`HEADER 65 {"type":"request","action":"Test.count","request_id":1}`)
		s.closed()
		if ran.Load() != 0 {
			t.Error("something was executed")
		}
	})
}

func TestHandlersSeeTheEndOfTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan error, 1)
		mux := new(Mux)
		mux.HandleFunc(Action{Name: "Test.wait", NoAuth: true}, func(ctx context.Context, _ *ReplyWriter, _ *Request) error {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return ctx.Err()
		})
		svc := &Service{Mux: mux}
		s := served(t, svc)
		s.request(0, "Test.wait", "{}")
		s.nc.Close()
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Fatal("the handler does not know")
		}
	})
}
