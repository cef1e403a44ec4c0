package scenario

import "bytes"

// mostNested is how deep a file nests at most. Parsers of YAML take time and memory
// with the square of it.
const mostNested = 100

// TooDeep reports where a text of YAML nests deeper than any file of ours, before it is
// parsed. It counts brackets that are open and dashes that begin one list within
// another, those in texts and comments included.
func TooDeep(text []byte) (at Position, deep bool) {
	open := 0
	line := 0
	for row := range bytes.Lines(text) {
		line++
		dashes, leading := 0, true
		for i, c := range row {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			case '-', '?', ':':
				if leading {
					dashes++
				}
			}
			leading = leading && (c == ' ' || c == '\t' || c == '-' || c == '?' || c == ':')
			if open+dashes > mostNested && leading || open > mostNested {
				return Position{line, i + 1}, true
			}
		}
	}
	return Position{}, false
}

// unmarked is a text without the mark that some editors put before UTF-8.
func unmarked(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) }

// wide reports whether a text is UTF-16 or UTF-32.
func wide(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xfe\xff")) || bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\x00\x00\xfe\xff"))
}
