package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim/page"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// runFlags are the flags of the verb run.
type runFlags struct {
	playFlags
	transcript, json, junit string
	html                    string
	seeds, shard            string
	jobs                    int
	limit                   time.Duration
	shrink, verbose         bool
	until                   string
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Runs a simulated bus in virtual time and says whether it did what was expected",
		Long: `run plays the scenario of a YAML file: services, the programs that call them,
discovery caches, links, and what goes wrong with them. Time is virtual, and the
seed decides everything random: the same file and seed give the same run.
docs/scenarios.md describes the files.

With --seeds it runs one seed after the other, whatever comes of them, and ends
with those that failed. With --json FILE such a sweep can be ended at any time:
started again with the same file, it goes on where it was. --shard K/N runs one
of N parts; without it, the part is the one that a scheduler tells of: in a
Kubernetes Indexed Job JOB_COMPLETION_INDEX and JOB_COMPLETIONS, for others see
docs/scenarios.md. "scamp-sim results merge" joins the files of the parts.

Exit status: 0 all is well, 1 an expectation or something that must always hold
failed, or a fault was never met, 2 it could not be run, 3 a sweep was interrupted,
or another process writes its file: the same command goes on.`,
		Example: `  scamp-sim run shop.yaml
  scamp-sim run shop.yaml --seed 4711 --transcript shop.transcript
  scamp-sim run shop.yaml --html shop.html
  scamp-sim run shop.yaml --seeds 1-10000 --shard 3/16 --json shard-3.jsonl`,
		Args: operands("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	f.declare(cmd, "how long it runs in virtual time, instead of what the file says")
	flags.StringVar(&f.transcript, "transcript", "", "write everything that happens to this file; - is standard output")
	flags.StringVar(&f.json, "json", "", "write the result as JSON to this file; - is standard output")
	flags.StringVar(&f.junit, "junit", "", "write the result as JUnit XML to this file; - is standard output")
	flags.StringVar(&f.html, "html", "", "write a page about the run to this file: topology, latencies, errors, packets; - is standard output")
	flags.StringVar(&f.seeds, "seeds", "", "run all of these seeds, such as 1-10000")
	flags.StringVar(&f.shard, "shard", "", "with --seeds: run one part of them, such as 3/16")
	flags.IntVar(&f.jobs, "jobs", 0, "with --seeds: how many run at a time; 0 chooses")
	flags.DurationVar(&f.limit, "limit", 5*time.Minute, "with --seeds: how long one run may take in real time; then its seed has failed, and the others go on; 0 is for ever")
	flags.StringVar(&f.until, "until", "", "end the run when something happens whose text has these words, such as 'shop-1 is killed' or 'lost'")
	flags.BoolVar(&f.shrink, "shrink", false, "print the smallest scenario that still fails with this seed as this one does")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "tell what happens: faults, instances that start and stop, calls that fail, what programs log")
	return cmd
}

func (f *runFlags) run(cmd *cobra.Command, file string) error {
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
	tune(f.seeds == "")
	switch {
	case f.seeds != "":
		return f.sweep(cmd, s)
	case f.shrink:
		return f.shrinkIt(cmd, s, text)
	}
	return f.one(cmd, s)
}

// tune lets the runtime suit worlds in virtual time, unless the environment says what
// it shall do. A call leaves much garbage, and worlds are small. In one world one
// goroutine goes on after the other: a second processor would be woken, and find
// nothing to do, for each of them.
func tune(one bool) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
	if one && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// check says what is wrong with the flags.
func (f *runFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	outputs := 0
	for _, name := range []string{f.transcript, f.json, f.junit, f.html} {
		if name == "-" {
			outputs++
		}
	}
	switch {
	case outputs > 1:
		return errors.New("only one of --transcript, --json, --junit and --html can be standard output: give the others a file")
	case f.limit < 0:
		return fmt.Errorf("--limit %v: no time; give one such as 10m, or 0 for none", f.limit)
	case f.jobs < 0:
		return fmt.Errorf("--jobs %d: no number of runs; 0 chooses one", f.jobs)
	case f.seeds == "" && changed("seeds"):
		return errors.New("--seeds is empty: give a range such as 1-100")
	case f.seeds == "" && (f.shard != "" || changed("jobs") || changed("limit")):
		return errors.New("--shard, --jobs and --limit are for many seeds: give --seeds, too")
	case f.seeds != "" && changed("html"):
		return errors.New("--html is a page about one run: leave out --seeds, and give the seed to look at with --seed")
	case f.html == "" && changed("html"):
		return errors.New("--html is empty: give a file such as run.html")
	case f.seeds != "" && (changed("seed") || f.transcript != "" || f.verbose || f.shrink || changed("until")):
		return errors.New("--seed, --transcript, --until, --shrink and -v are for one run: leave them out, or --seeds")
	case f.shrink && (outputs > 0 || f.transcript != "" || f.json != "" || f.junit != "" || f.html != "" || f.verbose || changed("until")):
		return errors.New("--shrink prints a scenario and nothing else: leave out --transcript, --json, --junit, --html, --until and -v")
	case f.until == "" && changed("until"):
		return errors.New("--until is empty: give words of what happens; -v shows what does")
	}
	return f.playFlags.check(cmd)
}

