package scamp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
)

// start serves the actions of mux over TLS on loopback.
func start(mux *scamp.Mux) (address string, stop func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	svc := &scamp.Service{Mux: mux, Certificate: fixtures.Certificate("server")}
	go svc.Serve(ln)
	return ln.Addr().String(), func() { svc.Close() }
}

// greet is a handler: it reads the request's body and writes the reply's.
func greet(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	var name string
	if err := json.NewDecoder(r.Body).Decode(&name); err != nil {
		return &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: "a name is expected"}
	}
	return json.NewEncoder(w).Encode("Hello, " + name + "!")
}

// A client and a service over TLS. The client knows the service's certificate by
// its fingerprint.
func Example() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Example.greet", NoAuth: true}, greet)
	address, stop := start(mux)
	defer stop()

	ctx := context.Background()
	conn, err := scamp.Dial(ctx, address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	reply, err := conn.Call(ctx, scamp.NewRequest("Example.greet", []byte(`"world"`)))
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := reply.ReadAll(0)
	fmt.Printf("%s%v\n", body, err)
	// Output:
	// "Hello, world!"
	// <nil>
}

// A connection of any transport. Here it is a pipe, and nothing is encrypted.
func ExampleNewConnection() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Example.greet", NoAuth: true}, greet)
	svc := &scamp.Service{Mux: mux}
	defer svc.Close()

	a, b := net.Pipe()
	go svc.ServeConn(a)
	conn := scamp.NewConnection(b, scamp.Config{})
	defer conn.Close()
	reply, err := conn.Call(context.Background(), scamp.NewRequest("Example.greet", []byte(`"pipe"`)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reply.Body.Close()
	io.Copy(writer{}, reply.Body)
	// Output: "Hello, pipe!"
}

type writer struct{}

func (writer) Write(p []byte) (int, error) { return fmt.Print(string(p)) }

// A request whose body comes bit by bit, and a reply that is read while it comes.
func ExampleConnection_Call_streaming() {
	mux := new(scamp.Mux)
	mux.Handle(scamp.Action{Name: "Example.upper", NoAuth: true, Envelopes: []string{"text"}, Stream: true},
		scamp.HandlerFunc(func(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
			buf := make([]byte, 1024)
			for {
				n, err := r.Body.Read(buf)
				io.WriteString(w, strings.ToUpper(string(buf[:n])))
				if err == io.EOF {
					return nil // complete
				}
				if err != nil {
					return err // given up, or lost: the reply must not look whole
				}
				if err := w.Flush(); err != nil {
					return err
				}
			}
		}))
	address, stop := start(mux)
	defer stop()
	conn, err := scamp.Dial(context.Background(), address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()

	body, feed := io.Pipe()
	go func() {
		for _, word := range []string{"one ", "two ", "three"} {
			io.WriteString(feed, word)
		}
		feed.Close()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel() // not before the reply has been read
	reply, err := conn.Call(ctx, &scamp.Request{Header: scamp.Header{Action: "Example.upper", Envelope: "text"}, Body: body})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := io.ReadAll(reply.Body)
	fmt.Printf("%s, %v\n", text, err)
	// Output: ONE TWO THREE, <nil>
}

// The ways in which a call fails, told apart by their types.
func ExampleConnection_Call_errors() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Example.greet", NoAuth: true}, greet)
	address, stop := start(mux)
	defer stop()
	conn, err := scamp.Dial(context.Background(), address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		fmt.Println(err)
		return
	}
	call := func(ctx context.Context, action string) {
		_, err := conn.Call(ctx, scamp.NewRequest(action, []byte(`5`)))
		var failed *scamp.ReplyError
		var late *scamp.TimeoutError
		var lost *scamp.ConnectionError
		switch {
		case errors.As(err, &failed):
			fmt.Println("the service says:", failed.Code, failed.Message)
		case errors.As(err, &late):
			fmt.Println("too late:", err)
		case errors.As(err, &lost):
			fmt.Println("lost, sent:", lost.Sent)
		}
	}
	ctx := context.Background()
	call(ctx, "Example.greet")
	call(ctx, "Example.other")
	past, cancel := context.WithDeadline(ctx, time.Now())
	defer cancel()
	call(past, "Example.greet")
	conn.Close()
	call(ctx, "Example.greet")
	// Output:
	// the service says: bad_request a name is expected
	// the service says: not_found no such action: Example.other version 1
	// too late: call of Example.greet timed out
	// lost, sent: false
}

// A service answers with errors of its own. An error before anything is written is
// an error reply.
func ExampleHandlerFunc() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Example.open", NoAuth: true}, func(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
		if r.Ticket == "" {
			return &scamp.ReplyError{Code: scamp.CodeAuthn, Message: "a ticket is required"}
		}
		_, err := io.WriteString(w, "true")
		return err
	})
	address, stop := start(mux)
	defer stop()
	conn, err := scamp.Dial(context.Background(), address, scamp.Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = conn.Call(context.Background(), scamp.NewRequest("Example.open", []byte("{}")))
	fmt.Println(err)
	r := scamp.NewRequest("Example.open", []byte("{}"))
	r.Ticket = "sesame"
	reply, err := conn.Call(context.Background(), r)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := reply.ReadAll(0)
	fmt.Println(string(body), err)
	// Output:
	// authn: a ticket is required
	// true <nil>
}
