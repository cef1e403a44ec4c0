package conformance

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A cursor reads one line of a case from left to right. Its first error sticks: from then on it stands at the end of
// the line, reads nothing and reports nothing more, so that callers need not look at the error between two tokens.
type cursor struct {
	src  string
	pos  int
	line int // from 1

	client bool // the case plays what is around a client

	comment    string // behind the line, once end has found it
	hasComment bool

	err      *SyntaxError
	reported bool
}

// fail records an error at the cursor.
func (l *cursor) fail(format string, args ...any) { l.failAt(l.pos, format, args...) }

// failAt records an error at an octet of the line.
func (l *cursor) failAt(pos int, format string, args ...any) {
	if l.err == nil {
		l.err = &SyntaxError{
			Line:    l.line,
			Column:  utf8.RuneCountInString(l.src[:pos]) + 1,
			Message: fmt.Sprintf(format, args...),
		}
	}
	l.pos = len(l.src)
}

// blanks skips white space.
func (l *cursor) blanks() {
	for l.pos < len(l.src) && isBlank(l.src[l.pos]) {
		l.pos++
	}
}

// peek skips white space and returns the octet behind it; 0 is the end of the line.
func (l *cursor) peek() byte {
	l.blanks()
	if l.pos == len(l.src) {
		return 0
	}
	return l.src[l.pos]
}

// end reports whether nothing but a comment is left of the line, and takes the comment in.
func (l *cursor) end() bool {
	switch {
	case l.peek() == 0:
		return true
	case l.src[l.pos] == '#' && (l.pos == 0 || isBlank(l.src[l.pos-1])):
		l.comment, l.hasComment = commentText(l.src[l.pos:]), true
		l.pos = len(l.src)
		return true
	}
	return false
}

// finish demands the end of the line. The hint says what may stand there.
func (l *cursor) finish(hint string) {
	if !l.end() {
		l.fail("%s is too much here; %s", l.found(), hint)
	}
}

// take skips white space and then the mark, if it stands there.
func (l *cursor) take(mark string) bool {
	l.blanks()
	if !strings.HasPrefix(l.src[l.pos:], mark) {
		return false
	}
	l.pos += len(mark)
	return true
}

// expect demands a mark. The form says how the construct is written.
func (l *cursor) expect(mark, form string) {
	if !l.take(mark) {
		l.fail("expected %q, found %s; write %s", mark, l.found(), form)
	}
}

// peekWord skips white space and returns the word behind it; "" when there is none. A word begins with a letter.
func (l *cursor) peekWord() string {
	l.blanks()
	rest := l.src[l.pos:]
	if rest == "" || !isLetter(rest[0]) {
		return ""
	}
	return rest[:wordLength(rest)]
}

// word takes the next word.
func (l *cursor) word() string {
	w := l.peekWord()
	l.pos += len(w)
	return w
}

// keyword takes the next word if it is this one. A word that a parenthesis follows is a function, not a keyword.
func (l *cursor) keyword(w string) bool {
	if l.peekWord() != w || strings.HasPrefix(l.src[l.pos+len(w):], "(") {
		return false
	}
	l.pos += len(w)
	return true
}

// name takes the name of a variable, a connection or a member: letters, digits and underscores.
func (l *cursor) name() string {
	n := nameLength(l.src[l.pos:])
	name := l.src[l.pos : l.pos+n]
	l.pos += n
	return name
}

// apart demands that the token just read ends here.
func (l *cursor) apart(start int) {
	if l.pos < len(l.src) && (isLetter(l.src[l.pos]) || isDigit(l.src[l.pos]) || l.src[l.pos] == '.') {
		for l.pos < len(l.src) && !isBlank(l.src[l.pos]) {
			l.pos++
		}
		l.failAt(start, "%q is neither a number nor a word; separate the two with a blank, or mend the spelling", l.src[start:l.pos])
	}
}

// found says what stands at the cursor, for messages.
func (l *cursor) found() string {
	l.blanks()
	rest := l.src[l.pos:]
	if rest == "" || rest[0] == '#' {
		return "the end of the line"
	}
	n := wordLength(rest)
	switch {
	case rest[0] == '"':
		return "a string"
	case rest[0] == '{' && strings.TrimSpace(rest) == "{":
		return `"{"`
	case rest[0] == '{':
		return "a JSON object"
	case rest[0] == '[':
		return "a JSON array"
	case rest[0] == '$':
		n = 1 + nameLength(rest[1:])
	case n == 0:
		_, n = utf8.DecodeRuneInString(rest)
	}
	if n > 40 {
		return fmt.Sprintf("%q…", rest[:runeStart(rest, 40)])
	}
	return fmt.Sprintf("%q", rest[:n])
}

// string takes a token in double quotes as it is written; a backslash takes the next octet along.
func (l *cursor) string() string {
	start := l.pos
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch l.src[l.pos] {
		case '\\':
			l.pos++
		case '"':
			l.pos++
			return l.src[start:l.pos]
		}
	}
	l.failAt(start, `the string is not closed; it ends with " on the same line, and a quotation mark inside is written \"`)
	return ""
}

// commentText takes the number sign and one blank off a comment.
func commentText(s string) string {
	return strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(s, "#"), " "), " \t")
}

// wordLength counts the octets that may stand in a word, digits at its beginning included.
func wordLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || s[n] == '-' && n > 0) {
		n++
	}
	return n
}

// nameLength counts the octets of the name that a text begins with; a name does not begin with a digit.
func nameLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) && n > 0) {
		n++
	}
	return n
}

// runeStart returns the start of the character that the octet n belongs to.
func runeStart(s string, n int) int {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }
func isDigit(b byte) bool { return '0' <= b && b <= '9' }
func isLetter(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_'
}
