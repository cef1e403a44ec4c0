package simnet

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// A half is one direction of a stream, from the host that writes to the one that
// reads. All of it is guarded by n.mu.
type half struct {
	n      *Network
	id     uint64
	q      *path
	reader *Stream

	// At the writer.
	pending  []byte    // written in the instant at
	ripe     [][]byte  // written before
	at       time.Time // of what was written last, the end included
	barrier  time.Time // the instant after the last one that was passed; zero: none was
	early    int       // writes before the first barrier
	fin      bool      // nothing follows
	dirty    bool      // in n.dirty
	gone     bool      // the reset is on its way
	flying   int       // octets written and not read yet
	last     time.Time
	werr     error
	room     sync.Cond
	writable deadline

	// At the reader.
	arrived  [][]byte
	eof      bool
	rerr     error
	arrival  sync.Cond
	readable deadline
}

func (n *Network) newHalf(q *path, reader *Stream) *half {
	n.nextID++
	h := &half{n: n, id: n.nextID, q: q, reader: reader}
	h.room.L, h.arrival.L = &n.mu, &n.mu
	return h
}

func (h *half) read(p []byte) (n int, err error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	for {
		switch {
		case h.rerr != nil:
			return 0, h.rerr
		case h.readable.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(h.arrived) > 0:
			for n < len(p) && len(h.arrived) > 0 {
				k := copy(p[n:], h.arrived[0])
				n += k
				if k < len(h.arrived[0]) {
					h.arrived[0] = h.arrived[0][k:]
				} else {
					h.arrived[0] = nil
					h.arrived = h.arrived[1:]
				}
			}
			h.flying -= n
			h.room.Broadcast()
			return n, nil
		case h.eof:
			return 0, io.EOF
		}
		h.readable.wait(&h.arrival)
	}
}

func (h *half) write(p []byte) (n int, err error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.hurry()
	for {
		size := h.q.settings().Buffer
		if size == 0 {
			size = defaultBuffer
		}
		switch {
		case h.werr != nil:
			return n, h.werr
		case h.writable.passed():
			return n, os.ErrDeadlineExceeded
		case n == len(p):
			return n, nil
		case h.flying < size:
			k := min(size-h.flying, len(p)-n)
			h.now()
			h.pending = append(h.pending, p[n:n+k]...)
			h.flying += k
			n += k
			h.n.soil(h)
			continue
		}
		h.writable.wait(&h.room)
	}
}

// hurry counts a write that no barrier stands before in its instant. n.mu is held.
func (h *half) hurry() {
	if !h.n.virtual || h.barrier.Equal(time.Now()) {
		return
	}
	if h.barrier.IsZero() {
		h.early++
	}
	h.q.from.hasty++
}

// finish lets the writer leave: the end follows what was written. n.mu is held.
func (h *half) finish(err error) {
	if h.werr == nil || h.werr == syscall.EPIPE {
		if !h.fin {
			h.now()
			h.n.soil(h)
		}
		h.fin = true
		h.werr = err
	}
	h.writable.stop()
	h.room.Broadcast()
}

// leave lets the reader leave. n.mu is held.
func (h *half) leave(err error) {
	if h.rerr == nil {
		h.rerr = err
	}
	h.readable.stop()
	h.arrival.Broadcast()
}

// now begins an instant of writing: what was written in another one is a piece of its
// own. n.mu is held.
func (h *half) now() {
	if now := time.Now(); !now.Equal(h.at) {
		h.ripen()
		h.at = now
	}
}

func (h *half) ripen() {
	if len(h.pending) > 0 {
		h.ripe = append(h.ripe, h.pending)
		h.pending = nil
	}
}

// flush sends what was written before this instant, and reports whether that was
// all. n.mu is held.
func (h *half) flush() bool {
	over := !h.at.Equal(time.Now())
	if over {
		h.ripen()
	}
	for _, b := range h.ripe {
		h.send(b)
	}
	clear(h.ripe)
	h.ripe = h.ripe[:0]
	if over && h.fin {
		h.sendEnd()
	}
	return over
}

// send sends a piece, in segments. n.mu is held.
func (h *half) send(b []byte) {
	size := h.q.settings().Segment
	if size == 0 {
		size = len(b)
	}
	for len(b) > 0 {
		k := min(size, len(b))
		segment := b[:k:k]
		b = b[k:]
		h.last = h.q.arrival(k, h.last)
		h.observed(segment)
		h.n.schedule(h.last, h.q, func() { h.deliver(segment) })
	}
}

// sendEnd sends the end. n.mu is held.
func (h *half) sendEnd() {
	if !h.gone {
		h.last = h.q.arrival(0, h.last)
		h.observed(nil)
		h.n.schedule(h.last, h.q, func() { h.end() })
	}
}

// observed notes what leaves. n.mu is held.
func (h *half) observed(octets []byte) {
	if h.n.observe != nil {
		h.n.seen = append(h.n.seen, Segment{time.Now(), h.q.from, h.q.to, h.id, octets})
	}
}

// deliver lets a segment arrive. n.mu is held.
func (h *half) deliver(b []byte) {
	switch {
	case h.reader.host.down:
	case h.rerr != nil: // nobody reads it
		h.reader.reset()
	default:
		h.arrived = append(h.arrived, b)
		h.arrival.Broadcast()
	}
}

// end lets the end arrive. n.mu is held.
func (h *half) end() {
	if !h.reader.host.down {
		h.eof = true
		h.arrival.Broadcast()
	}
}
