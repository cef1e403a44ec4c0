package scamp

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mark writes the file that is there while a service serves, and returns what
// removes it. Its text is the ident of one start of the service: a file that the
// next start has written stays (WIRE-SVC-06).
func mark(dir, name, ident string) (remove func() error, err error) {
	path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
	text := []byte(ident + "\n")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return nil, fmt.Errorf("scamp: cannot write the liveness file: %w; service.running_service_file_dir_path names its directory", err)
	}
	return func() error {
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, text) {
			return nil // it is not ours any more
		}
		return os.Remove(path)
	}, nil
}
