//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package scenario

import (
	"os"
	"syscall"
)

// lock locks a file until it is closed, or its process ends. It reports false if
// another one has locked it; a file system without locks lets everybody have it.
func lock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != syscall.EWOULDBLOCK
}
