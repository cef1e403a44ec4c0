package simnet

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// backlog is how many connections may wait to be accepted.
const backlog = 1024

// A Listener takes connections on a port of a host.
type Listener struct {
	host    *Host
	address netip.AddrPort

	arrival sync.Cond // n.mu
	queue   []*Stream
	err     error
}

// Listen listens on a port of the host: "host:port" with the host's name or
// address, or ":port"; port 0 takes a free one.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	fail := func(err error) (net.Listener, error) {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: textAddr(address), Err: err}
	}
	port, err := h.parse(address)
	if err != nil {
		return fail(err)
	}
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if h.down || h.n.closed {
		return fail(errDown)
	}
	if port == 0 {
		if port, err = h.port(func(p uint16) bool { return h.listeners[p] != nil }); err != nil {
			return fail(err)
		}
	}
	if h.listeners[port] != nil {
		return fail(syscall.EADDRINUSE)
	}
	l := &Listener{host: h, address: netip.AddrPortFrom(h.ip, port)}
	l.arrival.L = &h.n.mu
	h.listeners[port] = l
	return l, nil
}

// put gives a connection to who accepts. n.mu is held.
func (l *Listener) put(s *Stream) {
	l.queue = append(l.queue, s)
	l.arrival.Signal()
}

// Accept returns the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	l.host.n.mu.Lock()
	defer l.host.n.mu.Unlock()
	for len(l.queue) == 0 && l.err == nil {
		l.arrival.Wait()
	}
	if l.err != nil {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: l.err}
	}
	s := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	return s, nil
}

// Close stops listening. Connections that wait to be accepted are reset.
func (l *Listener) Close() error {
	l.host.n.mu.Lock()
	defer l.host.n.mu.Unlock()
	if l.err != nil {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.close(net.ErrClosed)
	return nil
}

// close is Close with n.mu held.
func (l *Listener) close(err error) {
	l.err = err
	delete(l.host.listeners, l.address.Port())
	for _, s := range l.queue {
		s.reset()
		s.abort(err)
	}
	l.queue = nil
	l.arrival.Broadcast()
}

// Addr returns the address that is listened on.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.address) }
