// Package jsontext reads JSON in place: it passes over values without decoding them, checks everything on the way, does
// not recurse and does not allocate. What needs a value decodes it itself, once.
package jsontext

import "errors"

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
