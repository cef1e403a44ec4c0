package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestResultsOfKilledWorkers: wherever a worker is killed, its shard run again gives
// the same merged report.
func TestResultsOfKilledWorkers(t *testing.T) {
	file := scenarioFile(t, strings.Replace(shopScenario, "success >= 50%", "calls > 95", 1))
	dir := t.TempDir()
	shards := func(name string, kill bool) []string {
		var names []string
		for k := 1; k <= 3; k++ {
			out := filepath.Join(dir, fmt.Sprintf("%s-%d", name, k))
			names = append(names, out)
			args := []string{"run", file, "--seeds", "1-60", "--shard", fmt.Sprintf("%d/3", k), "--json", out, "--jobs", "2"}
			if kill {
				killWhenWritten(t, out, args)
			}
			if o := scampSim(t, "", args...); o.code > 1 {
				t.Fatalf("exit %d: %s", o.code, o.stderr)
			}
		}
		return names
	}
	whole := scampSim(t, "", append([]string{"results", "merge"}, shards("whole", false)...)...)
	if whole.code != 1 || !strings.Contains(whole.stdout, `"seeds": 60,`) || !strings.Contains(whole.stdout, `"missing": [],`) {
		t.Fatalf("exit %d: %s", whole.code, whole.stderr)
	}
	names := shards("killed", true)
	names[0], names[2] = names[2], names[0]
	if again := scampSim(t, "", append([]string{"results", "merge"}, names...)...); again != whole {
		t.Error("another report of workers that were killed")
	}
	if one := scampSim(t, "", "results", "merge", names[0]); one.code != 2 || !strings.Contains(one.stderr, "no result for 1-2, 4-5, ") {
		t.Errorf("exit %d: %s", one.code, one.stderr)
	}
}

// killWhenWritten starts a worker and kills it as soon as it has written a result.
func killWhenWritten(t *testing.T, out string, args []string) {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	cmd := exec.CommandContext(ctx, binary, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		cmd.Wait()
	}()
	for {
		if text, err := os.ReadFile(out); err == nil && strings.Count(string(text), "\n") > 2 {
			break
		}
		select {
		case <-done:
			return
		default:
		}
	}
	kill()
	<-done
}

func TestRunSeeds(t *testing.T) {
	file := scenarioFile(t, strings.Replace(shopScenario, "success >= 50%", "calls > 95", 1))
	junit := filepath.Join(t.TempDir(), "j")
	o := scampSim(t, "", "run", file, "--seeds", "1-20", "--junit", junit)
	if o.code != 1 || !strings.Contains(o.stdout, " passed, ") || !strings.Contains(o.stdout, "replay: scamp-sim run "+file+" --seed ") {
		t.Errorf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	if text, err := os.ReadFile(junit); err != nil || !strings.Contains(string(text), `tests="20"`) {
		t.Errorf("%v: %s", err, text)
	}
	t.Setenv("JOB_COMPLETION_INDEX", "2")
	scampSim(t, "", "run", file, "--seeds", "1-20").oneLine(t, 2, "JOB_COMPLETIONS is not")
	t.Setenv("JOB_COMPLETIONS", "4")
	o = scampSim(t, "", "run", file, "--seeds", "1-20", "--json", "-")
	if o.code > 1 || strings.Count(o.stdout, "\n") != 6 || !strings.Contains(o.stdout, `"shard":3,"shards":4}`) {
		t.Errorf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	t.Setenv("JOB_COMPLETIONS", "2")
	scampSim(t, "", "run", file, "--seeds", "1-20").oneLine(t, 2, "is no part")
}

func TestResultsCannot(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte("junk\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ args, want string }{
		{"merge", "FILE is missing"},
		{"merge " + dir + "/nosuch", "cannot read results"},
		{"merge " + junk, "line 1 is no result"},
		{"merge " + junk + " --json - --junit -", "cannot both be standard output"},
		{"nosuch", "there is no command"},
	} {
		scampSim(t, "", append([]string{"results"}, strings.Fields(tc.args)...)...).oneLine(t, 2, tc.want)
	}
	file := scenarioFile(t, shopScenario)
	if o := scampSim(t, "", "run", file, "--seeds", "1-3", "--json", junk); o.code != 2 || !strings.Contains(o.stderr, "other results") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}
