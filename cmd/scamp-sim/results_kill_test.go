package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The parts of the sweep that workers are killed in, and how often each at least.
const (
	killedParts = 3
	killedSeeds = 240
	killsEach   = 10
)

// TestResultsOfKilledWorkers: whenever a worker is killed, its part run again gives the same merged report, octet for octet. Workers
// are killed outright at random moments, from before their first result to after their last, and now and then the machine seems to
// have stopped with them: the file ends in the middle of a line, or in rubbish.
func TestResultsOfKilledWorkers(t *testing.T) {
	file := scenarioFile(t, strings.Replace(shopScenario, "success >= 50%", "calls > 95", 1))
	dir := t.TempDir()
	worker := func(name string, part int) (out string, args []string) {
		out = filepath.Join(dir, fmt.Sprintf("%s-%d.jsonl", name, part))
		return out, []string{"run", file, "--seeds", fmt.Sprintf("1-%d", killedSeeds), "--shard", fmt.Sprintf("%d/%d", part, killedParts), "--json", out, "--jobs", "2"}
	}
	end := func(args []string) {
		if o := scampSim(t, "", args...); o.code != 1 {
			t.Errorf("exit %d: %s", o.code, o.stderr)
		}
	}
	var whole, killed []string
	for part := 1; part <= killedParts; part++ {
		out, args := worker("whole", part)
		whole = append(whole, out)
		end(args)
	}
	want := scampSim(t, "", append([]string{"results", "merge"}, whole...)...)
	if want.code != 1 || !strings.Contains(want.stdout, fmt.Sprintf("\"seeds\": %d,", killedSeeds)) || !strings.Contains(want.stdout, `"missing": [],`) {
		t.Fatalf("exit %d: %s", want.code, want.stderr)
	}
	var (
		kills tally
		parts sync.WaitGroup
	)
	kills.written.watch(t, dir)
	for part := killedParts; part >= 1; part-- { // files in another order
		out, args := worker("killed", part)
		killed = append(killed, out)
		parts.Go(func() {
			random := rand.New(rand.NewPCG(uint64(part), killedSeeds))
			for range killsEach {
				kills.kill(t, random, out, args)
			}
			end(args)
		})
	}
	parts.Wait()
	t.Logf("killed without a result %d times, with some %d, with all %d; %d files torn, %d with rubbish", kills.none, kills.some, kills.all, kills.torn, kills.rubbish)
	if kills.some < killedParts*killsEach/3 || kills.none == 0 || kills.torn == 0 || kills.rubbish == 0 {
		t.Error("that proves too little")
	}
	if got := scampSim(t, "", append([]string{"results", "merge"}, killed...)...); got != want {
		t.Error("another report of workers that were killed")
	}
	for _, name := range whole {
		os.Remove(name)
	}
	if got := scampSim(t, "", "results", "merge", dir); got != want {
		t.Error("another report of the directory")
	}
	scampSim(t, "", "results", "merge", killed[0], killed[1], "--json", killed[1]).oneLine(t, 2, "--json "+killed[1], "is one of the files that are read")
	if one := scampSim(t, "", "results", "merge", killed[killedParts-1]); one.code != 2 || !strings.Contains(one.stderr, "no result for 2-3, 5-6, ") {
		t.Errorf("exit %d: %s", one.code, one.stderr)
	}
}

// A tally counts what was killed.
type tally struct {
	written                        news // of their files
	mu                             sync.Mutex
	none, some, all, torn, rubbish int
}

// kill starts a worker and kills it at a random moment: at once, or when its file has become so many octets longer. Then the file is
// what it was, or damaged as a machine that stops leaves it.
func (k *tally) kill(t *testing.T, random *rand.Rand, out string, args []string) {
	before := size(out)
	goal := before - 600 + random.Int64N(5000)
	damage := random.IntN(4)
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		cmd.Wait()
	}()
	for ended := false; !ended; {
		coming, _ := k.written.coming()
		if size(out) >= goal {
			break
		}
		select {
		case <-done:
			ended = true
		case <-coming:
		}
	}
	cmd.Process.Kill()
	<-done
	k.mu.Lock()
	defer k.mu.Unlock()
	switch n := size(out); {
	case cmd.ProcessState.ExitCode() == 1:
		k.all++
	case n <= before:
		k.none++
	default:
		k.some++
	}
	text, err := os.ReadFile(out)
	if err != nil || len(text) < 1000 {
		return
	}
	switch damage {
	case 0:
		k.torn++
		text = text[:len(text)-random.IntN(700)]
	case 1:
		k.rubbish++
		text = append(text, strings.Repeat("\x00", random.IntN(500))+"\n{}\n"...)
	default:
		return
	}
	if err := os.WriteFile(out, text, 0o644); err != nil {
		t.Error(err)
	}
}

func size(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// TestSweepInTwo: a worker that is told to end does so at once, and says that it has not done everything; nobody else writes its file.
func TestSweepInTwo(t *testing.T) {
	file := scenarioFile(t, shopScenario)
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	args := []string{"run", file, "--seeds", "1-100000", "--json", out}
	d := start(t, args...)
	d.watch(t, dir)
	d.eventually(t, "a result", func() bool { return size(out) > 1000 })
	if o := scampSim(t, "", args...); o.code != 3 || !strings.Contains(o.stderr, "another process is writing it") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	d.cmd.Wait()
	if code := d.cmd.ProcessState.ExitCode(); code != 3 || !strings.Contains(d.stderr.String(), " of 100000 seeds have no result; the same command goes on") {
		t.Errorf("exit %d: %s", code, d.stderr)
	}
}
