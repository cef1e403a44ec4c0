package simnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// defaultBuffer is what one direction of a Pipe holds, in octets.
const defaultBuffer = 256 << 10

// Pipe returns the two ends of an in-memory stream. Each direction holds up to
// size octets, 0 meaning 256 KiB; a writer waits while it is full.
//
// The ends are net.Conns with deadlines. They work in a bubble, where waiting
// ends is durably blocked, and outside.
func Pipe(size int) (a, b *Conn) {
	if size <= 0 {
		size = defaultBuffer
	}
	ab, ba := newQueue(size), newQueue(size)
	return &Conn{in: ba, out: ab, local: "pipe:a", remote: "pipe:b"},
		&Conn{in: ab, out: ba, local: "pipe:b", remote: "pipe:a"}
}

// Conn is one end of a stream. Its methods may be called from any goroutine.
type Conn struct {
	in, out       *queue
	local, remote addr
}

type addr string

func (addr) Network() string  { return "sim" }
func (a addr) String() string { return string(a) }

// Read reads what has arrived, and waits for it.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write writes p and waits while there is no room for it.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// Close ends both directions. What was written before still arrives; what the
// peer writes from now on fails.
func (c *Conn) Close() error {
	if !c.in.closeRead() {
		return c.wrap("close", net.ErrClosed)
	}
	c.out.closeWrite(net.ErrClosed)
	return nil
}

// CloseWrite ends the direction that this end writes.
func (c *Conn) CloseWrite() error {
	c.out.closeWrite(syscall.EPIPE)
	return nil
}

// Reset ends both directions at once: what is on its way is lost, and the peer
// sees ECONNRESET.
func (c *Conn) Reset() error {
	c.in.reset(net.ErrClosed, syscall.ECONNRESET)
	c.out.reset(syscall.ECONNRESET, net.ErrClosed)
	return nil
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds how long Read waits.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reader, t)
	return nil
}

// SetWriteDeadline bounds how long Write waits.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writer, t)
	return nil
}

// wrap gives an error the form that package net gives it.
func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "sim", Source: c.local, Addr: c.remote, Err: err}
}

// A queue is one direction of a stream.
type queue struct {
	mu     sync.Mutex
	change sync.Cond
	ring   []byte // size octets once something was written
	size   int
	from   int   // of the first octet held
	held   int   // octets held
	ended  bool  // the writer has closed: EOF behind what is held
	rerr   error // what read fails with at once
	werr   error // what write fails with
	reader deadline
	writer deadline
}

func newQueue(size int) *queue {
	q := &queue{size: size}
	q.change.L = &q.mu
	return q
}

func (q *queue) read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.rerr != nil:
			return 0, q.rerr
		case q.reader.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case q.held > 0:
			n := copy(p, q.ring[q.from:min(q.from+q.held, len(q.ring))])
			if n < len(p) && n < q.held {
				n += copy(p[n:], q.ring[:q.held-n])
			}
			q.from = (q.from + n) % len(q.ring)
			q.held -= n
			if q.held == 0 {
				q.from = 0
			}
			q.change.Broadcast()
			return n, nil
		case q.ended:
			return 0, io.EOF
		}
		q.reader.wait(&q.change)
	}
}

func (q *queue) write(p []byte) (n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.werr != nil:
			return n, q.werr
		case q.writer.passed():
			return n, os.ErrDeadlineExceeded
		case len(p) == 0:
			return n, nil
		}
		if room := q.size - q.held; room > 0 {
			k := q.put(p[:min(room, len(p))])
			p = p[k:]
			n += k
			q.change.Broadcast()
			continue
		}
		q.writer.wait(&q.change)
	}
}

// put stores octets for which there is room. The ring grows as it is needed.
func (q *queue) put(p []byte) int {
	if need := q.held + len(p); need > len(q.ring) {
		ring := make([]byte, min(q.size, max(2*need, 1024)))
		k := copy(ring, q.ring[q.from:min(q.from+q.held, len(q.ring))])
		copy(ring[k:], q.ring[:q.held-k])
		q.ring, q.from = ring, 0
	}
	at := (q.from + q.held) % len(q.ring)
	k := copy(q.ring[at:], p)
	k += copy(q.ring, p[k:])
	q.held += k
	return k
}

// closeRead lets the reader leave. It reports false if it has left before.
func (q *queue) closeRead() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.rerr == net.ErrClosed {
		return false
	}
	q.rerr = net.ErrClosed
	if q.werr == nil {
		q.werr = syscall.EPIPE
	}
	q.stop()
	return true
}

// closeWrite lets the writer leave: EOF follows what is held.
func (q *queue) closeWrite(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.werr = err
	q.stop()
}

// reset ends the direction with an error for each of its ends.
func (q *queue) reset(reader, writer error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.rerr == nil {
		q.rerr = reader
	}
	q.werr = writer
	q.held = 0
	q.stop()
}

// stop wakes everybody. q.mu is held.
func (q *queue) stop() {
	if q.rerr != nil {
		q.reader.stop()
	}
	if q.rerr != nil || q.werr != nil {
		q.writer.stop()
	}
	q.change.Broadcast()
}

func (q *queue) setDeadline(d *deadline, t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	d.set(t, &q.change, q.rerr == nil)
}

var _ net.Conn = (*Conn)(nil)
