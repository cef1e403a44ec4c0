package scamp_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// runInstance runs a service with the certificate of a fixture, whose every action counts.
func runInstance(t *testing.T, certificate string, actions ...string) (uri string, ran *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ran = new(atomic.Int64)
	s := &scamp.Service{Mux: new(scamp.Mux), Certificate: fixtures.Certificate(certificate)}
	for _, name := range actions {
		s.Mux.HandleFunc(scamp.Action{Name: name, NoAuth: true}, func(_ context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
			ran.Add(1)
			_, err := io.WriteString(w, "{}")
			return err
		})
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return "beepish+tls://" + ln.Addr().String(), ran
}

// announced is what an instance announces with the certificate of a fixture.
func announced(t *testing.T, certificate, ident, uri string, weight float64, actions ...string) *discovery.Announcement {
	t.Helper()
	var files [2][]byte
	for i, kind := range []string{".key.pem", ".cert.pem"} {
		file, err := fixtures.FS.ReadFile(certificate + kind)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = file
	}
	s, err := discovery.NewSigner(files[0], files[1])
	if err != nil {
		t.Fatal(err)
	}
	a := &discovery.Announcement{Sector: "main", Weight: weight, Interval: 5000, URI: uri, Envelopes: []string{"json"}, Timestamp: 1}
	a.Ident = ident
	for _, name := range actions {
		a.Actions = append(a.Actions, discovery.Action{Name: name})
	}
	packet, err := s.Sign(a, discovery.FormAuto)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = discovery.Verify(packet); err != nil {
		t.Fatal(err)
	}
	return a
}

// asking is a requester that knows these instances, all of them authorised.
func asking(t *testing.T, instances ...*discovery.Announcement) *scamp.Requester {
	t.Helper()
	d := new(discovery.Directory)
	d.Replace(instances)
	list := discovery.ParseAuthorized([]byte(fixtures.Fingerprint("server") + " main:ALL\n" + fixtures.Fingerprint("other") + " main:ALL\n"))
	q := &scamp.Requester{Directory: d, Authorized: func() *discovery.Authorized { return list }, Rand: rand.New(rand.NewPCG(1, 2)).IntN}
	t.Cleanup(func() { q.Close(context.Background()) })
	return q
}

func ask(t *testing.T, q *scamp.Requester, action string) error {
	t.Helper()
	r, err := q.Call(t.Context(), scamp.NewRequest(action, []byte("{}")))
	if err != nil {
		return err
	}
	_, err = r.ReadAll(0)
	return err
}

// Two identities announce one address: who is called for the one is not called for the other over its connection (DISC-SIG-08c).
func TestConnectionsBelongToACertificate(t *testing.T) {
	uri, ran := runInstance(t, "server", "Foo.a", "Foo.c")
	q := asking(t, announced(t, "server", "a", uri, 1, "Foo.a"), announced(t, "other", "c", uri, 1, "Foo.c"))
	for i := range 3 {
		if err := ask(t, q, "Foo.a"); err != nil {
			t.Error(err)
		}
		var wrong *scamp.FingerprintError
		if err := ask(t, q, "Foo.c"); i == 0 && !errors.As(err, &wrong) || err == nil {
			t.Errorf("the action of the other identity: %v", err)
		}
	}
	if n := ran.Load(); n != 3 {
		t.Errorf("%d calls arrived, not 3", n)
	}
}

// Whoever is not authorised any more is not called, over an open connection neither (DISC-AUT-10c).
func TestOpenConnectionsGiveNoRights(t *testing.T) {
	uri, ran := runInstance(t, "server", "Foo.bar")
	q := asking(t, announced(t, "server", "x", uri, 1, "Foo.bar"))
	list := q.Authorized()
	q.Authorized = func() *discovery.Authorized { return list }
	if err := ask(t, q, "Foo.bar"); err != nil {
		t.Fatal(err)
	}
	list = discovery.ParseAuthorized([]byte("# nobody\n"))
	if e := new(scamp.NoServiceError); !errors.As(ask(t, q, "Foo.bar"), &e) {
		t.Error("it is called after its line was removed")
	}
	if n := ran.Load(); n != 1 {
		t.Errorf("%d calls arrived, not 1", n)
	}
}

// A weight above 0 is no share: calls are divided evenly, whatever the weights are (DISC-WGT-01c).
func TestWeightIsNotAShare(t *testing.T) {
	one, ranOne := runInstance(t, "server", "Foo.bar")
	two, ranTwo := runInstance(t, "server", "Foo.bar")
	q := asking(t, announced(t, "server", "one", one, 1, "Foo.bar"), announced(t, "server", "two", two, 100, "Foo.bar"))
	for range 400 {
		if err := ask(t, q, "Foo.bar"); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := ranOne.Load(), ranTwo.Load(); a+b != 400 || a < 150 || b < 150 {
		t.Errorf("%d calls of weight 1, %d of weight 100", a, b)
	}
}

// One ident under two certificates: only the identity that refuses connections is marked failed (DISC-IDT-02b).
func TestFailureMarksBelongToIdentities(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	uri, ran := runInstance(t, "other", "Foo.bar")
	bad, good := announced(t, "server", "x", "beepish+tls://"+closed.Addr().String(), 1, "Foo.bar"), announced(t, "other", "x", uri, 1, "Foo.bar")
	q := asking(t, bad, good)
	var dials atomic.Int64
	q.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == closed.Addr().String() {
			dials.Add(1)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	for range 50 {
		if err := ask(t, q, "Foo.bar"); err != nil {
			t.Fatal(err)
		}
	}
	if n, tried := ran.Load(), dials.Load(); n != 50 || tried != 1 {
		t.Errorf("%d calls arrived, not 50; the other identity was tried %d times, not once", n, tried)
	}
}
