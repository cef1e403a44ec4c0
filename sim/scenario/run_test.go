package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// outcome runs a scenario.
func outcome(t *testing.T, text string, o Options) *Outcome {
	t.Helper()
	out, err := parse(t, text).Run(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScenarioRun(t *testing.T) {
	out := outcome(t, small+"expect: [success == 100%, calls > 200, p99 < 10ms]\n", Options{Seed: 1})
	if f := out.Failures(); len(f) > 0 || out.Stats.Calls < 200 || out.Virtual < time.Minute {
		t.Errorf("%v, %+v", f, out.Stats)
	}
	out = outcome(t, small+"expect: [calls > 1000000]\n", Options{Seed: 1, Duration: 3 * time.Second})
	if f := out.Failures(); len(f) != 1 || !strings.HasPrefix(f[0], "expected calls > 1000000: ") || out.Virtual > 4*time.Second {
		t.Errorf("%v after %v", f, out.Virtual)
	}
}

// TestScenarioOfAWrongServer: what must always hold is judged whatever is expected.
func TestScenarioOfAWrongServer(t *testing.T) {
	wrong := strings.Replace(small, "    instances: 2\n", "    bug: repeats-acks\n", 1)
	wrong = strings.Replace(wrong, "rate: 5", "rate: 5, body: 100KiB", 1)
	out := outcome(t, "duration: 5s\n"+wrong, Options{Seed: 1})
	if f := fmt.Sprint(out.Failures()); !strings.Contains(f, "after ") || !strings.Contains(f, "is acknowledged to") {
		t.Error(f)
	}
}

func TestScenarioTooShortForItsFaults(t *testing.T) {
	s := parse(t, small+"faults:\n  - {at: 10s, kill: shop-1}\n")
	if _, err := s.Run(Options{Duration: 5 * time.Second}); err == nil || err.Error() != "x.yaml:11:5: at 10s the run has ended, after 5s" {
		t.Error(err)
	}
}

// TestScenarioUntil: the run ends when something happens, and says when.
func TestScenarioUntil(t *testing.T) {
	text := small + "faults:\n  - {at: 10s, kill: shop-1}\n  - {at: 20s, kill: shop-2}\nexpect: [calls > 100000]\n"
	out := outcome(t, text, Options{Seed: 1, Until: "shop-1 is killed"})
	if f := out.Failures(); len(f) > 0 || out.Until != "after 10s: shop-1 is killed" || out.Virtual > 11*time.Second {
		t.Errorf("%v, %q, %v", f, out.Until, out.Virtual)
	}
	out = outcome(t, small, Options{Seed: 1, Until: "the end of the world"})
	if f := out.Failures(); len(f) != 1 || f[0] != `"the end of the world" did not happen` {
		t.Error(f)
	}
}

// TestScenarioLinks: profiles of links hold for the hosts, and the direction, that
// they name.
func TestScenarioLinks(t *testing.T) {
	for text, least := range map[string]time.Duration{
		"{between: [web, shop], profile: {latency: 100ms}}":                200 * time.Millisecond,
		"{between: [shop, web], profile: {latency: 100ms}, one_way: true}": 100 * time.Millisecond,
		"{between: [shop, web], profile: {preset: lan, latency: 50ms}}":    100 * time.Millisecond,
	} {
		out := outcome(t, "duration: 5s\nlinks:\n  - "+text+"\n"+small, Options{Seed: 1})
		if got := out.Stats.Actions[0].Latency.Quantile(0.5); got < least || got > least+least/10 {
			t.Errorf("%s: %v", text, got)
		}
	}
}
