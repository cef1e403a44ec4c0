//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package discovery

import "os"

// replaceFile writes next and lets it become path. This system does not have the locks that keep two processes from
// doing it at a time.
func replaceFile(path, next string, content []byte) error {
	if err := os.WriteFile(next, content, 0o644); err != nil {
		return err
	}
	return os.Rename(next, path)
}
