package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/docs/spec"
)

// Roles of the language, and the roles of the specification whose rules such a subject can be tried on.
var roles = map[string][]string{
	"server":        {"server", "sender", "receiver", "both"},
	"client":        {"client", "requester", "reader", "sender", "receiver", "both", "all"},
	"announcer":     nil,
	"cache-manager": nil,
	"document":      nil,
}

// Lint looks for mistakes that the language allows: rules that do not exist or that do not bind the role, fixture actions
// that are used and not declared, variables and connections that are not there, branches that nothing decides, waits in
// real time. It returns them in the order of the lines.
func Lint(c *Case) Errors {
	l := &linter{c: c, vars: map[string]bool{}, conns: map[string]bool{"a": true}, used: map[string]bool{}, fixtures: map[string]bool{}}
	l.header()
	for _, v := range fixtureVars {
		l.vars[v] = true
	}
	if c.Role == "client" {
		l.aroundClient()
	}
	if c.Each != nil {
		l.vars[c.Each.Name] = true
		l.each()
	}
	l.steps(c.Steps)
	l.afterwards()
	slices.SortStableFunc(l.found, func(a, b *SyntaxError) int { return a.Line - b.Line })
	return l.found
}

type linter struct {
	c        *Case
	found    Errors
	vars     map[string]bool // set so far
	used     map[string]bool // looked at
	conns    map[string]bool // opened so far
	fixtures map[string]bool // that steps speak of
	calls    map[string]bool // made so far
}

func (l *linter) at(line int, format string, args ...any) {
	l.found = append(l.found, &SyntaxError{l.c.File, max(line, 1), 1, fmt.Sprintf(format, args...)})
}

func (l *linter) header() {
	c := l.c
	if len(strings.Fields(c.Title)) < 3 || !strings.ContainsAny(c.Title[len(c.Title)-1:], ".?!") {
		l.at(1, "the first line says in a sentence what is tried, with a full stop")
	}
	binds, known := roles[c.Role]
	if !known {
		l.at(c.Lines["role"], "%q is no role%s", c.Role, didYouMean(c.Role, []string{"server", "client", "announcer", "cache-manager", "document"}))
	}
	for i, id := range c.Rules {
		rule, ok := spec.Lookup(id)
		switch {
		case !ok && spec.Group(id) != "":
			l.at(c.Lines["rule"], "the specification has no rule %s; ids are cited whole, with their letter", id)
		case !ok:
			l.at(c.Lines["rule"], "%q is not the id of a rule, such as WIRE-FRAME-04a", id)
		case i == 0 && binds != nil && !slices.Contains(binds, rule.Role):
			l.at(c.Lines["rule"], "%s binds the %s, so that it cannot be tried on a subject that plays the %s", id, rule.Role, c.Role)
		case i == 0 && rule.Profile != "core" && !slices.Contains(c.Profiles, rule.Profile):
			l.at(c.Lines["rule"], "%s belongs to the profile %s; add profile: %s", id, rule.Profile, rule.Profile)
		}
	}
	for _, need := range c.Needs {
		if !slices.Contains(fixtureVars, need) || need == "echo" {
			l.at(c.Lines["needs"], "%q is no fixture action that a case can need; they are blob, slow, fail, count and secured", need)
		}
	}
}

// each demands different texts: a case that runs twice in the same way proves nothing more.
func (l *linter) each() {
	seen := map[string]bool{}
	for _, t := range l.c.Each.Texts {
		text := formatText(t)
		if seen[text] {
			l.at(l.c.Each.Line, "each has the text %s twice", abbreviated(text))
		}
		seen[text] = true
		l.text(l.c.Each.Line, t)
	}
}

func (l *linter) steps(steps []Step) {
	for i := range steps {
		l.step(&steps[i])
	}
}

func (l *linter) step(s *Step) {
	if s.On != "" && !l.conns[s.On] {
		l.unopened(s.Line, s.On)
	}
	switch do := s.Do.(type) {
	case Connect:
		l.conns[do.Name] = true
	case Accept:
		l.conns[do.As] = true
	case On:
		if !l.conns[do.Conn] {
			l.unopened(s.Line, do.Conn)
		}
	case Wait:
		if !l.c.Virtual {
			l.at(s.Line, "wait makes people wait: it needs clock: virtual")
		}
	case Executed:
		l.fixtures["count"] = true
		l.number(s.Line, do.Times)
	case Either:
		l.either(s, do)
		return
	case Together:
		l.unwindowed(do.Steps)
	case Split:
		l.number(s.Line, do.Size)
		l.unwindowed(do.Steps)
	case UntilEnded:
		l.number(s.Line, do.Number)
		l.stalled()
	case Stall:
		l.number(s.Line, do.Number)
		l.stalled()
	}
	l.expressions(s)
	for _, block := range blocks(s.Do) {
		l.steps(block)
	}
}

func (l *linter) unopened(line int, conn string) {
	form := "connect"
	if l.c.Role == "client" {
		form = "accept S1 as"
	}
	l.at(line, "no connection %s has been opened; write %s %s before", conn, form, conn)
}

// stalled notes that $sent and $outstanding are there.
func (l *linter) stalled() {
	for _, v := range stallVars {
		l.vars[v] = true
	}
}

func (l *linter) unwindowed(steps []Step) {
	for _, s := range steps {
		if r, ok := s.Do.(Request); ok && r.Window != nil {
			l.at(s.Line, "a request with a window waits for acknowledgements, which it cannot in one write")
		}
	}
}

