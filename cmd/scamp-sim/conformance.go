package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/conformance/report"
	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// conformanceFlags are the flags of the verb conformance.
type conformanceFlags struct {
	server, fingerprint, echo, only string
	role                            string
	insecure, list, strict, verbose bool
	junit, json                     string
	jobs                            int
	timeout                         time.Duration
}

func newConformance() *cobra.Command {
	var f conformanceFlags
	cmd := &cobra.Command{
		Use:   "conformance [FILE|DIR...]",
		Short: "Tells which rules of the specification a server or a client breaks",
		Long: `conformance plays the client of a server and tells which rules of the
specification the server breaks, with the packets that prove it.

With --role client it plays everything around a client instead: servers, the
discovery cache, the list of authorised services, the application.

Without --server it tries the built-in implementation, in memory and in virtual
time. The server needs one action that returns what it is sent:
Conformance.echo, or the one that --echo-action names. What else it may offer is
in docs/adapters.md; cases that need more than there is are skipped.

FILE and DIR are cases of your own instead of the built-in ones.

Exit status: 0 all is well, 1 rules are broken, 2 nothing could be tested.`,
		Example: `  scamp-sim conformance
  scamp-sim conformance --server 127.0.0.1:30100 --insecure
  scamp-sim conformance --server 127.0.0.1:30100 --insecure --only 'WIRE-FLOW-*' -v`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.server, "server", "", "HOST:PORT or URI of the server; without it, the built-in implementation")
	flags.StringVar(&f.fingerprint, "fingerprint", "", "fingerprint that its certificate must have")
	flags.BoolVar(&f.insecure, "insecure", false, "accept any certificate")
	flags.StringVar(&f.role, "role", "server", "what the subject plays: server, or client (the built-in one)")
	flags.StringVar(&f.echo, "echo-action", "Conformance.echo", "action that returns its request")
	flags.StringVar(&f.only, "only", "", "play only cases whose name or rule matches, such as 'wire-flow/*' or 'WIRE-HDR-1*'")
	flags.BoolVar(&f.list, "list", false, "print the cases instead of playing them")
	flags.BoolVar(&f.strict, "strict", false, "dialects count as failed")
	flags.StringVar(&f.junit, "junit", "", "write the result as JUnit XML to this file; - is standard output")
	flags.StringVar(&f.json, "json", "", "write the result as JSON to this file; - is standard output")
	flags.IntVar(&f.jobs, "jobs", 0, "cases that run at a time; 0 chooses")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Second, "how long a reply or a close is awaited")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list every case with its verdict")
	return cmd
}

func (f *conformanceFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	cases, err := readCases(args)
	if err != nil {
		return err
	}
	if cases, err = f.playing(cases); err != nil {
		return err
	}
	if cases, err = f.choose(cases); err != nil {
		return err
	}
	if f.list {
		return listCases(cmd.OutOrStdout(), cases)
	}
	subject, name, err := f.subject()
	if err != nil {
		return err
	}
	outputs, err := f.open(cmd)
	if err != nil {
		return err
	}
	progress, done := f.progress(cmd)
	rep, err := conformance.Run(cmd.Context(), subject, cases, conformance.Options{Jobs: f.jobs, Timeout: f.timeout, Progress: progress})
	done()
	if err != nil {
		return f.cannotTest(err)
	}
	human := cmd.OutOrStdout()
	if f.json == "-" || f.junit == "-" {
		human = cmd.ErrOrStderr()
	}
	report.Terminal(human, rep, report.Style{Color: colored(human), Verbose: f.verbose, Strict: f.strict})
	if err := outputs.write(rep, report.Run{Subject: name, Version: version(), Strict: f.strict}); err != nil {
		return err
	}
	switch {
	case rep.Count(conformance.Fail) > 0, f.strict && rep.Count(conformance.Dialect) > 0:
		return &statusError{code: 1}
	case rep.Count(conformance.Errored) > 0:
		return &statusError{code: 2}
	}
	return nil
}

// check says what is wrong with values of flags.
func (f *conformanceFlags) check() error {
	switch {
	case f.jobs < 0:
		return fmt.Errorf("--jobs %d: no number of cases; 0 chooses one", f.jobs)
	case f.timeout <= 0:
		return fmt.Errorf("--timeout %v: nothing comes in no time; give a time such as 5s", f.timeout)
	case f.echo == "":
		return errors.New("--echo-action is empty: name the action that returns its request")
	case f.json == "-" && f.junit == "-":
		return errors.New("--json and --junit cannot both be standard output: give one of them a file")
	}
	return nil
}

// subject makes the subject that the flags name.
func (f *conformanceFlags) subject() (s *conformance.Subject, name string, err error) {
	if f.server == "" {
		if f.fingerprint != "" || f.insecure {
			return nil, "", errors.New("--fingerprint and --insecure are about a server: name one with --server HOST:PORT")
		}
		s, name = conformance.ServerValue(startReference).OverTLS(startReferenceTLS, fixtures.Fingerprint("server")), "built-in"
		if f.role == "client" {
			s = conformance.ClientValue(func(w calling.World) calling.Client { return reference.NewClient(w) })
			name = "built-in client"
		}
	} else {
		if err := checkServer(f.server, f.fingerprint, f.insecure); err != nil {
			return nil, "", err
		}
		if s, err = conformance.ServerAt(f.server, f.fingerprint); err != nil {
			return nil, "", err
		}
		name = f.server
	}
	s.Echo = f.echo
	return s, name, nil
}

