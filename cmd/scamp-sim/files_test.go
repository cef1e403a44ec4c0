package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFilesWithoutEnd: a file of more octets than such files have is refused, not read.
func TestFilesWithoutEnd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 1<<40); err != nil {
		t.Skipf("this file system has no sparse files: %v", err)
	}
	for _, command := range [][]string{{"run"}, {"up"}, {"cases", "lint"}, {"fingerprint"}} {
		scampSim(t, "", append(command, name)...).oneLine(t, 2, name, "more than 16 MiB")
	}
}
