package scenario

import (
	"fmt"
	"strings"
	"testing"
)

func reportOf(h Header, seeds ...uint64) *Report {
	r := &Report{Header: h}
	for _, s := range seeds {
		r.Runs = append(r.Runs, &Record{Seed: s, OK: s%2 == 1})
	}
	return r
}

func TestResultsMerge(t *testing.T) {
	h := Header{Format: 1, First: 1, Last: 12, Digest: "d"}
	r, err := Merge([]string{"a", "b"}, []*Report{reportOf(h, 3, 1, 2), reportOf(h, 3, 8, 9, 12)})
	if err != nil {
		t.Fatal(err)
	}
	if r.Seeds != 6 || fmt.Sprint(r.Failed) != "[2 8 12]" || fmt.Sprint(r.Missing) != "[4-7 10-11]" {
		t.Errorf("%+v", r)
	}
	r, err = Merge([]string{"a"}, []*Report{reportOf(h, 5)})
	if err != nil || fmt.Sprint(r.Missing) != "[1-4 6-12]" || r.Text() != "1 of 1 seeds passed; no result for 1-4, 6-12" {
		t.Errorf("%v, %s", err, r.Text())
	}
	other := h
	other.Digest = "e"
	for _, two := range [][2]*Report{
		{reportOf(h, 1), reportOf(other, 2)},
		{reportOf(h, 1), reportOf(h, 13)},
		{reportOf(h, 1), {Header: h, Runs: []*Record{{Seed: 1, Calls: 5, OK: true}}}},
	} {
		if _, err := Merge([]string{"a", "b"}, two[:]); err == nil {
			t.Errorf("%+v and %+v go together", two[0], two[1])
		}
	}
}

func TestResultsRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "it is empty",
		"hello":                         "it has no results",
		"hello\n":                       "line 1 is no result",
		"{}\n":                          "its format is 0",
		`{"format":2}` + "\n":           "its format is 2",
		`{"format":1}` + "\n[]\n":       "line 2 is no result",
		`{"format":1}` + "\n{\"seed\":": "",
		`{"format":1,"runs":[]}`:        "",
	} {
		if _, _, err := ReadReport([]byte(text)); fmt.Sprint(err) != "<nil>" != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
