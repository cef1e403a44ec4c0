package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// An Env is what the expressions of a case are evaluated in. The zero Env has no variables.
type Env struct {
	Vars Vars
	Next uint64 // what next stands for
}

// Vars are the octets of each variable, by its name without $. Those of a number are its decimal digits, and those of a
// JSON value are its text.
type Vars map[string][]byte

// EvalText returns the octets of a text, at most 64 MiB. The caller owns them.
func EvalText(t Text, env *Env) ([]byte, error) {
	return env.append(nil, t)
}

// EvalNumber returns the value of a number. Variables must be decimal digits; results below 0 and beyond 64 bits are
// errors.
func EvalNumber(n Number, env *Env) (uint64, error) {
	switch n := n.(type) {
	case Literal:
		return n.N, nil
	case Next:
		return env.Next, nil
	case Var:
		b, err := env.lookup(n.Name)
		if err != nil {
			return 0, err
		}
		v, err := strconv.ParseUint(string(b), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("$%s is %s, which is no number from 0 to 2^64-1", n.Name, excerpt(b))
		}
		return v, nil
	case Half:
		v, err := EvalNumber(n.Of, env)
		return v/2 + v%2, err
	case Sum:
		a, err := EvalNumber(n.A, env)
		if err != nil {
			return 0, err
		}
		b, err := EvalNumber(n.B, env)
		switch {
		case err != nil:
			return 0, err
		case n.Minus && b > a:
			return 0, fmt.Errorf("%d - %d is below 0", a, b)
		case n.Minus:
			return a - b, nil
		case b > math.MaxUint64-a:
			return 0, fmt.Errorf("%d + %d is beyond 64 bits", a, b)
		}
		return a + b, nil
	}
	return 0, fmt.Errorf("no number: %T", n)
}

// EvalValue returns the JSON text of a request_id; nil stands for none. Variables must be JSON values.
func EvalValue(v Value, env *Env) ([]byte, error) {
	switch v := v.(type) {
	case Scalar:
		return []byte(v.Source), nil
	case None:
		return nil, nil
	case Var:
		b, err := env.lookup(v.Name)
		if err != nil {
			return nil, err
		}
		if !json.Valid(b) {
			return nil, fmt.Errorf("$%s is %s, which is no JSON value and cannot be a request_id", v.Name, excerpt(b))
		}
		return bytes.Clone(bytes.TrimSpace(b)), nil
	}
	return nil, fmt.Errorf("no request_id: %T", v)
}

func (env *Env) lookup(name string) ([]byte, error) {
	b, ok := env.Vars[name]
	if !ok {
		return nil, fmt.Errorf("$%s has not been set; each, a pattern, expect HEADER $%s or the tester must set it before", name, name)
	}
	return b, nil
}

// append appends the octets of a text to dst.
func (env *Env) append(dst []byte, t Text) ([]byte, error) {
	switch t := t.(type) {
	case Quoted:
		return join(dst, []byte(t.Octets), 1)
	case Hex:
		return join(dst, []byte(t.Octets), 1)
	case Var:
		b, err := env.lookup(t.Name)
		if err != nil {
			return nil, err
		}
		return join(dst, b, 1)
	case JSON:
		return env.appendJSON(dst, t.Source)
	case JSONString:
		b, err := EvalText(t.Text, env)
		if err != nil {
			return nil, err
		}
		if !utf8.Valid(b) {
			return nil, fmt.Errorf("json(TEXT) needs UTF-8, but the text is %s", excerpt(b))
		}
		return join(dst, quoteJSON(b), 1)
	case Cased:
		b, err := EvalText(t.Text, env)
		if err != nil {
			return nil, err
		}
		return join(dst, t.apply(b), 1)
	case Repeated:
		b, err := EvalText(t.Text, env)
		if err != nil {
			return nil, err
		}
		n, err := EvalNumber(t.Times, env)
		if err != nil {
			return nil, err
		}
		return join(dst, b, n)
	case Joined:
		for _, t := range t.Texts {
			var err error
			if dst, err = env.append(dst, t); err != nil {
				return nil, err
			}
		}
		return dst, nil
	}
	return nil, fmt.Errorf("no text: %T", t)
}

// appendJSON appends JSON with the variables outside its strings replaced.
func (env *Env) appendJSON(dst []byte, source string) ([]byte, error) {
	for quoted := false; source != ""; {
		n := 1
		switch {
		case source[0] == '"':
			quoted = !quoted
		case quoted && source[0] == '\\':
			n = min(2, len(source))
		case !quoted && source[0] == '$':
			n = nameLength(source[1:])
			b, err := env.lookup(source[1 : 1+n])
			if err != nil {
				return nil, err
			}
			if dst, err = join(dst, b, 1); err != nil {
				return nil, err
			}
			source = source[1+n:]
			continue
		}
		dst, source = append(dst, source[:n]...), source[n:]
	}
	if len(dst) > maxText {
		return nil, errTooLong
	}
	return dst, nil
}

var errTooLong = fmt.Errorf("the text has more than %d octets", maxText)

// join appends b to dst, n times.
func join(dst, b []byte, n uint64) ([]byte, error) {
	if len(b) == 0 {
		return dst, nil
	}
	if n > uint64(maxText-len(dst))/uint64(len(b)) {
		return nil, errTooLong
	}
	dst = slices.Grow(dst, len(b)*int(n))
	for range n {
		dst = append(dst, b...)
	}
	return dst, nil
}

// quoteJSON returns the shortest JSON string that stands for a text in UTF-8.
func quoteJSON(text []byte) []byte {
	q := append(make([]byte, 0, len(text)+2), '"')
	for _, b := range text {
		switch b {
		case '"', '\\':
			q = append(q, '\\', b)
		case '\b':
			q = append(q, `\b`...)
		case '\f':
			q = append(q, `\f`...)
		case '\n':
			q = append(q, `\n`...)
		case '\r':
			q = append(q, `\r`...)
		case '\t':
			q = append(q, `\t`...)
		default:
			if b < ' ' {
				q = fmt.Appendf(q, `\u%04x`, b)
			} else {
				q = append(q, b)
			}
		}
	}
	return append(q, '"')
}

// excerpt quotes the beginning of some octets for a message.
func excerpt(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q…", b[:40])
	}
	return fmt.Sprintf("%q", b)
}
