// Command greeter is the service of the tutorial.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/gudtech/scamp-sim/scamp"
)

// Guest is what a request says.
type Guest struct{ Name string }

// Greeting is what a reply says.
type Greeting struct{ Text string }

func hello(_ context.Context, g Guest) (Greeting, error) {
	if g.Name == "" {
		return Greeting{}, &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: "who are you?"}
	}
	return Greeting{fmt.Sprintf("Hello, %s!", g.Name)}, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	svc, err := scamp.OpenService("", "greeter") // of soa.conf
	if err != nil {
		log.Fatal(err)
	}
	svc.Mux.Handle(scamp.Action{Name: "Greeting.hello", NoAuth: true, Doc: "Greets a guest."}, scamp.JSON(hello))
	if err := svc.HandleStandard(); err != nil { // what tools ask every service
		log.Fatal(err)
	}
	if err := svc.Run(ctx); err != nil { // until a signal comes; then it stops in good order
		log.Fatal(err)
	}
}
