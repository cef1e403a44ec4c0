package conformance

import (
	"fmt"
	"strings"
)

// didYouMean returns a question that ends a message about an unknown word, or, when no known word is near, the known
// words.
func didYouMean(word string, known []string) string {
	best, least := "", max(1, len(word)/2)+1
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return fmt.Sprintf("; did you mean %q?", k)
		}
		if d := distance(word, k); d < least && d <= 2 {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return "; it is one of " + list(known)
}

// list writes words as one does in a sentence: a, b or c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// distance counts the letters to insert, remove, replace or swap with their neighbour to make one word of the other.
// Words of more than 40 octets are far from everything.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return max(len(a), len(b))
	}
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
