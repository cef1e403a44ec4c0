package scamp_test

import (
	"context"
	"fmt"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
)

type Order struct {
	Sku   string `json:"sku"`
	Count int    `json:"count"`
}

type Receipt struct {
	Number int `json:"number"`
}

// place is an action in Go types.
func place(_ context.Context, o Order) (Receipt, error) {
	if o.Count < 1 {
		return Receipt{}, &scamp.ReplyError{Code: "no_count", Message: "how many?"}
	}
	return Receipt{Number: 1000 + o.Count}, nil
}

func dial(address string) *scamp.Connection {
	conn, err := scamp.Dial(context.Background(), address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		panic(err)
	}
	return conn
}

// A call with Go values, and one that fails.
func ExampleCallJSON() {
	mux := new(scamp.Mux)
	mux.Handle(scamp.Action{NoAuth: true, Name: "Order.place", Version: 2}, scamp.JSON(place))
	address, stop := start(mux)
	defer stop()
	conn := dial(address)
	defer conn.Close()

	receipt, err := scamp.CallJSON[Receipt](context.Background(), conn, "Order.place~2", Order{"lamp", 2})
	fmt.Println(receipt.Number, err)
	_, err = scamp.CallJSON[Receipt](context.Background(), conn, "Order.place~2", Order{Sku: "lamp"})
	fmt.Println(err)
	// Output:
	// 1002 <nil>
	// no_count: how many?
}

// A call whose header has more to say.
func ExampleNewJSONRequest() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{NoAuth: true, Name: "Example.who"}, func(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
		_, err := fmt.Fprintf(w, "%q", r.Ticket)
		return err
	})
	address, stop := start(mux)
	defer stop()
	conn := dial(address)
	defer conn.Close()

	r, err := scamp.NewJSONRequest("Example.who", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Ticket = "sesame"
	reply, err := conn.Call(context.Background(), r)
	if err != nil {
		fmt.Println(err)
		return
	}
	var who string
	err = reply.ReadJSON(&who)
	fmt.Println(who, err)
	// Output: sesame <nil>
}
