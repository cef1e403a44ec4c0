package scamp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLivenessFile: in the directory, with / as _, until it is removed (WIRE-SVC-06).
func TestLivenessFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "main_inventory")
	remove, err := mark(dir, "main/inventory", "main/inventory:1")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); string(text) != "main/inventory:1\n" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("it is there:", err)
	}
	if err := remove(); err != nil {
		t.Error("removed by somebody else:", err)
	}
}

// TestLivenessFileOfTheNextStart: the one that stops leaves it alone.
func TestLivenessFileOfTheNextStart(t *testing.T) {
	dir := t.TempDir()
	old, err := mark(dir, "inventory", "inventory:1")
	if err != nil {
		t.Fatal(err)
	}
	next, err := mark(dir, "inventory", "inventory:2")
	if err != nil {
		t.Fatal(err)
	}
	old()
	if _, err := os.Stat(filepath.Join(dir, "inventory")); err != nil {
		t.Error(err)
	}
	next()
	if _, err := os.Stat(filepath.Join(dir, "inventory")); !os.IsNotExist(err) {
		t.Error("it is there:", err)
	}
}

func TestLivenessFileThatCannotBe(t *testing.T) {
	_, err := mark(filepath.Join(t.TempDir(), "none"), "inventory", "x")
	if err == nil || !strings.Contains(err.Error(), "service.running_service_file_dir_path") {
		t.Error(err)
	}
}
