package conformance

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of a case. They are far above what a case needs and keep a bad file from hurting anybody.
const (
	maxSource  = 1 << 20 // octets of a file
	maxSteps   = 10_000
	maxNesting = 16       // blocks in blocks, and likewise functions in texts
	maxPattern = 64       // levels of a pattern
	maxEach    = 1000     // texts
	maxRepeats = 10_000   // rounds of a repeat with a literal count
	maxText    = 64 << 20 // octets of an evaluated text
	maxErrors  = 20       // errors reported for a file
)

// A SyntaxError is one place where a file is not a case. Line and Column count from 1; columns are characters.
type SyntaxError struct {
	File         string
	Line, Column int
	Message      string // what is wrong and how to mend it
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Errors is what is wrong with a file, or with several, in the order of the lines; it is never empty.
type Errors []*SyntaxError

// Error gives each error a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As each error.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// Parse reads a case. File is used in messages, and its base name without suffix is the name of the case. The error is
// of type Errors; there is no case then.
func Parse(file string, src []byte) (*Case, error) {
	p := &parser{file: file}
	if p.split(src) {
		c := p.parse()
		c.Source = src
		if len(p.errs) == 0 {
			return c, nil
		}
	}
	slices.SortStableFunc(p.errs, func(a, b *SyntaxError) int { return a.Line - b.Line })
	return nil, p.errs
}

func tooLarge(file string, size int64) Errors {
	return Errors{{file, 1, 1, fmt.Sprintf("the file has %d octets; a case has at most %d: write long texts with repeat(TEXT, N)", size, maxSource)}}
}

// A parser goes through the lines of one file.
type parser struct {
	file   string
	lines  []string
	next   int  // index of the line to read
	steps  int  // read so far
	client bool // role: client
	errs   Errors
}

// split cuts the source into lines. It reports whether the rest is worth reading.
func (p *parser) split(src []byte) bool {
	fail := func(line, column int, format string, args ...any) bool {
		p.errs = append(p.errs, &SyntaxError{p.file, line, column, fmt.Sprintf(format, args...)})
		return false
	}
	switch {
	case len(src) > maxSource:
		p.errs = tooLarge(p.file, int64(len(src)))
		return false
	case len(bytes.TrimSpace(src)) == 0:
		return fail(1, 1, "the file is empty; a case begins with a comment that says what is tried, then come rule: and role:, a blank line, and steps")
	case bytes.HasPrefix(src, []byte("\xef\xbb\xbf")):
		return fail(1, 1, "the file begins with a byte order mark; save it as UTF-8 without one")
	}
	p.lines = strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
	for i, line := range p.lines {
		for j, r := range line {
			column := utf8.RuneCountInString(line[:j]) + 1
			switch {
			case r == utf8.RuneError && !strings.HasPrefix(line[j:], "\uFFFD"):
				return fail(i+1, column, `octet %#02x is not UTF-8; save the file as UTF-8, and write such octets as "\x%02x" or hex(%02x)`, line[j], line[j], line[j])
			case r == '\r' && j == len(line)-1:
				return fail(i+1, column, "the line ends in CR LF; save the file with LF alone (in git: *.case -text)")
			case r < ' ' && r != '\t', r == 0x7f:
				return fail(i+1, column, `control character %#02x; inside a string write it as "\x%02x"`, r, r)
			}
		}
	}
	return true
}

func (p *parser) parse() *Case {
	name := strings.TrimSuffix(path.Base(filepath.ToSlash(p.file)), Suffix)
	c := &Case{Name: name, File: p.file, Lines: map[string]int{}}
	p.header(c)
	p.client = c.Role == "client"
	for p.next < len(p.lines) {
		steps, end := p.block(nil, 0, nil)
		c.Steps = append(c.Steps, steps...)
		if end != nil {
			end.failAt(0, "there is no open block that } could close; take it away")
			p.report(end)
		}
	}
	if len(c.Steps) == 0 && len(p.errs) == 0 {
		p.reportAt(len(p.lines), "the case has no steps; they stand below the blank line that ends the header, such as: request 0 echo {}")
	}
	return c
}

// line takes the next line.
func (p *parser) line() *cursor {
	l := &cursor{src: p.lines[p.next], line: p.next + 1, client: p.client}
	p.next++
	return l
}

// report keeps the error of a line, if it has one that is not kept yet. After too many errors nothing more is read.
func (p *parser) report(l *cursor) {
	if l.err == nil || l.reported || len(p.errs) >= maxErrors {
		return
	}
	l.reported = true
	l.err.File = p.file
	p.errs = append(p.errs, l.err)
	if len(p.errs) == maxErrors {
		p.stop()
	}
}

// reportAt keeps an error that belongs to a line as a whole.
func (p *parser) reportAt(line int, format string, args ...any) {
	l := &cursor{line: line}
	l.fail(format, args...)
	p.report(l)
}

// stop makes the parser leave the rest of the file alone.
func (p *parser) stop() { p.next = len(p.lines) }
