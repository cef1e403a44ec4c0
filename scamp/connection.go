package scamp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// A Connection carries messages both ways over one network connection.
//
// Two goroutines serve it. The reader applies arriving packets to the state
// below; the writer makes departing packets out of it. Every other goroutine
// only changes state and wakes the writer. Nobody holds mu across I/O, a
// callback or a wait other than that of a sync.Cond.
//
// All methods may be called from any goroutine.
type Connection struct {
	nc     net.Conn
	cfg    Config
	server *Service // who answers requests; nil: nobody
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup // the two loops
	served sync.WaitGroup // handlers

	mu       sync.Mutex
	err      error     // why the connection ended; nil while it lives
	dirty    bool      // there is something to write
	writing  bool      // somebody is writing a batch
	inline   bool      // who holds mu will call flush: the writer loop may sleep on
	work     sync.Cond // the writer waits here
	room     sync.Cond // the reader waits here for a patient moment
	arrival  sync.Cond // Accept waits here
	in       map[uint64]*MessageReader
	out      map[uint64]*MessageWriter
	calls    map[uint64]*call // by request_id: sent, and not answered
	ready    []*MessageWriter // messages with something to send, by creation
	acks     []*MessageReader // open messages with an acknowledgement due
	pongs    []uint64         // numbers of PINGs to answer
	queue    []*MessageReader // messages that wait for Accept, or for Service.Messages
	giving   bool             // somebody gives them to Service.Messages
	nextIn   uint64           // number of the next HEADER of the peer
	nextOut  uint64           // number of our next HEADER
	nextID   uint64           // request_id of our next request
	created  uint64           // outgoing messages made so far
	cursor   uint64           // creation of the message served last
	proof    uint64           // creation of the last request that the peer has shown to have read
	buffered int              // octets of bodies that wait for readers, or are with handlers
	headers  int              // octets of headers that somebody needs
	serving  int              // requests in progress: from HEADER to the end of the reply
	refusals int              // answers to refused requests that have not left
	refusing int              // requests in progress that are refused, from then to the end of the answer
	paused   bool             // the reader is waiting in pace
	paced    time.Time        // since when it has waited without anything being written
	stuck    bool             // it has waited in vain, and nothing has been written since
	spares   [][]byte         // buffers of messages that have been drained
	closing  bool             // no new calls; close when nothing is left
	pooled   bool             // a Requester's: a call that times out is the last one
	drained  time.Time        // no requests are taken, and since when, about, none is in progress; zero: they are
	header   []byte           // scratch of whoever writes
	batch    []byte           // the same; used with mu free
	batches  uint64           // made so far
	unsent   uint64           // the one of which nothing has left; 0: there is none
	notes    []note           // to be logged when mu is free
	expired  int              // messages in c.in that have been given up

	active    time.Time // when the last packet passed
	timer     *time.Timer
	timerAt   time.Time // when timer fires; zero: it is not set
	pingAt    time.Time // when the next PING is due
	pinging   bool      // a PING is to be sent
	unponged  bool      // a PING has not been answered
	handlings map[*handling]struct{}
}

// NewConnection makes a connection of a transport that is ready for packets:
// for TLS, after the handshake and the check of the certificate. The
// connection owns nc from now on. Close must be called in the end.
func NewConnection(nc net.Conn, cfg Config) *Connection {
	return newConnection(nc, cfg.filled(clientIdle), nil)
}

