package conformance

import (
	"fmt"
	"strings"
	"testing"
)

func patternOf(t *testing.T, src string) *Pattern {
	t.Helper()
	l := &cursor{src: src, line: 1}
	p := l.pattern()
	if l.finish("a pattern"); l.err != nil {
		t.Fatalf("%s: %v", src, l.err)
	}
	return p
}

func jsonOf(t *testing.T, src string) jsonValue {
	t.Helper()
	v, err := parseJSON([]byte(src))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return v
}

func TestMatch(t *testing.T) {
	for _, tc := range []struct{ pattern, value, why string }{ // why: "" matches
		{`any`, `null`, ""}, {`any`, `{"a":[]}`, ""},
		{`string`, `""`, ""}, {`string`, `5`, "it is 5, not a string"},
		{`nonempty`, `"x"`, ""}, {`nonempty`, `""`, "not empty"}, {`nonempty`, `5`, "not empty"},
		{`number`, `-1.5e3`, ""}, {`number`, `"5"`, "a number"},
		{`integer`, `5`, ""}, {`integer`, `-0`, ""}, {`integer`, `5.0`, "an integer"}, {`integer`, `5e0`, "an integer"}, {`integer`, `"5"`, "an integer"},
		{`array`, `[]`, ""}, {`array`, `{}`, "an array"},
		{`object`, `{}`, ""}, {`object`, `[]`, "an object"},
		{`true`, `true`, ""}, {`true`, `false`, "not true"}, {`null`, `null`, ""}, {`null`, `false`, "not null"},
		{`"a"`, `"a"`, ""}, {`"a"`, `"\u0061"`, ""}, {`"\u0061"`, `"a"`, ""}, {`"a"`, `"A"`, `not "a"`},

		// Numbers are equal when they are spelled equally, or when both are integers of the same value.
		{`5`, `5`, ""}, {`5`, `5.0`, "not 5"}, {`5.0`, `5.0`, ""}, {`1.50`, `1.5`, "not 1.50"}, {`1e3`, `1000`, "not 1e3"}, {`1e3`, `1e3`, ""},
		{`0`, `-0`, ""}, {`9007199254740993`, `9007199254740993`, ""}, {`9007199254740993`, `9007199254740992`, "not 9007199254740993"},
		{`5`, `"5"`, "not 5"}, {`"5"`, `5`, `not "5"`},

		{`/^a.c$/`, `"abc"`, ""}, {`/b/`, `"abc"`, ""}, {`/^b/`, `"abc"`, "matches /^b/"}, {`/5/`, `5`, "matches /5/"},

		{`[]`, `[]`, ""}, {`[]`, `[1]`, "an array of 0"}, {`[1,any]`, `[1,2]`, ""}, {`[1]`, `[1,2]`, "an array of 1"}, {`[1,2]`, `[2,1]`, "it[0] is 2, not 1"},
		{`{}`, `{"a":1}`, ""}, {`{} exact`, `{"a":1}`, `has a member "a" besides`}, {`{}`, `[]`, "an object"},
		{`{"a":1}`, `{"b":2,"a":1}`, ""}, {`{"a":1}`, `{"b":2}`, `has no member "a"`}, {`{"a":1}`, `{"a":2}`, "it.a is 2, not 1"},
		{`{"a":{"b":[{"c":1}]}}`, `{"a":{"b":[{"c":2}]}}`, "it.a.b[0].c is 2, not 1"},
		{`{"a":1} exact`, `{"a":1}`, ""}, {`{"a":{}} exact`, `{"a":{"b":1}}`, `it.a has a member "b" besides`},
		{`[{}] exact`, `[{"b":1}]`, `it[0] has a member "b" besides`},

		// Absent stands for no such member; a null is one.
		{`{"a":absent}`, `{}`, ""}, {`{"a":absent}`, `{"a":1}`, `has a member "a": 1`}, {`{"a":absent}`, `{"a":null}`, `has a member "a": null`},
		{`{"a":absent} exact`, `{}`, ""},

		// The last of duplicate members counts.
		{`{"a":2}`, `{"a":1,"a":2}`, ""}, {`{"a":1}`, `{"a":1,"a":2}`, "it.a is 2, not 1"},

		// A variable binds the value the first time and must be equal after that.
		{`[$x,$x]`, `[1,1]`, ""}, {`[$x,$x]`, `[1,2]`, "it[1] is 2, not $x, which is 1"}, {`[$x,$x]`, `[{"a":1,"b":2},{"b":2,"a":1}]`, ""},
		{`$bound`, `7`, ""}, {`$bound`, `8`, "not $bound, which is 7"}, {`$bound`, `7.0`, "not $bound"}, {`$octets`, `7`, "not $octets"},
	} {
		vars := Vars{"bound": []byte("7"), "octets": []byte("\xff")}
		p := patternOf(t, tc.pattern)
		why := p.match(jsonOf(t, tc.value), vars)
		if tc.why == "" && why != "" || tc.why != "" && !strings.Contains(why, tc.why) {
			t.Errorf("%s and %s: %q, want …%s…", tc.pattern, tc.value, why, tc.why)
		}
		if why != "" && len(vars) != 2 {
			t.Errorf("%s and %s do not match, and bind %v", tc.pattern, tc.value, vars)
		}
		if strings.HasSuffix(tc.pattern, "exact") != p.Exact {
			t.Errorf("%s: exact is %v", tc.pattern, p.Exact)
		}
	}
}

func TestMatchBindsSources(t *testing.T) {
	vars := Vars{}
	if why := patternOf(t, `{"a":$a,"b":[$b,any]}`).match(jsonOf(t, ` {"a" : "ü\n" , "b" : [ 1.50 , {"x":[true,false,null,{}]} ] }`), vars); why != "" {
		t.Fatal(why)
	}
	if got := fmt.Sprintf("%s %s", vars["a"], vars["b"]); got != `"ü\n" 1.50` {
		t.Error(got)
	}
	if why := patternOf(t, `{"x":array}`).match(jsonOf(t, `{"x":[true,false,null,{}]}`), nil); why != "" {
		t.Error(why)
	}
}

func TestMessagesAreAbbreviated(t *testing.T) {
	why := patternOf(t, `5`).match(jsonOf(t, `"`+strings.Repeat("x", 500)+`"`), Vars{})
	if len(why) > 200 || !strings.Contains(why, "(502 octets)") {
		t.Error(why)
	}
}
