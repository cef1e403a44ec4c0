package scamp

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// TestATraceThatPanicsWedgesNothing: the panic belongs to the program, but where
// the program survives it, the connection has ended (WIRE-SAFE-08).
func TestATraceThatPanicsWedgesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		panics := false
		svc, _ := fixture(Config{})
		c := linked(t, svc, Config{Trace: &Trace{PacketSent: func(_ *Connection, p wire.Packet) {
			if panics {
				panic("oh")
			}
		}}})
		for range 2 {
			if got, err := calling(c, t.Context(), NewRequest("Test.echo", []byte("{}")))(); got != "{}" || err != nil {
				t.Fatal(got, err)
			}
		}
		synctest.Wait()
		panics = true
		func() {
			defer func() {
				if p := recover(); p != "oh" {
					t.Error("the program does not see the panic:", p)
				}
			}()
			c.Call(t.Context(), NewRequest("Test.echo", []byte("{}")))
			t.Error("the call returned")
		}()
		select {
		case <-c.Done():
		default:
			t.Error("nobody writes any more, and the connection lives")
		}
		c.Close()
	})
}

func TestTraceTellsTheStory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var story []string
		note := func(s string) {
			mu.Lock()
			defer mu.Unlock()
			story = append(story, s)
		}
		var called, served []string
		trace := &Trace{
			PacketSent:     func(_ *Connection, p wire.Packet) { note("> " + p.String()) },
			PacketReceived: func(_ *Connection, p wire.Packet) { note("< " + p.String()) },
			Closed:         func(_ *Connection, err error) { note("closed: " + err.Error()) },
			CallDone: func(_ context.Context, _ *Connection, r *Request, err error, took time.Duration) {
				called = append(called, r.Action, took.String())
			},
		}
		svc, _ := fixture(Config{Trace: &Trace{Served: func(_ context.Context, _ *Connection, r *Request, err error, took time.Duration) {
			served = append(served, r.Action, took.String())
		}}})
		c := linked(t, svc, Config{Trace: trace})
		if _, err := calling(c, t.Context(), NewRequest("Test.sleep", []byte(`"2s"`)))(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.Close()
		want := []string{
			`> HEADER 0 85 "{\"type\":\"request\",\"action\":\"Test.sleep\",\"version\":1,\"envelope\":\"json\",\"request_id\":1}"`,
			`> DATA 0 4 "\"2s\""`, `> EOF 0 0`,
			`< HEADER 0 31 "{\"type\":\"reply\",\"request_id\":1}"`, `< DATA 0 7 "\"awake\""`, `< EOF 0 0`,
			"closed: connection closed",
		}
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(story, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("got\n%s", got)
		}
		for _, told := range [][]string{called, served} {
			if strings.Join(told, " ") != "Test.sleep 2s" {
				t.Error(told)
			}
		}
	})
}
