package scamp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
	"github.com/gudtech/scamp-sim/scamp/ticket"
)

// OpenService makes a service of a configuration file, for Run: its key pair is
// that of the name, and it has the ticket key, the time-outs and the limits that
// the file names. An empty path looks for the file where every program of the bus
// does (see soaconf.Load). Errors name the key that is wrong.
//
// The Mux is empty. The Authority has no Fetch: Run gives it one. Where worker.limit is set, Wrap is a LimitConcurrency of that many
// requests, and sixteen times as many waiting. All fields may be changed before Run.
func OpenService(path, name string) (*Service, error) {
	conf, err := soaconf.Load(path)
	if err != nil {
		return nil, err
	}
	return OpenServiceConfig(conf, name, nil)
}

// OpenServiceConfig is OpenService for a configuration that has been read. A nil
// logger is silent.
func OpenServiceConfig(conf *soaconf.Config, name string, logger *slog.Logger) (*Service, error) {
	if name == "" {
		return nil, errors.New("scamp: a service needs a name: its key pair is found by it")
	}
	s := &Service{Name: name, Mux: new(Mux), Config: Config{Logger: logger}, conf: conf}
	var err error
	if s.signer, s.Certificate, err = keyPair(conf.KeyPair(name)); err != nil {
		return nil, err
	}
	cfg := &s.Config
	var errs [5]error
	var rpc time.Duration
	cfg.IdleTimeout, errs[0] = conf.ServerTimeout()
	cfg.Window, errs[1] = conf.MaxInflight()
	cfg.HandlerTimeout, errs[2] = conf.WorkerTimeout()
	rpc, errs[3] = conf.RPCTimeout()
	cfg.CallTimeout, cfg.MessageTimeout = rpc, 2*rpc // WIRE-TIME-11
	limit, err := conf.WorkerLimit()
	errs[4] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if _, set := conf.Lookup("worker.limit"); set && limit > 0 {
		s.Wrap = LimitConcurrency(limit, 16*limit)
	}
	s.Authority = new(ticket.Authority)
	if s.Authority.Key, err = ticket.LoadPublicKey(conf.TicketKey()); err != nil { // DISC-TKT-08b
		s.keyless = fmt.Errorf("only noauth actions run: auth.ticket_verify_public_key: %w", err)
	}
	return s, nil
}

// keyPair reads the private key and the certificate of a service. The certificate
// that callers see is the one whose fingerprint is announced: the first in the
// file, which must belong to the key.
func keyPair(keyFile, certFile string) (*discovery.Signer, tls.Certificate, error) {
	var cert tls.Certificate
	fail := func(err error) (*discovery.Signer, tls.Certificate, error) {
		return nil, cert, fmt.Errorf("scamp: key %s, certificate %s: %w", keyFile, certFile, err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return fail(err)
	}
	text, err := os.ReadFile(certFile)
	if err != nil {
		return fail(err)
	}
	signer, err := discovery.NewSigner(key, text)
	if err != nil {
		return fail(err)
	}
	if cert, err = tls.X509KeyPair(text, key); err != nil {
		return fail(err)
	}
	return signer, cert, nil
}
