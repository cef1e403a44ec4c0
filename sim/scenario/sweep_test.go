package scenario

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// uneven is a scenario that some seeds fail.
const uneven = "duration: 2s\n" + small + "expect: [calls > 9]\n"

// shard runs one shard into a file, until ctx ends, and reads it.
func shard(ctx context.Context, t *testing.T, name string, k, n int, after func(done int)) *Report {
	t.Helper()
	s := parse(t, uneven)
	h := NewHeader(s, 0, "v1", 1, 30)
	h.Shard, h.Shards = k, n
	out, err := OpenResults(name, h)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	sweep := &Sweep{Scenario: s, Header: h, Jobs: 2, Out: out, Progress: func(done, all int, r *Record) {
		if after != nil {
			after(done)
		}
	}}
	r, err := sweep.Run(ctx)
	if err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, name string) *Report {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := ReadReport(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func merged(t *testing.T, names ...string) string {
	t.Helper()
	var reports []*Report
	for _, n := range names {
		reports = append(reports, read(t, n))
	}
	r, err := Merge(names, reports)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestScenarioSweepResumes: wherever a worker is killed, its shard run again gives
// the same merged report.
func TestScenarioSweepResumes(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	whole := shard(t.Context(), t, a, 1, 2, nil)
	shard(t.Context(), t, b, 2, 2, nil)
	want := merged(t, a, b)
	if got := merged(t, b, a); got != want {
		t.Error("the order of the files matters")
	}
	if whole.Seeds != 15 || len(whole.Failed) == 0 || len(whole.Failed) == 15 {
		t.Fatalf("%d seeds, failed: %v", whole.Seeds, whole.Failed)
	}
	text, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 1, 5, 20, 300, len(text) / 3, len(text) / 2, len(text) - 1, len(text)} {
		if err := os.WriteFile(a, text[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		shard(t.Context(), t, a, 1, 2, nil)
		if got := merged(t, a, b); got != want {
			t.Errorf("cut off at %d: another report", cut)
		}
	}
	half := text[:bytes.IndexByte(text[len(text)/2:], '\n')+len(text)/2+1]
	if err := os.WriteFile(a, append(half[:len(half):len(half)], "\x00\x00\x00\n{\"seed\":1}\n"...), 0o644); err != nil { // the machine has stopped
		t.Fatal(err)
	}
	shard(t.Context(), t, a, 1, 2, nil)
	if got := merged(t, a, b); got != want {
		t.Error("damaged: another report")
	}
	if again := shard(t.Context(), t, a, 1, 2, func(int) { t.Error("a seed ran again") }); again.Seeds != 15 {
		t.Errorf("%d seeds", again.Seeds)
	}
}

func TestScenarioSweepInterrupted(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	ctx, cancel := context.WithCancel(t.Context())
	r := shard(ctx, t, name, 0, 0, func(done int) {
		if done == 3 {
			cancel()
		}
	})
	if r.Seeds < 3 || r.Seeds > 6 {
		t.Errorf("%d seeds", r.Seeds)
	}
	if r := shard(t.Context(), t, name, 0, 0, nil); r.Seeds != 30 || len(r.Missing) != 0 {
		t.Errorf("%d seeds, %v missing", r.Seeds, r.Missing)
	}
}

// TestScenarioResultsOfOthers: a file with something else is not overwritten.
func TestScenarioResultsOfOthers(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	shard(t.Context(), t, name, 1, 10, nil)
	s := parse(t, uneven)
	mine := NewHeader(s, 0, "v1", 1, 30)
	mine.Shard, mine.Shards = 1, 10
	for what, change := range map[string]func(h *Header){
		"scenario": func(h *Header) { h.Digest = "x" },
		"duration": func(h *Header) { h.DurationMS = int64(time.Hour) },
		"seeds":    func(h *Header) { h.Last = 7 },
		"version":  func(h *Header) { h.Version = "v2" },
		"shard":    func(h *Header) { h.Shard = 2 },
	} {
		h := mine
		change(&h)
		if _, err := OpenResults(name, h); err == nil {
			t.Errorf("results of another %s were taken", what)
		}
	}
	other := filepath.Join(dir, "b")
	for _, text := range []string{"precious\n", "precious"} {
		if err := os.WriteFile(other, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenResults(other, mine); err == nil {
			t.Errorf("%q was taken", text)
		}
		if kept, _ := os.ReadFile(other); string(kept) != text {
			t.Errorf("%q is left of %q", kept, text)
		}
	}
}

// TestScenarioResultsOfOne: two programs do not write one file.
func TestScenarioResultsOfOne(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no locks there")
	}
	name := filepath.Join(t.TempDir(), "a")
	h := Header{Format: 1, First: 1, Last: 30}
	first, err := OpenResults(name, h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenResults(name, h); err == nil || !strings.Contains(err.Error(), "another process is writing it") {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenResults(name, h)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