// playing keeps the cases of the role.
func (f *conformanceFlags) playing(cases []*conformance.Case) ([]*conformance.Case, error) {
	if f.role != "server" && f.role != "client" {
		return nil, fmt.Errorf("--role %q: the roles that can be tried are server and client", f.role)
	}
	if f.role == "client" && f.server != "" {
		return nil, errors.New("--role client and --server do not go together: only the built-in client can be tried so far")
	}
	chosen := conformance.Playing(cases, f.role)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("none of %d cases is for the role %s; --role chooses another", len(cases), f.role)
	}
	return chosen, nil
}

// startReference starts a fresh built-in implementation.
func startReference() (serve func(net.Conn), stop func()) {
	svc := &scamp.Service{Mux: reference.NewMux(), Authority: reference.NewAuthority(), Config: scamp.Config{Logger: slog.New(slog.DiscardHandler)}}
	return func(nc net.Conn) { svc.ServeConn(nc) }, func() { svc.Close() }
}

// startReferenceTLS starts one that does the handshakes itself.
func startReferenceTLS() (serve func(net.Conn), stop func()) {
	return reference.OverTLS(&scamp.Service{
		Mux: reference.NewMux(), Authority: reference.NewAuthority(), Certificate: fixtures.Certificate("server"),
		Config: scamp.Config{Logger: slog.New(slog.DiscardHandler)},
	})
}

// choose keeps the cases that --only matches.
func (f *conformanceFlags) choose(cases []*conformance.Case) (chosen []*conformance.Case, err error) {
	if f.only == "" {
		return cases, nil
	}
	for _, c := range cases {
		names := append([]string{c.Name, path.Base(c.Name)}, c.Rules...)
		for _, name := range names {
			ok, err := path.Match(f.only, name)
			if err != nil {
				return nil, fmt.Errorf("--only %q is no pattern: %w; the forms are those of file names: * ? [a-z]", f.only, err)
			}
			if ok || strings.HasPrefix(c.Name, f.only+"/") {
				chosen = append(chosen, c)
				break
			}
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("--only %q matches none of %d cases; --list prints their names and rules", f.only, len(cases))
	}
	return chosen, nil
}

func listCases(w io.Writer, cases []*conformance.Case) error {
	for _, c := range cases {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, strings.Join(c.Rules, " "), c.Title); err != nil {
			return err
		}
	}
	return nil
}

// cannotTest says why nothing could be tested, and what to do.
func (f *conformanceFlags) cannotTest(err error) error {
	wrong := new(conformance.FingerprintError)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case errors.As(err, &wrong):
		return fmt.Errorf("could not test: %s is not who you expect: %w; give --fingerprint %s if that is right", f.server, wrong, wrong.Got)
	}
	op := new(net.OpError)
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("could not test: nobody answers at %s (%w); start the server, or correct --server", f.server, op.Err)
	}
	if strings.Contains(err.Error(), "TLS handshake") {
		return fmt.Errorf("%w; is there a server that speaks TLS at %s?", err, f.server)
	}
	return err
}

// progress shows how far the run is, on a terminal.
func (f *conformanceFlags) progress(cmd *cobra.Command) (step func(int, int, string, conformance.Verdict), done func()) {
	w := cmd.ErrOrStderr()
	if !isTerminal(w) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	failed := 0
	step = func(n, all int, _ string, v conformance.Verdict) {
		if bar == nil {
			bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(30),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond))
		}
		if v == conformance.Fail {
			failed++
			bar.Describe(fmt.Sprintf("%d failed", failed))
		}
		bar.Set(n)
	}
	return step, func() {
		if bar != nil {
			bar.Clear()
		}
	}
}

// An outputs has the files that the result is written to. They are opened before the run, so that a wrong name is found
// at once.
type outputs struct {
	json, junit io.WriteCloser
}

func (f *conformanceFlags) open(cmd *cobra.Command) (o outputs, err error) {
	create := func(flag, name string) (io.WriteCloser, error) {
		switch name {
		case "":
			return nil, nil
		case "-":
			return keepOpen{cmd.OutOrStdout()}, nil
		}
		w, err := os.Create(name)
		if err != nil {
			return nil, fmt.Errorf("cannot write the result of %s: %w", flag, err)
		}
		return w, nil
	}
	if o.json, err = create("--json", f.json); err != nil {
		return o, err
	}
	o.junit, err = create("--junit", f.junit)
	return o, err
}

func (o *outputs) write(rep *conformance.Report, run report.Run) error {
	for _, out := range []struct {
		w     io.WriteCloser
		write func(io.Writer, *conformance.Report, report.Run) error
	}{{o.json, report.JSON}, {o.junit, report.JUnit}} {
		if out.w == nil {
			continue
		}
		if err := errors.Join(out.write(out.w, rep, run), out.w.Close()); err != nil {
			return fmt.Errorf("cannot write the result: %w", err)
		}
	}
	return nil
}

// colored reports whether to use colours: on a terminal, unless NO_COLOR is set (no-color.org).
func colored(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && isTerminal(w) }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}
