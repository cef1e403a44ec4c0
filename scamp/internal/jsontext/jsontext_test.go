package jsontext

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMembersReportsEveryMemberInOrder(t *testing.T) {
	var got []string
	err := Members([]byte(" {\"a\":1 , \"b\":{\"c\":[1,2,{}]},\"a\":\"x\\\"y\", \"\":[] }\r\n"), func(name, value []byte) {
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
		{"", ErrSyntax}, {"{", ErrSyntax}, {`{"a":1,}`, ErrSyntax}, {"{}x", ErrSyntax}, {"{}{}", ErrSyntax},
		{`{"a"}`, ErrSyntax}, {`{"a":}`, ErrSyntax}, {`{a:1}`, ErrSyntax}, {`{"a":01}`, ErrSyntax}, {`{"a":+1}`, ErrSyntax},
		{`{"a":1.}`, ErrSyntax}, {`{"a":.5}`, ErrSyntax}, {`{"a":1e}`, ErrSyntax}, {`{"a":nul}`, ErrSyntax}, {`{"a":truex}`, ErrSyntax},
		{`{"a":"` + "\n" + `"}`, ErrSyntax}, {`{"a":"\x"}`, ErrSyntax}, {`{"a":"\u12"}`, ErrSyntax}, {`{"a":[1,]}`, ErrSyntax},
		{`{"a":[1}`, ErrSyntax}, {`{"a":{"b":1]}`, ErrSyntax}, {`{"a":"b`, ErrSyntax}, {`{"a":1 "b":2}`, ErrSyntax},
		{"[]", ErrNoObject}, {`"x"`, ErrNoObject}, {"5", ErrNoObject}, {"true", ErrNoObject}, {"null", ErrNoObject}, {`["request"]`, ErrNoObject},
		{"null x", ErrSyntax},
		{`{"a":{"b"}}`, ErrSyntax}, {`{"a":{b:1}}`, ErrSyntax}, {`{"a":{"b":1,c:2}}`, ErrSyntax}, {`{"a":"\`, ErrSyntax}, {`{"a":"\u12`, ErrSyntax},
		{`{"a":"\u00AF\u00af"}`, nil}, {`{"a":"\u00ag"}`, ErrSyntax}, {`{"a":{"b":1},}`, ErrSyntax}, {`{"a":[{"b":[1,"x",{}]}]}`, nil},
		{"{\"a\":\"\xff\"}", ErrUTF8}, {"{\"\xc3\":1}", ErrUTF8},
		{deep(63), nil}, {deep(64), ErrDepth}, {deep(60000), ErrDepth},
		{strings.Repeat("[", 131072), ErrDepth},
	} {
		if err := Members([]byte(test.body), func(_, _ []byte) {}); err != test.want {
			t.Errorf("Members(%.40q) = %v, want %v", test.body, err, test.want)
		}
	}
}

func TestUnquote(t *testing.T) {
	for raw, want := range map[string]string{
		`""`: "", `"abc"`: "abc", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u00e9"`: "é",
		`"\ud83d\ude00"`: "😀", `"\ud83d"`: "\ufffd", `"\ud83dx"`: "\ufffdx", `"\ude00\ud83d"`: "\ufffd\ufffd", `"é"`: "é",
	} {
		if got := Unquote([]byte(raw)); got != want {
			t.Errorf("Unquote(%s) = %q, want %q", raw, got, want)
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
		err := Members(b, func(name, value []byte) { got[Unquote(name)] = value })
		if err == ErrDepth {
			return
		}
		var want map[string]json.RawMessage
		valid := json.Valid(b) && utf8.Valid(b)
		if object := valid && json.Unmarshal(b, &want) == nil && want != nil; object != (err == nil) {
			t.Fatalf("Members(%q): %v, encoding/json: %v", b, err, object)
		}
		if (err == ErrNoObject) != (valid && want == nil) {
			t.Fatalf("Members(%q): %v, and it is valid: %v", b, err, valid)
		}
		if err != nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("Members(%q): %q, encoding/json: %q", b, got, want)
		}
		for k, v := range want {
			if string(got[k]) != string(v) {
				t.Fatalf("Members(%q): member %q is %q, encoding/json: %q", b, k, got[k], v)
			}
		}
	})
}

// FuzzQuote holds AppendQuoted and Unquote against encoding/json.
func FuzzQuote(f *testing.F) {
	f.Add("")
	f.Add("a\"\\\x00\x1f\u2028é\xff😀")
	f.Add("a\n\r\tb/")
	f.Fuzz(func(t *testing.T, s string) {
		q := AppendQuoted(nil, s)
		var want string
		if err := json.Unmarshal(q, &want); err != nil {
			t.Fatalf("AppendQuoted(%q) = %q: %v", s, q, err)
		}
		if want != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Fatalf("AppendQuoted(%q) reads as %q", s, want)
		}
		if got := Unquote(q); got != want {
			t.Fatalf("Unquote(%q) = %q, encoding/json says %q", q, got, want)
		}
	})
}
