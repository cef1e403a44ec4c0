package discovery

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readRecords is what a recordReader makes of a file, as cut shows it, with a buffer of so many octets at first.
func readRecords(t *testing.T, file io.Reader, buffer int) (records []string, r *recordReader) {
	t.Helper()
	r = newRecordReader(file, seedOfTest, make([]byte, buffer))
	for {
		line, record, err := r.next()
		if err == io.EOF {
			return records, r
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, fmt.Sprintf("%d:%s", line, strings.TrimRight(string(record), "\n")))
	}
}

var seedOfTest = maphash.MakeSeed()

// A file that is read in pieces has the records, lines and octets of the whole one, wherever the pieces end.
func TestRecordReader(t *testing.T) {
	parts := []string{marker, markerLine, "%%%", "\n", "\n\n", "a", "%", "x\ny", "\r\n%%%\r\n"}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		file := b.String()
		want := cut(file)
		for _, pieces := range []io.Reader{strings.NewReader(file), iotest.OneByteReader(strings.NewReader(file)), iotest.DataErrReader(strings.NewReader(file))} {
			got, r := readRecords(t, pieces, 1+rng.IntN(8))
			if !slices.Equal(got, want) {
				t.Fatalf("%q: %q, want %q", file, got, want)
			}
			if c := r.content(); c.size != int64(len(file)) || c.sum != maphash.String(seedOfTest, file) {
				t.Fatalf("%q: %+v", file, c)
			}
		}
	}
}

// Of a record that is too long no more is kept than shows that; the next one counts. What stands before the first marker
// needs no memory (DISC-CCH-07).
func TestRecordReaderBounds(t *testing.T) {
	junk := io.LimitReader(&repeated{text: "junk "}, 64<<20)
	long := io.LimitReader(&repeated{text: "x%"}, 80<<20)
	got, r := readRecords(t, io.MultiReader(junk, strings.NewReader(marker), long, strings.NewReader(marker+"b")), leastBuffer)
	if len(got) != 2 || len(got[0]) <= maxPacket+len("3:") || got[1] != "5:b" {
		t.Errorf("%d records", len(got))
	}
	if len(r.buf) > 4*maxPacket || r.room() != nil {
		t.Errorf("a buffer of %d octets, kept: %t", len(r.buf), r.room() != nil)
	}
	if _, r := readRecords(t, io.LimitReader(&repeated{text: "junk\n"}, 8<<20), leastBuffer); len(r.buf) != leastBuffer {
		t.Errorf("a buffer of %d octets for no record", len(r.buf))
	}
}

// repeated is a text without end: one over and over.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], r.text[r.at:])
		n, r.at = n+k, (r.at+k)%len(r.text)
	}
	return n, nil
}

// What fails while it is read says so, and what does not go on is given up.
func TestRecordReaderErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		file io.Reader
		want error
	}{
		"at once":      {iotest.ErrReader(broken), broken},
		"in a record":  {io.MultiReader(strings.NewReader(marker+"a"), iotest.ErrReader(broken)), broken},
		"with nothing": {stuck{}, io.ErrNoProgress},
		"without end":  {&repeated{text: "junk\n"}, errTooLong},
	} {
		r := newRecordReader(tc.file, seedOfTest, nil)
		if line, record, err := r.next(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %d, %q, %v", name, line, record, err)
		}
	}
}

// stuck reads nothing.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }
