package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shopScenario = `about: A shop.
seed: 3
duration: 5s
services:
  - name: shop
    instances: 2
    actions:
      - {name: Shop.get, latency: around 5ms, errors: 2%}
requesters:
  - name: web
    calls:
      - {action: Shop.get, rate: 20}
faults:
  - {at: 2s, for: 1s, kill: shop-1}
expect:
  - success >= 50%
`

// scenarioFile writes a scenario into a directory of its own.
func scenarioFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRun(t *testing.T) {
	file := scenarioFile(t, shopScenario)
	dir := t.TempDir()
	transcript, result := filepath.Join(dir, "t"), filepath.Join(dir, "r")
	o := scampSim(t, "", "run", file, "--transcript", transcript, "--json", result)
	if o.code != 0 || o.stderr != "" || strings.Contains(o.stdout, "\x1b") {
		t.Fatalf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	for _, want := range []string{"A shop.\n", "seed 3: ", "Shop.get ", " failed\n", "1  kill shop-1 at 2s\n", "ok    success >= 50%", " connections\n"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, o.stdout)
		}
	}
	first, err := os.ReadFile(transcript)
	if err != nil || strings.Count(string(first), "\n") < 200 {
		t.Errorf("a transcript of %d octets: %v", len(first), err)
	}
	var r struct {
		Format int
		Failed []int
		Runs   []struct {
			Seed  int
			OK    bool
			Calls int
		}
	}
	text, err := os.ReadFile(result)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || r.Format != 1 || len(r.Failed) != 0 || len(r.Runs) != 1 || r.Runs[0].Seed != 3 || !r.Runs[0].OK || r.Runs[0].Calls < 50 {
		t.Errorf("%v: %s", err, text)
	}
	again := scampSim(t, "", "run", file, "--transcript", "-")
	if again.code != 0 || again.stdout != string(first) || !strings.Contains(again.stderr, "seed 3: ") {
		t.Errorf("exit %d, another transcript on standard output", again.code)
	}
	if other := scampSim(t, "", "run", file, "--transcript", "-", "--seed", "4"); other.stdout == string(first) || !strings.Contains(other.stderr, "seed 4: ") {
		t.Error("another seed gives the same transcript")
	}
	if o := scampSim(t, "", "run", file, "-v", "--duration", "3s"); o.code != 0 || !strings.Contains(o.stdout, "2.000000  shop-1 is killed\n") {
		t.Errorf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// What failed is told with the seed, the time, and the command that replays it.
func TestRunFails(t *testing.T) {
	file := scenarioFile(t, strings.NewReplacer("success >= 50%", "calls > 1000", "    instances: 2\n", "    instances: 2\n    bug: repeats-acks\n",
		"rate: 20", "rate: 20, body: 100KiB").Replace(shopScenario))
	junit := filepath.Join(t.TempDir(), "j")
	o := scampSim(t, "", "run", file, "--duration", "4s", "--junit", junit)
	if o.code != 1 || o.stderr != "" {
		t.Fatalf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	for _, want := range []string{"FAIL  calls > 1000", "FAIL  seed 3\n", "      after ", "is acknowledged to",
		"      the last packets of web > shop-", "  < ACK    ", `{"type":"request","action":"Shop.get","version":1,`, "replay: scamp-sim run " + file + " --seed 3 --duration 4s\n"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, o.stdout)
		}
	}
	if text, err := os.ReadFile(junit); err != nil || !strings.Contains(string(text), `tests="1" failures="1"`) {
		t.Errorf("%v: %s", err, text)
	}
	never := scenarioFile(t, strings.Replace(shopScenario, "{at: 2s, for: 1s, kill: shop-1}", "{at: 2s, start: shop-1, name: nothing}", 1))
	if o := scampSim(t, "", "run", never); o.code != 1 || !strings.Contains(o.stdout, "never  nothing\n") || !strings.Contains(o.stdout, `the fault "nothing" was never met`) {
		t.Errorf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// The page is written whether the run is well or not, and changes nothing.
func TestRunPage(t *testing.T) {
	file := scenarioFile(t, shopScenario)
	page := filepath.Join(t.TempDir(), "run.html")
	plain := scampSim(t, "", "run", file, "--transcript", "-")
	o := scampSim(t, "", "run", file, "--transcript", "-", "--html", page)
	if o.code != 0 || o.stdout != plain.stdout {
		t.Errorf("exit %d, another transcript: %s", o.code, o.stderr)
	}
	text, err := os.ReadFile(page)
	if err != nil || !strings.HasPrefix(string(text), "<!DOCTYPE html>") || !strings.Contains(string(text), "passed</p>") {
		t.Errorf("%v: %.300s", err, text)
	}
	if o := scampSim(t, "", "run", file, "--duration", "2500ms", "--html", "-", "--seed", "4"); o.code != 0 || !strings.Contains(o.stdout, "--seed 4 --duration 2.5s</code>") || !strings.Contains(o.stderr, "seed 4: ") {
		t.Errorf("exit %d\n%s", o.code, o.stderr)
	}
}

func TestRunShrinks(t *testing.T) {
	file := scenarioFile(t, strings.Replace(shopScenario, "success >= 50%", "calls > 1000", 1))
	o := scampSim(t, "", "run", file, "--shrink", "--seed", "9")
	if o.code != 1 || !strings.Contains(o.stdout, "seed: 9\n") || strings.Contains(o.stdout, "faults") || !strings.Contains(o.stderr, "expected calls > 1000\n") {
		t.Fatalf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	if again := scampSim(t, "", "run", scenarioFile(t, o.stdout)); again.code != 1 || !strings.Contains(again.stdout, "FAIL  calls > 1000") {
		t.Errorf("exit %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	scampSim(t, "", "run", scenarioFile(t, shopScenario), "--shrink").oneLine(t, 2, "does not fail with this seed")
}

func TestRunCannot(t *testing.T) {
	file := scenarioFile(t, shopScenario)
	wrong := scenarioFile(t, strings.Replace(shopScenario, "kill: shop-1", "kill: shop-7", 1))
	for _, tc := range []struct {
		args string
		want string
	}{
		{"", "FILE is missing"},
		{"nosuch.yaml", "cannot read the scenario"},
		{wrong, wrong + `:14:29: nothing is called "shop-7"; did you mean "shop-1"?`},
		{file + " --seed -1", `--seed "-1" is not a whole number`},
		{file + " --duration 0s", "--duration 0s: nothing happens in no time"},
		{file + " --duration 1s", file + ":14:5: at 2s the run has ended, after 1s"},
		{file + " --transcript - --json -", "only one of"},
		{file + " --transcript /nosuch/dir/t", "cannot write the file of --transcript"},
		{file + " --jobs 3", "give --seeds, too"},
		{file + " --seeds 1-5 --seed 3", "are for one run"},
		{file + " --shrink --json -", "--shrink prints a scenario"},
		{file + " --seeds 1-5 --html x.html", "--html is a page about one run: leave out --seeds"},
		{file + " --shrink --html x.html", "--shrink prints a scenario"},
		{file + " --html - --json -", "only one of"},
		{file + " --html /nosuch/dir/x.html", "cannot write the file of --html"},
		{file + " --seeds 5-1", "is not a range such as 1-10000"},
		{file + " --seeds 1-99999999999", "of at most 10000000 seeds"},
		{file + " --seeds 1-5 --shard 4/3", "is not a part such as 3/16"},
		{file + " --seeds 1-5 --duration 1s", "at 2s the run has ended"},
	} {
		o := scampSim(t, "", append([]string{"run"}, strings.Fields(tc.args)...)...)
		o.oneLine(t, 2, tc.want)
		if o.stdout != "" {
			t.Errorf("%s: something ran: %s", tc.args, o.stdout)
		}
	}
}
