// Command caller is the requester of the tutorial.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
)

// Guest and Greeting are what greeter takes and gives.
type Guest struct{ Name string }
type Greeting struct{ Text string }

func main() {
	ctx := context.Background()
	bus, err := scamp.Open(ctx, "") // of soa.conf
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close(ctx)
	for _, name := range os.Args[1:] {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		greeting, err := scamp.CallJSON[Greeting](ctx, bus, "Greeting.hello", Guest{name})
		var refused *scamp.ReplyError
		switch {
		case errors.As(err, &refused):
			fmt.Println("the service says:", refused.Message)
		case err != nil:
			fmt.Println("not answered:", err)
		default:
			fmt.Println(greeting.Text)
		}
	}
}
