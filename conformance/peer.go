package conformance

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// A peer is one connection of the tester to the subject. A goroutine reads what comes and applies it to the state, and
// another writes, so that acknowledgements never wait for the script. All state is guarded by play.mu.
type peer struct {
	play *play
	name string
	nc   net.Conn
	wg   sync.WaitGroup

	// Where the subject is the client.
	instance *instance // that was connected to
	serving  bool      // requests get their own bodies back
	asks     bool      // the tester has sent a request

	plain    bool    // there is no TLS: what comes is no packets
	octetsIn []byte  // the beginning of what has come on a plain connection
	agreed   *agreed // what came of the handshake, where a case is about that

	// What the subject sends.
	in       decoder
	messages []*incoming // by arrival of their HEADERs
	nextIn   uint64
	pongs    []packet    // not taken yet
	octets   int         // received in all
	doubtful []*incoming // error replies that may be successes
	end      error       // why nothing more comes; nil: the connection is open
	broken   *breach     // why nothing more can be read

	// What the tester sends.
	out      decoder // sees what is queued
	sent     []*outgoing
	nextOut  uint64
	sends    int       // steps that have sent something
	queue    []*unit   // to be written
	acks     []*ackDue // to be written between packets
	clean    bool      // what has been written ends with a packet
	disorder bool      // DATA of no open message, or what is no packet, has been sent: what may be acknowledged is not known
	pinged   bool      // a PING has been sent: the subject knows that this side has the heartbeat profile
	failed   error     // why nothing more can be written
	stalled  bool      // the subject took nothing for T_reply
	wedged   bool      // a barrier was not answered

	ready    bool // the handshake is over
	reading  bool
	acking   bool
	closed   bool // by the tester: nothing more is judged
	aside    bool // no part of the scenario
	half     bool // the tester has ended its direction
	anything bool // whatever comes is right
	awaited  bool // a step has seen its end
}

// A unit is octets that leave in one write.
type unit struct {
	octets []byte
	clean  bool // they end with a packet
	done   bool
}

// An ackDue is an acknowledgement that the tester owes.
type ackDue struct{ number, total uint64 }

// maxOctets bounds what a connection may bring.
const maxOctets = 1 << 30

