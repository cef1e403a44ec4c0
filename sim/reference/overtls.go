package reference

import (
	"net"
	"sync"

	"github.com/gudtech/scamp-sim/scamp"
)

// OverTLS gives a service transports one by one, in memory or not: serve returns when its transport is closed. The
// service does the handshakes itself, as for whatever it accepts. stop ends it.
func OverTLS(svc *scamp.Service) (serve func(net.Conn), stop func()) {
	l := &handed{transports: make(chan net.Conn), over: make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		svc.Serve(l)
	}()
	serve = func(nc net.Conn) {
		t := &transport{Conn: nc, closed: make(chan struct{})}
		select {
		case l.transports <- t:
			<-t.closed
		case <-l.over:
			nc.Close()
		}
	}
	return serve, func() {
		svc.Close()
		<-ended
	}
}

// handed is a listener for what it is handed.
type handed struct {
	transports chan net.Conn
	once       sync.Once
	over       chan struct{}
}

func (l *handed) Accept() (net.Conn, error) {
	select {
	case nc := <-l.transports:
		return nc, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *handed) Close() error {
	l.once.Do(func() { close(l.over) })
	return nil
}

func (l *handed) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "sim" }
func (address) String() string  { return "memory" }

// A transport tells when it is closed.
type transport struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (t *transport) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() { close(t.closed) })
	return err
}
