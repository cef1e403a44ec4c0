package wire

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
)

// partsAndOctets has packets of each type, as parts and on the wire. Lengths count
// octets, not characters (WIRE-FRAME-12).
var partsAndOctets = []struct {
	number uint64
	part   Part
	octets string
}{
	{0, Header(`{"action":"x"}`), "HEADER 0 14\r\n{\"action\":\"x\"}END\r\n"},
	{7, Data("hällo"), "DATA 7 6\r\nhälloEND\r\n"},
	{8, Header(`{"action":"ö"}`), "HEADER 8 15\r\n{\"action\":\"ö\"}END\r\n"},
	{8, TXErr("wäg€"), "TXERR 8 7\r\nwäg€END\r\n"},
	{math.MaxUint64, EOF{}, "EOF 18446744073709551615 0\r\nEND\r\n"},
	{9007199254740991, TXErr("gone"), "TXERR 9007199254740991 4\r\ngoneEND\r\n"},
	{10, Ack(131072), "ACK 10 6\r\n131072END\r\n"},
	{0, Ping("are you there"), "PING 0 13\r\nare you thereEND\r\n"},
	{0, Pong{}, "PONG 0 0\r\nEND\r\n"},
}

// A packet is type, number, length, CR LF, body and trailer, with nothing
// between them (WIRE-FRAME-02) and numbers in their shortest form (WIRE-FRAME-06).
func TestPacketsOnTheWire(t *testing.T) {
	var covered [TypePong + 1]bool
	for _, c := range partsAndOctets {
		body := c.part.AppendBody(nil)
		p := Packet{c.part.Type(), c.number, body}
		covered[p.Type] = true
		if got := string(Append([]byte("before "), p)); got != "before "+c.octets {
			t.Errorf("Append wrote %q, want %q", got, "before "+c.octets)
		}
		if got := string(AppendPart([]byte("before "), c.number, c.part)); got != "before "+c.octets {
			t.Errorf("AppendPart wrote %q, want %q", got, "before "+c.octets)
		}
		if c.part.Size() != len(body) {
			t.Errorf("%v says its body has %d octets, but it has %d", p, c.part.Size(), len(body))
		}
		if got, err := p.Part(); err != nil || !reflect.DeepEqual(got, c.part) {
			t.Errorf("%v says %#v, %v; want %#v", p, got, err, c.part)
		}
	}
	for typ := TypeHeader; typ <= TypePong; typ++ { // WIRE-FRAME-13a
		if !covered[typ] {
			t.Errorf("%v is not covered", typ)
		}
	}
}

// The longest line of a conforming sender has 36 octets (WIRE-FRAME-06).
func TestLongestLine(t *testing.T) {
	b := Append(nil, Packet{TypeHeader, math.MaxUint64, make([]byte, MaxBody)})
	if line, _, _ := bytes.Cut(b, []byte("\n")); len(line)+1 != 36 {
		t.Errorf("%q has %d octets with its LF", line, len(line)+1)
	}
}

func TestSizeOfAck(t *testing.T) {
	for n := Ack(1); ; n *= 10 {
		for _, a := range []Ack{n - 1, n, n + 1} {
			if got, want := a.Size(), len(a.AppendBody(nil)); got != want {
				t.Errorf("Ack(%d) says it has %d digits, but it has %d", a, got, want)
			}
		}
		if n == 1e19 {
			break
		}
	}
	if got := Ack(math.MaxUint64).Size(); got != 20 {
		t.Errorf("the largest total has %d digits", got)
	}
}

// The body of an ACK is a digit 1 to 9 followed by digits, and nothing else
// (WIRE-FLOW-01b).
func TestParseTotal(t *testing.T) {
	for text, want := range map[string]uint64{
		"1": 1, "9": 9, "10": 10, "120000": 120000, "9007199254740991": 1<<53 - 1, "18446744073709551615": math.MaxUint64,
	} {
		if got, err := ParseTotal([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "0", "00", "01", "+1", "-1", " 1", "1 ", "1\n", "1\r\n", "1.0", "1e3", "0x10", "1,000", "1_000", "x", "/", ":", "١", "\x00",
		"18446744073709551616", "99999999999999999999", "18446744073709551615" + "0", strings.Repeat("9", 131072),
	} {
		got, err := ParseTotal([]byte(text))
		if err == nil {
			t.Errorf("%.30q is taken for %d", text, got)
		} else if len(err.Error()) > 200 {
			t.Errorf("an error of %d octets for %.30q", len(err.Error()), text)
		}
	}
}

func TestBodiesThatSayNothing(t *testing.T) {
	for _, p := range []Packet{
		{TypeAck, 0, []byte("0")}, {TypeAck, 0, nil}, {TypeAck, 0, []byte("1\n")}, // WIRE-FLOW-01b
		{TypeEOF, 0, []byte("x")}, {TypePong, 0, []byte("x")}, // section 2: empty
		{Type: 0}, {Type: TypePong + 1},
	} {
		if part, err := p.Part(); err == nil || part != nil {
			t.Errorf("%v says %#v, %v", p, part, err)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	p := Packet{TypeData, 3, []byte("abc")}
	q := p.Clone()
	p.Body[0] = 'x'
	if q.Type != TypeData || q.Number != 3 || string(q.Body) != "abc" {
		t.Errorf("the clone is %v", q)
	}
}

// Logs show a packet's line, and of its body no more than one can read.
func TestPacketsInLogs(t *testing.T) {
	long := strings.Repeat("x", 200)
	for want, p := range map[string]Packet{
		"EOF 3 0":                          {TypeEOF, 3, nil},
		`DATA 0 3 "a\r\n"`:                 {TypeData, 0, []byte("a\r\n")},
		`DATA 0 200 "` + long + `"`:        {TypeData, 0, []byte(long)},
		`DATA 0 201 "` + long + "\"…":      {TypeData, 0, []byte(long + "x")},
		"Type(0) 0 0":                      {},
		"Type(8) 0 0":                      {Type: 8},
		"Type(255) 18446744073709551615 0": {Type: 255, Number: math.MaxUint64},
	} {
		if got := p.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
