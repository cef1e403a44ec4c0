package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// A description is what a service offers, as a person writes it.
type description struct {
	Name      placed[string]    `yaml:"name"`
	Ident     placed[string]    `yaml:"ident"`
	URI       placed[string]    `yaml:"uri"`
	Sector    placed[string]    `yaml:"sector"`
	Envelopes placed[words]     `yaml:"envelopes"`
	Weight    placed[float64]   `yaml:"weight"`
	Interval  placed[string]    `yaml:"interval"`
	Timestamp placed[float64]   `yaml:"timestamp"`
	Actions   []describedAction `yaml:"actions"`
}

type describedAction struct {
	at position
	actionFields
}

type actionFields struct {
	Name      placed[string] `yaml:"name"`
	Version   placed[int]    `yaml:"version"`
	Flags     placed[words]  `yaml:"flags"`
	Sector    placed[string] `yaml:"sector"`
	Envelopes placed[words]  `yaml:"envelopes"`
}

// A position is a place in a file, from 1; 0 is none.
type position scenario.Position

func positionOf(node ast.Node) position { return position(scenario.PositionOf(node)) }

// A misfit is something wrong at a place of a description.
type misfit struct {
	at     position
	reason string
}

func (m *misfit) Error() string { return m.reason }

func (p position) wrong(format string, args ...any) error {
	return &misfit{p, fmt.Sprintf(format, args...)}
}

// A placed is a value and where it stands. It is set unless it is left out or null.
type placed[T any] struct {
	value T
	at    position
	set   bool
}

// UnmarshalYAML takes the value of a node.
func (p *placed[T]) UnmarshalYAML(node ast.Node) error {
	if p.at = positionOf(node); node.Type() == ast.NullType {
		return nil
	}
	p.set = true
	kind, fits := "a text", true
	switch any(p.value).(type) {
	case int:
		kind, fits = "a whole number", node.Type() == ast.IntegerType // else it would be rounded
	case float64:
		kind = "a number"
	}
	err := yaml.NodeToValue(node, &p.value)
	if m := (*misfit)(nil); fits && err == nil || errors.As(err, &m) {
		return err
	}
	return p.at.wrong("%s should be here, not %s", kind, abridged(node.String()))
}

// abridged makes a piece of a file fit into a line.
func abridged(text string) string {
	const most = 40
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// words are a list of texts, or one text in which commas separate them.
type words []string

// UnmarshalYAML takes either form.
func (w *words) UnmarshalYAML(node ast.Node) error {
	var one string
	switch node.(type) {
	case *ast.SequenceNode:
		if yaml.NodeToValue(node, (*[]string)(w)) == nil {
			return nil
		}
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		if yaml.NodeToValue(node, &one) == nil {
			for word := range strings.SplitSeq(one, ",") {
				*w = append(*w, strings.TrimSpace(word))
			}
			return nil
		}
	}
	return positionOf(node).wrong("a list of texts should be here, not %s", abridged(node.String()))
}

// UnmarshalYAML takes a bare name for an action of version 1 without flags.
func (a *describedAction) UnmarshalYAML(node ast.Node) error {
	a.at = positionOf(node)
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		if err := yaml.NodeToValue(node, &a.actionFields, yaml.Strict()); err != nil {
			return err
		}
	default:
		if err := a.Name.UnmarshalYAML(node); err != nil {
			return err
		}
	}
	if !a.Name.set || a.Name.value == "" {
		return a.at.wrong("the action has no name")
	}
	if a.Version.set && a.Version.value < 1 {
		return a.Version.at.wrong("the version is %d; versions count from 1", a.Version.value)
	}
	return nil
}

func (a *describedAction) action() discovery.Action {
	return discovery.Action{
		Name: a.Name.value, Version: a.Version.value, Flags: strings.Join(a.Flags.value, ","), Sector: a.Sector.value, Envelopes: a.Envelopes.value,
	}
}

// readDescription reads a YAML description. Errors have the line and the column.
func readDescription(file string, text []byte) (*description, error) {
	if at, deep := scenario.TooDeep(text); deep {
		return nil, fmt.Errorf("%s:%d:%d: there are too many things within each other", file, at.Line, at.Column)
	}
	d := new(description)
	err := yaml.UnmarshalWithOptions(text, d, yaml.Strict())
	switch e := yaml.Error(nil); {
	case errors.As(err, &e) && e.GetToken() != nil:
		at := e.GetToken().Position
		return nil, fmt.Errorf("%s:%d:%d: %s", file, at.Line, at.Column, plainer(e.GetMessage()))
	case err != nil:
		return nil, located(file, err)
	}
	switch {
	case !d.Name.set && !d.Ident.set:
		return nil, fmt.Errorf("%s: the service has no name: a description has a line such as name: ledger", file)
	case !d.URI.set:
		return nil, fmt.Errorf("%s: the service has no uri: a description has a line such as uri: beepish+tls://127.0.0.1:30100", file)
	}
	return d, nil
}

