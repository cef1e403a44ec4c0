package discovery

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// cut is what Records makes of a file: each record with its line, without the LFs that end it.
func cut(file string) (records []string) {
	Records([]byte(file), func(line int, record []byte) bool {
		records = append(records, fmt.Sprintf("%d:%s", line, strings.TrimRight(string(record), "\n")))
		return true
	})
	return records
}

// Where records begin and end (DISC-CCH-01 to 04).
func TestRecords(t *testing.T) {
	const m = marker
	for _, tc := range []struct {
		name, file string
		want       []string
	}{
		{"empty file", "", nil},
		{"no marker", "a\n\nb", nil}, // a packet without marker is not used
		{"one", m + "a", []string{"3:a"}},
		{"final LFs", m + "a\n\n\n\n\n", []string{"3:a"}},
		{"two", m + "a\n\n" + m + "b\n", []string{"3:a", "7:b"}},
		{"sections", m + "a\n\nb\n\nc\n\n" + m + "d\n\n", []string{"3:a\n\nb\n\nc", "11:d"}},
		{"prefix", "junk\nmore" + m + "a", []string{"4:a"}},
		{"marker at the very start", m[1:] + "a" + m + "b", []string{"2:a", "4:b"}},
		{"marker at the very end", m + "a" + m, []string{"3:a"}},
		{"half a marker at the end", m + "a\n%%%", []string{"3:a\n%%%"}},
		{"empty first", m + m + "a", []string{"5:a"}},
		{"empty in the middle", m + "a" + m + m + "b", []string{"3:a", "7:b"}},
		{"empty last", m + "a" + m + "\n\n", []string{"3:a"}},
		{"of LFs only", m + "\n\n\n" + m + "a", []string{"8:a"}},
		{"markers that share an LF", m + m[1:] + m[1:] + "a" + m + m[1:] + "b", []string{"5:a", "8:b"}},
		{"two at the very start", m[1:] + m[1:] + "a", []string{"3:a"}},
		{"CR LF", "\r\n%%%\r\na", nil},
		{"blanks", "\n%%% \na\n %%%\nb", nil},
		{"four signs", m + "a\n%%%%\nb", []string{"3:a\n%%%%\nb"}},
		{"octets", m + "\xff\x00" + m + "\x80", []string{"3:\xff\x00", "5:\x80"}},
	} {
		if got := cut(tc.file); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	n := 0
	Records([]byte(m+"a"+m+"b"+m+"c"), func(int, []byte) bool { n++; return n < 2 })
	if n != 2 {
		t.Errorf("false does not end it: %d records", n)
	}
}

// A thousand records, markers at every offset, records of 16 MiB (DISC-CCH-01b, 05, 07).
func TestRecordsAtAnyOffset(t *testing.T) {
	if n := len(cut(strings.Repeat(marker+"a\n\n", 1000))); n != 1000 {
		t.Errorf("%d records", n)
	}
	for _, size := range []int{4096, 8192, 16384, 65536} {
		for d := -10; d <= 10; d++ {
			long := strings.Repeat("x", size+d)
			if got := cut(marker + long + marker + "b"); len(got) != 2 || got[1] != "5:b" {
				t.Errorf("a record of %d octets", len(long))
			}
		}
	}
	long := strings.Repeat("x", 16<<20)
	if got := cut(marker + long + marker + "b"); len(got) != 2 || len(got[0]) != len(long)+2 {
		t.Error("a record of 16 MiB")
	}
}

// A file of a manager has a marker before each record and nothing before the first; records are sorted, so that equal content is an
// equal file, and each is the packet as it came (DISC-CMG-01c, 02).
func TestAppendFile(t *testing.T) {
	if got := AppendFile(nil, nil); len(got) != 0 {
		t.Errorf("nothing is %q", got)
	}
	var all []*Announcement
	want := ""
	for _, ident := range []string{"a", "b", "c"} {
		p := signed(t, with(t, 1, `"`+ident+`"`))
		a, err := Verify(append(bytes.TrimRight(p, "\n"), "\n\nextra\n\n"...))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
		want += marker + string(p)
	}
	slices.Reverse(all)
	if got := AppendFile(nil, all); string(got) != want {
		t.Errorf("the file is %q, want %q", got, want)
	}
	if all[0].Ident != "c" {
		t.Error("the caller's slice was sorted")
	}
}
