// Package interpose puts packet-level changes between an endpoint of SCAMP and
// its connection.
//
// A Conn is a net.Conn that stands above TLS and below the endpoint. It parses
// what passes into packets and shows every packet to a filter, which passes it
// on, changes it, drops it, adds to it or closes the connection. What is no
// packet passes as it is, at the moment at which that is clear, so that a Conn
// without filters cannot be told from none.
//
// The wrong servers and clients of package bugs are made of it.
//
// A Wire is another one: its packets are subject to rules that begin and end at any
// time, on connections that exist already. A [Rule] matches packets by direction,
// type, message, members of the header, count or chance, and holds, delays, drops,
// duplicates, reorders, alters, truncates, replaces, adds to or throttles them, or
// closes the connection. The simulator and the proxy put their packet faults on it.
package interpose

import (
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// A Packet is one packet on its way.
type Packet struct {
	Type   string // HEADER, DATA, …; empty: Body is octets that are no packet
	Number uint64
	Body   []byte

	// Line and Trailer stand for the packet's own where they are not empty:
	// the request line with its end, and the trailer.
	Line, Trailer string
}

// Append appends the packet's octets to b.
func (p Packet) Append(b []byte) []byte {
	if p.Type == "" {
		return append(b, p.Body...)
	}
	if p.Line != "" {
		b = append(b, p.Line...)
	} else {
		b = strconv.AppendUint(append(append(b, p.Type...), ' '), p.Number, 10)
		b = strconv.AppendInt(append(b, ' '), int64(len(p.Body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, p.Body...)
	if p.Trailer != "" {
		return append(b, p.Trailer...)
	}
	return append(b, "END\r\n"...)
}

// A Filter is shown every packet of one direction, one at a time. What it does
// not pass on is dropped. It may keep the packet.
type Filter func(f *Flow, p Packet)

// A Flow is one direction of a Conn, for its filter.
type Flow struct {
	c        *Conn
	filter   Filter
	tolerate Tolerance
	in       bool
	raw      bool        // nothing more will be a packet
	closing  bool        // the connection ends after what is in out
	ended    atomic.Bool // the filter has ended the connection
	rest     []byte      // arrived, and not a whole packet yet
	out      []byte      // to be passed on
}

// Pass sends a packet on in its direction.
func (f *Flow) Pass(p Packet) { f.out = p.Append(f.out) }

// Answer sends a packet of the endpoint's to the peer. It is for filters of
// what comes in; in a filter of what goes out it is Pass.
func (f *Flow) Answer(p Packet) {
	if !f.in {
		f.Pass(p)
		return
	}
	f.c.write(p.Append(nil))
}

// Close ends the connection, below the endpoint. The packets that have come behind this one are dropped.
func (f *Flow) Close() {
	f.ended.Store(true)
	f.c.Conn.Close()
}

// Conn returns the connection that the flow belongs to.
func (f *Flow) Conn() *Conn { return f.c }

// Redirect sends a packet to the peer of another connection.
func (f *Flow) Redirect(to *Conn, p Packet) { to.write(p.Append(nil)) }

// CloseAfter ends the connection when what has been passed on so far is through:
// the endpoint has read it, or it has been written.
func (f *Flow) CloseAfter() {
	if f.in {
		f.c.readErr = io.EOF
	} else {
		f.closing = true
	}
}

// A Tolerance makes a packet of octets that are not one by the rules. It returns
// the octets it took and the packet, or 0 if it cannot (yet, or at all: a
// tolerance that cannot tell yet returns more as true).
type Tolerance func(b []byte) (p Packet, n int, more bool)

// Config says what a Conn does. Every part may be nil.
type Config struct {
	In, Out  Filter    // what comes to the endpoint, what leaves it
	Tolerate Tolerance // for what comes in
	// Read is shown what every read of the transport brings, before it is cut
	// into packets. If it returns false the connection ends.
	Read func(b []byte) bool
	// End is called when the peer has ended the connection, and may still pass
	// packets to the endpoint.
	End func(f *Flow)
	// HalfDuplex keeps what has been read from the endpoint while a write of
	// its own is blocked.
	HalfDuplex bool
}

// Conn is a net.Conn whose packets are filtered.
type Conn struct {
	net.Conn
	cfg Config

	readMu  sync.Mutex // held while a read fills in
	in      Flow
	buf     []byte
	readErr error

	writeMu sync.Mutex // guards out
	out     Flow

	sendMu  sync.Mutex // guards sending; not held while a write waits
	sent    sync.Cond  // a write has ended
	sending bool       // a write is on its way
}

// Wrap puts the filters of cfg between an endpoint and nc. The endpoint uses the
// result in place of nc.
func Wrap(nc net.Conn, cfg Config) *Conn {
	c := &Conn{Conn: nc, cfg: cfg, buf: make([]byte, 64<<10)}
	c.in = Flow{c: c, in: true, filter: cfg.In, tolerate: cfg.Tolerate}
	c.out = Flow{c: c, filter: cfg.Out}
	c.sent.L = &c.sendMu
	return c
}

// Read reads what the filter lets in.
func (c *Conn) Read(p []byte) (int, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	for len(c.in.out) == 0 {
		if c.readErr != nil {
			return 0, c.readErr
		}
		if c.cfg.HalfDuplex {
			c.settle()
		}
		n, err := c.Conn.Read(c.buf)
		if n > 0 && c.cfg.Read != nil && !c.cfg.Read(c.buf[:n]) {
			c.Conn.Close()
			err = io.EOF
			n = 0
		}
		c.in.feed(c.buf[:n])
		if err != nil {
			c.in.flush()
			if c.cfg.End != nil {
				c.cfg.End(&c.in)
			}
			c.readErr = err
		}
	}
	n := copy(p, c.in.out)
	c.in.out = c.in.out[n:]
	return n, nil
}

// Write writes what the filter lets out.
func (c *Conn) Write(p []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	c.out.feed(p)
	b := c.out.out
	c.out.out = nil
	if err := c.write(b); err != nil {
		return 0, err
	}
	if c.out.closing {
		c.Conn.Close()
	}
	return len(p), nil
}

func (c *Conn) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.sendMu.Lock()
	for c.sending {
		c.sent.Wait()
	}
	c.sending = true
	c.sendMu.Unlock()
	_, err := c.Conn.Write(b)
	c.sendMu.Lock()
	c.sending = false
	c.sent.Broadcast()
	c.sendMu.Unlock()
	return err
}

// settle waits until no write is on its way.
func (c *Conn) settle() {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	for c.sending {
		c.sent.Wait()
	}
}

// feed takes octets in and gives the filter the packets that are complete.
func (f *Flow) feed(b []byte) {
	if f.filter == nil && f.tolerate == nil {
		f.out = append(f.out, b...)
		return
	}
	f.rest = append(f.rest, b...)
	for len(f.rest) > 0 && !f.raw {
		p, n, more := f.next()
		if more {
			return
		}
		if n == 0 {
			f.raw = true
			break
		}
		f.rest = f.rest[n:]
		f.show(p)
	}
	if f.raw {
		f.flush()
	}
}

// show gives the filter one packet.
func (f *Flow) show(p Packet) {
	if f.ended.Load() {
		return
	}
	if f.filter == nil {
		f.Pass(p)
		return
	}
	f.filter(f, p)
}

// flush passes on what is no packet.
func (f *Flow) flush() {
	if len(f.rest) > 0 {
		f.show(Packet{Body: f.rest})
		f.rest = nil
	}
}

// next takes the first packet of f.rest. It reports more when that is not there
// yet, and n = 0 when what is there is no packet.
func (f *Flow) next() (p Packet, n int, more bool) {
	w, n, err := wire.Parse(f.rest)
	if n > 0 {
		w = w.Clone()
		return Packet{Type: w.Type.String(), Number: w.Number, Body: w.Body}, n, false
	}
	if err != nil && f.tolerate != nil {
		if p, n, more := f.tolerate(f.rest); n > 0 || more {
			return p, n, more
		}
	}
	return p, 0, err == nil
}
