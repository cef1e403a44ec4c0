package simnet

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// maxDatagrams is how many datagrams may wait to be read; more are lost.
const maxDatagrams = 1024

// maxDatagram is the largest datagram, in octets.
const maxDatagram = 65507

// A PacketConn sends and receives datagrams. It is a net.PacketConn.
type PacketConn struct {
	host    *Host
	address netip.AddrPort
	groups  map[netip.Addr]bool

	// Guarded by n.mu.
	queue    []datagram
	arrival  sync.Cond
	readable deadline
	err      error
}

type datagram struct {
	body []byte
	from netip.AddrPort
}

// ListenPacket opens a socket for datagrams on a port of the host; port 0 takes a
// free one. Several sockets may have the same port: each of them gets what comes for
// a group that it has joined.
func (h *Host) ListenPacket(network, address string) (*PacketConn, error) {
	fail := func(err error) (*PacketConn, error) {
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
		if port, err = h.port(func(p uint16) bool { return h.sockets[p] != nil }); err != nil {
			return fail(err)
		}
	}
	c := &PacketConn{host: h, address: netip.AddrPortFrom(h.ip, port), groups: map[netip.Addr]bool{}}
	c.arrival.L = &h.n.mu
	h.sockets[port] = append(h.sockets[port], c)
	return c, nil
}

// JoinGroup lets the socket receive what is sent to a multicast group.
func (c *PacketConn) JoinGroup(group netip.Addr) {
	c.host.n.mu.Lock()
	defer c.host.n.mu.Unlock()
	c.groups[group] = true
}

// ReadFrom returns the next datagram.
func (c *PacketConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n := c.host.n
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		switch {
		case c.err != nil:
			return 0, nil, c.wrap("read", c.err)
		case c.readable.passed():
			return 0, nil, c.wrap("read", os.ErrDeadlineExceeded)
		case len(c.queue) > 0:
			d := c.queue[0]
			c.queue[0] = datagram{}
			c.queue = c.queue[1:]
			return copy(p, d.body), net.UDPAddrFromAddrPort(d.from), nil
		}
		c.readable.wait(&c.arrival)
	}
}

// WriteTo sends a datagram to an address of the network, or to a group.
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (int, error) {
	n := c.host.n
	n.barrier() // until all others wait, as for streams
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.err != nil {
		return 0, c.wrap("write", c.err)
	}
	if len(p) > maxDatagram {
		return 0, c.wrap("write", syscall.EMSGSIZE)
	}
	name, text, err := net.SplitHostPort(to.String())
	if err != nil {
		return 0, c.wrap("write", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, c.wrap("write", err)
	}
	body := slices.Clone(p)
	if group, err := netip.ParseAddr(name); err == nil && group.IsMulticast() {
		for _, h := range n.sortedHosts() {
			if len(h.sockets[uint16(port)]) > 0 {
				c.send(h, body, func(s *PacketConn) bool { return s.groups[group] }, uint16(port))
			}
		}
		return len(p), nil
	}
	h, err := c.host.find(name)
	if err != nil {
		return 0, c.wrap("write", err)
	}
	c.send(h, body, func(s *PacketConn) bool { return true }, uint16(port))
	return len(p), nil
}

// send lets a datagram go to a host. n.mu is held.
func (c *PacketConn) send(to *Host, body []byte, takes func(*PacketConn) bool, port uint16) {
	n := c.host.n
	q := n.path(c.host, to)
	p := q.settings()
	q.counts.Datagrams++
	if p.Loss > 0 && q.random.Float64() < p.Loss {
		q.counts.Lost++
		return
	}
	if q.blocked > 0 { // streams wait for the end of a partition, datagrams do not
		q.counts.Held++
		return
	}
	copies := 1
	if p.Duplicate > 0 && q.random.Float64() < p.Duplicate {
		q.counts.Duplicated++
		copies = 2
	}
	for range copies {
		delay := p.Latency + p.jitter(q.random)
		if p.Reorder > 0 && q.random.Float64() < p.Reorder {
			q.counts.Reordered++
			delay += time.Duration(float64(4*(p.Latency+p.Jitter)) * q.random.Float64())
		}
		from := c.address
		n.schedule(time.Now().Add(delay), q, func() {
			if to.down {
				return
			}
			for _, s := range to.sockets[port] {
				if takes(s) && len(s.queue) < maxDatagrams {
					s.queue = append(s.queue, datagram{body, from})
					s.arrival.Signal()
				}
			}
		})
	}
}

// Close closes the socket.
func (c *PacketConn) Close() error {
	c.host.n.mu.Lock()
	defer c.host.n.mu.Unlock()
	if c.err != nil {
		return c.wrap("close", net.ErrClosed)
	}
	c.close(net.ErrClosed)
	return nil
}

// close is Close with n.mu held.
func (c *PacketConn) close(err error) {
	c.err = err
	port := c.address.Port()
	rest := slices.DeleteFunc(slices.Clone(c.host.sockets[port]), func(s *PacketConn) bool { return s == c })
	if len(rest) == 0 {
		delete(c.host.sockets, port)
	} else {
		c.host.sockets[port] = rest
	}
	c.queue = nil
	c.readable.stop()
	c.arrival.Broadcast()
}

// LocalAddr returns the address of the socket.
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.address) }

// SetDeadline sets the deadline of reading; writing never waits.
func (c *PacketConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline bounds how long ReadFrom waits.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.host.n.mu.Lock()
	defer c.host.n.mu.Unlock()
	c.readable.set(t, &c.arrival, c.err == nil)
	return nil
}

// SetWriteDeadline does nothing: writing never waits.
func (c *PacketConn) SetWriteDeadline(time.Time) error { return nil }

func (c *PacketConn) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.LocalAddr(), Err: err}
}

var _ net.PacketConn = (*PacketConn)(nil)
