package spec

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the tables and the counts of the documents from their rules")

const tableHead = "| id | level | role | title | profile |\n|---|---|---|---|---|\n"

// The two sentences of a document that count its rules. The second one is optional.
var (
	countSentence = regexp.MustCompile(`(It\shas\s)[0-9]+( rules: )[0-9]+( MUST, )[0-9]+( SHOULD, )[0-9]+( MAY)\.`)
	indexSentence = regexp.MustCompile(`(Generated from the rules above\. )[0-9]+( rules\.)`)
)

// refresh returns the text with its counts and its table made anew from the rules.
func refresh(text string, rules []Rule) (string, error) {
	if n := len(countSentence.FindAllString(text, -1)); n != 1 {
		return "", fmt.Errorf("%d sentences count the rules, want one: It has N rules: N MUST, N SHOULD, N MAY", n)
	}
	if n := strings.Count(text, tableHead); n != 1 {
		return "", fmt.Errorf("%d tables begin with the head of the rule index, want one", n)
	}
	level := make(map[string]int)
	var table strings.Builder
	for _, r := range rules {
		level[r.Level]++
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", r.ID, r.Level, r.Role, r.Title, r.Profile)
	}
	text = countSentence.ReplaceAllString(text, fmt.Sprintf("${1}%d${2}%d${3}%d${4}%d${5}.",
		len(rules), level["MUST"], level["SHOULD"], level["MAY"]))
	text = indexSentence.ReplaceAllString(text, fmt.Sprintf("${1}%d${2}", len(rules)))
	return text[:strings.Index(text, tableHead)] + tableHead + table.String(), nil
}

// The table that ends a document has one row for each rule, in order, and says what the rule says; the sentences of the
// document count its rules rightly. With -update the documents are rewritten instead.
func TestTablesAreUpToDate(t *testing.T) {
	for _, p := range parts() {
		rules, err := parse(p.name, p.text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := refresh(p.text, rules)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		if want == p.text {
			continue
		}
		if *update {
			if err := os.WriteFile(p.name, []byte(want), 0o644); err != nil {
				t.Error(err)
			}
			continue
		}
		t.Errorf("%s differs from its rules; run go generate ./docs/spec\n%s", p.name, firstDifference(p.text, want))
	}
}

func firstDifference(have, want string) string {
	h, w := strings.Split(have, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(h) && i < len(w) && h[i] == w[i] {
		i++
	}
	line := func(s []string) string {
		if i < len(s) {
			return s[i]
		}
		return "(end of the document)"
	}
	return fmt.Sprintf("line %d\nhave %s\nwant %s", i+1, line(h), line(w))
}

// Rows that are missing, in another order or different, and wrong counts, are all made anew.
func TestRefresh(t *testing.T) {
	rules, err := parse("x.md", sound)
	if err != nil {
		t.Fatal(err)
	}
	const (
		front = "It\nhas %d rules: %d MUST, 0 SHOULD, %d MAY.\n\nGenerated from the rules above. %d rules.\n\n" + tableHead
		rows  = "| WIRE-FRAME-04a | MUST | receiver | Bare LF is malformed | core |\n" +
			"| DISC-V4-01 | MAY | cache manager, listener | Extension | multicast |\n"
	)
	want := fmt.Sprintf(front, 2, 1, 1, 2) + rows
	for _, stale := range []string{"", "| WIRE-FRAME-04a | MAY |\n", rows + rows} {
		got, err := refresh(fmt.Sprintf(front, 7, 8, 9, 7)+stale, rules)
		if err != nil || got != want {
			t.Errorf("refresh = %q, %v\nwant %q", got, err, want)
		}
	}
	for _, text := range []string{"", tableHead, "It has 1 rules: 1 MUST, 0 SHOULD, 0 MAY.", want + want} {
		if _, err := refresh(text, rules); err == nil {
			t.Errorf("refresh(%q) gives no error", text)
		}
	}
}
