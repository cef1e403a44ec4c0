package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// group makes a command that has others below it and does nothing by itself.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, DisableFlagsInUseLine: true, RunE: chooseCommand}
	cmd.AddCommand(below...)
	return cmd
}

// chooseCommand is what a command does that has others below it: it helps to choose one.
func chooseCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	cmd.SuggestionsMinimumDistance = 2
	wanted := cmd.CommandPath() + " " + args[0]
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no command %q; did you mean %q?", wanted, cmd.CommandPath()+" "+near[0])
	}
	return fmt.Errorf("there is no command %q (see %s --help)", wanted, cmd.CommandPath())
}

// operands demands an argument for each of these names.
func operands(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing (see %s --help)", names[len(args)], cmd.CommandPath())
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many (see %s --help)", args[len(names)], cmd.CommandPath())
		}
		return nil
	}
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	kinds := map[string]string{"uint64": "a whole number, not below 0", "int": "a whole number", "duration": "a time such as 90s, 5m or 1h30m"}
	if e := new(pflag.InvalidValueError); errors.As(err, &e) {
		if kind := kinds[e.GetFlag().Value.Type()]; kind != "" {
			return fmt.Errorf("--%s %q is not %s (see %s --help)", e.GetFlag().Name, e.GetValue(), kind, cmd.CommandPath())
		}
	}
	return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
}

// missing names the flags that are needed and not set.
func missing(cmd *cobra.Command, names ...string) error {
	var absent []string
	for _, n := range names {
		if f := cmd.Flags().Lookup(n); f.Value.String() == "" || !f.Changed {
			absent = append(absent, "--"+n)
		}
	}
	switch len(absent) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s is missing (see %s --help)", absent[0], cmd.CommandPath())
	}
	last := len(absent) - 1
	return fmt.Errorf("%s and %s are missing (see %s --help)", strings.Join(absent[:last], ", "), absent[last], cmd.CommandPath())
}

// unprefixed is the text of an error without the name of the package that it comes from.
func unprefixed(err error) string {
	text := err.Error()
	for _, p := range []string{"discovery: ", "announcement: ", "ticket: "} {
		text = strings.TrimPrefix(text, p)
	}
	return text
}

// visible makes a text of somebody else's harmless for a terminal and keeps it on its line: what cannot be seen becomes an
// escape.
func visible(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// counted is a number with what is counted.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", grouped(n), what)
}

// grouped is a number with its thousands set apart.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
