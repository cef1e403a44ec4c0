package jsonstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// Envelope is the name of the envelope.
const Envelope = "jsonstore"

// What a request may ask for.
const (
	Create  = "create"
	Read    = "read"
	Update  = "update"
	Destroy = "destroy"
)

// A Request is the body of a request. The zero Request reads.
type Request[R any] struct {
	Xaction string // Create, Read, Update or Destroy; "" is Read
	Records []R
	Extra   map[string]json.RawMessage // further members, by their names
}

// ParseRequest reads the body of a request: a JSON object in UTF-8. The xaction of the result is never empty. Records may
// come as an array or as a string with the JSON text of one (WIRE-ENV-02b); null is absence.
func ParseRequest[R any](body []byte) (*Request[R], error) {
	r := &Request[R]{Xaction: Read}
	var records []byte
	var wrong error
	err := jsontext.Members(body, func(name, value []byte) {
		switch key := jsontext.Unquote(name); key {
		case "xaction":
			r.Xaction, wrong = xaction(value)
		case "records":
			records = value
		default:
			if r.Extra == nil {
				r.Extra = map[string]json.RawMessage{}
			}
			r.Extra[key] = slices.Clone(value)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("the body is %w", err)
	}
	if wrong != nil {
		return nil, wrong
	}
	if len(records) > 0 && records[0] == '"' {
		records = []byte(jsontext.Unquote(records))
		if err := jsontext.Elements(records, func([]byte) error { return nil }); err != nil {
			return nil, fmt.Errorf("records is a string that is %w", err)
		}
	}
	if r.Records, err = decode[R](records); err != nil {
		return nil, err
	}
	return r, nil
}

// xaction reads the member of this name (WIRE-ENV-02a).
func xaction(value []byte) (string, error) {
	if value[0] == 'n' {
		return Read, nil
	}
	if value[0] == '"' {
		switch x := jsontext.Unquote(value); x {
		case Create, Read, Update, Destroy:
			return x, nil
		}
	}
	return "", fmt.Errorf("xaction is none of %s, %s, %s, %s", Create, Read, Update, Destroy)
}

// decode reads an array of records; nothing and null are none.
func decode[R any](text []byte) ([]R, error) {
	if len(text) == 0 || text[0] == 'n' {
		return nil, nil
	}
	var records []R
	if err := json.Unmarshal(text, &records); err != nil {
		if kind := new(json.UnmarshalTypeError); errors.As(err, &kind) {
			return nil, fmt.Errorf("records: %s does not fit", strings.TrimSpace(kind.Field+" "+kind.Value))
		}
		return nil, fmt.Errorf("records: %w", err)
	}
	return records, nil
}

// MarshalJSON returns the body. Further members must not have the names of others.
func (r Request[R]) MarshalJSON() ([]byte, error) {
	x := r.Xaction
	if x == "" {
		x = Read
	}
	b := append([]byte(`{"xaction":`), quoted(x)...)
	if _, err := xaction(quoted(x)); err != nil {
		return nil, fmt.Errorf("jsonstore: %w", err)
	}
	b, err := appendRecords(b, r.Records)
	if err != nil {
		return nil, err
	}
	return appendExtra(b, r.Extra, "xaction", "records")
}

func quoted(s string) []byte { return jsontext.AppendQuoted(nil, s) }

// appendRecords appends the member records; there is always an array.
func appendRecords[R any](b []byte, records []R) ([]byte, error) {
	b = append(b, `,"records":`...)
	if len(records) == 0 {
		return append(b, `[]`...), nil
	}
	text, err := json.Marshal(records)
	if err != nil {
		return nil, fmt.Errorf("jsonstore: the records have no JSON: %w", err)
	}
	return append(b, text...), nil
}

// appendExtra appends further members, in the order of their names, and the end of the object.
func appendExtra(b []byte, extra map[string]json.RawMessage, taken ...string) ([]byte, error) {
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		if slices.Contains(taken, name) {
			return nil, fmt.Errorf("jsonstore: %s is no further member", name)
		}
		if err := jsontext.Check(extra[name], jsontext.MaxDepth-1); err != nil {
			return nil, fmt.Errorf("jsonstore: member %s is %w", name, err)
		}
		b = append(append(append(b, ','), quoted(name)...), ':')
		b = append(b, extra[name]...)
	}
	return append(b, '}'), nil
}
