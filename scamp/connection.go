package scamp

import (
	"context"
	"errors"
	"io"
	"log/slog"
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

	mu       sync.Mutex
	err      error     // why the connection ended; nil while it lives
	dirty    bool      // there is something to write
	writing  bool      // somebody is writing a batch
	inline   bool      // who holds mu will call flush: the writer loop may sleep on
	work     sync.Cond // the writer waits here
	arrival  sync.Cond // Accept waits here
	in       map[uint64]*MessageReader
	out      map[uint64]*MessageWriter
	calls    map[uint64]*call // by request_id: sent, and not answered
	ready    []*MessageWriter // messages with something to send, by creation
	acks     []*MessageReader // messages with an acknowledgement due
	pongs    []uint64         // numbers of PINGs to answer
	queue    []*MessageReader // messages that wait for Accept
	nextIn   uint64           // number of the next HEADER of the peer
	nextOut  uint64           // number of our next HEADER
	nextID   uint64           // request_id of our next request
	created  uint64           // outgoing messages made so far
	cursor   uint64           // creation of the message served last
	buffered int              // octets that wait for readers
	serving  int              // requests in progress: from HEADER to the end of the reply
	closing  bool             // no new calls; close when nothing is left
	header   []byte           // scratch of whoever writes
	batch    []byte           // the same; used with mu free
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
	return newConnection(context.Background(), nc, cfg.filled(clientIdle), nil)
}

func newConnection(ctx context.Context, nc net.Conn, cfg Config, server *Service) *Connection {
	c := &Connection{
		nc: nc, cfg: cfg, server: server,
		in: map[uint64]*MessageReader{}, out: map[uint64]*MessageWriter{}, calls: map[uint64]*call{},
		handlings: map[*handling]struct{}{},
		active:    time.Now(),
	}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.work.L, c.arrival.L = &c.mu, &c.mu
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

func (c *Connection) readLoop() {
	r := wire.NewReader(c.nc)
	var seen []wire.Packet // for the trace
	trace := c.cfg.Trace != nil && c.cfg.Trace.PacketReceived != nil
	for {
		p, err := r.Read() // blocks with mu free
		c.mu.Lock()
		c.active = time.Now()
		for err == nil && c.err == nil {
			if trace {
				seen = append(seen, p.Clone())
			}
			if err = c.receive(p); err != nil || !r.Buffered() {
				break
			}
			p, err = r.Read() // buffered: does not block
		}
		notes := c.notes
		c.notes = nil
		c.mu.Unlock()
		for _, n := range notes {
			n.log(c)
		}
		for _, p := range seen {
			c.cfg.Trace.PacketReceived(c, p)
		}
		seen = seen[:0]
		if err != nil {
			c.fail(readError(err))
			return
		}
		if c.ctx.Err() != nil {
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
	var err error
	if c.err == nil { // nothing is sent after a fatal error (WIRE-FRAME-15b)
		c.active = time.Now()
		c.batch = c.transmit(c.batch[:0])
		if b := c.batch; len(b) > 0 {
			c.mu.Unlock()
			if c.cfg.Trace != nil && c.cfg.Trace.PacketSent != nil {
				c.traceSent(b)
			}
			_, err = c.nc.Write(b)
			c.mu.Lock()
		}
	}
	c.writing = false
	if c.dirty {
		c.work.Signal()
	}
	done := c.closing && !c.dirty && !c.busy()
	c.mu.Unlock()
	if err != nil {
		c.fail(err)
	} else if done {
		c.fail(ErrClosed)
	}
}

// traceSent tells the trace of the packets of a batch, which this connection
// has made itself.
func (c *Connection) traceSent(b []byte) {
	r := wire.NewReader(&octets{b})
	for {
		p, err := r.Read()
		if err != nil {
			return
		}
		c.cfg.Trace.PacketSent(c, p.Clone())
	}
}

type octets struct{ rest []byte }

func (o *octets) Read(p []byte) (int, error) {
	if len(o.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// fail is the only way down. The first error wins; every waiter wakes with it;
// the loops end.
func (c *Connection) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	if errors.Is(err, io.EOF) && err != io.ErrUnexpectedEOF {
		err = errPeerClosed
	}
	busy := c.busy()
	c.err = err
	if c.timer != nil {
		c.timer.Stop()
	}
	c.work.Signal()
	c.arrival.Broadcast()
	for _, k := range c.calls {
		k.finish(nil, &ConnectionError{Err: err, Sent: true})
	}
	clear(c.calls)
	for _, m := range c.out {
		m.lost(err)
	}
	for _, m := range c.ready {
		m.lost(err)
	}
	clear(c.out)
	c.ready = nil
	for _, m := range c.in {
		m.end(&ConnectionError{Err: err, Sent: true})
	}
	clear(c.in)
	c.queue, c.acks, c.pongs = nil, nil, nil
	c.mu.Unlock()

	c.cancel(err)
	c.logEnd(err, busy)
	c.nc.Close()
	if c.cfg.Trace != nil && c.cfg.Trace.Closed != nil {
		c.cfg.Trace.Closed(c, err)
	}
}

// errPeerClosed is the end of stream between two packets. It is a loss only
// where something was outstanding (WIRE-CONN-01b).
var errPeerClosed = errors.New("closed by the peer")

func (c *Connection) logEnd(err error, busy bool) {
	level := slog.LevelDebug
	if broken := new(ProtocolError); errors.As(err, &broken) {
		level = slog.LevelWarn
	} else if busy {
		level = slog.LevelInfo
	}
	c.cfg.Logger.Log(context.Background(), level, "connection ended", "peer", c.nc.RemoteAddr(), "reason", err, "busy", busy)
}

// Close ends the connection at once and waits until its goroutines are gone.
// What is outstanding fails. It always returns nil.
func (c *Connection) Close() error {
	c.fail(ErrClosed)
	c.wg.Wait()
	return nil
}

// busy reports whether something is outstanding: a request, a handler, or a
// message half sent or half received (WIRE-TIME-03). c.mu is held.
func (c *Connection) busy() bool {
	return len(c.calls) > 0 || len(c.in) > c.expired || len(c.out) > 0 || len(c.ready) > 0 || c.serving > 0
}

// Accept returns the next message that is neither a reply to a call nor a
// request for a handler. It waits for one until ctx or the connection ends.
// The connection must have been made with Config.Accept.
func (c *Connection) Accept(ctx context.Context) (*MessageReader, error) {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.arrival.Broadcast()
	})
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && c.err == nil && ctx.Err() == nil {
		c.arrival.Wait()
	}
	switch {
	case len(c.queue) > 0:
		m := c.queue[0]
		c.queue = c.queue[1:]
		return m, nil
	case c.err != nil:
		return nil, &ConnectionError{Err: c.err}
	}
	return nil, context.Cause(ctx)
}