func (l *linter) either(s *Step, do Either) {
	before := l.vars
	after := map[string]bool{}
	for i, b := range do.Branches {
		head := b.Steps[0].Do
		switch head.(type) {
		case ExpectPacket, ExpectReply, ExpectClose, ExpectTLS, No, Barrier, Idle, Quiet, Executed, Alive, Stall:
		case Accept, ExpectRequest, ExpectOutcome, ExpectConnection, ExpectHello, Count:
		default:
			l.at(b.Steps[0].Line, "a branch begins with a step that looks at what comes; %q decides nothing", strings.Fields(formatAction(head))[0])
		}
		if _, always := head.(Quiet); always && i < len(do.Branches)-1 {
			l.at(do.Branches[i+1].Line, "the branch before begins with quiet, which is always satisfied: this one is never taken")
		}
		if i == 0 && b.Grade != GradeStrict {
			l.at(b.Line, "the first branch is the strict outcome; it has no grade")
		}
		if b.Grade != GradeStrict && b.Note == "" {
			l.at(b.Line, "a %s branch says in a note what it is", b.Grade)
		}
		if b.Grade == GradeFail && len(b.Steps) > 1 {
			l.at(b.Steps[1].Line, "a branch marked fail ends the case; nothing behind its first step is played")
		}
		l.vars = map[string]bool{}
		for v := range before {
			l.vars[v] = true
		}
		l.steps(b.Steps)
		for v := range l.vars {
			after[v] = true
		}
	}
	l.vars = after
}

// expressions looks at the variables and the fixture actions of a step.
func (l *linter) expressions(s *Step) {
	switch do := s.Do.(type) {
	case Send:
		l.number(s.Line, do.Number)
		l.number(s.Line, do.Total)
		l.text(s.Line, do.Body, do.Line, do.Trailer)
	case Raw:
		l.text(s.Line, do.Octets)
	case Request:
		if name, ok := do.Action.(Quoted); ok && do.Fixture {
			l.fixtures[name.Octets] = true
		}
		l.number(s.Line, do.Number)
		l.number(s.Line, do.Window)
		for _, n := range do.In {
			l.number(s.Line, n)
		}
		l.text(s.Line, do.Body, do.With)
	case Repeat:
		l.number(s.Line, do.Times)
	case ExpectPacket:
		l.pattern(do.Header)
		if v, ok := do.Number.(Var); ok && do.Type == "HEADER" {
			l.vars[v.Name], l.used[v.Name] = true, true
		} else {
			l.number(s.Line, do.Number)
		}
		l.number(s.Line, do.Octets)
		l.number(s.Line, do.Total)
		l.text(s.Line, do.Body)
	case ExpectReply:
		l.value(s.Line, do.ID)
		l.value(s.Line, do.Before)
		l.text(s.Line, do.Body)
		l.pattern(do.JSON)
		l.pattern(do.Header)
	case ExpectTLS:
		l.pattern(do.Pattern)
	case No:
		l.value(s.Line, do.ID)
		l.number(s.Line, do.Number)
		l.number(s.Line, do.Greater)
		if do.What == "outcome" {
			l.called(s.Line, do.Name)
		}
	default:
		l.clientExpressions(s)
	}
}

func (l *linter) use(line int, name string) {
	l.used[name] = true
	if !l.vars[name] {
		l.at(line, "$%s has not been set; each, a pattern, expect HEADER $%s or the tester must set it before", name, name)
	}
	if slices.Contains(fixtureVars, name) {
		l.fixtures[name] = true
	}
}

var variableName = regexp.MustCompile(`\$([A-Za-z_][A-Za-z0-9_]*)`)

func (l *linter) text(line int, texts ...Text) {
	for _, t := range texts {
		switch t := t.(type) {
		case Var:
			l.use(line, t.Name)
		case JSON:
			for _, m := range variableName.FindAllStringSubmatch(withoutStrings(t.Source), -1) {
				l.use(line, m[1])
			}
		case Repeated:
			l.text(line, t.Text)
			l.number(line, t.Times)
		case JSONString:
			l.text(line, t.Text)
		case Cased:
			l.text(line, t.Text)
		case Joined:
			l.text(line, t.Texts...)
		}
	}
}

var jsonStrings = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

func withoutStrings(source string) string { return jsonStrings.ReplaceAllString(source, `""`) }

func (l *linter) number(line int, n Number) {
	switch n := n.(type) {
	case Var:
		l.use(line, n.Name)
	case Half:
		l.number(line, n.Of)
	case Sum:
		l.number(line, n.A)
		l.number(line, n.B)
	}
}

func (l *linter) value(line int, v Value) {
	if v, ok := v.(Var); ok {
		l.use(line, v.Name)
	}
}

// pattern notes what a pattern binds.
func (l *linter) pattern(p *Pattern) {
	if p == nil {
		return
	}
	var walk func(n *PatternNode)
	walk = func(n *PatternNode) {
		if n.Kind == PatternVar {
			l.vars[n.Scalar], l.used[n.Scalar] = true, true
		}
		for i := range n.Members {
			walk(&n.Members[i])
		}
	}
	walk(&p.Root)
}

// afterwards looks at what the steps have and have not used.
func (l *linter) afterwards() {
	c := l.c
	for _, name := range fixtureVars[1:] { // echo is always there
		if c.Role == "client" { // the tester has them
			continue
		}
		declared := slices.Contains(c.Needs, name)
		if l.fixtures[name] && !declared {
			l.at(max(c.Lines["needs"], c.Lines["role"]), "the case uses %s; add needs: %s", name, name)
		}
		if declared && !l.fixtures[name] {
			l.at(c.Lines["needs"], "the case does not use %s; take it out of needs", name)
		}
	}
	if c.Each != nil && !l.used[c.Each.Name] {
		l.at(c.Each.Line, "each sets $%s, and no step uses it", c.Each.Name)
	}
}
