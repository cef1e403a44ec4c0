package scamp

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

// TestServiceMessages: a service takes messages that are neither requests nor replies in their order, beside its requests.
func TestServiceMessages(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log strings.Builder
		var got []string
		hold := make(chan struct{})
		s := served(t, &Service{
			Mux:    echoes(),
			Config: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))},
			Messages: func(c *Connection, m *MessageReader) {
				b, err := io.ReadAll(m)
				got = append(got, fmt.Sprint(m.Header.Type, " ", string(b), " ", err))
				switch string(b) {
				case "hold":
					<-hold
				case "panic":
					panic("at the disco")
				}
			},
		})
		s.give(`HEADER 0 {"type":"notify"}`, "DATA 0 hold", `HEADER 1 {"type":"notify"}`, "DATA 1 panic", "EOF 1", "EOF 0",
			`HEADER 2 {"type":"event"}`, "DATA 2 half", "TXERR 2 no", `HEADER 3 {"type":"reply"}`, "EOF 3", `HEADER 4 {}`, "EOF 4", `HEADER 5 {"type":5}`, "EOF 5")
		s.request(6, "Test.echo", `"x"`) // whoever takes messages holds up no request
		s.want(`HEADER 0 {"type":"reply","request_id":7}`, `DATA 0 "x"`, "EOF 0")
		if len(got) != 1 {
			t.Error(got)
		}
		close(hold)
		synctest.Wait()
		if want := "[notify hold <nil> notify panic <nil> event half given up by the peer: no]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
		if !strings.Contains(log.String(), "at the disco") {
			t.Error(log.String())
		}
		s.give(`HEADER 7 {"type":"notify"}`, "EOF 7") // the goroutine comes back when it is needed
		if len(got) != 4 {
			t.Error(got)
		}
	})
}

// TestServiceMessagesAreBounded: messages that nobody takes end the connection, and Close waits for whoever has one.
func TestServiceMessagesAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		returned := false
		svc := &Service{Config: Config{MaxMessages: 10}, Messages: func(c *Connection, m *MessageReader) {
			<-c.Done()
			returned = true
		}}
		s := served(t, svc)
		for n := range 11 {
			s.give(fmt.Sprintf(`HEADER %d {"type":"notify"}`, n), fmt.Sprintf("EOF %d", n))
		}
		s.idle()
		s.give(`HEADER 11 {"type":"notify"}`)
		s.closed()
		svc.Close()
		if !returned {
			t.Error("Close did not wait")
		}
	})
}

func TestNewIDsAreThoseOfRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, s := scripted(t, Config{})
		if id := c.NewID(); id.String() != "1" {
			t.Error(id)
		}
		go c.Call(t.Context(), NewRequest("A.b", nil))
		s.want(`HEADER 0 {"type":"request","action":"A.b","version":1,"envelope":"json","request_id":2}`, "EOF 0")
		if id := c.NewID(); id.String() != "3" {
			t.Error(id)
		}
	})
}

// TestServiceMessagesNeedNotBeRead: what is left of a body is dropped and acknowledged (WIRE-FLOW-07b).
func TestServiceMessagesNeedNotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := served(t, &Service{Messages: func(*Connection, *MessageReader) {}})
		s.give(`HEADER 0 {"type":"notify"}`, "DATA 0 "+strings.Repeat("x", 20000))
		s.want("ACK 0 20000")
		s.give("EOF 0")
		s.idle()
	})
}
