package scamp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	real "github.com/gudtech/scamp-sim/scamp"
	scamp "github.com/gudtech/scamp-sim/scamp/classic"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// connect makes a connection to the service of a town.
func connect(t *testing.T, w *town) *scamp.Connection {
	t.Helper()
	if err := scamp.Initialize(); err != nil {
		t.Fatal(err)
	}
	c := new(scamp.Connection)
	if err := c.Connect(w.address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRequestsAndReplies(t *testing.T) {
	c := connect(t, begin(t))
	for _, tc := range []struct {
		r    scamp.Request
		want string
	}{
		{scamp.Request{Action: "Product.fetch", EnvelopeFormat: scamp.ENVELOPE_JSON, Version: 1, Body: []byte(`{"Sku":7}`)}, `"sku 7"`},
		{scamp.Request{Action: "product.FETCH"}, `"sku 0"`},
		{scamp.Request{Action: "Product._read"}, `"sku 0"`},
		{scamp.Request{Action: "Product.fetch", Body: []byte(`{"Sku":13}`)}, ` no_sku there is none {"sku":13}`},
		{scamp.Request{Action: "Product.who", Version: 2, Ticket: "a", IdentifyingToken: "b"}, `"ab"`},
		{scamp.Request{Action: "_meta.who", Ticket: "a", IdentifyingToken: "b"}, `""`}, // DISC-AUT-13
		{scamp.Request{Action: "Product.text", EnvelopeFormat: scamp.ENVELOPE_JSONSTORE}, `<{}>`},
		{scamp.Request{Action: "Product.text", EnvelopeFormat: "text"}, `<>`},
		{scamp.Request{Action: "Product.text", EnvelopeFormat: "text", Body: []byte("x")}, `<x>`},
	} {
		if err := c.SendRequest(tc.r); err != nil {
			t.Errorf("%+v: %v", tc.r, err)
			continue
		}
		reply, err := c.RecvReply()
		got := string(reply.Body)
		if reply.Error != "" {
			got += " " + reply.ErrorCode + " " + reply.Error + " " + string(reply.ErrorData)
		}
		if got != tc.want || err != nil {
			t.Errorf("%+v: %s, %v", tc.r, got, err)
		}
	}
}

// TestRepliesComeInOrder: whatever the service does first.
func TestRepliesComeInOrder(t *testing.T) {
	c := connect(t, begin(t))
	for n := range 100 {
		if err := c.SendRequest(scamp.Request{Action: "Product.fetch", Body: fmt.Appendf(nil, `{"Sku":%d}`, 100+n)}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 100 {
		if reply, err := c.RecvReply(); string(reply.Body) != fmt.Sprintf(`"sku %d"`, 100+n) || err != nil {
			t.Fatal(n, string(reply.Body), err)
		}
	}
	if _, err := c.RecvReply(); err != scamp.ErrNoRequest {
		t.Error(err)
	}
}

// TestRepliesThatAreNone: an error is told from a service's failure.
func TestRepliesThatAreNone(t *testing.T) {
	c := connect(t, begin(t))
	recv := func(action string) error {
		t.Helper()
		if err := c.SendRequest(scamp.Request{Action: action}); err != nil {
			t.Fatal(err)
		}
		reply, err := c.RecvReply()
		if err == nil {
			t.Fatal(reply)
		}
		return err
	}
	if err := recv("Product.half"); !errors.As(err, new(*real.AbortError)) {
		t.Error(err)
	}
	if err := recv("Product.text"); !errors.As(err, new(*real.BodyError)) { // WIRE-ENV-01a
		t.Error(err)
	}
}

// TestClose: it ends what is outstanding, and the connection can be used anew.
func TestClose(t *testing.T) {
	w := begin(t)
	c := connect(t, w)
	if err := c.Connect(w.address); err == nil {
		t.Error("connected twice")
	}
	if err := c.SendRequest(scamp.Request{Action: "Product.wait"}); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() { _, err := c.RecvReply(); waiting <- err }()
	c.Close()
	if err := <-waiting; !errors.As(err, new(*real.ConnectionError)) && err != scamp.ErrNotConnected {
		t.Error(err)
	}
	if err := c.SendRequest(scamp.Request{Action: "Product.fetch"}); err != scamp.ErrNotConnected {
		t.Error(err)
	}
	if _, err := c.RecvReply(); err != scamp.ErrNotConnected {
		t.Error(err)
	}
	if err := c.Connect("beepish+tls://" + w.address); err != nil {
		t.Fatal(err)
	}
	w.service.Close()
	for range 2 { // the first may be sent into the void
		if err := c.SendRequest(scamp.Request{Action: "Product.fetch"}); err != nil {
			if !errors.As(err, new(*real.ConnectionError)) {
				t.Error(err)
			}
		} else if _, err := c.RecvReply(); !errors.As(err, new(*real.ConnectionError)) {
			t.Error(err)
		}
	}
}

// TestConnectNeedsAnAnnouncement: "the fingerprint is that of the announcement for this address; without one it refuses".
func TestConnectNeedsAnAnnouncement(t *testing.T) {
	w := begin(t)
	if err := scamp.Initialize(); err != nil {
		t.Fatal(err)
	}
	refuses := func(address, want string) {
		t.Helper()
		c := new(scamp.Connection)
		if err := c.Connect(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
		c.Close()
	}
	refuses("127.0.0.1:1", "nobody announces a service at 127.0.0.1:1")
	refuses("nowhere", "is not host:port")
	strange, err := w.record("other", "product:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := w.record("server", "product:1", w.service.Describe().Actions)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cache(strange); err != nil {
		t.Fatal(err)
	}
	refuses(w.address, "certificate has fingerprint "+fixtures.Fingerprint("server"))
	// Whoever else announces the address does not keep its owner from being found.
	if err := w.cache(strange, own); err != nil {
		t.Fatal(err)
	}
	c := new(scamp.Connection)
	if err := c.Connect(w.address); err != nil {
		t.Fatal(err)
	}
	c.Close()
	w.service.Close()
	refuses(w.address, "cannot connect to "+w.address)
}

// TestRequestsNeedAnAnnouncedAndAuthorisedAction: the layer is as careful as what is below it.
func TestRequestsNeedAnAnnouncedAndAuthorisedAction(t *testing.T) {
	w := begin(t)
	c := connect(t, w)
	refuses := func(r scamp.Request, want string) {
		t.Helper()
		if err := c.SendRequest(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	refuses(scamp.Request{Action: "Product.none"}, "does not announce Product.none version 1 in sector main with the envelope json")
	refuses(scamp.Request{Action: "Product.fetch", Version: 2}, "does not announce")
	refuses(scamp.Request{Action: "Product.fetch", EnvelopeFormat: scamp.ENVELOPE_JSONSTORE}, "does not announce")
	refuses(scamp.Request{Action: "Other.who"}, "not authorised to offer Other.who")
	// What another identity announces at the same address does not count.
	strange, err := w.record("other", "x", []discovery.Action{{Sector: "main", Name: "Strange.x", Version: 1, Envelopes: []string{"json"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cache(strange); err != nil {
		t.Fatal(err)
	}
	refuses(scamp.Request{Action: "Strange.x"}, "does not announce")
	refuses(scamp.Request{Action: "Product.fetch"}, "does not announce")
}
