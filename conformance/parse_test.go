package conformance

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// head is the header of a case that is right; its steps begin in line 5.
const head = "# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\n\n"

// A file that is no case is refused with the place and the way to mend it.
func TestParseTellsWhereAndHow(t *testing.T) {
	for _, tc := range []struct {
		src          string
		line, column int
		want         string
	}{
		// The file.
		{"", 1, 1, "the file is empty"},
		{" \n\n", 1, 1, "begins with a comment"},
		{"\xef\xbb\xbf" + head + "barrier\n", 1, 1, "byte order mark"},
		{head + "raw \"größe\xff\"\n", 5, 11, `octet 0xff is not UTF-8`},
		{head + "barrier\r\n", 5, 8, "ends in CR LF"},
		{head + "raw \"\x01\"\n", 5, 6, `write it as "\x01"`},

		// The header.
		{"rule: WIRE-FRAME-04a\nrole: server\n\nbarrier\n", 1, 1, "first line must be a comment"},
		{"# T.\nrole: server\n\nbarrier\n", 1, 1, `no "rule:" line`},
		{"# T.\nrule: WIRE-FRAME-04a\n\nbarrier\n", 1, 1, `no "role:" line`},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\nrole: client\n\nbarrier\n", 4, 1, "stands in line 3 already"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\nneed: count\n\nbarrier\n", 4, 1, `did you mean "needs"?`},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\nwhat now\n\nbarrier\n", 4, 1, "reads key: value"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole:\n\nbarrier\n", 3, 6, "needs a value"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server client\n\nbarrier\n", 3, 14, "ends behind its value"},
		{"# T.\nrule: WIRE-FRAME-04a WIRE-FRAME-04a\nrole: server\n\nbarrier\n", 2, 22, "stands here twice"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\nclock: real\n\nbarrier\n", 4, 8, "it is one of virtual or any"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\nacks: of\n\nbarrier\n", 4, 7, `did you mean "off"?`},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\nbarrier\n", 4, 1, "a blank line must stand between"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\n  more\n\nbarrier\n", 4, 3, "begins with |"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\neach: $x = \"a\"\n\nbarrier\n", 4, 7, "has no $"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\neach: echo = \"a\"\n\nbarrier\n", 4, 7, "$echo is set by the tester"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\neach: sent = \"a\"\n\nbarrier\n", 4, 7, "$sent is set by the tester"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\neach: x \"a\"\n\nbarrier\n", 4, 9, `expected "="`},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\neach: x = \"a\"\n  | 7\n\nbarrier\n", 5, 5, "expected a text"},
		{head, 4, 1, "the case has no steps"},
		{"# T.\nrule: WIRE-FRAME-04a\nrole: server\n", 3, 1, "the case has no steps"},

		// Steps.
		{head + "sned EOF 0\n", 5, 1, `"sned" is not a verb; did you mean "send"?`},
		{head + "}\n", 5, 1, "no open block"},
		{head + "17\n", 5, 1, "the verbs are"},
		{head + "rule: WIRE-FRAME-04a\n", 5, 1, "belongs to the header"},
		{head + "or {\n  barrier\n}\n", 5, 1, "stands behind the brace"},
		{head + "barrier now\n", 5, 9, "a step ends with its line"},
		{head + "connect\n", 5, 8, "connect NAME"},
		{head + "on send EOF 0\n", 5, 9, `"EOF" is not a verb`},
		{head + "on barrier\n", 5, 4, "on takes the name"},
		{head + "on a on b barrier\n", 5, 6, "on one connection"},
		{head + "on {\n  barrier\n}\n", 5, 4, "expected the name of a connection"},
		{head + "reading maybe\n", 5, 9, "off or on"},
		{head + "send FOO 0 \"\"\n", 5, 6, "are written with raw"},
		{head + "send\n", 5, 5, "expected a packet type"},
		{head + "send EOF 0 \"x\"\n", 5, 12, "EOF has no body"},
		{head + "send DATA 0\n", 5, 12, "expected a text"},
		{head + "send ACK 0\n", 5, 11, "expected a number"},
		{head + "send EOF 0 line \"a\" line \"b\"\n", 5, 21, "line TEXT and trailer TEXT"},
		{head + "send EOF -1\n", 5, 10, "cannot be negative"},
		{head + "send EOF 007\n", 5, 10, "write 7 without leading zeros"},
		{head + "send EOF 18446744073709551616\n", 5, 10, "beyond 64 bits"},
		{head + "send EOF 0x1\n", 5, 10, "neither a number nor a word"},
		{head + "expect EOF next\n", 5, 12, "stands only behind send, request and open"},
		{head + "request 0 ehco {}\n", 5, 11, `did you mean "echo"?`},
		{head + "request 0\n", 5, 10, "expected an action"},
		{head + "open 0 echo {}\n", 5, 13, "open sends the HEADER alone"},
		{head + "request 0 echo {} with []\n", 5, 24, `with {"version":2}`},
		{head + "request 0 echo {} with {\"a\":1} with {}\n", 5, 32, "each once"},
		{head + "request 0 echo {} in 0, 0\n", 5, 22, "never comes to its end"},
		{head + "request 0 echo {} window 0\n", 5, 26, "at least 1 octet"},
		{head + "request 0 echo {} without 5\n", 5, 27, "name of a header member"},
		{head + "open 0 echo in 5\n", 5, 13, "with {…} and without NAME"},
		{head + "expect\n", 5, 7, "expected what to wait for"},
		{head + "expect success 1\n", 5, 8, `expected with "expect reply"`},
		{head + "expect barrier\n", 5, 8, "write it without expect"},
		{head + "expect rply 1\n", 5, 8, `did you mean "reply"?`},
		{head + "expect DATA 0 5\n", 5, 15, "expect DATA N NUMBER octets"},
		{head + "expect ACK 0 5\n", 5, 14, "expect ACK 0 = 120000"},
		{head + "expect error 1 header {}\n", 5, 22, `write it without "header"`},
		{head + "expect echo 1 within 5s within 5s\n", 5, 25, "[within TIME] [after TIME]"},
		{head + "expect echo 1 within 5\n", 5, 22, "500ms, 5s or 2m"},
		{head + "expect echo 1 within 1us\n", 5, 22, "out of bounds"},
		{head + "expect echo 1 within 49h\n", 5, 22, "at most 48h"},
		{head + "expect echo\n", 5, 12, "expected the request_id"},
		{head + "expect echo \"\\x41\"\n", 5, 13, "is no JSON string"},
		{head + "expect abort 1 //\n", 5, 16, "is empty"},
		{head + "expect abort 1 /a(/\n", 5, 16, "not a regular expression (RE2)"},
		{head + "expect abort 1 /a\n", 5, 16, "is not closed"},
		{head + "no\n", 5, 3, "expected what has not come"},
		{head + "no repyl 1\n", 5, 4, `did you mean "reply"?`},
		{head + "wait soon\n", 5, 6, "expected a time"},
		{head + "executed twice\n", 5, 10, "expected a number"},
		{head + "until 0 {\n  barrier\n}\n", 5, 7, "until ended N { … }"},
		{head + "split 0 {\n  send EOF 0\n}\n", 5, 7, "at least 1 octet"},

		// Blocks.
		{head + "repeat 2 {\n  barrier\n", 5, 1, "is not closed"},
		{head + "repeat 2 {\n}\n", 5, 1, "has no steps"},
		{head + "repeat 2 { barrier }\n", 5, 12, "begin on the next line"},
		{head + "repeat 2\n", 5, 9, `expected "{"`},
		{head + "repeat 2 {\n  barrier\n} now\n", 7, 3, "} stands alone on its line"},
		{head + "repeat 2 {\n  barrier\n} or {\n  barrier\n}\n", 7, 5, `belongs to either`},
		{head + "either {\n  barrier\n}\n", 5, 1, "at least two branches"},
		{head + "either {\n  barrier\n} or maybe {\n  barrier\n}\n", 7, 6, "is no kind of branch"},
		{head + "either {\n  barrier\n} or \"note\" {\n  barrier\n}\n", 7, 6, "a strict branch has no note"},
		{head + "together {\n  barrier\n}\n", 6, 1, "may stand in together"},
		{head + "together {\n  on b send EOF 0\n}\n", 6, 1, "put on NAME before together"},
		{head + "sned {\n  barrer\n}\nbarrier\n", 5, 1, "is not a verb"},

		// Values.
		{head + "raw 5\n", 5, 5, "expected a text"},
		{head + "raw \"a\n", 5, 5, "the string is not closed"},
		{head + "raw \"\\q\"\n", 5, 6, "is no escape"},
		{head + "raw \"\\xzz\"\n", 5, 6, "is no escape"},
		{head + "raw $\n", 5, 5, "begins the name of a variable"},
		{head + "raw {\"a\":}\n", 5, 10, "this is no JSON"},
		{head + "raw {\"a\":1\n", 5, 5, "is not closed"},
		{head + "raw {\"a\":$}\n", 5, 10, "a $ outside strings"},
		{head + "raw repeat(\"x\")\n", 5, 15, `repeat("x", 100)`},
		{head + "raw json(\"x\"\n", 5, 13, "json(TEXT)"},
		{head + "raw hex(zz)\n", 5, 9, "no hexadecimal digit"},
		{head + "raw hex(f)\n", 5, 9, "two digits for each octet"},
		{head + "raw hex(ff\n", 5, 9, `expected ")"`},
		{head + "raw upper(\"x\"\n", 5, 14, "upper(TEXT)"},
		{head + "connect b tls 1.2 suite TLS_NULL\n", 5, 25, "is no cipher suite of TLS 1.2"},
		{head + "connect b tls suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n", 5, 21, "belongs to one version"},
		{head + "connect b tls 1.1\n", 5, 15, "a step ends with its line"},
		{head + "expect tls 5 6\n", 5, 14, "expect tls [PATTERN]"},
		{head + "raw rep(\"x\", 2)\n", 5, 5, "is no function"},
		{head + "send EOF half 3\n", 5, 15, "half(NUMBER)"},

		// Patterns.
		{head + "expect reply 1 json absent\n", 5, 21, "only for a member's value"},
		{head + "expect reply 1 json [absent]\n", 5, 22, "only for a member's value"},
		{head + "expect reply 1 json {a:1}\n", 5, 22, "in double quotes"},
		{head + "expect reply 1 json {\"a\":1,\"a\":2}\n", 5, 28, "names each once"},
		{head + "expect reply 1 json {\"a\" 1}\n", 5, 26, `expected ":"`},
		{head + "expect reply 1 json {\"a\":1 \"b\":2}\n", 5, 28, `expected ","`},
		{head + "expect reply 1 json [1 2]\n", 5, 24, `expected ","`},
		{head + "expect reply 1 json {\"a\":strnig}\n", 5, 26, `did you mean "string"?`},
		{head + "expect reply 1 json {\"a\":-}\n", 5, 26, "a - begins a number"},
		{head + "expect reply 1 json {\"a\":}\n", 5, 26, "expected a pattern"},
	} {
		c, err := Parse("x.case", []byte(tc.src))
		var found Errors
		if c != nil || !errors.As(err, &found) {
			t.Errorf("%q parses, or fails with %v", tc.src, err)
			continue
		}
		e := found[0]
		if e.Line != tc.line || e.Column != tc.column || !strings.Contains(e.Message, tc.want) {
			t.Errorf("%q: %v\nwant line %d, column %d: …%s…", tc.src, e, tc.line, tc.column, tc.want)
		}
		if want := fmt.Sprintf("x.case:%d:%d: ", e.Line, e.Column); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: the error %q does not begin with %q", tc.src, err, want)
		}
		if one := new(SyntaxError); !errors.As(err, &one) {
			t.Errorf("%q: %T is no SyntaxError", tc.src, err)
		}
	}
}

