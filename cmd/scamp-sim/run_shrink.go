package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// shrinkIt prints the smallest scenario that fails as this one does.
func (f *runFlags) shrinkIt(cmd *cobra.Command, s *scenario.Scenario, text []byte) error {
	bar := &bar{w: cmd.ErrOrStderr(), all: -1}
	small, err := scenario.Shrink(cmd.Context(), s.File, text, f.options(cmd, s), func(tried int) { bar.set(tried, "scenarios tried") })
	bar.clear()
	if errors.Is(err, scenario.ErrDoesNotFail) {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "# Shrunk from %s.\n", visible(s.File))
	for i, failure := range small.Outcome.Record().Failures {
		if i == 3 {
			break
		}
		fmt.Fprintf(out, "# %s\n", visible(failure))
	}
	if _, err := out.Write(small.Text); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d scenarios tried; this one fails in the same way: %s\n", small.Tried, visible(small.Failure))
	return &statusError{code: 1}
}
