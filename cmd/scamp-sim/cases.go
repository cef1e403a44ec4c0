package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/golden"
)

func newCases() *cobra.Command {
	cmd := group("cases", "Formats and checks files of cases")
	cmd.Long = `cases works on files of cases; docs/case-language.md defines the language. DIR stands for all *.case files below it.`
	var check bool
	format := &cobra.Command{
		Use:   "fmt FILE|DIR...",
		Short: "Writes cases in their canonical form",
		Long: `fmt writes each file back in its canonical form and prints the names of those
that it has changed. With --check it changes nothing, and exits with 1 if there
are any.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return formatCases(cmd, args, check) },
	}
	format.Flags().BoolVar(&check, "check", false, "only print the names of files that would change")
	lint := &cobra.Command{
		Use:   "lint FILE|DIR...",
		Short: "Looks for mistakes in cases",
		Long:  `lint prints what is wrong with the cases, a line for each: file, line, column, message. It exits with 1 if there is anything.`,
		Args:  cobra.MinimumNArgs(1),
		RunE:  lintCases,
	}
	cmd.AddCommand(format, lint)
	return cmd
}

func formatCases(cmd *cobra.Command, args []string, check bool) error {
	files, err := caseFiles(args)
	if err != nil {
		return err
	}
	changed := false
	for _, file := range files {
		src, c, err := parseFile(file)
		if syntax := (conformance.Errors)(nil); errors.As(err, &syntax) {
			return malformed(syntax)
		}
		if err != nil {
			return err
		}
		text := conformance.Format(c)
		if bytes.Equal(src, text) {
			continue
		}
		changed = true
		fmt.Fprintln(cmd.OutOrStdout(), file)
		if check {
			continue
		}
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return err
		}
	}
	if check && changed {
		return &statusError{code: 1}
	}
	return nil
}

func lintCases(cmd *cobra.Command, args []string) error {
	files, err := caseFiles(args)
	if err != nil {
		return err
	}
	wrong := false
	for _, file := range files {
		_, c, err := parseFile(file)
		if syntax := (conformance.Errors)(nil); errors.As(err, &syntax) {
			wrong = true
			fmt.Fprintln(cmd.OutOrStdout(), syntax)
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range conformance.Lint(c) {
			wrong = true
			fmt.Fprintln(cmd.OutOrStdout(), e)
		}
	}
	if wrong {
		return &statusError{code: 1}
	}
	return nil
}

// readCases reads the cases of files and directories; without any, the built-in ones.
func readCases(args []string) (cases []*conformance.Case, err error) {
	if len(args) == 0 {
		return conformance.ParseFS(golden.FS)
	}
	files, err := caseFiles(args)
	if err != nil {
		return nil, err
	}
	var all conformance.Errors
	for _, file := range files {
		_, c, err := parseFile(file)
		if syntax := (conformance.Errors)(nil); errors.As(err, &syntax) {
			all = append(all, syntax...)
			continue
		}
		if err != nil {
			return nil, err
		}
		c.Name = filepath.ToSlash(strings.TrimSuffix(file, conformance.Suffix))
		cases = append(cases, c)
	}
	if len(all) > 0 {
		return nil, malformed(all)
	}
	return cases, nil
}

// malformed says in one line what is wrong with cases.
func malformed(errs conformance.Errors) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return fmt.Errorf(`%w (and %d more like this: "scamp-sim cases lint" lists them all)`, errs[0], len(errs)-1)
}

func parseFile(file string) ([]byte, *conformance.Case, error) {
	src, err := readFile(file, mostText)
	if err != nil {
		return nil, nil, err
	}
	c, err := conformance.Parse(file, src)
	return src, c, err
}

// caseFiles returns the files that arguments stand for.
func caseFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, fmt.Errorf("cannot read cases: %w", err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(file, conformance.Suffix) {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("cannot read cases: %w", err)
		}
		if len(files) == before {
			return nil, fmt.Errorf("there is no case in %s; cases are files that end in %s", arg, conformance.Suffix)
		}
	}
	return files, nil
}
