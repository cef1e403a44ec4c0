package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/bugs"
	"github.com/gudtech/scamp-sim/sim/reference"
)

func newServe() *cobra.Command {
	var listen, cert, key, bug string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Offers the fixture actions of the specification on a port",
		Long: `serve is a server to try requesters with, and the subject that the suite is
tried with: it offers Conformance.echo, blob, slow, fail and count, and
Conformance.secured to tickets of the fixture key that have privilege 7.

When it is ready it prints one line: its URI and the fingerprint of its
certificate, separated by a TAB. Without --cert and --key it uses the fixture
certificate, whose key is public: for tests on your own machine only.

When it is told to stop it answers the requests in progress, for up to 10 s.

With --bug it breaks the protocol in one way; "--bug list" names all ways.`,
		Args: cobra.NoArgs,
		Example: `  scamp-sim serve
  scamp-sim serve --listen 127.0.0.1:0 --bug accepts-bare-lf`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if bug == "list" {
				return listBugs(cmd)
			}
			certificate, err := loadCertificate(cert, key)
			if err != nil {
				return err
			}
			ln, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("cannot listen: %w; choose another address with --listen", err)
			}
			logger := slog.New(slog.DiscardHandler)
			if verbose {
				logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			}
			serve, stop, err := newServer(bug, certificate, logger)
			if err != nil {
				ln.Close()
				return err
			}
			stopped := make(chan struct{})
			context.AfterFunc(cmd.Context(), func() {
				stop()
				close(stopped)
			})
			fmt.Fprintf(cmd.OutOrStdout(), "beepish+tls://%s\t%s\n", ln.Addr(), scamp.Fingerprint(certificate.Certificate[0]))
			err = serve(ln)
			if cmd.Context().Err() != nil {
				<-stopped
			}
			if errors.Is(err, scamp.ErrServiceClosed) {
				return nil
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:30100", "address to listen on; port 0 chooses one")
	flags.StringVar(&cert, "cert", "", "PEM file of the certificate (with --key)")
	flags.StringVar(&key, "key", "", "PEM file of its private key (with --cert)")
	flags.StringVar(&bug, "bug", "", `way to break the protocol; "list" prints them with the rules they break`)
	flags.BoolVarP(&verbose, "verbose", "v", false, "log what happens on standard error")
	return cmd
}

func listBugs(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, b := range bugs.Servers() {
		if b.Slow {
			continue // nobody waits for it at a port
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", b.Name, b.Rule, b.Title)
	}
	return w.Flush()
}

func loadCertificate(cert, key string) (tls.Certificate, error) {
	if cert == "" && key == "" {
		return fixtures.Certificate("server"), nil
	}
	if cert == "" || key == "" {
		return tls.Certificate{}, errors.New("--cert and --key belong together: give both, or neither for the fixture certificate")
	}
	c, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return c, fmt.Errorf("cannot use certificate %s with key %s: %w", cert, key, err)
	}
	return c, nil
}

// lastRequests is how long requests in progress keep a server that is told to stop.
const lastRequests = 10 * time.Second

// newServer returns the reference, or the wrong server of this name: serve
// answers what a listener accepts, stop ends it.
func newServer(bug string, cert tls.Certificate, logger *slog.Logger) (serve func(net.Listener) error, stop func(), err error) {
	if bug == "" {
		svc := &scamp.Service{Mux: reference.NewMux(), Authority: reference.NewAuthority(), Certificate: cert, Config: scamp.Config{Logger: logger}}
		svc.Grace = -1 // nobody is told that it stops
		stop = func() {
			ctx, cancel := context.WithTimeout(context.Background(), lastRequests)
			defer cancel()
			if svc.Shutdown(ctx) != nil {
				logger.Warn("stopped before its requests were answered")
			}
		}
		return svc.Serve, stop, nil
	}
	b, ok := bugs.Lookup(bug)
	if !ok {
		return nil, nil, fmt.Errorf(`there is no bug %q: "scamp-sim serve --bug list" prints them`, bug)
	}
	answer, stopAll := b.StartTLS(logger, cert)
	listeners := make(chan net.Listener, 1)
	serve = func(ln net.Listener) error {
		listeners <- ln
		return acceptAll(ln, answer)
	}
	stop = func() {
		select {
		case ln := <-listeners:
			ln.Close()
		default:
		}
		stopAll()
	}
	return serve, stop, nil
}

// acceptAll gives every connection to answer, until ln is closed.
func acceptAll(ln net.Listener, answer func(net.Conn)) error {
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go answer(nc)
	}
}
