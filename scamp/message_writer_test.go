package scamp

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAStalledMessageIsGivenUpOnAQuietConnection: no other deadline has to come
// along (WIRE-FLOW-11b).
func TestAStalledMessageIsGivenUpOnAQuietConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := scripted(t, Config{IdleTimeout: -1, MessageTimeout: time.Minute})
		m, err := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		defer time.AfterFunc(time.Hour, func() { m.Abort(errors.New("nobody noticed")) }).Stop()
		n, err := m.Write(make([]byte, 100000))
		if n != 65536 || err != ErrStalled || time.Since(start) != time.Minute {
			t.Fatal(n, err, time.Since(start))
		}
	})
}

func TestWritersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		m, _ := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		if n, err := m.Write(nil); n != 0 || err != nil {
			t.Error(n, err)
		}
		m.Write([]byte("x"))
		m.Close()
		m.Close()
		m.Abort(errors.New("too late"))
		if _, err := m.Write([]byte("y")); err == nil {
			t.Error("it still writes")
		}
		s.want(`HEADER 0 {"type":"notify"}`, "DATA 0 x", "EOF 0")
		never, _ := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		c.mu.Lock()
		never.giveUp(errors.New("at once"), "at once")
		c.mu.Unlock()
		for text, want := range map[string]string{"": "aborted", "0": "aborted", "\xff\xfe": "\ufffd", strings.Repeat("é", 3000): strings.Repeat("é", 2048)} { // WIRE-MSG-08
			if got := abortText(text); got != want {
				t.Errorf("%q becomes %q", text, got)
			}
		}
		nilled, _ := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		nilled.Write([]byte("z"))
		nilled.Abort(nil)
		s.want(`HEADER 1 {"type":"notify"}`, "DATA 1 z", "TXERR 1 context canceled")
		s.idle()
		if _, err := c.NewMessage(t.Context(), Header{Type: strings.Repeat("x", 200000)}); err == nil {
			t.Error("a header longer than a packet is taken")
		}
		c.Close()
		if _, err := c.NewMessage(t.Context(), Header{}); err == nil || err.(*ConnectionError).Sent {
			t.Error(err)
		}
	})
}

// TestCloseWaitWaitsForTheEnd: a message that is opened after it comes to its end behind it.
func TestCloseWaitWaitsForTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		for n := range 100 {
			for _, m := range []string{"a", "b"} {
				w, err := c.NewMessage(t.Context(), Header{Type: TypeNotify})
				if err != nil {
					t.Fatal(err)
				}
				w.Write([]byte(m))
				if err := w.CloseWait(); err != nil {
					t.Fatal(err)
				}
				if err := w.CloseWait(); err != nil {
					t.Fatal(err)
				}
			}
			first, second := strconv.Itoa(2*n), strconv.Itoa(2*n+1)
			s.want("HEADER "+first+` {"type":"notify"}`, "DATA "+first+" a", "EOF "+first,
				"HEADER "+second+` {"type":"notify"}`, "DATA "+second+" b", "EOF "+second)
		}
		w, _ := c.NewMessage(t.Context(), Header{Type: TypeNotify})
		w.Abort(ErrStalled)
		if err := w.CloseWait(); err != ErrStalled {
			t.Error(err)
		}
		w, _ = c.NewMessage(t.Context(), Header{Type: TypeNotify})
		c.Close()
		if err := w.CloseWait(); !errors.As(err, new(*ConnectionError)) {
			t.Error(err)
		}
	})
}
