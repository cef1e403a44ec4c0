//go:build unix

package main

import "syscall"

// execute becomes another program. It returns only if that cannot be.
func execute(program string, args, env []string) error { return syscall.Exec(program, args, env) }
