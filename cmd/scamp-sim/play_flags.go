package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// playFlags are the flags of verbs that play scenarios.
type playFlags struct {
	seed     uint64
	duration time.Duration
}

// declare adds the flags to a verb; lasts says what the duration is.
func (f *playFlags) declare(cmd *cobra.Command, lasts string) {
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "the seed, instead of the one in the file")
	cmd.Flags().DurationVar(&f.duration, "duration", 0, lasts)
}

// check says what is wrong with the flags.
func (f *playFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("duration") && f.duration <= 0 {
		return fmt.Errorf("--duration %v: nothing happens in no time; give a time such as 30s", f.duration)
	}
	return nil
}

// options are how the flags let a scenario be played.
func (f *playFlags) options(cmd *cobra.Command, s *scenario.Scenario) scenario.Options {
	o := scenario.Options{Seed: s.Seed, Duration: f.duration}
	if cmd.Flags().Changed("seed") {
		o.Seed = f.seed
	}
	return o
}

// liveFlags are the flags of verbs that do so in real time, for other programs.
type liveFlags struct {
	playFlags
	dir, ports, control string
}

// declare adds the flags to a verb, with what its ports are and which they are if nothing is said.
func (f *liveFlags) declare(cmd *cobra.Command, ports, which string) {
	f.playFlags.declare(cmd, "how long it runs; without it, until it is interrupted")
	cmd.Flags().StringVar(&f.dir, "dir", "", "directory of the files; without it, one that is removed in the end")
	cmd.Flags().StringVar(&f.ports, "ports", ports, which)
	cmd.Flags().StringVar(&f.control, "control", "127.0.0.1:0", "loopback address of the control API; port 0 chooses one")
}

// interruptible returns a context that ends when the command is interrupted. Being interrupted once more ends the program at once.
func (f *liveFlags) interruptible(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(cmd.Context())
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })
	return ctx, cancel
}
