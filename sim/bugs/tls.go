package bugs

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// A peeked transport gives again what has been read of it.
type peeked struct {
	net.Conn
	first []byte
}

func (p *peeked) Read(b []byte) (int, error) {
	if len(p.first) > 0 {
		n := copy(b, p.first)
		p.first = p.first[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// peek waits for the first octet, at most for d where that is positive.
func peek(nc net.Conn, d time.Duration) (p *peeked, err error) {
	first := make([]byte, 1)
	if d > 0 {
		nc.SetReadDeadline(time.Now().Add(d))
		defer nc.SetReadDeadline(time.Time{})
	}
	n, err := io.ReadFull(nc, first)
	return &peeked{nc, first[:n]}, err
}

// old reports whether a client has TLS 1.2 at most.
func old(hello *tls.ClientHelloInfo) bool {
	return !slices.Contains(hello.SupportedVersions, tls.VersionTLS13)
}

// forOld makes a bug that has other settings for clients without TLS 1.3.
func forOld(change func(cfg *tls.Config)) func(cfg *tls.Config) {
	return func(cfg *tls.Config) {
		other := cfg.Clone()
		change(other)
		cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if old(hello) {
				return other, nil
			}
			return nil, nil
		}
	}
}

// handshake is the content type of the record that a TLS connection begins with.
const handshake = 22

var belowPackets = []Server{
	{Name: "greets-in-plain-text", Rule: "WIRE-TLS-01a", Title: "greets a peer in plain text when no TLS comes for 200 ms",
		accept: func(_ *server, nc net.Conn, a acceptance) {
			p, err := peek(nc, 200*time.Millisecond)
			if err != nil {
				io.WriteString(nc, "220 SCAMP ready\r\n")
			}
			a.rightly(p)
		}},
	{Name: "presents-another-certificate", Rule: "WIRE-TLS-01b", Title: "presents another certificate to clients without TLS 1.3",
		secure: forOld(func(cfg *tls.Config) { cfg.Certificates = []tls.Certificate{fixtures.Certificate("other")} })},
	{Name: "demands-client-certificates", Rule: "WIRE-TLS-01c", Title: "demands a certificate of clients without TLS 1.3",
		secure: forOld(func(cfg *tls.Config) { cfg.ClientAuth = tls.RequireAnyClientCert })},
	{Name: "has-no-usual-suite", Rule: "WIRE-TLS-04b", Title: "takes nothing but ChaCha20 under TLS 1.2",
		secure: func(cfg *tls.Config) { cfg.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256} }},
	{Name: "dies-of-failed-handshakes", Rule: "WIRE-TLS-06", Title: "ends when three hundred handshakes have failed",
		accept: func(w *server, nc net.Conn, a acceptance) {
			if !w.alive() || a.rightly(nc) == nil {
				return
			}
			if w.count()%300 == 0 {
				w.die()
			}
		}},
	{Name: "speaks-plain-text-too", Rule: "WIRE-TLS-07", Title: "speaks without TLS to peers that do",
		accept: func(_ *server, nc net.Conn, a acceptance) {
			p, err := peek(nc, 0)
			switch {
			case err != nil:
			case p.first[0] == handshake:
				a.rightly(p)
			default:
				a.answer(p)
			}
		}},
}

// count counts what is odd, from 1.
func (w *server) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.odd++
	return w.odd
}

func (w *server) alive() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !time.Now().Before(w.dead)
}
