package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

func newResults() *cobra.Command {
	cmd := group("results", "Joins what the parts of a sweep have left")
	var out string
	var junit string
	merge := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Joins the results of the parts of a sweep into one report",
		Long: `merge reads what "scamp-sim run --seeds --json" has written, whole or cut off in
the middle, and writes one report as JSON, which does not depend on the order of
the files, nor on how often workers were killed and started again. A directory
stands for its files whose names end in .jsonl.

Exit status: 0 all seeds passed, 1 some failed, 2 seeds have no result, or the
files do not go together.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return operands("FILE")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return mergeResults(cmd, args, out, junit) },
	}
	merge.Flags().StringVar(&out, "json", "-", "write the report to this file; - is standard output")
	merge.Flags().StringVar(&junit, "junit", "", "write the report as JUnit XML to this file")
	cmd.AddCommand(merge)
	return cmd
}

func mergeResults(cmd *cobra.Command, names []string, out, junit string) error {
	if out == "-" && junit == "-" {
		return errors.New("--json and --junit cannot both be standard output: give one of them a file")
	}
	names, err := resultFiles(names)
	if err != nil {
		return err
	}
	if err := keepInputs(names, "--json", out); err != nil {
		return err
	}
	if err := keepInputs(names, "--junit", junit); err != nil {
		return err
	}
	var reports []*scenario.Report
	for _, name := range names {
		text, err := readFile(name, mostResults)
		if err != nil {
			return fmt.Errorf("cannot read results: %w", err)
		}
		r, _, err := scenario.ReadReport(text)
		if err != nil {
			return fmt.Errorf("cannot read the results of %s: %w; \"scamp-sim run --seeds --json\" writes such files", name, err)
		}
		if r.Damaged > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "scamp-sim: %s is damaged from line %d on: what follows is left out\n", name, r.Damaged)
		}
		reports = append(reports, r)
	}
	report, err := scenario.Merge(names, reports)
	if err != nil {
		return err
	}
	replay := func(seed uint64) string {
		return fmt.Sprintf("scamp-sim run %s --seed %d", quoted(report.Scenario), seed)
	}
	outputs := new(files)
	w, x := outputs.create(cmd, "--json", out), outputs.create(cmd, "--junit", junit)
	if outputs.err != nil {
		return outputs.err
	}
	if w != nil {
		outputs.note(report.Write(w))
	}
	if x != nil {
		outputs.note(writeJUnit(x, report, replay))
	}
	if err := outputs.close(); err != nil {
		return err
	}
	newTable(cmd.ErrOrStderr()).sweep(report, replay, 0)
	switch {
	case len(report.Missing) > 0:
		return fmt.Errorf("%s: run the missing shards, and merge again", report.Text())
	case len(report.Failed) > 0:
		return &statusError{code: 1}
	}
	return nil
}

// keepInputs refuses an output that is one of the files that are read.
func keepInputs(inputs []string, flag, output string) error {
	to, err := os.Stat(output)
	if err != nil || output == "-" {
		return nil // a new one
	}
	for _, name := range inputs {
		if from, err := os.Stat(name); err == nil && os.SameFile(from, to) {
			return fmt.Errorf("%s %s is one of the files that are read: name another one", flag, output)
		}
	}
	return nil
}

// resultFiles are the files that operands name: a directory stands for its files of results.
func resultFiles(operands []string) (names []string, err error) {
	for _, o := range operands {
		info, err := os.Stat(o)
		if err != nil {
			return nil, fmt.Errorf("cannot read results: %w", err)
		}
		if !info.IsDir() {
			names = append(names, o)
			continue
		}
		entries, err := os.ReadDir(o) // sorted
		if err != nil {
			return nil, fmt.Errorf("cannot read results: %w", err)
		}
		before := len(names)
		for _, e := range entries {
			if !e.IsDir() && strings.HasSuffix(e.Name(), ".jsonl") {
				names = append(names, filepath.Join(o, e.Name()))
			}
		}
		if len(names) == before {
			return nil, fmt.Errorf("%s has no file whose name ends in .jsonl: name files with results, or their directory", o)
		}
	}
	return names, nil
}
