package conformance

import (
	"bytes"
	"fmt"
	"strings"
)

// Lists of each that are wider than this have a text in each line.
const formatWidth = 140

// Format writes a case in its canonical form: the keys of the header in a fixed order, blocks indented by two blanks,
// one spelling for each string and number. Parse reads the same case back; only its positions differ. Comments and
// single blank lines between steps stay where they are. Comments of the header gather below the title, and one behind a
// closing brace moves to a line above it.
func Format(c *Case) []byte {
	f := &formatter{}
	f.comment(c.Title)
	for _, n := range c.Notes {
		f.comment(n)
	}
	f.key("rule", c.Rules...)
	f.key("role", c.Role)
	f.key("needs", c.Needs...)
	f.key("profile", c.Profiles...)
	if c.Virtual {
		f.key("clock", "virtual")
	}
	if c.AcksOff {
		f.key("acks", "off")
	}
	if c.Each != nil {
		f.each(c.Each)
	}
	f.line("")
	f.steps(c.Steps)
	return f.out.Bytes()
}

// A formatter collects lines.
type formatter struct {
	out   bytes.Buffer
	depth int // of blocks
}

// line writes an indented line.
func (f *formatter) line(text string) {
	if text != "" {
		f.out.WriteString(strings.Repeat("  ", f.depth))
	}
	f.out.WriteString(text)
	f.out.WriteByte('\n')
}

func (f *formatter) comment(text string) {
	f.line(strings.TrimRight("# "+text, " "))
}

func (f *formatter) key(name string, values ...string) {
	if v := strings.Join(values, " "); v != "" {
		f.line(name + ": " + v)
	}
}

func (f *formatter) each(e *Each) {
	texts := make([]string, len(e.Texts))
	for i, t := range e.Texts {
		texts[i] = formatText(t)
	}
	head := "each: " + e.Name + " = "
	if one := head + strings.Join(texts, " | "); len([]rune(one)) <= formatWidth {
		f.line(one)
		return
	}
	f.line(head + strings.Join(texts, "\n  | "))
}

func (f *formatter) comments(lines []string) {
	for _, c := range lines {
		if c == "" {
			f.line("")
		} else {
			f.comment(c)
		}
	}
}

func (f *formatter) steps(steps []Step) {
	for _, s := range steps {
		f.comments(s.Above)
		f.step(s)
		f.comments(s.Below)
	}
}

func (f *formatter) step(s Step) {
	head := ""
	if s.On != "" {
		head = "on " + s.On + " "
	}
	head += formatAction(s.Do)
	if s.Within != 0 {
		head += " within " + formatDuration(s.Within)
	}
	if s.After != 0 {
		head += " after " + formatDuration(s.After)
	}
	body, isBlock := stepsOf(s.Do)
	either, isEither := s.Do.(Either)
	if isBlock || isEither {
		head += " {"
	}
	if s.Comment != "" {
		head += "  # " + s.Comment
	}
	f.line(head)
	switch {
	case isBlock:
		f.body(body)
		f.line("}")
	case isEither:
		for i, b := range either.Branches {
			if i > 0 {
				f.line("} or " + formatGrade(b) + "{")
			}
			f.body(b.Steps)
		}
		f.line("}")
	}
}

func (f *formatter) body(steps []Step) {
	f.depth++
	f.steps(steps)
	f.depth--
}

// stepsOf returns the steps of a block with one body. It reports whether the action is such a block.
func stepsOf(do Action) ([]Step, bool) {
	switch do := do.(type) {
	case Together:
		return do.Steps, true
	case Split:
		return do.Steps, true
	case On:
		return do.Steps, true
	case Repeat:
		return do.Steps, true
	case UntilEnded:
		return do.Steps, true
	}
	return nil, false
}

func formatGrade(b Branch) string {
	switch {
	case b.Grade == GradeStrict:
		return ""
	case b.Note == "":
		return string(b.Grade) + " "
	}
	return fmt.Sprintf("%s %s ", b.Grade, formatQuoted(b.Note))
}
