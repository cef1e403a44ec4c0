package jsonstore_test

import (
	"context"
	"fmt"
	"net"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/jsonstore"
)

type Sku struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// skus is an action that reads and creates records.
func skus(_ context.Context, r *jsonstore.Request[Sku]) (*jsonstore.Reply[Sku], error) {
	switch r.Xaction {
	case jsonstore.Read:
		return &jsonstore.Reply[Sku]{Records: []Sku{{7, "lamp"}}, RecordCount: 250}, nil
	case jsonstore.Create:
		for i := range r.Records {
			r.Records[i].ID = 8 + i
		}
		return &jsonstore.Reply[Sku]{Records: r.Records}, nil
	}
	return nil, &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: r.Xaction + " is not for skus"}
}

func serve() (conn *scamp.Connection, stop func()) {
	mux := new(scamp.Mux)
	mux.Handle(scamp.Action{NoAuth: true, Name: "Product.Sku.fetch", Envelopes: []string{jsonstore.Envelope}}, jsonstore.Handler(skus))
	svc := &scamp.Service{Mux: mux}
	a, b := net.Pipe()
	go svc.ServeConn(a)
	conn = scamp.NewConnection(b, scamp.Config{})
	return conn, func() { conn.Close(); svc.Close() }
}

// The body of a request, as a service of another kind reads it.
func ExampleParseRequest() {
	r, err := jsonstore.ParseRequest[Sku]([]byte(`{"xaction":"create","records":[{"name":"desk"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Xaction, r.Records)
	// Output: create [{0 desk}]
}

// The body of a reply, as a program that calls by other means reads it.
func ExampleParseReply() {
	r, err := jsonstore.ParseReply[Sku]([]byte(`{"success":true,"records":[{"id":7,"name":"lamp"}],"recordCount":1}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Records, "of", r.RecordCount)
	// Output: [{7 lamp}] of 1
}

// Records are written and read in the program's own type.
func Example() {
	conn, stop := serve()
	defer stop()
	ctx := context.Background()

	page, err := jsonstore.Call[Sku](ctx, conn, "Product.Sku.fetch", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Records, "of", page.RecordCount, page.MetaData.Fields)
	made, err := jsonstore.Call(ctx, conn, "Product.Sku.fetch", &jsonstore.Request[Sku]{
		Xaction: jsonstore.Create,
		Records: []Sku{{Name: "desk"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(made.Records)
	_, err = jsonstore.Call(ctx, conn, "Product.Sku.fetch", &jsonstore.Request[Sku]{Xaction: jsonstore.Destroy})
	fmt.Println(err)
	// Output:
	// [{7 lamp}] of 250 [{id } {name }]
	// [{8 desk}]
	// bad_request: destroy is not for skus
}
