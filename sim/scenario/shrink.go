package scenario

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// A Shrunk is a smaller scenario that fails as the first one did.
type Shrunk struct {
	Text    []byte // of the file
	Outcome *Outcome
	Failure string // what both have in common
	Tried   int    // how many scenarios were run
}

// ErrDoesNotFail says that there is nothing to shrink.
var ErrDoesNotFail = errors.New("the scenario does not fail with this seed: there is nothing to shrink")

// mostTries is how many scenarios Shrink runs.
const mostTries = 3000

// Shrink looks for the smallest scenario that fails with a seed as this one does: it
// leaves out one part after the other, as long as the failure remains. It returns
// what it has when ctx ends.
func Shrink(ctx context.Context, file string, text []byte, o Options, progress func(tried int)) (*Shrunk, error) {
	s, err := Parse(file, text)
	if err != nil {
		return nil, err
	}
	var root yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &root, yaml.UseOrderedMap()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if o.Duration == 0 {
		o.Duration = s.Duration
	}
	root = with(with(root, "seed", o.Seed), "duration", o.Duration.String())
	o.Duration = 0
	best, err := try(file, root, o, "")
	if err != nil {
		return nil, err
	}
	if best == nil {
		return nil, ErrDoesNotFail
	}
	o.mostCalls = 2*best.Outcome.Stats.Calls + 100 // a scenario with more is not smaller
	for smaller := true; smaller; {
		smaller = false
		for i := 0; ; i++ { // what stands behind a part that was left out comes to its place
			all := variants("", root)
			if i >= len(all) || best.Tried >= mostTries || ctx.Err() != nil {
				break
			}
			tried := best.Tried + 1
			best.Tried = tried
			if progress != nil {
				progress(tried)
			}
			if next, err := try(file, all[i].(yaml.MapSlice), o, best.Failure); err == nil && next != nil {
				root, best, smaller = all[i].(yaml.MapSlice), next, true
				best.Tried = tried
				i--
			}
		}
	}
	return best, nil
}

// with is a mapping in which a key has a value.
func with(m yaml.MapSlice, key string, value any) yaml.MapSlice {
	m = slices.Clone(m)
	for i := range m {
		if m[i].Key == key {
			m[i].Value = value
			return m
		}
	}
	return append(yaml.MapSlice{{Key: key, Value: value}}, m...)
}

// try runs a scenario, and returns it if it fails in this way; in any way if none is
// given.
func try(file string, root yaml.MapSlice, o Options, failure string) (*Shrunk, error) {
	text, err := yaml.Marshal(root)
	if err != nil {
		return nil, err
	}
	s, err := Parse(file, text)
	if err != nil {
		return nil, err
	}
	out, err := s.Run(o)
	if err != nil {
		return nil, err
	}
	if out.tooMany {
		return nil, nil
	}
	for _, f := range out.Failures() {
		if class := classOf(f); failure == "" || class == failure {
			return &Shrunk{Text: text, Outcome: out, Failure: class, Tried: 1}, nil
		}
	}
	return nil, nil
}

var digits = regexp.MustCompile(`[0-9][0-9.]*[µnm]?s?`)

// classOf is what failures of the same kind have in common.
func classOf(failure string) string {
	failure, _, _ = strings.Cut(failure, "\n")
	if strings.HasPrefix(failure, "expected ") {
		failure, _, _ = strings.Cut(failure, ": ")
		return failure
	}
	if rest, ok := strings.CutPrefix(failure, "after "); ok {
		_, failure, _ = strings.Cut(rest, ": ")
		return digits.ReplaceAllString(failure, "#")
	}
	return failure
}

// variants are values in which one thing is smaller than in v, which is the value of
// a key. Those from which most is left out come first.
func variants(key string, v any) []any {
	var all []any
	switch v := v.(type) {
	case yaml.MapSlice:
		for i := range v {
			if k := v[i].Key; k != "seed" && k != "about" && k != "duration" {
				all = append(all, slices.Delete(slices.Clone(v), i, i+1))
			}
		}
		for i := range v {
			for _, value := range variants(fmt.Sprint(v[i].Key), v[i].Value) {
				m := slices.Clone(v)
				m[i].Value = value
				all = append(all, m)
			}
		}
	case []any:
		if len(v) > 3 {
			all = append(all, slices.Clone(v[len(v)/2:]), slices.Clone(v[:len(v)/2]))
		}
		for i := range v {
			if len(v) > 1 {
				all = append(all, slices.Delete(slices.Clone(v), i, i+1))
			}
		}
		for i := range v {
			for _, value := range variants("", v[i]) {
				l := slices.Clone(v)
				l[i] = value
				all = append(all, l)
			}
		}
	case uint64:
		if (key == "instances" || key == "workers") && v > 1 {
			all = append(all, uint64(1), v/2)
		}
	case string:
		if d, err := time.ParseDuration(v); key == "duration" && err == nil && d > 200*time.Millisecond {
			for _, shorter := range []time.Duration{d / 2, d * 3 / 4} {
				all = append(all, shorter.Round(100*time.Millisecond).String())
			}
		}
	}
	return all
}