// Every error of a file is told, in the order of the lines, and a broken line does not hide the others.
func TestParseTellsAllErrors(t *testing.T) {
	src := head + "sned EOF 0\nrepeat 2 {\n  barier\n  either {\n    idle\n  } or dialct \"x\" {\n    quiet\n  }\n}\nexpect rply 1\n"
	_, err := Parse("x.case", []byte(src))
	var found Errors
	if !errors.As(err, &found) {
		t.Fatal(err)
	}
	var lines []int
	for _, e := range found {
		lines = append(lines, e.Line)
	}
	if fmt.Sprint(lines) != "[5 7 10 14]" {
		t.Errorf("errors in lines %v:\n%v", lines, err)
	}
}

func TestParseStopsAtManyErrors(t *testing.T) {
	_, err := Parse("x.case", []byte(head+strings.Repeat("sned\n", 100)))
	var found Errors
	if !errors.As(err, &found) || len(found) != maxErrors {
		t.Errorf("%d errors, want %d", len(found), maxErrors)
	}
}

// A file that is too much is refused, and what is just enough is not.
func TestParseBounds(t *testing.T) {
	nested := func(n int) string {
		return strings.Repeat("repeat 2 {\n", n) + "barrier\n" + strings.Repeat("}\n", n)
	}
	each := func(n int) string {
		return "# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\neach: x = " + strings.Repeat("\"a\" | ", n-1) + "\"a\"\n\nbarrier\n"
	}
	calls := func(n int) string { return "raw " + strings.Repeat("json(", n) + `"x"` + strings.Repeat(")", n) + "\n" }
	lists := func(n int) string {
		return "expect reply 1 json " + strings.Repeat("[", n) + strings.Repeat("]", n) + "\n"
	}
	numbers := func(n int) string {
		return "send EOF " + strings.Repeat("half(", n) + "2" + strings.Repeat(")", n) + "\n"
	}
	for name, tc := range map[string]struct{ most, more, want string }{
		"file":        {head + "barrier\n" + strings.Repeat("#\n", (maxSource-len(head)-8)/2), head + "barrier\n" + strings.Repeat("#\n", maxSource/2), "write long texts with repeat"},
		"steps":       {head + strings.Repeat("idle\n", maxSteps), head + strings.Repeat("idle\n", maxSteps+1), "at most 10000 steps"},
		"blocks":      {head + nested(maxNesting), head + nested(maxNesting+1), "nested deeper than 16 levels"},
		"functions":   {head + calls(maxNesting), head + calls(maxNesting+1), "nested deeper than 16 levels"},
		"halves":      {head + numbers(maxNesting), head + numbers(maxNesting+1), "expected a number"},
		"pattern":     {head + lists(maxPattern), head + lists(maxPattern+1), "nested deeper than 64 levels"},
		"each":        {each(maxEach), each(maxEach + 1), "more than 1000 texts"},
		"repeat":      {head + "repeat 10000 {\n  idle\n}\n", head + "repeat 10001 {\n  idle\n}\n", "at most 10000 times"},
		"text":        {head + "raw repeat(\"x\", 67108864)\n", head + "raw repeat(\"x\", 67108865)\n", "more than 67108864 octets"},
		"text twice":  {head + "raw repeat(repeat(\"x\", 8192), 8192)\n", head + "raw repeat(repeat(\"x\", 18446744073709551615), 2)\n", "more than 67108864 octets"},
		"joined text": {head + "raw repeat(\"x\", 67108860) + \"four\"\n", head + "raw repeat(\"x\", 67108864) + \"y\"\n", "more than 67108864 octets"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("x.case", []byte(tc.most)); err != nil {
				t.Errorf("the bound itself is refused: %v", err)
			}
			_, err := Parse("x.case", []byte(tc.more))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want …%s…", err, tc.want)
			}
		})
	}
}

