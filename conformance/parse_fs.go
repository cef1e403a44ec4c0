package conformance

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Suffix ends the name of every file that holds a case.
const Suffix = ".case"

// ParseFS reads cases, sorted by path. A pattern is a file, a directory or a glob as in [path.Match] that stands for
// files and directories, "wire-frame/*" for one; a directory stands for all cases below it, and the suffix of a file
// may be left out. Without patterns all cases are read. The name of a case is its path without suffix.
//
// Files that are no cases, patterns that match nothing and names that differ only in upper and lower case are errors;
// the cases that were read are returned beside them. Syntax errors are found with [errors.As] as [*SyntaxError].
func ParseFS(fsys fs.FS, patterns ...string) ([]*Case, error) {
	if len(patterns) == 0 {
		patterns = []string{"."}
	}
	var (
		files []string
		errs  []error
	)
	for _, p := range patterns {
		found, err := find(fsys, p)
		if err != nil {
			errs = append(errs, err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	var cases []*Case
	names := make(map[string]string)
	for _, file := range slices.Compact(files) {
		name := strings.TrimSuffix(file, Suffix)
		if other, ok := names[strings.ToLower(name)]; ok {
			errs = append(errs, fmt.Errorf("%s: the name differs from %s only in upper and lower case; rename one", file, other))
			continue
		}
		names[strings.ToLower(name)] = file
		c, err := parseFile(fsys, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.Name = name
		cases = append(cases, c)
	}
	return cases, errors.Join(errs...)
}

// find returns the files that a pattern stands for.
func find(fsys fs.FS, pattern string) ([]string, error) {
	clean := path.Clean(pattern)
	matches, err := fs.Glob(fsys, clean)
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: %w", pattern, err)
	}
	if len(matches) == 0 {
		if matches, err = fs.Glob(fsys, clean+Suffix); err != nil {
			return nil, fmt.Errorf("%q is no pattern: %w", pattern, err)
		}
	}
	var files []string
	for _, m := range matches {
		err := fs.WalkDir(fsys, m, func(file string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(file, Suffix) {
				files = append(files, file)
			}
			return err
		})
		if err != nil {
			return files, fmt.Errorf("look for cases: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%q matches no case; cases are files that end in %s", pattern, Suffix)
	}
	return files, nil
}

func parseFile(fsys fs.FS, file string) (*Case, error) {
	info, err := fs.Stat(fsys, file)
	if err == nil && info.Size() > maxSource {
		return nil, tooLarge(file, info.Size())
	}
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read a case: %w", err)
	}
	return Parse(file, src)
}
