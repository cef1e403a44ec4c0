// Package soaconf reads the configuration file that the programs of a SCAMP bus share, usually soa.conf (DISC-CFG).
//
// Load finds the file and reads it; the methods of Config give every key of the specification's table with its type,
// its default and its unit:
//
//	c, err := soaconf.Load("")
//	…
//	port, err := c.DiscoveryPort() // discovery.port, 5555
//
// A file is lines of key = value. A # begins a comment anywhere, blanks around keys and values do not count, the first
// line for a key wins, and an empty value means that the key is not set. Errors name the file and the line.
package soaconf

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Config is a configuration that has been read. It does not change; its methods may be called from any goroutine.
type Config struct {
	// File is the path that it was read from; "" is none.
	File string
	// Dir is the configuration directory: default paths lie there (DISC-CFG-02d).
	Dir string
	// Warnings are lines that had no effect although they look as if they should.
	Warnings []Error

	lines      map[string]line
	interfaces func() ([]Interface, error)
}

// A line is the first one of a key.
type line struct {
	value  string
	number int
}

// An Error is something wrong with a configuration.
type Error struct {
	File    string // "" where no file was read
	Line    int    // from 1; 0 where it is about no line
	Key     string // "" where it is about no key
	Message string
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	return b.String() + e.Message
}

// maxFile bounds a configuration file, in octets. A line may be as long (DISC-CFG-01j).
const maxFile = 16 << 20

// Parse reads the text of a configuration file. Only a file that is too large or no text at all is an error; lines that
// make no sense become Warnings (DISC-CFG-01h).
func Parse(file string, text []byte) (*Config, error) {
	c := &Config{File: file, Dir: filepath.Dir(file), lines: map[string]line{}}
	if file == "" {
		c.Dir = defaultDir
	}
	if len(text) > maxFile {
		return nil, &Error{File: file, Message: fmt.Sprintf("the file has %d octets; a configuration has at most %d", len(text), maxFile)}
	}
	number := 0
	for l := range bytes.Lines(text) {
		number++
		if !utf8.Valid(l) {
			return nil, &Error{File: file, Line: number, Message: "the line is not UTF-8"}
		}
		c.parseLine(string(l), number)
	}
	return c, nil
}

// parseLine takes in one line: cut at its first #, key and value separated by the first = (DISC-CFG-01b to 01g).
func (c *Config) parseLine(text string, number int) {
	text, _, _ = strings.Cut(text, "#")
	text = trim(text)
	if text == "" {
		return
	}
	warn := func(key, message string) {
		c.Warnings = append(c.Warnings, Error{c.File, number, key, message})
	}
	key, value, ok := strings.Cut(text, "=")
	key, value = trim(key), trim(value)
	switch first, again := c.lines[key]; {
	case !ok:
		warn("", fmt.Sprintf("%.40q has no effect: a line reads key = value", text))
	case key == "":
		warn("", "the line has no effect: there is no key before =")
	case again:
		warn(key, fmt.Sprintf("the line has no effect: the key stands in line %d already, and the first one counts", first.number))
	default:
		c.lines[key] = line{value, number}
	}
}

// trim takes blanks away: SPACE, TAB, and what is left of a line end.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }

// Lookup returns the value of a key as it is written; ok is false where the key is not there or its value is empty.
func (c *Config) Lookup(key string) (value string, ok bool) {
	l := c.lines[key]
	return l.value, l.value != ""
}

// Keys returns all keys of the file, sorted, those without a meaning included.
func (c *Config) Keys() []string {
	keys := make([]string, 0, len(c.lines))
	for k := range c.lines {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// wrong makes the error of a key that is set.
func (c *Config) wrong(key, format string, args ...any) error {
	return &Error{c.File, c.lines[key].number, key, fmt.Sprintf(format, args...)}
}
