package spec

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	r, ok := Lookup("WIRE-FRAME-04a")
	if !ok || r.Title != "Bare LF is malformed" || r.Level != "MUST" || r.Part != "wire.md" {
		t.Errorf("Lookup(WIRE-FRAME-04a) = %+v, %v", r, ok)
	}
	for _, id := range []string{"", "WIRE-FRAME-04", "WIRE-FRAME", "wire-frame-04a", "WIRE-FRAME-04a "} {
		if r, ok := Lookup(id); ok {
			t.Errorf("Lookup(%q) found %s: only whole ids name a rule", id, r.ID)
		}
	}
}

func TestGroup(t *testing.T) {
	for id, want := range map[string]string{
		"WIRE-FRAME-04a": "WIRE-FRAME",
		"WIRE-FRAME-04":  "WIRE-FRAME",
		"DISC-V4-10e":    "DISC-V4",
		"WIRE-FRAME":     "",
		"WIRE-FRAME-4a":  "",
		"HTTP-FRAME-04a": "",
		"":               "",
	} {
		if got := Group(id); got != want {
			t.Errorf("Group(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestRulesBelongToTheCaller(t *testing.T) {
	first := Rules()
	id := first[0].ID
	first[0].ID = "changed"
	if got := Rules()[0].ID; got != id {
		t.Errorf("a caller's change reached the next one: %q, want %q", got, id)
	}
}

// Every rule is found under its id, has words for its fields that the documents define, and belongs to its document.
func TestRulesAreWellFormed(t *testing.T) {
	roles := map[string][]string{
		"wire.md": {"sender", "receiver", "client", "server", "both"},
		"discovery.md": {"announcer", "cache manager", "reader", "listener", "requester", "receiver", "service", "issuer",
			"tool", "gateway", "all"},
	}
	profiles := map[string][]string{
		"wire.md":      {"core", "heartbeat", "events", "jsonstore"},
		"discovery.md": {"core", "multicast", "peering", "tickets", "authz", "tools"},
	}
	prefix := map[string]string{"wire.md": "WIRE-", "discovery.md": "DISC-"}
	rules := Rules()
	for i, r := range rules {
		if got, ok := Lookup(r.ID); !ok || got != r {
			t.Errorf("%s: Lookup does not return this rule: the id is not unique", r.ID)
		}
		if i > 0 && r.Part == rules[i-1].Part && r.Group == rules[i-1].Group && r.ID <= rules[i-1].ID {
			t.Errorf("%s stands after %s", r.ID, rules[i-1].ID)
		}
		if !strings.HasPrefix(r.ID, prefix[r.Part]) {
			t.Errorf("%s stands in %s", r.ID, r.Part)
		}
		for role := range strings.SplitSeq(r.Role, ", ") {
			if !slices.Contains(roles[r.Part], role) {
				t.Errorf("%s: unknown role %q", r.ID, role)
			}
		}
		if !slices.Contains(profiles[r.Part], r.Profile) {
			t.Errorf("%s: unknown profile %q", r.ID, r.Profile)
		}
		if r.Title == "" || r.Text == "" || r.Violation == "" || r.Test == "" {
			t.Errorf("%s: a part is missing: %+v", r.ID, r)
		}
		for _, grade := range []string{"strict: ", " | tolerated: ", " | failure: "} {
			if strings.Count(r.Test, grade) != 1 {
				t.Errorf("%s: the Test must name the outcome %q once: %s", r.ID, strings.Trim(grade, " |:"), r.Test)
			}
		}
		if r.BadInput && r.Part == "wire.md" {
			t.Errorf("%s: wire.md knows no \"Bad input\"", r.ID)
		}
	}
}

// The ids of one number are either the number alone or "a", "b" … without a gap, so that an id without letter is a rule or
// stands for several, never both.
func TestLettersHaveNoGaps(t *testing.T) {
	letters := make(map[string]string)
	for _, r := range Rules() {
		number := strings.TrimRight(r.ID, "abcdefghijklmnopqrstuvwxyz")
		letter := strings.TrimPrefix(r.ID, number)
		if letter == "" {
			letter = "-"
		}
		letters[number] += letter
	}
	for number, have := range letters {
		if have != "-" && !strings.HasPrefix("abcdefghijklmnopqrstuvwxyz", have) {
			t.Errorf("%s has the letters %q", number, have)
		}
	}
}

// Every id anywhere in the text names a rule. Without its letter it may stand for all rules of its number.
func TestReferencesToRules(t *testing.T) {
	prefixes := make(map[string]bool)
	for _, r := range Rules() {
		prefixes[r.ID] = true
		prefixes[strings.TrimRight(r.ID, "abcdefghijklmnopqrstuvwxyz")] = true
		prefixes[r.Group] = true
	}
	ref := regexp.MustCompile(`\b(?:WIRE|DISC)-[A-Za-z0-9]+(?:-[A-Za-z0-9]+)?`)
	for _, p := range parts() {
		n := 0
		for i, line := range strings.Split(p.text, "\n") {
			for _, id := range ref.FindAllString(line, -1) {
				n++
				if !prefixes[id] {
					t.Errorf("%s:%d: %s names no rule: %s", p.name, i+1, id, line)
				}
			}
		}
		if n == 0 {
			t.Errorf("%s: no reference found: the test is blind", p.name)
		}
	}
}

// A reference to a section names a section of the same document.
func TestReferencesToSections(t *testing.T) {
	head := regexp.MustCompile(`(?m)^##+ ([0-9]+(?:\.[0-9]+)?) `)
	ref := regexp.MustCompile(`[Ss]ections?\s+([0-9]+(?:\.[0-9]+)?)`)
	for _, p := range parts() {
		sections := make(map[string]bool)
		for _, m := range head.FindAllStringSubmatch(p.text, -1) {
			sections[m[1]] = true
		}
		refs := ref.FindAllStringSubmatch(p.text, -1)
		if len(refs) == 0 {
			t.Errorf("%s: no reference found: the test is blind", p.name)
		}
		for _, m := range refs {
			if !sections[m[1]] {
				t.Errorf("%s: %q names no section", p.name, m[0])
			}
		}
	}
}
