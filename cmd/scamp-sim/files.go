package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// The most octets that files of these kinds have: more is somebody's mistake, or a
// device.
const (
	mostText    = 16 << 20 // what people write: scenarios, cases, configuration, keys
	mostCache   = 512 << 20
	mostResults = 1 << 30
)

// readFile reads a file that has at most so many octets.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d MiB: it is no such file", name, most>>20)
	}
	return text, nil
}

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
