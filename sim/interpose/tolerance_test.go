package interpose

import (
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	for line, want := range map[string]string{
		"DATA 0 2\r\n": "DATA|0|2", "DATA 0 2": "DATA|0|2", " 0 0\r\n": "|0|0", "DATA  2\r\n": "DATA||2",
		"DATA 0\r\n": "", "DATA 0 2 3\r\n": "", "\r\n": "", "DATA 0 2\n": "DATA|0|2\n",
	} {
		typ, number, length, ok := Fields(line)
		if got := strings.Join([]string{typ, number, length}, "|"); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s %v, want %s", line, got, ok, want)
		}
	}
}

// A tolerance makes packets of what is none, when all of it is there; what it does not know stays what it is.
func TestTolerance(t *testing.T) {
	blanks := Line(func(s string) (typ, number, length string, ok bool) {
		return Fields(strings.Join(strings.Fields(s), " "))
	})
	for _, tc := range []struct {
		stream string
		want   string // as in comes
	}{
		{"DATA  0\t2 \r\n{}END\r\nEOF 0 0\r\nEND\r\n", "DATA 0 2\r\n{}END\r\nEOF 0 0\r\nEND\r\n"},
		{"EOF 0 0\nEND\r\n", "EOF 0 0\r\nEND\r\n"},
		{"DATA 0 2 3\r\n{}END\r\n", "DATA 0 2 3\r\n{}END\r\n"},
		{"DATA x 2\r\n{}END\r\n", "DATA x 2\r\n{}END\r\n"},
		{"DATA 0  -2\r\n{}END\r\n", "DATA 0  -2\r\n{}END\r\n"},
		{"DATA 0  2\r\n{}end\r\n", "DATA 0  2\r\n{}end\r\n"},
		{"DATA 0  99999999999\r\n{}END\r\n", "DATA 0  99999999999\r\n{}END\r\n"},
		{"DATA 0  2\r\n{}EN", "DATA 0  2\r\n{}EN"},
		{"DATA 0  131073\r\n" + strings.Repeat("x", 131073) + "END\r\n", "DATA 0 131073\r\n" + strings.Repeat("x", 131073) + "END\r\n"},
		{strings.Repeat("x", 100), strings.Repeat("x", 100)},
		{strings.Repeat("x", 5000), strings.Repeat("x", 5000)},
	} {
		for _, cfg := range []Config{{Tolerate: blanks}, {Tolerate: blanks, In: pass}} {
			var pieces [][]byte
			for i := range min(len(tc.stream), 200) {
				pieces = append(pieces, []byte(tc.stream[i:i+1]))
			}
			if len(tc.stream) > 200 {
				pieces = append(pieces, []byte(tc.stream[200:]))
			}
			if got := in(t, cfg, pieces...); got != tc.want {
				t.Errorf("%.60q comes as %.60q, want %.60q", tc.stream, got, tc.want)
			}
			if got := in(t, cfg, []byte(tc.stream)); got != tc.want {
				t.Errorf("in one piece %.60q comes as %.60q, want %.60q", tc.stream, got, tc.want)
			}
		}
	}
}
