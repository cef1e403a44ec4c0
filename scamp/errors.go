package scamp

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// Error codes with a meaning of their own (WIRE-ERR-09a).
const (
	CodeTransport  = "transport"   // local or infrastructure failure
	CodeAuthn      = "authn"       // identity missing or expired
	CodeAuthz      = "authz"       // privilege missing
	CodeGeneral    = "general"     // anything uncategorised
	CodeNotFound   = "not_found"   // no such action
	CodeBadRequest = "bad_request" // the request makes no sense to the service
)

// A ReplyError is an error reply: the action failed, the connection does not
// care. A Call returns it for the peer's error replies; a Handler returns it to
// choose code, text and data of its own (WIRE-ERR-01a).
type ReplyError struct {
	Code    string          // never empty when it comes from a peer
	Message string          // never empty when it comes from a peer
	Data    json.RawMessage // a JSON object, or nil
}

func (e *ReplyError) Error() string { return e.Code + ": " + e.Message }

// NotExecuted reports whether the peer says that it refused the request before
// executing it, so that it may be sent to another instance (WIRE-ERR-07).
func (e *ReplyError) NotExecuted() bool {
	refused := false
	if len(e.Data) > 0 {
		jsontext.Members(e.Data, func(name, value []byte) {
			if string(name) == `"dispatch_failure"` {
				refused = string(value) == "true"
			}
		})
	}
	return refused
}

// notExecuted is the data of an error reply to a request refused before execution (WIRE-ERR-07d).
var notExecuted = json.RawMessage(`{"dispatch_failure":true}`)

// An AbortError says that the peer gave up a message in the middle, with TXERR
// (WIRE-ERR-04). What came of the body before is not a result.
type AbortError struct{ Text string }

func (e *AbortError) Error() string { return "given up by the peer: " + e.Text }

// A ProtocolError says how the peer broke the protocol. It ends the connection.
type ProtocolError struct {
	Packet string // type and number of the packet, as far as they are known
	Rule   string // the id of the specification's rule
	Reason string
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("protocol error: %s: %s (%s)", e.Packet, e.Reason, e.Rule)
}

// A ConnectionError says that a connection ended, or never came up, under a
// call or a message.
type ConnectionError struct {
	Err  error // why it ended
	Sent bool  // whether any of the message may have reached the peer; false: safe to send elsewhere
}

func (e *ConnectionError) Error() string { return "connection lost: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *ConnectionError) Unwrap() error { return e.Err }

// A TimeoutError says that a call had no reply in time (WIRE-ERR-06c).
// errors.Is(err, context.DeadlineExceeded) holds, too.
type TimeoutError struct {
	Action string
	Sent   bool  // whether any of the request may have reached the peer
	Err    error // context.DeadlineExceeded, or the context's own cause
}

func (e *TimeoutError) Error() string { return "call of " + e.Action + " timed out" }

// Unwrap returns what the context said.
func (e *TimeoutError) Unwrap() error { return e.Err }

// A CanceledError says that the caller gave a call up.
type CanceledError struct {
	Action string
	Sent   bool // whether any of the request may have reached the peer
	Err    error
}

func (e *CanceledError) Error() string { return "call of " + e.Action + " cancelled: " + e.Err.Error() }

// Unwrap returns the context's cause.
func (e *CanceledError) Unwrap() error { return e.Err }

// A LimitError says that a bound of this side was passed (WIRE-CONN-08a).
type LimitError struct {
	What  string // what there is too much of
	Limit int    // the bound, in the unit of What
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("more than %d %s", e.Limit, e.What)
}

// Reasons why a connection ends that are nobody's fault.
var (
	// ErrClosed: this side closed the connection.
	ErrClosed = errors.New("connection closed")
	// ErrIdle: nothing happened for the idle time (WIRE-TIME-01, WIRE-TIME-02).
	ErrIdle = errors.New("connection idle")
	// ErrNoPong: the peer did not answer a PING (WIRE-TIME-09b).
	ErrNoPong = errors.New("PING not answered")
	// ErrStalled: the window of a message did not move for too long (WIRE-FLOW-11b).
	ErrStalled = errors.New("window did not move")
	// ErrIncomplete: a message was not completed in time (WIRE-TIME-11).
	ErrIncomplete = errors.New("message not completed in time")
	// ErrHandlerTime: a handler ran longer than its action may (WIRE-TIME-07).
	ErrHandlerTime = errors.New("handler ran too long")
	// ErrNoFingerprint: nobody said which certificate to expect (WIRE-TLS-02d).
	ErrNoFingerprint = errors.New("no fingerprint to check the certificate against")
)

// A FingerprintError says that the server's certificate is not the announced one (WIRE-TLS-02c).
type FingerprintError struct{ Want, Got string }

func (e *FingerprintError) Error() string {
	return "certificate has fingerprint " + e.Got + ", expected " + e.Want
}
