package scamp

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
	"github.com/gudtech/scamp-sim/scamp/ticket"
)

// A Service answers requests on the connections it is given. Its fields must
// not be changed once it serves; its methods may be called from any goroutine.
type Service struct {
	// Name is the service's tag: the namespace of queue_depth, and the name of the
	// liveness file.
	Name string
	// Sector is where actions are announced that name none; "" is main.
	Sector string
	// Mux has the actions.
	Mux *Mux
	// Authority decides who may call actions that are not NoAuth. A nil one
	// denies everybody (DISC-AZ-09b).
	Authority *ticket.Authority
	// Wrap is put around the handlers of all actions, once; nil is nothing.
	// What it returns runs after the ticket has been checked.
	Wrap func(Handler) Handler
	// Certificate is what the service is known by. Serve needs it.
	Certificate tls.Certificate
	// Config is what every connection is made with.
	Config Config
	// MaxConnections bounds the connections at any time, those included whose
	// handlers have not returned; 0 is 10000, negative is no bound. Serve closes
	// what comes beyond.
	MaxConnections int
	// Grace is how long Shutdown serves on, so that callers learn that the
	// service stops: 0 is 5 s, negative is not at all (WIRE-SVC-04b).
	Grace time.Duration

	// Messages takes the messages of every connection that are neither requests
	// nor replies, those of the events profile for instance, one after the other
	// as they begin; what it leaves of a body is dropped. Without it such messages
	// are read to their end and dropped, too (WIRE-HDR-08b).
	Messages func(c *Connection, m *MessageReader)
	// Announced is told of the service's own packet whenever there is a new one,
	// for whoever publishes it (DISC-SUB-01); nil is nobody. It is called by
	// Announce, which waits for it.
	Announced func(packet []byte)

	// Set by OpenService, for Run.
	conf    *soaconf.Config
	signer  *discovery.Signer
	keyless error // why tickets cannot be verified

	running atomic.Int64 // requests that are with their handlers

	mu          sync.Mutex
	stopping    time.Time // when the grace period ends; zero: Shutdown has not been called
	draining    bool      // the grace period is over
	closed      bool
	cancel      context.CancelCauseFunc
	ctx         context.Context
	leave       context.CancelFunc
	present     context.Context // of announcers: ends when the service begins to stop
	listeners   map[net.Listener]struct{}
	connections map[*Connection]struct{}
	transports  map[net.Conn]struct{} // still in their handshake
	serves      sync.WaitGroup        // Serve and ServeConn calls
	announcers  sync.WaitGroup        // Announce calls
	wrapped     Handler               // what Wrap made; set before anything is served
}

// ErrServiceClosed is what Serve, ServeConn and Announce return after Shutdown or
// Close.
var ErrServiceClosed = errors.New("scamp: service closed")

// begin notes a new Serve, which has a listener, or ServeConn. Whatever has begun
// when Close comes is ended by it.
func (s *Service) begin(ln net.Listener) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.draining {
		return nil, ErrServiceClosed
	}
	s.prepare()
	if ln != nil {
		s.listeners[ln] = struct{}{}
	}
	s.serves.Add(1)
	return s.ctx, nil
}

// prepare makes what a service needs that does something. s.mu is held.
func (s *Service) prepare() {
	if s.ctx != nil {
		return
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.present, s.leave = context.WithCancel(context.Background())
	s.listeners = map[net.Listener]struct{}{}
	s.connections = map[*Connection]struct{}{}
	s.transports = map[net.Conn]struct{}{}
	s.wrapped = HandlerFunc(runAction)
	if s.Wrap != nil {
		s.wrapped = s.Wrap(s.wrapped)
	}
}

// Serve accepts connections on ln, does the TLS handshakes and answers requests,
// until ln fails or the service stops. It closes ln.
func (s *Service) Serve(ln net.Listener) error {
	defer ln.Close()
	if len(s.Certificate.Certificate) == 0 {
		return errors.New("scamp: the service has no certificate")
	}
	ctx, err := s.begin(ln)
	if err != nil {
		return err
	}
	defer s.serves.Done()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, ln)
		s.mu.Unlock()
	}()
	settings := serverTLS(s.Certificate)
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if s.over() {
			if nc != nil {
				nc.Close()
			}
			return ErrServiceClosed
		}
		if err != nil {
			if !temporary(err) {
				return err
			}
			// Too many open files, most likely: it passes when connections end.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.Config.logger().Warn("accepting failed", "address", ln.Addr(), "error", err, "pause", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			continue
		}
		pause = 0
		if !s.admit(nc) {
			nc.Close()
			s.Config.logger().Warn("connection refused: there are too many", "peer", nc.RemoteAddr())
			continue
		}
		go s.welcome(ctx, nc, settings)
	}
}

