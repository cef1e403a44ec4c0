package conformance

import (
	"encoding/json"
	"errors"
)

// json takes a JSON object or array with variables in it and returns it as it is written. With any JSON value or name in
// the place of each variable it must be JSON; what is meant to be malformed is written as a string.
func (l *cursor) json() string {
	start := l.pos
	var (
		probe []byte // the source with something plausible in place of the variables
		from  []int  // where each octet of probe comes from
		stack []byte // the brackets that are open
		last  byte   // the octet before, white space aside
	)
	put := func(s string, pos int) {
		probe = append(probe, s...)
		for range len(s) {
			from = append(from, pos)
		}
		last = s[len(s)-1]
	}
	for l.pos < len(l.src) {
		pos, b := l.pos, l.src[l.pos]
		l.pos++
		switch {
		case b == '"':
			l.pos = pos
			s := l.string()
			if l.err != nil {
				return ""
			}
			put(s, pos)
			continue
		case b == '$':
			if l.name() == "" {
				l.failAt(pos, "a $ outside strings begins the name of a variable; write $name, or put the text in a string")
				return ""
			}
			inObject := stack[len(stack)-1] == '{' && (last == '{' || last == ',')
			switch {
			case inObject && l.peek() == ':':
				put(`""`, pos)
			case inObject:
				put(`"":0`, pos)
			default:
				put("0", pos)
			}
			continue
		case b == '{' || b == '[':
			stack = append(stack, b)
		case b == '}' || b == ']':
			stack = stack[:len(stack)-1]
		}
		if isBlank(b) {
			continue
		}
		put(string(b), pos)
		if len(stack) == 0 {
			l.validate(start, probe, from)
			return l.src[start:l.pos]
		}
	}
	l.failAt(start, "the JSON that begins here is not closed; it stands on one line, with as many closing as opening brackets")
	return ""
}

// validate fails where the probe is no JSON.
func (l *cursor) validate(start int, probe []byte, from []int) {
	var v json.RawMessage
	err := json.Unmarshal(probe, &v)
	if err == nil {
		return
	}
	pos := start
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) && e.Offset > 0 && int(e.Offset) <= len(from) {
		pos = from[e.Offset-1]
	}
	l.failAt(pos, "this is no JSON (%v); mend it, or write it as a string if it is meant to be malformed", err)
}
