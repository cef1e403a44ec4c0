package simnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// A Stream is one end of a connection between two hosts. It is a net.Conn, with
// deadlines and errors as package net has them.
type Stream struct {
	host          *Host
	peer          *Stream
	local, remote netip.AddrPort
	in, out       *half
	aborted       chan struct{} // nil: nobody waits for it; guarded by n.mu
	ended         bool          // by abort; guarded by n.mu
}

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

// newStream makes both ends of a connection. n.mu is held.
func (n *Network) newStream(d *dialing) (client, server *Stream) {
	client = &Stream{host: d.from, local: d.local, remote: d.remote}
	server = &Stream{host: d.to, local: d.remote, remote: d.local}
	client.peer, server.peer = server, client
	client.out = n.newHalf(n.path(d.from, d.to), server)
	server.out = n.newHalf(n.path(d.to, d.from), client)
	client.in, server.in = server.out, client.out
	d.from.streams[client] = struct{}{}
	d.to.streams[server] = struct{}{}
	return client, server
}

func (n *Network) newHalf(q *path, reader *Stream) *half {
	n.nextID++
	h := &half{n: n, id: n.nextID, q: q, reader: reader}
	h.room.L, h.arrival.L = &n.mu, &n.mu
	return h
}

// Read reads what has arrived, and waits for it.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.in.read(p)
	return n, s.wrap("read", err)
}

// Write writes p and waits while too much is on its way.
func (s *Stream) Write(p []byte) (int, error) {
	n, err := s.out.write(p)
	return n, s.wrap("write", err)
}

// Close ends both directions: what was written still arrives, and what arrives
// from now on is answered with a reset.
func (s *Stream) Close() error {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	if s.in.rerr == net.ErrClosed {
		return s.wrap("close", net.ErrClosed)
	}
	unread := len(s.in.arrived) > 0
	s.in.leave(net.ErrClosed)
	if unread {
		s.reset() // as systems do: the peer must not believe that it was read
	}
	s.out.finish(net.ErrClosed)
	s.forget()
	return nil
}

// CloseWrite ends the direction that this end writes.
func (s *Stream) CloseWrite() error {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	s.out.finish(syscall.EPIPE)
	return nil
}

// Reset ends both directions at once: what was not read is lost, and the peer sees
// ECONNRESET.
func (s *Stream) Reset() error {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	s.reset()
	s.abort(net.ErrClosed)
	return nil
}

// reset lets the peer know that this end is gone. n.mu is held.
func (s *Stream) reset() {
	h := s.out
	if h.gone {
		return
	}
	h.gone, h.pending, h.ripe = true, nil, nil
	peer := s.peer
	at := h.q.arrival(0, h.last)
	h.last = at
	h.n.schedule(at, h.q, func() {
		if !peer.host.down {
			peer.abort(syscall.ECONNRESET)
		}
	})
}

// abort ends this end with an error. n.mu is held.
func (s *Stream) abort(err error) {
	if !s.ended && s.aborted != nil {
		close(s.aborted)
	}
	s.ended = true
	s.in.leave(err)
	s.in.arrived = nil
	if s.out.werr == nil {
		s.out.werr = err
	}
	s.out.pending, s.out.ripe = nil, nil
	s.out.writable.stop()
	s.out.room.Broadcast()
	s.forget()
}

// broken returns a channel that is closed when the stream is aborted.
func (s *Stream) broken() <-chan struct{} {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	if s.aborted == nil {
		s.aborted = make(chan struct{})
		if s.ended {
			close(s.aborted)
		}
	}
	return s.aborted
}

// forget takes the stream from its host. n.mu is held.
func (s *Stream) forget() { delete(s.host.streams, s) }

// ID is the number of the connection: that of Segment.Stream for what comes from who
// dialled.
func (s *Stream) ID() uint64 { return (s.out.id-1)&^1 + 1 }

// Peer is the host at the other end.
func (s *Stream) Peer() *Host { return s.peer.host }

// LocalAddr returns the address of this end.
func (s *Stream) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(s.local) }

// RemoteAddr returns the address of the other end.
func (s *Stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.remote) }

// SetDeadline sets both deadlines.
func (s *Stream) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// SetReadDeadline bounds how long Read waits.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	s.in.readable.set(t, &s.in.arrival, s.in.rerr == nil)
	return nil
}

// SetWriteDeadline bounds how long Write waits. In virtual time it takes a
// microsecond itself, until all others wait: who sets the deadline, and then looks
// at what there is to write, writes the same in every run.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.host.n.barrier()
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	if s.out.barrier.IsZero() {
		s.host.hasty -= s.out.early
	}
	s.out.barrier = time.Now()
	s.out.writable.set(t, &s.out.room, s.out.werr == nil)
	return nil
}

// wrap gives an error the form that package net gives it.
func (s *Stream) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
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

var _ net.Conn = (*Stream)(nil)
