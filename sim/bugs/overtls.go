package bugs

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"
)

// An acceptance is what can be done with a new transport.
type acceptance struct {
	shake  func(nc net.Conn) (net.Conn, error) // the handshake
	answer func(nc net.Conn)                   // answers the packets of a connection
}

// handshakeTime bounds a handshake.
const handshakeTime = 10 * time.Second

// StartTLS makes a fresh server that does the handshakes itself: serve is given
// transports.
func (s Server) StartTLS(logger *slog.Logger, cert tls.Certificate) (serve func(net.Conn), stop func()) {
	w, answer, stopAll := s.start(logger)
	cfg := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if s.secure != nil {
		s.secure(cfg)
	}
	t := &transports{open: map[net.Conn]bool{}}
	a := acceptance{answer: answer, shake: func(nc net.Conn) (net.Conn, error) {
		conn := tls.Server(nc, cfg)
		ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
		defer cancel()
		return conn, conn.HandshakeContext(ctx)
	}}
	accept := s.accept
	if accept == nil {
		accept = func(_ *server, nc net.Conn, a acceptance) { a.rightly(nc) }
	}
	serve = func(nc net.Conn) {
		defer nc.Close()
		if t.enter(nc) {
			defer t.leave(nc)
			accept(w, nc, a)
		}
	}
	return serve, func() {
		t.end()
		stopAll()
	}
}

// rightly does what is right with a transport.
func (a acceptance) rightly(nc net.Conn) error {
	conn, err := a.shake(nc)
	if err == nil {
		a.answer(conn)
	}
	return err
}

// transports are those that a server has open.
type transports struct {
	mu   sync.Mutex
	over bool
	open map[net.Conn]bool
}

func (t *transports) enter(nc net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.open[nc] = true
	}
	return !t.over
}

func (t *transports) leave(nc net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, nc)
}

// end closes them all, and those that come from now on.
func (t *transports) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	for nc := range t.open {
		nc.Close()
	}
}
