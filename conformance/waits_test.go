package conformance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/docs/spec"
)

// Why a case waits for T_quiet although the Test of its rule does not say so.
var quietBecause = map[string]string{
	"wire-flow/window": "whether an ACK of one octet lets more than one out is seen in silence only; a sender of one message at a time would not answer a barrier",
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

// Where tests wait in real time, and why.
var waitsInRealTime = map[string]string{
	"../cmd/scamp-sim/cache_kill_test.go":   "real managers are killed at real moments",
	"../cmd/scamp-sim/cache_manage_test.go": "the interval of a daemon in another process",
	"../cmd/scamp-sim/multicast_test.go":    "looks again and again at what a daemon in another process has written",
}

// Tests wait in virtual time only: whoever sleeps does so in a file that runs its tests in bubbles. Others are listed
// above.
func TestTestsDoNotSleep(t *testing.T) {
	looked, waiting := 0, map[string]bool{}
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		looked++
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			return err
		}
		bubbles := f.Name.Name == "simnet" || slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
			return i.Path.Value == `"testing/synctest"` || i.Path.Value == `"github.com/gudtech/scamp-sim/sim/simnet"`
		})
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "bubble" {
					bubbles = true
				}
			}
			return true
		})
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "time" {
				return true
			}
			switch sel.Sel.Name {
			case "Sleep", "After", "Tick", "NewTicker", "NewTimer", "AfterFunc":
				if waitsInRealTime[file] != "" {
					waiting[file] = true
				} else if !bubbles {
					t.Errorf("%s: time.%s in real time", fset.Position(n.Pos()), sel.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || looked < 10 {
		t.Fatal(looked, err)
	}
	for file := range waitsInRealTime {
		if !waiting[file] {
			t.Errorf("%s does not wait; it need not be listed", file)
		}
	}
}
