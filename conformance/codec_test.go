package conformance

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func packetsOf(ps ...packet) (b []byte) {
	for _, p := range ps {
		b = appendPacket(b, p, nil, nil)
	}
	return b
}

// decoded is what a decoder makes of a stream.
type decoded struct {
	packets []packet
	wrong   []breach
	broken  *breach
	midway  bool
}

// decode feeds a stream in pieces.
func decode(pieces ...[]byte) (r decoded) {
	var d decoder
	for _, b := range pieces {
		d.feed(b)
		for {
			p, wrong, ok := d.next()
			if !ok {
				break
			}
			if len(p.body) == 0 {
				p.body = nil
			}
			r.packets, r.wrong = append(r.packets, p), append(r.wrong, wrong...)
		}
	}
	if r.broken, r.midway = d.broken, d.midway(); r.broken == nil {
		r.broken = d.doubt
	}
	return r
}

func TestAppendPacket(t *testing.T) {
	for _, tc := range []struct {
		p             packet
		line, trailer []byte
		want          string
	}{
		{packet{"DATA", 7, []byte("größe")}, nil, nil, "DATA 7 7\r\ngrößeEND\r\n"},
		{packet{"EOF", 0, nil}, nil, nil, "EOF 0 0\r\nEND\r\n"},
		{packet{"EOF", 1<<64 - 1, nil}, nil, nil, "EOF 18446744073709551615 0\r\nEND\r\n"},
		{packet{"DATA", 7, []byte("x")}, []byte("DATA 07 00#\n"), nil, "DATA 07 001\nxEND\r\n"},
		{packet{"DATA", 7, []byte("x")}, nil, []byte("end\r\n"), "DATA 7 1\r\nxend\r\n"},
		{packet{"DATA", 7, []byte("x")}, []byte{}, []byte{}, "x"},
	} {
		if got := string(appendPacket([]byte("-"), tc.p, tc.line, tc.trailer)); got != "-"+tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

// Segmentation does not matter: every split of a stream, in two and into single octets, gives the same packets and breaches.
func TestDecoderAtEverySplit(t *testing.T) {
	for name, stream := range map[string][]byte{
		"packets": packetsOf(packet{"HEADER", 0, []byte(`{"a":"END\r\n"}`)}, packet{"DATA", 0, []byte("EOF 0 0\r\nEND\r\n\x00\xff")},
			packet{"EOF", 0, nil}, packet{"TXERR", 10, []byte("größe")}, packet{"ACK", 1, []byte("5")}, packet{"PING", 3, nil}, packet{"PONG", 3, nil}),
		"half a packet":            append(packetsOf(packet{"EOF", 0, nil}), "DATA 0 10\r\nhello"...),
		"half a line":              append(packetsOf(packet{"EOF", 0, nil}), "DATA 0"...),
		"characters":               append(appendPacket(nil, packet{"TXERR", 0, []byte("größe zu groß ✓ 😀")}, []byte("TXERR 0 18\r\n"), nil), packetsOf(packet{"EOF", 1, nil})...),
		"units of UTF-16":          append(appendPacket(nil, packet{"TXERR", 0, []byte("😀😀 ✓ 😀")}, []byte("TXERR 0 9\r\n"), nil), packetsOf(packet{"EOF", 1, nil})...),
		"odd numbers":              []byte("DATA +0 02\r\n{}END\r\nEOF 00 0\r\nEND\r\n"),
		"unknown type":             []byte("NOOP 0 2\r\n{}END\r\nEOF 0 0\r\nEND\r\n"),
		"no packet":                []byte("SCAMP ready\r\nEOF 0 0\r\nEND\r\n"),
		"no packet after one":      []byte("EOF 0 0\r\nEND\r\n\r\nEOF 0 0\r\nEND\r\n"),
		"wrong trailer":            []byte("DATA 0 2\r\n{}end\r\nEOF 0 0\r\nEND\r\n"),
		"wrong trailer, not ASCII": []byte("DATA 0 4\r\nééend\r\nEOF 0 0\r\nEND\r\n"),
		"body too long":            []byte("DATA 0 2\r\n{}xEND\r\nEOF 0 0\r\nEND\r\n"),
		"body too long, not ASCII": []byte("DATA 0 4\r\nééxEND\r\nEOF 0 0\r\nEND\r\n"),
		"bare LF":                  []byte("EOF 0 0\nEND\r\n"),
	} {
		whole := decode(stream)
		var singly [][]byte
		for i := range stream {
			singly = append(singly, stream[i:i+1])
			if got := decode(stream[:i], stream[i:]); !reflect.DeepEqual(got, whole) {
				t.Errorf("%s, split at %d: %+v\nwhole: %+v", name, i, got, whole)
			}
		}
		if got := decode(singly...); !reflect.DeepEqual(got, whole) {
			t.Errorf("%s, octet by octet: %+v\nwhole: %+v", name, got, whole)
		}
	}
}

// Each breach is told under its own rule, and what leaves no doubt about the end of a packet does not end the reading.
func TestDecoderNamesTheBreach(t *testing.T) {
	const after = "EOF 9 0\r\nEND\r\n"
	for _, tc := range []struct {
		stream string
		rules  string // of breaches; one that ends the reading stands behind !
		reason string
	}{
		{"", "", ""},
		{"EOF 0 0\r\nEND\r\n", "", ""},
		{"DATA 0 02\r\n{}END\r\n", "WIRE-FRAME-06", `"02" is not how the number 2 is written`},
		{"DATA +1 2\r\n{}END\r\n", "WIRE-FRAME-06", `"+1"`},
		{"DATA 00 002\r\n{}END\r\n", "WIRE-FRAME-06 WIRE-FRAME-06", ""},
		{"data 0 2\r\n{}END\r\n", "WIRE-FRAME-13a", "there is no packet type data"},
		{"NOOP 0 0\r\nEND\r\n", "WIRE-FRAME-13a", "no packet type NOOP"},
		{"DATA 0 131072\r\n" + strings.Repeat("x", 131072) + "END\r\n", "", ""},
		{"DATA 0 131073\r\n" + strings.Repeat("x", 131073) + "END\r\n", "WIRE-FRAME-08a", "a body of 131073 octets"},
		{"TXERR 0 5\r\ngrößeEND\r\n", "WIRE-FRAME-12", "the length 5 counts characters; the body has 7 octets"},
		{"TXERR 0 3\r\n😀xEND\r\n", "WIRE-FRAME-12", "counts units of UTF-16; the body has 5 octets"},
		{"TXERR 0 2\r\n😀xEND\r\n", "WIRE-FRAME-12", "counts characters"},

		{"hello\r\n", "!WIRE-FRAME-01", "three fields"},
		{after + "hello\r\n", "!WIRE-FRAME-02", "three fields"},
		{"\r\n", "!WIRE-FRAME-01", "three fields"},
		{"EOF 0\r\n", "!WIRE-FRAME-01", "three fields"},
		{"EOF 0 0 \r\n", "!WIRE-FRAME-01", "three fields"},
		{"EOF  0 0\r\n", "!WIRE-FRAME-01", "three fields"},
		{"EOF 0 0\n", "!WIRE-FRAME-01", "CR LF"},
		{" 0 0\r\n", "!WIRE-FRAME-01", "begins with no packet type"},
		{"EOF\t 0 0\r\n", "!WIRE-FRAME-01", "begins with no packet type"},
		{"EOF -1 0\r\n", "!WIRE-FRAME-01", `"-1" is no number`},
		{"EOF 0 x\r\n", "!WIRE-FRAME-01", `"x" is no number`},
		{"EOF  0\r\n", "!WIRE-FRAME-01", `"" is no number`},
		{"EOF 18446744073709551616 0\r\n", "!WIRE-FRAME-01", "is no number"},
		{"DATA 0 67108865\r\n", "!WIRE-FRAME-01", "67108865 is no length"},
		{strings.Repeat("x", 255), "", ""},
		{strings.Repeat("x", 256), "!WIRE-FRAME-01", "is no request line"},
		{"DATA " + strings.Repeat("0", 300) + " 2\r\n{}END\r\n", "!WIRE-FRAME-01", "is no request line"},
		{"DATA 0 2\r\n{}end\r\n", "!WIRE-FRAME-01", `behind the body stands "end\r\n"`},
		{after + "DATA 0 2\r\n{}xEND\r\n", "!WIRE-FRAME-02", "instead of END CR LF"},
		{after + "DATA 0 3\r\n{}END\r\nxx", "!WIRE-FRAME-02", "instead of END CR LF"},
		{"TXERR 0 5\r\ngrößxEND\rxxx", "!WIRE-FRAME-01", "instead of END CR LF"},
	} {
		stream := tc.stream
		readable := !strings.Contains(tc.rules, "!") && strings.HasSuffix(stream, "END\r\n")
		if readable {
			stream += after
		}
		got := decode([]byte(stream))
		var rules, reasons []string
		for _, b := range got.wrong {
			rules, reasons = append(rules, b.rule), append(reasons, b.reason)
		}
		if got.broken != nil {
			rules, reasons = append(rules, "!"+got.broken.rule), append(reasons, got.broken.reason)
		}
		if strings.Join(rules, " ") != tc.rules || !strings.Contains(strings.Join(reasons, "; "), tc.reason) {
			t.Errorf("%.60q: %q %q, want %s …%s…", tc.stream, rules, reasons, tc.rules, tc.reason)
		}
		if readable && (len(got.packets) < 2 || got.packets[len(got.packets)-1].number != 9 || got.midway) {
			t.Errorf("%.60q: the packet behind it is not read", tc.stream)
		}
	}
}

// What is no packet ends the reading for good.
func TestDecoderStaysBroken(t *testing.T) {
	if got := decode([]byte("hello\r\n"), packetsOf(packet{"EOF", 0, nil})); len(got.packets) > 0 || !got.midway {
		t.Errorf("%+v", got)
	}
}

// The caller owns the bodies.
func TestDecoderCopiesBodies(t *testing.T) {
	var d decoder
	src := packetsOf(packet{"DATA", 0, []byte("hello")}, packet{"DATA", 0, []byte("world")})
	d.feed(src)
	p, _, _ := d.next()
	d.next()
	d.feed(bytes.Repeat([]byte("z"), 100))
	if string(p.body) != "hello" {
		t.Errorf("%q", p.body)
	}
}

func TestShowOctets(t *testing.T) {
	for in, want := range map[string]string{
		"abc": `"abc"`, "a\r\n": `"a\r\n" (hex 61 0d 0a)`, "\xff": `"\xff" (hex ff)`, "é": `"é" (hex c3 a9)`,
		strings.Repeat("x", 50): fmt.Sprintf("%q … (50 octets)", strings.Repeat("x", 48)),
	} {
		if got := showOctets([]byte(in)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// No input makes the decoder panic or loop; what is taken without a breach is what it would write, octet for octet; and
// segmentation does not matter.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		"", "EOF 0 0\r\nEND\r\n", "DATA 0 2\r\n{}END\r\nACK 1 1\r\n5END\r\n", "DATA +0 02\r\n{}END\r\n", "TXERR 0 5\r\ngrößeEND\r\n",
		"TXERR 0 3\r\n😀xEND\r\n", "NOOP 0 0\r\nEND\r\n", "hello\r\n", "DATA 0 67108864\r\n", "DATA 0 4\r\nééend\r\n", "\r\n", "EOF 0 0\nEND\r\n",
		"DATA 0 2\r\n\xf0\x9f\x98\x80\xf0\x9f\x98\x80END\r\n",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		whole := decode(stream)
		if whole.broken == nil && len(whole.wrong) == 0 {
			var again []byte
			for _, p := range whole.packets {
				again = appendPacket(again, p, nil, nil)
			}
			if !bytes.HasPrefix(stream, again) || !whole.midway && len(again) != len(stream) {
				t.Errorf("%q is written as %q", stream, again)
			}
		}
		got := decode(slices.Collect(slices.Chunk(stream, int(size)+1))...)
		if !reflect.DeepEqual(got, whole) {
			t.Errorf("%q in pieces of %d: %+v\nwhole: %+v", stream, size+1, got, whole)
		}
	})
}
