package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/gudtech/scamp-sim/sim"
)

// A field is a key of a mapping: what it means, what its value looks like, and how it
// is read. Parser and schema are made of the same fields.
type field struct {
	name, doc string
	required  bool
	schema    map[string]any
	read      func(r *reader, n ast.Node)
}

func (f field) must() field {
	f.required = true
	return f
}

// value is a field with one value as a text, which set takes.
func value(name, doc, what string, schema map[string]any, set func(p placed) error) field {
	return field{name: name, doc: doc, schema: schema, read: func(r *reader, n ast.Node) {
		p, ok := r.scalar(n, what)
		if !ok {
			return
		}
		if err := set(p); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				r.wrong(p.at, "%s: %s", name, line)
			}
		}
	}}
}

var (
	textSchema     = map[string]any{"type": "string"}
	boolSchema     = map[string]any{"type": "boolean"}
	durationSchema = map[string]any{"type": []string{"string", "integer"}, "pattern": `^-?([0-9.]+ *(ns|us|µs|ms|s|m|h) *)+$|^0$`}
	lastingSchema  = map[string]any{"type": "string", "pattern": `^([0-9.]+ *(ns|us|µs|ms|s|m|h) *)*[0-9.]*[1-9][0-9.]* *(ns|us|µs|ms|s|m|h) *([0-9.]+ *(ns|us|µs|ms|s|m|h) *)*$`}
	shareSchema    = map[string]any{"type": []string{"string", "number"}, "pattern": `^[0-9.]+ *%?$`}
	timesSchema    = map[string]any{"type": []string{"string", "integer"}, "pattern": `^(exactly |around |heavy |between .* and )?[0-9.]+.*$`}
	sizeSchema     = map[string]any{"type": []string{"string", "integer"}, "pattern": `^[0-9.]+ *([KMG]iB|[kKMG]?B)?(/s)?$`}
	sizesSchema    = map[string]any{"type": []string{"string", "integer"}, "pattern": `^(exactly |around |heavy |between .* and )?[0-9.]+ *([KMG]iB|[kKMG]?B)?$`}
)

func text(name, doc string, to *string) field {
	return value(name, doc, "a text", textSchema, func(p placed) error {
		if p.text == "" {
			return fmt.Errorf("nothing stands here")
		}
		*to = p.text
		return nil
	})
}

// mostName is how many characters a name has at most: it stands in many places of
// reports.
const mostName = 200

// called is a name of something.
func called(name, doc string, to *string) field {
	f := text(name, doc, to)
	f.schema = map[string]any{"type": "string", "maxLength": mostName}
	read := f.read
	f.read = func(r *reader, n ast.Node) {
		if read(r, n); utf8.RuneCountInString(*to) > mostName {
			r.wrong(PositionOf(n), "%s: a name has at most %d characters, not %d", name, mostName, utf8.RuneCountInString(*to))
		}
	}
	return f
}

// sector is the name of one. It has no character that authorised services cannot say.
func sector(name, doc string, to *string) field {
	f := called(name, doc, to)
	f.schema = map[string]any{"type": "string", "maxLength": mostName, "pattern": `^[^:,#\s]+$`}
	read := f.read
	f.read = func(r *reader, n ast.Node) {
		odd := func(c rune) bool { return strings.ContainsRune(":,#", c) || unicode.IsSpace(c) || !unicode.IsPrint(c) }
		if read(r, n); strings.ContainsFunc(*to, odd) {
			r.wrong(PositionOf(n), "%s: %q is no name of a sector: it has no colon, comma, number sign or blank", name, abridged(*to))
		}
	}
	return f
}

// choice is one of some words.
func choice(name, doc string, to *string, among []string) field {
	return value(name, doc, "a word", map[string]any{"enum": among}, func(p placed) error {
		for _, w := range among {
			if w == p.text {
				*to = w
				return nil
			}
		}
		return fmt.Errorf("there is no %q; %s", abridged(p.text), hint(p.text, among))
	})
}

func boolean(name, doc string, to *bool) field {
	return value(name, doc, "true or false", boolSchema, func(p placed) (err error) {
		if p.text != "true" && p.text != "false" {
			return fmt.Errorf("%q is neither true nor false", abridged(p.text))
		}
		*to = p.text == "true"
		return nil
	})
}

func whole[T int | uint64](name, doc string, to *T, least, most T) field {
	schema := map[string]any{"type": "integer", "minimum": least, "maximum": most}
	return value(name, doc, "a whole number", schema, func(p placed) error {
		n, err := strconv.ParseUint(p.text, 10, 64)
		if err != nil || T(n) < least || T(n) > most {
			return fmt.Errorf("%q is not a whole number from %d to %d", abridged(p.text), least, most)
		}
		*to = T(n)
		return nil
	})
}

