package jsonstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// A Reply is the body of a successful reply (WIRE-ENV-02c).
type Reply[R any] struct {
	Records []R
	// RecordCount is the number of records: of all that there are, where Records is one page of them. 0 is that of Records.
	RecordCount int
	// MetaData says how records are to be read. A reply to read has it; what a service leaves out of it has its default.
	MetaData *MetaData
	Extra    map[string]json.RawMessage // further members, by their names
}

// MetaData says how records are to be read (WIRE-ENV-02d).
type MetaData struct {
	IDProperty      string  `json:"idProperty"`      // the member of a record that names it; "id"
	Root            string  `json:"root"`            // the member of the reply that has the records; "records"
	TotalProperty   string  `json:"totalProperty"`   // the one that has their number; "recordcount"
	SuccessProperty string  `json:"successProperty"` // the one that says whether all went well; "success"
	MessageProperty string  `json:"messageProperty"` // the one that says what did not; "message"
	Fields          []Field `json:"fields"`          // of a record; those that the first one has
}

// A Field is a member that records have.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"` // of the peer's own choice
}

// UnmarshalJSON takes a name alone, too.
func (f *Field) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		*f = Field{}
		return json.Unmarshal(text, &f.Name)
	}
	type plain Field
	return json.Unmarshal(text, (*plain)(f))
}

// filled returns the metaData with its defaults in place. The records are those of the reply, as JSON.
func (m *MetaData) filled(records []byte) *MetaData {
	var f MetaData
	if m != nil {
		f = *m
	}
	for _, p := range []struct {
		property *string
		value    string
	}{{&f.IDProperty, "id"}, {&f.Root, "records"}, {&f.TotalProperty, "recordcount"}, {&f.SuccessProperty, "success"}, {&f.MessageProperty, "message"}} {
		if *p.property == "" {
			*p.property = p.value
		}
	}
	if f.Fields == nil {
		f.Fields = fields(records)
	}
	return &f
}

// fields returns the members of the first record.
func fields(records []byte) []Field {
	found := []Field{}
	_ = jsontext.Elements(records, func(first []byte) error {
		_ = jsontext.Members(first, func(name, _ []byte) { found = append(found, Field{Name: jsontext.Unquote(name)}) })
		return errFirst
	})
	return found
}

var errFirst = errors.New("that was the first")

// append appends the body of a reply to a request with this xaction.
func (r *Reply[R]) append(b []byte, xaction string) ([]byte, error) {
	b = append(b, `{"success":true`...)
	start := len(b) + len(`,"records":`)
	b, err := appendRecords(b, r.Records)
	if err != nil {
		return nil, err
	}
	records := b[start:]
	count := r.RecordCount
	if count == 0 {
		count = len(r.Records)
	}
	b = strconv.AppendInt(append(b, `,"recordcount":`...), int64(count), 10)
	if r.MetaData != nil || xaction == Read {
		text, err := json.Marshal(r.MetaData.filled(records))
		if err != nil {
			return nil, fmt.Errorf("jsonstore: the metaData has no JSON: %w", err)
		}
		b = append(append(b, `,"metaData":`...), text...)
	}
	return appendExtra(b, r.Extra, "success", "records", "recordcount", "metaData")
}

// ParseReply reads the body of a reply. One without success true is a *scamp.ReplyError with the message and the error_code
// that it has; one that is no reply of this envelope is a *scamp.BodyError.
func ParseReply[R any](body []byte) (*Reply[R], error) {
	r := new(Reply[R])
	members := map[string][]byte{}
	err := jsontext.Members(body, func(name, value []byte) { members[jsontext.Unquote(name)] = value })
	if err != nil {
		return nil, &scamp.BodyError{Reason: "it is " + err.Error(), Err: err}
	}
	if string(members["success"]) != "true" {
		e := &scamp.ReplyError{Code: text(members["error_code"]), Message: text(members["message"])}
		if e.Code == "" {
			e.Code = scamp.CodeGeneral
		}
		if e.Message == "" {
			e.Message = "the reply does not say that it is a success"
		}
		return nil, e
	}
	if records := members["records"]; len(records) == 0 || records[0] != '[' {
		return nil, &scamp.BodyError{Reason: "records is no array"}
	}
	if r.Records, err = decode[R](members["records"]); err != nil {
		return nil, &scamp.BodyError{Reason: err.Error(), Err: err}
	}
	r.RecordCount = len(r.Records)
	if n := members["recordcount"]; len(n) > 0 && n[0] != 'n' {
		if r.RecordCount, err = strconv.Atoi(string(n)); err != nil {
			return nil, &scamp.BodyError{Reason: "recordcount is no integer"}
		}
	}
	if m := members["metaData"]; len(m) > 0 {
		if err := json.Unmarshal(m, &r.MetaData); err != nil {
			return nil, &scamp.BodyError{Reason: "metaData: " + err.Error(), Err: err}
		}
	}
	for _, known := range []string{"success", "records", "recordcount", "metaData"} {
		delete(members, known)
	}
	for name, value := range members {
		if r.Extra == nil {
			r.Extra = map[string]json.RawMessage{}
		}
		r.Extra[name] = slices.Clone(value)
	}
	return r, nil
}

// text returns a string, "" where the member is none.
func text(raw []byte) string {
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	return jsontext.Unquote(raw)
}
