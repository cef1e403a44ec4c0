package conformance

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const textForms = `a text: "…", {…}, […], repeat(TEXT, N), json(TEXT), upper(TEXT), lower(TEXT), hex(…) or $name`

// atText reports whether a text begins here.
func (l *cursor) atText() bool {
	switch l.peek() {
	case '"', '{', '[', '$':
		return true
	}
	w := l.peekWord()
	return w != "" && strings.HasPrefix(l.src[l.pos+len(w):], "(")
}

// text takes TEXT + TEXT + ….
func (l *cursor) text() Text {
	start := l.pos
	t := l.joined(0)
	if l.err == nil && leastSize(t) > maxText {
		l.failAt(start, "this text has more than %d octets when it is evaluated; make it smaller", maxText)
	}
	return t
}

func (l *cursor) joined(depth int) Text {
	texts := []Text{l.primary(depth)}
	for l.take("+") {
		texts = append(texts, l.primary(depth))
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return Joined{texts}
}

func (l *cursor) primary(depth int) Text {
	switch l.peek() {
	case '"':
		return Quoted{l.quoted()}
	case '{', '[':
		return JSON{l.json()}
	case '$':
		return l.variable()
	}
	start := l.pos
	name := l.word()
	if name == "" || l.pos == len(l.src) || l.src[l.pos] != '(' {
		l.pos = start
		l.fail("expected %s, found %s", textForms, l.found())
		return nil
	}
	if depth == maxNesting {
		l.failAt(start, "functions are nested deeper than %d levels; make the text simpler", maxNesting)
		return nil
	}
	l.pos++
	var t Text
	switch name {
	case "repeat":
		const form = `repeat(TEXT, N), such as repeat("x", 100)`
		inner := l.joined(depth + 1)
		l.expect(",", form)
		t = Repeated{inner, l.number()}
		l.expect(")", form)
	case "json":
		t = JSONString{l.joined(depth + 1)}
		l.expect(")", `json(TEXT), such as json("a\nb")`)
	case "upper", "lower":
		t = Cased{l.joined(depth + 1), name == "upper"}
		l.expect(")", name+"(TEXT), such as "+name+"($echo)")
	case "hex":
		t = l.hex()
	default:
		l.failAt(start, "%q is no function%s", name, didYouMean(name, []string{"repeat", "json", "upper", "lower", "hex"}))
	}
	return t
}

// quoted takes a string literal and returns its octets.
func (l *cursor) quoted() string {
	start := l.pos
	token := l.string()
	if l.err != nil {
		return ""
	}
	var octets []byte
	for rest := token[1 : len(token)-1]; rest != ""; {
		r, multibyte, tail, err := strconv.UnquoteChar(rest, '"')
		if err != nil {
			at := start + len(token) - 1 - len(rest)
			l.failAt(at, `%q is no escape; the escapes are \r \n \t \\ \" \x00 \u00e9, and a backslash itself is \\`, rest[:escapeLength(rest)])
			return ""
		}
		if multibyte {
			octets = utf8.AppendRune(octets, r)
		} else {
			octets = append(octets, byte(r))
		}
		rest = tail
	}
	return string(octets)
}

// escapeLength counts the octets of a broken escape that are worth showing.
func escapeLength(s string) int {
	_, n := utf8.DecodeRuneInString(s[1:])
	if n++; len(s) > 1 && (s[1] == 'x' || s[1] == 'u' || s[1] == 'U') {
		n = min(len(s), map[byte]int{'x': 4, 'u': 6, 'U': 10}[s[1]])
		n = len(strings.ToValidUTF8(s[:n], ""))
	}
	return n
}

// hex takes what stands in the parentheses of hex and the closing one.
func (l *cursor) hex() Text {
	start := l.pos
	length := strings.IndexByte(l.src[start:], ')')
	if length < 0 {
		l.expect(")", "hex(ff fe 41)")
		return nil
	}
	for i := 0; i < length; i++ {
		if b := l.src[start+i]; !isBlank(b) && !isHexDigit(b) {
			l.failAt(start+runeStart(l.src[start:], i), "%q is no hexadecimal digit; write octets as in hex(ff fe 41)", rune(b))
			return nil
		}
	}
	octets, err := hex.DecodeString(strings.Join(strings.Fields(l.src[start:start+length]), ""))
	if err != nil || len(octets) == 0 {
		l.failAt(start, `hex takes two digits for each octet, and at least one octet: hex(ff fe 41); no octets at all are ""`)
		return nil
	}
	l.pos = start + length + 1
	return Hex{string(octets)}
}

func isHexDigit(b byte) bool {
	return isDigit(b) || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

// variable takes $name.
func (l *cursor) variable() Var {
	start := l.pos
	l.take("$")
	v := Var{l.name()}
	if v.Name == "" {
		l.failAt(start, "a $ begins the name of a variable: letters, digits and underscores, such as $m")
	}
	return v
}

// number takes a number in which next has no meaning.
func (l *cursor) number() Number { return l.sum(false, 0) }

// outgoing takes the number of a message that the tester sends; next is the next HEADER number of the connection.
func (l *cursor) outgoing() Number { return l.sum(true, 0) }

func (l *cursor) sum(next bool, depth int) Number {
	n := l.term(next, depth)
	for l.err == nil {
		switch {
		case l.take("+"):
			n = Sum{n, l.term(next, depth), false}
		case l.take("-"):
			n = Sum{n, l.term(next, depth), true}
		default:
			return n
		}
	}
	return n
}

func (l *cursor) term(next bool, depth int) Number {
	b := l.peek()
	start := l.pos
	switch w := l.peekWord(); {
	case isDigit(b):
		for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			l.pos++
		}
		digits := l.src[start:l.pos]
		l.apart(start)
		n, err := strconv.ParseUint(digits, 10, 64)
		switch {
		case err != nil:
			l.failAt(start, "%s is beyond 64 bits; to send such a number write the packet with raw", digits)
		case len(digits) > 1 && digits[0] == '0':
			l.failAt(start, "write %d without leading zeros; to send them write the packet with raw", n)
		}
		return Literal{n}
	case b == '$':
		return l.variable()
	case w == "next":
		l.word()
		if !next {
			l.failAt(start, "next is the number of the next message the tester sends; it stands only behind send, request and open")
		}
		return Next{}
	case w == "half" && depth < maxNesting:
		const form = "half(NUMBER), such as half($outstanding)"
		l.word()
		l.expect("(", form)
		n := Half{l.sum(next, depth+1)}
		l.expect(")", form)
		return n
	case b == '-':
		l.fail("a number cannot be negative; to send one write the packet with raw")
		return nil
	}
	words := "digits, $name or half(NUMBER)"
	if next {
		words = "digits, $name, next or half(NUMBER)"
	}
	l.fail("expected a number (%s), found %s", words, l.found())
	return nil
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`)

// id takes a request_id.
func (l *cursor) id() Value {
	b := l.peek()
	start := l.pos
	switch {
	case b == '$':
		return l.variable()
	case b == '"':
		return Scalar{l.jsonString()}
	case l.keyword("none"):
		return None{}
	}
	l.pos += len(jsonNumber.FindString(l.src[start:]))
	if l.pos == start {
		l.fail(`expected the request_id of a request (a JSON number or string, $name or none), found %s`, l.found())
	}
	source := l.src[start:l.pos]
	l.apart(start)
	return Scalar{source}
}

// jsonString takes a JSON string as it is written.
func (l *cursor) jsonString() string {
	start := l.pos
	s := l.string()
	if l.err == nil && !json.Valid([]byte(s)) {
		l.failAt(start, "%s is no JSON string; its escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u00e9", s)
	}
	return s
}

// The units of durations, largest first, as format writes them.
var units = []struct {
	name string
	is   time.Duration
}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

// duration takes digits, perhaps with a fraction, and a unit. It is at most 48 hours.
func (l *cursor) duration() time.Duration {
	l.blanks()
	start := l.pos
	for l.pos < len(l.src) && !isBlank(l.src[l.pos]) {
		l.pos++
	}
	token := l.src[start:l.pos]
	d, err := time.ParseDuration(token)
	switch {
	case err != nil || !isDigit(token[0]):
		l.failAt(start, "expected a time such as 500ms, 5s or 2m, found %s", (&cursor{src: l.src, pos: start}).found())
	case d <= 0 || d%time.Millisecond != 0 || d > 48*time.Hour:
		l.failAt(start, "%s is out of bounds; a time is a whole number of milliseconds, more than none and at most 48h", token)
	}
	return d
}

// leastSize returns how many octets a text has at least when it is evaluated, at most math.MaxUint64.
func leastSize(t Text) uint64 {
	switch t := t.(type) {
	case Quoted:
		return uint64(len(t.Octets))
	case Hex:
		return uint64(len(t.Octets))
	case JSON:
		if !strings.Contains(t.Source, "$") {
			return uint64(len(t.Source))
		}
	case JSONString:
		return add(leastSize(t.Text), 2)
	case Cased:
		return leastSize(t.Text)
	case Repeated:
		if n, ok := t.Times.(Literal); ok {
			size := leastSize(t.Text)
			if size != 0 && n.N > math.MaxUint64/size {
				return math.MaxUint64
			}
			return size * n.N
		}
	case Joined:
		var sum uint64
		for _, t := range t.Texts {
			sum = add(sum, leastSize(t))
		}
		return sum
	}
	return 0
}

func add(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
