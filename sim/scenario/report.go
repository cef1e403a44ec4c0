package scenario

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// A Header says what the records of a report are of. Reports of the same runs have
// the same, but for the shard.
type Header struct {
	Format     int    `json:"format"` // 1
	Version    string `json:"version"`
	Scenario   string `json:"scenario"`
	Digest     string `json:"digest"` // SHA-256 of the file
	DurationMS int64  `json:"duration_ms"`
	First      uint64 `json:"first_seed"`
	Last       uint64 `json:"last_seed"`
	Shard      int    `json:"shard,omitempty"` // from 1
	Shards     int    `json:"shards,omitempty"`
}

// same reports whether records under both headers are of the same runs.
func (h Header) same(other Header) error {
	switch {
	case h.Format != other.Format:
		return fmt.Errorf("its format is %d, not %d", h.Format, other.Format)
	case h.Digest != other.Digest:
		return fmt.Errorf("it is of another scenario, or of another text of %s", other.Scenario)
	case h.DurationMS != other.DurationMS:
		return fmt.Errorf("it is of runs of %d ms, not of %d ms", h.DurationMS, other.DurationMS)
	case h.Version != other.Version:
		return fmt.Errorf("it is of version %s, not of %s", h.Version, other.Version)
	case h.First != other.First || h.Last != other.Last:
		return fmt.Errorf("it is of seeds %d-%d, not of %d-%d", h.First, h.Last, other.First, other.Last)
	}
	return nil
}

// A Report is the records of some seeds.
type Report struct {
	Header
	Seeds   int       `json:"seeds"` // that have a record
	Failed  []uint64  `json:"failed"`
	Missing []string  `json:"missing"` // seeds without one, as "5" or "7-9"
	Runs    []*Record `json:"runs"`
	// Damaged is the line of what was read from which on there is nothing that a
	// sweep writes, after results that count; 0 is that there is no such line.
	Damaged int `json:"-"`
}

// Complete sorts the records and fills in what follows from them.
func (r *Report) Complete() {
	slices.SortFunc(r.Runs, func(a, b *Record) int { return cmp.Compare(a.Seed, b.Seed) })
	r.Seeds, r.Failed, r.Missing = len(r.Runs), []uint64{}, []string{}
	next, ended := r.First, false
	gap := func(until uint64) { // exclusive
		switch {
		case until == next+1:
			r.Missing = append(r.Missing, fmt.Sprint(next))
		case until > next:
			r.Missing = append(r.Missing, fmt.Sprintf("%d-%d", next, until-1))
		}
	}
	for _, run := range r.Runs {
		if !run.OK {
			r.Failed = append(r.Failed, run.Seed)
		}
		if r.Shards == 0 {
			gap(run.Seed)
			next, ended = run.Seed+1, run.Seed == r.Last
		}
	}
	if r.Shards == 0 && !ended {
		gap(r.Last + 1)
	}
	if r.Runs == nil {
		r.Runs = []*Record{}
	}
}

// Write writes the report as one JSON document.
func (r *Report) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// ReadReport reads a report: a document, or lines. The last one may be cut off, and
// what begins with a damaged one is left out: a machine that stops leaves such files.
// whole is how many octets of the lines count; 0 of a document.
func ReadReport(text []byte) (r *Report, whole int, err error) {
	r = new(Report)
	if json.Valid(text) {
		if err := positive(text, 1); err != nil {
			return nil, 0, err
		}
	}
	if json.Unmarshal(text, r) == nil && r.Runs != nil {
		return r, 0, checkFormat(r.Header)
	}
	lines := bufio.NewReader(bytes.NewReader(text))
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil { // what is cut off is left out
			break
		}
		var to any = &r.Header
		run := new(Record)
		if number > 1 {
			to = run
		}
		if json.Valid(line) { // else a machine has damaged it
			if err := positive(line, number); err != nil {
				return nil, 0, err
			}
		}
		if err := json.Unmarshal(line, to); err != nil && number == 1 {
			return nil, 0, fmt.Errorf("line 1 is no result: %w", err)
		} else if err != nil {
			r.Damaged = number
			break
		}
		if number > 1 {
			r.Runs = append(r.Runs, run)
		}
		whole += len(line)
	}
	if whole == 0 {
		if len(text) == 0 {
			return r, 0, errEmpty
		}
		return nil, 0, errors.New("it has no results of scamp-sim run")
	}
	return r, whole, checkFormat(r.Header)
}

// positive is an error if there is a number below 0 in a JSON text, whose first line has
// a number in its file: results have none.
func positive(text []byte, line int) error {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			line++
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && c == '-' && (i == 0 || text[i-1]|' ' != 'e'): // but for exponents
			number := text[i:]
			if n := bytes.IndexAny(number, ",]} \t\r\n"); n >= 0 {
				number = number[:n]
			}
			return fmt.Errorf("line %d has a number below 0, %s: results have none", line, abridged(string(number)))
		}
	}
	return nil
}

var errEmpty = errors.New("it is empty")

func checkFormat(h Header) error {
	if h.Format != 1 {
		return fmt.Errorf("its format is %d; this program knows format 1", h.Format)
	}
	return nil
}

// Merge joins reports of the same runs. The result does not depend on their order.
func Merge(names []string, reports []*Report) (*Report, error) {
	all := &Report{Header: reports[0].Header}
	all.Shard, all.Shards = 0, 0
	seen := map[uint64]*Record{}
	for i, r := range reports {
		if err := r.same(all.Header); err != nil {
			return nil, fmt.Errorf("%s and %s do not go together: of the second, %w", names[0], names[i], err)
		}
		all.Scenario = min(all.Scenario, r.Scenario)
		for _, run := range r.Runs {
			if run.Seed < all.First || run.Seed > all.Last {
				return nil, fmt.Errorf("%s has the seed %d, which is not from %d to %d", names[i], run.Seed, all.First, all.Last)
			}
			before, ok := seen[run.Seed]
			switch {
			case !ok:
				seen[run.Seed] = run
			case before.Irreproducible == "" && run.Irreproducible == "" && !reflect.DeepEqual(before, run):
				return nil, fmt.Errorf("%s has another result for seed %d than was read before: they differ, and should not", names[i], run.Seed)
			default:
				seen[run.Seed] = choose(before, run)
			}
		}
	}
	for _, run := range seen {
		all.Runs = append(all.Runs, run)
	}
	all.Complete()
	return all, nil
}

// choose returns one of two results of a seed, the same whichever comes first: one
// that every run gives, if there is one.
func choose(a, b *Record) *Record {
	if (a.Irreproducible == "") != (b.Irreproducible == "") {
		if a.Irreproducible == "" {
			return a
		}
		return b
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if bytes.Compare(x, y) <= 0 {
		return a
	}
	return b
}

// Text says in a line how the report is.
func (r *Report) Text() string {
	text := fmt.Sprintf("%d of %d seeds passed", r.Seeds-len(r.Failed), r.Seeds)
	if len(r.Missing) > 0 {
		text += fmt.Sprintf("; no result for %s", strings.Join(r.Missing[:min(len(r.Missing), 10)], ", "))
		if n := len(r.Missing) - 10; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
	}
	return text
}
