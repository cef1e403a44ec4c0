package scamp

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMembersReportsEveryMemberInOrder(t *testing.T) {
	var got []string
	err := members([]byte(" {\"a\":1 , \"b\":{\"c\":[1,2,{}]},\"a\":\"x\\\"y\", \"\":[] }\r\n"), func(name, value []byte) {
		got = append(got, string(name)+"="+string(value))
	})
	want := []string{`"a"=1`, `"b"={"c":[1,2,{}]}`, `"a"="x\"y"`, `""=[]`}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestMembersRefuses(t *testing.T) {
	deep := func(n int) string {
		return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}"
	}
	for _, test := range []struct {
		body string
		want error
	}{
		{"", errJSON}, {"{", errJSON}, {`{"a":1,}`, errJSON}, {"{}x", errJSON}, {"{}{}", errJSON},
		{`{"a"}`, errJSON}, {`{"a":}`, errJSON}, {`{a:1}`, errJSON}, {`{"a":01}`, errJSON}, {`{"a":+1}`, errJSON},
		{`{"a":1.}`, errJSON}, {`{"a":.5}`, errJSON}, {`{"a":1e}`, errJSON}, {`{"a":nul}`, errJSON}, {`{"a":truex}`, errJSON},
		{`{"a":"` + "\n" + `"}`, errJSON}, {`{"a":"\x"}`, errJSON}, {`{"a":"\u12"}`, errJSON}, {`{"a":[1,]}`, errJSON},
		{`{"a":[1}`, errJSON}, {`{"a":{"b":1]}`, errJSON}, {`{"a":"b`, errJSON}, {`{"a":1 "b":2}`, errJSON},
		{"[]", errNoObject}, {`"x"`, errNoObject}, {"5", errNoObject}, {"true", errNoObject}, {"null", errNoObject}, {`["request"]`, errNoObject},
		{"null x", errJSON},
		{`{"a":{"b"}}`, errJSON}, {`{"a":{b:1}}`, errJSON}, {`{"a":{"b":1,c:2}}`, errJSON}, {`{"a":"\`, errJSON}, {`{"a":"\u12`, errJSON},
		{`{"a":"\u00AF\u00af"}`, nil}, {`{"a":"\u00ag"}`, errJSON}, {`{"a":{"b":1},}`, errJSON}, {`{"a":[{"b":[1,"x",{}]}]}`, nil},
		{"{\"a\":\"\xff\"}", errUTF8}, {"{\"\xc3\":1}", errUTF8},
		{deep(63), nil}, {deep(64), errJSONDepth}, {deep(60000), errJSONDepth},
		{strings.Repeat("[", 131072), errJSONDepth},
	} {
		if err := members([]byte(test.body), func(_, _ []byte) {}); err != test.want {
			t.Errorf("members(%.40q) = %v, want %v", test.body, err, test.want)
		}
	}
}

func TestUnquote(t *testing.T) {
	for raw, want := range map[string]string{
		`""`: "", `"abc"`: "abc", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u00e9"`: "é",
		`"\ud83d\ude00"`: "😀", `"\ud83d"`: "\ufffd", `"\ud83dx"`: "\ufffdx", `"\ude00\ud83d"`: "\ufffd\ufffd", `"é"`: "é",
	} {
		if got := unquote([]byte(raw)); got != want {
			t.Errorf("unquote(%s) = %q, want %q", raw, got, want)
		}
	}
}

// FuzzMembers holds the scanner against encoding/json, which shares nothing with it.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,{"b":null}]}`, ` {"a":"\u00e9\ud83d"} `, `{"a":1e9,"b":-0.5E-3}`, `[1]`, `{"a":1}x`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]json.RawMessage{}
		err := members(b, func(name, value []byte) { got[unquote(name)] = value })
		if err == errJSONDepth {
			return
		}
		var want map[string]json.RawMessage
		valid := json.Valid(b) && utf8.Valid(b)
		if object := valid && json.Unmarshal(b, &want) == nil && want != nil; object != (err == nil) {
			t.Fatalf("members(%q): %v, encoding/json: %v", b, err, object)
		}
		if (err == errNoObject) != (valid && want == nil) {
			t.Fatalf("members(%q): %v, and it is valid: %v", b, err, valid)
		}
		if err != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("members(%q): %q, encoding/json: %q", b, got, want)
		}
		for k, v := range want {
			if string(got[k]) != string(v) {
				t.Fatalf("members(%q): member %q is %q, encoding/json: %q", b, k, got[k], v)
			}
		}
	})
}

// FuzzQuote holds appendQuoted and unquote against encoding/json.
func FuzzQuote(f *testing.F) {
	f.Add("")
	f.Add("a\"\\\x00\x1f\u2028é\xff😀")
	f.Add("a\n\r\tb/")
	f.Fuzz(func(t *testing.T, s string) {
		q := appendQuoted(nil, s)
		var want string
		if err := json.Unmarshal(q, &want); err != nil {
			t.Fatalf("appendQuoted(%q) = %q: %v", s, q, err)
		}
		if want != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Fatalf("appendQuoted(%q) reads as %q", s, want)
		}
		if got := unquote(q); got != want {
			t.Fatalf("unquote(%q) = %q, encoding/json says %q", q, got, want)
		}
	})
}
