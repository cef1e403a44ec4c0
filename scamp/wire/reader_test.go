package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

func TestErrorsSayWhatAndWhere(t *testing.T) {
	for in, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: example\r\n": `malformed packet "GET / HTTP/1.1": there is no packet type "GET" (WIRE-FRAME-13b)`,
		"EOF 0\r\n":                           `malformed packet "EOF 0": there are fewer than three fields (WIRE-FRAME-03b)`,
		"EOF x 0\r\n":                         `malformed packet "EOF x 0": "x" is no message number (WIRE-FRAME-07a)`,
		"DATA 0 3\r\nfourEND\r\n":             `malformed packet "DATA 0 3": "rEND\r" stands where the trailer should (WIRE-FRAME-09)`,
	} {
		if _, err := collect(strings.NewReader(in)); err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// The end of a stream is clean between packets and nowhere else: what ends in a
// packet is lost.
func TestEndOfStream(t *testing.T) {
	stream := encode(Packet{TypeData, 0, []byte("xyz")}, Packet{TypeEOF, 0, nil})
	first := len(encode(Packet{TypeData, 0, []byte("xyz")}))
	for n := range len(stream) + 1 {
		packets, err := collect(bytes.NewReader(stream[:n]))
		count, want := 0, io.ErrUnexpectedEOF
		switch {
		case n == 0:
			want = io.EOF
		case n == first:
			count, want = 1, io.EOF
		case n == len(stream):
			count, want = 2, io.EOF
		case n > first:
			count = 1
		}
		if len(packets) != count || err != want {
			t.Errorf("of %q: %d packets and %v, want %d and %v", stream[:n], len(packets), err, count, want)
		}
	}
}

// After an error there is nothing but this error, whatever the stream could
// still bring.
func TestErrorsStay(t *testing.T) {
	good := "EOF 0 0\r\nEND\r\n"
	broken := errors.New("broken pipe")
	for name, c := range map[string]struct {
		src  io.Reader
		want string
	}{
		"malformed":           {strings.NewReader(good + "FOO 0 0\r\n" + good + good), "WIRE-FRAME-13b"},
		"clean end":           {io.MultiReader(strings.NewReader(good), &once{err: io.EOF, then: good}), "EOF"},
		"end in a packet":     {&once{data: good + "EOF 0", err: io.EOF, then: " 0\r\nEND\r\n"}, "unexpected EOF"},
		"a broken stream":     {&once{data: good + "EOF 0", err: broken, then: " 0\r\nEND\r\n"}, "broken pipe"},
		"nothing at all":      {io.MultiReader(strings.NewReader(good), idle{}), io.ErrNoProgress.Error()},
		"data with the error": {iotest.DataErrReader(strings.NewReader(good)), "EOF"},
	} {
		r := NewReader(c.src)
		if p, err := r.Read(); err != nil || p.Type != TypeEOF {
			t.Errorf("%s: %v, %v at first", name, p, err)
		}
		p, first := r.Read()
		if ruleOf(first) != c.want {
			t.Errorf("%s: %v, %v; want %s", name, p, first, c.want)
			continue
		}
		for range 3 {
			if !r.Buffered() {
				t.Errorf("%s: after an error Read has nothing to wait for", name)
			}
			if p, err := r.Read(); err != first || p.Type != 0 || p.Body != nil {
				t.Errorf("%s: %v, %v after %v", name, p, err, first)
			}
		}
	}
}

// What is malformed is named even when the stream has broken behind it.
func TestMalformedBeforeBroken(t *testing.T) {
	_, err := collect(&once{data: "FOO 0 0\r\n", err: io.ErrClosedPipe})
	if got := ruleOf(err); got != "WIRE-FRAME-13b" {
		t.Error(got)
	}
}

// once brings data together with an error, and after that, against the custom of
// readers, something else.
type once struct {
	data string
	err  error
	then string
}

func (o *once) Read(b []byte) (int, error) {
	n, err := copy(b, o.data), o.err
	o.data, o.err, o.then = o.then, nil, ""
	return n, err
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// Buffered says whether Read can do without the stream: it is what lets a
// receiver gather what has come before it answers.
func TestBuffered(t *testing.T) {
	packet := "DATA 0 1\r\nxEND\r\n"
	for said, want := range map[string]bool{
		"":                false,
		"DATA":            false,
		packet[:15]:       false,
		packet:            true,
		packet + "EOF 0 ": true,
		"FOO 0 0\r\n":     true, // the error is there to be read
		"DATA 0 1\r\nxx":  true,
	} {
		const before = "PING 0 0\r\nEND\r\n"
		r := NewReader(thenSilence(before + said))
		if r.Buffered() {
			t.Error("nothing has been read from the stream yet")
		}
		if p, err := r.Read(); err != nil || p.Type != TypePing {
			t.Fatalf("%v, %v", p, err)
		}
		for range 2 { // asking changes nothing
			if got := r.Buffered(); got != want {
				t.Errorf("%q: Buffered says %v", said, got)
			}
		}
		if _, err := r.Read(); (err == errSilence) == want {
			t.Errorf("%q: Buffered says %v, but Read says %v", said, want, err)
		}
	}
}

// A body is the caller's until the next Read, and a caller that appends to it
// does not write into the packet behind it.
func TestBodyBelongsToTheCaller(t *testing.T) {
	r := NewReader(bytes.NewReader(encode(Packet{TypeData, math.MaxUint64, []byte("abc")}, Packet{TypeEOF, 1, nil})))
	p, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	_ = append(p.Body, "----------------------------"...)
	r.Buffered()
	if string(p.Body) != "abc" {
		t.Errorf("Buffered changed the body to %q", p.Body)
	}
	if p, err := r.Read(); err != nil || p.Type != TypeEOF || p.Number != 1 {
		t.Errorf("%v, %v", p, err)
	}
}

// TestParse: it reads what a Reader reads, where it stands.
func TestParse(t *testing.T) {
	b := []byte("DATA 3 2\r\n{}END\r\nEOF 3 0\r\nEND\r\nACK")
	p, n, err := Parse(b)
	if err != nil || p.Type != TypeData || p.Number != 3 || string(p.Body) != "{}" || n != 17 {
		t.Fatalf("%v, %d octets, %v", p, n, err)
	}
	if &p.Body[0] != &b[10] || cap(p.Body) != 2 {
		t.Error("the body is not part of what was read")
	}
	if p, n, err = Parse(b[n:]); err != nil || p.Type != TypeEOF || n != 14 {
		t.Errorf("%v, %d octets, %v", p, n, err)
	}
	if p, n, err = Parse(b[31:]); err != nil || n != 0 {
		t.Errorf("of a part: %v, %d octets, %v", p, n, err)
	}
	if _, _, err = Parse([]byte("data 3 0\r\n")); err == nil {
		t.Error("what is no packet has no error")
	}
}