// What parses, formats, and parses to the same case again. Nothing makes the parser panic.
func FuzzParse(f *testing.F) {
	cases, err := ParseFS(os.DirFS("../golden"))
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		f.Add(string(c.Source))
	}
	for _, src := range []string{
		head + "raw {$a:$b,\"c\":[$d]}\n", head + "expect reply 1 json {\"\\u00e9\":/a\\/b/} exact\n", head + "either {\n  idle\n} or fail {\n  idle # x\n}\n",
		head + "raw \"\\U0001f600\\'\" + hex(00)\n", head + "send ACK 0 $a + 1 line \"#\"\n", head + "expect DATA 0 half(3) octets\n", head + "#\n\n\nbarrier#\n",
		head + "wait 1.5s\n", head + "request 0 \"a\" $b in $c, 5\n", head + "on a {\n idle\n} # x\n", "#\n#\nrule: a\nrole: b\neach: c = {\n\n",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		c, err := Parse("x.case", []byte(src))
		if err != nil {
			var found Errors
			if !errors.As(err, &found) || len(found) == 0 {
				t.Fatalf("%T has no errors in it", err)
			}
			for _, e := range found {
				if e.Line < 1 || e.Column < 1 || e.Message == "" || e.File != "x.case" {
					t.Fatalf("%+v", e)
				}
			}
			return
		}
		checkFormat(t, c)
		Lint(c)
	})
}
