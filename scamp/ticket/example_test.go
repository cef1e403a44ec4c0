package ticket_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/ticket"
)

var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// A ticket says who calls and what that user may do. Whoever has the public key can
// tell that it is genuine.
func Example() {
	text, err := ticket.Issue(ticket.Ticket{User: 42, Client: 7, Start: noon, Length: time.Hour, Privileges: []uint64{5, 6}}, fixtures.TicketKey())
	if err != nil {
		fmt.Println(err)
		return
	}
	key := &fixtures.TicketKey().PublicKey
	t, err := ticket.Verify(text, key, noon.Add(time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.User, t.Client, t.Privileges, t.Holds(6))
	_, err = ticket.Verify(text, key, noon.Add(2*time.Hour))
	fmt.Println(err)
	// Output:
	// 42 7 [5 6] true
	// the ticket has expired
}

// The public key is a file of the configuration directory.
func ExampleParsePublicKey() {
	text, _ := fixtures.FS.ReadFile("ticket.pub.pem")
	key, err := ticket.ParsePublicKey(text)
	fmt.Println(key.Equal(&fixtures.TicketKey().PublicKey), err)
	// Output: true <nil>
}

// A table says which privileges an action needs. What it does not list is denied.
func ExampleParseTable() {
	table, err := ticket.ParseTable([]byte(`{"order.place":["5"],"_NAMES":["","","","","","shopper"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(table.Check("Order.place", &ticket.Ticket{Privileges: []uint64{5}}))
	fmt.Println(table.Check("Order.place", &ticket.Ticket{Privileges: []uint64{6}}))
	fmt.Println(table.Check("Order.cancel", &ticket.Ticket{Privileges: []uint64{5}}))
	// Output:
	// <nil>
	// privilege 5 (shopper) is missing
	// the action is not in the authorisation table
}

// An authority has the key, and fetches the table: in production with
// scamp.FetchTable.
func ExampleAuthority() {
	authority := &ticket.Authority{
		Key:   &fixtures.TicketKey().PublicKey,
		Fetch: func(context.Context) ([]byte, error) { return []byte(`{"order.place":["5"]}`), nil },
		Now:   func() time.Time { return noon },
	}
	text, err := ticket.Issue(ticket.Ticket{User: 42, Start: noon, Length: time.Hour, Privileges: []uint64{5}}, fixtures.TicketKey())
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := authority.Check(context.Background(), "Order.place", text)
	fmt.Println(t.User, err)
	_, err = authority.Check(context.Background(), "Order.place", "")
	fmt.Println(err)
	// Output:
	// 42 <nil>
	// there is no ticket
}
