package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// upFlags are the flags of the verb up.
type upFlags struct {
	dir, ports, control, own string
	seed                     uint64
	duration                 time.Duration
	verbose                  bool
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
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "", "directory of the files; without it, one that is removed in the end")
	flags.StringVar(&f.ports, "ports", "30100-30399", "ports that instances may listen on; 0 lets the system choose")
	flags.StringVar(&f.control, "control", "127.0.0.1:0", "loopback address of the control API; port 0 chooses one")
	flags.StringVar(&f.own, "own", "own", "name of your own service, for which a key is made")
	flags.Uint64Var(&f.seed, "seed", 0, "the seed, instead of the one in the file")
	flags.DurationVar(&f.duration, "duration", 0, "how long it runs; without it, until it is interrupted")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "tell of calls that fail, too, and of what programs log")
	return cmd
}

func (f *upFlags) run(cmd *cobra.Command, file string) error {
	text, err := readFile(file, mostText)
	if err != nil {
		return fmt.Errorf("cannot read the scenario: %w", err)
	}
	s, err := scenario.Parse(file, text)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("duration") {
		if f.duration <= 0 {
			return fmt.Errorf("--duration %v: nothing happens in no time; give a time such as 30s", f.duration)
		}
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
		Options: scenario.Options{Seed: s.Seed, Duration: f.duration},
		Border:  sim.Border{Listen: ports.listen, Authorized: dir.authorized.Current},
	}
	if cmd.Flags().Changed("seed") {
		o.Seed = f.seed
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
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) }) // the second one ends the program
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
			default:
			}
			select {
			case line := <-e.lines:
				w.Write(line)
			case <-e.over:
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
