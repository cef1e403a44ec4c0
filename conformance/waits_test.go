package conformance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/docs/spec"
)

// Why a case waits for T_quiet although the Test of its rule does not say so.
var quietBecause = map[string]string{
	"wire-tls/nothing-before-tls": "who greets without TLS is seen only by a peer that says nothing for a while; there is no barrier without TLS",
	"wire-flow/window":            "whether an ACK of one octet lets more than one out is seen in silence only; a sender of one message at a time would not answer a barrier",
}

// Cases wait in real time for T_quiet only, and only where the Test of the rule asks for silence, a message must be seen
// to have stopped, or the subject has not done the strict thing. This lists them.
func TestCasesWaitForQuietOnly(t *testing.T) {
	for _, c := range goldenCases(t) {
		rule, _ := spec.Lookup(c.Rules[0])
		why := quietBecause[c.Name]
		if strings.Contains(rule.Test, "T_quiet") {
			why = "the Test of " + rule.ID + " says so"
		}
		waits := waiting(c.Steps)
		for _, w := range waits {
			switch {
			case w == "wait" && !c.Virtual:
				t.Errorf("%s waits in real time", c.Name)
			case w == "quiet" && why == "":
				t.Errorf("%s is quiet for T_quiet, and the Test of %s does not ask for that: %s", c.Name, rule.ID, rule.Test)
			}
		}
		if len(waits) > 0 {
			t.Logf("%-45s %v %s", c.Name, waits, why)
		}
	}
}

// waiting returns the verbs that make a strict subject wait.
func waiting(steps []conformance.Step) (verbs []string) {
	for _, s := range steps {
		switch do := s.Do.(type) {
		case conformance.Quiet:
			verbs = append(verbs, "quiet")
		case conformance.Wait:
			verbs = append(verbs, "wait")
		case conformance.Stall:
			verbs = append(verbs, "stall")
		case conformance.UntilEnded:
			verbs = append(verbs, "until")
		case conformance.Either:
			verbs = append(verbs, waiting(do.Branches[0].Steps)...)
		case conformance.On:
			verbs = append(verbs, waiting(do.Steps)...)
		case conformance.Repeat:
			verbs = append(verbs, waiting(do.Steps)...)
		}
	}
	return verbs
}

// nameOf is the name of a function, with the type of which it is a method.
func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(fn.Recv.List[0].Type), "*") + "." + fn.Name.Name
}

// Where the runner itself lets real time pass, and why. A limit of how long something is awaited is no such place.
var runnerWaits = map[string]string{
	"play.step":          "the verb wait, which needs virtual time",
	"play.around":        "the verb reload: a client may take 5 s to see that a file has changed",
	"play.barrierClient": "a barrier that comes on another connection proves nothing about the first: that one is given T_quiet",
	"play.aliveClient":   "a case that has changed the files has them as before, and the client takes that up",
	"play.dealtWith":     "a connection that the tester has closed cannot answer a barrier: its octets are given a fifth of T_quiet",
	"play.checkExecuted": "an execution that must come is looked for every tenth of T_quiet",
	"runner.revive":      "a subject that has died is looked for every fifth of T_quiet",
}

func TestTheRunnerWaitsInFewPlaces(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				switch types.ExprString(call.Fun) {
				case "pl.sleep", "pause", "time.Sleep", "time.After", "time.Tick":
					name := nameOf(fn)
					found[name] = true
					if runnerWaits[name] == "" {
						t.Errorf("%s waits, and nobody says why", name)
					}
				}
				return true
			})
		}
	}
	for name := range runnerWaits {
		if !found[name] {
			t.Errorf("%s does not wait", name)
		}
	}
}
