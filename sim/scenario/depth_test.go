package scenario

import (
	"strings"
	"testing"
)

// TestTooDeep: what would take a parser for ever is not parsed.
func TestTooDeep(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		at   Position // zero: it may be parsed
	}{
		"lists":         {"a: " + strings.Repeat("[", 200000) + strings.Repeat("]", 200000), Position{1, 104}},
		"mappings":      {"\na: " + strings.Repeat("{a: ", 200000), Position{2, 404}},
		"over lines":    {strings.Repeat("[\n", 200000), Position{101, 1}},
		"dashes":        {strings.Repeat("- ", 200000), Position{1, 201}},
		"dashes, lists": {strings.Repeat("- ", 60) + strings.Repeat("[", 101), Position{1, 221}},
		"one by one":    {strings.Repeat("- [a, {b: c}]\n", 1000), Position{}},
		"a text":        {"a: " + strings.Repeat("-", 1000), Position{}},
		"a comment":     {"# " + strings.Repeat("-", 1000) + "\n" + strings.Repeat("]", 10), Position{}},
		"at the limit":  {strings.Repeat("[", 100) + strings.Repeat("]", 100), Position{}},
	} {
		if at, deep := TooDeep([]byte(tc.text)); at != tc.at || deep != (tc.at != Position{}) {
			t.Errorf("%s: %v, %v", name, at, deep)
		}
	}
	for text, want := range map[string]string{
		strings.Repeat("[", 65000):           "file:1:101: there are more than 100 things within each other",
		"\xff\xfea\x00":                      "file:1:1: the file is UTF-16: write it as UTF-8",
		"\xef\xbb\xbf# a comment\nseed: x\n": "file:2:",
	} {
		_, err := Parse("file", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, not %s", text, err, want)
		}
	}
}
