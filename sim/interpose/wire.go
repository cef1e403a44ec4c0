package interpose

import (
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// Options are what a Wire is made with. The zero Options are good.
type Options struct {
	// Near is shown every packet as the endpoint sends or gets it, Far as the peer
	// does. They must not wait, must not use the wire, and may keep the packet.
	// Those of one direction come one after the other.
	Near, Far func(d Direction, p Packet)
	// MostHeld bounds the octets of bodies that wait in a direction; 0 is 1 MiB. At
	// the bound writers wait, and nothing more is read.
	MostHeld int
	// Linger is how long what waits to be written may outlast Close; 0 is 30 s,
	// negative nothing.
	Linger time.Duration
}

// A Wire is a net.Conn whose packets are subject to rules, which come and go at any
// time. It stands above TLS and below an endpoint, or between the two sides of a
// proxy. While no rule is in force, it cannot be told from none, but that a packet
// passes when all of it has come.
//
// A packet that a rule delays is overtaken by all that may overtake it: see [Delay].
// What is delayed on its way out is written by a goroutine of its own, which lives
// no longer than the connection; the times of what comes in are deadlines of the
// transport. In virtual time both obey the rules of package simnet: a packet waits
// until an even nanosecond, and what is written late is preceded by a write deadline.
//
// The transport must have deadlines that work, and its reads must survive them, as
// those of package net and of crypto/tls do. All methods may be called from any
// goroutine.
type Wire struct {
	nc   net.Conn
	opts Options

	mu       sync.Mutex // guards what follows; not held across I/O
	change   sync.Cond
	uses     []*use
	flows    [2]*flow        // in, out
	tainted  map[string]bool // request_ids of messages that rules have changed
	foul     bool            // rules have changed what no message can be named for
	met      bool            // a rule has been met
	watching bool            // a rule has been in force: messages are followed
	closed   bool            // by the endpoint
	broken   bool            // the transport has been closed
	cut      bool            // a rule has ended the connection
	buf      []byte          // what is read comes here
	reading  bool            // a read of the transport is on its way
	sending  bool            // a write is
	firing   bool            // write is about to
	armed    time.Time       // the transport's read deadline
	timers   [2]*time.Timer  // alarms
	late     *time.Timer     // of write
	linger   *time.Timer
	limits   [2]time.Time // deadlines of the endpoint
	grace    time.Duration
}

// A flow is one direction of a wire. c.mu is its lock.
type flow struct {
	dir      Direction
	raw      bool // nothing more will be a packet
	rest     []byte
	queue    queue
	out      []byte // may go
	err      error  // what comes when all is through
	messages map[uint64]*message
	calls    map[string]called // requests of this direction without a reply, by request_id
	over     []uint64
	seen     []shown
}

type shown struct {
	near bool
	p    Packet
}

const (
	defaultHeld   = 1 << 20
	mostEntries   = 1 << 13 // packets that wait in a direction
	defaultLinger = 30 * time.Second
)

// NewWire makes a wire of a connection, which it owns from now on.
func NewWire(nc net.Conn, o Options) *Wire {
	if o.MostHeld <= 0 {
		o.MostHeld = defaultHeld
	}
	if o.Linger == 0 {
		o.Linger = defaultLinger
	}
	c := &Wire{nc: nc, opts: o, tainted: map[string]bool{}, grace: defaultLinger}
	c.change.L = &c.mu
	for i := range c.flows {
		c.flows[i] = &flow{dir: Direction(i + 1), messages: map[uint64]*message{}, calls: map[string]called{}}
	}
	return c
}

// Begin lets a rule be in force from now on, behind those that are. What it draws
// comes from random, which is not used after Begin has returned. A rule that is in
// force already is not changed.
func (c *Wire) Begin(r *Rule, random *rand.Rand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.find(r) == nil {
		c.uses = append(slices.Clip(c.uses), newUse(r, random))
		c.watching = true
	}
}

func (c *Wire) find(r *Rule) *use {
	for _, u := range c.uses {
		if u.rule == r {
			return u
		}
	}
	return nil
}

// End ends a rule. What it keeps goes at once.
func (c *Wire) End(r *Rule) { c.release(r, true) }

// Release lets go at once what a rule keeps.
func (c *Wire) Release(r *Rule) { c.release(r, false) }

func (c *Wire) release(r *Rule, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.find(r)
	if u == nil {
		return
	}
	if end {
		c.uses = slices.DeleteFunc(slices.Clone(c.uses), func(o *use) bool { return o == u })
	}
	now := even(time.Now())
	for _, f := range c.flows {
		f.queue.release(u, now)
	}
	c.arm()
	c.wake()
}

// Met reports whether a rule has been met on this wire.
func (c *Wire) Met() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.met
}

// Ended reports whether the connection has ended, and nothing of it goes on.
func (c *Wire) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// Tainted reports whether rules have changed what came of the request with this
// request_id, in text, or of its reply; or anything that may have had to do with it.
func (c *Wire) Tainted(requestID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.foul || c.tainted[requestID]
}

// Foul reports whether rules have changed HEADERs, or what belongs to no message
// that is known: then any request may be another one than it was.
func (c *Wire) Foul() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.foul
}

// shut closes the transport.
func (c *Wire) shut() error {
	c.mu.Lock()
	c.broken = true
	for _, t := range []*time.Timer{c.timers[0], c.timers[1], c.late, c.linger} {
		if t != nil {
			t.Stop()
		}
	}
	c.flows[1].queue.clear()
	c.buf = nil
	c.change.Broadcast()
	c.mu.Unlock()
	return c.nc.Close()
}

// LocalAddr returns the address of this end.
func (c *Wire) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the address of the other end.
func (c *Wire) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }
