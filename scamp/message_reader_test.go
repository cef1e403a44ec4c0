package scamp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// TestWhatAWriterHoldsIsAcknowledgedInTheEnd: a message that is closed while its
// octets are being written elsewhere still opens its sender's window (WIRE-FLOW-07b).
func TestWhatAWriterHoldsIsAcknowledgedInTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true})
		s.give(`HEADER 0 {"type":"notify"}`, "DATA 0 hello")
		m, err := c.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() { _, err := m.WriteTo(w); done <- err }()
		synctest.Wait()
		s.give("DATA 0 world")
		m.Close()
		s.want("ACK 0 5")
		io.ReadFull(r, make([]byte, 5))
		if err := <-done; err != ErrClosed {
			t.Error(err)
		}
		s.want("ACK 0 10")
		s.give("EOF 0")
		s.idle()
	})
}

// TestWhatAWriterHoldsCountsAsBuffered: the octets are not forgotten because they
// have been handed to a writer that does not take them (WIRE-CONN-08).
func TestWhatAWriterHoldsCountsAsBuffered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true, MaxBuffered: 1000})
		s.give(`HEADER 0 {"type":"notify"}`, "DATA 0 "+strings.Repeat("x", 600))
		m, _ := c.Accept(t.Context())
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() { _, err := m.WriteTo(w); done <- err }()
		synctest.Wait()
		s.give("DATA 0 " + strings.Repeat("x", 600))
		io.ReadFull(r, make([]byte, 600))
		if e := new(LimitError); !errors.As(<-done, &e) || e.Limit != 1000 {
			t.Error(e)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.buffered != 0 {
			t.Error(c.buffered, "octets are still counted")
		}
	})
}

// TestSmallReadsOfALargeBacklog: reading a little at a time does not move the
// rest about each time. It would take minutes.
func TestSmallReadsOfALargeBacklog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true})
		s.give(`HEADER 0 {"type":"notify"}`)
		m, _ := c.Accept(t.Context())
		data := func(n int) {
			c.mu.Lock()
			defer c.mu.Unlock()
			m.data(make([]byte, n))
		}
		for range 39 {
			data(100000)
		}
		for range 200000 {
			data(1)
			if n, err := m.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
	})
}

// TestAWriterThatPanics: where the program survives the panic, the message can be
// used on (WIRE-SVC-09).
func TestAWriterThatPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{Accept: true})
		s.give(`HEADER 0 {"type":"notify"}`, "DATA 0 hello")
		m, _ := c.Accept(t.Context())
		func() {
			defer func() {
				if p := recover(); p != "oh" {
					t.Error(p)
				}
			}()
			m.WriteTo(panicking{})
		}()
		s.want("ACK 0 5")
		s.give("DATA 0 world", "EOF 0")
		if b, err := io.ReadAll(m); string(b) != "world" || err != nil {
			t.Error(string(b), err)
		}
	})
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("oh") }
