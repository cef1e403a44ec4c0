package spec

import (
	"fmt"
	"regexp"
	"strings"
)

// A rule is three blocks of Markdown: its heading, its requirement, its list.
const heading = "#### "

// requirement is the second block of a rule, on one line: level, role, profile, title, text.
var requirement = regexp.MustCompile(`^(MUST|SHOULD|MAY) · ([^·]+) · ([^·]+) · \*\*([^*]+)\.\*\* (.+)$`)

// block is a run of lines without a blank line; a fenced block is one run, whatever is in it.
type block struct {
	line  int // of its first line, from 1
	lines []string
}

// parse returns the rules of one part in the order of the text. An error names the file, the line and the rule.
func parse(part, text string) ([]Rule, error) {
	var rules []Rule
	seen := make(map[string]bool)
	blocks := split(text)
	for i, b := range blocks {
		id, ok := strings.CutPrefix(b.lines[0], heading)
		if !ok {
			continue
		}
		fail := func(line int, format string, args ...any) error {
			return fmt.Errorf("%s:%d: rule %q: %s", part, line, id, fmt.Sprintf(format, args...))
		}
		switch {
		case Group(id) == "":
			return nil, fail(b.line, "the heading must be an id such as WIRE-MSG-03 or WIRE-MSG-03a")
		case seen[id]:
			return nil, fail(b.line, "the id is already in use; ids are unique")
		case len(b.lines) > 1:
			return nil, fail(b.line, "a blank line must follow the heading")
		case len(blocks) < i+3:
			return nil, fail(b.line, "the text ends before the requirement and its list")
		}
		seen[id] = true

		body, list := blocks[i+1], blocks[i+2]
		m := requirement.FindStringSubmatch(strings.Join(body.lines, " "))
		if m == nil {
			return nil, fail(body.line, "the requirement must read: level · role · profile · **Title.** text")
		}
		r := Rule{
			ID: id, Group: Group(id), Part: part,
			Level: m[1], Role: m[2], Profile: m[3], Title: m[4], Text: m[5],
		}
		if err := r.setList(list.lines); err != nil {
			return nil, fail(list.line, "%v", err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// setList fills in what the list of a rule says. Its items stand in a fixed order: "On violation" or "Bad input", then
// "Test", then "Dialects" where there are any.
func (r *Rule) setList(lines []string) error {
	items, err := splitList(lines)
	if err != nil {
		return err
	}
	if len(items) < 2 || len(items) > 3 {
		return fmt.Errorf(`the list has %d items; it must have "On violation" or "Bad input", "Test", and may have "Dialects"`, len(items))
	}
	switch items[0].label {
	case "On violation":
	case "Bad input":
		r.BadInput = true
	default:
		return fmt.Errorf(`the first item is %q; it must be "On violation" or "Bad input"`, items[0].label)
	}
	r.Violation = items[0].text
	if items[1].label != "Test" {
		return fmt.Errorf(`the second item is %q; it must be "Test"`, items[1].label)
	}
	r.Test = items[1].text
	if len(items) == 3 {
		if items[2].label != "Dialects" {
			return fmt.Errorf(`the third item is %q; it must be "Dialects"`, items[2].label)
		}
		r.Dialects = items[2].text
	}
	return nil
}

type item struct{ label, text string }

// splitList takes a list of "- label: text" apart. Lines that continue an item are indented by two spaces.
func splitList(lines []string) ([]item, error) {
	var items []item
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, "- "); ok {
			label, text, ok := strings.Cut(rest, ": ")
			if !ok || text == "" {
				return nil, fmt.Errorf("the item %q must read: - label: text", l)
			}
			items = append(items, item{label, text})
			continue
		}
		rest, ok := strings.CutPrefix(l, "  ")
		if !ok || len(items) == 0 {
			return nil, fmt.Errorf("the line %q neither begins nor continues an item of a list", l)
		}
		items[len(items)-1].text += " " + rest
	}
	return items, nil
}

// split cuts text at its blank lines.
func split(text string) []block {
	var blocks []block
	fresh, fenced := true, false
	for i, l := range strings.Split(text, "\n") {
		if l == "" && !fenced {
			fresh = true
			continue
		}
		if fresh {
			blocks = append(blocks, block{line: i + 1})
			fresh = false
		}
		b := &blocks[len(blocks)-1]
		b.lines = append(b.lines, l)
		if strings.HasPrefix(l, "```") {
			fenced = !fenced
		}
	}
	return blocks
}
