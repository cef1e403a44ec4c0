package scenario

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

// packetRule is what a packet fault says: which packets it is about, and what is done
// to them.
type packetRule struct {
	from   string // requester or service; "" is both
	types  []placed
	action string

	actionAt Position

	header []placed
	number uint64
	nth    int
	oneIn  int
	most   int
	share  float64

	substitute []placed
	flip       int
	truncate   int
	replace    string
	before     placed
	after      placed
	duplicate  int
	delay      sim.Dist
	hold       bool
	throttle   int
	reorder    bool
	drop       bool
	close      string
	withhold   float64

	said map[string]bool // the keys that are there
}

var packetTypes = []string{"HEADER", "DATA", "EOF", "TXERR", "ACK", "PING", "PONG"}

// packetMatches and packetActions are the keys that say which packets, and what is done.
var (
	packetMatches = []string{"from", "type", "action", "header", "number", "nth", "one_in", "most", "share"}
	packetActions = []string{"substitute", "flip", "truncate", "replace", "inject_before", "inject_after", "duplicate", "delay", "hold", "throttle", "reorder", "drop", "close"}
)

func packetFields(p *packetRule) []field {
	types := words("type", "Of packets: their types, such as ACK or [DATA, EOF]; all if left out.", &p.types)
	types.schema = map[string]any{"oneOf": []any{map[string]any{"enum": packetTypes}, map[string]any{"type": "array", "items": map[string]any{"enum": packetTypes}, "minItems": 1}}}
	substitute := pair("substitute", "Of packets: octets of the body, and what stands in their place then.", &p.substitute)
	return []field{
		choice("from", "Of packets and slow_acks: who sends them; both if left out.", &p.from, []string{"requester", "service"}),
		types,
		text("action", "Of packets: of messages of this action, Namespace.name or with ~VERSION; replies, and acknowledgements, have that of their request.", &p.action),
		words("header", "Of packets: of messages whose header has these members, such as error_code=busy.", &p.header),
		whole("number", "Of packets: of the message with this number.", &p.number, 0, 1<<53),
		whole("nth", "Of packets: only the n-th of those, in each direction of each connection.", &p.nth, 1, 1<<30),
		whole("one_in", "Of packets: only every n-th of those.", &p.oneIn, 2, 1<<30),
		whole("most", "Of packets: at most so many, in each direction of each connection.", &p.most, 1, 1<<30),
		share("share", "Of packets: only this share of those, at random.", &p.share),
		substitute,
		whole("flip", "Of packets: so many octets of the body become other ones, at random places.", &p.flip, 1, 1<<17),
		size("truncate", "Of packets: at most so many octets are left of the body.", &p.truncate),
		text("replace", "Of packets: this body stands in the place of theirs.", &p.replace),
		injected("inject_before", "Of packets: another one that comes before, such as PING 0, or DATA = more; = is the number of the packet.", &p.before),
		injected("inject_after", "Of packets: another one that comes after.", &p.after),
		whole("duplicate", "Of packets: how often they come again.", &p.duplicate, 1, 1000),
		times("delay", "Of packets and slow_acks: how much later they come.", &p.delay),
		boolean("hold", "Of packets: they come when the fault is over.", &p.hold),
		size("throttle", "Of packets: so many octets of them pass in a second, such as 64KiB/s.", &p.throttle),
		boolean("reorder", "Of packets: they change places with the next one.", &p.reorder),
		boolean("drop", "Of packets: they never come.", &p.drop),
		choice("close", "Of packets: the connection is closed before, within or after the packet.", &p.close, []string{"before", "within", "after"}),
		share("withhold", "Of slow_acks: the share of acknowledgements that never come.", &p.withhold),
	}
}

// injected is a packet as a text: TYPE NUMBER BODY, where a number = is that of the
// packet that was met.
func injected(name, doc string, to *placed) field {
	return value(name, doc, "a packet", textSchema, func(p placed) error {
		*to = p
		_, err := parsePacket(p.text)
		return err
	})
}

func parsePacket(text string) (func(interpose.Packet) interpose.Packet, error) {
	typ, rest, _ := strings.Cut(text, " ")
	number, body, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(number, 10, 53)
	switch {
	case !slices.Contains(packetTypes, typ):
		return nil, fmt.Errorf("%q is no packet: begin with one of %s", abridged(text), strings.Join(packetTypes, ", "))
	case err != nil && number != "=":
		return nil, fmt.Errorf("%q is no packet: behind %s stands the number of its message, or = for that of the packet that was met", abridged(text), typ)
	}
	return func(met interpose.Packet) interpose.Packet {
		p := interpose.Packet{Type: typ, Number: n, Body: []byte(body)}
		if number == "=" {
			p.Number = met.Number
		}
		return p
	}, nil
}

