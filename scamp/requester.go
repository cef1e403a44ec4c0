package scamp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A Requester calls actions by name: it finds the instances that offer one,
// picks one, connects where it has no connection yet, and calls. Open makes one
// of a configuration file.
//
// Its fields must not be changed once it is used; its methods may be called from
// any goroutine.
type Requester struct {
	// Config is what every connection is made with; its Fingerprint is replaced
	// by the announced one, and Unverified has no effect. CallTimeout is the time
	// of a call whose context has no deadline and whose action announces no time
	// of its own.
	Config Config
	// Directory knows who offers what.
	Directory *discovery.Directory
	// Authorized returns the authorised services of now: the method Current of a
	// discovery.AuthorizedFile, most likely. Without it only _meta actions can be
	// called (DISC-AUT-01, 07).
	Authorized func() *discovery.Authorized
	// Fresh returns why the directory must not be used any more: the method Check
	// of a discovery.Cache, most likely, and then a discovery.ErrStale. Calls fail
	// with it. nil is always fresh.
	Fresh func() error
	// Sector is that of calls that name none; "" is main (DISC-RTE-02b).
	Sector string
	// Dial connects to the address of an instance, without TLS; nil is TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Secure makes a connection that has been dialled ready for packets, after it
	// has made sure that the peer is the one with the fingerprint; it owns nc. nil is
	// TLS, and right. A simulation may do without.
	Secure func(ctx context.Context, nc net.Conn, fingerprint string) (net.Conn, error)
	// Uniform chooses among healthy instances with equal probability. Otherwise
	// the one of two random ones is taken that has fewer calls of this Requester
	// outstanding (DISC-RTE-03a).
	Uniform bool
	// MaxConnections bounds the connections that are open, or being opened, at
	// any time: 1000; negative is no bound. At the bound one that is idle makes
	// room; where none is, the call fails.
	MaxConnections int
	// Rand returns a random number from 0 to n-1; nil is that of math/rand/v2. It
	// may be called from any goroutine, and is what the choice and the waits between
	// attempts to connect are drawn from.
	Rand func(n int) int

	stop func() // ends what Open has started; nil: nothing

	mu     sync.Mutex
	closed bool
	health health
	pool   pool
}

// ErrRequesterClosed is what calls fail with after Close. They have not been sent.
var ErrRequesterClosed = errors.New("scamp: requester closed")

// Call sends a request to an instance that offers its action, and waits for the
// header of the reply. The body of the reply streams. The zero value of the
// request's Sector stands for Requester.Sector, of its Version for 1, of its
// Envelope for json.
//
// A request that has certainly not been executed is sent once more, to another
// instance if there is one: where no connection could be made, where the
// connection ended before anything of it was sent, and where the service says
// so (WIRE-ERR-07, DISC-RTE-04). A body that is not in memory, and no io.Seeker,
// can be sent again only if nothing of it has been read. Nothing else is retried.
//
// The call ends when ctx does; if ctx has no deadline, after the time that its
// action announces and 5 s more, or after Config.CallTimeout (DISC-RTE-05). Time
// runs from the start of Call to the end of the reply's body.
//
// Errors are those of Connection.Call; besides, *NoServiceError where nobody
// offers the action, and what Fresh returns. Failure makes a code and a text of
// any of them.
func (q *Requester) Call(ctx context.Context, r *Request) (*Reply, error) {
	start := time.Now()
	w := want{
		sector: r.Sector, action: r.Action, version: r.Version, envelope: r.Envelope, ident: r.Ident,
	}
	w.fill(q.Sector)
	if w.action == "" {
		return nil, errNoAction
	}
	if ctx.Err() != nil {
		return nil, endedBefore(ctx, w.action)
	}
	first, err := q.pick(&w, nil, start)
	if err != nil {
		return nil, err
	}
	body := replay{body: r.Body}
	reply, deadline, err := q.attempt(ctx, r, &w, &first, &body, start, start)
	if err != nil && unexecuted(err) && w.ident == "" && body.again(ctx, deadline) {
		now := time.Now()
		if second, lost := q.pick(&w, &first.Identity, now); lost == nil { // among who offers it now
			reply, _, err = q.attempt(ctx, r, &w, &second, &body, start, now)
		}
	}
	body.settle()
	return reply, err
}

// endedBefore is the error of a call whose context has ended before anything of it
// was sent.
func endedBefore(ctx context.Context, action string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &TimeoutError{Action: action, Err: context.Cause(ctx)}
	}
	return &CanceledError{Action: action, Err: context.Cause(ctx)}
}

// want is what a call asks for.
type want struct {
	sector, action, envelope, ident string
	version                         int
}

func (w *want) fill(sector string) {
	if w.sector == "" {
		w.sector = sector
	}
	if w.sector == "" {
		w.sector = "main"
	}
	if w.version == 0 {
		w.version = 1
	}
	if w.envelope == "" {
		w.envelope = "json"
	}
}

