package scamp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestBodiesInMemory: all kinds of bodies arrive, and a request can be used again.
func TestBodiesInMemory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := linked(t, &Service{Mux: echoes()}, Config{})
		if c.LocalAddr().String() != "pipe:b" || c.RemoteAddr().String() != "pipe:a" {
			t.Error(c.LocalAddr(), c.RemoteAddr())
		}
		for name, body := range map[string]io.Reader{
			"buffer": bytes.NewBufferString("abc"), "whole": newWhole([]byte("abc")), "reader": strings.NewReader("abc"), "nil": nil,
		} {
			want := "abc"
			if body == nil {
				want = ""
			}
			r := &Request{Header: Header{Action: "Test.echo"}, Body: body}
			for i := range 2 {
				if i == 1 && name == "reader" {
					want = "" // it has been read
				}
				if got, err := calling(c, t.Context(), r)(); got != want || err != nil {
					t.Errorf("%s, time %d: %q, %v", name, i+1, got, err)
				}
			}
		}
	})
}

func TestReadAllIsBounded(t *testing.T) { // WIRE-CONN-08
	bubble(t, func(t *testing.T) {
		c := linked(t, &Service{Mux: echoes()}, Config{})
		for _, test := range []struct{ size, limit int }{{1000, 999}, {1000, 1000}, {300000, 299999}, {300000, 300000}} {
			reply, err := c.Call(t.Context(), NewRequest("Test.echo", make([]byte, test.size)))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			b, err := reply.ReadAll(test.limit)
			if e := new(LimitError); test.limit < test.size && (!errors.As(err, &e) || e.Limit != test.limit) {
				t.Errorf("%d octets in %d: %d, %v", test.size, test.limit, len(b), err)
			} else if test.limit == test.size && (err != nil || len(b) != test.size) {
				t.Errorf("%d octets in %d: %d, %v", test.size, test.limit, len(b), err)
			}
			reply.Body.Close()
		}
		synctest.Wait()
		nothingIsLeft(t, "client", c)
		reply, err := c.Call(t.Context(), NewRequest("Test.echo", []byte("abc")))
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		reply.Body.Close()
		if _, err := reply.ReadAll(0); err != ErrClosed {
			t.Error(err)
		}
		if n, err := reply.Body.Read(nil); n != 0 || err != nil {
			t.Error(n, err)
		}
	})
}

// TestAReplyThatEndsLate: a message that was given up may still be ended by its
// sender, and the connection is quiet in the end (WIRE-TIME-05a, WIRE-TIME-11).
func TestAReplyThatEndsLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{CallTimeout: time.Second, IdleTimeout: time.Hour})
		result := calling(c, t.Context(), NewRequest("A.b", nil))
		synctest.Wait()
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 x", `HEADER 1 {"type":"foo"}`)
		if _, err := result(); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(10 * time.Minute)
		s.give("DATA 0 y", "EOF 0", "TXERR 1 enough")
		nothingIsLeft(t, "client", c)
	})
}

func TestACollectedReplyThatIsGivenUp(t *testing.T) { // WIRE-MSG-11
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		result := make(chan error, 1)
		go func() {
			reply, err := c.Call(t.Context(), NewRequest("A.b", nil))
			if err == nil {
				_, err = reply.ReadAll(0)
			}
			result <- err
		}()
		synctest.Wait()
		s.give(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 {}", "TXERR 0 boom")
		if e := new(AbortError); !errors.As(<-result, &e) || e.Text != "boom" {
			t.Error(e)
		}
		synctest.Wait()
		nothingIsLeft(t, "client", c)
	})
}
