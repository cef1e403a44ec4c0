package conformance

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func formatText(t Text) string {
	switch t := t.(type) {
	case Quoted:
		return formatQuoted(t.Octets)
	case JSON:
		return t.Source
	case Repeated:
		return "repeat(" + formatText(t.Text) + ", " + formatNumber(t.Times) + ")"
	case JSONString:
		return "json(" + formatText(t.Text) + ")"
	case Cased:
		return t.function() + "(" + formatText(t.Text) + ")"
	case Hex:
		return fmt.Sprintf("hex(% x)", t.Octets)
	case Var:
		return "$" + t.Name
	case Joined:
		texts := make([]string, len(t.Texts))
		for i, t := range t.Texts {
			texts[i] = formatText(t)
		}
		return strings.Join(texts, " + ")
	}
	return ""
}

// formatQuoted writes a string literal. Letters, punctuation and symbols of all languages stand for themselves;
// everything that one could overlook or take for something else (other white space, digits beyond ASCII, invisible
// characters, octets that are no UTF-8) is escaped.
func formatQuoted(octets string) string {
	b := []byte{'"'}
	for octets != "" {
		r, n := utf8.DecodeRuneInString(octets)
		switch {
		case r == utf8.RuneError && n == 1:
			b = fmt.Appendf(b, `\x%02x`, octets[0])
		case r == '"', r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == ' ', '0' <= r && r <= '9', unicode.In(r, unicode.L, unicode.P, unicode.S) && r != utf8.RuneError:
			b = append(b, octets[:n]...)
		case r < utf8.RuneSelf:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r < 1<<16:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
		octets = octets[n:]
	}
	return string(append(b, '"'))
}

func formatNumber(n Number) string {
	switch n := n.(type) {
	case Literal:
		return formatUint(n.N)
	case Var:
		return "$" + n.Name
	case Next:
		return "next"
	case Half:
		return "half(" + formatNumber(n.Of) + ")"
	case Sum:
		sign := " + "
		if n.Minus {
			sign = " - "
		}
		return formatNumber(n.A) + sign + formatNumber(n.B)
	}
	return ""
}

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }

func formatValue(v Value) string {
	switch v := v.(type) {
	case Var:
		return "$" + v.Name
	case Scalar:
		return v.Source
	case None:
		return "none"
	}
	return ""
}

func formatPattern(p *Pattern) string {
	if p.Exact {
		return p.Source + " exact"
	}
	return p.Source
}
