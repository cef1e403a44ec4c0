package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// A files is output files, and the first error about them.
type files struct {
	open []io.Closer
	err  error
}

// create makes the file that a flag names; nil if it names none.
func (o *files) create(cmd *cobra.Command, flag, name string) io.WriteCloser {
	if name == "" || o.err != nil {
		return nil
	}
	if name == "-" {
		return keepOpen{cmd.OutOrStdout()}
	}
	w, err := os.Create(name)
	if err != nil {
		o.err = fmt.Errorf("cannot write the file of %s: %w", flag, err)
		return nil
	}
	o.open = append(o.open, w)
	return w
}

func (o *files) note(err error) {
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("cannot write the result: %w", err)
	}
}

func (o *files) close() error {
	for _, c := range o.open {
		o.note(c.Close())
	}
	return o.err
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
