package jsonstore

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/scamp"
)

// TestReplyForm: "an object with success true, records an array, and recordcount, the number of records unless the action
// has set it" (WIRE-ENV-02c); "the reply to read also has metaData with …" (WIRE-ENV-02d).
func TestReplyForm(t *testing.T) {
	meta := `"metaData":{"idProperty":"id","root":"records","totalProperty":"recordcount","successProperty":"success","messageProperty":"message","fields":`
	for _, tc := range []struct {
		r       Reply[sku]
		xaction string
		want    string
	}{
		{Reply[sku]{}, Create, `{"success":true,"records":[],"recordcount":0}`},
		{Reply[sku]{Records: []sku{{ID: 7}}}, Destroy, `{"success":true,"records":[{"id":7}],"recordcount":1}`},
		{Reply[sku]{Records: []sku{{7, "a"}, {8, "b"}}, RecordCount: 100}, Read,
			`{"success":true,"records":[{"id":7,"name":"a"},{"id":8,"name":"b"}],"recordcount":100,` + meta + `[{"name":"id"},{"name":"name"}]}}`},
		{Reply[sku]{}, Read, `{"success":true,"records":[],"recordcount":0,` + meta + `[]}}`},
		{Reply[sku]{MetaData: &MetaData{IDProperty: "sku", Fields: []Field{{"sku", "int"}}}, Extra: map[string]json.RawMessage{"a": []byte("1")}}, Update,
			`{"success":true,"records":[],"recordcount":0,` + strings.Replace(meta, `"id"`, `"sku"`, 1) + `[{"name":"sku","type":"int"}]},"a":1}`},
	} {
		b, err := tc.r.append(nil, tc.xaction)
		if string(b) != tc.want || err != nil {
			t.Errorf("%s %v\nwant %s", b, err, tc.want)
		}
	}
	for _, extra := range []string{"success", "records", "recordcount", "metaData"} {
		r := Reply[sku]{Extra: map[string]json.RawMessage{extra: []byte("1")}}
		if b, err := r.append(nil, Read); err == nil {
			t.Error(string(b))
		}
	}
	if b, err := (&Reply[hopeless]{Records: []hopeless{{}}}).append(nil, Read); err == nil {
		t.Error(string(b))
	}
}

func TestParseReply(t *testing.T) {
	for _, tc := range []struct {
		body string
		want Reply[sku]
	}{
		{`{"success":true,"records":[]}`, Reply[sku]{Records: []sku{}}},
		{`{"success":true,"records":[{"id":7}],"recordcount":null}`, Reply[sku]{Records: []sku{{ID: 7}}, RecordCount: 1}},
		{`{"success":true,"records":[],"recordcount":9,"metaData":{"root":"r","fields":["a",{"name":"b","type":"int","mapping":"x"}],"more":1},"z":[1]}`,
			Reply[sku]{Records: []sku{}, RecordCount: 9, MetaData: &MetaData{Root: "r", Fields: []Field{{"a", ""}, {"b", "int"}}},
				Extra: map[string]json.RawMessage{"z": json.RawMessage("[1]")}}},
	} {
		r, err := ParseReply[sku]([]byte(tc.body))
		if err != nil || !reflect.DeepEqual(*r, tc.want) {
			t.Errorf("%s: %+v %v", tc.body, r, err)
		}
	}
	for body, want := range map[string]string{
		``:                                "it is not well-formed",
		`[]`:                              "it is not a JSON object",
		`{"success":true}`:                "records is no array",
		`{"success":true,"records":"[]"}`: "records is no array",
		`{"success":true,"records":[{"id":"x"}]}`:                  "records: id string does not fit",
		`{"success":true,"records":[],"recordcount":1.5}`:          "recordcount is no integer",
		`{"success":true,"records":[],"metaData":[]}`:              "metaData: ",
		`{"success":true,"records":[],"metaData":{"fields":[[]]}}`: "metaData: ",
	} {
		_, err := ParseReply[sku]([]byte(body))
		if e := new(scamp.BodyError); !errors.As(err, &e) || !strings.HasPrefix(e.Reason, want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for body, want := range map[string]string{
		`{"success":false,"message":"gone","error_code":"no_sku"}`: "no_sku: gone",
		`{"success":false,"message":5}`:                            "general: the reply does not say that it is a success",
		`{"records":[]}`:                                           "general: the reply does not say that it is a success",
	} {
		_, err := ParseReply[sku]([]byte(body))
		if e := new(scamp.ReplyError); !errors.As(err, &e) || e.Error() != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// FuzzParseReply: what is taken can be sent, and is taken for the same then.
func FuzzParseReply(f *testing.F) {
	f.Add([]byte(`{"success":true,"records":[{"id":1}],"recordcount":4,"metaData":{"fields":["id"]},"x":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseReply[any](body)
		if err != nil {
			return
		}
		b, err := r.append(nil, Create)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseReply[any](b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if b2, err := again.append(nil, Create); string(b2) != string(b) || err != nil {
			t.Errorf("%s, then %s %v", b, b2, err)
		}
	})
}
