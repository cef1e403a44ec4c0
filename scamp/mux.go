package scamp

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// A Handler answers requests.
//
// ServeSCAMP reads the request's body and writes the reply's. Returning nil
// completes the reply. Returning an error before anything has left makes an
// error reply, of a *ReplyError with its code, text and data; after that, the
// reply is given up with TXERR. ctx ends when the connection does, when the
// time of the action is over, and when the service is closed.
//
// Requests are handled concurrently, each in a goroutine of its own. A panic
// fails its own request.
type Handler interface {
	ServeSCAMP(ctx context.Context, w *ReplyWriter, r *Request) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, w *ReplyWriter, r *Request) error

// ServeSCAMP calls f.
func (f HandlerFunc) ServeSCAMP(ctx context.Context, w *ReplyWriter, r *Request) error {
	return f(ctx, w, r)
}

// An Action describes one action of a service.
type Action struct {
	Name      string        // Namespace.sub.name; found in any case (WIRE-SVC-02a)
	Version   int           // from 1; 0 is 1
	Envelopes []string      // how bodies may come; nil is json alone
	Timeout   time.Duration // how long a handler may run; 0 is Config.HandlerTimeout, negative is for ever
	MaxBody   int           // largest body in octets, where it is collected; 0 is Config.MaxRequest, negative is no bound
	// Stream starts the handler at the request's header and lets it read the
	// body as it comes. Such a handler must not act before it has seen the
	// body's end, since a request can be given up (WIRE-ERR-05a). Without
	// Stream, handlers run on complete requests only.
	Stream bool

	handler Handler
}

// A Mux finds the handler of a request by action and version. The zero Mux is
// ready for use. Its methods may be called from any goroutine, also while it serves.
type Mux struct {
	mu      sync.RWMutex
	actions map[string]map[int]*Action // by name in lower case
}

// Handle registers an action. It panics when the action has no name, is
// registered already, or has a version below 0: mistakes of the program.
func (x *Mux) Handle(a Action, h Handler) {
	if a.Version == 0 {
		a.Version = 1
	}
	if a.Envelopes == nil {
		a.Envelopes = []string{"json"}
	}
	if a.Name == "" || a.Version < 0 || h == nil {
		panic(fmt.Sprintf("scamp: action %q version %d cannot be handled", a.Name, a.Version))
	}
	if a.Timeout < 0 {
		a.Timeout = never
	}
	if a.MaxBody < 0 {
		a.MaxBody = math.MaxInt
	}
	a.handler = h
	key := lower(a.Name)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.actions == nil {
		x.actions = map[string]map[int]*Action{}
	}
	if x.actions[key] == nil {
		x.actions[key] = map[int]*Action{}
	}
	if x.actions[key][a.Version] != nil {
		panic(fmt.Sprintf("scamp: action %s version %d is registered twice", a.Name, a.Version))
	}
	x.actions[key][a.Version] = &a
}

// HandleFunc registers a function for version 1 of an action in the envelope json.
func (x *Mux) HandleFunc(name string, f func(ctx context.Context, w *ReplyWriter, r *Request) error) {
	x.Handle(Action{Name: name}, HandlerFunc(f))
}

// find returns the action that a request is for, or the reply that says why
// there is none (WIRE-ERR-03, WIRE-HDR-12b).
func (x *Mux) find(h *Header) (*Action, *ReplyError) {
	var a *Action
	if x != nil {
		x.mu.RLock()
		a = x.actions[lower(h.Action)][h.Version]
		x.mu.RUnlock()
	}
	if a == nil {
		return nil, &ReplyError{Code: CodeNotFound, Message: fmt.Sprintf("no such action: %s version %d", abbreviate(h.Action), h.Version)}
	}
	for _, e := range a.Envelopes {
		if e == h.Envelope {
			return a, nil
		}
	}
	return nil, &ReplyError{Code: CodeBadRequest, Message: fmt.Sprintf("action %s does not take the envelope %s", a.Name, abbreviate(h.Envelope))}
}

// lower folds the case of ASCII letters, without allocating where there are no capitals.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					r += 'a' - 'A'
				}
				return r
			}, s)
		}
	}
	return s
}
