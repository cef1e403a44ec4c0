package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	below := filepath.Join(dir, "below")
	if err := os.WriteFile(below, []byte("{\"format\":1}\n{\"seed\":1,\"calls\":-3}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ args, want string }{
		{"merge", "FILE is missing"},
		{"merge " + dir + "/nosuch", "cannot read results"},
		{"merge " + dir, "has no file whose name ends in .jsonl"},
		{"merge " + junk, "line 1 is no result"},
		{"merge " + below, "results of " + below + ": line 2 has a number below 0, -3"},
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