func number(name, doc string, to *float64, most float64) field {
	schema := map[string]any{"type": "number", "exclusiveMinimum": 0, "maximum": most}
	return value(name, doc, "a number", schema, func(p placed) error {
		f, err := strconv.ParseFloat(p.text, 64)
		if err != nil || !(f > 0 && f <= most) {
			return fmt.Errorf("%q is not a number above 0, at most %v", abridged(p.text), most)
		}
		*to = f
		return nil
	})
}

// signed is a time that can be below 0.
func signed(name, doc string, to *time.Duration) field {
	return value(name, doc, "a time", durationSchema, func(p placed) (err error) {
		*to, err = parseDuration(p.text)
		return err
	})
}

func duration(name, doc string, to *time.Duration) field {
	return value(name, doc, "a time", durationSchema, func(p placed) error { return readTime(p, to) })
}

// readTime reads a time that is not below 0.
func readTime(p placed, to *time.Duration) (err error) {
	if *to, err = parseDuration(p.text); err == nil && *to < 0 {
		err = fmt.Errorf("%s is below 0", p.text)
	}
	return err
}

// lasting is a time above 0; why says that it must be.
func lasting(name, doc, why string, to *time.Duration) field {
	return value(name, doc, "a time", lastingSchema, func(p placed) error {
		if err := readTime(p, to); err != nil || *to > 0 {
			return err
		}
		return fmt.Errorf("%s is no time: %s", p.text, why)
	})
}

func share(name, doc string, to *float64) field {
	return value(name, doc, "a share", shareSchema, func(p placed) (err error) {
		*to, err = parseShare(p.text)
		return err
	})
}

func times(name, doc string, to *sim.Dist) field {
	return value(name, doc, "a time, or a distribution of times", timesSchema, func(p placed) (err error) {
		*to, err = parseTimes(p.text)
		return err
	})
}

func sizes(name, doc string, to *sim.Dist) field {
	return value(name, doc, "a size, or a distribution of sizes", sizesSchema, func(p placed) (err error) {
		*to, err = parseSizes(p.text)
		return err
	})
}

// size is a number of octets, of a second if it ends in /s.
func size(name, doc string, to *int) field {
	return value(name, doc, "a size", sizeSchema, func(p placed) error {
		f, err := parseSize(strings.TrimSpace(strings.TrimSuffix(p.text, "/s")))
		if err == nil && f > 1<<40 {
			err = fmt.Errorf("%s is more than is possible", p.text)
		}
		*to = int(f)
		return err
	})
}

// words is a list of texts, or one.
func words(name, doc string, to *[]placed) field {
	schema := map[string]any{"oneOf": []any{textSchema, map[string]any{"type": "array", "items": textSchema, "minItems": 1}}}
	return field{name: name, doc: doc, schema: schema, read: func(r *reader, n ast.Node) {
		for _, item := range r.items(n) {
			if p, ok := r.scalar(item, "a name"); ok {
				*to = append(*to, p)
			}
		}
		if len(*to) == 0 {
			r.wrong(PositionOf(n), "%s: nothing stands here", name)
		}
	}}
}

// pair is a list of two names.
func pair(name, doc string, to *[]placed) field {
	f := words(name, doc, to)
	f.schema = map[string]any{"type": "array", "items": textSchema, "minItems": 2, "maxItems": 2}
	read := f.read
	f.read = func(r *reader, n ast.Node) {
		read(r, n)
		if len(*to) != 2 {
			r.wrong(PositionOf(n), "%s: two names should be here, such as [web, shop], not %s", name, abridged(n.String()))
			*to = nil
		}
	}
	return f
}

// list is a list of mappings, of which those with mistakes are left out. after looks at
// each when it has been read.
func list[T any](name, doc, what string, to *[]T, fields func(*T) []field, after func(r *reader, t *T, at Position, keys map[string]Position)) field {
	schema := map[string]any{"type": "array", "items": objectSchema(fields(new(T)))}
	return field{name: name, doc: doc, schema: schema, read: func(r *reader, n ast.Node) {
		if _, ok := n.(*ast.SequenceNode); !ok {
			r.wrong(PositionOf(n), "%s is a list: begin each with a dash", name)
			return
		}
		for _, item := range r.items(n) {
			t, before := new(T), len(r.problems)
			if keys := r.object(item, what, fields(t)); keys != nil {
				after(r, t, PositionOf(item), keys)
			}
			if len(r.problems) == before {
				*to = append(*to, *t)
			}
		}
	}}
}

// objectSchema is the schema of a mapping with these fields.
func objectSchema(fields []field) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range fields {
		s := map[string]any{"description": f.doc}
		for k, v := range f.schema {
			s[k] = v
		}
		properties[f.name] = s
		if f.required {
			required = append(required, f.name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	return s
}
