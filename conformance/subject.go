package conformance

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A Subject is an implementation under test, a server or a client. ServerValue, ServerAt and ClientValue make one. Its
// fields may be set before it is used.
type Subject struct {
	// Echo is the name of an action that returns its request; "" is Conformance.echo.
	Echo string
	// Profiles are what the subject declares besides core.
	Profiles []string

	start   func() (serve func(net.Conn), stop func()) // a Go value
	client  func(calling.World) calling.Client         // a Go value that is a client
	address string                                     // or a port

	startTLS    func() (serve func(net.Conn), stop func()) // the Go value, reached over TLS
	tls         *tls.Config                                // nil: there is no TLS
	fingerprint string                                     // that its certificate must have; "" is any

	fixtures map[string]bool // short names of the actions that it has, and profiles that it shows; Check finds out
}

// ServerValue makes a subject of a server in this program. For every case start makes a fresh server: serve answers one
// connection until it ends and may be called from several goroutines, stop ends them all. Cases run in virtual time,
// each in a bubble of its own (see simnet.Bubble); the connections are in memory, without TLS.
//
// A server that uses the network, channels from outside, or goroutines that outlive stop cannot run in a bubble. Attach
// it with ServerAt.
func ServerValue(start func() (serve func(net.Conn), stop func())) *Subject {
	return &Subject{start: start}
}

// ServerAt makes a subject of the server that listens at host:port, or at the URI of an announcement. Its certificate must have
// this fingerprint (SHA-1 in the form of announcements); with "" any will do.
func ServerAt(address, fingerprint string) (*Subject, error) {
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		if scheme != "beepish+tls" && scheme != "scamp+tls" {
			return nil, fmt.Errorf("address %q: the scheme is not beepish+tls", address)
		}
		address = rest
	}
	if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
		return nil, fmt.Errorf("address %q is not HOST:PORT", address)
	}
	want := strings.ToUpper(fingerprint)
	return &Subject{address: address, fingerprint: want, tls: clientTLS(want)}, nil
}

// A FingerprintError says that the server's certificate is not the expected one.
type FingerprintError struct{ Want, Got string }

func (e *FingerprintError) Error() string {
	return fmt.Sprintf("the certificate has the fingerprint %s, not %s", e.Got, e.Want)
}

func fingerprintOf(der []byte) string {
	sum := sha1.Sum(der)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

func (s *Subject) virtual() bool { return s.start != nil || s.client != nil }

// Role is what the subject plays: server or client.
func (s *Subject) Role() string {
	if s.client != nil {
		return "client"
	}
	return "server"
}

// action returns the name of a fixture action.
func (s *Subject) action(short string) string {
	if short == "echo" && s.Echo != "" {
		return s.Echo
	}
	return "Conformance." + short
}

// variables are what the tester sets in every case: the names of the fixture actions as JSON.
func (s *Subject) variables() Vars {
	vars := Vars{}
	for _, short := range fixtureVars {
		vars[short] = quoteJSON([]byte(s.action(short)))
	}
	if s.client != nil {
		for _, name := range instanceNames[1:] {
			vars[name+"_address"] = []byte(addressOf(name))
			vars[name+"_fingerprint"] = []byte(identityOf(name).fingerprint)
		}
	}
	return vars
}

// receiveBuffer is small, so that a tester that does not read fills the subject's output soon (WIRE-FLOW-10).
const receiveBuffer = 128 << 10

// connect opens a connection to a port.
func (s *Subject) connect(ctx context.Context, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	nc, err := s.transport(ctx)
	if err != nil {
		return nil, err
	}
	return s.secure(ctx, nc, timeout)
}

// transport opens a connection to a port without TLS.
func (s *Subject) transport(ctx context.Context) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	nc.(*net.TCPConn).SetReadBuffer(receiveBuffer)
	return nc, nil
}

// secure makes an ordinary connection of a transport, which it owns.
func (s *Subject) secure(ctx context.Context, transport net.Conn, timeout time.Duration) (net.Conn, error) {
	l, err := shake(ctx, transport, s.tls, timeout)
	if err != nil {
		transport.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return l, nil
}

// host runs f with connections to the subject: to a fresh server in a bubble, or to the port. settle is nil in real
// time. The error says that the server could not be left in order.
func (s *Subject) host(ctx context.Context, opt *Options, f func(dial func() (net.Conn, error), settle func())) error {
	if !s.virtual() {
		f(func() (net.Conn, error) { return s.connect(ctx, opt.Timeout) }, nil)
		return nil
	}
	var over atomic.Bool // so that what f has done is seen where the server cannot be left and goroutines stay behind
	err := simnet.Bubble(func() {
		s.inMemory(func(dial func() (net.Conn, error), settle func()) {
			f(dial, settle)
			over.Store(true)
		}, simnet.Settle)
	})
	if errors.Is(err, simnet.ErrNoBubble) {
		s.inMemory(f, nil)
		return nil
	}
	over.Load()
	return err
}

// inMemory starts a server for f and ends it.
func (s *Subject) inMemory(f func(dial func() (net.Conn, error), settle func()), settle func()) {
	if s.client != nil { // the play makes it, with what is around it
		f(nil, settle)
		return
	}
	serve, stop := s.start()
	var wg sync.WaitGroup
	f(func() (net.Conn, error) {
		a, b := simnet.Pipe(0)
		wg.Go(func() {
			serve(b)
			b.Close()
		})
		return a, nil
	}, settle)
	stop()
	wg.Wait()
}

// ClientValue makes a subject of a client in this program. For every case start makes a fresh client. Cases run in
// virtual time, each in a bubble of its own (see simnet.Bubble): the client uses the network and the files of its World
// alone, takes the time from package time, and leaves no goroutine behind when it is closed.
func ClientValue(start func(w calling.World) calling.Client) *Subject {
	return &Subject{client: start}
}
