package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// calling starts a call and returns what it will come to.
func calling(c *Connection, ctx context.Context, r *Request) func() (string, error) {
	type outcome struct {
		body string
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		reply, err := c.Call(ctx, r)
		if err != nil {
			done <- outcome{err: err}
			return
		}
		b, err := io.ReadAll(reply.Body)
		done <- outcome{string(b), err}
	}()
	return func() (string, error) { o := <-done; return o.body, o.err }
}

func TestCallsAreMatchedByID(t *testing.T) { // WIRE-RPC-01, 02, 03, 04a, 07, 09b; WIRE-HDR-09
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		var result [3]func() (string, error)
		for i := range result {
			result[i] = calling(c, t.Context(), NewRequest("A.b", []byte("{}")))
			s.want(
				`HEADER `+string('0'+rune(i))+` {"type":"request","action":"A.b","version":1,"envelope":"json","request_id":`+string('1'+rune(i))+`}`,
				"DATA "+string('0'+rune(i))+" {}", "EOF "+string('0'+rune(i)))
		}
		s.give(`HEADER 0 {"type":"reply","request_id":99}`, "DATA 0 stray", "EOF 0",
			`HEADER 1 {"type":"reply"}`, "EOF 1",
			`HEADER 2 {"type":"request","request_id":1,"action":"x"}`, "EOF 2",
			`HEADER 3 {"type":"event","request_id":1}`, "EOF 3",
			`HEADER 4 {"type":5,"request_id":1}`, "EOF 4",
			`HEADER 5 {"type":"reply","request_id":3}`, `HEADER 6 {"request_id":"2"}`,
			"DATA 6 two", "DATA 5 three", "EOF 6", "EOF 5",
			`HEADER 7 {"type":"reply","request_id":1}`, "DATA 7 one", "EOF 7",
			`HEADER 8 {"type":"reply","request_id":1}`, "DATA 8 again", "EOF 8")
		for i, want := range []string{"one", "two", "three"} {
			if got, err := result[i](); got != want || err != nil {
				t.Errorf("call %d: %q, %v", i+1, got, err)
			}
		}
		s.want(`HEADER 3 {"type":"reply","request_id":1,"error_code":"not_found","error":"this side offers no actions"}`, "EOF 3")
		s.idle()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.busy() {
			t.Error("the connection is still busy")
		}
	})
}

func TestFailedReplies(t *testing.T) { // WIRE-ERR-02, 04, 09b; WIRE-HDR-17b, 18b
	for header, want := range map[string]*ReplyError{
		`"error":"e"`:      {Code: "general", Message: "e"},
		`"error_code":"c"`: {Code: "c", Message: "Unknown error"},
		`"error_code":"xyzzy","error":"é","error_data":{"a":[1]}`: {Code: "xyzzy", Message: "é", Data: []byte(`{"a":[1]}`)},
		`"error_code":"","error":null`:                            nil,
		`"error":5`:                                               {Code: "general", Message: "Unknown error"},
		`"error_code":[],"error":"e"`:                             {Code: "general", Message: "e"},
		`"error_code":{},"error_code":""`:                         nil,
	} {
		bubble(t, func(t *testing.T) {
			c, s := scripted(t, Config{})
			result := calling(c, t.Context(), NewRequest("A.b", nil))
			synctest.Wait()
			s.give(`HEADER 0 {"type":"reply","request_id":1,`+header+`}`, `DATA 0 {"ok":true}`, "EOF 0")
			body, err := result()
			e := new(ReplyError)
			if want == nil {
				if err != nil || body != `{"ok":true}` {
					t.Errorf("%s: %q, %v", header, body, err)
				}
			} else if !errors.As(err, &e) || e.Code != want.Code || e.Message != want.Message || string(e.Data) != string(want.Data) {
				t.Errorf("%s: %v", header, err)
			}
		})
	}
}

func TestAnAbortedReplyIsAFailure(t *testing.T) { // WIRE-ERR-04, WIRE-MSG-09, WIRE-MSG-11
	for text, want := range map[string]string{"boom": "boom", "": "aborted", "0": "aborted", "\xff\xfeA": "\ufffdA"} {
		bubble(t, func(t *testing.T) {
			c, s := scripted(t, Config{})
			result := calling(c, t.Context(), NewRequest("A.b", nil))
			synctest.Wait()
			s.give(`HEADER 0 {"type":"reply","request_id":1}`, `DATA 0 {}`, "TXERR 0 "+text)
			_, err := result()
			if e := new(AbortError); !errors.As(err, &e) || e.Text != want {
				t.Errorf("%q: %v", text, err)
			}
		})
	}
}

