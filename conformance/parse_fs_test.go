package conformance

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestParseFS(t *testing.T) {
	good := &fstest.MapFile{Data: []byte(head + "barrier\n")}
	fsys := fstest.MapFS{
		"one/a.case": good, "one/b.case": good, "two/c.case": good, "two/readme.md": good, "d.case": good,
		"bad/e.case": {Data: []byte("x")}, "bad/f.case": {Data: []byte(strings.Repeat(" ", maxSource+1))},
		"bad/A.case": good, "bad/a.case": good,
	}
	for _, tc := range []struct {
		patterns []string
		want     string
		err      string
	}{
		{[]string{"one"}, "one/a one/b", ""},
		{[]string{"one/a.case"}, "one/a", ""},
		{[]string{"one/a", "d", "d.case"}, "d one/a", ""},
		{[]string{"one/*"}, "one/a one/b", ""},
		{[]string{"t*"}, "two/c", ""},
		{[]string{"./one/"}, "one/a one/b", ""},
		{[]string{"three"}, "", `"three" matches no case`},
		{[]string{"["}, "", `"[" is no pattern`},
		{[]string{"two/readme.md"}, "", "end in .case"},
		{[]string{"bad/e", "d"}, "d", "bad/e.case:1:1"},
		{[]string{"bad/f"}, "", "bad/f.case:1:1: the file has 1048577 octets"},
		{[]string{"bad/*.case"}, "bad/A", "differs from bad/A.case only in upper and lower case"},
	} {
		cases, err := ParseFS(fsys, tc.patterns...)
		var names []string
		for _, c := range cases {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%q: %s, want %s", tc.patterns, got, tc.want)
		}
		if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%q: %v, want …%s…", tc.patterns, err, tc.err)
		}
	}
	if all, err := ParseFS(fsys, "one", "two", "d"); err != nil || len(all) != 4 {
		t.Error(len(all), err)
	}
	if _, err := ParseFS(unreadable{fsys}, "d"); err == nil || !strings.Contains(err.Error(), "read a case") {
		t.Error(err)
	}
}

// unreadable is a file system whose files cannot be read.
type unreadable struct{ fstest.MapFS }

func (u unreadable) ReadFile(string) ([]byte, error) { return nil, fs.ErrPermission }
