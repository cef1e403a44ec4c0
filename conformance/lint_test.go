package conformance

import (
	"os"
	"strings"
	"testing"
)

// The cases of the repository have no mistakes that a program can find.
func TestLintGolden(t *testing.T) {
	cases, err := ParseFS(os.DirFS("../golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, e := range Lint(c) {
			t.Error(e)
		}
	}
}

func TestLintFindsMistakes(t *testing.T) {
	head := "# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\n"
	for name, tc := range map[string]struct{ src, want string }{
		"no such rule":      {"# Something is tried here.\nrule: WIRE-FRAME-99\nrole: server\n\nbarrier\n", "has no rule WIRE-FRAME-99"},
		"letter missing":    {"# Something is tried here.\nrule: WIRE-FRAME-04\nrole: server\n\nbarrier\n", "whole, with their letter"},
		"no id":             {"# Something is tried here.\nrule: FRAME\nrole: server\n\nbarrier\n", "is not the id of a rule"},
		"another role":      {"# Something is tried here.\nrule: WIRE-HDR-07a\nrole: server\n\nbarrier\n", "binds the client"},
		"unknown role":      {"# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: serer\n\nbarrier\n", `did you mean "server"`},
		"a profile":         {"# Something is tried here.\nrule: WIRE-TIME-08a\nrole: server\n\nbarrier\n", "profile: heartbeat"},
		"no sentence":       {"# Short\nrule: WIRE-FRAME-04a\nrole: server\n\nbarrier\n", "in a sentence"},
		"undeclared":        {head + "\nrequest 0 blob {\"bytes\":1}\n", "needs: blob"},
		"declared in vain":  {head + "needs: blob\n\nbarrier\n", "does not use blob"},
		"executed":          {head + "\nexecuted 0\n", "needs: count"},
		"unset variable":    {head + "\nrequest 0 echo $body\n", "$body has not been set"},
		"in JSON":           {head + "\nrequest 0 echo {\"a\":$x,\"b\":\"$y\"}\n", "$x has not been set"},
		"unused each":       {head + "each: body = \"a\" | \"b\"\n\nbarrier\n", "no step uses it"},
		"equal texts":       {head + "each: body = \"a\" | \"a\"\n\nrequest 0 echo $body\n", "twice"},
		"no connection":     {head + "\non b barrier\n", "connect b"},
		"wait":              {head + "\nwait 5s\n", "clock: virtual"},
		"undecided branch":  {head + "\neither {\n  request 0 echo\n} or {\n  barrier\n}\n", "decides nothing"},
		"weak branch first": {head + "\neither {\n  barrier\n} or dialect \"x\" {\n  idle\n} or dialect {\n  idle\n}\n", "in a note"},
		"steps behind fail": {head + "\neither {\n  barrier\n} or fail \"x\" {\n  idle\n  barrier\n}\n", "ends the case"},
		"behind quiet":      {head + "\neither {\n  barrier\n} or dialect \"x\" {\n  quiet\n} or dialect \"y\" {\n  idle\n}\n", "never taken"},
		"window in a group": {head + "\ntogether {\n  request 0 echo {} window 5\n}\n", "in one write"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("x.case", []byte(tc.src))
			if err != nil {
				t.Fatal(err)
			}
			found := Lint(c)
			if len(found) == 0 || !strings.Contains(found.Error(), tc.want) {
				t.Errorf("found %v, want %q", found, tc.want)
			}
		})
	}
}
