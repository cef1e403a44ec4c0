package spec

import (
	"strings"
	"testing"
)

const sound = `## 2 Framing

#### WIRE-FRAME-04a

MUST · receiver · core · **Bare LF is malformed.** A line ended
by LF alone is malformed.

- On violation: CLOSE.
- Test: Send one. strict: CLOSE |
  tolerated: none | failure: accepted.
- Dialects: Some accept it.

Text between rules binds nobody.

` + "```" + `

#### WIRE-FRAME-99
` + "```" + `

#### DISC-V4-01

MAY · cache manager, listener · multicast · **Extension.** It is read.

- Bad input: drop the packet.
- Test: strict: dropped | tolerated: none | failure: used.
`

func TestParseTakesARuleApart(t *testing.T) {
	rules, err := parse("x.md", sound)
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{{
		ID: "WIRE-FRAME-04a", Group: "WIRE-FRAME", Level: "MUST", Role: "receiver", Profile: "core",
		Title: "Bare LF is malformed", Text: "A line ended by LF alone is malformed.",
		Violation: "CLOSE.",
		Test:      "Send one. strict: CLOSE | tolerated: none | failure: accepted.",
		Dialects:  "Some accept it.",
		Part:      "x.md",
	}, {
		ID: "DISC-V4-01", Group: "DISC-V4", Level: "MAY", Role: "cache manager, listener", Profile: "multicast",
		Title: "Extension", Text: "It is read.",
		Violation: "drop the packet.", BadInput: true,
		Test: "strict: dropped | tolerated: none | failure: used.",
		Part: "x.md",
	}}
	if len(rules) != len(want) {
		t.Fatalf("%d rules, want %d: a heading inside a fence is no rule", len(rules), len(want))
	}
	for i := range want {
		if rules[i] != want[i] {
			t.Errorf("rule %d:\n got %+v\nwant %+v", i, rules[i], want[i])
		}
	}
}

func TestParseNamesTheDefect(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"odd id", "#### DISC-V4-01", "#### DISC-V4-1", `x.md:20: rule "DISC-V4-1": the heading must be an id`},
		{"id twice", "#### DISC-V4-01", "#### WIRE-FRAME-04a", `x.md:20: rule "WIRE-FRAME-04a": the id is already in use`},
		{"no blank after heading", "#### DISC-V4-01\n", "#### DISC-V4-01", `x.md:20: rule "DISC-V4-01": a blank line`},
		{"unknown level", "MAY ·", "MIGHT ·", `x.md:22: rule "DISC-V4-01": the requirement must read`},
		{"no title", "**Extension.** ", "", `x.md:22: rule "DISC-V4-01": the requirement must read`},
		{"second paragraph", "It is read.", "It is read.\n\nAnd used.", `x.md:24: rule "DISC-V4-01": the line "And used." neither`},
		{"no test", "- Test: strict: dropped | tolerated: none | failure: used.\n", "", "the list has 1 items"},
		{"no violation", "- Bad input: drop the packet.\n", "", "the list has 1 items"},
		{"wrong first item", "- Bad input:", "- Reaction:", `the first item is "Reaction"`},
		{"wrong second item", "- Test: strict: dropped", "- Proof: strict: dropped", `the second item is "Proof"`},
		{"wrong third item", "- Dialects:", "- Remarks:", `the third item is "Remarks"`},
		{"empty item", "- On violation: CLOSE.", "- On violation:", "must read: - label: text"},
		{"no indentation", "  tolerated: none | failure: accepted.", "tolerated: none | failure: accepted.", "neither begins nor continues"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sound, c.old, c.new, 1)
			if text == sound {
				t.Fatal("the case changes nothing")
			}
			rules, err := parse("x.md", text)
			if err == nil {
				t.Fatalf("no error, rules %+v", rules)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q\n want %q in it", err, c.want)
			}
		})
	}
	if _, err := parse("x.md", sound[:strings.Index(sound, "- Bad input")]); err == nil || !strings.Contains(err.Error(), "the text ends before") {
		t.Errorf("a rule without list at the end of the text: error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sound)
	f.Add("#### WIRE-A-01\n\n\n\nMUST · a · b · **c.** d\n\n- x")
	f.Add("```\n#### WIRE-A-01")
	f.Add("- \n  \n-  : ")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := parse("x.md", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.md:") {
				t.Errorf("the error does not say where: %v", err)
			}
			return
		}
		seen := make(map[string]bool)
		for _, r := range rules {
			for _, s := range []string{r.ID, r.Group, r.Level, r.Role, r.Title, r.Profile, r.Text, r.Violation, r.Test, r.Part} {
				if s == "" {
					t.Errorf("a field is empty: %+v", r)
				}
			}
			if seen[r.ID] {
				t.Errorf("id %s twice", r.ID)
			}
			seen[r.ID] = true
		}
	})
}
