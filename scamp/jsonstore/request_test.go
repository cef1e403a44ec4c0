package jsonstore

import (
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
)

type sku struct {
	ID   int    `json:"id"`
	Name string `json:"name,omitempty"`
}

func TestParseRequest(t *testing.T) {
	two := []sku{{1, "a"}, {2, "b"}}
	array := `[{"id":1,"name":"a"},{"id":2,"name":"b"}]`
	for _, tc := range []struct {
		why, body string
		want      Request[sku]
	}{
		{"WIRE-ENV-02a: default read", `{}`, Request[sku]{Xaction: Read}},
		{"null is absence", `{"xaction":null,"records":null}`, Request[sku]{Xaction: Read}},
		{"an array", `{"xaction":"create","records":` + array + `}`, Request[sku]{Xaction: Create, Records: two}},
		{"WIRE-ENV-02b: a string", `{"xaction":"create","records":` + string(quoted(" "+array+" ")) + `}`, Request[sku]{Xaction: Create, Records: two}},
		{"an empty array", `{"xaction":"update","records":[]}`, Request[sku]{Xaction: Update, Records: []sku{}}},
		{"a string with none", `{"xaction":"destroy","records":"[]"}`, Request[sku]{Xaction: Destroy, Records: []sku{}}},
		{"the last one counts", `{"xaction":5,"records":5,"xaction":"read","records":[]}`, Request[sku]{Xaction: Read, Records: []sku{}}},
		{"names may be escaped", `{"\u0078action":"update","st\u0061rt":1}`, Request[sku]{Xaction: Update, Extra: map[string]json.RawMessage{"start": json.RawMessage("1")}}},
		{"further members", ` { "limit" : [ 5 ] , "Xaction" : null } `,
			Request[sku]{Xaction: Read, Extra: map[string]json.RawMessage{"limit": json.RawMessage("[ 5 ]"), "Xaction": json.RawMessage("null")}}},
	} {
		got, err := ParseRequest[sku]([]byte(tc.body))
		if err != nil || !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%s: %+v, %v", tc.why, got, err)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for body, want := range map[string]string{
		``:                                 "not well-formed",
		`[]`:                               "not a JSON object",
		`{}x`:                              "not well-formed",
		"{\"a\":\"\xff\"}":                 "UTF-8",
		`{"xaction":"drop"}`:               "xaction is none of",
		`{"xaction":"Read"}`:               "xaction is none of",
		`{"xaction":""}`:                   "xaction is none of",
		`{"xaction":5}`:                    "xaction is none of",
		`{"records":{}}`:                   "records: object does not fit",
		`{"records":5}`:                    "records: number does not fit",
		`{"records":""}`:                   "records is a string that is not well-formed",
		`{"records":"{}"}`:                 "records is a string that is not a JSON array",
		`{"records":"null"}`:               "records is a string that is not a JSON array",
		`{"records":"[]x"}`:                "records is a string that is not well-formed",
		`{"records":[{"id":"x"}]}`:         "id string does not fit",
		`{"records":"` + deep(65) + `"}`:   "nested too deeply",
		`{"records":` + deep(64) + `}`:     "nested too deeply",
		`{"records":"[{\"id\":\"x\"}]"}`:   "id string does not fit",
		`{"records":[` + "\"\xff\"" + `]}`: "UTF-8",
	} {
		if got, err := ParseRequest[sku]([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
	if _, err := ParseRequest[hopeless]([]byte(`{"records":[1]}`)); err == nil {
		t.Error("parsed")
	}
}

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// hopeless has no JSON.
type hopeless struct{}

func (hopeless) MarshalJSON() ([]byte, error)  { return nil, io.ErrNoProgress }
func (*hopeless) UnmarshalJSON(b []byte) error { return io.ErrNoProgress }

func TestMarshalRequest(t *testing.T) {
	for want, r := range map[string]any{
		`{"xaction":"read","records":[]}`:                                Request[sku]{},
		`{"xaction":"update","records":[{"id":1}],"a":[1],"b\"":"null"}`: &Request[sku]{Update, []sku{{ID: 1}}, map[string]json.RawMessage{"b\"": []byte(`"null"`), "a": []byte(" [ 1 ]")}},
	} {
		if b, err := json.Marshal(r); string(b) != want || err != nil {
			t.Errorf("%s %v, want %s", b, err, want)
		}
	}
	for _, r := range []any{
		Request[sku]{Xaction: "drop"},
		Request[sku]{Extra: map[string]json.RawMessage{"records": []byte("1")}},
		Request[sku]{Extra: map[string]json.RawMessage{"a": []byte("")}},
		Request[hopeless]{Records: []hopeless{{}}},
	} {
		if b, err := json.Marshal(r); err == nil {
			t.Errorf("%s", b)
		}
	}
}

// FuzzParseRequest: what is taken can be sent, and is taken for the same then.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"xaction":"create","records":"[{\"id\":1}]","start":0}`))
	f.Add([]byte(`{"records":[null,5,{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRequest[any](body)
		if err != nil {
			return
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRequest[any](b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if b2, err := json.Marshal(again); string(b2) != string(b) || err != nil {
			t.Errorf("%s, then %s %v", b, b2, err)
		}
	})
}
