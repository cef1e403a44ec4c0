package sim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A Remote is a program of the operating system that an instance stands for.
type Remote struct {
	Address     string // host:port
	Fingerprint string // of its certificate; no other one gets an octet
	Ident       string // by which it is announced
	Sector      string
	Actions     []string // as Name~VERSION
	// Certificate is what the instance shows to who connects.
	Certificate tls.Certificate
}

// remote is what an instance of a service with Remote has besides. It is guarded by
// w.mu.
type remote struct {
	to      *Remote // nil: nobody yet
	record  []byte  // in the cache file of programs outside; nil: none
	killed  bool    // it starts only when it is told to
	open    int     // connections
	served  int     // connections that were made, ever
	trouble string  // why none could be made, when it was tried last
	crowded bool    // that was told
}

// The bounds of connections to programs that instances stand for.
const (
	mostRelayed = 8192             // of a world
	longestMeet = 20 * time.Second // until both handshakes are done
)

// Lead lets new connections to the instance go on to a program of the operating system,
// and starts the instance, unless it was killed or has crashed. It is for services
// with Remote. Connections that exist stay with whom they were made to. What the
// instance is in cache files stays as it is: see Record.
//
// A connection is made to the program first, and its certificate checked; only then is
// the handshake with who connects begun, so that he has certainly sent nothing when
// the program cannot be reached.
func (in *Instance) Lead(to *Remote) {
	w := in.service.w
	w.mu.Lock()
	in.remote.to = to
	in.remote.trouble = ""
	if in.remote.killed || in.crashed {
		w.mu.Unlock()
		return
	}
	in.begin()
}

// Leads returns where the instance leads to; nil if nowhere yet.
func (in *Instance) Leads() *Remote {
	in.service.w.mu.Lock()
	defer in.service.w.mu.Unlock()
	return in.remote.to
}

// Remote reports whether the instance stands for a program of the operating system.
func (in *Instance) Remote() bool { return in.service.spec.Remote }

// Relayed is how many connections lead through the instance now, and how many there
// have been.
func (in *Instance) Relayed() (open, ever int) {
	in.service.w.mu.Lock()
	defer in.service.w.mu.Unlock()
	return in.remote.open, in.remote.served
}

// Record makes a packet what the cache file of programs outside says of the instance;
// nil is nothing.
func (in *Instance) Record(packet []byte) {
	w := in.service.w
	w.mu.Lock()
	defer w.mu.Unlock()
	in.remote.record = packet
	w.cacheState.version++
}

// Grow adds an instance to a service with Remote.
func (s *Service) Grow() *Instance {
	s.w.mu.Lock()
	n := len(s.instances) + 1
	in := &Instance{service: s, number: n, host: fmt.Sprintf("%s-%d", s.spec.Name, n)}
	s.instances = append(s.instances, in)
	s.w.mu.Unlock()
	s.w.Interpose(in.host)
	return in
}

// relay lets a connection go on to the program.
func (in *Instance) relay(nc net.Conn) {
	w := in.service.w
	w.mu.Lock()
	to := in.remote.to
	full := w.relayed >= mostRelayed
	if !full {
		w.relayed++
		in.remote.open++
	}
	tell := full && !in.remote.crowded
	in.remote.crowded = full
	w.mu.Unlock()
	if full {
		if tell {
			w.Note("%s takes no connection: there are %d", in.host, mostRelayed)
		}
		simnet.Reset(nc)
		return
	}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.relayed--
		in.remote.open--
	}()
	near, far, err := in.meet(nc.(*simnet.Stream), to)
	if err != nil {
		simnet.Reset(nc)
		return
	}
	simnet.Bridge(near, far)
}

// meet makes the connection to the program, and then does the handshake with who
// connects. It owns nothing if it fails.
func (in *Instance) meet(nc *simnet.Stream, to *Remote) (near, far net.Conn, err error) {
	w := in.service.w
	ctx, cancel := context.WithTimeout(w.stop, longestMeet)
	defer cancel()
	beyond, err := w.dialRemote(ctx, to)
	in.report(to, err)
	if err != nil {
		return nil, nil, err
	}
	here := tls.Server(nc, &tls.Config{
		Certificates: []tls.Certificate{to.Certificate}, MinVersion: tls.VersionTLS12,
		SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
	})
	if err := here.HandshakeContext(ctx); err != nil {
		simnet.Reset(beyond)
		return nil, nil, err
	}
	w.mu.Lock()
	in.remote.served++
	w.mu.Unlock()
	x := &wired{at: in.host, peer: Outside, id: ConnectionID{Outside, in.host, nc.ID()}, Wire: interpose.NewWire(here, interpose.Options{})}
	w.wired(x)
	return &relayEnd{Conn: x.Wire, tls: here, wire: x.Wire}, &relayEnd{Conn: beyond, tls: beyond}, nil
}

// errLeadsBack is why nobody connects to himself: he would do so again and again.
var errLeadsBack = errors.New("this address leads back here: who was announced there has gone")

// dialRemote connects to the program. No octet of a request has left before its
// certificate is known to be the announced one.
func (w *World) dialRemote(ctx context.Context, r *Remote) (*tls.Conn, error) {
	settings, err := scamp.ClientTLS(scamp.Config{Fingerprint: r.Fingerprint})
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if w.leadsBack(address) {
			return errLeadsBack
		}
		return nil
	}}
	nc, err := dialer.DialContext(ctx, "tcp", r.Address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(nc, settings)
	if err := conn.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return conn, nil
}

// leadsBack reports whether a connection to an address would come to an instance.
func (w *World) leadsBack(address string) bool {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.services {
		for _, in := range s.instances {
			door, err := netip.ParseAddrPort(in.outer)
			if err == nil && door.Port() == to.Port() && (to.Addr().IsUnspecified() || to.Addr().Unmap() == door.Addr().Unmap()) {
				return true
			}
		}
	}
	return false
}

// report notes why the program cannot be reached, when that is something new.
func (in *Instance) report(to *Remote, err error) {
	w := in.service.w
	text := ""
	if wrong := (*scamp.FingerprintError)(nil); errors.As(err, &wrong) {
		text = fmt.Sprintf("the certificate at %s is not the one that is announced; it was sent nothing", to.Address)
	} else if err != nil && w.stop.Err() == nil {
		text = fmt.Sprintf("%s cannot be reached: %v", to.Address, err)
	}
	w.mu.Lock()
	news := in.remote.to == to && in.remote.trouble != text
	if in.remote.to == to {
		in.remote.trouble = text
	}
	w.mu.Unlock()
	switch {
	case news && text != "":
		w.Note("%s: %s", in.host, text)
	case news:
		w.Note("%s reaches %s again", in.host, to.Address)
	}
}

// A relayEnd is one of the two connections that are joined.
type relayEnd struct {
	net.Conn
	tls  *tls.Conn
	wire *interpose.Wire // nil: there are no packet faults
}

// NetConn is what the connection is made over.
func (e *relayEnd) NetConn() net.Conn { return e.tls }

// CloseWrite ends the direction to the peer, behind what is delayed.
func (e *relayEnd) CloseWrite() error {
	if e.wire != nil {
		e.wire.Finish()
	}
	if err := e.tls.CloseWrite(); err != nil {
		return err
	}
	return e.tls.NetConn().(interface{ CloseWrite() error }).CloseWrite()
}

// Reset ends the connection at once.
func (e *relayEnd) Reset() error {
	simnet.Reset(e.tls)
	if e.wire != nil {
		e.wire.Abort()
	}
	return nil
}
