//go:build !unix

package main

import "errors"

// execute would become another program, which this system does not do.
func execute(string, []string, []string) error { return errors.ErrUnsupported }
