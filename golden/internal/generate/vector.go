package main

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A vector is one line of a file. README.md of package golden says what its members mean.
type vector struct {
	Name    string   `json:"name"`
	Rules   []string `json:"rules"`
	Title   string   `json:"title"`
	Kind    string   `json:"kind"`
	Hostile bool     `json:"hostile,omitempty"`

	// The inputs of the kinds.
	Packet      octets            `json:"packet,omitzero"`
	Packets     []octets          `json:"packets,omitempty"`
	Datagram    octets            `json:"datagram,omitzero"`
	Datagrams   []octets          `json:"datagrams,omitempty"`
	Authorized  octets            `json:"authorized,omitzero"`
	Ticket      octets            `json:"ticket,omitzero"`
	Key         octets            `json:"key,omitzero"`
	At          int64             `json:"at,omitempty"`
	Table       octets            `json:"table,omitzero"`
	Action      string            `json:"action,omitempty"`
	Privileges  *[]string         `json:"privileges,omitempty"`
	Certificate octets            `json:"certificate,omitzero"`
	Service     *service          `json:"service,omitempty"`
	Age         *int              `json:"age,omitempty"`
	MaxAge      string            `json:"max_age,omitempty"`
	Argument    string            `json:"argument,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	Files       map[string]string `json:"files,omitempty"`
	File        octets            `json:"file,omitzero"`
	Host        []hostInterface   `json:"host,omitempty"`

	// What must come, in lists of questions or as a whole.
	Calls     []call     `json:"calls,omitempty"`
	Questions []question `json:"questions,omitempty"`
	Steps     []step     `json:"steps,omitempty"`
	Scenes    []scene    `json:"scenes,omitempty"`
	Values    []setting  `json:"values,omitempty"`
	Settings  []setting  `json:"settings,omitempty"`
	Lists     []setting  `json:"lists,omitempty"`
	Expect    any        `json:"expect,omitempty"`
	Tolerated []any      `json:"tolerated,omitempty"`
}

// A group is the vectors of one file.
type group struct {
	dir     string
	vectors []vector
}

func (g *group) file() string { return g.dir + "/vectors.jsonl" }

// add adds a vector. rules are ids separated by blanks; the first is what the vector is about.
func (g *group) add(name, rules, title string, v vector) {
	v.Name, v.Rules, v.Title = name, strings.Fields(rules), title
	g.vectors = append(g.vectors, v)
}

var (
	kebab  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	ruleID = regexp.MustCompile(`^DISC-[A-Z0-9]+-[0-9]{2}[a-z]?$`)
)

// largestLine bounds a line: files stay readable, and readers need no long buffers.
const largestLine = 64 << 10

// encode returns the text of the file.
func (g *group) encode() ([]byte, error) {
	var b bytes.Buffer
	seen := map[string]bool{}
	for _, v := range g.vectors {
		line, err := marshal(v)
		switch {
		case err != nil:
		case seen[v.Name]:
			err = fmt.Errorf("the name is used twice")
		case !kebab.MatchString(v.Name):
			err = fmt.Errorf("the name is not in kebab case")
		case len(v.Rules) == 0 || v.Title == "":
			err = fmt.Errorf("rules or title are missing")
		case len(line) > largestLine:
			err = fmt.Errorf("the line has %d octets, more than %d", len(line), largestLine)
		}
		for _, r := range v.Rules {
			if !ruleID.MatchString(r) {
				err = fmt.Errorf("%q is no rule", r)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", g.file(), v.Name, err)
		}
		seen[v.Name] = true
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// slug makes a name of what a probe looks like.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// ordered ranges over a table of probes in the order of their names.
func ordered[T any](m map[string]T) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if !yield(name, m[name]) {
				return
			}
		}
	}
}
