package wire

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// ruleCases says what a receiver makes of octets: the packets before the first
// malformed one, and the rule that this one breaks. The octets of a malformed
// packet end with the one that must be enough to refuse it.
var ruleCases = []struct {
	in   string
	want []string // the packets
	rule string   // of the SyntaxError, if there is to be one
}{
	{"", nil, ""},
	{"SCAMP\r\n", nil, "WIRE-FRAME-03b"}, // WIRE-FRAME-01: there is no greeting

	// WIRE-FRAME-02: nothing separates body and trailer, nor two packets.
	{"DATA 0 1\r\nxEND\r\nEOF 0 0\r\nEND\r\n", []string{`DATA 0 1 "x"`, "EOF 0 0"}, ""},
	{"EOF 0 0\r\nEND\r\n\r\n", []string{"EOF 0 0"}, "WIRE-FRAME-03b"},
	{"EOF 0 0\r\nEND\r\n\n", []string{"EOF 0 0"}, "WIRE-FRAME-04a"},
	{"DATA 0 1\r\nx\r", nil, "WIRE-FRAME-09"},

	// WIRE-FRAME-03a: a single space between fields, and no other white space.
	{" DATA 0 1\r\n", nil, "WIRE-FRAME-03a"},
	{"\tDATA 0 1\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA 0 1 \r\n", nil, "WIRE-FRAME-03a"},
	{"DATA 0 1\t\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA  0 1\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA 0  1\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA\t0 1\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA 0\t1\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA\v0 1\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA\f0 1\r\n", nil, "WIRE-FRAME-03a"},
	{"DATA\u00a00 1\r\n", nil, "WIRE-FRAME-03b"}, // not a blank in any encoding that the line could have

	// WIRE-FRAME-03b: exactly three fields.
	{"\r\n", nil, "WIRE-FRAME-03b"},
	{"EOF\r\n", nil, "WIRE-FRAME-03b"},
	{"EOF 0\r\n", nil, "WIRE-FRAME-03b"},
	{"EOF 0 0 x\r\n", nil, "WIRE-FRAME-03b"},
	{"EOF 0 0 0\r\n", nil, "WIRE-FRAME-03b"},
	{"DATA 0 1zzz\r\n", nil, "WIRE-FRAME-07a"}, // is no number either

	// WIRE-FRAME-04a, WIRE-FRAME-04b: CR LF, and what is not is noticed at once.
	{"EOF 0 0\n", nil, "WIRE-FRAME-04a"},
	{"\n", nil, "WIRE-FRAME-04a"},
	{"EOF 0 0\rE", nil, "WIRE-FRAME-04a"},
	{"EOF 0 0\r\r", nil, "WIRE-FRAME-04a"},
	{"EOF\r ", nil, "WIRE-FRAME-04a"},
	{"FOO 00 x\n", nil, "WIRE-FRAME-04a"},

	// WIRE-FRAME-05a: lines of 40 octets; message numbers are taken up to 64 bits.
	{"ACK 9007199254740991 1\r\n5END\r\n", []string{`ACK 9007199254740991 1 "5"`}, ""},
	{"HEADER 18446744073709551615 0\r\nEND\r\n", []string{"HEADER 18446744073709551615 0"}, ""},
	{"EOF 18446744073709551616 0\r\n", nil, "WIRE-FRAME-05a"},
	{"EOF 99999999999999999999 0\r\n", nil, "WIRE-FRAME-05a"},
	{"EOF 184467440737095516150 0\r\n", nil, "WIRE-FRAME-05a"},

	// WIRE-FRAME-05b, WIRE-FRAME-05c: no line is longer than 80 octets, and none is
	// awaited that would be.
	{strings.Repeat("X", 80), nil, "WIRE-FRAME-05c"},
	{"DATA 0 " + strings.Repeat("0", 73), nil, "WIRE-FRAME-05c"},
	{"DATA 0 " + strings.Repeat("0", 72) + "\r", nil, "WIRE-FRAME-05c"}, // LF would be the 81st
	{"DATA 0 " + strings.Repeat("0", 71) + "\r\n", nil, "WIRE-FRAME-07b"},

	// WIRE-FRAME-07a: only digits make a number.
	{"EOF  0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF 0 \r\n", nil, "WIRE-FRAME-07a"},
	{"EOF +5 0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF -1 0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF 0x10 0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF 1e3 0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF 1.0 0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF 1,000 0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF 1_000 0\r\n", nil, "WIRE-FRAME-07a"},
	{"EOF 1/ 0\r\n", nil, "WIRE-FRAME-07a"}, // the octet before 0
	{"EOF 1: 0\r\n", nil, "WIRE-FRAME-07a"}, // the octet behind 9
	{"DATA 0 +5\r\n", nil, "WIRE-FRAME-07a"},
	{"DATA 0 -1\r\n", nil, "WIRE-FRAME-07a"},
	{"DATA 0 0x10\r\n", nil, "WIRE-FRAME-07a"},
	{"DATA 0 1\x00\r\n", nil, "WIRE-FRAME-07a"},

	// WIRE-FRAME-07b: no leading zeros.
	{"EOF 00 0\r\n", nil, "WIRE-FRAME-07b"},
	{"EOF 017 0\r\n", nil, "WIRE-FRAME-07b"},
	{"EOF 0 00\r\n", nil, "WIRE-FRAME-07b"},
	{"DATA 0 01\r\n", nil, "WIRE-FRAME-07b"},

	// WIRE-FRAME-08b: 131072 octets are accepted.
	{
		"DATA 0 131072\r\n" + strings.Repeat("x", 131072) + "END\r\n",
		[]string{`DATA 0 131072 "` + strings.Repeat("x", 200) + "\"…"}, "",
	},

	// WIRE-FRAME-08c, WIRE-FRAME-08d: more are not, whatever the type, from the line alone.
	{"DATA 0 131073\r\n", nil, "WIRE-FRAME-08d"},
	{"HEADER 0 131073\r\n", nil, "WIRE-FRAME-08d"},
	{"EOF 0 131073\r\n", nil, "WIRE-FRAME-08d"},
	{"TXERR 0 131073\r\n", nil, "WIRE-FRAME-08d"},
	{"ACK 0 131073\r\n", nil, "WIRE-FRAME-08d"},
	{"PING 0 131073\r\n", nil, "WIRE-FRAME-08d"},
	{"PONG 0 131073\r\n", nil, "WIRE-FRAME-08d"},
	{"DATA 0 9223372036854775807\r\n", nil, "WIRE-FRAME-08d"},
	{"DATA 0 18446744073709551616\r\n", nil, "WIRE-FRAME-08d"},
	{"DATA 0 18446744073709682688\r\n", nil, "WIRE-FRAME-08d"}, // 131072 in 64 bits
	{"DATA 0 99999999999999999999\r\n", nil, "WIRE-FRAME-08d"},

	// WIRE-FRAME-09: END CR LF, exactly, and what is not is noticed at once.
	{"DATA 0 1\r\nxe", nil, "WIRE-FRAME-09"},
	{"DATA 0 1\r\nxEn", nil, "WIRE-FRAME-09"},
	{"DATA 0 1\r\nxEND\n", nil, "WIRE-FRAME-09"},
	{"DATA 0 1\r\nxEND\r\r", nil, "WIRE-FRAME-09"},
	{"DATA 0 1\r\nxEND ", nil, "WIRE-FRAME-09"},
	{"DATA 0 1\r\nxx", nil, "WIRE-FRAME-09"},  // a longer body
	{"DATA 0 2\r\nxEN", nil, "WIRE-FRAME-09"}, // a shorter one
	{"EOF 0 0\r\nEND\r\nEOF 0 0\r\nx", []string{"EOF 0 0"}, "WIRE-FRAME-09"},

	// WIRE-FRAME-11: bodies are opaque, in packets of any type.
	{"DATA 0 5\r\nEND\r\nEND\r\n", []string{`DATA 0 5 "END\r\n"`}, ""},
	{"DATA 0 14\r\nEOF 0 0\r\nEND\r\nEND\r\n", []string{`DATA 0 14 "EOF 0 0\r\nEND\r\n"`}, ""},
	{"DATA 0 4\r\n\x00\xff\r\nEND\r\n", []string{`DATA 0 4 "\x00\xff\r\n"`}, ""},
	{"EOF 0 1\r\nxEND\r\n", []string{`EOF 0 1 "x"`}, ""}, // what it means is not framing

	// WIRE-FRAME-12: lengths count octets.
	{"DATA 0 2\r\nöEND\r\n", []string{`DATA 0 2 "ö"`}, ""},
	{"DATA 0 1\r\nö", nil, "WIRE-FRAME-09"},

	// WIRE-FRAME-13b, WIRE-FRAME-14: any other type is fatal, when its line has come.
	{"FOO 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"data 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"Data 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{" 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"DATAX 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"DAT 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"\x00DATA 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"constructor 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"toString 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"__proto__ 0 5\r\n", nil, "WIRE-FRAME-13b"},
	{"FOO 00 x\r\n", nil, "WIRE-FRAME-13b"},
}

// Each rule's octets give its packets and its verdict, without waiting for more
// than must be there, and nothing behind a malformed packet is read any more
// (WIRE-FRAME-15a).
func TestRulesOfReceivers(t *testing.T) {
	named := map[string]bool{}
	for _, c := range ruleCases {
		verdict := c.rule
		if verdict == "" {
			verdict = errSilence.Error()
		}
		packets, err := collect(thenSilence(c.in))
		if got := ruleOf(err); !slices.Equal(texts(packets), c.want) || got != verdict {
			t.Errorf("%.100q: read %.300q, then %s; want %.300q, then %s", c.in, texts(packets), got, c.want, verdict)
		}
		if c.rule == "" {
			continue
		}
		named[c.rule] = true
		packets, err = collect(thenSilence(c.in + "\r\nEND\r\nEOF 7 0\r\nEND\r\n"))
		if got := ruleOf(err); !slices.Equal(texts(packets), c.want) || got != c.rule {
			t.Errorf("%.100q with packets behind it: read %.300q, then %s", c.in, texts(packets), got)
		}
		if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\r\n") {
			t.Errorf("an error unfit for a log: %q", text)
		}
	}
	for _, rule := range []string{"03a", "03b", "04a", "05a", "05c", "07a", "07b", "08d", "09", "13b"} {
		if !named["WIRE-FRAME-"+rule] {
			t.Errorf("nothing breaks WIRE-FRAME-%s", rule)
		}
	}
}

// Upper case is part of a type (WIRE-FRAME-13a), and so is each of its letters.
func TestSpellingsOfTypes(t *testing.T) {
	for typ := TypeHeader; typ <= TypePong; typ++ {
		name := typ.String()
		if packets, err := collect(strings.NewReader(name + " 1 0\r\nEND\r\n")); err != io.EOF || len(packets) != 1 || packets[0].Type != typ {
			t.Errorf("%s: %v, %v", name, packets, err)
		}
		for _, other := range []string{strings.ToLower(name), name[:1] + strings.ToLower(name[1:]), name[1:], name[:len(name)-1], name + "S", name + name} {
			if packets, err := collect(strings.NewReader(other + " 1 0\r\nEND\r\n")); ruleOf(err) != "WIRE-FRAME-13b" {
				t.Errorf("%s: %v, %v", other, packets, err)
			}
			agree(t, []byte(other+" 1 0\r\nEND\r\n"))
		}
	}
}
