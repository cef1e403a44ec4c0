package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A fault is something that goes wrong at a time.
type fault struct {
	at    Position
	name  string
	what  string        // a key of faultKinds
	when  time.Duration // since the beginning
	lasts time.Duration // 0: for good

	names   []placed // what it happens to
	profile linkProfile
	kind    string // of a cache fault
	between []placed
	of      []placed
	knows   []placed
	times   float64
	by      time.Duration
	every   time.Duration
	down    time.Duration
	oneWay  bool
	packets packetRule

	hosts    []string // what names stand for
	from, to []string // the hosts of its links
	known    []string // the instances of knows
	peers    []string // of packets: at the other ends of the connections of hosts
}

// A faultKind says which keys go with a kind of fault.
type faultKind struct {
	doc   string
	needs []string
	takes []string
	whom  string // what its names stand for: instance, requester, any, or the links of a pair
}

var faultKinds = map[string]faultKind{
	"kill":      {"Ends instances as if their processes were killed; after for, they are started.", nil, []string{"for"}, "instance"},
	"shutdown":  {"Stops instances in good order; after for, they are started.", nil, []string{"for"}, "instance"},
	"crash":     {"Stops the hosts of instances: who talks to them hears nothing; after for, they are started.", nil, []string{"for"}, "instance"},
	"start":     {"Starts instances that do not run.", nil, nil, "instance"},
	"restart":   {"Kills instances and starts them at once.", nil, nil, "instance"},
	"rolling":   {"Restarts the instances of a service in good order, one after the other.", nil, []string{"every", "down"}, "instance"},
	"pause":     {"Stops instances as if they were out of memory: nothing comes from them or reaches them; after for, they go on.", nil, []string{"for"}, "instance"},
	"resume":    {"Ends a pause.", nil, nil, "instance"},
	"slow":      {"Lets instances take several times as long for each request.", []string{"times"}, []string{"for"}, "instance"},
	"partition": {"Lets nothing pass between two; after for, what was held arrives.", nil, []string{"for", "one_way"}, "pair"},
	"reset":     {"Resets all connections between two.", nil, nil, "pair"},
	"profile":   {"Gives the links between two another profile.", []string{"between"}, []string{"for", "one_way"}, "between"},
	"cache":     {"Breaks the discovery cache of requesters, or of all of them.", nil, []string{"for", "of", "by", "knows"}, "of"},
	"clock":     {"Puts the clocks of hosts wrong.", []string{"by"}, []string{"for"}, "any"},
	"packets":   {"Does something to packets between requesters and services, above TLS.", nil, slices.Concat([]string{"for"}, packetMatches, packetActions), "pair"},
	"slow_acks": {"Lets acknowledgements between requesters and services come late, or never.", nil, []string{"for", "from", "delay", "withhold"}, "pair"},
}

// cacheKinds are what can be wrong with a cache.
var cacheKinds = []string{"missing", "stale", "frozen", "lag", "torn", "corrupt", "forged", "split"}

// verbs are the kinds of faults, sorted.
func verbs() []string { return slices.Sorted(maps.Keys(faultKinds)) }

func faultFields(f *fault) []field {
	fields := []field{
		duration("at", "When it happens, since the beginning of the run.", &f.when).must(),
		lasting("for", "How long it lasts; for good if left out.", "such a fault cannot be met; without for it is for good", &f.lasts),
		called("name", "What reports call it.", &f.name),
	}
	for _, verb := range verbs() {
		k := faultKinds[verb]
		var one field
		switch {
		case verb == "profile":
			one = profile(verb, k.doc, &f.profile)
		case verb == "cache":
			one = choice(verb, k.doc, &f.kind, cacheKinds)
		case k.whom == "pair":
			one = pair(verb, k.doc, &f.between)
		default:
			one = words(verb, k.doc, &f.names)
		}
		fields = append(fields, one)
	}
	fields = append(fields,
		number("times", "Of slow: how many times as long.", &f.times, 1e6),
		pair("between", "Of profile: two names of services, instances or requesters.", &f.between),
		boolean("one_way", "Of partition and profile: only from the first to the second.", &f.oneWay),
		words("of", "Of cache: the requesters; all if left out.", &f.of),
		words("knows", "Of cache: split: the services and instances that it knows.", &f.knows),
		signed("by", "Of clock: how far it is ahead; below 0 behind. Of cache: lag: how old it is.", &f.by),
		lasting("every", "Of rolling: the time between two restarts; 1s if left out.", "there is some between two restarts, if only 1ms", &f.every),
		duration("down", "Of rolling: how long an instance is down.", &f.down),
	)
	return append(fields, packetFields(&f.packets)...)
}

