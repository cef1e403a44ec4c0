package golden_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/ticket"
)

// A decision is what became of a ticket.
type decision struct {
	Outcome string `json:"outcome"`
	*holder
}

type holder struct {
	User       string   `json:"user"`
	Client     string   `json:"client"`
	Start      string   `json:"start"`
	Length     string   `json:"length"`
	Privileges []string `json:"privileges"`
}

// denial names the check that failed.
func denial(err error) string {
	for _, d := range []struct {
		err error
		why string
	}{
		{ticket.ErrNone, "fields"}, {ticket.ErrFields, "fields"}, {ticket.ErrType, "type"}, {ticket.ErrKey, "key"}, {ticket.ErrSignature, "signature"},
		{ticket.ErrNumber, "number"}, {ticket.ErrNotYet, "period"}, {ticket.ErrExpired, "period"},
		{ticket.ErrNoTable, "table"}, {ticket.ErrUnlisted, "unlisted"}, {ticket.ErrUnusable, "entry"},
	} {
		if errors.Is(err, d.err) {
			return "denied " + d.why
		}
	}
	if e := new(ticket.PrivilegeError); errors.As(err, &e) {
		return "denied privilege"
	}
	return fmt.Sprintf("an error of another kind: %v", err)
}

// verify checks the ticket of a vector, late in its second.
func verify(v *vector) (*ticket.Ticket, error) {
	key, _ := ticket.ParsePublicKey(v.Key) // nil denies
	return ticket.Verify(string(v.Ticket), key, time.Unix(v.At, 999999999))
}

func playTicket(t *testing.T, v *vector) {
	got, err := verify(v)
	if err != nil {
		v.check(t, v.Title, decision{Outcome: denial(err)})
		return
	}
	h := holder{
		User: strconv.FormatUint(got.User, 10), Client: strconv.FormatUint(got.Client, 10),
		Start: strconv.FormatInt(got.Start.Unix(), 10), Length: strconv.FormatInt(int64(got.Length/time.Second), 10),
		Privileges: []string{},
	}
	for _, p := range got.Privileges {
		h.Privileges = append(h.Privileges, strconv.FormatUint(p, 10))
	}
	v.check(t, v.Title, decision{"valid", &h})
}

func playTable(t *testing.T, v *vector) {
	holds := new(ticket.Ticket)
	for _, p := range v.Privileges {
		n, err := strconv.ParseUint(p, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		holds.Privileges = append(holds.Privileges, n)
	}
	slices.Sort(holds.Privileges)
	table, err := ticket.ParseTable(v.Table)
	if err == nil {
		err = table.Check(v.Action, holds)
	}
	outcome := "runs"
	if err != nil {
		outcome = denial(err)
	}
	v.check(t, v.Title, outcome)
}

func playCall(t *testing.T, v *vector) {
	key, err := ticket.ParsePublicKey(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	a := &ticket.Authority{
		Key:   key,
		Fetch: func(context.Context) ([]byte, error) { return v.Table, nil },
		Now:   func() time.Time { return time.Unix(v.At, 999999999) },
	}
	_, err = a.Check(t.Context(), v.Action, string(v.Ticket))
	outcome := "runs"
	if err != nil {
		outcome = denial(err)
		if _, invalid := verify(v); invalid != nil {
			outcome = "denied ticket"
		}
	}
	v.check(t, v.Title, outcome)
}
