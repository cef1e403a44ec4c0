package scamp_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// bus makes the files of a bus on which one service offers Greeting.hello, and
// returns the path of its configuration.
func bus() (config string, stop func()) {
	mux := new(scamp.Mux)
	mux.Handle(scamp.Action{Name: "Greeting.hello", NoAuth: true}, scamp.JSON(func(_ context.Context, name string) (string, error) {
		return "Hello, " + name + "!", nil
	}))
	svc := &scamp.Service{Mux: mux, Certificate: fixtures.Certificate("server")}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go svc.Serve(ln)
	dir, err := os.MkdirTemp("", "bus")
	if err != nil {
		panic(err)
	}
	a := svc.Describe()
	a.Ident, a.URI, a.Interval, a.Timestamp = "greeter:1", "beepish+tls://"+ln.Addr().String(), 5000, 1
	key, _ := fixtures.FS.ReadFile("server.key.pem")
	cert, _ := fixtures.FS.ReadFile("server.cert.pem")
	signer, err := discovery.NewSigner(key, cert)
	if err != nil {
		panic(err)
	}
	packet, err := signer.Sign(a, discovery.FormAuto)
	if err != nil {
		panic(err)
	}
	verified, err := discovery.Verify(packet)
	if err != nil {
		panic(err)
	}
	for name, text := range map[string]string{
		"cache":               string(discovery.AppendRecord(nil, verified)),
		"authorized_services": fixtures.Fingerprint("server") + " main:Greeting",
		"soa.conf":            "discovery.cache_path = " + filepath.Join(dir, "cache"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	return filepath.Join(dir, "soa.conf"), func() {
		svc.Close()
		os.RemoveAll(dir)
	}
}

// A requester of a configuration file, as a program has one.
func ExampleOpen() {
	config, stop := bus()
	defer stop()
	ctx := context.Background()
	q, err := scamp.Open(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer q.Close(ctx)
	text, err := scamp.CallJSON[string](ctx, q, "Greeting.hello", "Ada")
	fmt.Println(text, err)
	_, err = scamp.CallJSON[string](ctx, q, "Greeting.goodbye", "Ada")
	fmt.Println(scamp.Failure(err).Code)
	// Output:
	// Hello, Ada! <nil>
	// not_found
}

// A requester for a test: its directory, its authorised services and its network
// are what the test says.
func ExampleRequester() {
	q := &scamp.Requester{
		Directory: new(discovery.Directory),
		Authorized: func() *discovery.Authorized {
			return discovery.ParseAuthorized([]byte(fixtures.Fingerprint("server") + " main:Greeting"))
		},
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, fmt.Errorf("the network is down") },
	}
	defer q.Close(context.Background())
	q.Directory.Replace([]*discovery.Announcement{{
		Identity: discovery.Identity{Fingerprint: fixtures.Fingerprint("server"), Ident: "greeter:1"},
		URI:      "beepish+tls://10.0.0.1:30100", Weight: 1, Interval: 5000,
		Actions: []discovery.Action{{Sector: "main", Name: "Greeting.hello", Version: 1, Envelopes: []string{"json"}}},
	}})
	_, err := q.Call(context.Background(), scamp.NewRequest("Greeting.hello", []byte(`"Ada"`)))
	fmt.Println(err)
	fmt.Println("may be sent again:", scamp.Failure(err).NotExecuted())
	// Output:
	// connection lost: the network is down
	// may be sent again: true
}

// The table of privileges comes over the bus.
func ExampleFetchTable() {
	mux := new(scamp.Mux)
	mux.HandleFunc(scamp.Action{Name: "Auth.getAuthzTable", NoAuth: true}, func(_ context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
		_, err := w.Write([]byte(`{"greeting.hello":["7"]}`))
		return err
	})
	address, stop := start(mux)
	defer stop()
	conn := dial(address)
	defer conn.Close()
	table, err := scamp.FetchTable(conn)(context.Background())
	fmt.Println(strings.TrimSpace(string(table)), err)
	// Output: {"greeting.hello":["7"]} <nil>
}
