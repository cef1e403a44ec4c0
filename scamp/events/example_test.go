package events_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/events"
)

// A service publishes prices. A subscriber gets what is there, and then what changes.
func Example() {
	prices := new(events.Publisher)
	svc := &scamp.Service{Certificate: fixtures.Certificate("server"), Messages: prices.Messages}
	defer svc.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go svc.Serve(ln)
	if err := prices.Publish("price", "lamp", 12.5); err != nil {
		fmt.Println(err)
		return
	}

	ctx, stop := context.WithCancel(context.Background())
	s := &events.Subscriber{
		Connect: func(ctx context.Context) (*scamp.Connection, error) {
			return scamp.Dial(ctx, ln.Addr().String(), scamp.Config{
				Fingerprint: fixtures.Fingerprint("server"),
				Accept:      true,
				Heartbeat:   15 * time.Second,
			})
		},
		Topics: []string{"price"},
		Ready: func(error) {
			prices.Publish("price", "lamp", 13) // it is present: this is a change
			prices.Publish("price", "lamp", nil)
		},
		Event: func(e events.Event) {
			if e.Value == nil {
				fmt.Println(e.Key, "is gone")
				stop()
				return
			}
			var price float64
			err := e.Decode(&price)
			fmt.Println(e.Key, price, err)
		},
	}
	fmt.Println(s.Run(ctx))
	// Output:
	// lamp 12.5 <nil>
	// lamp 13 <nil>
	// lamp is gone
	// context canceled
}
