package simnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// A Host is a machine of a network: it has an address, listens, dials, and can be
// paused, killed and cut off.
type Host struct {
	n      *Network
	name   string
	number int // from 1, in the order in which they were made
	ip     netip.Addr

	// Guarded by n.mu.
	listeners map[uint16]*Listener
	sockets   map[uint16][]*PacketConn
	streams   map[*Stream]struct{}
	nextPort  uint16
	down      bool
	skew      time.Duration
	misled    int
	hasty     int
}

var errDown = errors.New("the host is down")

// Host returns the host of a name, which is made where there is none. Its address
// is 10.0.0.1 for the first one, and so on.
func (n *Network) Host(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[name]
	if h == nil {
		i := len(n.hosts) + 1
		h = &Host{
			n: n, name: name, number: i, ip: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}),
			listeners: map[uint16]*Listener{}, sockets: map[uint16][]*PacketConn{}, streams: map[*Stream]struct{}{}, nextPort: 49152,
		}
		n.hosts[name] = h
		n.byIP[h.ip.String()] = h
	}
	return h
}

// Name returns the host's name.
func (h *Host) Name() string { return h.name }

// IP returns the host's address.
func (h *Host) IP() netip.Addr { return h.ip }

// Now is the clock of the host.
func (h *Host) Now() time.Time {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if h.skew != 0 {
		h.misled++
	}
	return time.Now().Add(h.skew)
}

// Misled is how often the clock of the host was asked while it was wrong.
func (h *Host) Misled() int {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return h.misled
}

// Hasty is how often something on the host has written to a stream of virtual time
// without having set its write deadline at the same instant: then a run may differ from
// the next one. What a stream writes before it sets one for the first time does not
// count when it does: so handshakes work, one message after the other.
func (h *Host) Hasty() int {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return h.hasty
}

// SetSkew lets the clock of the host be ahead by d, or behind.
func (h *Host) SetSkew(d time.Duration) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.skew = d
}

// paths returns all that begin or end at the host, by the other end.
func (h *Host) paths() (all []*path) {
	for _, other := range h.n.sortedHosts() {
		l := h.n.link(h, other)
		all = append(all, l.ab)
		if l.ba != l.ab {
			all = append(all, l.ba)
		}
	}
	return all
}

// Pause holds all that arrives at the host or leaves it, until what it returns is
// called: for the others the host has stopped, and it has lost no time itself.
func (h *Host) Pause() (resume func()) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	paths := h.paths()
	for _, q := range paths {
		q.block()
	}
	return h.n.once(func() {
		for _, q := range paths {
			q.unblock()
		}
	})
}

// Kill ends every process of the host, as far as the network goes: connections are
// reset, listeners and sockets closed. Others notice at once.
func (h *Host) Kill() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	for _, s := range h.sortedStreams() {
		s.reset()
	}
	h.kill(syscall.ECONNABORTED)
}

// Crash stops the host: nothing leaves it any more, and who talks to it hears
// nothing until it is started again.
func (h *Host) Crash() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.down = true
	h.kill(errDown)
}

// Restart starts a host that has crashed. It knows nothing of what was before: who
// goes on talking to it is reset.
func (h *Host) Restart() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.down = false
}

// kill ends all that there is on the host. n.mu is held.
func (h *Host) kill(err error) {
	for _, s := range h.sortedStreams() {
		s.abort(err)
	}
	for _, port := range sortedKeys(h.listeners) {
		h.listeners[port].close(err)
	}
	for _, port := range sortedKeys(h.sockets) {
		for _, c := range slices.Clone(h.sockets[port]) {
			c.close(err)
		}
	}
}

