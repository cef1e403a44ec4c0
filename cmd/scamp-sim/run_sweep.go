package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// mostSeeds is how many seeds a sweep can have.
const mostSeeds = 10_000_000

// unfinished is the exit status of a sweep that has not run all seeds for a reason that
// passes: the same command goes on.
const unfinished = 3

// sweep runs the scenario with many seeds.
func (f *runFlags) sweep(cmd *cobra.Command, s *scenario.Scenario) error {
	first, last, ok := parsePair(f.seeds, "-")
	if !ok || last < first || last-first >= mostSeeds {
		return fmt.Errorf("--seeds %q is not a range such as 1-10000, of at most %d seeds", f.seeds, mostSeeds)
	}
	header := scenario.NewHeader(s, f.duration, version(), first, last)
	if err := f.setShard(&header); err != nil {
		return err
	}
	w := &scenario.Sweep{Scenario: s, Duration: f.duration, Header: header, Jobs: f.parallel(), Limit: f.limit}
	out := new(files)
	junitOut := out.create(cmd, "--junit", f.junit)
	if out.err != nil {
		return out.err
	}
	var err error
	switch f.json {
	case "":
	case "-":
		w.Out, err = scenario.NewResults(keepOpen{cmd.OutOrStdout()}, header)
	default:
		w.Out, err = scenario.OpenResults(f.json, header)
	}
	if errors.Is(err, scenario.ErrBusy) {
		return &statusError{code: unfinished, err: err}
	}
	if err != nil {
		return fmt.Errorf("cannot write the file of --json: %w", err)
	}
	if w.Out != nil && w.Out.Damaged > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "scamp-sim: %s is damaged from line %d on: the seeds from there on run again\n", f.json, w.Out.Damaged)
	}
	bar := &bar{w: cmd.ErrOrStderr()}
	w.Overdue = func(seed uint64, stacks string) {
		bar.clear()
		fmt.Fprintf(cmd.ErrOrStderr(), "scamp-sim: seed %d did not come to its end within %v of real time; what its goroutines do:\n\n%s\n\n", seed, f.limit, stacks)
	}
	failures := 0
	w.Progress = func(done, all int, r *scenario.Record) {
		if bar.all = all; !r.OK {
			failures++
		}
		text := ""
		if failures > 0 {
			text = fmt.Sprintf("%d failed", failures)
		}
		bar.set(done, text)
	}
	began := time.Now()
	report, err := w.Run(cmd.Context())
	bar.clear()
	if errors.Is(err, scenario.ErrStuck) && f.resumes() {
		return f.again(cmd, w, err)
	}
	switch {
	case errors.Is(err, scenario.ErrInterrupted) && f.resumes():
		err = &statusError{code: unfinished, err: fmt.Errorf("%w; the same command goes on", err)}
	case errors.Is(err, scenario.ErrInterrupted):
		err = &statusError{code: unfinished, err: err}
	case errors.Is(err, scenario.ErrStuck):
		err = fmt.Errorf("%w: with --json FILE, the sweep goes on with the others", err)
	}
	if report.Seeds == 0 && err != nil {
		return err
	}
	replay := func(seed uint64) string { return f.replay(s, seed) }
	newTable(f.human(cmd)).sweep(report, replay, time.Since(began))
	if junitOut != nil {
		out.note(writeJUnit(junitOut, report, replay))
	}
	if w.Out != nil {
		out.note(w.Out.Close())
	}
	switch e := out.close(); {
	case err != nil:
		return err
	case e != nil:
		return e
	case len(report.Failed) > 0:
		return &statusError{code: 1}
	}
	return nil
}

// resumes reports whether the same command goes on where this one has ended.
func (f *runFlags) resumes() bool { return f.json != "" && f.json != "-" }

// again starts the program anew in its own process, without the runs that do not end:
// it goes on with the seeds that have no result. It does not return unless it cannot.
func (f *runFlags) again(cmd *cobra.Command, w *scenario.Sweep, stuck error) error {
	if err := w.Out.Close(); err != nil {
		return fmt.Errorf("cannot write the file of --json: %w", err)
	}
	program, err := os.Executable()
	if err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "scamp-sim: %v; starting again without the runs that do not end\n", stuck)
		err = execute(program, os.Args, os.Environ())
	}
	return fmt.Errorf("%w, and the program cannot start again: %w; the same command goes on", stuck, err)
}
