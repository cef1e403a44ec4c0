package scamp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// listen runs a service on a real socket and returns its address.
func listen(t *testing.T, s *Service) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Certificate = fixtures.Certificate("server")
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != ErrServiceClosed {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func TestDialChecksTheFingerprint(t *testing.T) { // WIRE-TLS-02, DISC-SIG-08a, DISC-URI-01b
	address := listen(t, &Service{Mux: echoes()})
	for _, test := range []struct {
		name string
		cfg  Config
		want any
	}{
		{"right", Config{Fingerprint: fixtures.Fingerprint("server")}, nil},
		{"none", Config{}, ErrNoFingerprint},
		{"wrong", Config{Fingerprint: fixtures.Fingerprint("other")}, new(FingerprintError)},
		{"unverified", Config{Unverified: true}, nil},
	} {
		c, err := Dial(t.Context(), "beepish+tls://"+address, test.cfg)
		switch want := test.want.(type) {
		case nil:
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			r, err := c.Call(t.Context(), NewRequest("Test.echo", []byte("{}")))
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			} else if b, err := r.ReadAll(0); string(b) != "{}" || err != nil {
				t.Errorf("%s: %q, %v", test.name, b, err)
			}
			c.Close()
		case *FingerprintError:
			if !errors.As(err, &want) || want.Got != fixtures.Fingerprint("server") {
				t.Errorf("%s: %v", test.name, err)
			}
		case error:
			if !errors.Is(err, want) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		if e := new(ConnectionError); err != nil && (!errors.As(err, &e) || e.Sent) {
			t.Errorf("%s: %v is not unsent", test.name, err)
		}
	}
}

func TestBothVersionsOfTLS(t *testing.T) { // WIRE-TLS-04
	address := listen(t, &Service{Mux: echoes()})
	for _, cfg := range []*tls.Config{
		{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}},
		{MinVersion: tls.VersionTLS13},
	} {
		cfg.InsecureSkipVerify = true
		nc, err := tls.Dial("tcp", address, cfg)
		if err != nil {
			t.Fatal(err)
		}
		c := NewConnection(nc, Config{})
		if _, err := c.Call(t.Context(), NewRequest("Test.echo", []byte("{}"))); err != nil {
			t.Error(err)
		}
		c.Close()
	}
}

func TestPlainTextNeverReachesTheParser(t *testing.T) { // WIRE-TLS-07, WIRE-TLS-03
	svc, ran := fixture(Config{})
	address := listen(t, svc)
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprint(nc, "HEADER 0 60\r\n{\"type\":\"request\",\"action\":\"Test.count\",\"request_id\":1     }END\r\nEOF 0 0\r\nEND\r\n")
	io.Copy(io.Discard, nc)
	if ran.Load() != 0 {
		t.Error("it was executed")
	}
	if _, err := Dial(t.Context(), address, Config{Unverified: true}); err != nil {
		t.Error(err)
	}
}

func TestAPeerThatSpeaksNoTLSIsOnlyAFailedCall(t *testing.T) { // WIRE-TLS-03
	for _, answer := range []string{"HTTP/1.1 200 OK\r\n\r\n", "", "\x15\x03\x01\x00\x02\x02\x28"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			nc, err := ln.Accept()
			if err == nil {
				nc.Write([]byte(answer))
				nc.Close()
			}
		}()
		_, err = Dial(t.Context(), ln.Addr().String(), Config{Unverified: true})
		if e := new(ConnectionError); !errors.As(err, &e) || e.Sent {
			t.Errorf("%q: %v", answer, err)
		}
		ln.Close()
	}
}

func TestConnectingIsBounded(t *testing.T) { // WIRE-TIME-06
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		nc, err := ln.Accept() // and never a word
		if err == nil {
			cancel()
			io.Copy(io.Discard, nc)
			nc.Close()
		}
	}()
	if _, err := Dial(ctx, ln.Addr().String(), Config{Unverified: true, ConnectTimeout: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestUnusableURIsAreFailedCalls(t *testing.T) { // DISC-URI-02b
	for _, uri := range []string{"foo://127.0.0.1:1", "beepish+tls://127.0.0.1", "beepish+tls://127.0.0.1:0", "beepish+tls://127.0.0.1:70000", "beepish+tls://<nil>:1", "", " "} {
		start := time.Now()
		_, err := Dial(t.Context(), uri, Config{Unverified: true})
		if e := new(ConnectionError); !errors.As(err, &e) || e.Sent || time.Since(start) > 15*time.Second {
			t.Errorf("%q: %v after %v", uri, err, time.Since(start))
		}
	}
}

func TestAddresses(t *testing.T) { // WIRE-CONN-06, DISC-URI-01
	for address, want := range map[string]string{
		"127.0.0.1:30100":               "127.0.0.1:30100",
		"beepish+tls://127.0.0.1:30100": "127.0.0.1:30100",
		"scamp+tls://[::1]:1":           "[::1]:1",
		"http://127.0.0.1:1":            "",
		"beepish+tls://127.0.0.1":       "",
		"beepish+tls://:1":              "",
		"":                              "",
	} {
		if got, err := HostPort(address); got != want || (err == nil) != (want != "") {
			t.Errorf("HostPort(%q) = %q, %v; want %q", address, got, err, want)
		}
	}
}

// TestRecordsArriveAsTheyWere sends bodies of many sizes through gathered records.
func TestRecordsArriveAsTheyWere(t *testing.T) {
	address := listen(t, &Service{Mux: echoes()})
	c, err := Dial(t.Context(), address, Config{Fingerprint: fixtures.Fingerprint("server")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for n := 1; n < 3<<20; n = 3*n + 1 {
		body := make([]byte, n)
		for i := range body {
			body[i] = byte(i * i >> 7)
		}
		r, err := c.Call(t.Context(), NewRequest("Test.echo", body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.ReadAll(0); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d octets came back as %d, %v", n, len(got), err)
		}
	}
}

// TestConnectingToASilentPeerIsBounded: also where somebody else has dialled and
// the context has no deadline (WIRE-TIME-06).
func TestConnectingToASilentPeerIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := simnet.Pipe(0)
		defer b.Close()
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		_, err := Client(ctx, a, Config{Unverified: true})
		if e := new(ConnectionError); !errors.As(err, &e) || e.Sent || time.Since(start) != 10*time.Second {
			t.Fatal(err, time.Since(start))
		}
	})
}