// plainer says in other words what the reader of YAML says.
func plainer(message string) string {
	return strings.NewReplacer("string was used", "a text stands", "mapping was used", "a mapping stands", "sequence was used", "a list stands",
		"where mapping is", "where key: value is", "where sequence is", "where a list is").Replace(message)
}

// located puts the file, and the place where it is known, before an error.
func located(file string, err error) error {
	m := new(misfit)
	if errors.As(err, &m) && m.at.Line > 0 {
		return fmt.Errorf("%s:%d:%d: %s", file, m.at.Line, m.at.Column, m.reason)
	}
	return fmt.Errorf("%s: %s", file, unprefixed(err))
}

// announcement is what the description says, with defaults for what it leaves out.
func (d *description) announcement(now time.Time) (*discovery.Announcement, error) {
	a := &discovery.Announcement{Sector: "main", Weight: 1, Interval: 5000, URI: d.URI.value, Envelopes: []string{"json"}}
	if a.Ident = d.Ident.value; a.Ident == "" {
		a.Ident = discovery.NewIdent(d.Name.value)
	}
	if d.Sector.set {
		a.Sector = d.Sector.value
	}
	if d.Envelopes.set {
		a.Envelopes = d.Envelopes.value
	}
	if d.Weight.set {
		a.Weight = d.Weight.value
	}
	if d.Interval.set {
		interval, err := time.ParseDuration(d.Interval.value)
		if err != nil || interval < time.Millisecond {
			return nil, d.Interval.at.wrong("the interval %q is not a time such as 5s or 500ms", d.Interval.value)
		}
		a.Interval = float64(interval.Milliseconds())
	}
	if a.Timestamp = d.Timestamp.value; !d.Timestamp.set {
		a.Timestamp = new(discovery.Clock).Next(now)
	}
	for i := range d.Actions {
		a.Actions = append(a.Actions, d.Actions[i].action())
	}
	return a, nil
}

// sign makes the packet of a description. An error has the place of what cannot be announced.
func (d *description) sign(signer *discovery.Signer, form discovery.Form) ([]byte, error) {
	a, err := d.announcement(time.Now())
	if err != nil {
		return nil, err
	}
	packet, err := signer.Sign(a, form)
	if err == nil {
		return packet, nil
	}
	part := *a // which part of it is wrong?
	part.Actions = nil
	if _, wrong := signer.Sign(&part, form); wrong != nil {
		return nil, d.field(unprefixed(wrong)).wrong("%s", unprefixed(wrong))
	}
	for i := range a.Actions {
		part.Actions = a.Actions[i : i+1]
		if _, wrong := signer.Sign(&part, form); wrong != nil {
			return nil, d.Actions[i].at.wrong("%s", unprefixed(wrong))
		}
	}
	return nil, err
}

// field is the place of the field that a complaint begins with.
func (d *description) field(complaint string) position {
	for name, at := range map[string]position{
		"the URI ": d.URI.at, "weight ": d.Weight.at, "interval ": d.Interval.at, "timestamp ": d.Timestamp.at, "sector ": d.Sector.at,
	} {
		if strings.HasPrefix(complaint, name) {
			return at
		}
	}
	return position{}
}

// oneLine makes one line of the JSON text of an announcement, which is signed as it stands otherwise. An error has the line and
// the column.
func oneLine(file string, text []byte) ([]byte, error) {
	if text = bytes.TrimRight(text, " \t\r\n"); !bytes.ContainsAny(text, "\r\n") && json.Valid(text) {
		return text, nil
	}
	if e := new(json.SyntaxError); errors.As(json.Unmarshal(text, new(json.RawMessage)), &e) {
		before := text[:min(max(int(e.Offset)-1, 0), len(text))]
		at := position{1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')}
		return nil, located(file, at.wrong("this is no JSON: %s", visible(e.Error())))
	}
	var line bytes.Buffer
	err := json.Compact(&line, text)
	return line.Bytes(), err
}
