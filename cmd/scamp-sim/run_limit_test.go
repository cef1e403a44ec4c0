package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// A run that takes too long fails its seed, with what it was doing; when all jobs are
// busy with such runs, the program starts anew and goes on with the other seeds.
func TestRunLimit(t *testing.T) {
	file := scenarioFile(t, strings.NewReplacer("rate: 20", "rate: 3000", "duration: 5s", "duration: 10m").Replace(shopScenario))
	out := filepath.Join(t.TempDir(), "out")
	sweep := []string{"run", file, "--seeds", "1-5", "--jobs", "2", "--limit", "50ms"}
	o := scampSim(t, "", append(sweep, "--json", out)...)
	if o.code != 1 || !strings.Contains(o.stdout, "0 seeds passed, 5 failed") || !strings.Contains(o.stdout, "did not come to its end within 50ms of real time") {
		t.Errorf("exit %d\n%s", o.code, o.stdout)
	}
	for _, want := range []string{"seed 1 did not come to its end within 50ms", "seed 4 did not", "synctest bubble", "sim/scenario.(*play).play", "starting again"} {
		if !strings.Contains(o.stderr, want) {
			t.Errorf("it does not say %q:\n%.2000s", want, o.stderr)
		}
	}
	if again := scampSim(t, "", append(sweep, "--json", out)...); again.code != 1 || again.stderr != "" {
		t.Errorf("started again, it exits with %d: %s", again.code, again.stderr)
	}
	merged := scampSim(t, "", "results", "merge", out)
	if merged.code != 1 || strings.Count(merged.stdout, `"irreproducible"`) != 5 || strings.Count(merged.stdout, `"virtual_us": 0`) != 5 {
		t.Errorf("exit %d: %s", merged.code, merged.stdout)
	}
	if o := scampSim(t, "", sweep...); o.code != 2 || !strings.Contains(o.stderr, "3 of 5 seeds have no result: with --json FILE, the sweep goes on") {
		t.Errorf("exit %d: %.2000s", o.code, o.stderr)
	}
}
