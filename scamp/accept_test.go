package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
)

// TestWhatCameBeforeTheEndCanBeAccepted: a whole message is not lost because its
// sender closes behind it.
func TestWhatCameBeforeTheEndCanBeAccepted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true})
		s.give(`HEADER 0 {"type":"event"}`, "DATA 0 whole", "EOF 0", `HEADER 1 {"type":"event"}`, "DATA 1 half")
		s.nc.Close()
		<-c.Done()
		m, err := c.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(m); string(b) != "whole" || err != nil {
			t.Error(string(b), err)
		}
		if _, err := c.Accept(t.Context()); err == nil || err.(*ConnectionError).Err != errPeerClosed {
			t.Error(err)
		}
	})
}

func TestAcceptEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true})
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { _, err := c.Accept(ctx); done <- err }()
		synctest.Wait()
		cancel(io.ErrNoProgress)
		if err := <-done; err != io.ErrNoProgress {
			t.Error(err)
		}
		got := make(chan *MessageReader, 1)
		go func() { m, _ := c.Accept(t.Context()); got <- m }()
		s.give(`HEADER 0 {"type":"event"}`, "EOF 0")
		if m := <-got; m.Header.Type != TypeEvent {
			t.Error(m.Header)
		}
		go func() { _, err := c.Accept(t.Context()); done <- err }()
		synctest.Wait()
		c.Close()
		if e := new(ConnectionError); !errors.As(<-done, &e) || e.Err != ErrClosed {
			t.Error(e)
		}
	})
}

// TestWhatWaitsForAcceptIsBounded: messages that nobody accepts end the connection.
func TestWhatWaitsForAcceptIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true, MaxMessages: 100})
		for n := range 100 {
			s.give(fmt.Sprintf(`HEADER %d {"type":"notify"}`, n), fmt.Sprintf("EOF %d", n))
		}
		s.idle()
		s.give(`HEADER 100 {"type":"notify"}`)
		s.closed()
		if e := new(LimitError); !errors.As(c.Err(), &e) || e.Limit != 100 {
			t.Fatal(c.Err())
		}
	})
}
