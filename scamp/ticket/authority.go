package ticket

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How long a table is used (DISC-AZ-05).
const (
	freshFor  = 300 * time.Second // then it is fetched again before the next decision
	usableFor = 600 * time.Second // where that fails
	retryWait = time.Second       // between two attempts that fail
)

// An Authority decides on calls: by the ticket alone where an action needs one, and by the authorisation table, which it
// fetches and keeps. Without a table it denies. Its fields must not be changed once it is used; its methods may be
// called from any goroutine.
type Authority struct {
	// Key verifies tickets; nil denies all.
	Key *rsa.PublicKey
	// Fetch returns the text of the table: the reply of Auth.getAuthzTable. It is called by one goroutine at a time and
	// must come to an end by itself: its context has the values of a call's, and not its end. Without it there is no table.
	Fetch func(ctx context.Context) ([]byte, error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	mu      sync.Mutex
	table   *Table
	got     time.Time     // when table was received
	tried   time.Time     // when the last attempt that failed ended
	failure error         // why it failed
	pending chan struct{} // closed when the attempt that is under way has ended; nil: there is none
}

func (a *Authority) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// Check decides on a call of an action that is not noauth. It returns the verified ticket, or why the call is denied: one
// of the errors of Verify, ErrUnlisted, ErrUnusable, ErrNoTable or a *PrivilegeError. It may wait for the table.
func (a *Authority) Check(ctx context.Context, action, text string) (*Ticket, error) {
	t, err := Verify(text, a.Key, a.now())
	if err != nil {
		return nil, err
	}
	table, err := a.Table(ctx)
	if err != nil {
		return nil, err
	}
	if err := table.Check(action, t); err != nil {
		return nil, err
	}
	return t, nil
}

// Table returns the table in force and fetches it where that is due. A table that cannot be fetched again is used for
// up to 600 s; a failed attempt is repeated after a second at the earliest.
func (a *Authority) Table(ctx context.Context) (*Table, error) {
	for {
		a.mu.Lock()
		now := a.now()
		age := now.Sub(a.got)
		switch {
		case a.table != nil && age >= 0 && age < freshFor:
			defer a.mu.Unlock()
			return a.table, nil
		case a.pending == nil && (a.tried.IsZero() || now.Sub(a.tried) >= retryWait || now.Before(a.tried)):
			a.pending = make(chan struct{})
			go a.fetch(context.WithoutCancel(ctx)) // others wait for it, too
		case a.pending == nil:
			defer a.mu.Unlock()
			return a.fallback(now)
		}
		pending := a.pending
		a.mu.Unlock()
		select {
		case <-pending:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrNoTable, context.Cause(ctx))
		}
	}
}

// fallback returns the old table while it may be used. a.mu is held.
func (a *Authority) fallback(now time.Time) (*Table, error) {
	if age := now.Sub(a.got); a.table != nil && age >= 0 && age < usableFor {
		return a.table, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrNoTable, a.failure)
}

// fetch makes one attempt. a.pending has been set.
func (a *Authority) fetch(ctx context.Context) {
	table, err := a.ask(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.table, a.got, a.tried = table, a.now(), time.Time{}
	} else {
		a.tried, a.failure = a.now(), err
	}
	close(a.pending)
	a.pending = nil
}

var errNoFetch = errors.New("nothing is there to fetch it with")

func (a *Authority) ask(ctx context.Context) (*Table, error) {
	if a.Fetch == nil {
		return nil, errNoFetch
	}
	text, err := a.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return ParseTable(text)
}
