package scamp

import (
	"errors"
	"io"
	"sync"
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
	if p.last != nil {
		p.last.supersede()
	}
	p.last = &turn{body: p.body}
	return p.last
}

// again reports whether the body can be sent once more, from its beginning, and
// ends the turn of who had it.
func (p *replay) again() bool {
	if p.last == nil {
		return true
	}
	touched := p.last.end(p.seek)
	if !touched {
		return true
	}
	if !p.seek {
		return false
	}
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

	reading sync.Mutex // held during Read

	mu      sync.Mutex
	touched bool // something has been read
	over    bool // nothing is to be read any more
	another bool // another attempt has the body
	settled bool // no other attempt will have it
	closing bool // Close has been called
}

var errTurn = errors.New("scamp: the body is being sent again")

func (t *turn) Read(b []byte) (int, error) {
	t.reading.Lock()
	defer t.reading.Unlock()
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
	now := t.settled && !t.another
	t.mu.Unlock()
	if now {
		return t.close()
	}
	return nil
}

func (t *turn) settle() {
	t.mu.Lock()
	t.settled = true
	now := t.closing && !t.another
	t.mu.Unlock()
	if now {
		t.close()
	}
}

func (t *turn) close() error {
	if c, ok := t.body.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (t *turn) supersede() {
	t.mu.Lock()
	t.another = true
	t.mu.Unlock()
}

// end lets the attempt read no more, if another one can have the body: nothing of
// it has been read, or it can seek. It reports whether something has been read.
func (t *turn) end(seek bool) (touched bool) {
	if seek {
		t.reading.Lock() // its octets are somewhere in the middle of Read
		defer t.reading.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.touched || seek {
		t.over = true
	}
	return t.touched
}
