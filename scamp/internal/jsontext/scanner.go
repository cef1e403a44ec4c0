package jsontext

import "unicode/utf8"

// A scanner passes over the JSON text b; i is the next octet.
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

// plain are the octets that stand for themselves in a string, one by one.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

func (s *scanner) str() error {
	if !s.take('"') {
		return ErrSyntax
	}
	for {
		i := s.i
		for i < len(s.b) && plain[s.b[i]] {
			i++
		}
		if s.i = i; i == len(s.b) {
			return ErrSyntax
		}
		switch c := s.b[i]; {
		case c == '"':
			s.i++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < ' ':
			return ErrSyntax
		default:
			r, n := utf8.DecodeRune(s.b[s.i:])
			if r == utf8.RuneError && n == 1 {
				return ErrUTF8
			}
			s.i += n
		}
	}
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
