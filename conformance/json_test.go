package conformance

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseJSON(t *testing.T) {
	for _, tc := range []struct{ src, want, err string }{
		{`{"a":1,"a":2,"b":[1.50,-0,1e9,"\u00e9\ud83d\ude00",true,false,null,{}]}`, `{"a":1,"a":2,"b":[1.50,-0,1e9,"é😀",true,false,null,{}]}`, ""},
		{" \t\r\n[] \n", `[]`, ""},
		{`"\ud800"`, "\"\uFFFD\"", ""},
		{`5`, `5`, ""},
		{`"a\"\\\/\b\f\n\r\t\u0001"`, `"a\"\\/\b\f\n\r\t\u0001"`, ""},
		{``, "", "unexpected EOF"},
		{` `, "", "unexpected EOF"},
		{`{`, "", "unexpected EOF"},
		{`{"a"`, "", "unexpected EOF"},
		{`{"a":1`, "", "unexpected EOF"},
		{`[1`, "", "unexpected EOF"},
		{`"a`, "", "unexpected EOF"},
		{`{"a":1,}`, "", "invalid character"},
		{`{a:1}`, "", "invalid character"},
		{`[1,]`, "", "invalid character"},
		{`[1 2]`, "", "invalid character"},
		{`{}x`, "", "something follows"},
		{`{}{}`, "", "something follows"},
		{`1 2`, "", "something follows"},
		{`01`, "", "something follows"},
		{`+1`, "", "invalid character"},
		{`1.`, "", "unexpected EOF"},
		{`nul`, "", "unexpected EOF"},
		{"\"a\x01\"", "", "invalid character"},
		{"\"\xff\"", "", "not UTF-8"},
		{"{\"a\":\"\xc3\"}", "", "not UTF-8"},
	} {
		v, err := parseJSON([]byte(tc.src))
		switch {
		case tc.err == "" && err != nil, tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
			t.Errorf("%s: %v, want …%s…", tc.src, err, tc.err)
		case tc.err == "" && v.source() != tc.want:
			t.Errorf("%s is written as %s, want %s", tc.src, v.source(), tc.want)
		}
	}
}

// A header that is nested as deep as a packet can carry is read and written.
func TestParseJSONDeep(t *testing.T) {
	const depth = 10000
	src := strings.Repeat("[", depth) + strings.Repeat("]", depth)
	v, err := parseJSON([]byte(src))
	if err != nil || v.source() != src {
		t.Error(err)
	}
	if _, err := parseJSON([]byte(strings.Repeat("[", maxBody))); err == nil {
		t.Error("it is well-formed")
	}
}

func TestMembers(t *testing.T) {
	h := jsonOf(t, `{"error":"","error_code":null,"a":1,"a":2,"data":{},"no":false,"text":"x"}`)
	if m, ok := h.get("a"); !ok || m.text != "2" {
		t.Error("the last duplicate does not count")
	}
	if _, ok := h.get("A"); ok {
		t.Error("names are not taken exactly")
	}
	for name, want := range map[string]bool{"error": false, "error_code": false, "missing": false, "data": true, "no": true, "text": true, "a": true} {
		if h.says(name) != want {
			t.Errorf("says(%s) is not %v", name, want)
		}
	}
}

func TestEqualJSON(t *testing.T) {
	for _, tc := range []struct {
		a, b  string
		equal bool
	}{
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true}, {`{"a":1}`, `{"a":1,"b":2}`, false}, {`{"a":1}`, `{"b":1}`, false}, {`{"a":1}`, `{"a":2}`, false},
		{`[1,2]`, `[1,2]`, true}, {`[1,2]`, `[2,1]`, false}, {`[1]`, `[1,2]`, false},
		{`"a"`, `"\u0061"`, true}, {`"1"`, `1`, false}, {`1`, `1.0`, false}, {`10`, `10`, true}, {`true`, `true`, true}, {`true`, `false`, false}, {`null`, `null`, true},
		{`1e5`, `1E5`, false}, {`-0`, `0`, true}, {strings.Repeat("9", 50), strings.Repeat("9", 50), true}, {`1.5`, `2`, false}, {`2`, `1.5`, false},
	} {
		if a, b := jsonOf(t, tc.a), jsonOf(t, tc.b); equalJSON(a, b) != tc.equal || equalJSON(b, a) != tc.equal {
			t.Errorf("%s and %s: not %v", tc.a, tc.b, tc.equal)
		}
	}
}

// quoteJSON writes what encoding/json reads back.
func FuzzQuoteJSON(f *testing.F) {
	f.Add("a\"\\\b\f\n\r\t\x00é\u2028😀")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		var back string
		if err := json.Unmarshal(quoteJSON([]byte(s)), &back); err != nil || back != s {
			t.Errorf("%q comes back as %q (%v)", s, back, err)
		}
	})
}