// over reports whether the service takes no connections any more.
func (s *Service) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || s.draining
}

func temporary(err error) bool {
	var e net.Error
	//lint:ignore SA1019 it is what accept loops have for "try again"
	return errors.As(err, &e) && e.Temporary()
}

// admit counts a transport in, unless there are too many or the service stops.
func (s *Service) admit(nc net.Conn) bool {
	limit := s.MaxConnections
	if limit == 0 {
		limit = 10000
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.draining || limit > 0 && len(s.connections)+len(s.transports) >= limit {
		return false
	}
	s.transports[nc] = struct{}{}
	s.serves.Add(1)
	return true
}

// welcome does the handshake with a new peer and serves it. Nothing of what a
// peer does that is not TLS reaches the packet parser (WIRE-TLS-07).
func (s *Service) welcome(ctx context.Context, nc net.Conn, settings *tls.Config) {
	defer s.serves.Done()
	cfg := s.Config.filled(serverIdle)
	conn, err := handshake(ctx, nc, settings, cfg.ConnectTimeout)
	if err != nil {
		s.mu.Lock()
		delete(s.transports, nc)
		s.mu.Unlock()
		cfg.Logger.Info("TLS handshake failed", "peer", nc.RemoteAddr(), "error", err)
		return
	}
	s.serve(nc, conn, cfg)
}

// ServeConn answers the requests of one connection that is ready for packets,
// and returns when it has ended and its handlers have returned. It owns nc.
func (s *Service) ServeConn(nc net.Conn) error {
	if _, err := s.begin(nil); err != nil {
		nc.Close()
		return err
	}
	defer s.serves.Done()
	return s.serve(nc, nc, s.Config.filled(serverIdle))
}

func (s *Service) serve(transport, nc net.Conn, cfg Config) error {
	s.mu.Lock()
	delete(s.transports, transport)
	if s.closed {
		s.mu.Unlock()
		nc.Close()
		return ErrServiceClosed
	}
	c := newConnection(nc, cfg, s)
	s.connections[c] = struct{}{}
	draining := s.draining
	s.mu.Unlock()
	if draining {
		c.drain()
	}
	c.wg.Wait()
	c.served.Wait() // a connection takes its place until nothing is left of it
	s.mu.Lock()
	delete(s.connections, c)
	s.mu.Unlock()
	return c.Err()
}

// Close ends everything at once: listeners, connections, and the contexts of
// handlers. It waits until the handlers have returned, so that none of them may
// call it. Announcers begin to say that the service stops; Close does not wait for
// them. It always returns nil.
func (s *Service) Close() error {
	s.end()
	s.serves.Wait()
	return nil
}

// end is Close without the waiting.
func (s *Service) end() {
	s.mu.Lock()
	s.closed = true
	s.prepare()
	s.cancel(ErrServiceClosed)
	s.leave()
	for ln := range s.listeners {
		ln.Close()
	}
	s.cut()
	open := s.open()
	s.mu.Unlock()
	for _, c := range open {
		c.fail(ErrServiceClosed)
	}
}

// cut ends the handshakes. s.mu is held.
func (s *Service) cut() {
	for nc := range s.transports {
		nc.Close()
	}
}

// open returns the connections. s.mu is held.
func (s *Service) open() []*Connection { return slices.Collect(maps.Keys(s.connections)) }
