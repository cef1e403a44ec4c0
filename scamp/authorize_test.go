package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/ticket"
)

// issued is a ticket of the fixture key that is valid for an hour.
func issued(t *testing.T, privileges ...uint64) string {
	return issue(t, ticket.Ticket{User: 482, Client: 17, Start: time.Now().Truncate(time.Second), Length: time.Hour, Privileges: privileges})
}

func issue(t *testing.T, x ticket.Ticket) string {
	t.Helper()
	text, err := ticket.Issue(x, fixtures.TicketKey())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const privileges = `{"test.secured":["5","6"],"test.ticket":[],"test.broken":[null],"test.upload":[5],"_NAMES":[0,0,0,0,0,"five"]}`

// A guard is a service with actions that need tickets, and what it has done.
type guard struct {
	svc     *Service
	ran     atomic.Int64
	fetched atomic.Int64
	table   func(ctx context.Context) ([]byte, error)
}

func guarded() *guard {
	g := &guard{table: func(context.Context) ([]byte, error) { return []byte(privileges), nil }}
	g.svc = &Service{Mux: new(Mux), Authority: &ticket.Authority{
		Key: &fixtures.TicketKey().PublicKey,
		Fetch: func(ctx context.Context) ([]byte, error) {
			g.fetched.Add(1)
			return g.table(ctx)
		},
	}}
	who := func(ctx context.Context, w *ReplyWriter, r *Request) error {
		g.ran.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		user := uint64(0)
		if t := TicketFrom(ctx); t != nil {
			user = t.User
		}
		_, err := fmt.Fprintf(w, `"%d %s"`, user, r.IdentifyingToken)
		return err
	}
	for _, name := range []string{"Test.secured", "Test.ticket", "Test.broken", "Test.unlisted"} {
		g.svc.Mux.HandleFunc(Action{Name: name}, who)
	}
	g.svc.Mux.HandleFunc(Action{Name: "Test.upload", Stream: true}, who)
	g.svc.Mux.HandleFunc(Action{Name: "Test.open", NoAuth: true}, who)
	return g
}

// try calls an action and says what comes: the body, or code and text and mark.
func try(t *testing.T, c *Connection, action, ticket string) string {
	r := NewRequest(action, []byte("{}"))
	r.Ticket = ticket
	got, err := calling(c, t.Context(), r)()
	var e *ReplyError
	if errors.As(err, &e) {
		return fmt.Sprintf("%s: %s %s", e.Code, e.Message, e.Data)
	}
	if err != nil {
		t.Error(err)
	}
	return got
}

// TestTickets: WIRE-SVC-03, DISC-AZ-01, 03, 04, 06, 08.
func TestTickets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		c := linked(t, g.svc, Config{})
		future, past := time.Now().Add(time.Minute), time.Now().Add(-time.Minute)
		forged := issued(t, 5, 6)
		forged = strings.Replace(forged, ",5+6,", ",5+6+7,", 1)
		ran := int64(0)
		for _, test := range []struct{ action, ticket, want string }{
			{"Test.secured", "", "authn: there is no ticket "},
			{"Test.secured", "garbage", "authn: the ticket has too few fields "},
			{"Test.secured", "2,1,1,1,1,x", "authn: the ticket is not of type 1 "},
			{"Test.secured", forged, "authn: the signature of the ticket is not valid "},
			{"Test.secured", issue(t, ticket.Ticket{Start: future, Length: time.Hour, Privileges: []uint64{5, 6}}), "authn: the ticket is not valid yet "},
			{"Test.secured", issue(t, ticket.Ticket{Start: past, Length: time.Minute, Privileges: []uint64{5, 6}}), "authn: the ticket has expired "},
			{"Test.secured", issued(t), "authz: privilege 5 (five) is missing "},
			{"Test.secured", issued(t, 5), "authz: privilege 6 is missing "},
			{"Test.unlisted", issued(t, 5, 6), "authz: the action is not in the authorisation table "},
			{"Test.broken", issued(t, 5, 6), "authz: the action's entry in the authorisation table is malformed "},
			{"Test.upload", issued(t, 6), "authz: privilege 5 (five) is missing "},
		} {
			if got := try(t, c, test.action, test.ticket); got != test.want {
				t.Errorf("%s %.30s: %q, want %q", test.action, test.ticket, got, test.want)
			}
		}
		if g.ran.Load() != ran {
			t.Fatalf("%d requests were executed", g.ran.Load())
		}
		for _, test := range []struct{ action, ticket string }{
			{"Test.secured", issued(t, 6, 5)}, {"TEST.SECURED", issued(t, 7, 6, 5)}, {"Test.ticket", issued(t)}, {"Test.upload", issued(t, 5)},
		} {
			if got := try(t, c, test.action, test.ticket); got != `"482 "` {
				t.Errorf("%s: %q", test.action, got)
			}
		}
		if g.fetched.Load() != 1 {
			t.Errorf("the table is fetched %d times", g.fetched.Load())
		}
	})
}

// TestNoAuth: WIRE-SVC-03a, DISC-AZ-06b. It needs no table either.
func TestNoAuth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		c := linked(t, g.svc, Config{})
		for _, x := range []string{"", "garbage", issue(t, ticket.Ticket{Start: time.Unix(0, 0)}), issued(t, 5)} {
			if got := try(t, c, "Test.open", x); got != `"0 "` { // nobody has looked at the ticket
				t.Errorf("%.30s: %q", x, got)
			}
		}
		if g.fetched.Load() != 0 {
			t.Error("the table is fetched")
		}
	})
}

