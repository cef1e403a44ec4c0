package scenario

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden transcripts and the schema")

const goldenDir = "../../golden/sim"

func goldens(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(goldenDir + "/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d scenarios: %v", len(files), err)
	}
	return files
}

func load1(t *testing.T, file string) *Scenario {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(filepath.Base(file), text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run returns the transcript of a run, and what was wrong with it.
func run(t *testing.T, s *Scenario, seed uint64) (transcript []byte, failures []string) {
	t.Helper()
	var b bytes.Buffer
	o, err := s.Run(Options{Seed: seed, Transcript: &b})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), o.Failures()
}

// TestScenariosReplay: the scenarios that ship do what they expect, and their
// transcripts are those beside them, to the octet.
func TestScenariosReplay(t *testing.T) {
	for _, file := range goldens(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s := load1(t, file)
			got, failures := run(t, s, s.Seed)
			if len(failures) > 0 {
				t.Error(strings.Join(failures, "\n"))
			}
			name := strings.TrimSuffix(file, ".yaml") + ".transcript"
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
				t.Errorf("not the transcript of %s: %v; go test ./sim/scenario -update rewrites it\n%s", name, err, parting(got, want))
			}
			if n := bytes.Count(got, []byte("\n")); n > 800 {
				t.Errorf("the transcript has %d lines: the scenario is too long", n)
			}
		})
	}
}

// TestScenariosRunAlike: neither the number of processors nor TLS makes two runs of
// a seed differ; another seed does.
func TestScenariosRunAlike(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, file := range goldens(t) {
		for _, tls := range []bool{false, true} {
			s := load1(t, file)
			s.tls = tls
			runtime.GOMAXPROCS(1)
			first, failures := run(t, s, s.Seed)
			if len(failures) > 0 {
				t.Errorf("%s, tls %v: %v", s.File, tls, failures)
			}
			runtime.GOMAXPROCS(2)
			for range 3 {
				if again, _ := run(t, s, s.Seed); !bytes.Equal(first, again) {
					t.Fatalf("%s, tls %v: two runs differ:\n%s", s.File, tls, parting(again, first))
				}
			}
			if other, _ := run(t, s, s.Seed+1); bytes.Equal(first, other) {
				t.Errorf("%s: two seeds are equal", s.File)
			}
		}
	}
}

// parting shows where two texts part.
func parting(got, want []byte) string {
	x, y := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			from := max(i-3, 0)
			return strings.Join(x[from:min(i+5, len(x))], "\n") + "\n--- instead of\n" + strings.Join(y[from:min(i+5, len(y))], "\n")
		}
	}
	return "one is longer than the other"
}