func TestCallsTimeOut(t *testing.T) { // WIRE-TIME-04a, 04c, 05a, 12; WIRE-FLOW-11a; WIRE-ERR-06c
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{CallTimeout: 2 * time.Second})
		start := time.Now()
		_, err := calling(c, t.Context(), NewRequest("A.b", make([]byte, 300000)))()
		e := new(TimeoutError)
		if !errors.As(err, &e) || !e.Sent || time.Since(start) != 2*time.Second || !strings.Contains(err.Error(), "A.b timed out") {
			t.Fatal(err, time.Since(start))
		}
		s.want(`HEADER 0 {"type":"request","action":"A.b","version":1,"envelope":"json","request_id":1}`,
			"DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384", "DATA 0 \x00*16384", "TXERR 0 call of A.b timed out")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		result := calling(c, ctx, NewRequest("A.c", nil))
		synctest.Wait()
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 late")
		s.want(`HEADER 1 {"type":"request","action":"A.c","version":1,"envelope":"json","request_id":2}`, "EOF 1", "ACK 0 4")
		s.give("EOF 0", `HEADER 1 {"type":"reply","request_id":2}`, "DATA 1 x", "EOF 1")
		if body, err := result(); body != "x" || err != nil {
			t.Fatal(body, err)
		}
	})
}

func TestAReplyHasTheTimeOfItsCall(t *testing.T) { // WIRE-TIME-11
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{CallTimeout: 2 * time.Second})
		result := calling(c, t.Context(), NewRequest("A.b", nil))
		synctest.Wait()
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x")
		_, err := result()
		if e := new(TimeoutError); !errors.As(err, &e) {
			t.Fatal(err)
		}
	})
}

// A reply that comes in pieces is not cut off by a timer that is about something else.
func TestAReplyMayPause(t *testing.T) { // WIRE-TIME-03
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{CallTimeout: time.Minute, IdleTimeout: time.Second})
		result := calling(c, t.Context(), NewRequest("A.b", nil))
		synctest.Wait()
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x")
		time.Sleep(10 * time.Second)
		s.give("DATA 0 y", "EOF 0")
		if body, err := result(); err != nil || body != "xy" {
			t.Fatalf("%q, %v", body, err)
		}
	})
}

func TestARepyMayComeEarly(t *testing.T) { // WIRE-RPC-08a
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		result := calling(c, t.Context(), NewRequest("A.b", make([]byte, 200000)))
		synctest.Wait()
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x", "EOF 0")
		if body, err := result(); body != "x" || err != nil {
			t.Fatal(body, err)
		}
		for total := range 4 {
			s.give("ACK 0 " + []string{"65536", "131072", "196608", "200000"}[total])
		}
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.busy() {
			t.Fatal("the request has not been sent to its end")
		}
	})
}

func TestACallThatWasNotSentSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, _ := scripted(t, Config{})
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("never mind"))
		_, err := c.Call(ctx, NewRequest("A.b", nil))
		e := new(CanceledError)
		if !errors.As(err, &e) || e.Err.Error() != "never mind" {
			t.Fatal(err)
		}
	})
}

type failing struct{ after int }

func (f *failing) Read(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestABodyThatFailsAbortsItsRequest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		r := NewRequest("A.b", nil)
		r.Body = &failing{40000}
		_, err := calling(c, t.Context(), r)()
		if e := new(CanceledError); !errors.As(err, &e) || !e.Sent {
			t.Fatal(err)
		}
		s.want(`HEADER 0 {"type":"request","action":"A.b","version":1,"envelope":"json","request_id":1}`, "DATA 0 \x00*16384", "DATA 0 \x00*16384",
			"TXERR 0 call of A.b cancelled: disk full")
	})
}

func TestIDsMatchAsTheyAreWritten(t *testing.T) { // WIRE-RPC-03, WIRE-RPC-07
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		result := calling(c, t.Context(), NewRequest("A.b", nil))
		synctest.Wait()
		for i, id := range []string{`"01"`, `"+1"`, `" 1"`, `1.0`, `1e0`, `"1 "`} {
			s.give(fmt.Sprintf(`HEADER %d {"type":"reply","request_id":%s}`, i, id), fmt.Sprintf("DATA %d stray", i), fmt.Sprintf("EOF %d", i))
		}
		s.give(`HEADER 6 {"type":"reply","request_id":"1"}`, "DATA 6 mine", "EOF 6")
		if body, err := result(); body != "mine" || err != nil {
			t.Fatal(body, err)
		}
	})
}

func TestACallHasAnActionAndAVersion(t *testing.T) { // WIRE-HDR-10
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		for _, r := range []*Request{{}, {Header: Header{Action: "A.b", Version: -1}}} {
			if _, err := c.Call(t.Context(), r); err == nil {
				t.Errorf("%+v was sent", r.Header)
			}
		}
		s.idle()
	})
}
