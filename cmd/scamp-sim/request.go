package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/wire"
)

func newRequest() *cobra.Command {
	var server, fingerprint, envelope, ticket string
	var insecure, verbose bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "request ACTION[~VERSION] [BODY | - | @FILE]",
		Short: "Sends one request and prints the reply's body",
		Long: `request calls an action of the server at --server and writes the reply's body
to standard output as it comes. The body of the request is the argument, or
standard input for "-", or a file for "@FILE"; without one it is {}.

An error reply goes to standard error as "code: text"; the exit status is 1.`,
		Example: `  scamp-sim request --server 127.0.0.1:30100 --insecure Conformance.echo '{"hello":"world"}'
  scamp-sim request --server 127.0.0.1:30100 --fingerprint FP Conformance.echo~1 @big.json > reply.json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkServer(server, fingerprint, insecure); err != nil {
				return err
			}
			r, err := newCall(cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			if c, ok := r.Body.(io.Closer); ok {
				defer c.Close()
			}
			r.Envelope, r.Ticket = envelope, ticket
			cfg := scamp.Config{Fingerprint: fingerprint, Unverified: insecure}
			if verbose {
				cfg.Trace = tracePackets(cmd.ErrOrStderr())
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return request(ctx, server, cfg, r, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&server, "server", "", "HOST:PORT or URI of the server")
	flags.StringVar(&fingerprint, "fingerprint", "", "fingerprint that its certificate must have")
	flags.BoolVar(&insecure, "insecure", false, "accept any certificate")
	flags.StringVar(&envelope, "envelope", "json", "envelope of the body")
	flags.StringVar(&ticket, "ticket", "", "ticket to send along")
	flags.DurationVar(&timeout, "timeout", 75*time.Second, "how long to wait for the whole reply")
	flags.BoolVarP(&verbose, "verbose", "v", false, "show the packets as they pass, on standard error")
	return cmd
}

// checkServer says what is wrong with the flags that name a server.
func checkServer(server, fingerprint string, insecure bool) error {
	switch {
	case server == "":
		return errors.New("no server: name one with --server HOST:PORT")
	case fingerprint == "" && !insecure:
		return errors.New("no certificate to expect: give --fingerprint FP, or --insecure to accept any")
	case fingerprint != "" && insecure:
		return errors.New("--fingerprint and --insecure exclude each other")
	}
	_, err := scamp.HostPort(server)
	return err
}

// newCall makes the request that the arguments ask for.
func newCall(stdin io.Reader, args []string) (*scamp.Request, error) {
	action, version := args[0], 1
	if name, text, ok := strings.Cut(action, "~"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("version %q of action %s is not an integer from 1", text, name)
		}
		action, version = name, n
	}
	r := scamp.NewRequest(action, []byte("{}"))
	r.Version = version
	if len(args) < 2 {
		return r, nil
	}
	switch body := args[1]; {
	case body == "-":
		r.Body = stdin
	case strings.HasPrefix(body, "@"):
		f, err := os.Open(body[1:])
		if err != nil {
			return nil, fmt.Errorf("cannot read the body: %w", err)
		}
		r.Body = f
	default:
		r.Body = bytes.NewBufferString(body)
	}
	return r, nil
}

func request(ctx context.Context, server string, cfg scamp.Config, r *scamp.Request, out io.Writer) error {
	c, err := scamp.Dial(ctx, server, cfg)
	if err != nil {
		return cannotReach(server, err)
	}
	defer c.Close()
	reply, err := c.Call(ctx, r)
	if err == nil {
		defer reply.Body.Close()
		_, err = io.Copy(out, reply.Body)
	}
	if err != nil {
		return &statusError{1, err}
	}
	return nil
}

// cannotReach says why a server cannot be talked to, and what to do.
func cannotReach(server string, err error) error {
	if e := new(scamp.FingerprintError); errors.As(err, &e) {
		return fmt.Errorf("%s is not who you expect: its certificate has the fingerprint %s, not %s", server, e.Got, e.Want)
	}
	if e := new(scamp.ConnectionError); errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("cannot reach %s: %w; is a SCAMP server listening there?", server, err)
}

// tracePackets shows the packets of both directions on w.
func tracePackets(w io.Writer) *scamp.Trace {
	show := func(arrow string) func(*scamp.Connection, wire.Packet) {
		return func(_ *scamp.Connection, p wire.Packet) { fmt.Fprintf(w, "%s %v\n", arrow, p) }
	}
	return &scamp.Trace{PacketSent: show(">"), PacketReceived: show("<")}
}
