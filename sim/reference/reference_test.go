package reference

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/ticket"
	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A caller is one connection to the reference, at the level of packets.
type caller struct {
	t      *testing.T
	nc     net.Conn
	r      *wire.Reader
	next   uint64
	ticket string
}

// A reply is what a caller gets.
type reply struct {
	header struct {
		Type      string          `json:"type"`
		RequestID json.RawMessage `json:"request_id"`
		Code      string          `json:"error_code"`
		Error     string          `json:"error"`
		Data      json.RawMessage `json:"error_data"`
	}
	body  string
	abort string
}

// serve runs f with connections to a fresh reference, in virtual time.
func serve(t *testing.T, f func(dial func() *caller)) {
	t.Helper()
	err := simnet.Bubble(func() {
		svc := &scamp.Service{Mux: NewMux(), Authority: NewAuthority(), Config: scamp.Config{Logger: slog.New(slog.DiscardHandler)}}
		f(func() *caller {
			a, b := simnet.Pipe(0)
			go svc.ServeConn(b)
			return &caller{t: t, nc: a, r: wire.NewReader(a)}
		})
		svc.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

func (c *caller) send(typ string, number uint64, body string) {
	if _, err := fmt.Fprintf(c.nc, "%s %d %d\r\n%sEND\r\n", typ, number, len(body), body); err != nil {
		c.t.Error(err)
	}
}

// open sends the header of a request and returns its number.
func (c *caller) open(action string) (number uint64) {
	number = c.next
	c.next++
	c.send("HEADER", number, fmt.Sprintf(`{"type":"request","action":%q,"version":1,"envelope":"json","ticket":%q,"request_id":%d}`, action, c.ticket, number+1))
	return number
}

// data returns the next DATA, or end, of a reply. It acknowledges what comes.
func (c *caller) packet() wire.Packet {
	for {
		p, err := c.r.Read()
		if err != nil {
			c.t.Error(err)
			return p
		}
		if p.Type != wire.TypeAck {
			return p.Clone()
		}
	}
}

// reply reads a whole reply; there is one at a time.
func (c *caller) reply() (r reply) {
	for {
		switch p := c.packet(); p.Type {
		case wire.TypeHeader:
			if err := json.Unmarshal(p.Body, &r.header); err != nil {
				c.t.Error(err)
			}
		case wire.TypeData:
			r.body += string(p.Body)
			c.send("ACK", p.Number, strconv.Itoa(len(r.body)))
		case wire.TypeTXErr:
			r.abort = string(p.Body)
			return r
		default:
			return r
		}
	}
}

// ask makes a request and returns its reply.
func (c *caller) ask(action, body string) reply {
	n := c.open(action)
	for rest := body; rest != ""; {
		k := min(len(rest), 131072)
		c.send("DATA", n, rest[:k])
		rest = rest[k:]
	}
	c.send("EOF", n, "")
	r := c.reply()
	if r.header.Type != "reply" || string(r.header.RequestID) != strconv.FormatUint(n+1, 10) {
		c.t.Errorf("%s %.40s: the header is %+v", action, body, r.header)
	}
	return r
}

// The fixture actions of the specification's section 1.5, at their bounds and beyond.
func TestActions(t *testing.T) {
	serve(t, func(dial func() *caller) {
		c := dial()
		for _, tc := range []struct {
			action, body string
			want         string // the reply's body
			code, text   string // of its error
		}{
			{Echo, `{"a":[1,"ü"]}`, `{"a":[1,"ü"]}`, "", ""},
			{Echo, "", "", "", ""},
			{Echo, "\x00\xff{END\r\n", "\x00\xff{END\r\n", "", ""},
			{strings.ToUpper(Echo), "1", "1", "", ""},

			{Blob, `{"bytes":0}`, `""`, "", ""},
			{Blob, `{"bytes":3}`, `"xxx"`, "", ""},
			{Blob, `{}`, `""`, "", ""},
			{Blob, `{"bytes":32768}`, `"` + strings.Repeat("x", 32768) + `"`, "", ""},
			{Blob, `{"bytes":100001}`, `"` + strings.Repeat("x", 100001) + `"`, "", ""},
			{Blob, `{"bytes":-1}`, "", "bad_request", "bytes is not from 0 to 67108864"},
			{Blob, `{"bytes":67108865}`, "", "bad_request", "bytes is not from 0 to 67108864"},
			{Blob, `{"bytes":99999999999999999999}`, "", "bad_request", "not what Conformance.blob takes"},
			{Blob, `{"bytes":"many"}`, "", "bad_request", "not what Conformance.blob takes"},
			{Blob, `{"bytes":1.5}`, "", "bad_request", "not what"},
			{Blob, `[]`, "", "bad_request", "not what"},
			{Blob, `{`, "", "bad_request", "JSON"},
			{Blob, ``, "", "bad_request", "JSON"},

			{Slow, `{"ms":0}`, `{"ms":0}`, "", ""},
			{Slow, `{}`, `{"ms":0}`, "", ""},
			{Slow, `{"ms":1500}`, `{"ms":1500}`, "", ""},
			{Slow, `{"ms":600000}`, `{"ms":600000}`, "", ""},
			{Slow, `{"ms":600001}`, "", "bad_request", "ms is not from 0 to 600000"},
			{Slow, `{"ms":-1}`, "", "bad_request", "ms is not from 0 to 600000"},
			{Slow, `"long"`, "", "bad_request", "not what Conformance.slow takes"},

			{Fail, `{"code":"teapot","text":"short and größe"}`, "", "teapot", "short and größe"},
			{Fail, `{}`, "", "general", "Unknown error"},
			{Fail, `{"code":"teapot"}`, "", "teapot", "Unknown error"},
			{Fail, `{"code":5}`, "", "bad_request", "not what Conformance.fail takes"},
			{Fail, `{}{}`, "", "bad_request", "JSON"},

			{Count, `{}`, "1", "", ""},
			{Count, `null`, "2", "", ""},
			{Count, `{`, "", "bad_request", "JSON"},
			{Count, `[1]`, "3", "", ""},

			{Secured, `{}`, "", "authn", "there is no ticket"},
			{Count, `{}`, "4", "", ""},

			{"Conformance.other", `{}`, "", "not_found", "Conformance.other version 1"},
		} {
			began := time.Now()
			r := c.ask(tc.action, tc.body)
			switch {
			case r.abort != "":
				t.Errorf("%s %.40s: TXERR %s", tc.action, tc.body, r.abort)
			case r.body != tc.want:
				t.Errorf("%s %.40s returns %.40q (%d octets), want %.40q", tc.action, tc.body, r.body, len(r.body), tc.want)
			case r.header.Code != tc.code || !strings.Contains(r.header.Error, tc.text) || tc.text == "" && r.header.Error != "":
				t.Errorf("%s %.40s fails with %q %q, want %q …%s…", tc.action, tc.body, r.header.Code, r.header.Error, tc.code, tc.text)
			}
			var ask struct{ MS int64 }
			json.Unmarshal([]byte(tc.body), &ask)
			if took := time.Since(began); tc.code == "" && took != time.Duration(ask.MS)*time.Millisecond {
				t.Errorf("%s %.40s takes %v", tc.action, tc.body, took)
			}
		}
		c.nc.Close()
	})
}

// Secured runs for tickets of the fixture key that have the privilege of the test table (WIRE-SVC-03b).
func TestSecured(t *testing.T) {
	serve(t, func(dial func() *caller) {
		c := dial()
		issue := func(length time.Duration, privileges ...uint64) string {
			text, err := ticket.Issue(ticket.Ticket{User: 1, Client: 1, Start: time.Now().Add(-time.Minute), Length: length, Privileges: privileges}, fixtures.TicketKey())
			if err != nil {
				t.Error(err)
			}
			return text
		}
		for _, tc := range []struct{ ticket, body, code string }{
			{"", "", "authn"},
			{"garbage", "", "authn"},
			{issue(time.Minute, Privilege), "", "authn"}, // it has just expired
			{issue(time.Hour), "", "authz"},
			{issue(time.Hour, Privilege+1), "", "authz"},
			{issue(time.Hour, 1, Privilege), "1", ""},
		} {
			c.ticket = tc.ticket
			if r := c.ask(Secured, "{}"); r.body != tc.body || r.header.Code != tc.code {
				t.Errorf("%.40s: %q, %s %s", tc.ticket, r.body, r.header.Code, r.header.Error)
			}
		}
		c.nc.Close()
	})
}

// The data of a failure come as they are asked for.
func TestFailWithData(t *testing.T) {
	serve(t, func(dial func() *caller) {
		c := dial()
		for data, want := range map[string]string{`{"a":[1,null]}`: `{"a":[1,null]}`, `null`: "", `{}`: `{}`} {
			if r := c.ask(Fail, `{"code":"x","text":"y","data":`+data+`}`); string(r.header.Data) != want || r.header.Code != "x" {
				t.Errorf("%s: %s %s", data, r.header.Code, r.header.Data)
			}
		}
		c.nc.Close()
	})
}

// The echo streams: its reply begins before its request has ended, and is given up when the request is.
func TestEchoStreams(t *testing.T) {
	serve(t, func(dial func() *caller) {
		c := dial()
		half := strings.Repeat("x", 40000)
		n := c.open(Echo)
		c.send("DATA", n, half)
		if p := c.packet(); p.Type != wire.TypeHeader {
			t.Errorf("%v comes", p)
		}
		c.send("TXERR", n, "never mind")
		if r := c.reply(); r.abort == "" {
			t.Errorf("the reply is not given up: %+v", r)
		}
		if r := c.ask(Echo, half+half); r.body != half+half {
			t.Errorf("%d octets come back", len(r.body))
		}
		c.nc.Close()
	})
}

// All but the echo act on complete requests only: one that is given up is not executed.
func TestOthersWait(t *testing.T) {
	serve(t, func(dial func() *caller) {
		c := dial()
		n := c.open(Count)
		c.send("DATA", n, "{}")
		c.send("TXERR", n, "never mind")
		if r := c.reply(); r.header.Code != "transport" {
			t.Errorf("%+v", r)
		}
		lost := dial()
		lost.send("DATA", lost.open(Count), "{}")
		lost.nc.Close()
		if r := c.ask(Count, "{}"); r.body != "1" {
			t.Errorf("it was executed before: %s", r.body)
		}
		c.nc.Close()
	})
}

// The counter belongs to the Mux, not to the connection.
func TestCountersAreApart(t *testing.T) {
	for range 2 {
		serve(t, func(dial func() *caller) {
			a, b := dial(), dial()
			if one, two := a.ask(Count, "{}"), b.ask(Count, "{}"); one.body != "1" || two.body != "2" {
				t.Errorf("%s %s", one.body, two.body)
			}
			a.nc.Close()
			b.nc.Close()
		})
	}
}

// A slow action ends with its connection.
func TestSlowEndsWithItsConnection(t *testing.T) {
	serve(t, func(dial func() *caller) {
		began := time.Now()
		c := dial()
		n := c.open(Slow)
		c.send("DATA", n, `{"ms":600000}`)
		c.send("EOF", n, "")
		simnet.Settle()
		c.nc.Close()
		simnet.Settle()
		if took := time.Since(began); took > 0 {
			t.Errorf("it takes %v", took)
		}
	})
}

// A blob whose caller leaves in the middle ends.
func TestBlobEndsWithItsConnection(t *testing.T) {
	serve(t, func(dial func() *caller) {
		c := dial()
		n := c.open(Blob)
		c.send("DATA", n, `{"bytes":1000000}`)
		c.send("EOF", n, "")
		for range 3 {
			c.packet()
		}
		c.nc.Close()
		if _, err := io.Copy(io.Discard, c.nc); err == nil {
			t.Error("the connection is open")
		}
	})
}
