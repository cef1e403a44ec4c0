package simnet

import (
	"io"
	"net"
	"net/netip"
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

var _ net.Conn = (*Stream)(nil)
