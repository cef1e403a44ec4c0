package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// small is a scenario in which nothing is wrong; more is added to it.
const small = `services:
  - name: shop
    instances: 2
    actions:
      - name: Shop.get
requesters:
  - name: web
    calls:
      - {action: Shop.get, rate: 5}
`

func parse(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScenarioDefaults(t *testing.T) {
	s := parse(t, small)
	if s.Seed != 1 || s.Duration != time.Minute || s.tls || s.link.Latency != 200*time.Microsecond || len(s.Digest) != 64 {
		t.Errorf("%+v", s)
	}
}

// TestScenarioMistakes: every mistake is told with its place, and with the mend.
func TestScenarioMistakes(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "x.yaml:1:1: the file is empty"},
		{"services: [", "x.yaml:1:11: "},
		{"just words", "x.yaml:1:1: a scenario has keys and values"},
		{"sevices: []\n" + small, `x.yaml:1:1: a scenario has no "sevices"; did you mean "services"?`},
		{"seed: -1\n" + small, `x.yaml:1:7: seed: "-1" is not a whole number from 0`},
		{"seed: 1.5\n" + small, `x.yaml:1:7: seed: "1.5" is not a whole number`},
		{"duration: 10\n" + small, "x.yaml:1:11: duration: 10 has no unit: write 10s"},
		{"duration: -1s\n" + small, "x.yaml:1:11: duration: -1s is below 0"},
		{"duration: 0\n" + small, "x.yaml:1:11: duration: 0 is no time: a run takes some, such as 1m"},
		{"duration: 0.0s\n" + small, "x.yaml:1:11: duration: 0.0s is no time"},
		{"duration: 5000h\n" + small, "longer than 1000h"},
		{"tls: maybe\n" + small, `x.yaml:1:6: tls: "maybe" is neither true nor false`},
		{strings.Replace(small, "calls:", "bug: never-resume\n    calls:", 1), `there is no "never-resume"; did you mean "never-resumes"?`},
		{strings.Replace(small, "calls:", "bug: never-times-out\n    calls:", 1), `never-times-out is no mistake in the packets of a connection, and a requester here can make only those: sends-banner, `},
		{"link: lam\n" + small, `x.yaml:1:7: preset: there is no "lam"; did you mean "lan"?`},
		{"link: {latency: 1ms, loss: 120%}\n" + small, "x.yaml:1:28: loss: 120% is not from 0% to 100%"},
		{"link: {loss: 100%}\n" + small, "a loss of 1 lets nothing pass"},
		{"links:\n  - {between: [web, ship], profile: lan}\n" + small, `x.yaml:2:21: nothing is called "ship"; did you mean "shop"?`},
		{"links:\n  - {between: [web], profile: lan}\n" + small, "x.yaml:2:15: between: two names should be here"},
		{"links:\n  - {between: [web, shop]}\n" + small, "x.yaml:2:5: a link has no profile"},
		{"links: {}\n" + small, "x.yaml:1:8: links is a list: begin each with a dash"},
		{small + "seed: 1\nseed: 2\n", "x.yaml:11:1: "},
		{strings.Replace(small, "name: web", "name: web\n    sector: web", 1), `no service of the sector web offers Shop.get~1; shop offers it in the sector main`},
		{strings.Replace(small, "Shop.get, ", "Shop.got, ", 1), `x.yaml:9:9: no service of the sector main offers Shop.got~1; did you mean "Shop.get~1"?`},
		{strings.Replace(small, "rate: 5", "rate: 5, workers: 2", 1), "need a rate or workers, one of them"},
		{strings.Replace(small, ", rate: 5", "", 1), "need a rate or workers, one of them"},
		{strings.Replace(small, "rate: 5", "rate: 0", 1), "x.yaml:9:34: rate: \"0\" is not a number above 0"},
		{strings.Replace(small, "rate: 5", "rate: 5, until: 1s, from: 2s", 1), "until 1s is not after from 2s"},
		{strings.Replace(small, "rate: 5", "rate: 5, body: between 2KiB and 1KiB", 1), "ends before it begins"},
		{strings.Replace(small, "rate: 5", "rate: 5, body: heavy 1MiB", 1), "can be 100 times as much"},
		{strings.Replace(small, "instances: 2", "instances: 0", 1), "is not a whole number from 1 to 10000"},
		{strings.Replace(small, "name: shop", "name: web", 1), "there are two that are called web"},
		{strings.Replace(small, "name: web", "name: shop-2", 1), "there are two that are called shop-2"},
		{strings.Replace(small, "name: web", "name: a b", 1), `the name "a b" has a character that no name has`},
		{strings.Replace(small, "name: shop", "name: "+strings.Repeat("s", 201), 1), "x.yaml:2:11: name: a name has at most 200 characters, not 201"},
		{strings.Replace(small, "name: shop", "sector: 'a, main:ALL'\n    name: shop", 1), `x.yaml:2:13: sector: "a, main:ALL" is no name of a sector`},
		{strings.Replace(small, "name: web", "sector: \"main:ALL\\nxyz\"\n    name: web", 1), "is no name of a sector"},
		{strings.Replace(small, "Shop.get\n", "get\n", 1), `x.yaml:5:9: the action "get" has no namespace`},
		{strings.Replace(small, "name: Shop.get", "version: 1", 1), "x.yaml:5:9: an action has no name"},
		{strings.Replace(small, "    instances: 2\n", "    bug: nosuch\n", 1), `bug: there is no "nosuch"`},
		{small + "about: *x\n", "nothing above is called &x"},
	} {
		_, err := Parse("x.yaml", []byte(test.text))
		if problems := (Problems)(nil); !errors.As(err, &problems) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q:\n  %v\n  it should say %s", test.text, err, test.want)
		}
	}
}

