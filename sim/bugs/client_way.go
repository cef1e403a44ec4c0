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

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A way is how a wrong client makes its connections.
type way struct {
	forged     bool // it believes that the server has the announced certificate, whatever it presents
	held       bool // … and sends nothing where the server has not
	lingers    bool // connections that the client has ended stay open
	plain      bool // it sends a line of text before it begins with TLS
	halfCloses bool // it ends its direction when a request is complete
	tls12Off   bool // TLS 1.3 alone
}

// intercept makes a Dial between the requester and the world: TLS on both sides, packets in between. The requester is
// presented the certificate of the server; the fixtures' keys are public.
func intercept(w calling.World, how way, filters func() interpose.Config, process *server) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := w.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if how.plain {
			nc.Write([]byte("STARTTLS\r\n"))
		}
		ours, theirs := simnet.Pipe(0)
		m := &middle{world: w, address: address, how: how, up: nc, down: ours, process: process}
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
}

// hangUp is called when the requester has closed.
func (m *middle) hangUp() {
	if !m.how.lingers {
		m.up.Close()
	}
}

func (m *middle) run(cfg interpose.Config) {
	server := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if m.how.tls12Off {
		server.MinVersion = tls.VersionTLS13
	}
	up := tls.Client(m.up, server)
	if up.Handshake() != nil {
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
	if m.how.held && !bytes.Equal(presented, believed) {
		go io.Copy(io.Discard, down)
	} else {
		go m.send(filtered, down)
	}
	io.Copy(down, filtered)
	down.Close()
	filtered.Close()
}

// send carries what the requester sends.
func (m *middle) send(up *interpose.Conn, down *tls.Conn) {
	io.Copy(up, down)
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
