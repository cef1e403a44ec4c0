package main

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/golden"
)

// The committed vectors are those that the program makes, and no other.
func TestFilesAreUpToDate(t *testing.T) {
	made := map[string]bool{}
	for _, g := range groups() {
		want, err := g.encode()
		if err != nil {
			t.Fatal(err)
		}
		made[g.file()] = true
		if have, err := golden.FS.ReadFile(g.file()); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s differs from what the program makes (%v); run go generate ./golden", g.file(), err)
		}
	}
	files, err := fs.Glob(golden.FS, "disc-*/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if !made[name] {
			t.Errorf("%s is made by no program", name)
		}
	}
}

// The worked examples are quoted as they stand in the specification.
func TestExamplesAreTheSpecifications(t *testing.T) {
	text, err := os.ReadFile("../../../docs/spec/discovery.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range quoted() {
		if !strings.Contains(string(text), s) {
			t.Errorf("the specification does not have:\n%s", s)
		}
	}
}
