package interpose

import (
	"bytes"
	"strconv"
	"strings"
)

// Line returns a Tolerance of request lines: fix is given a line with its end,
// LF included, and returns the three fields that it takes it for.
// The body and the trailer must be as usual, but for a limit on the body's length.
func Line(fix func(line string) (typ, number, length string, ok bool)) Tolerance {
	return func(b []byte) (p Packet, n int, more bool) {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return p, 0, len(b) < 4096
		}
		typ, number, length, ok := fix(string(b[:end+1]))
		if !ok {
			return p, 0, false
		}
		num, err1 := strconv.ParseUint(number, 10, 64)
		size, err2 := strconv.Atoi(length)
		if err1 != nil || err2 != nil || size < 0 || size > 64<<20 {
			return p, 0, false
		}
		body := b[end+1:]
		if len(body) < size+5 {
			return p, 0, true
		}
		if string(body[size:size+5]) != "END\r\n" {
			return p, 0, false
		}
		return Packet{Type: typ, Number: num, Body: bytes.Clone(body[:size])}, end + 1 + size + 5, false
	}
}

// Fields splits a request line that is otherwise correct, for use in Line.
func Fields(line string) (typ, number, length string, ok bool) {
	f := strings.Split(strings.TrimSuffix(line, "\r\n"), " ")
	if len(f) != 3 {
		return "", "", "", false
	}
	return f[0], f[1], f[2], true
}
