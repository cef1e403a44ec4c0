package scamp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// A Service answers requests on the connections it is given. Its fields must
// not be changed once it serves; its methods may be called from any goroutine.
type Service struct {
	// Mux has the actions.
	Mux *Mux
	// Certificate is what the service is known by. Serve needs it.
	Certificate tls.Certificate
	// Config is what every connection is made with.
	Config Config
	// MaxConnections bounds the connections at any time, those included whose
	// handlers have not returned; 0 is 10000, negative is no bound. Serve closes
	// what comes beyond.
	MaxConnections int
	// Messages takes the messages of every connection that are neither requests
	// nor replies, those of the events profile for instance, one after the other
	// as they begin; what it leaves of a body is dropped. Without it such messages
	// are read to their end and dropped, too (WIRE-HDR-08b).
	Messages func(c *Connection, m *MessageReader)

	mu          sync.Mutex
	closed      bool
	cancel      context.CancelCauseFunc
	ctx         context.Context
	listeners   map[net.Listener]struct{}
	connections map[*Connection]struct{}
	transports  map[net.Conn]struct{} // still in their handshake
	serves      sync.WaitGroup        // Serve and ServeConn calls
}

// ErrServiceClosed is what Serve and ServeConn return after Close.
var ErrServiceClosed = errors.New("scamp: service closed")

// begin notes a new Serve, which has a listener, or ServeConn. Whatever has begun
// when Close comes is ended by it.
func (s *Service) begin(ln net.Listener) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrServiceClosed
	}
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancelCause(context.Background())
		s.listeners = map[net.Listener]struct{}{}
		s.connections = map[*Connection]struct{}{}
		s.transports = map[net.Conn]struct{}{}
	}
	if ln != nil {
		s.listeners[ln] = struct{}{}
	}
	s.serves.Add(1)
	return s.ctx, nil
}

// Serve accepts connections on ln, does the TLS handshakes and answers requests,
// until ln fails or the service is closed. It closes ln.
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
		if ctx.Err() != nil {
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

func temporary(err error) bool {
	var e net.Error
	//lint:ignore SA1019 it is what accept loops have for "try again"
	return errors.As(err, &e) && e.Temporary()
}

// admit counts a transport in, unless there are too many or the service is closed.
func (s *Service) admit(nc net.Conn) bool {
	limit := s.MaxConnections
	if limit == 0 {
		limit = 10000
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || limit > 0 && len(s.connections)+len(s.transports) >= limit {
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
	s.mu.Unlock()
	c.wg.Wait()
	c.served.Wait() // a connection takes its place until nothing is left of it
	s.mu.Lock()
	delete(s.connections, c)
	s.mu.Unlock()
	return c.Err()
}

// Close ends everything at once: listeners, connections, and the contexts of
// handlers. It waits until the handlers have returned, so that none of them may
// call it. It always returns nil.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	if s.cancel != nil {
		s.cancel(ErrServiceClosed)
	}
	for ln := range s.listeners {
		ln.Close()
	}
	for nc := range s.transports {
		nc.Close()
	}
	var open []*Connection
	for c := range s.connections {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.fail(ErrServiceClosed)
	}
	s.serves.Wait()
	return nil
}
