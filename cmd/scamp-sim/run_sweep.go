package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// mostSeeds is how many seeds a sweep can have.
const mostSeeds = 10_000_000

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
	w := &scenario.Sweep{Scenario: s, Duration: f.duration, Header: header, Jobs: f.parallel()}
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
	if err != nil {
		return fmt.Errorf("cannot write the file of --json: %w", err)
	}
	bar := &bar{w: cmd.ErrOrStderr()}
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
		if f.json != "" && f.json != "-" && cmd.Context().Err() != nil {
			err = fmt.Errorf("%w; the same command goes on", err)
		}
		return err
	case e != nil:
		return e
	case len(report.Failed) > 0:
		return &statusError{code: 1}
	}
	return nil
}

// setShard takes the part from the flag, or from the environment of a Job.
func (f *runFlags) setShard(h *scenario.Header) error {
	if f.shard != "" {
		k, n, ok := parsePair(f.shard, "/")
		if !ok || k < 1 || k > n || n > mostSeeds {
			return fmt.Errorf("--shard %q is not a part such as 3/16", f.shard)
		}
		h.Shard, h.Shards = int(k), int(n)
		return nil
	}
	index, completions := os.Getenv("JOB_COMPLETION_INDEX"), os.Getenv("JOB_COMPLETIONS")
	if index == "" {
		return nil
	}
	if completions == "" {
		return errors.New("JOB_COMPLETION_INDEX is set, and JOB_COMPLETIONS is not: set it to the completions of the Job, or give --shard")
	}
	k, e1 := strconv.ParseUint(index, 10, 31)
	n, e2 := strconv.ParseUint(completions, 10, 31)
	if e1 != nil || e2 != nil || k >= n || n > mostSeeds {
		return fmt.Errorf("JOB_COMPLETION_INDEX %q of JOB_COMPLETIONS %q is no part: the index is from 0 to one less", index, completions)
	}
	h.Shard, h.Shards = int(k)+1, int(n)
	return nil
}
