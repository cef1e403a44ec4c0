package conformance

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// OverTLS says how the server of this program is reached where TLS itself is tried: for every such case start makes a
// fresh server whose serve is given transports and does the handshakes. Fingerprint is that of its certificate; with ""
// any will do. Without OverTLS such cases are unsupported.
func (s *Subject) OverTLS(start func() (serve func(net.Conn), stop func()), fingerprint string) *Subject {
	s.startTLS, s.fingerprint = start, fingerprint
	s.tls = clientTLS(fingerprint)
	return s
}

// clientTLS returns the settings of the tester's ordinary connections.
func clientTLS(fingerprint string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the fingerprint is what counts (WIRE-TLS-01d)
		VerifyConnection: func(s tls.ConnectionState) error {
			if got := fingerprintOf(s.PeerCertificates[0].Raw); fingerprint != "" && got != fingerprint {
				return &FingerprintError{Want: fingerprint, Got: got}
			}
			return nil
		},
	}
}

// overTLS reports whether cases about TLS can be played.
func (s *Subject) overTLS() bool { return s.tls != nil }

// link is a TLS connection that can be reset.
type link struct {
	*tls.Conn
	transport net.Conn
}

// Reset aborts the connection below TLS.
func (l *link) Reset() error { return resetTransport(l.transport) }

// Close ends the connection; it does not wait for a peer that takes no octets.
func (l *link) Close() error {
	l.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	return l.Conn.Close()
}

// bare is a connection without TLS that can be reset.
type bare struct{ net.Conn }

func (b bare) Reset() error { return resetTransport(b.Conn) }

// CloseWrite ends the direction that the tester writes.
func (b bare) CloseWrite() error {
	if c, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

func resetTransport(nc net.Conn) error {
	switch t := nc.(type) {
	case *net.TCPConn:
		t.SetLinger(0)
	case interface{ Reset() error }:
		return t.Reset()
	}
	return nc.Close()
}

// shake puts TLS on a transport. The transport is left alone if that fails.
func shake(ctx context.Context, transport net.Conn, cfg *tls.Config, timeout time.Duration) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	l := &link{tls.Client(transport, cfg), transport}
	return l, l.HandshakeContext(ctx)
}

// way is how a case reaches the subject.
func (s *Subject) way(c *Case) *Subject {
	if s.startTLS == nil || !c.aboutTLS() {
		return s
	}
	over := *s
	over.start = s.startTLS
	return &over
}