func sortedKeys[V any](m map[uint16]V) []uint16 {
	keys := make([]uint16, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// sortedStreams returns the host's ends of streams in the order in which they were
// made. n.mu is held.
func (h *Host) sortedStreams() []*Stream {
	all := make([]*Stream, 0, len(h.streams))
	for s := range h.streams {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Stream) int { return cmp.Compare(a.out.id, b.out.id) })
	return all
}

// port returns a free port. n.mu is held.
func (h *Host) port(taken func(uint16) bool) (uint16, error) {
	for range 16384 {
		p := h.nextPort
		if h.nextPort++; h.nextPort == 0 {
			h.nextPort = 49152
		}
		if !taken(p) {
			return p, nil
		}
	}
	return 0, syscall.EADDRINUSE
}

// parse reads "host:port" for this host: its name, its address, or nothing.
func (h *Host) parse(address string) (port uint16, err error) {
	name, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("port %q", text)
	}
	switch name {
	case "", "0.0.0.0", "::", "127.0.0.1", "localhost", h.name, h.ip.String():
		return uint16(n), nil
	}
	return 0, syscall.EADDRNOTAVAIL
}

// find returns the host of an address as this host sees it. n.mu is held.
func (h *Host) find(name string) (*Host, error) {
	switch name {
	case "", "127.0.0.1", "localhost":
		return h, nil
	}
	if to := h.n.hosts[name]; to != nil {
		return to, nil
	}
	if to := h.n.byIP[name]; to != nil {
		return to, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// Dial connects to "host:port", where host is a name or an address. It is for
// fields of that name: a net.Dialer's DialContext has the same form.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: textAddr(address), Err: err}
	}
	name, text, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return fail(fmt.Errorf("port %q", text))
	}
	if ctx.Err() != nil {
		return fail(context.Cause(ctx))
	}
	h.n.mu.Lock()
	to, err := h.find(name)
	if err == nil && (h.down || h.n.closed) {
		err = errDown
	}
	if err != nil {
		h.n.mu.Unlock()
		return fail(err)
	}
	local, err := h.port(func(uint16) bool { return false })
	if err != nil {
		h.n.mu.Unlock()
		return fail(err)
	}
	d := &dialing{done: make(chan struct{}), from: h, to: to, local: netip.AddrPortFrom(h.ip, local), remote: netip.AddrPortFrom(to.ip, uint16(port))}
	d.start()
	h.n.mu.Unlock()
	select {
	case <-d.done:
	case <-ctx.Done():
	case <-h.n.stop:
	}
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	switch {
	case d.err != nil:
		return fail(d.err)
	case d.stream != nil:
		return d.stream, nil
	}
	d.given = true
	if err := context.Cause(ctx); err != nil {
		return fail(err)
	}
	return fail(errDown)
}

// A dialing is a connection that is being made.
type dialing struct {
	from, to      *Host
	local, remote netip.AddrPort
	done          chan struct{}

	// Guarded by n.mu.
	stream *Stream
	err    error
	given  bool // up: nobody waits for it
}

// start sends what opens a connection. n.mu is held.
func (d *dialing) start() {
	n := d.from.n
	there, back := n.path(d.from, d.to), n.path(d.to, d.from)
	n.schedule(there.arrival(0, time.Time{}), there, func() {
		if d.to.down {
			return // nobody answers
		}
		l := d.to.listeners[d.remote.Port()]
		if l == nil {
			n.schedule(back.arrival(0, time.Time{}), back, func() { d.end(nil, syscall.ECONNREFUSED) })
			return
		}
		if len(l.queue) >= backlog {
			return // it is dropped; dialling anew would find room
		}
		client, server := n.newStream(d)
		l.put(server)
		n.schedule(back.arrival(0, time.Time{}), back, func() { d.end(client, nil) })
	})
}

// end tells who dials. n.mu is held.
func (d *dialing) end(s *Stream, err error) {
	switch {
	case d.given && s != nil:
		s.reset()
		s.abort(net.ErrClosed)
	case !d.given && d.from.down:
		d.err = errDown
		close(d.done)
	case !d.given:
		d.stream, d.err = s, err
		close(d.done)
	}
}

type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }
