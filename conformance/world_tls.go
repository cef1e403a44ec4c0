package conformance

import (
	"crypto/tls"
	"net"
)

// A served connection is the tester's end of a TLS connection that the subject has opened.
type served struct {
	*tls.Conn
	transport net.Conn
}

// secured makes the server's end of a TLS connection that presents an identity. version is "1.2", "1.3" or "" for both.
func secured(nc net.Conn, identity, version string) net.Conn {
	cfg := &tls.Config{Certificates: []tls.Certificate{identityOf(identity).tls}, MinVersion: tls.VersionTLS12}
	switch version {
	case "1.2":
		cfg.MaxVersion = tls.VersionTLS12
	case "1.3":
		cfg.MinVersion = tls.VersionTLS13
	}
	return &served{tls.Server(nc, cfg), nc}
}

// Reset aborts the transport.
func (s *served) Reset() error {
	if r, ok := s.transport.(interface{ Reset() error }); ok {
		return r.Reset()
	}
	return s.transport.Close()
}
