package conformance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What runs functions in virtual time, by the directory of the package, "" for all others.
var bubbles = map[string][]string{
	"":           {"synctest.Test", "simnet.Bubble", "sim.Run", "sim.Play"},
	"sim/simnet": {"Bubble"},
	"sim":        {"Run", "Play"},
}

// Tests wait in virtual time only. Whatever a test reaches outside of functions that are given to a bubble is in real time: it neither
// sleeps nor polls, nor takes a limit for a pause. A function is reached when it is named, its methods when the type is: so nothing
// that sleeps escapes, and what is built outside of a bubble to be run inside has to be built inside.
func TestTestsDoNotSleep(t *testing.T) {
	dirs := map[string]*testFiles{}
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		dir := strings.TrimPrefix(path.Dir(filepath.ToSlash(file)), "../")
		if dirs[dir] == nil {
			dirs[dir] = newTestFiles(dir)
		}
		return dirs[dir].read(file, nil)
	})
	if err != nil || len(dirs) < 20 {
		t.Fatal(len(dirs), err)
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		dirs[dir].look(func(at token.Position, what string) {
			t.Errorf("%s: %s in real time: wait for what happens, or run it in a bubble", at, what)
		})
	}
}

// The test files of a directory.
type testFiles struct {
	dir     string
	fset    *token.FileSet
	named   map[string][]ast.Node // what a name stands for: a function, or a type and its methods
	values  []ast.Node            // variables and constants
	bubbles map[string]bool       // functions that run the functions they are given in virtual time
}

func newTestFiles(dir string) *testFiles {
	return &testFiles{dir: dir, fset: token.NewFileSet(), named: map[string][]ast.Node{}, bubbles: map[string]bool{}}
}

// read takes a file in, or the text that stands for it.
func (f *testFiles) read(file string, text any) error {
	parsed, err := parser.ParseFile(f.fset, file, text, 0)
	if err != nil {
		return err
	}
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil { // of its type
				name, _, _ = strings.Cut(strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*"), "[")
			}
			f.named[name] = append(f.named[name], d)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					f.named[s.Name.Name] = append(f.named[s.Name.Name], s)
				case *ast.ValueSpec:
					f.values = append(f.values, s)
				}
			}
		}
	}
	return nil
}

// isBubble reports whether a call runs the functions it is given in virtual time.
func (f *testFiles) isBubble(call *ast.CallExpr) bool {
	name := types.ExprString(call.Fun)
	return slices.Contains(bubbles[""], name) || f.dir != "" && slices.Contains(bubbles[f.dir], name) || f.bubbles[name]
}

// derive finds functions that hand all functions they are given to a bubble, until there are no more.
func (f *testFiles) derive() {
	for more := true; more; {
		more = false
		for name, all := range f.named {
			if !f.bubbles[name] && !slices.ContainsFunc(all, func(n ast.Node) bool { return !f.hands(n) }) {
				f.bubbles[name], more = true, true
			}
		}
	}
}

// hands reports whether a function is given functions, and names them only inside of bubbles.
func (f *testFiles) hands(n ast.Node) bool {
	fn, ok := n.(*ast.FuncDecl)
	if !ok || fn.Recv != nil {
		return false
	}
	given := map[string]bool{}
	for _, p := range fn.Type.Params.List {
		if _, ok := p.Type.(*ast.FuncType); ok {
			for _, name := range p.Names {
				given[name.Name] = true
			}
		}
	}
	outside := false
	f.inRealTime(fn.Body, func(n ast.Node) {
		if id, ok := n.(*ast.Ident); ok && given[id.Name] {
			outside = true
		}
	})
	return len(given) > 0 && !outside
}

// inRealTime calls visit with everything but what is given to bubbles to be run.
func (f *testFiles) inRealTime(n ast.Node, visit func(ast.Node)) {
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || !f.isBubble(call) {
			visit(n)
			return true
		}
		visit(call.Fun)
		f.inRealTime(call.Fun, visit)
		for _, arg := range call.Args {
			switch arg := arg.(type) {
			case *ast.FuncLit, *ast.Ident:
			default:
				f.inRealTime(arg, visit)
			}
		}
		return false
	})
}

// look tells of everything that waits in real time.
func (f *testFiles) look(tell func(at token.Position, what string)) {
	f.derive()
	todo := slices.Clone(f.values)
	for name, all := range f.named {
		if slices.ContainsFunc([]string{"Test", "Benchmark", "Fuzz", "Example", "init"}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			todo = append(todo, all...)
		}
	}
	reached := map[ast.Node]bool{}
	for len(todo) > 0 {
		n := todo[0]
		if todo = todo[1:]; reached[n] {
			continue
		}
		reached[n] = true
		if fn, ok := n.(*ast.FuncDecl); ok {
			n = fn.Body
		}
		f.inRealTime(n, func(n ast.Node) {
			if id, ok := n.(*ast.Ident); ok {
				todo = append(todo, f.named[id.Name]...)
			}
			if what := waits(n); what != "" {
				tell(f.fset.Position(n.Pos()), what)
			}
		})
	}
}

