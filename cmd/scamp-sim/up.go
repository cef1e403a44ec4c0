package main

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// upFlags are the flags of the verb up.
type upFlags struct {
	liveFlags
	own     string
	verbose bool
}

func newUp() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up FILE",
		Short: "Plays a simulated bus on real sockets, for your own programs to call",
		Long: `up plays the scenario of a YAML file in real time: every instance listens on a
port of 127.0.0.1, with TLS, and a directory has what programs of the bus need:
soa.conf, keys, authorised services, and a discovery cache that stays fresh. A
program that reads this soa.conf calls the simulated services like real ones, and
the faults of links and instances act on its connections, too: in the file, the
place "outside" is where they come from.

A control API over HTTP adds and ends faults, kills and pauses instances, and has
metrics. docs/up.md describes it.

It runs until it is interrupted, or for --duration. Then, and only then, it judges
the expectations of the file.

Exit status: 0 it was ended by a signal, or all is well after --duration, 1 after
that time an expectation failed, or a fault was never met, 2 it could not be run.`,
		Example: `  scamp-sim up shop.yaml --dir bus
  scamp-sim request --config bus/soa.conf Shop.get '{}'`,
		Args: operands("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.declare(cmd, "30100-30399", "ports that instances may listen on; 0 lets the system choose")
	cmd.Flags().StringVar(&f.own, "own", "own", "name of your own service, for which a key is made")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "tell of calls that fail, too, and of what programs log")
	return cmd
}

func (f *upFlags) run(cmd *cobra.Command, file string) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	text, err := readFile(file, mostText)
	if err != nil {
		return fmt.Errorf("cannot read the scenario: %w", err)
	}
	s, err := scenario.Parse(file, text)
	if err != nil {
		return err
	}
	if f.duration > 0 {
		if err := s.Within(f.duration); err != nil {
			return err
		}
	}
	if !serviceName.MatchString(f.own) {
		return fmt.Errorf("--own %q is no name of a service: it has letters, digits, dots, hyphens and underscores, and begins with a letter or digit", f.own)
	}
	if f.own == "simulated" || f.own == "unauthorized" {
		return fmt.Errorf("--own %s: the certificate of simulated services has this name; choose another one", f.own)
	}
	ports, err := reserve(f.ports, s.Instances())
	if err != nil {
		return err
	}
	control, err := newControl(f.control)
	if err != nil {
		return err
	}
	defer control.close()
	dir, err := newBusDir(f.dir, f.own, s.Sectors(), control.address())
	if err != nil {
		return err
	}
	defer dir.remove()
	return f.play(cmd, s, ports, control, dir)
}

// play runs the scenario with all that was prepared.
func (f *upFlags) play(cmd *cobra.Command, s *scenario.Scenario, ports *ports, control *control, dir *busDir) error {
	out := cmd.OutOrStdout()
	events := newEvents(out)
	o := scenario.LiveOptions{
		Options: f.options(cmd, s),
		Border:  sim.Border{Listen: ports.listen, Authorized: dir.authorized.Current},
	}
	began := time.Now()
	say := narrate(events, &o.Options, began)
	if !f.verbose {
		o.Ended, o.Logger = nil, nil
	}
	var ready atomic.Bool
	noted := o.Noted
	o.Noted = func(at time.Duration, what string) {
		if ready.Load() { // else the table says so
			noted(at, what)
		}
	}
	ctx, cancel := f.interruptible(cmd)
	defer cancel()
	kept := make(chan struct{})
	o.Ready = func(l *scenario.Live) {
		dir.write(l.World().OutsideCache()) // who reads the table finds a bus; keep tells what goes wrong
		t := newTable(out)
		t.w = events // in the colours of where it ends up
		t.ready(l.State(), ports, dir, control.url())
		ready.Store(true)
		control.serve(l)
		go func() {
			defer close(kept)
			dir.keep(ctx, l.World(), func(text string) { say(time.Since(began), text) })
		}()
	}
	outcome := s.Live(ctx, o)
	interrupted := ctx.Err() != nil
	cancel()
	<-kept
	events.close()
	record := outcome.Record()
	t := newTable(out)
	t.live(record, interrupted)
	if interrupted || record.OK {
		return nil
	}
	t.line("\n%s", t.bad.Sprint("FAIL"))
	for _, failure := range record.Failures {
		t.line("      %s", visible(failure))
	}
	return &statusError{code: 1}
}

// mostEvents is how many lines wait for who reads them. What is more is not told: a
// terminal that stands still must not stop the world.
const mostEvents = 1000

// An events writes lines in a goroutine of its own.
type events struct {
	lines      chan []byte
	over, done chan struct{}
}

func newEvents(w io.Writer) *events {
	e := &events{make(chan []byte, mostEvents), make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(e.done)
		for {
			select {
			case line := <-e.lines:
				w.Write(line)
				continue
			case <-e.over:
			}
			select {
			case line := <-e.lines:
				w.Write(line)
			default:
				return
			}
		}
	}()
	return e
}

func (e *events) Write(p []byte) (int, error) {
	select {
	case e.lines <- append([]byte(nil), p...):
		return len(p), nil
	default:
		return 0, errors.New("nobody reads what is told")
	}
}

// close writes what is left, and nothing that comes later.
func (e *events) close() {
	close(e.over)
	<-e.done
}
