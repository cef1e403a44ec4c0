package scamp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// A Mux finds the handler of a request by action and version. The zero Mux is
// ready for use. Its methods may be called from any goroutine, also while it serves.
type Mux struct {
	mu      sync.RWMutex
	actions map[string]map[int]*Action // by name in lower case
	change  chan struct{}              // closed at the next registration; nil: nobody waits
}

// Handle registers an action. It panics where Register fails: a mistake of the
// program.
func (x *Mux) Handle(a Action, h Handler) {
	if err := x.Register(a, h); err != nil {
		panic(err.Error())
	}
}

// HandleFunc registers a function for an action, as Handle does.
func (x *Mux) HandleFunc(a Action, f func(ctx context.Context, w *ReplyWriter, r *Request) error) {
	x.Handle(a, HandlerFunc(f))
}

// Register registers an action. It fails when the action is registered already,
// and when it could not be announced as it is: nobody would find it
// (DISC-ACT-01c, 10d). A service that announces itself announces the action at once.
func (x *Mux) Register(a Action, h Handler) error {
	return x.register(a.filled(h))
}

func (x *Mux) register(a *Action) error {
	if err := a.check(); err != nil {
		return err
	}
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
		return fmt.Errorf("scamp: action %s version %d is registered twice", a.Name, a.Version)
	}
	x.actions[key][a.Version] = a
	if x.change != nil {
		close(x.change)
		x.change = nil
	}
	return nil
}

// Actions returns copies of the actions, sorted by name and version.
func (x *Mux) Actions() []Action {
	if x == nil {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []Action
	for _, versions := range x.actions {
		for _, a := range versions {
			all = append(all, *a.filled(nil))
		}
	}
	slices.SortFunc(all, func(a, b Action) int {
		return cmp.Or(strings.Compare(lower(a.Name), lower(b.Name)), cmp.Compare(a.Version, b.Version))
	})
	return all
}

// changed returns a channel that is closed at the next registration.
func (x *Mux) changed() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.change == nil {
		x.change = make(chan struct{})
	}
	return x.change
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
