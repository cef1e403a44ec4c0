package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
)

// prepareTLS lets the play open connections below TLS, where its case is about that.
func (pl *play) prepareTLS() {
	if !pl.c.aboutTLS() {
		return
	}
	s := *pl.subject
	if s.tls == nil { // it has no TLS, and is tried all the same
		s.tls = clientTLS("")
	}
	if !s.virtual() {
		pl.below = func() (net.Conn, error) {
			ctx, cancel := context.WithTimeout(pl.ctx, pl.opt.Timeout)
			defer cancel()
			return s.transport(ctx)
		}
		return
	}
	pl.below = pl.dial
	pl.dial = func() (net.Conn, error) {
		nc, err := pl.below()
		if err != nil {
			return nil, err
		}
		return s.secure(context.Background(), nc, pl.opt.Timeout)
	}
}

// agreed is what came of a handshake.
type agreed struct {
	failed      error
	state       tls.ConnectionState
	certificate string // the fingerprint of the certificate that came; "" is none
	asks        bool   // the subject has asked for a certificate of the tester
}

// connectBelow opens a connection without TLS, or with a handshake that the steps look at.
func (pl *play) connectBelow(do Connect) *stop {
	nc, err := pl.below()
	if err != nil {
		return pl.unreachable(err)
	}
	if do.Below.Plain {
		pl.mu.Lock()
		defer pl.mu.Unlock()
		p := pl.admit(do.Name, bare{nc})
		p.plain = true
		pl.named[do.Name] = p
		p.begin()
		return nil
	}
	a := new(agreed)
	ctx := pl.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	l, err := shake(ctx, nc, a.settings(do.Below), pl.opt.Timeout)
	if errors.Is(err, context.DeadlineExceeded) {
		nc.Close()
		return harmed("the TLS handshake is not over within %v", pl.opt.Timeout)
	}
	a.failed, a.state = err, l.ConnectionState()
	pl.mu.Lock()
	defer pl.mu.Unlock()
	p := pl.admit(do.Name, l)
	p.agreed = a
	pl.named[do.Name] = p
	if err != nil {
		err = fmt.Errorf("TLS handshake: %w", err)
		p.end, p.failed = err, err
		pl.note(p, entry{what: err.Error()})
	}
	p.begin()
	return nil
}

// settings are those of a connection that the case describes. Nothing of the certificate stops it.
func (a *agreed) settings(b *Below) *tls.Config {
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(certificates [][]byte, _ [][]*x509.Certificate) error {
			a.certificate = fingerprintOf(certificates[0])
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			a.asks = true
			return new(tls.Certificate), nil
		},
	}
	switch b.Version {
	case "1.2":
		cfg.MaxVersion = tls.VersionTLS12
	case "1.3":
		cfg.MinVersion = tls.VersionTLS13
	}
	for _, s := range suites() {
		if s.Name == b.Suite {
			cfg.CipherSuites = []uint16{s.ID}
		}
	}
	return cfg
}

// value is what patterns are compared with.
func (a *agreed) value(want string) jsonValue {
	certificate := "none"
	switch {
	case a.certificate == "":
	case want == "":
		certificate = "unknown"
	case a.certificate == want:
		certificate = "expected"
	default:
		certificate = "another"
	}
	version := strings.TrimPrefix(tls.VersionName(a.state.Version), "TLS ")
	v, err := parseJSON(fmt.Appendf(nil, `{"established":%t,"version":%q,"suite":%q,"certificate":%q,"asks":%t}`,
		a.failed == nil, version, tls.CipherSuiteName(a.state.CipherSuite), certificate, a.asks))
	if err != nil {
		panic(err) // it is written above
	}
	return v
}

// tlsCondition looks at the handshake of a connection.
func (pl *play) tlsCondition(c *condition, do ExpectTLS) error {
	a := c.p.agreed
	if a == nil {
		return fmt.Errorf("the handshake of connection %s is not looked at; open it with connect %s tls", c.p.name, c.p.name)
	}
	c.check = func() (state, *stop) {
		if do.Pattern == nil && a.failed != nil {
			return never, failed("the handshake failed: %v", a.failed)
		}
		if do.Pattern != nil {
			if why := do.Pattern.match(a.value(pl.subject.fingerprint), pl.env.Vars); why != "" {
				if a.failed != nil {
					why += fmt.Sprintf("; the handshake failed: %v", a.failed)
				}
				return never, failed("the handshake differs: %s", why)
			}
		}
		return met, nil
	}
	return nil
}

// The content types of TLS records that a server may send to whom it does not understand.
const (
	recordAlert     = 21
	recordHandshake = 22
)

// plainAnswer says what has come on a connection without TLS that is not TLS; "" is nothing. play.mu is held.
func (p *peer) plainAnswer() string {
	if b := p.octetsIn; len(b) > 0 && (b[0] != recordAlert && b[0] != recordHandshake || len(b) > 1 && b[1] != 3) {
		return "an answer in plain text: " + showOctets(b)
	}
	return ""
}
