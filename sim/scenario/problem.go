package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Position is a place in a file, from 1.
type Position struct{ Line, Column int }

// A Problem is something wrong at a place of a file.
type Problem struct {
	File string
	Position
	What string
}

func (p *Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.What)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.What)
}

// Problems are what is wrong with a file, in its order.
type Problems []*Problem

// mostProblems is how many are told.
const mostProblems = 10

func (p Problems) Error() string {
	var b strings.Builder
	for i, e := range p {
		if i == mostProblems {
			fmt.Fprintf(&b, "\nand %d more", len(p)-mostProblems)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	return b.String()
}

// sorted returns the problems in the order of the file; nil if there are none.
func (p Problems) sorted() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return p
}

// hint says what a word was meant to be: the nearest of some, or all of them.
func hint(word string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < least && d < len(n) {
			best, least = n, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(names) == 0:
		return "there are none"
	case len(names) > 20:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names[:20], ", "), len(names)-20)
	}
	return "there are " + strings.Join(names, ", ")
}

// distance is how many letters of a must be changed, added or left out to get b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