func newConnection(nc net.Conn, cfg Config, server *Service) *Connection {
	c := &Connection{
		nc: nc, cfg: cfg, server: server,
		in: map[uint64]*MessageReader{}, out: map[uint64]*MessageWriter{}, calls: map[uint64]*call{},
		handlings: map[*handling]struct{}{},
		active:    time.Now(),
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.work.L, c.room.L, c.arrival.L = &c.mu, &c.mu, &c.mu
	c.mu.Lock()
	if cfg.Heartbeat > 0 {
		c.pingAt = c.active.Add(cfg.Heartbeat)
		c.arm(c.pingAt)
	}
	c.arm(c.active.Add(cfg.IdleTimeout))
	c.mu.Unlock()
	c.wg.Go(c.readLoop)
	c.wg.Go(c.writeLoop)
	return c
}

// RemoteAddr returns the address of the peer.
func (c *Connection) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// LocalAddr returns the address of this side.
func (c *Connection) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// Err returns why the connection ended, nil while it lives.
func (c *Connection) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Done returns a channel that is closed when the connection has ended.
func (c *Connection) Done() <-chan struct{} { return c.ctx.Done() }

// wake tells the writer that state it watches has changed. c.mu is held.
func (c *Connection) wake() {
	if !c.dirty {
		c.dirty = true
		if !c.writing && !c.inline {
			c.work.Signal()
		}
	}
}

// readLoop applies what arrives. An error takes effect under the same hold of
// the mutex: nothing is sent and nothing is executed after it (WIRE-FRAME-15).
func (c *Connection) readLoop() {
	r := wire.NewReader(c.nc)
	var seen []wire.Packet // for the trace
	var bodies []byte      // of seen
	trace := c.cfg.Trace != nil && c.cfg.Trace.PacketReceived != nil
	for {
		p, err := r.Read() // blocks with mu free
		c.mu.Lock()
		c.active = time.Now()
		for err == nil && c.err == nil {
			if trace {
				bodies = append(bodies, p.Body...)
				p := p
				p.Body = bodies[len(bodies)-len(p.Body) : len(bodies) : len(bodies)]
				seen = append(seen, p)
			}
			if err = c.receive(p); err != nil || !r.Buffered() {
				break
			}
			p, err = r.Read() // buffered: does not block
		}
		var end *ending
		if err != nil {
			end = c.end(readError(err))
		}
		c.pace()
		if c.closing && !c.busy() {
			c.wake() // the writer closes
		}
		over := c.err != nil
		notes := c.notes
		c.notes = nil
		c.mu.Unlock()
		end.close()
		for _, n := range notes {
			n.log(c)
		}
		for _, p := range seen {
			c.cfg.Trace.PacketReceived(c, p)
		}
		seen, bodies = seen[:0], bodies[:0]
		if cap(bodies) > keepBatch {
			bodies = nil
		}
		end.tell()
		if over {
			return
		}
	}
}

func readError(err error) error {
	if e := new(wire.SyntaxError); errors.As(err, &e) {
		return &ProtocolError{Packet: e.Line, Rule: e.Rule, Reason: e.Reason}
	}
	return err
}

// writeLoop writes whatever nobody else writes. It lets goroutines that are
// ready to run add to the batch first: a batch costs a system call, whatever
// its size.
func (c *Connection) writeLoop() {
	for {
		c.mu.Lock()
		for (!c.dirty || c.writing) && c.err == nil {
			c.work.Wait()
		}
		c.writing = true
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return
		}
		runtime.Gosched()
		c.writeBatch()
	}
}

// flush writes a batch from the calling goroutine, unless somebody is writing
// already. It saves the two switches to the writer loop and is for goroutines
// that have nothing else to do until their octets have left.
func (c *Connection) flush() {
	c.mu.Lock()
	if c.writing || !c.dirty || c.err != nil {
		c.mu.Unlock()
		return
	}
	c.writing = true
	c.mu.Unlock()
	c.writeBatch()
}

// writeBatch makes one batch of packets out of the state and writes it. The
// caller has set c.writing. The deadline is set before the state is looked at:
// in virtual time that lets everybody else come to rest first.
func (c *Connection) writeBatch() {
	c.nc.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout))
	c.mu.Lock()
	var end *ending
	if c.err == nil { // nothing is sent after a fatal error (WIRE-FRAME-15b)
		c.batches++
		c.batch = c.transmit(c.batch[:0])
		if b := c.batch; len(b) > 0 {
			c.active = time.Now()
			c.mu.Unlock()
			if c.cfg.Trace != nil && c.cfg.Trace.PacketSent != nil {
				c.traceSent(b)
			}
			n, err := c.nc.Write(b)
			c.mu.Lock()
			if err != nil {
				if n == 0 { // over TLS no whole record either: the peer cannot read it
					c.unsent = c.batches
				}
				end = c.end(err) // before anybody can write what would come behind a gap
			}
			if cap(c.batch) > keepBatch {
				c.batch = nil
			}
		}
	}
	c.writing = false
	if c.dirty {
		c.work.Signal()
	}
	if c.paused {
		c.paced = time.Now()
		c.room.Signal()
	}
	c.stuck = false
	if c.closing && !c.dirty && !c.busy() {
		end = cmp.Or(end, c.end(ErrClosed)) // before another call begins
	}
	c.mu.Unlock()
	end.close()
	end.tell()
}

// traceSent tells the trace of the packets of a batch, which this connection
// has made itself. A hook that panics takes the connection with it: nobody else
// would write any more (WIRE-SAFE-08).
func (c *Connection) traceSent(b []byte) {
	told := false
	defer func() {
		if !told {
			c.fail(errTrace)
		}
	}()
	for len(b) > 0 {
		p, n, _ := wire.Parse(b)
		if n == 0 {
			break
		}
		c.cfg.Trace.PacketSent(c, p)
		b = b[n:]
	}
	told = true
}
