package bugs

import (
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/docs/spec"
)

// Every wrong client has a name of its own that says what it does, and breaks a rule that exists and binds a client.
func TestCatalogueOfClients(t *testing.T) {
	all := Clients()
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if !kebab.MatchString(c.Name) || !strings.Contains(c.Name, "-") {
			t.Errorf("%q is not in kebab case", c.Name)
		}
		if c.Title == "" || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s has the title %q", c.Name, c.Title)
		}
		rule, ok := spec.Lookup(c.Rule)
		switch {
		case !ok:
			t.Errorf("%s breaks %s, which is no rule", c.Name, c.Rule)
		case rule.Role == "server" || rule.Role == "service" || rule.Role == "announcer":
			t.Errorf("%s breaks %s, which binds the %s", c.Name, c.Rule, rule.Role)
		}
		if c.wrap == nil && c.way == (way{}) && c.change == nil && c.around == nil && c.reads == nil && c.files == nil && c.configure == nil {
			t.Errorf("%s does nothing wrong", c.Name)
		}
		if found, ok := LookupClient(c.Name); !ok || found.Rule != c.Rule {
			t.Errorf("%s is not found", c.Name)
		}
	}
	if len(all) < 100 {
		t.Errorf("only %d wrong clients", len(all))
	}
	if _, ok := LookupClient("no-such-bug"); ok {
		t.Error("a client of no name is found")
	}
	for name := range serverOnly {
		if _, ok := Lookup(name); !ok {
			t.Errorf("%s is for servers only, and is no wrong server", name)
		}
	}
	var groups []string
	for _, c := range all {
		if g := group(c.Rule); len(groups) == 0 || groups[len(groups)-1] != g {
			groups = append(groups, g)
		}
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(groups))); len(sorted) != len(groups) {
		t.Errorf("the groups are not together: %v", groups)
	}
}