// fingerprintSize is the length of a fingerprint as text.
const fingerprintSize = 59

// pinned reports whether an instance is meant by a pin: its ident, or
// fingerprint#ident. What begins with a whole fingerprint and # is always the
// latter (DISC-RTE-06b).
func pinned(pin string, id discovery.Identity) bool {
	if len(pin) > fingerprintSize && pin[fingerprintSize] == '#' && isFingerprint(pin[:fingerprintSize]) {
		return strings.EqualFold(pin[:fingerprintSize], id.Fingerprint) && pin[fingerprintSize+1:] == id.Ident
	}
	return pin == id.Ident
}

func isFingerprint(s string) bool {
	for i := range len(s) {
		c := s[i]
		if i%3 == 2 {
			if c != ':' {
				return false
			}
		} else if !('0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

// attempt calls an instance that has been picked then. It returns when the time of
// the call is over, too.
func (q *Requester) attempt(ctx context.Context, r *Request, w *want, chosen *choice, body *replay, start, then time.Time) (*Reply, time.Time, error) {
	defer chosen.standing.outstanding.Add(-1)
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = start.Add(q.timeout(chosen.Action))
	}
	h := r.Header
	h.Sector, h.Envelope = w.sector, w.envelope
	h.Action, h.Version = chosen.Action.Name, chosen.Action.Version // DISC-RTE-09
	if !chosen.trusted {
		h.Ticket, h.IdentifyingToken = "", "" // DISC-AUT-13
	}
	c, reply, err := q.callInstance(ctx, &h, chosen, body, deadline)
	switch e := err.(type) {
	case *unmadeError:
		if e.refused {
			q.mark(chosen.Identity, then)
		}
		err = e.forCall(ctx, r.Action)
	case *ReplyError:
		if e.NotExecuted() {
			q.mark(chosen.Identity, then)
		}
	}
	if t := q.Config.Trace; t != nil && t.CallDone != nil {
		t.CallDone(ctx, c, r, err, time.Since(then))
	}
	return reply, deadline, err
}

// timeout is the time of a call that has none of its own (DISC-RTE-05b, 05c).
func (q *Requester) timeout(a *discovery.Action) time.Duration {
	if d := a.Timeout(); d > 0 {
		return d + 5*time.Second
	}
	switch d := q.Config.CallTimeout; {
	case d > 0:
		return d
	case d < 0:
		return never
	}
	return defaultCallTimeout
}

// callInstance calls an instance over the connection that there is, or a new one.
// A connection that ends before anything of the request was sent says nothing about
// the instance, unless it was made for this call. One that was closed from this side
// never does: there was no room for it, or another call has timed out on it.
func (q *Requester) callInstance(ctx context.Context, h *Header, chosen *choice, body *replay, deadline time.Time) (*Connection, *Reply, error) {
	c, isNew := chosen.conn, false
	for {
		if c == nil {
			var err error
			if c, isNew, err = q.connection(ctx, target{chosen.URI, chosen.Fingerprint}, deadline); err != nil {
				return nil, nil, err
			}
		}
		if t := q.Config.Trace; t != nil && t.Attempt != nil {
			t.Attempt(ctx, c, chosen.Announcement)
		}
		r := body.next()
		chosen.standing.outstanding.Add(1) // do counts down, whatever comes
		reply, err := c.do(ctx, h, r, deadline, &chosen.standing.outstanding)
		lost, ok := err.(*ConnectionError)
		if !ok || lost.Sent || isNew && lost.Err != ErrClosed || !body.again(ctx, deadline) {
			return c, reply, err
		}
		q.forget(c)
		c = nil
	}
}

// unexecuted reports whether a call that failed like this has certainly not been
// executed. It looks at the error itself only: what that wraps may be of another call.
func unexecuted(err error) bool {
	switch e := err.(type) {
	case *ConnectionError:
		return !e.Sent
	case *ReplyError:
		return e.NotExecuted()
	}
	return false
}

// A NoServiceError says that nobody may be called for an action (DISC-RTE-07).
type NoServiceError struct {
	Sector, Action, Envelope, Ident string
	Version                         int
	Announced                       int // instances that announce it, whoever they are
	Matching                        int // those of them that are the pinned one; without a pin all
}

func (e *NoServiceError) Error() string {
	text := fmt.Sprintf("action not found: %s version %d in sector %s with the envelope %s: ", e.Action, e.Version, e.Sector, e.Envelope)
	switch {
	case e.Announced == 0:
		return text + "no service announces it"
	case e.Matching == 0:
		return text + "no service with the ident " + e.Ident + " announces it"
	case e.Matching == 1:
		return text + "the service that announces it is not authorised"
	}
	return text + fmt.Sprintf("none of the %d services that announce it is authorised", e.Matching)
}
