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
		"":                               "it is empty",
		"hello":                          "it has no results",
		"hello\n":                        "line 1 is no result",
		"{}\n":                           "its format is 0",
		`{"format":2}` + "\n":            "its format is 2",
		`{"format":1}` + "\n{\"seed\":":  "",
		`{"format":1,"runs":[]}`:         "",
		"-1\n":                           "line 1 has a number below 0, -1",
		`{"format":1,"shard":-1}` + "\n": "line 1 has a number below 0, -1",
		`{"format":1}` + "\n" + `{"seed":5,"calls":-3}` + "\n":         "line 2 has a number below 0, -3",
		`{"format":1}` + "\n{}\n" + `{"seed":-5}` + "\n":               "line 3 has a number below 0, -5",
		"{\"format\":1,\n\"runs\":[{\"seed\":2,\n\"calls\": -7}]}":     "line 3 has a number below 0, -7",
		"{\"format\":1,\n\"first_seed\":-1,\"runs\":[]}":               "line 2 has a number below 0, -1",
		`{"format":1}` + "\n" + `{"failures":["-1 \" -2: -3"]}` + "\n": "",
	} {
		if _, _, err := ReadReport([]byte(text)); fmt.Sprint(err) != "<nil>" != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestResultsDamaged: what a machine leaves that stops in the middle of writing counts
// as far as it can be read.
func TestResultsDamaged(t *testing.T) {
	for damage, line := range map[string]int{
		"{\"seed\":7,":                 0, // as a process leaves it that is killed
		"\x00\x00\x00\x00":             0,
		"\x00\x00\x00\x00\n":           3,
		"\x00\x00}\n{\"seed\":9}\n":    3,
		"{\"seed\":{\"seed\":9}\n{}\n": 3,
	} {
		whole := "{\"format\":1}\n{\"seed\":5}\n"
		r, n, err := ReadReport([]byte(whole + damage))
		if err != nil || n != len(whole) || r.Damaged != line || len(r.Runs) != 1 || r.Runs[0].Seed != 5 {
			t.Errorf("%q: %d octets, line %d, %d results, %v", damage, n, r.Damaged, len(r.Runs), err)
		}
	}
}

// TestResultsOfTwoRuns: of two results that may differ the same one is taken, in
// whatever order they come: if there is one that does not depend on the machine, that.
func TestResultsOfTwoRuns(t *testing.T) {
	h := Header{Format: 1, First: 1, Last: 1}
	a := &Record{Seed: 1, OK: true, Calls: 3}
	b := &Record{Seed: 1, Calls: 1, Irreproducible: "slow"}
	c := &Record{Seed: 1, Calls: 2, Irreproducible: "slow"}
	for _, tc := range []struct{ x, y, want *Record }{{a, b, a}, {b, a, a}, {b, c, b}, {c, b, b}, {b, b, b}} {
		r, err := Merge([]string{"x", "y"}, []*Report{{Header: h, Runs: []*Record{tc.x}}, {Header: h, Runs: []*Record{tc.y}}})
		if err != nil || len(r.Runs) != 1 || r.Runs[0] != tc.want {
			t.Errorf("%+v of %+v and %+v: %v", r, tc.x, tc.y, err)
		}
	}
}
