//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package discovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// replaceFile writes next and lets it become path. It has locked next from its first octet until it has its new name.
func replaceFile(path, next string, content []byte) error {
	f, err := lockFile(next)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(0); err != nil { // one that was killed may have left it
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil { // or a machine that stops leaves the new name with nothing behind it
		return err
	}
	return os.Rename(next, path)
}

// lockFile opens a file that is to be written, or makes it, and locks it.
func lockFile(path string) (*os.File, error) {
	for range 100 { // others may rename it in between
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK {
			f.Close()
			break
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		there, err := os.Stat(path)
		if err == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("another process is writing %s: let one cache manager keep the file", path)
}