// readPackets checks what a packet fault says.
func (f *fault) readPackets(r *reader, keys map[string]Position) {
	if f.what != "packets" && f.what != "slow_acks" {
		return
	}
	p := &f.packets
	p.said = map[string]bool{}
	for key := range maps.Keys(keys) {
		p.said[key] = true
	}
	p.actionAt = keys["action"]
	said := func(key string) bool { return p.said[key] }
	switch {
	case f.what == "slow_acks" && !said("delay") && !said("withhold"):
		r.wrong(keys[f.what], "slow_acks needs delay, or withhold, or both")
	case f.what == "packets" && !slices.ContainsFunc(packetActions, said):
		r.wrong(keys[f.what], "packets needs what is done to them: %s", strings.Join(packetActions, ", "))
	}
	for _, key := range []string{"hold", "reorder", "drop"} {
		if on := map[string]bool{"hold": p.hold, "reorder": p.reorder, "drop": p.drop}[key]; said(key) && !on {
			r.wrong(keys[key], "%s: false is as if it were left out", key)
		}
	}
	for _, t := range p.types {
		if !slices.Contains(packetTypes, t.text) {
			r.wrong(t.at, "there are no packets of type %q; %s", abridged(t.text), hint(t.text, packetTypes))
		}
	}
	for _, h := range p.header {
		if name, _, ok := strings.Cut(h.text, "="); !ok || name == "" {
			r.wrong(h.at, "%q is no member of a header: write such as error_code=busy", abridged(h.text))
		}
	}
	for _, key := range []string{"throttle", "share", "withhold"} {
		if on := map[string]float64{"throttle": float64(p.throttle), "share": p.share, "withhold": p.withhold}[key]; said(key) && on == 0 {
			r.wrong(keys[key], "%s: a fault of nothing cannot be met", key)
		}
	}
	if name, version, ok := strings.Cut(p.action, "~"); ok {
		if n, err := strconv.Atoi(version); err != nil || n < 1 || name == "" {
			r.wrong(keys["action"], "the version of %s is no number", abridged(p.action))
		}
	}
}

// what is done to which packets, for the name of the fault.
func (p *packetRule) describe() string {
	var all []string
	if p.from != "" {
		all = append(all, "from the "+p.from)
	}
	for _, t := range p.types {
		all = append(all, t.text)
	}
	for _, key := range packetActions {
		if p.said[key] {
			all = append(all, key)
		}
	}
	if p.close != "" {
		all = append(all, p.close)
	}
	return strings.Join(all, " ")
}

// resolvePackets finds the ends of the connections that a packet fault is on.
func (s *Scenario) resolvePackets(r *reader, f *fault) {
	if len(f.between) != 2 || f.from == nil || f.to == nil {
		return
	}
	isService := func(p placed) bool { return s.places[p.text].service }
	if isService(f.between[0]) == isService(f.between[1]) {
		r.wrong(f.between[0].at, "%s: one of the two is a service or an instance, and the other one calls it, such as [web, shop]", f.what)
		return
	}
	f.hosts, f.peers = f.from, f.to
	if isService(f.between[1]) {
		f.hosts, f.peers = f.to, f.from
	}
}

// rules are those of the fault, as instances see packets.
func (p *packetRule) rules(what string) []*interpose.Rule {
	from := map[string]interpose.Direction{"": interpose.Both, "requester": interpose.In, "service": interpose.Out}[p.from]
	if what == "slow_acks" {
		var all []*interpose.Rule
		if p.said["withhold"] {
			all = append(all, interpose.WithheldAcks(from, p.withhold))
		}
		if p.said["delay"] {
			all = append(all, interpose.SlowAcks(from, p.delay.Duration))
		}
		return all
	}
	m := interpose.Match{From: from, Nth: p.nth, Every: p.oneIn, Most: p.most, Share: p.share}
	for _, t := range p.types {
		m.Types = append(m.Types, t.text)
	}
	if p.said["number"] {
		m.Number = &p.number
	}
	if p.action != "" || len(p.header) > 0 {
		m.Header, m.Follow = map[string]string{}, true
	}
	for _, h := range p.header {
		name, text, _ := strings.Cut(h.text, "=")
		m.Header[name] = text
	}
	if p.action != "" {
		name, version, ok := strings.Cut(p.action, "~")
		if !ok {
			version = "1"
		}
		m.Header["action"], m.Header["version"] = name, version
	}
	return []*interpose.Rule{{Match: m, Do: p.actions()}}
}

// actions are what is done to a packet, in the order of packetActions.
func (p *packetRule) actions() (all []interpose.Action) {
	do := map[string]func() interpose.Action{
		"substitute": func() interpose.Action {
			return interpose.Substitute([]byte(p.substitute[0].text), []byte(p.substitute[1].text))
		},
		"flip":     func() interpose.Action { return interpose.Flip(p.flip) },
		"truncate": func() interpose.Action { return interpose.Truncate(p.truncate) },
		"replace": func() interpose.Action {
			return interpose.Alter(func(_ *rand.Rand, q interpose.Packet) interpose.Packet {
				q.Body = []byte(p.replace)
				return q
			})
		},
		"inject_before": func() interpose.Action { return interpose.InjectBefore(packetOf(p.before)) },
		"inject_after":  func() interpose.Action { return interpose.InjectAfter(packetOf(p.after)) },
		"duplicate":     func() interpose.Action { return interpose.Duplicate(p.duplicate) },
		"delay":         func() interpose.Action { return interpose.Delay(p.delay.Duration) },
		"hold":          func() interpose.Action { return interpose.Hold(0) },
		"throttle":      func() interpose.Action { return interpose.Throttle(p.throttle) },
		"reorder":       func() interpose.Action { return interpose.Reorder(0) },
		"drop":          interpose.Drop,
		"close": func() interpose.Action {
			return map[string]func() interpose.Action{"before": interpose.CloseBefore, "within": interpose.CloseAmid, "after": interpose.CloseAfter}[p.close]()
		},
	}
	for _, key := range packetActions {
		if p.said[key] {
			all = append(all, do[key]())
		}
	}
	return all
}

// packetOf is an injected packet that has been read.
func packetOf(p placed) func(interpose.Packet) interpose.Packet {
	packet, _ := parsePacket(p.text)
	return packet
}

// onPackets puts a packet fault on its connections, at the ends of the instances.
func (p *play) onPackets(f *fault) (begin, end func()) {
	x := p.w.Packets(sim.PacketSpec{Name: f.name, At: f.hosts, Peers: f.peers, Rules: f.packets.rules(f.what)})
	begun := false
	return func() {
			begun = true
			x.Begin()
			p.note(f, "begins")
		}, func() {
			if begun {
				x.End()
				p.note(f, "is over")
			}
		}
}
