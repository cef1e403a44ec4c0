package scamp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/ticket"
)

// fetch is a handler that does not look at its request.
func fetch(_ context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
	_, err := io.WriteString(w, `{"sku":7}`)
	return err
}

// tell calls an action of a service at an address and prints what comes.
func tell(address string, r *scamp.Request) {
	ctx := context.Background()
	conn, err := scamp.Dial(ctx, address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	reply, err := conn.Call(ctx, r)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := reply.ReadAll(0)
	fmt.Println(string(body), err)
}

// A whole service, as it is deployed: the configuration file of the bus says where
// it listens and announces itself, and which key pair and which limits it has. It
// stops in order when it is told to.
func ExampleOpenService() {
	svc, err := scamp.OpenService("", "inventory")
	if err != nil {
		log.Fatal(err)
	}
	svc.Config.Logger = slog.Default()
	svc.Mux.HandleFunc(scamp.Action{
		Name:    "Product.Sku.fetch",
		Flags:   []string{"read"},
		Timeout: 10 * time.Minute,
		Doc:     "Returns a SKU by its id.",
	}, fetch)
	if err := svc.HandleStandard(); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := svc.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// An action that is not NoAuth runs for tickets that the Authority takes.
func ExampleTicketFrom() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Product.Sku.fetch"}, func(ctx context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
		_, err := fmt.Fprintf(w, `"for user %d"`, scamp.TicketFrom(ctx).User)
		return err
	})
	key := fixtures.TicketKey()
	svc := &scamp.Service{Mux: mux, Certificate: fixtures.Certificate("server"), Authority: &ticket.Authority{
		Key: &key.PublicKey,
		Fetch: func(context.Context) ([]byte, error) { // in production, a call of Auth.getAuthzTable
			return []byte(`{"product.sku.fetch":["14"]}`), nil
		},
	}}
	ln, err := scamp.Listen(context.Background(), "127.0.0.1", 0, 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	go svc.Serve(ln)
	defer svc.Close()

	r := scamp.NewRequest("Product.Sku.fetch", []byte(`{}`))
	tell(ln.Addr().String(), r)
	for _, privileges := range [][]uint64{{3}, {3, 14}} {
		r.Ticket, err = ticket.Issue(ticket.Ticket{User: 482, Client: 17, Start: time.Now().Truncate(time.Second), Length: time.Hour, Privileges: privileges}, key)
		if err != nil {
			fmt.Println(err)
			return
		}
		tell(ln.Addr().String(), r)
	}
	// Output:
	// authn: there is no ticket
	// authz: privilege 14 is missing
	// "for user 482" <nil>
}

// Serve with a listener of a port range, and stop in order.
func ExampleService_Shutdown() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Product.Sku.fetch", NoAuth: true}, fetch)
	svc := &scamp.Service{Mux: mux, Certificate: fixtures.Certificate("server"), Grace: -1} // nobody hears announcements here
	ln, err := scamp.Listen(context.Background(), "127.0.0.1", 0, 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- svc.Serve(ln) }()
	tell(ln.Addr().String(), scamp.NewRequest("Product.Sku.fetch", []byte(`{}`)))

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	fmt.Println(svc.Shutdown(ctx))
	fmt.Println(<-served)
	// Output:
	// {"sku":7} <nil>
	// <nil>
	// scamp: service closed
}

// A port from 31000 to 31009, in at most 5 tries.
func ExampleListen() {
	ln, err := scamp.Listen(context.Background(), "127.0.0.1", 31000, 31009, 5)
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
}

// quiet is a logger whose lines look the same in every run.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, "took", "peer":
			return slog.Attr{}
		}
		return a
	}}))
}

// wrapped answers two requests with something around the handler.
func wrapped(wrap func(scamp.Handler) scamp.Handler, bodies ...string) {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Product.Sku.fetch", NoAuth: true}, fetch)
	svc := &scamp.Service{Mux: mux, Certificate: fixtures.Certificate("server"), Wrap: wrap}
	ln, err := scamp.Listen(context.Background(), "127.0.0.1", 0, 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	go svc.Serve(ln)
	defer svc.Close()
	for _, b := range bodies {
		tell(ln.Addr().String(), scamp.NewRequest("Product.Sku.fetch", []byte(b)))
	}
}

// Every request is logged.
func ExampleLogRequests() {
	wrapped(scamp.LogRequests(quiet()), `{}`)
	// Output:
	// level=INFO msg=request action=Product.Sku.fetch version=1
	// {"sku":7} <nil>
}

// At most 8 requests run at a time, and 100 more wait. Middleware is nested by
// calling one with the result of another.
func ExampleLimitConcurrency() {
	logged, limited := scamp.LogRequests(quiet()), scamp.LimitConcurrency(8, 100)
	wrapped(func(h scamp.Handler) scamp.Handler { return logged(limited(h)) }, `{}`)
	// Output:
	// level=INFO msg=request action=Product.Sku.fetch version=1
	// {"sku":7} <nil>
}

// Bodies of more than 10 octets are refused.
func ExampleLimitBody() {
	wrapped(scamp.LimitBody(10), `{"a":1}`, `"`+strings.Repeat("x", 100)+`"`)
	// Output:
	// {"sku":7} <nil>
	// bad_request: request refused: more than 10 octets in a request
}
