package scenario

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A linkProfile says how links behave, in one place of a file.
type linkProfile struct {
	simnet.Profile
	preset, spread string
}

// A linkRule gives some links a profile.
type linkRule struct {
	between []placed
	oneWay  bool
	profile linkProfile

	from, to []string // hosts
}

// profile is a field with the name of a preset, or with properties.
func profile(name, doc string, to *linkProfile) field {
	fields := profileFields(to)
	schema := map[string]any{"oneOf": []any{map[string]any{"enum": simnet.PresetNames()}, objectSchema(fields)}}
	return field{name: name, doc: doc, schema: schema, read: func(r *reader, n ast.Node) {
		switch n.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
			r.properties(n, to)
		default:
			fields[0].read(r, n)
		}
	}}
}

// properties reads a mapping of link properties. The preset counts first, wherever
// it stands.
func (r *reader) properties(n ast.Node, to *linkProfile) {
	before := len(r.problems)
	to.Profile, to.preset = simnet.Profile{}, ""
	r.object(n, "a link", profileFields(to))
	if len(r.problems) > before {
		return
	}
	if to.preset != "" { // once more, over the preset
		fields := profileFields(to)
		fields[0].read = func(*reader, ast.Node) {}
		r.object(n, "a link", fields)
	}
	to.Spread = simnet.Spread(strings.TrimPrefix(to.spread, "uniform"))
	if err := to.Check(); err != nil {
		r.wrong(PositionOf(n), "%s", strings.TrimPrefix(err.Error(), "simnet: "))
	}
}

func profileFields(p *linkProfile) []field {
	preset := choice("preset", "A well-known link, whose properties hold where no others are given.", &p.preset, simnet.PresetNames())
	read := preset.read
	preset.read = func(r *reader, n ast.Node) {
		if read(r, n); p.preset != "" {
			p.Profile, _ = simnet.Preset(p.preset)
		}
	}
	return []field{
		preset,
		duration("latency", "How long an octet takes.", &p.Latency),
		duration("jitter", "What is added to the latency, at random.", &p.Jitter),
		choice("spread", "How jitter is distributed.", &p.spread, []string{"uniform", "normal", "exponential", "pareto"}),
		size("bandwidth", "Octets in a second, such as 1MiB/s; 0 is no limit.", &p.Bandwidth),
		size("buffer", "Octets of a stream that may be on their way or unread; 0 is 256KiB.", &p.Buffer),
		size("segment", "The largest piece in which octets arrive, down to 1; 0 is as they were written.", &p.Segment),
		share("loss", "Share of segments that are lost, and arrive later.", &p.Loss),
		duration("retransmit", "How much later a lost segment arrives at first; 0 is 200ms.", &p.Retransmit),
		share("duplicate", "Share of datagrams that arrive twice.", &p.Duplicate),
		share("reorder", "Share of datagrams that are overtaken.", &p.Reorder),
	}
}

func linkFields(l *linkRule) []field {
	return []field{
		pair("between", "Two names of services, instances or requesters; the links of all instances are meant.", &l.between).must(),
		boolean("one_way", "Only from the first to the second.", &l.oneWay),
		profile("profile", "How these links behave.", &l.profile).must(),
	}
}
