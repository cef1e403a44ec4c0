package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// An Event is a value that has changed.
type Event struct {
	Code  string          // of the topic
	Key   string          // under the topic
	Value json.RawMessage // nil: the key has been deleted (WIRE-EVT-03b)
}

// Decode reads the value into what v points to; nothing of a key that was deleted.
func (e Event) Decode(v any) error {
	if e.Value == nil {
		return nil
	}
	return json.Unmarshal(e.Value, v)
}

// append appends the event as a record of a message (WIRE-EVT-03a).
func (e Event) append(b []byte) []byte {
	b = jsontext.AppendQuoted(append(b, `{"code":`...), e.Code)
	b = jsontext.AppendQuoted(append(b, `,"key":`...), e.Key)
	b = append(b, `,"value":`...)
	if e.Value == nil {
		b = append(b, `null`...)
	}
	return append(append(b, e.Value...), '}')
}

// parseEvents reads the body of an event message. Malformed records are counted and left out (WIRE-EVT-04a); only a body
// that is no array is an error.
func parseEvents(body []byte) (found []Event, skipped int, err error) {
	err = jsontext.Elements(body, func(record []byte) error {
		if e, ok := parseEvent(record); ok {
			found = append(found, e)
		} else {
			skipped++
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return found, skipped, nil
}

func parseEvent(record []byte) (e Event, ok bool) {
	var code, key, value []byte
	if jsontext.Members(record, func(name, v []byte) {
		switch jsontext.Unquote(name) {
		case "code":
			code = v
		case "key":
			key = v
		case "value":
			value = v
		}
	}) != nil || len(code) == 0 || code[0] != '"' || len(key) == 0 || key[0] != '"' || len(value) == 0 {
		return e, false
	}
	e = Event{Code: jsontext.Unquote(code), Key: jsontext.Unquote(key)}
	if value[0] != 'n' {
		e.Value = slices.Clone(value)
	}
	return e, true
}

// maxTopics is how many topics a filter may have (WIRE-EVT-01b).
const maxTopics = 10

var errFilter = errors.New("not a filter")

// parseFilter reads the body of a subscribe message: at most 10 strings, or null, which is nil. ok is false for anything
// else (WIRE-EVT-02c).
func parseFilter(body []byte) (codes []string, ok bool) {
	codes = []string{}
	err := jsontext.Elements(body, func(code []byte) error {
		if code[0] != '"' || len(codes) == maxTopics {
			return errFilter
		}
		codes = append(codes, jsontext.Unquote(code))
		return nil
	})
	switch {
	case err == nil:
		return codes, true
	case errors.Is(err, jsontext.ErrNoArray):
		return nil, string(bytes.TrimSpace(body)) == "null"
	}
	return nil, false
}
