package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// octets is an input of a vector, as a recipe: parts that are joined in order. So a long input stays a short line.
type octets []part

// A part is some text or some octets, once or many times.
type part struct {
	octets []byte
	times  int // 0 is once
}

// text is octets that are UTF-8.
func text(s string) octets { return octets{{octets: []byte(s)}} }

// raw is any octets.
func raw(b ...byte) octets { return octets{{octets: b}} }

// times is a text many times over.
func times(n int, s string) octets { return octets{{[]byte(s), n}} }

// cat joins octets and strings.
func cat(pieces ...any) octets {
	joined := octets{}
	for _, p := range pieces {
		switch p := p.(type) {
		case string:
			joined = append(joined, part{octets: []byte(p)})
		case octets:
			joined = append(joined, p...)
		}
	}
	return joined
}

// expand carries the recipe out.
func (o octets) expand() []byte {
	var b bytes.Buffer
	for _, p := range o {
		for range max(p.times, 1) {
			b.Write(p.octets)
		}
	}
	return b.Bytes()
}

// MarshalJSON writes a string where that says it all, otherwise an array of strings and of objects with text or base64,
// and times.
func (o octets) MarshalJSON() ([]byte, error) {
	var parts []any
	var plain strings.Builder // the once-only text that is being collected
	flush := func() {
		if plain.Len() > 0 {
			parts = append(parts, plain.String())
			plain.Reset()
		}
	}
	for _, p := range o {
		if len(p.octets) == 0 {
			continue
		}
		valid := utf8.Valid(p.octets)
		if valid && p.times == 0 {
			plain.Write(p.octets)
			continue
		}
		flush()
		w := struct {
			Text   string `json:"text,omitempty"`
			Base64 string `json:"base64,omitempty"`
			Times  int    `json:"times,omitempty"`
		}{Times: p.times}
		if valid {
			w.Text = string(p.octets)
		} else {
			w.Base64 = base64.StdEncoding.EncodeToString(p.octets)
		}
		parts = append(parts, w)
	}
	flush()
	if len(parts) == 0 {
		return []byte(`""`), nil
	}
	if s, ok := parts[0].(string); ok && len(parts) == 1 {
		return marshal(s)
	}
	return marshal(parts)
}

// marshal writes JSON in one line, with < and > as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