// one runs the scenario once.
func (f *runFlags) one(cmd *cobra.Command, s *scenario.Scenario) error {
	o := f.options(cmd, s)
	out := new(files)
	transcript := out.create(cmd, "--transcript", f.transcript)
	jsonOut, junitOut, htmlOut := out.create(cmd, "--json", f.json), out.create(cmd, "--junit", f.junit), out.create(cmd, "--html", f.html)
	if out.err != nil {
		return out.err
	}
	if transcript != nil {
		o.Transcript = transcript
	}
	human := f.human(cmd)
	if f.verbose {
		narrate(human, &o, beginning)
	}
	var recorder *page.Recorder
	if htmlOut != nil {
		recorder = page.NewRecorder(s, f.duration)
		recorder.Watch(&o)
	}
	began := time.Now()
	outcome, err := f.await(cmd, s, o)
	if err != nil {
		return err
	}
	record := outcome.Record()
	t := newTable(human)
	t.outcome(s, record, outcome.Panic, time.Since(began))
	if !record.OK {
		t.failed(record, f.replay(s, record.Seed))
	}
	header := scenario.NewHeader(s, f.duration, version(), record.Seed, record.Seed)
	report := &scenario.Report{Header: header, Runs: []*scenario.Record{record}}
	report.Complete()
	if jsonOut != nil {
		out.note(report.Write(jsonOut))
	}
	if junitOut != nil {
		out.note(writeJUnit(junitOut, report, func(seed uint64) string { return f.replay(s, seed) }))
	}
	if htmlOut != nil {
		out.note(recorder.Write(htmlOut, page.Run{Scenario: s, Outcome: outcome, Replay: f.replay(s, record.Seed), Version: version()}))
	}
	if err := out.close(); err != nil {
		return err
	}
	if !record.OK {
		return &statusError{code: 1}
	}
	return nil
}

// options are those that the flags give.
func (f *runFlags) options(cmd *cobra.Command, s *scenario.Scenario) scenario.Options {
	o := f.playFlags.options(cmd, s)
	o.Until = f.until
	return o
}

// human is where to write what is for people.
func (f *runFlags) human(cmd *cobra.Command) io.Writer {
	if f.transcript == "-" || f.json == "-" || f.junit == "-" || f.html == "-" {
		return cmd.ErrOrStderr()
	}
	return cmd.OutOrStdout()
}

// await runs the scenario and shows how far it is. A signal ends the waiting, and so
// the program.
func (f *runFlags) await(cmd *cobra.Command, s *scenario.Scenario, o scenario.Options) (*scenario.Outcome, error) {
	type result struct {
		outcome *scenario.Outcome
		err     error
	}
	var passed atomic.Int64
	o.Progress = func(d, all time.Duration) { passed.Store(int64(100 * d / all)) }
	done := make(chan result, 1)
	go func() {
		outcome, err := s.Run(o)
		done <- result{outcome, err}
	}()
	bar := &bar{w: cmd.ErrOrStderr(), all: 100, quiet: f.verbose}
	defer bar.clear()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case r := <-done:
			return r.outcome, r.err
		case <-tick.C:
			bar.set(int(passed.Load()), "")
		case <-cmd.Context().Done():
			return nil, errors.New("interrupted")
		}
	}
}

// replay is the command that runs one seed again.
func (f *runFlags) replay(s *scenario.Scenario, seed uint64) string {
	command := fmt.Sprintf("scamp-sim run %s --seed %d", quoted(s.File), seed)
	if f.duration > 0 {
		command += fmt.Sprintf(" --duration %v", f.duration)
	}
	if f.until != "" {
		command += " --until " + quoted(f.until)
	}
	return command
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./=:,+@%-]+$`)

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// parallel is how many runs there are at a time.
func (f *runFlags) parallel() int {
	if f.jobs > 0 {
		return f.jobs
	}
	return runtime.GOMAXPROCS(0)
}

// parsePair reads two numbers with something between them.
func parsePair(text, between string) (a, b uint64, ok bool) {
	x, y, found := strings.Cut(text, between)
	a, e1 := strconv.ParseUint(x, 10, 63)
	b, e2 := strconv.ParseUint(y, 10, 63)
	return a, b, found && e1 == nil && e2 == nil
}
