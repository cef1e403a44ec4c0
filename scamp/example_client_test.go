package scamp_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
)

// A connection to an address. The certificate is checked before anything is sent.
func ExampleDial() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Example.greet", NoAuth: true}, greet)
	address, stop := start(mux)
	defer stop()
	ctx := context.Background()
	conn, err := scamp.Dial(ctx, "beepish+tls://"+address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(scamp.CallJSON[string](ctx, conn, "Example.greet", "Ada"))
	_, err = scamp.Dial(ctx, address, scamp.Config{Fingerprint: fixtures.Fingerprint("other")})
	var wrong *scamp.FingerprintError
	fmt.Println(errors.As(err, &wrong))
	// Output:
	// Hello, Ada! <nil>
	// true
}

// A connection over a transport of one's own, a tunnel perhaps: Client does the TLS.
func ExampleClient() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Example.greet", NoAuth: true}, greet)
	address, stop := start(mux)
	defer stop()
	ctx := context.Background()
	tunnel, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := scamp.Client(ctx, tunnel, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(scamp.CallJSON[string](ctx, conn, "Example.greet", "Ada"))
	// Output: Hello, Ada! <nil>
}

// A request of octets.
func ExampleNewRequest() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Example.greet", NoAuth: true}, greet)
	address, stop := start(mux)
	defer stop()
	conn := dial(address)
	defer conn.Close()
	r := scamp.NewRequest("Example.greet", []byte(`"Ada"`))
	r.ClientID = 7 // further members of the header
	reply, err := conn.Call(context.Background(), r)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := reply.ReadAll(1 << 20)
	fmt.Printf("%s%v\n", body, err)
	// Output:
	// "Hello, Ada!"
	// <nil>
}

// A handler of Go values.
func ExampleJSON() {
	mux := new(scamp.Mux)
	mux.Handle(scamp.Action{Name: "Example.add", NoAuth: true}, scamp.JSON(func(_ context.Context, numbers []int) (sum int, err error) {
		for _, n := range numbers {
			sum += n
		}
		return sum, nil
	}))
	address, stop := start(mux)
	defer stop()
	conn := dial(address)
	defer conn.Close()
	fmt.Println(scamp.CallJSON[int](context.Background(), conn, "Example.add", []int{1, 2, 3}))
	// Output: 6 <nil>
}

// A requester of a configuration that the program has made itself.
func ExampleOpenConfig() {
	file, stop := bus()
	defer stop()
	conf, err := soaconf.Load(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	q, err := scamp.OpenConfig(ctx, conf, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer q.Close(ctx)
	fmt.Println(scamp.CallJSON[string](ctx, q, "Greeting.hello", "Ada"))
	// Output: Hello, Ada! <nil>
}

// A service whose configuration lacks something says what.
func ExampleOpenServiceConfig() {
	conf, err := soaconf.Parse("soa.conf", []byte("inventory.key = keys/inventory.key\nworker.timeout = soon\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = scamp.OpenServiceConfig(conf, "inventory", nil)
	fmt.Println(err != nil)
	// Output: true
}

// What to say of a failed call, whatever it was.
func ExampleFailure() {
	for _, err := range []error{
		&scamp.ReplyError{Code: "no_such_sku", Message: "there is no SKU 7"},
		&scamp.ConnectionError{Err: errors.New("connection refused")},
		&scamp.TimeoutError{Action: "Product.Sku.fetch", Sent: true, Err: context.DeadlineExceeded},
	} {
		f := scamp.Failure(err)
		fmt.Println(f.Code+":", f.Message, f.NotExecuted())
	}
	// Output:
	// no_such_sku: there is no SKU 7 false
	// transport: Connection failed: connection refused true
	// transport: call of Product.Sku.fetch timed out false
}

// The header of a request as it is on the wire. Members of the wrong type are
// tolerated here, and refused by whoever needs them.
func ExampleParseHeader() {
	h, err := scamp.ParseHeader([]byte(`{"type":"request","action":"Order.place","version":"2","request_id":"7","colour":"red"}`))
	fmt.Println(h.Action, h.Version, h.RequestID, err)
	// Output: Order.place 2 7 <nil>
}
