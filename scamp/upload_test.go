package scamp

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestABodyThatIsStuckIsClosed: nothing is left of a call whose body waits for
// input that never comes.
func TestABodyThatIsStuckIsClosed(t *testing.T) {
	for name, end := range map[string]func(s *script, cancel func()){
		"lost":      func(s *script, _ func()) { s.nc.Reset() },
		"cancelled": func(_ *script, cancel func()) { cancel() },
		"failed":    func(s *script, _ func()) { s.give(`HEADER 0 {"type":"reply","request_id":1,"error":"no"}`, "EOF 0") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, s := scripted(t, Config{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				body := &closable{stuck: make(chan struct{})}
				r := NewRequest("A.b", nil)
				r.Body = body
				result := calling(c, ctx, r)
				s.want(request1)
				end(s, cancel)
				if _, err := result(); err == nil {
					t.Error("the call succeeded")
				}
				synctest.Wait()
				if n := body.closed.Load(); n != 1 {
					t.Errorf("the body was closed %d times", n)
				}
			})
		})
	}
}

func TestABodyIsClosedWhenItIsSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		body := &closable{text: "abc", stuck: make(chan struct{})}
		close(body.stuck)
		r := NewRequest("A.b", nil)
		r.Body = body
		result := calling(c, t.Context(), r)
		s.want(request1, "DATA 0 abc", "EOF 0")
		if n := body.closed.Load(); n != 1 {
			t.Errorf("the body was closed %d times", n)
		}
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "EOF 0")
		if _, err := result(); err != nil {
			t.Error(err)
		}
		s.nc.Close()
		<-c.Done()
		if _, err := c.Call(t.Context(), r); err == nil || body.closed.Load() != 1 {
			t.Error("a body that was not looked at is closed:", err)
		}
	})
}

// TestAnUploadEndsWithTheTimeOfItsCall: the reply may come long before.
func TestAnUploadEndsWithTheTimeOfItsCall(t *testing.T) { // WIRE-TIME-04a, 12
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{CallTimeout: 10 * time.Second, IdleTimeout: 20 * time.Second})
		body := &closable{stuck: make(chan struct{})}
		r := NewRequest("A.b", nil)
		r.Body = body
		result := calling(c, t.Context(), r)
		s.want(request1)
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 early", "EOF 0")
		if got, err := result(); got != "early" || err != nil {
			t.Fatal(got, err)
		}
		s.idle()
		time.Sleep(10 * time.Second)
		s.want("TXERR 0 call of A.b timed out")
		if body.closed.Load() != 1 {
			t.Error("the body is not closed")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.Err() == nil {
			t.Error("the connection is never idle again")
		}
	})
}

// closable is a body that gives its text and then waits until it is closed.
type closable struct {
	text   string
	stuck  chan struct{}
	closed atomic.Int64
}

func (b *closable) Read(p []byte) (int, error) {
	n := copy(p, b.text)
	b.text = b.text[n:]
	if n > 0 {
		return n, nil
	}
	<-b.stuck
	if b.closed.Load() > 0 {
		return 0, io.ErrClosedPipe
	}
	return 0, io.EOF
}

func (b *closable) Close() error {
	if b.closed.Add(1) == 1 {
		select {
		case <-b.stuck:
		default:
			close(b.stuck)
		}
	}
	return nil
}