// readFault checks that the keys go together.
func readFault(r *reader, f *fault, at Position, keys map[string]Position) {
	f.at = at
	var found []string
	for _, v := range verbs() {
		if _, ok := keys[v]; ok {
			found = append(found, v)
		}
	}
	if len(found) != 1 {
		what := "says not what happens"
		if len(found) > 1 {
			what = "does several things: " + strings.Join(found, ", ")
		}
		r.wrong(at, "the fault %s; it is one of %s", what, strings.Join(verbs(), ", "))
		return
	}
	f.what = found[0]
	k := faultKinds[f.what]
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if key != "at" && key != "name" && key != f.what && !slices.Contains(k.needs, key) && !slices.Contains(k.takes, key) {
			r.wrong(keys[key], "%s does not go with %s", key, f.what)
		}
	}
	for _, key := range k.needs {
		if _, ok := keys[key]; !ok {
			r.wrong(keys[f.what], "%s needs %s", f.what, key)
		}
	}
	f.readCache(r, keys)
	f.readPackets(r, keys)
	if f.what == "rolling" && f.every == 0 {
		f.every = time.Second
	}
	if f.name == "" {
		f.name = f.describe()
	}
}

func (f *fault) readCache(r *reader, keys map[string]Position) {
	if f.what != "cache" {
		return
	}
	if p, ok := keys["by"]; ok != (f.kind == "lag") || ok && f.by <= 0 {
		if !ok {
			p = keys["cache"]
		}
		r.wrong(p, "cache: lag, and no other, needs by: how old the file is")
	}
	if p, ok := keys["knows"]; ok != (f.kind == "split") {
		if !ok {
			p = keys["cache"]
		}
		r.wrong(p, "cache: split, and no other, needs knows: what the file has")
	}
}

// describe is what a fault without a name is called.
func (f *fault) describe() string {
	var what []string
	for _, p := range slices.Concat(f.names, f.of) {
		what = append(what, p.text)
	}
	var joint string
	if len(f.between) == 2 {
		joint = f.between[0].text + " and " + f.between[1].text
		if f.oneWay {
			joint = f.between[0].text + " to " + f.between[1].text
		}
	}
	name := f.what
	if f.kind != "" {
		name += " " + f.kind
	}
	if joint != "" {
		name += " " + joint
	}
	if len(what) > 0 {
		name += " " + strings.Join(what, ", ")
	}
	if f.what == "packets" {
		name += " " + f.packets.describe()
	}
	return fmt.Sprintf("%s at %v", name, f.when)
}

// resolve finds the hosts that a fault is about.
func (s *Scenario) resolve(r *reader, f *fault) {
	find := func(names []placed, what string) (all []string) {
		for _, n := range names {
			all = append(all, s.hostsOf(r, n, what)...)
		}
		slices.Sort(all)
		if before := len(all); len(slices.Compact(all)) != before {
			r.wrong(names[0].at, "%s: something is named twice", f.what)
		}
		return all
	}
	switch whom := faultKinds[f.what].whom; whom {
	case "pair", "between":
		f.from, f.to = s.hostsOf(r, f.between[0], "any"), s.hostsOf(r, f.between[1], "any")
		if f.packets.said != nil {
			s.resolvePackets(r, f)
		}
		if f.packets.action != "" {
			s.exists(r, f.packets.actionAt, f.packets.action)
		}
	case "of":
		f.hosts = find(f.of, "cache")
		f.known = find(f.knows, "instance")
		if len(f.of) == 0 {
			for i := range s.requesters {
				f.hosts = append(f.hosts, s.requesters[i].hosts()...)
			}
		}
	default:
		f.hosts = find(f.names, whom)
	}
	if s.front {
		f.inFront(r)
	}
}
