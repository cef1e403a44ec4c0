package events

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestMalformedRecordsAreSkipped: "a client skips event records that are malformed (not an object, code or key not a
// string, no value) and uses the others" (WIRE-EVT-04a).
func TestMalformedRecordsAreSkipped(t *testing.T) {
	good := []string{
		`{"code":"a","key":"","value":1}`, `{"key":"k","more":[],"value":{"x":[]},"code":"a"}`, `{"code":"a","key":"k","value":null}`,
		`{"c\u006fde":"\u00e9","key":"k","value":false}`,
	}
	bad := []string{
		`5`, `null`, `[]`, `{}`, `{"code":"a","key":"k"}`, `{"code":"a","value":1}`, `{"key":"k","value":1}`,
		`{"code":5,"key":"k","value":1}`, `{"code":"a","key":null,"value":1}`, `{"Code":"a","key":"k","value":1}`,
	}
	var records []string
	for i, b := range bad {
		records = append(records, b, good[i%len(good)])
	}
	events, skipped, err := parseEvents([]byte(" [" + strings.Join(records, " , ") + "] "))
	if err != nil || skipped != len(bad) || len(events) != len(bad) {
		t.Fatal(events, skipped, err)
	}
	want := []Event{{"a", "", raw("1")}, {"a", "k", raw(`{"x":[]}`)}, {"a", "k", nil}, {"é", "k", raw("false")}}
	if !reflect.DeepEqual(events[:4], want) {
		t.Errorf("%q", events[:4])
	}
	for _, body := range []string{``, `{}`, `null`, `[`, `[{"code":"a","key":"k","value":1},]`, `[]x`, "[\"\xff\"]"} {
		if events, _, err := parseEvents([]byte(body)); err == nil {
			t.Errorf("%q: %v", body, events)
		}
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestEventDecode(t *testing.T) {
	n := 1
	if err := (Event{Value: raw("7")}).Decode(&n); n != 7 || err != nil {
		t.Error(n, err)
	}
	if err := (Event{}).Decode(&n); n != 7 || err != nil {
		t.Error(n, err)
	}
	if err := (Event{Value: raw(`"x"`)}).Decode(&n); err == nil {
		t.Error(n)
	}
}

func TestParseFilter(t *testing.T) {
	for body, want := range map[string]string{
		`[]`: `[] true`, ` [ "a" , "\u0062" ] `: `[a b] true`, `["a","a"]`: `[a a] true`, "\tnull\n": `[] true`,
		`["0","1","2","3","4","5","6","7","8","9"]`: `[0 1 2 3 4 5 6 7 8 9] true`,
	} {
		codes, ok := parseFilter([]byte(body))
		if got := fmt.Sprint(codes, ok); got != want || (codes == nil) != strings.Contains(body, "null") {
			t.Errorf("%s: %s", body, got)
		}
	}
	for _, body := range []string{``, `{}`, `"a"`, `5`, `true`, `[5]`, `["a",null]`, `["a"]x`, `[`, `["a",]`, "[\"\xff\"]", `nul`, `nullx`,
		`["0","1","2","3","4","5","6","7","8","9","10"]`} {
		if codes, ok := parseFilter([]byte(body)); ok {
			t.Errorf("%s: %q", body, codes)
		}
	}
}

// FuzzParseEvents: what is taken can be sent, and is taken for the same then.
func FuzzParseEvents(f *testing.F) {
	f.Add([]byte(`[{"code":"a","key":"k","value":{"x":1}},5,{"code":"a","key":"","value":null}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, _, err := parseEvents(body)
		if err != nil {
			return
		}
		again := []byte("[")
		for i, e := range events {
			if i > 0 {
				again = append(again, ',')
			}
			again = e.append(again)
		}
		got, skipped, err := parseEvents(append(again, ']'))
		if err != nil || skipped != 0 || !reflect.DeepEqual(got, events) {
			t.Errorf("%q, then %q %d %v", events, got, skipped, err)
		}
	})
}

func FuzzParseFilter(f *testing.F) {
	f.Add([]byte(`["a","b"]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		codes, ok := parseFilter(body)
		var want []string
		if err := json.Unmarshal(body, &want); ok && (err != nil || !slices.Equal(codes, want) || len(codes) > maxTopics) {
			t.Errorf("%q %q %v", codes, want, err)
		}
	})
}