// TestScenarioManyMistakes: all are told, in the order of the file, up to ten.
func TestScenarioManyMistakes(t *testing.T) {
	var text strings.Builder
	for i := range 12 {
		fmt.Fprintf(&text, "wrong%d: 1\n", i)
	}
	_, err := Parse("x.yaml", []byte(text.String()+small))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 11 || !strings.HasPrefix(lines[0], "x.yaml:1:1: ") || !strings.HasPrefix(lines[9], "x.yaml:10:1: ") || lines[10] != "and 2 more" {
		t.Errorf("%v", err)
	}
}

// TestScenarioMistakesTogether: mistakes are told together, whatever they are about, and
// nothing that only follows from one of them.
func TestScenarioMistakesTogether(t *testing.T) {
	const more = "expect: [success by wob > 1%, sucess > 2%, 'calls from 5m > 1']\nlinks: [{between: [web, ship], profile: lam}, {between: [web, ship], profile: lan}]\nfaults: [{at: 2m, kill: shop-3}]\n"
	for _, test := range []struct {
		text string
		want []string // where, and what
	}{
		{"seed: x\n" + small + more, []string{
			"1:7: seed", "11:10: nothing is called \"wob\"", "11:31: nothing is counted", "11:44: from 5m0s",
			"12:41: preset", "12:63: nothing is called \"ship\"", "13:10: at 2m0s", "13:25: nothing is called \"shop-3\"",
		}},
		{strings.Replace(small, "instances: 2", "instances: x", 1) + more, []string{
			"3:16: instances", "10:10: nothing is called \"wob\"", "10:31: nothing is counted", "10:44: from 5m0s", "11:41: preset", "12:10: at 2m0s",
		}},
		{strings.Replace(small, "rate: 5", "rate: x", 1) + more, []string{
			"9:34: rate", "10:31: nothing is counted", "10:44: from 5m0s", "11:41: preset", "12:10: at 2m0s",
		}},
		{"duration: x\n" + small + more, []string{
			"1:11: duration", "11:10: nothing is called \"wob\"", "11:31: nothing is counted",
			"12:41: preset", "12:63: nothing is called \"ship\"", "13:25: nothing is called \"shop-3\"",
		}},
		{"duratoin: 10m\n" + small + more, []string{
			"1:1: a scenario has no", "11:10: nothing is called \"wob\"", "11:31: nothing is counted",
			"12:41: preset", "12:63: nothing is called \"ship\"", "13:25: nothing is called \"shop-3\"",
		}},
		{strings.Replace(small, "requesters:", "requestors:", 1) + more, []string{
			"1:1: a scenario has no requesters", "6:1: a scenario has no \"requestors\"", "10:31: nothing is counted", "11:41: preset",
		}},
	} {
		_, err := Parse("x.yaml", []byte(test.text))
		problems := (Problems)(nil)
		errors.As(err, &problems)
		for i := range max(len(problems), len(test.want)) {
			if i >= len(problems) || i >= len(test.want) || !strings.HasPrefix(problems[i].Error(), "x.yaml:"+test.want[i]) {
				t.Errorf("%s\n%v\nit should say %q", test.text, err, test.want)
				break
			}
		}
	}
	problems := (Problems)(nil)
	_, err := ParseFaults("x.yaml", []byte("seed: x\nfaults: [{at: 1s, kill: ship}]\n"), []Front{{"shop", 1}})
	if errors.As(err, &problems); len(problems) != 2 {
		t.Errorf("a file of faults: %v", err)
	}
}

// TestScenarioAnchors: a file can repeat itself in the way of YAML.
func TestScenarioAnchors(t *testing.T) {
	s := parse(t, "links:\n  - {between: [web, shop-1], profile: &far {latency: 1s}}\n  - {between: [web, shop-2], profile: *far}\n"+small)
	if s.links[1].profile.Latency != time.Second {
		t.Errorf("%+v", s.links)
	}
	_, err := Parse("x.yaml", []byte("links:\n  - &far {between: [web, shop-1], profile: wan}\n  - {<<: *far, one_way: true}\n"+small))
	if err == nil || !strings.Contains(err.Error(), `x.yaml:3:6: a link has no "<<"`) {
		t.Errorf("a merge key: %v", err)
	}
}

// FuzzScenario: no file makes the parser panic, and every mistake has a place in it.
func FuzzScenario(f *testing.F) {
	f.Add(small)
	f.Add(small + "faults:\n  - {at: 1s, kill: shop-1}\nexpect: [success > 1%]\n")
	f.Add("a: &a [*a]\nservices: *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse("x.yaml", []byte(text))
		problems := (Problems)(nil)
		if err != nil && !errors.As(err, &problems) {
			t.Fatal(err)
		}
	})
}
