package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
	"unicode/utf8"
)

// A jsonValue is one value of a JSON text as it was written: numbers keep their spelling, objects their order and their
// duplicates. A header must be read so to be judged.
type jsonValue struct {
	kind    byte // { [ " n(ull) t(rue) f(alse) 0 (a number)
	text    string
	names   []string // of the members of an object
	members []jsonValue
}

var (
	errNotUTF8   = errors.New("it is not UTF-8")
	errMoreBytes = errors.New("something follows the JSON text")
)

// parseJSON reads one JSON text.
func parseJSON(src []byte) (jsonValue, error) {
	if !utf8.Valid(src) {
		return jsonValue{}, errNotUTF8
	}
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	v, err := decodeJSON(d)
	if err == io.EOF {
		return v, io.ErrUnexpectedEOF
	}
	if err != nil {
		return v, err
	}
	if _, err := d.Token(); err != io.EOF {
		return v, errMoreBytes
	}
	return v, nil
}

func decodeJSON(d *json.Decoder) (jsonValue, error) {
	t, err := d.Token()
	if err != nil {
		return jsonValue{}, err
	}
	switch t := t.(type) {
	case json.Delim:
		v := jsonValue{kind: byte(t)}
		for d.More() {
			if t == '{' {
				name, err := d.Token()
				if err != nil {
					return v, err
				}
				v.names = append(v.names, name.(string))
			}
			m, err := decodeJSON(d)
			if err != nil {
				return v, err
			}
			v.members = append(v.members, m)
		}
		_, err := d.Token()
		return v, err
	case string:
		return jsonValue{kind: '"', text: t}, nil
	case json.Number:
		return jsonValue{kind: '0', text: t.String()}, nil
	case bool:
		if t {
			return jsonValue{kind: 't'}, nil
		}
		return jsonValue{kind: 'f'}, nil
	}
	return jsonValue{kind: 'n'}, nil
}

// get returns the last member of this name.
func (v *jsonValue) get(name string) (m jsonValue, ok bool) {
	for i := len(v.names) - 1; i >= 0; i-- {
		if v.names[i] == name {
			return v.members[i], true
		}
	}
	return m, false
}

// says reports whether a member is there and is neither null nor the empty string: that is what makes an error
// (WIRE-ERR-02a).
func (v *jsonValue) says(name string) bool {
	m, ok := v.get(name)
	return ok && m.kind != 'n' && (m.kind != '"' || m.text != "")
}

// source writes the value as JSON text.
func (v *jsonValue) source() string {
	switch v.kind {
	case '"':
		return string(quoteJSON([]byte(v.text)))
	case '0':
		return v.text
	case 't':
		return "true"
	case 'f':
		return "false"
	case '{', '[':
		var b strings.Builder
		b.WriteByte(v.kind)
		for i, m := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			if v.kind == '{' {
				b.Write(quoteJSON([]byte(v.names[i])))
				b.WriteByte(':')
			}
			b.WriteString(m.source())
		}
		b.WriteByte(v.kind + 2) // ] and } stand two behind [ and {
		return b.String()
	}
	return "null"
}

// equalJSON compares as the case language does: objects without regard to order, numbers by spelling or as integers.
func equalJSON(a, b jsonValue) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case '"':
		return a.text == b.text
	case '0':
		return equalNumbers(a.text, b.text)
	case '[':
		if len(a.members) != len(b.members) {
			return false
		}
		for i := range a.members {
			if !equalJSON(a.members[i], b.members[i]) {
				return false
			}
		}
	case '{':
		if len(a.members) != len(b.members) {
			return false
		}
		for i, name := range a.names {
			m, ok := b.get(name)
			if !ok || !equalJSON(a.members[i], m) {
				return false
			}
		}
	}
	return true
}

// equalNumbers compares two JSON numbers by spelling, or by value where both are written as integers.
func equalNumbers(a, b string) bool {
	if a == b {
		return true
	}
	x, ok := new(big.Int).SetString(a, 10)
	if !ok {
		return false
	}
	y, ok := new(big.Int).SetString(b, 10)
	return ok && x.Cmp(y) == 0
}

// isInteger reports whether a JSON number is written without fraction and exponent.
func isInteger(number string) bool { return !strings.ContainsAny(number, ".eE") }
