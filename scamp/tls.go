package scamp

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"
)

// Fingerprint returns the fingerprint of a certificate in DER form: SHA-1 as 20
// upper-case hexadecimal octets joined with ':'.
func Fingerprint(der []byte) string {
	sum := sha1.Sum(der)
	b := make([]byte, 0, 3*len(sum))
	for i, c := range sum {
		if i > 0 {
			b = append(b, ':')
		}
		b = fmt.Appendf(b, "%02X", c)
	}
	return string(b)
}

// Dial connects to a service at a known address: "host:port", or the URI of an
// announcement (WIRE-CONN-06). The server's certificate must have
// cfg.Fingerprint; it is checked before any octet is sent or read, and nothing
// else of the certificate is (WIRE-TLS-01d, WIRE-TLS-02). Errors are
// *ConnectionError, with Sent false.
func Dial(ctx context.Context, address string, cfg Config) (*Connection, error) {
	cfg = cfg.filled(clientIdle)
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	hostport, err := HostPort(address)
	if err != nil {
		return nil, &ConnectionError{Err: err}
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", hostport)
	if err != nil {
		return nil, &ConnectionError{Err: err}
	}
	return Client(ctx, nc, cfg)
}

// Client makes a connection of a transport that has been dialled: it does the
// TLS handshake and the check of the certificate as Dial does, within
// cfg.ConnectTimeout. It owns nc.
func Client(ctx context.Context, nc net.Conn, cfg Config) (*Connection, error) {
	cfg = cfg.filled(clientIdle)
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout) // WIRE-TIME-06
	defer cancel()
	tc, err := ClientTLS(cfg)
	if err != nil {
		nc.Close()
		return nil, &ConnectionError{Err: err}
	}
	conn := secure(nc, tc, tls.Client)
	if err := conn.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, &ConnectionError{Err: fmt.Errorf("TLS handshake: %w", err)}
	}
	return newConnection(conn, cfg, nil), nil
}

// ClientTLS returns the TLS settings of a client: the fingerprint is checked
// within the handshake, so that neither side gets an application octet before.
func ClientTLS(cfg Config) (*tls.Config, error) {
	if cfg.Fingerprint == "" && !cfg.Unverified {
		return nil, ErrNoFingerprint
	}
	want := strings.ToUpper(cfg.Fingerprint)
	return &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		InsecureSkipVerify:          true, // the fingerprint is what counts
		DynamicRecordSizingDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if cfg.Unverified {
				return nil
			}
			if got := Fingerprint(s.PeerCertificates[0].Raw); got != want {
				return &FingerprintError{Want: want, Got: got}
			}
			return nil
		},
	}, nil
}

// serverTLS returns the TLS settings of a service (WIRE-TLS-01, WIRE-TLS-04).
func serverTLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		Certificates:                []tls.Certificate{cert},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
	}
}

// HostPort returns the "host:port" of an address: it may have the scheme
// beepish+tls or its legacy alias scamp+tls (WIRE-CONN-06b, 06c).
func HostPort(address string) (string, error) {
	hostport := address
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		if scheme != "beepish+tls" && scheme != "scamp+tls" {
			return "", fmt.Errorf("address %q: the scheme is not beepish+tls", address)
		}
		hostport = rest
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || host == "" || port == "" {
		return "", fmt.Errorf("address %q is not host:port", address)
	}
	return hostport, nil
}

// handshake does the server's part of TLS within d. It owns nc if it fails.
func handshake(ctx context.Context, nc net.Conn, cfg *tls.Config, d time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	conn := secure(nc, cfg, tls.Server)
	if err := conn.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return conn, nil
}