// connect opens a connection and makes it the one of its name.
func (pl *play) connect(name string) (*peer, error) {
	nc, err := pl.dial()
	if err != nil {
		return nil, err
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	p := pl.admit(name, nc)
	pl.named[name] = p
	p.begin()
	return p, nil
}

// admit makes a peer of a transport. pl.mu is held.
func (pl *play) admit(name string, nc net.Conn) *peer {
	_, shakes := nc.(handshaker)
	p := &peer{play: pl, name: name, nc: nc, clean: true, reading: true, acking: !pl.c.AcksOff, ready: !shakes}
	pl.peers = append(pl.peers, p)
	pl.note(p, entry{what: "connected"})
	return p
}

// begin starts the goroutines of a peer.
func (p *peer) begin() {
	p.wg.Go(p.readLoop)
	p.wg.Go(p.writeLoop)
}

// A handshaker is a transport that must come to terms before it carries anything.
type handshaker interface{ Handshake() error }

// shake does the handshake, within T_reply; that of a transport that has done it is over at once. Nothing is written before it is over.
func (p *peer) shake() {
	h, ok := p.nc.(handshaker)
	if !ok {
		return
	}
	p.nc.SetDeadline(time.Now().Add(p.play.opt.Timeout))
	err := h.Handshake()
	p.nc.SetDeadline(time.Time{})
	p.play.mu.Lock()
	defer p.play.mu.Unlock()
	defer p.play.change.Broadcast()
	p.ready = true
	if err != nil && p.end == nil {
		err = fmt.Errorf("TLS handshake: %w", err)
		p.failed = err
		p.finish(err)
		p.play.note(p, entry{what: err.Error()})
	}
}

func (p *peer) readLoop() {
	p.shake()
	pl := p.play
	buf := make([]byte, 64<<10)
	for {
		pl.mu.Lock()
		for !p.reading && p.end == nil {
			pl.change.Wait()
		}
		over := p.end != nil
		pl.mu.Unlock()
		if over {
			return
		}
		n, err := p.nc.Read(buf)
		pl.mu.Lock()
		p.receive(buf[:n])
		if err == nil && p.octets > maxOctets {
			err = errors.New("more octets came than the tester takes")
		}
		if err != nil && p.end == nil {
			p.finish(err)
		}
		pl.change.Broadcast()
		pl.mu.Unlock()
	}
}

// finish notes that nothing more comes.
func (p *peer) finish(err error) {
	p.end = err
	if !p.closed {
		p.play.note(p, entry{what: "closed by the subject", subject: true})
	}
	if rest := p.in.buf; len(rest) > 0 && p.in.broken == nil && !p.closed {
		p.play.note(p, entry{what: "before that, octets of a packet that is not complete: " + showOctets(rest), subject: true})
	}
}

// receive applies octets that have come.
func (p *peer) receive(b []byte) {
	if len(b) == 0 || p.closed || p.end != nil {
		return
	}
	p.octets += len(b)
	if p.plain {
		if len(p.octetsIn) < 1024 {
			p.octetsIn = append(p.octetsIn, b...)
		}
		return
	}
	p.in.feed(b)
	for {
		pkt, wrong, ok := p.in.next()
		if !ok {
			break
		}
		p.play.note(p, packetEntry(pkt, true))
		for _, w := range wrong {
			p.play.breach(p, w)
		}
		p.apply(pkt)
	}
	if p.in.broken != nil && p.broken == nil {
		p.broken = p.in.broken
		p.play.note(p, entry{what: showOctets(p.in.buf), subject: true})
		p.play.breach(p, *p.broken)
	}
}

func (p *peer) writeLoop() {
	pl := p.play
	pl.mu.Lock()
	defer pl.mu.Unlock()
	for {
		for p.failed == nil && (!p.ready || len(p.queue) == 0 && (!p.clean || len(p.acks) == 0)) {
			pl.change.Wait()
		}
		if p.failed != nil {
			return
		}
		var octets []byte
		var u *unit
		if p.clean && len(p.acks) > 0 {
			octets = p.takeAcks()
		} else {
			u, p.queue = p.queue[0], p.queue[1:]
			octets = u.octets
		}
		pl.mu.Unlock()
		err := p.write(octets)
		pl.mu.Lock()
		if u != nil {
			p.clean, u.done = u.clean, true
		}
		if err != nil && p.failed == nil {
			p.failed = err
			p.stalled = errors.Is(err, os.ErrDeadlineExceeded)
		}
		pl.change.Broadcast()
	}
}

// takeAcks makes packets of the acknowledgements that are due.
func (p *peer) takeAcks() (octets []byte) {
	for _, a := range p.acks {
		pkt := packet{"ACK", a.number, appendUint(a.total)}
		p.play.note(p, packetEntry(pkt, false))
		octets = appendPacket(octets, pkt, nil, nil)
		if m := p.message(a.number); m != nil {
			m.acked = max(m.acked, a.total)
		}
	}
	p.acks = nil
	return octets
}

// acknowledge makes the total of a message due.
func (p *peer) acknowledge(m *incoming) {
	for _, a := range p.acks {
		if a.number == m.number {
			a.total = uint64(len(m.body))
			return
		}
	}
	p.acks = append(p.acks, &ackDue{m.number, uint64(len(m.body))})
}

// write writes octets. It fails when none leave for T_reply.
func (p *peer) write(b []byte) error {
	const piece = 64 << 10
	for len(b) > 0 {
		p.nc.SetWriteDeadline(time.Now().Add(p.play.opt.Timeout))
		n, err := p.nc.Write(b[:min(piece, len(b))])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// say queues octets as writes of the given size, 0 for one write, and waits until they have left. The subject's end of
// the connection is no error: an expectation will tell.
func (p *peer) say(octets []byte, size int) error {
	pl := p.play
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if size <= 0 {
		size = max(len(octets), 1)
	}
	var last *unit
	for len(octets) > 0 {
		n := min(size, len(octets))
		p.track(octets[:n])
		last = &unit{octets: octets[:n], clean: !p.out.midway()}
		p.queue = append(p.queue, last)
		octets = octets[n:]
	}
	if p.out.midway() && len(p.out.buf) > 0 {
		pl.note(p, entry{what: "octets " + showOctets(p.out.buf), raw: true})
		if p.out.broken != nil {
			p.out.buf = nil
		}
	}
	pl.change.Broadcast()
	for last != nil && !last.done && p.failed == nil {
		pl.change.Wait()
	}
	if p.stalled {
		return &stuck{p.name, pl.opt.Timeout}
	}
	return nil
}

// A stuck error says that the subject takes no octets.
type stuck struct {
	conn string
	time time.Duration
}

func (e *stuck) Error() string {
	return "the subject has taken no octets on connection " + e.conn + " for " + e.time.String()
}

// hangUp ends the connection from the tester's side.
func (p *peer) hangUp(how CloseHow) {
	pl := p.play
	pl.mu.Lock()
	p.pause()
	p.noteLoss()
	if how != CloseHalf {
		p.closed = true
		p.failed = net.ErrClosed
	} else {
		p.half = true
	}
	pl.note(p, entry{what: string(how)})
	pl.change.Broadcast()
	pl.mu.Unlock()
	switch how {
	case CloseHalf:
		if c, ok := p.nc.(interface{ CloseWrite() error }); ok {
			c.CloseWrite()
		}
	case CloseReset:
		if c, ok := p.nc.(interface{ Reset() error }); ok {
			c.Reset()
		}
		p.nc.Close()
	default:
		p.nc.Close()
	}
}

// pause waits until nothing is left to be written. play.mu is held.
func (p *peer) pause() {
	for p.failed == nil && (len(p.queue) > 0 || p.clean && len(p.acks) > 0) {
		p.play.change.Wait()
	}
}

// noteLoss notes that the connection was lost: the subject has ended it, and no step awaited that. play.mu is held.
func (p *peer) noteLoss() {
	if p.ended() && !p.awaited {
		p.play.lost = true
	}
}

// leave ends the connection at the end of a case, and its goroutines.
func (p *peer) leave() {
	p.play.mu.Lock()
	if doubt := p.in.doubt; doubt != nil && p.broken == nil && !p.closed {
		p.broken = doubt
		p.play.breach(p, *doubt)
	}
	p.noteLoss()
	p.closed = true
	if p.failed == nil {
		p.failed = net.ErrClosed
	}
	if p.end == nil {
		p.end = net.ErrClosed
	}
	p.play.change.Broadcast()
	p.play.mu.Unlock()
	p.nc.Close()
	p.wg.Wait()
}