// TestIdentifyingTokenIsText: DISC-TKT-09b.
func TestIdentifyingTokenIsText(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		c := linked(t, g.svc, Config{})
		r := NewRequest("Test.ticket", []byte("{}"))
		r.IdentifyingToken = "no,ticket"
		if _, err := calling(c, t.Context(), r)(); err == nil || g.ran.Load() != 0 {
			t.Error("it counts as a ticket")
		}
		r.Ticket = issued(t)
		if got, err := calling(c, t.Context(), r)(); got != `"482 no,ticket"` || err != nil {
			t.Error(got, err)
		}
	})
}

// TestNobodyToDecide: without an Authority, and without a key, everything but NoAuth
// is denied (DISC-AZ-09b, DISC-TKT-08b).
func TestNobodyToDecide(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, a := range map[string]*ticket.Authority{"nobody": nil, "without a key": {}} {
			g := guarded()
			g.svc.Authority = a
			c := linked(t, g.svc, Config{})
			if got, want := try(t, c, "Test.ticket", issued(t)), "authn: there is no key to check tickets with "; got != want {
				t.Errorf("%s: %q", name, got)
			}
			if got := try(t, c, "Test.open", ""); got != `"0 "` || g.ran.Load() != 1 {
				t.Error(name, got)
			}
		}
	})
}

// TestWithoutATable: a call that needs it is denied, as not executed: another
// instance may have one (DISC-AZ-05b, WIRE-ERR-07d).
func TestWithoutATable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		const want = `authz: there is no authorisation table {"dispatch_failure":true}`
		g.table = func(context.Context) ([]byte, error) { return nil, errors.New("password 7") }
		c := linked(t, g.svc, Config{})
		if got := try(t, c, "Test.ticket", issued(t)); got != want {
			t.Error(got)
		}
		g.table = func(context.Context) ([]byte, error) { return []byte(privileges), nil }
		time.Sleep(time.Second) // DISC-AZ-05c
		if got := try(t, c, "Test.ticket", issued(t)); got != `"482 "` {
			t.Error(got)
		}
		bare := guarded()
		bare.svc.Authority.Fetch = nil
		if got := try(t, linked(t, bare.svc, Config{}), "Test.ticket", issued(t)); got != want {
			t.Error(got)
		}
	})
}

// TestWaitingForTheTable: a request waits in its own goroutine, within its own
// time; of a body that streams nothing is handed over before.
func TestWaitingForTheTable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		g.svc.Config.HandlerTimeout = 3 * time.Second
		g.table = func(context.Context) ([]byte, error) {
			time.Sleep(4 * time.Second)
			return []byte(privileges), nil
		}
		s := served(t, g.svc)
		s.give(fmt.Sprintf(`HEADER 0 {"type":"request","action":"Test.upload","request_id":1,"ticket":%q}`, issued(t, 5)), "DATA 0 {}")
		s.request(1, "Test.open", "{}")
		s.want(`HEADER 0 {"type":"reply","request_id":2}`, `DATA 0 "0 "`, "EOF 0")
		s.idle() // not even an acknowledgement
		time.Sleep(3 * time.Second)
		synctest.Wait()
		got := []string{short(<-s.got), short(<-s.got), short(<-s.got)}
		slices.Sort(got) // the handler gives up the body at the same moment
		if want := []string{"ACK 0 2", "EOF 1", `HEADER 1 {"type":"reply","request_id":1,"error_code":"transport","error":"no time left for the request","error_data":{"dispatch_failure":true}}`}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		time.Sleep(time.Second)
		if g.ran.Load() != 1 {
			t.Error("it was executed after its time")
		}
		s.give(fmt.Sprintf(`HEADER 2 {"type":"request","action":"Test.upload","request_id":3,"ticket":%q}`, issued(t, 5)), "DATA 2 {}")
		s.want("ACK 2 2")
		s.give("EOF 2")
		s.want(`HEADER 2 {"type":"reply","request_id":3}`, `DATA 2 "482 "`, "EOF 2")
	})
}

// TestADeniedUpload is read to its end, and nobody sees it.
func TestADeniedUpload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		g := guarded()
		s := served(t, g.svc)
		s.give(`HEADER 0 {"type":"request","action":"Test.upload","request_id":1}`, "DATA 0 abc")
		s.want(`ACK 0 3`, `HEADER 0 {"type":"reply","request_id":1,"error_code":"authn","error":"there is no ticket"}`, "EOF 0")
		s.give("DATA 0 def")
		s.want("ACK 0 6")
		s.give("EOF 0")
		s.request(1, "Test.open", "{}")
		s.want(`HEADER 1 {"type":"reply","request_id":2}`, `DATA 1 "0 "`, "EOF 1")
		if g.ran.Load() != 1 {
			t.Error("it was executed")
		}
	})
}

// TestDenialsAreLogged, without what the ticket says.
func TestDenialsAreLogged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log strings.Builder
		g := guarded()
		g.svc.Config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		x := issue(t, ticket.Ticket{Start: time.Unix(0, 0), Length: time.Second})
		try(t, linked(t, g.svc, Config{}), "Test.secured", x)
		synctest.Wait()
		got := log.String()
		if !strings.Contains(got, `msg="request denied"`) || !strings.Contains(got, "action=Test.secured") || !strings.Contains(got, "the ticket has expired") || strings.Contains(got, x[len(x)-20:]) {
			t.Error(got)
		}
	})
}
