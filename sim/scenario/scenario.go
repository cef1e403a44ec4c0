package scenario

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A Scenario is what a file describes. It does not change when it runs, and can run
// many times at once.
type Scenario struct {
	File     string // as it was named
	Digest   string // SHA-256 of its text, in hexadecimal
	About    string
	Seed     uint64
	Duration time.Duration

	front      bool // the services are real ones: see ParseFaults
	tls        bool
	link       linkProfile
	links      []linkRule
	services   []service
	requesters []requester
	faults     []fault
	expect     []expectation
	places     map[string]place
}

// A place is what a name of a file stands for: hosts.
type place struct {
	hosts   []string
	service bool // of instances; else of requesters
	outside bool // of neither: of programs that call a run in real time
}

// Parse reads a scenario. An error is Problems, in the order of the file.
func Parse(file string, text []byte) (*Scenario, error) {
	r := &reader{file: file}
	digest := sha256.Sum256(text)
	s := &Scenario{File: file, Digest: hex.EncodeToString(digest[:]), Seed: 1, Duration: time.Minute, places: map[string]place{}}
	s.link.preset = "lan"
	s.link.Profile, _ = simnet.Preset("lan")
	if root := r.plain(r.parse(text)); root != nil {
		s.read(r, root, "a scenario", s.fields())
	}
	if err := r.problems.sorted(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Scenario) fields() []field {
	return []field{
		text("about", "What is tried, in plain words.", &s.About),
		whole("seed", "The seed of everything random; 1 if left out. --seed takes another.", &s.Seed, 0, 1<<64-1),
		lasting("duration", "How long it runs, in virtual time; 1m if left out.", "a run takes some, such as 1m", &s.Duration),
		boolean("tls", "Connections are those of production, with TLS. Without it a run costs less, and the transcript has checksums of contents.", &s.tls),
		profile("link", "How links behave that have no profile of their own; lan if left out.", &s.link),
		list("links", "Links with a profile of their own. Later ones come first.", "a link", &s.links, linkFields, func(*reader, *linkRule, Position, map[string]Position) {}),
		list("services", "The fake services.", "a service", &s.services, serviceFields, readService).must(),
		list("requesters", "The programs that call them.", "a requester", &s.requesters, requesterFields, readRequester).must(),
		list("faults", "What goes wrong, and when.", "a fault", &s.faults, faultFields, readFault),
		expectations("expect", "What must have come of it in the end, such as success >= 99.9%.", &s.expect),
	}
}

// Schema is the JSON Schema of scenario files.
func Schema() map[string]any {
	s := objectSchema(new(Scenario).fields())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "A scenario of scamp-sim"
	return s
}

// read reads a file, and looks at what depends on several of its parts, where these are
// as they should be: what follows from another mistake is none.
func (s *Scenario) read(r *reader, root ast.Node, what string, fields []field) {
	flawed, told := map[string]bool{}, 0
	for i, f := range fields {
		fields[i].read = func(r *reader, n ast.Node) {
			before := len(r.problems)
			f.read(r, n)
			flawed[f.name] = len(r.problems) > before
			told += len(r.problems) - before
		}
	}
	keys := r.object(root, what, fields)
	for _, f := range fields {
		if _, ok := keys[f.name]; !ok && told < len(r.problems) { // something is missing, or has a wrong name
			flawed[f.name] = true
		}
	}
	s.check(r, flawed)
}

// check looks at what depends on several parts.
func (s *Scenario) check(r *reader, flawed map[string]bool) {
	s.places[sim.Outside] = place{hosts: []string{sim.Outside}, outside: true}
	for i := range s.services {
		s.claim(r, s.services[i].at, s.services[i].Name, place{hosts: s.services[i].hosts(), service: true})
	}
	for i := range s.requesters {
		s.claim(r, s.requesters[i].at, s.requesters[i].Name, place{hosts: s.requesters[i].hosts()})
		for _, l := range s.requesters[i].loads {
			if !flawed["services"] {
				s.offered(r, l, s.requesters[i].Sector)
			}
		}
	}
	known := !flawed["services"] && !flawed["requesters"]
	for i := range s.links {
		if l := &s.links[i]; known {
			l.from, l.to = s.hostsOf(r, l.between[0], "any"), s.hostsOf(r, l.between[1], "any")
		}
	}
	names := map[string]bool{}
	for i := range s.faults {
		f := &s.faults[i]
		if known {
			s.resolve(r, f)
		}
		if f.when >= s.Duration && !flawed["duration"] {
			r.wrong(f.at, "at %v the run has ended, after %v", f.when, s.Duration)
		}
		if names[f.name] {
			r.wrong(f.at, "there are two faults called %q: give one of them another name", f.name)
		}
		names[f.name] = true
	}
	for i := range s.expect {
		e := &s.expect[i]
		if !flawed["requesters"] {
			s.checkExpectation(r, e)
		}
		if e.from >= s.Duration && !flawed["duration"] {
			r.wrong(e.at, "from %v: the run has ended, after %v", e.from, s.Duration)
		}
	}
}

// claim takes the names of an actor.
func (s *Scenario) claim(r *reader, at Position, name string, p place) {
	all := p.hosts
	if !slices.Contains(all, name) {
		all = append([]string{name}, all...)
	}
	for _, n := range all {
		if n == sim.Outside {
			r.wrong(at, "%s is the name of programs that are not simulated: choose another", n)
			return
		}
		if _, taken := s.places[n]; taken {
			r.wrong(at, "there are two that are called %s", n)
			return
		}
	}
	for _, n := range p.hosts {
		s.places[n] = place{hosts: []string{n}, service: p.service}
	}
	s.places[name] = p
}

// hostsOf returns the hosts of a name; what is any, an instance, a requester, or a
// cache: who reads it.
func (s *Scenario) hostsOf(r *reader, name placed, what string) []string {
	p, ok := s.places[name.text]
	fits := func(p place) bool {
		return what == "any" || p.service == (what == "instance") && (!p.outside || what == "cache")
	}
	if ok && fits(p) {
		return p.hosts
	}
	var known []string
	for n, p := range s.places {
		if fits(p) {
			known = append(known, n)
		}
	}
	slices.Sort(known)
	switch {
	case ok && p.outside:
		r.wrong(name.at, "%s is no part of the simulation: only its links and its cache can have faults; %s", name.text, hint(name.text, known))
	case ok && what == "instance":
		r.wrong(name.at, "%s is a requester; a service or one of its instances should be here: %s", name.text, hint(name.text, known))
	case ok:
		r.wrong(name.at, "%s is a service; a requester should be here: %s", name.text, hint(name.text, known))
	default:
		r.wrong(name.at, "nothing is called %q; %s", abridged(name.text), hint(name.text, known))
	}
	return nil
}

// offered checks that there is an action to call, in a sector.
func (s *Scenario) offered(r *reader, l load, sector string) {
	sector = cmp.Or(sector, "main")
	name, version, err := parseAction(l.Action)
	if err != nil {
		r.wrong(l.at, "%v", err)
		return
	}
	version = max(version, 1)
	var known []string
	elsewhere := ""
	for i := range s.services {
		in := cmp.Or(s.services[i].Sector, "main")
		for _, a := range s.services[i].Actions {
			if strings.EqualFold(a.Name, name) && max(a.Version, 1) == version {
				if in == sector {
					return
				}
				elsewhere = fmt.Sprintf("%s offers it in the sector %s", s.services[i].Name, in)
			}
			known = append(known, fmt.Sprintf("%s~%d", a.Name, max(a.Version, 1)))
		}
	}
	if elsewhere == "" {
		elsewhere = hint(name+"~"+strconv.Itoa(version), known)
	}
	r.wrong(l.at, "no service of the sector %s offers %s~%d; %s", sector, name, version, elsewhere)
}

// exists checks that messages can be of an action, where services are described with
// their actions. Those of the library itself, _meta, always exist.
func (s *Scenario) exists(r *reader, at Position, action string) {
	name, version, err := parseAction(action)
	if err != nil {
		r.wrong(at, "%v", err)
		return
	}
	var known []string
	for i := range s.services {
		for _, a := range s.services[i].Actions {
			if strings.EqualFold(a.Name, name) && (version == 0 || version == max(a.Version, 1)) {
				return
			}
			known = append(known, a.Name)
		}
	}
	if known != nil && !strings.HasPrefix(name, "_meta.") {
		r.wrong(at, "no service offers %s; %s", action, hint(name, known))
	}
}

// parseAction reads Name or Name~VERSION; without a version it is 0.
func parseAction(text string) (name string, version int, err error) {
	name, v, ok := strings.Cut(text, "~")
	if ok {
		if version, err = strconv.Atoi(v); err != nil || version < 1 {
			return "", 0, fmt.Errorf("the version of %s is no number", text)
		}
	}
	return name, version, nil
}

// Instances returns the names of all instances, in the order of the file.
func (s *Scenario) Instances() (all []string) {
	for i := range s.services {
		all = append(all, s.services[i].hosts()...)
	}
	return all
}

// Sectors returns the sectors of the services, sorted.
func (s *Scenario) Sectors() []string {
	var all []string
	for i := range s.services {
		all = append(all, cmp.Or(s.services[i].Sector, "main"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
