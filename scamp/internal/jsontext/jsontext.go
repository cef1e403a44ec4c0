// Package jsontext reads JSON in place: it passes over values without decoding them, checks everything on the way, does
// not recurse and does not allocate. What needs a value decodes it itself, once.
package jsontext

import (
	"errors"
	"unicode/utf8"
)

// MaxDepth is the nesting that a text may have, its outermost value being the first level (WIRE-HDR-19, DISC-JSN-07b).
const MaxDepth = 64

// What is wrong with a text.
var (
	ErrSyntax   = errors.New("not well-formed JSON")
	ErrDepth    = errors.New("JSON nested too deeply")
	ErrUTF8     = errors.New("not valid UTF-8")
	ErrNoObject = errors.New("not a JSON object")
	ErrNoArray  = errors.New("not a JSON array")
)

type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// Members calls f for every member of the object that b consists of, in order.
// The name is raw, quotes included, and so is the value. White space around the
// object is accepted (WIRE-HDR-01d), anything else is an error (WIRE-HDR-01b, 01c).
func Members(b []byte, f func(name, value []byte)) error {
	s := scanner{b: b}
	s.space()
	if !s.take('{') {
		return s.other(ErrNoObject)
	}
	s.space()
	if !s.take('}') {
		for {
			s.space()
			start := s.i
			if err := s.str(); err != nil {
				return err
			}
			name := b[start:s.i]
			s.space()
			if !s.take(':') {
				return ErrSyntax
			}
			s.space()
			start = s.i
			if err := s.value(MaxDepth - 1); err != nil {
				return err
			}
			f(name, b[start:s.i])
			s.space()
			if s.take('}') {
				break
			}
			if !s.take(',') {
				return ErrSyntax
			}
		}
	}
	if s.space(); s.i < len(b) {
		return ErrSyntax
	}
	return nil
}

// Elements calls f for every element of the array that b consists of, in order, as it is written. White space around
// the array and its elements is accepted. The first error of f ends it.
func Elements(b []byte, f func(element []byte) error) error {
	s := scanner{b: b}
	s.space()
	if !s.take('[') {
		return s.other(ErrNoArray)
	}
	s.space()
	if !s.take(']') {
		for {
			s.space()
			start := s.i
			if err := s.value(MaxDepth - 1); err != nil {
				return err
			}
			if err := f(b[start:s.i]); err != nil {
				return err
			}
			s.space()
			if s.take(']') {
				break
			}
			if !s.take(',') {
				return ErrSyntax
			}
		}
	}
	if s.space(); s.i < len(b) {
		return ErrSyntax
	}
	return nil
}

// Check says whether b is one JSON value nested at most depth levels deep, with nothing but white space around it.
func Check(b []byte, depth int) error {
	s := scanner{b: b}
	s.space()
	if err := s.value(depth); err != nil {
		return err
	}
	if s.space(); s.i < len(b) {
		return ErrSyntax
	}
	return nil
}

// other is the error of a text that is another value than the one asked for, or none.
func (s *scanner) other(kind error) error {
	if err := Check(s.b, MaxDepth); err != nil {
		return err
	}
	return kind
}

// value passes over one value that is nested at most depth levels deep.
func (s *scanner) value(depth int) error {
	var closers [MaxDepth]byte // what ends each open level
	n := 0
	for {
		s.space()
		if s.i == len(s.b) {
			return ErrSyntax
		}
		switch c := s.b[s.i]; c {
		case '{', '[':
			if n == depth {
				return ErrDepth
			}
			s.i++
			s.space()
			end := c + 2 // ']' and '}' stand two behind '[' and '{'
			if s.take(end) {
				break
			}
			closers[n] = end
			n++
			if c == '{' {
				if err := s.key(); err != nil {
					return err
				}
			}
			continue
		case '"':
			if err := s.str(); err != nil {
				return err
			}
		default:
			if err := s.word(); err != nil {
				return err
			}
		}
		for {
			if n == 0 {
				return nil
			}
			s.space()
			if s.take(closers[n-1]) {
				n--
				continue
			}
			if !s.take(',') {
				return ErrSyntax
			}
			if closers[n-1] == '}' {
				if err := s.key(); err != nil {
					return err
				}
			}
			break
		}
	}
}

// key passes over a member's name and its colon.
func (s *scanner) key() error {
	s.space()
	if err := s.str(); err != nil {
		return err
	}
	s.space()
	if !s.take(':') {
		return ErrSyntax
	}
	return nil
}

func (s *scanner) str() error {
	if !s.take('"') {
		return ErrSyntax
	}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < ' ':
			return ErrSyntax
		case c < utf8.RuneSelf:
			s.i++
		default:
			r, n := utf8.DecodeRune(s.b[s.i:])
			if r == utf8.RuneError && n == 1 {
				return ErrUTF8
			}
			s.i += n
		}
	}
	return ErrSyntax
}

func (s *scanner) escape() error {
	if s.i+1 >= len(s.b) {
		return ErrSyntax
	}
	switch s.b[s.i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i += 2
		return nil
	case 'u':
		if s.i+6 > len(s.b) {
			return ErrSyntax
		}
		for _, c := range s.b[s.i+2 : s.i+6] {
			if unhex(c) < 0 {
				return ErrSyntax
			}
		}
		s.i += 6
		return nil
	}
	return ErrSyntax
}

func unhex(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// word passes over a number, true, false or null.
func (s *scanner) word() error {
	for _, w := range [...]string{"true", "false", "null"} {
		if n := s.i + len(w); n <= len(s.b) && string(s.b[s.i:n]) == w {
			s.i = n
			return nil
		}
	}
	s.take('-')
	if !s.take('0') && !s.digits() {
		return ErrSyntax
	}
	if s.take('.') && !s.digits() {
		return ErrSyntax
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return ErrSyntax
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// Unquote returns the text of a JSON string that has passed the scanner.
// Lone surrogates become U+FFFD.
func Unquote(raw []byte) string {
	raw = raw[1 : len(raw)-1]
	plain := true
	for _, c := range raw {
		if c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		switch c := raw[i+1]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := code(raw[i+2:])
			i += 6
			if 0xd800 <= r && r < 0xdc00 && i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
				if low := code(raw[i+2:]); 0xdc00 <= low && low < 0xe000 {
					r = (r-0xd800)<<10 + (low - 0xdc00) + 0x10000
					i += 6
				}
			}
			out = utf8.AppendRune(out, r) // a lone surrogate becomes U+FFFD
			continue
		default:
			out = append(out, c)
		}
		i += 2
	}
	return string(out)
}

func code(b []byte) rune {
	return unhex(b[0])<<12 | unhex(b[1])<<8 | unhex(b[2])<<4 | unhex(b[3])
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends s as a JSON string in UTF-8; octets that are not valid
// UTF-8 become U+FFFD.
func AppendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
