// Command scamp-sim checks implementations of SCAMP, plays services and calls them.
//
// Every verb exits with 0 when all is well, 1 when what was checked is not
// well, 2 when it could not be done, with one line that names the thing and
// the mend.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, newRoot()))
}

// run executes the command line and returns the exit status.
func run(ctx context.Context, root *cobra.Command) int {
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := 2
	if status := new(statusError); errors.As(err, &status) {
		code = status.code
		err = status.err
	}
	if err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "scamp-sim:", err)
	}
	return code
}

// A statusError ends the program with an exit status other than 2. A nil err
// means that everything has been said.
type statusError struct {
	code int
	err  error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "scamp-sim",
		Short: "Checks, plays and calls SCAMP services",
		Long: `scamp-sim is the reference for SCAMP: a suite that tells which rules of the
specification an implementation breaks, a service to call, and a caller.

Start with "scamp-sim conformance": it needs no set-up.`,
		Version:       version(),
		Args:          cobra.ArbitraryArgs,
		RunE:          chooseCommand,
		SilenceErrors: true,
		SilenceUsage:  true,

		DisableFlagsInUseLine: true,
	}
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newConformance(), newCases(), newServe(), newRequest(), newProvision(), newFingerprint(), newCache(), newTicket(), newRun(), newUp(), newProxy(), newResults())
	return root
}

// version is that of the module, or of the commit that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
