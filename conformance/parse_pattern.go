package conformance

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var patternWords = []string{"any", "string", "nonempty", "number", "integer", "array", "object", "absent"}

// atPattern reports whether a pattern may begin here, keywords of the language aside.
func (l *cursor) atPattern() bool {
	switch b := l.peek(); {
	case b == '{', b == '[', b == '"', b == '$', b == '/', b == '-', isDigit(b):
		return true
	}
	w := l.peekWord()
	return slices.Contains(patternWords, w) || w == "true" || w == "false" || w == "null"
}

// pattern takes PATTERN [exact].
func (l *cursor) pattern() *Pattern {
	l.blanks()
	start := l.pos
	root := l.node(0)
	if l.err != nil {
		return nil
	}
	if root.Kind == PatternAbsent {
		l.failAt(start, `absent stands only for a member's value, such as {"error":absent}`)
	}
	p := &Pattern{Source: l.src[start:l.pos], Root: root}
	p.Exact = l.keyword("exact")
	return p
}

func (l *cursor) node(depth int) PatternNode {
	b := l.peek()
	start := l.pos
	switch {
	case (b == '{' || b == '[') && depth == maxPattern:
		l.fail("the pattern is nested deeper than %d levels; compare the body as a text instead", maxPattern)
	case b == '{':
		return l.members(depth)
	case b == '[':
		return l.elements(depth)
	case b == '"':
		return PatternNode{Kind: PatternScalar, Scalar: l.jsonString()}
	case b == '$':
		return PatternNode{Kind: PatternVar, Scalar: l.variable().Name}
	case b == '/':
		return PatternNode{Kind: PatternRegexp, Scalar: l.regexp()}
	case b == '-' || isDigit(b):
		l.pos += len(jsonNumber.FindString(l.src[start:]))
		n := l.src[start:l.pos]
		if l.apart(start); l.pos == start {
			l.fail("a - begins a number here, and none follows")
		}
		return PatternNode{Kind: PatternScalar, Scalar: n}
	}
	switch w := l.word(); {
	case w == "true" || w == "false" || w == "null":
		return PatternNode{Kind: PatternScalar, Scalar: w}
	case slices.Contains(patternWords, w):
		return PatternNode{Kind: PatternKind(w)}
	case w != "":
		l.failAt(start, "%q stands for no value%s", w, didYouMean(w, slices.Concat(patternWords, []string{"true", "false", "null"})))
	}
	l.fail("expected a pattern (JSON, a word such as any or string, /regexp/ or $name), found %s", l.found())
	return PatternNode{}
}

func (l *cursor) members(depth int) PatternNode {
	n := PatternNode{Kind: PatternObject}
	l.take("{")
	if l.take("}") {
		return n
	}
	for l.err == nil {
		if l.peek() != '"' {
			l.fail(`expected the name of a member in double quotes, found %s; write {"name":value}`, l.found())
			break
		}
		var name string
		start := l.pos
		if source := l.jsonString(); l.err == nil {
			_ = json.Unmarshal([]byte(source), &name) // jsonString has made sure that it is valid
		}
		if l.err == nil && slices.Contains(n.Names, name) {
			l.failAt(start, "the member %q is in this object twice; a pattern names each once", name)
		}
		l.expect(":", `{"name":value}`)
		n.Names = append(n.Names, name)
		n.Members = append(n.Members, l.node(depth+1))
		if l.take("}") {
			break
		}
		l.expect(",", `{"name":value,"name":value}`)
	}
	return n
}

func (l *cursor) elements(depth int) PatternNode {
	n := PatternNode{Kind: PatternArray}
	l.take("[")
	if l.take("]") {
		return n
	}
	for l.err == nil {
		l.blanks()
		start := l.pos
		e := l.node(depth + 1)
		if e.Kind == PatternAbsent {
			l.failAt(start, `absent stands only for a member's value, such as {"error":absent}`)
		}
		n.Members = append(n.Members, e)
		if l.take("]") {
			break
		}
		l.expect(",", "[value,value]")
	}
	return n
}

// regexp takes /…/ and returns what is between the slashes; a slash inside is written \/.
func (l *cursor) regexp() string {
	l.blanks()
	start := l.pos
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch l.src[l.pos] {
		case '\\':
			l.pos++
		case '/':
			source := l.src[start+1 : l.pos]
			l.pos++
			if source == "" {
				l.failAt(start, "the regular expression is empty; leave it out to accept any text")
			} else if _, err := regexp.Compile(source); err != nil {
				l.failAt(start, "not a regular expression (RE2): %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			}
			return source
		}
	}
	l.failAt(start, `the regular expression is not closed; it ends with / on the same line, and a slash inside is written \/`)
	return ""
}
