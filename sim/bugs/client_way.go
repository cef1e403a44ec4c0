package bugs

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"net"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A way is how a wrong client makes its connections.
type way struct {
	forged   bool          // it believes that the server has the announced certificate, whatever it presents
	held     bool          // … and sends nothing where the server has not
	lingers  bool          // connections that the client has ended stay open
	plain    bool          // it sends a line of text before it begins with TLS
	no13     bool          // it has neither TLS 1.2 nor 1.3
	validity bool          // it demands that certificates are valid
	fragile  bool          // it dies of a handshake that fails
	goodbye  bool          // it takes its leave with a packet of its own
	once     bool          // it connects to an address once
	pooled   bool          // it has one connection to an address, whatever its certificate is
	redials  time.Duration // how often it tries to connect once a connection was lost; 0 is never
}

// intercept makes a Dial between the requester and the world: TLS on both sides, packets in between. The requester is
// presented the certificate of the server; the fixtures' keys are public.
func intercept(w calling.World, how way, filters func() interpose.Config, process *server) func(ctx context.Context, network, address string) (net.Conn, error) {
	p := &pool{dialled: map[string]int{}, up: map[string]*interpose.Conn{}}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if how.once && p.again(address) {
			return nil, net.ErrClosed
		}
		if up := p.open(address); how.pooled && up != nil {
			ours, theirs := simnet.Pipe(0)
			m := &middle{world: w, address: address, how: how, down: ours}
			go m.share(up)
			return theirs, nil
		}
		nc, err := w.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if how.plain {
			nc.Write([]byte("STARTTLS\r\n"))
		}
		ours, theirs := simnet.Pipe(0)
		m := &middle{world: w, address: address, how: how, up: nc, down: ours, process: process, pool: p}
		go m.run(filters())
		return &hooked{theirs, m.hangUp}, nil
	}
}

// hooked tells when the requester has closed.
type hooked struct {
	*simnet.Conn
	closed func()
}

func (h *hooked) Close() error {
	err := h.Conn.Close()
	h.closed()
	return err
}

// A middle stands between a requester and a server.
type middle struct {
	world   calling.World
	address string
	how     way
	up      net.Conn // to the server
	down    net.Conn // to the requester
	process *server
	pool    *pool
}

// A pool is what the connections of one wrong client know of each other.
type pool struct {
	mu      sync.Mutex
	dialled map[string]int
	up      map[string]*interpose.Conn
}

// again reports whether an address was dialled before.
func (p *pool) again(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialled[address]++
	return p.dialled[address] > 1
}

func (p *pool) open(address string) *interpose.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up[address]
}

func (p *pool) keep(address string, up *interpose.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up[address] = up
}

// share sends over a connection that there is.
func (m *middle) share(up *interpose.Conn) {
	down := tls.Server(m.down, &tls.Config{Certificates: []tls.Certificate{certificate(announced(m.world.Files, m.address, nil))}})
	if down.Handshake() == nil {
		io.Copy(up, down)
	}
	m.down.Close()
}

// hangUp is called when the requester has closed.
func (m *middle) hangUp() {
	if !m.how.lingers && !m.how.goodbye {
		m.up.Close()
	}
}

func (m *middle) run(cfg interpose.Config) {
	server := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if m.how.no13 {
		server.MinVersion, server.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}
	up := tls.Client(m.up, server)
	err := up.Handshake()
	if err == nil && m.how.validity && time.Now().After(up.ConnectionState().PeerCertificates[0].NotAfter) {
		err = x509.CertificateInvalidError{Reason: x509.Expired}
	}
	if err != nil {
		if m.how.fragile {
			m.process.die()
		}
		m.up.Close()
		m.down.Close()
		return
	}
	presented := up.ConnectionState().PeerCertificates[0].Raw
	believed := presented
	if m.how.forged {
		believed = announced(m.world.Files, m.address, presented)
	}
	down := tls.Server(m.down, &tls.Config{Certificates: []tls.Certificate{certificate(believed)}})
	if down.Handshake() != nil {
		if !m.how.lingers {
			up.Close()
			m.down.Close()
			return
		}
		m.down.Close()
		io.Copy(io.Discard, up)
		up.Close()
		return
	}
	filtered := interpose.Wrap(up, cfg)
	if !m.process.enter(filtered) {
		filtered.Close()
	}
	defer m.process.leave(filtered)
	m.pool.keep(m.address, filtered)
	defer m.pool.keep(m.address, nil)
	if m.how.held && !bytes.Equal(presented, believed) {
		go io.Copy(io.Discard, down)
	} else {
		go m.send(filtered, down)
	}
	io.Copy(down, filtered)
	down.Close()
	filtered.Close()
	m.redial()
}

// redial goes on connecting once a connection was lost, where that is the client's way.
func (m *middle) redial() {
	if m.how.redials == 0 {
		return
	}
	for {
		select {
		case <-m.process.gone:
			return
		case <-time.After(m.how.redials):
		}
		if nc, err := m.world.Dial(context.Background(), "tcp", m.address); err == nil {
			nc.Close()
		}
	}
}

// send carries what the requester sends.
func (m *middle) send(up *interpose.Conn, down *tls.Conn) {
	io.Copy(up, down)
	if m.how.goodbye {
		up.Write([]byte("QUIT 0 0\r\nEND\r\n"))
	}
	if !m.how.lingers {
		up.Close()
	}
}

// certificate makes a certificate of its DER form: the key is one of the fixtures'.
func certificate(der []byte) tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{der}}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return c
	}
	for _, name := range []string{"server", "other"} {
		key := fixtures.Certificate(name).PrivateKey.(*rsa.PrivateKey)
		if key.PublicKey.Equal(parsed.PublicKey) {
			c.PrivateKey = key
		}
	}
	return c
}

// announced returns the certificate that is announced for an address, or otherwise where there is none.
func announced(files fs.FS, address string, otherwise []byte) []byte {
	cache, err := fs.ReadFile(files, calling.Cache)
	if err != nil {
		return otherwise
	}
	for _, record := range bytes.Split(cache, []byte("\n%%%\n")) {
		if block, _ := pem.Decode(record); block != nil && bytes.Contains(record, []byte(address+`"`)) {
			return block.Bytes
		}
	}
	return otherwise
}
