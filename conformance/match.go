package conformance

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// match compares a JSON value with a pattern. It returns why they differ, and "" where they do not; what the pattern
// binds then stands in vars.
func (p *Pattern) match(v jsonValue, vars Vars) (why string) {
	bound := maps.Clone(vars)
	if bound == nil {
		bound = Vars{}
	}
	if why := p.Root.match(v, bound, p.Exact, "it"); why != "" {
		return why
	}
	maps.Copy(vars, bound)
	return ""
}

// match compares one node. Where says which part of the whole v is.
func (n *PatternNode) match(v jsonValue, vars Vars, exact bool, where string) string {
	differs := func(want string) string {
		return fmt.Sprintf("%s is %s, not %s", where, abbreviated(v.source()), want)
	}
	switch n.Kind {
	case PatternAny:
	case PatternString:
		if v.kind != '"' {
			return differs("a string")
		}
	case PatternNonempty:
		if v.kind != '"' || v.text == "" {
			return differs("a string that is not empty")
		}
	case PatternNumber:
		if v.kind != '0' {
			return differs("a number")
		}
	case PatternInteger:
		if v.kind != '0' || !isInteger(v.text) {
			return differs("an integer")
		}
	case PatternIsArray:
		if v.kind != '[' {
			return differs("an array")
		}
	case PatternIsObject:
		if v.kind != '{' {
			return differs("an object")
		}
	case PatternScalar:
		if want, err := parseJSON([]byte(n.Scalar)); err != nil || !equalJSON(v, want) {
			return differs(n.Scalar)
		}
	case PatternRegexp:
		if v.kind != '"' || !regexp.MustCompile(n.Scalar).MatchString(v.text) {
			return differs("a string that matches /" + n.Scalar + "/")
		}
	case PatternVar:
		return n.matchVar(v, vars, differs)
	case PatternArray:
		if v.kind != '[' || len(v.members) != len(n.Members) {
			return differs(fmt.Sprintf("an array of %d", len(n.Members)))
		}
		for i := range n.Members {
			if why := n.Members[i].match(v.members[i], vars, exact, fmt.Sprintf("%s[%d]", where, i)); why != "" {
				return why
			}
		}
	case PatternObject:
		return n.matchObject(v, vars, exact, where, differs)
	}
	return ""
}

// matchVar compares with what a variable was bound to, or binds it.
func (n *PatternNode) matchVar(v jsonValue, vars Vars, differs func(string) string) string {
	bound, ok := vars[n.Scalar]
	if !ok {
		vars[n.Scalar] = []byte(v.source())
		return ""
	}
	if want, err := parseJSON(bound); err != nil || !equalJSON(v, want) {
		return differs(fmt.Sprintf("$%s, which is %s", n.Scalar, abbreviated(string(bound))))
	}
	return ""
}

func (n *PatternNode) matchObject(v jsonValue, vars Vars, exact bool, where string, differs func(string) string) string {
	if v.kind != '{' {
		return differs("an object")
	}
	for i, name := range n.Names {
		m, ok := v.get(name)
		absent := n.Members[i].Kind == PatternAbsent
		switch {
		case absent && ok:
			return fmt.Sprintf("%s has a member %q: %s", where, name, abbreviated(m.source()))
		case !absent && !ok:
			return fmt.Sprintf("%s has no member %q", where, name)
		case !absent:
			if why := n.Members[i].match(m, vars, exact, where+"."+name); why != "" {
				return why
			}
		}
	}
	if exact {
		for _, name := range v.names {
			if !slices.Contains(n.Names, name) {
				return fmt.Sprintf("%s has a member %q besides", where, name)
			}
		}
	}
	return ""
}

// abbreviated cuts a text that is too long for a message.
func abbreviated(s string) string {
	const most = 120
	if len(s) > most {
		return fmt.Sprintf("%s… (%d octets)", s[:most], len(s))
	}
	return s
}
