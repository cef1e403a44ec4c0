package conformance

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// textOf parses a text as it is written in a case.
func textOf(t *testing.T, src string) Text {
	t.Helper()
	l := &cursor{src: src, line: 1}
	text := l.text()
	if l.finish("a text"); l.err != nil {
		t.Fatalf("%s: %v", src, l.err)
	}
	return text
}

func numberOf(t *testing.T, src string) Number {
	t.Helper()
	l := &cursor{src: src, line: 1}
	n := l.outgoing()
	if l.finish("a number"); l.err != nil {
		t.Fatalf("%s: %v", src, l.err)
	}
	return n
}

func TestEvalText(t *testing.T) {
	env := &Env{Vars: Vars{"x": []byte("X\xff"), "n": []byte("3"), "s": []byte(`"text"`), "empty": nil}, Next: 7}
	for _, tc := range []struct{ src, want, err string }{
		{`""`, "", ""},
		{`"a\r\n\t\"\\\x00\u00e9\U0001f600\377"`, "a\r\n\t\"\\\x00é😀\xff", ""},
		{`hex(ff fe 41)`, "\xff\xfeA", ""},
		{`hex(FFfe41)`, "\xff\xfeA", ""},
		{`$x`, "X\xff", ""},
		{`$empty`, "", ""},
		{`"a" + $x + "b"`, "aX\xffb", ""},
		{`{"a": $n, "$n":"$n \" $n", $s:[$n]}`, `{"a": 3, "$n":"$n \" $n", "text":[3]}`, ""},
		{`[1,{"a":$s}]`, `[1,{"a":"text"}]`, ""},
		{`repeat("ab", $n)`, "ababab", ""},
		{`repeat("ab", 0)`, "", ""},
		{`repeat("", 18446744073709551615)`, "", ""},
		{`repeat("a" + $n, 2) + "!"`, "a3a3!", ""},
		{`json("a\"\\\b\f\n\r\t\x01é")`, `"a\"\\\b\f\n\r\t\u0001é"`, ""},
		{`upper("aé-Z" + $s)`, "Aé-Z\"TEXT\"", ""},
		{`lower("AÉ-z")`, "aÉ-z", ""},
		{`json($n)`, `"3"`, ""},
		{`json(json("a"))`, `"\"a\""`, ""},
		{`json(hex(ff))`, "", "needs UTF-8"},
		{`$nobody`, "", "$nobody has not been set"},
		{`{"a":$nobody}`, "", "$nobody has not been set"},
		{`repeat($nobody, 2)`, "", "has not been set"},
		{`json($nobody)`, "", "has not been set"},
		{`"a" + $nobody`, "", "has not been set"},
		{`repeat("a", $x)`, "", "no number"},
		{`repeat("abcd", $big)`, "", "more than 67108864 octets"},
		{`repeat($long, 2)`, "", "more than 67108864 octets"},
		{`{"a":$long}`, "", "more than 67108864 octets"},
	} {
		if strings.Contains(tc.src, "$long") && env.Vars["long"] == nil {
			env.Vars["long"] = []byte(strings.Repeat("x", maxText-4))
			env.Vars["big"] = []byte("99999999999")
		}
		env.Vars["big"] = []byte("99999999999")
		got, err := EvalText(textOf(t, tc.src), env)
		switch {
		case tc.err == "" && err != nil, tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%s: %v, want …%s…", tc.src, err, tc.err)
		case string(got) != tc.want:
			t.Errorf("%s is %q, want %q", tc.src, got, tc.want)
		}
	}
	if _, err := EvalText(nil, env); err == nil {
		t.Error("no text is one")
	}
	v := []byte("mine")
	env.Vars["v"] = v
	if got, _ := EvalText(Var{"v"}, env); &got[0] == &v[0] {
		t.Error("the caller does not own the octets")
	}
}

func TestEvalNumber(t *testing.T) {
	env := &Env{Vars: Vars{"n": []byte("5"), "most": []byte("18446744073709551615"), "x": []byte("5 "), "long": []byte(strings.Repeat("9", 99))}, Next: 7}
	for _, tc := range []struct {
		src  string
		want uint64
		err  string
	}{
		{"0", 0, ""},
		{"18446744073709551615", math.MaxUint64, ""},
		{"$n", 5, ""},
		{"next", 7, ""},
		{"next + 1", 8, ""},
		{"half(5)", 3, ""},
		{"half(4)", 2, ""},
		{"half(0)", 0, ""},
		{"half($most)", 1 << 63, ""},
		{"half(half(9) + 1)", 3, ""},
		{"10 - 3 - 2", 5, ""},
		{"10 - 3 + 2", 9, ""},
		{"$most + 0", math.MaxUint64, ""},
		{"$most - $most", 0, ""},
		{"$most + 1", 0, "beyond 64 bits"},
		{"3 - 5", 0, "3 - 5 is below 0"},
		{"$x", 0, `$x is "5 ", which is no number`},
		{"$long", 0, "no number from 0 to 2^64-1"},
		{"$nobody", 0, "has not been set"},
		{"$nobody + 1", 0, "has not been set"},
		{"1 + $nobody", 0, "has not been set"},
		{"half($nobody)", 0, "has not been set"},
	} {
		got, err := EvalNumber(numberOf(t, tc.src), env)
		switch {
		case tc.err == "" && err != nil, tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%s: %v, want …%s…", tc.src, err, tc.err)
		case err == nil && got != tc.want:
			t.Errorf("%s is %d, want %d", tc.src, got, tc.want)
		}
	}
	if _, err := EvalNumber(nil, env); err == nil {
		t.Error("no number is one")
	}
}

func TestEvalValue(t *testing.T) {
	env := &Env{Vars: Vars{"id": []byte(` "a" `), "n": []byte("1.50"), "bad": []byte("a")}}
	for _, tc := range []struct {
		v         Value
		want, err string
	}{
		{Scalar{"42"}, "42", ""}, {Scalar{`"0042"`}, `"0042"`, ""}, {None{}, "", ""}, {Var{"id"}, `"a"`, ""}, {Var{"n"}, "1.50", ""},
		{Var{"bad"}, "", "cannot be a request_id"}, {Var{"nobody"}, "", "has not been set"}, {nil, "", "no request_id"},
	} {
		got, err := EvalValue(tc.v, env)
		if string(got) != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%v: %q %v", tc.v, got, err)
		}
	}
}

func TestExcerptsAreShort(t *testing.T) {
	if got := excerpt([]byte(strings.Repeat("x", 100))); got != fmt.Sprintf("%q…", strings.Repeat("x", 40)) {
		t.Error(got)
	}
}
