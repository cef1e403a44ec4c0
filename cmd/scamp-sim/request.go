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
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/wire"
)

type requestFlags struct {
	server, fingerprint, config, cache, authorized string
	sector, ident, envelope, ticket                string
	insecure, verbose                              bool
	timeout                                        time.Duration
}

func newRequest() *cobra.Command {
	var f requestFlags
	cmd := &cobra.Command{
		Use:   "request ACTION[~VERSION] [BODY | - | @FILE]",
		Short: "Sends one request and prints the reply's body",
		Long: `request calls an action and writes the reply's body to standard output as it
comes. The body of the request is the argument, or standard input for "-", or a
file for "@FILE"; without one it is {}.

It finds a service as every requester of the bus does, with the discovery cache
and the authorised services of the configuration: the one of --config, or the
one that the programs of this host use. --cache names another cache file, of
any age; without --authorized you vouch for the services in it. --server goes
to an address without any discovery.

An error reply goes to standard error as "code: text"; the exit status is 1.`,
		Example: `  scamp-sim request Product.Sku.fetch~1 '{"sku":7}'
  scamp-sim request --cache discovery.cache --ident greeter:yEuvHRMWvwWAjUdD Greeting.hello
  scamp-sim request --server 127.0.0.1:30100 --insecure Conformance.echo '{"hello":"world"}'
  scamp-sim request --server 127.0.0.1:30100 --fingerprint FP Conformance.echo~1 @big.json > reply.json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", "", "configuration file (default: where every program looks for it)")
	flags.StringVar(&f.cache, "cache", "", "discovery cache to find the service in, instead of the configured one")
	flags.StringVar(&f.authorized, "authorized", "", "authorised-services file, with --cache")
	flags.StringVar(&f.server, "server", "", "HOST:PORT or URI of a server, instead of discovery")
	flags.StringVar(&f.fingerprint, "fingerprint", "", "fingerprint that its certificate must have")
	flags.BoolVar(&f.insecure, "insecure", false, "accept any certificate of it")
	flags.StringVar(&f.sector, "sector", "", `sector of the action (default: the configured one, or "main")`)
	flags.StringVar(&f.ident, "ident", "", "call this instance only: IDENT or FINGERPRINT#IDENT")
	flags.StringVar(&f.envelope, "envelope", "json", "envelope of the body")
	flags.StringVar(&f.ticket, "ticket", "", "ticket to send along")
	flags.DurationVar(&f.timeout, "timeout", 0, "how long to wait for the whole reply (default: what the action announces, or 75s)")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show the packets as they pass, on standard error")
	return cmd
}

func (f *requestFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if f.timeout < 0 {
		return fmt.Errorf("the timeout %v is negative", f.timeout)
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	var cfg scamp.Config
	if f.verbose {
		cfg.Trace = tracePackets(cmd.ErrOrStderr())
	}
	if err := f.check(); err != nil {
		return err
	}
	r, err := newCall(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	if c, ok := r.Body.(io.Closer); ok {
		defer c.Close()
	}
	caller, done, err := f.caller(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	r.Sector, r.Ident, r.Envelope, r.Ticket = f.sector, f.ident, f.envelope, f.ticket
	up, down := transfers(cmd, f.verbose)
	r.Body = up.body(r.Body)
	reply, err := caller.Call(ctx, r)
	if err == nil {
		defer reply.Body.Close()
		_, err = io.Copy(io.MultiWriter(cmd.OutOrStdout(), down), reply.Body)
	}
	up.finish()
	down.finish()
	return f.outcome(err)
}

// outcome is how the command ends: what the service says, or what happened on the
// way to it.
func (f *requestFlags) outcome(err error) error {
	var nobody *scamp.NoServiceError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &nobody):
		return fmt.Errorf("%w; \"scamp-sim cache list --all\" shows what is there", err)
	case errors.Is(err, discovery.ErrStale):
		return err
	}
	if lost := new(scamp.ConnectionError); errors.As(err, &lost) && !lost.Sent && f.server == "" {
		return fmt.Errorf("no instance of the service can be reached: %w", lost.Err)
	}
	return &statusError{1, err}
}

// check says what is wrong with the flags that say where to go.
func (f *requestFlags) check() error {
	switch {
	case f.server != "" && (f.cache != "" || f.config != "" || f.ident != ""):
		return errors.New("--server goes to one address, without discovery: leave out --config, --cache and --ident")
	case f.server != "":
		return checkServer(f.server, f.fingerprint, f.insecure)
	case f.fingerprint != "" || f.insecure:
		return errors.New("--fingerprint and --insecure belong to --server HOST:PORT; with discovery the announcement has the fingerprint")
	case f.cache != "" && f.config != "":
		return errors.New("--cache and --config exclude each other")
	case f.authorized != "" && f.cache == "":
		return errors.New("--authorized belongs to --cache; with --config the configuration names the file")
	}
	return nil
}

// caller returns who makes the call, and what ends it.
func (f *requestFlags) caller(ctx context.Context, cfg scamp.Config) (scamp.Caller, func(), error) {
	if f.server != "" {
		cfg.Fingerprint, cfg.Unverified = f.fingerprint, f.insecure
		c, err := scamp.Dial(ctx, f.server, cfg)
		if err != nil {
			return nil, nil, cannotReach(f.server, err)
		}
		return c, func() { c.Close() }, nil
	}
	q, err := f.requester(ctx)
	if err != nil {
		return nil, nil, err
	}
	q.Config.Trace = cfg.Trace
	return q, func() {
		over, cancel := context.WithCancel(ctx)
		cancel() // one call has been made, and it has ended
		q.Close(over)
	}, nil
}

func (f *requestFlags) requester(ctx context.Context) (*scamp.Requester, error) {
	if f.cache == "" {
		q, err := scamp.Open(ctx, f.config)
		if err != nil {
			return nil, fmt.Errorf("%w; name another configuration with --config, a cache file with --cache, or a server with --server", err)
		}
		return q, nil
	}
	cache := &discovery.Cache{Path: f.cache}
	if _, err := cache.Reload(); err != nil {
		return nil, fmt.Errorf("cannot read the cache: %w", err)
	}
	q := &scamp.Requester{Directory: &cache.Directory}
	if f.authorized != "" {
		text, err := readFile(f.authorized, mostText)
		if err != nil {
			return nil, fmt.Errorf("cannot read the authorised services: %w", err)
		}
		list := discovery.ParseAuthorized(text)
		q.Authorized = func() *discovery.Authorized { return list }
		return q, nil
	}
	list := vouchFor(&cache.Directory)
	q.Authorized = func() *discovery.Authorized { return list }
	return q, nil
}

// vouchFor authorises every instance for all it announces.
func vouchFor(d *discovery.Directory) *discovery.Authorized {
	offered := map[string][]string{} // by fingerprint: a line replaces what came before
	for _, a := range d.Instances() {
		for _, action := range a.Actions {
			offered[a.Fingerprint] = append(offered[a.Fingerprint], action.Sector+":"+action.Name)
		}
	}
	var b strings.Builder
	for fingerprint, names := range offered {
		fmt.Fprintf(&b, "%s %s\n", fingerprint, strings.Join(names, ", "))
	}
	return discovery.ParseAuthorized([]byte(b.String()))
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
