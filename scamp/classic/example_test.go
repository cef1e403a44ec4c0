package scamp_test

import (
	"context"
	"fmt"
	"os"

	real "github.com/gudtech/scamp-sim/scamp"
	scamp "github.com/gudtech/scamp-sim/scamp/classic"
)

// A program of the old shape, and a service of today.
func Example() {
	// The surroundings: a service, its record in a discovery cache, an authorised-services file, a configuration.
	dir, err := os.MkdirTemp("", "classic")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	mux := new(real.Mux)
	mux.Handle(real.Action{Name: "Product.hello", NoAuth: true}, real.JSON(func(_ context.Context, _ any) (string, error) {
		return "hello", nil
	}))
	w, err := found(dir, mux)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.service.Close()
	os.Setenv("SCAMP", w.path("soa.conf"))
	defer os.Unsetenv("SCAMP")
	address := w.address

	// The program.
	if err := scamp.Initialize(); err != nil {
		scamp.Error.Fatal(err)
	}
	var conn scamp.Connection
	if err := conn.Connect(address); err != nil {
		scamp.Error.Fatal(err)
	}
	defer conn.Close()
	err = conn.SendRequest(scamp.Request{Action: "Product.hello", EnvelopeFormat: scamp.ENVELOPE_JSON, Version: 1})
	if err != nil {
		scamp.Error.Fatal(err)
	}
	reply, err := conn.RecvReply()
	if err != nil {
		scamp.Error.Fatal(err)
	}
	fmt.Println(string(reply.Body), reply.Error)
	// Output: "hello"
}
