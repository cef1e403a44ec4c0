package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A reader reads a YAML file and collects what is wrong with it.
type reader struct {
	file     string
	problems Problems
	anchors  map[string]ast.Node
}

// parse returns the root of a file; nil if it is empty, or no YAML.
func (r *reader) parse(text []byte) ast.Node {
	r.anchors = map[string]ast.Node{}
	if wide(text) {
		r.wrong(Position{1, 1}, "the file is UTF-16: write it as UTF-8")
		return nil
	}
	text = unmarked(text)
	if at, deep := TooDeep(text); deep {
		r.wrong(at, "there are more than %d things within each other", mostNested)
		return nil
	}
	file, err := parser.ParseBytes(text, 0)
	switch e := yaml.Error(nil); {
	case errors.As(err, &e) && e.GetToken() != nil:
		at := e.GetToken().Position
		r.wrong(Position{at.Line, at.Column}, "%s", e.GetMessage())
		return nil
	case err != nil:
		r.wrong(Position{}, "%v", err)
		return nil
	}
	var root ast.Node
	for _, d := range file.Docs {
		switch {
		case d.Body == nil:
		case root != nil:
			r.wrong(PositionOf(d.Body), "a second document: a file has one scenario")
		default:
			root = d.Body
		}
	}
	if root == nil {
		r.wrong(Position{1, 1}, "the file is empty: a scenario has at least services and requesters")
	}
	return root
}

func (r *reader) wrong(at Position, format string, args ...any) {
	r.problems = append(r.problems, &Problem{r.file, at, fmt.Sprintf(format, args...)})
}

// PositionOf is where a node of a YAML file begins; of a mapping, where its first key does.
func PositionOf(node ast.Node) Position {
	switch n := node.(type) { // whose token is the colon
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return PositionOf(n.Values[0])
		}
	case *ast.MappingValueNode:
		return PositionOf(n.Key)
	}
	if t := node.GetToken(); t != nil && t.Position != nil {
		return Position{t.Position.Line, t.Position.Column}
	}
	return Position{}
}

// plain resolves anchors, aliases and tags.
func (r *reader) plain(n ast.Node) ast.Node {
	for range 100 {
		switch x := n.(type) {
		case *ast.AnchorNode:
			r.anchors[x.Name.GetToken().Value] = x.Value
			n = x.Value
		case *ast.AliasNode:
			name := x.Value.GetToken().Value
			to, ok := r.anchors[name]
			if !ok {
				r.wrong(PositionOf(n), "nothing above is called &%s", name)
				return nil
			}
			n = to
		case *ast.TagNode:
			n = x.Value
		case *ast.NullNode:
			return nil
		default:
			return n
		}
	}
	return nil
}

// A placed is a word and where it stands.
type placed struct {
	text string
	at   Position
}

// scalar returns the text of a value that is one; false if there is none, which was
// told.
func (r *reader) scalar(n ast.Node, what string) (placed, bool) {
	p := placed{at: PositionOf(n)}
	switch x := n.(type) {
	case *ast.StringNode:
		p.text = x.Value
	case *ast.LiteralNode:
		p.text = x.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		p.text = n.GetToken().Value
	default:
		r.wrong(p.at, "%s should be here, not %s", what, abridged(n.String()))
		return p, false
	}
	p.text = strings.TrimSpace(p.text)
	return p, true
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

// object reads a mapping. It returns where its keys stand.
func (r *reader) object(n ast.Node, what string, fields []field) map[string]Position {
	var entries []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		entries = x.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{x}
	default:
		r.wrong(PositionOf(n), "%s has keys and values, such as %s: …; here stands %s", what, fields[0].name, abridged(n.String()))
		return nil
	}
	seen := map[string]Position{}
	for _, e := range entries {
		key, at := e.Key.GetToken().Value, PositionOf(e.Key)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key })
		if i < 0 {
			r.wrong(at, "%s has no %q; %s", what, abridged(key), hint(key, names(fields)))
			continue
		}
		if v := r.plain(e.Value); v != nil {
			seen[key] = at
			fields[i].read(r, v)
		}
	}
	for _, f := range fields {
		if _, ok := seen[f.name]; f.required && !ok {
			r.wrong(PositionOf(n), "%s has no %s", what, f.name)
		}
	}
	return seen
}

func names(fields []field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return all
}

// items returns the elements of a list; one value alone is a list of one.
func (r *reader) items(n ast.Node) []ast.Node {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		return []ast.Node{n}
	}
	var all []ast.Node
	for _, v := range s.Values {
		if v = r.plain(v); v != nil {
			all = append(all, v)
		}
	}
	return all
}
