// Package spec is the SCAMP specification as data. It embeds the two normative documents, wire.md and discovery.md, and
// gives programs each of their rules with its level, its role and its text, so that verdicts, reports and coverage
// tables quote the specification instead of restating it.
package spec

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:generate go test . -run ^TestTablesAreUpToDate$ -update

// The documents as they are in this directory.
var (
	//go:embed wire.md
	wire string
	//go:embed discovery.md
	discovery string
)

// Rule is one testable requirement. Its texts are Markdown in one line: the line breaks of the document are spaces.
type Rule struct {
	ID      string // whole, with its letter: "WIRE-FRAME-04a"
	Group   string // the ID without number and letter: "WIRE-FRAME"
	Level   string // MUST, SHOULD or MAY
	Role    string // whom the rule binds; several roles are separated by ", "
	Title   string // without its final full stop
	Profile string // core, or the profile that an implementation declares
	Text    string // the requirement, without the title

	// Violation is what follows when the bound party breaks the rule ("On violation" in the document) or, where BadInput
	// is set, what the bound party does with input that breaks it ("Bad input").
	Violation string
	BadInput  bool

	Test     string // what a black-box test does, and its strict, tolerated and failing outcomes
	Dialects string // how deployed implementations differ; empty where they do not
	Part     string // the document, by file name: "wire.md" or "discovery.md"
}

// Rules returns all rules in the order of the documents, those of wire.md first. The caller owns the slice.
func Rules() []Rule {
	return slices.Clone(load().rules)
}

// Lookup returns the rule with this ID. An ID that lacks its letter stands for several rules and is not found.
func Lookup(id string) (Rule, bool) {
	i, ok := load().byID[id]
	if !ok {
		return Rule{}, false
	}
	return load().rules[i], true
}

// Group returns the group an ID belongs to: "WIRE-FRAME" for "WIRE-FRAME-04a" and for "WIRE-FRAME-04". It looks at the
// form only; the rule need not exist. What does not have the form of an ID has no group: the result is empty.
func Group(id string) string {
	if !idForm.MatchString(id) {
		return ""
	}
	return id[:strings.LastIndexByte(id, '-')]
}

var idForm = regexp.MustCompile(`^(?:WIRE|DISC)-[A-Z][A-Z0-9]*-[0-9]{2}[a-z]?$`)

// index is the parsed specification; nothing changes it once it is made.
type index struct {
	rules []Rule
	byID  map[string]int // position in rules
}

// load parses the embedded documents on first use. They are known good, so a defect is a fault of the build: it panics,
// and the tests of this package name the line.
var load = sync.OnceValue(func() *index {
	x := &index{byID: make(map[string]int)}
	for _, part := range parts() {
		rules, err := parse(part.name, part.text)
		if err != nil {
			panic("spec: " + err.Error())
		}
		x.rules = append(x.rules, rules...)
	}
	for i, r := range x.rules {
		x.byID[r.ID] = i
	}
	return x
})

type part struct{ name, text string }

func parts() []part {
	return []part{{"wire.md", wire}, {"discovery.md", discovery}}
}