// waits says how an expression lets time pass; "" if it does not.
func waits(n ast.Node) string {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		switch text := types.ExprString(n); text {
		case "time.Sleep", "time.After", "time.Tick", "time.NewTicker", "time.NewTimer", "time.AfterFunc":
			return text
		}
	case *ast.CallExpr:
		fun, args := types.ExprString(n.Fun), ""
		name := fun[strings.LastIndex(fun, ".")+1:]
		for _, a := range n.Args {
			args += types.ExprString(a) + " "
		}
		switch name {
		case "Eventually", "EventuallyWithOffset", "Consistently", "ConsistentlyWithOffset":
			return fun
		case "Sleep", "Pause", "At":
			if len(n.Args) > 0 && fun != name && fun != "time.Sleep" && fun != "simnet.Sleep" { // this one panics in real time
				return fun // of a world
			}
		case "SetDeadline", "SetReadDeadline", "SetWriteDeadline", "WithTimeout", "WithDeadline":
			for _, unit := range []string{"time.Millisecond", "time.Microsecond", "time.Nanosecond", "time.Second /"} {
				if strings.Contains(args, unit) {
					return fun + ", of less than a second,"
				}
			}
		case "Command", "CommandContext":
			if strings.Contains(args, `"sleep`) || strings.Contains(args, "sleep ") {
				return fun + " of sleep"
			}
		}
	}
	return ""
}

// What is a wait in real time, and what is none.
func TestWhatSleeps(t *testing.T) {
	const header = "package x\n\nimport (\"testing\"; \"time\"; \"testing/synctest\")\n\n"
	for text, found := range map[string]string{
		`func TestA(t *testing.T) { time.Sleep(1) }`:                                                                                      "time.Sleep",
		`func TestA(t *testing.T) { for { select { case <-time.After(1): } } }`:                                                           "time.After",
		`func TestA(t *testing.T) { f := time.Sleep; f(1) }`:                                                                              "time.Sleep",
		`func TestA(t *testing.T) { g.Eventually(f).Should(x) }`:                                                                          "g.Eventually",
		`func TestA(t *testing.T) { Consistently(f) }`:                                                                                    "Consistently",
		`func TestA(t *testing.T) { c.SetReadDeadline(time.Now().Add(50*time.Millisecond)) }`:                                             "c.SetReadDeadline",
		`func TestA(t *testing.T) { c.SetReadDeadline(time.Now().Add(10*time.Second)) }`:                                                  "",
		`func TestA(t *testing.T) { exec.Command("sleep", "1").Run() }`:                                                                   "exec.Command",
		`func TestA(t *testing.T) { sim.Live(1, func(w *sim.World) { w.Sleep(1) }) }`:                                                     "w.Sleep",
		`func TestA(t *testing.T) { sim.Run(t, 1, func(w *sim.World) { w.Sleep(1) }) }`:                                                   "",
		`func TestA(t *testing.T) { synctest.Test(t, func(t *testing.T) { time.Sleep(1) }) }`:                                             "",
		`func TestA(t *testing.T) { synctest.Test(t, func(t *testing.T) {}); time.Sleep(1) }`:                                             "time.Sleep",
		`func TestA(t *testing.T) { synctest.Test(t, inside) }; func inside(*testing.T) { time.Sleep(1) }`:                                "",
		`func TestA(t *testing.T) { helper() }; func helper() { further() }; func further() { time.Tick(1) }`:                             "time.Tick",
		`func TestA(t *testing.T) { var s slow; s.do() }; type slow int; func (slow) do() { time.Sleep(1) }`:                              "time.Sleep",
		`func TestA(t *testing.T) { do(&outer{}) }; type outer struct{ slow }; type slow int; func (slow) do() { time.Sleep(1) }`:         "time.Sleep",
		`func TestA(t *testing.T) { in(t, func() { time.Sleep(1) }) }; func in(t *testing.T, f func()) { simnet.Bubble(func() { f() }) }`: "",
		`func TestA(t *testing.T) { in(t, func() { time.Sleep(1) }) }; func in(t *testing.T, f func()) { simnet.Bubble(f); f() }`:         "time.Sleep",
		`var wait = func() { time.Sleep(1) }`:                                                                                             "time.Sleep",
		`func unused() { time.Sleep(1) }`:                                                                                                 "",
	} {
		f := newTestFiles("x")
		if err := f.read("x_test.go", header+text); err != nil {
			t.Fatal(err)
		}
		got := ""
		f.look(func(_ token.Position, what string) { got += what })
		if found == "" && got != "" || !strings.HasPrefix(got, found) {
			t.Errorf("%q is found, not %q, in %s", got, found, text)
		}
	}
}
