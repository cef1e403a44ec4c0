package scamp

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// A replay is the body of a request that may be sent twice. Each attempt gets a
// reader of its own, so that one that has been given up cannot take octets from
// the next.
type replay struct {
	body io.Reader
	last *turn
	from int64 // where a body that can seek began
	seek bool
}

// next returns the body for an attempt.
func (p *replay) next() io.Reader {
	if _, ok := inMemory(p.body); ok {
		return p.body // nobody reads from it: it is the same every time
	}
	if p.last == nil {
		if s, ok := p.body.(io.Seeker); ok {
			from, err := s.Seek(0, io.SeekCurrent)
			p.from, p.seek = from, err == nil
		}
	}
	p.last = &turn{body: p.body, reading: make(chan struct{}, 1)}
	return p.last
}

// again reports whether there is time to send the body once more, from its
// beginning, and ends the turn of who had it. It waits for a Read no longer than the
// call may take.
func (p *replay) again(ctx context.Context, deadline time.Time) bool {
	left := time.Until(deadline)
	if left <= 0 || ctx.Err() != nil {
		return false
	}
	switch {
	case p.last == nil, p.last.endUntouched():
		return true
	case !p.seek:
		return false
	}
	over := time.NewTimer(left)
	defer over.Stop()
	select {
	case p.last.reading <- struct{}{}: // its octets were somewhere in the middle of Read
	case <-ctx.Done():
		return false
	case <-over.C:
		return false
	}
	p.last.end()
	<-p.last.reading
	_, err := p.body.(io.Seeker).Seek(p.from, io.SeekStart)
	return err == nil
}

// settle says that the last attempt was the last one: its reader may close the
// body.
func (p *replay) settle() {
	if p.last != nil {
		p.last.settle()
	}
}

// A turn is the body in the hands of one attempt.
type turn struct {
	body io.Reader

	reading chan struct{} // full during Read

	mu      sync.Mutex
	touched bool // something has been read
	over    bool // nothing is to be read any more
	settled bool // no other attempt will have it: of one that another follows, never
	closing bool // Close has been called
}

var errTurn = errors.New("scamp: the body is being sent again")

func (t *turn) Read(b []byte) (int, error) {
	t.reading <- struct{}{}
	defer func() { <-t.reading }()
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return 0, errTurn
	}
	t.touched = true
	t.mu.Unlock()
	return t.body.Read(b)
}

// Close closes the body as soon as it is certain that nobody sends it again.
func (t *turn) Close() error {
	t.mu.Lock()
	t.closing = true
	now := t.settled
	t.mu.Unlock()
	if now {
		return t.close()
	}
	return nil
}

func (t *turn) settle() {
	t.mu.Lock()
	t.settled = true
	now := t.closing
	t.mu.Unlock()
	if now {
		go t.close() // which may take as long as it likes
	}
}

func (t *turn) close() error {
	if c, ok := t.body.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// endUntouched lets the attempt read no more if nothing of the body has been read.
func (t *turn) endUntouched() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.touched {
		t.over = true
	}
	return t.over
}

// end lets the attempt read no more.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
}
