// Package calling is what the conformance suite and a client under test know of
// each other: the client calls actions for an application, in a world that the
// suite makes. A package of its own, so that whatever implements a client need
// not import the suite.
package calling

import (
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"time"
)

// A Client is a requester under test. Its methods may be called from any
// goroutine.
type Client interface {
	// Call calls an action and returns what became of it. When ctx ends the
	// application has given the call up: it returns soon after.
	Call(ctx context.Context, c Call) Outcome
	// Close ends the client and all that it has started. It is called once.
	Close()
}

// A Call is what an application asks for. The zero value of a field says that
// the application has left it out.
type Call struct {
	Sector   string
	Action   string
	Version  int
	Envelope string
	Ident    string // the one instance to call: its ident, or fingerprint#ident
	Ticket   string
	Timeout  time.Duration
	Body     []byte
}

// An Outcome is what an application is told of its call: the body of a
// successful reply, or a failure.
type Outcome struct {
	Body []byte

	Failed bool
	Code   string
	Text   string
	Data   json.RawMessage // nil: none
}

// The files of a World.
const (
	Config     = "soa.conf"            // the configuration; it names the two others
	Cache      = "cache"               // the discovery cache
	Authorized = "authorized_services" // who may offer what
)

// A World is what surrounds a client under test.
type World struct {
	// Dial connects to the address of an instance, "host:port", without TLS.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Files has the files above. They change while the client runs; all of them
	// are replaced as a whole.
	Files fs.FS
}
