package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// A slot is a name and an address of the proxy that instances of the bus have, one
// after the other.
type slot struct {
	in      *sim.Instance
	is      *discovery.Announcement // nil: free
	to      sim.Remote
	address string // of the proxy
}

// serviceOf is what a service calls itself.
func serviceOf(ident string) string {
	name, _, _ := strings.Cut(ident, ":")
	return name
}

// name is what faults call a service.
func (f *follower) name(service string) string {
	if known := f.names[service]; known != "" {
		return known
	}
	base := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, service)
	base = cmp.Or(base[:min(len(base), 60)], "service")
	name := base
	for n := 2; f.clashes(name); n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	f.names[service] = name
	return name
}

func (f *follower) clashes(name string) bool {
	if scenario.Clash(name, "") {
		return true
	}
	for _, taken := range f.names {
		if scenario.Clash(name, taken) {
			return true
		}
	}
	return false
}

// spare is how many names more than instances a service has: its instances come back
// under new idents before the old ones have left the cache.
func spare(instances int) int { return max(4, instances) }

// fronts are the services of the bus.
func (f *follower) fronts() (all []scenario.Front) {
	for _, a := range f.usable() {
		name := f.name(serviceOf(a.Ident))
		i := slices.IndexFunc(all, func(s scenario.Front) bool { return s.Name == name })
		if i < 0 {
			i = len(all)
			all = append(all, scenario.Front{Name: name})
		}
		all[i].Instances++
	}
	for i := range all {
		all[i].Instances += spare(all[i].Instances)
		for range all[i].Instances {
			f.groups[all[i].Name] = append(f.groups[all[i].Name], new(slot))
		}
		f.slots += all[i].Instances
	}
	return all
}

// place finds a slot for an instance: the first of its service that nobody has, and
// that no connection leads through to somebody else.
func (f *follower) place(a *discovery.Announcement) *slot {
	more := spare(0)
	full := f.slots+more > mostSlots
	if full && f.names[serviceOf(a.Ident)] == "" {
		return nil
	}
	name := f.name(serviceOf(a.Ident))
	for i, s := range f.groups[name] {
		if s.in == nil {
			s.in = f.live.Instance(fmt.Sprintf("%s-%d", name, i+1))
		}
		if open, _ := s.in.Relayed(); s.is == nil && open == 0 {
			return s
		}
	}
	if full {
		return nil
	}
	f.slots += more
	added := f.live.Admit(name, more)
	for _, in := range added {
		f.groups[name] = append(f.groups[name], &slot{in: in})
	}
	return f.groups[name][len(f.groups[name])-more]
}

// free lets a slot have nobody. Connections that exist go on.
func (f *follower) free(s *slot) {
	f.say(fmt.Sprintf("%s: %s is not there any more", s.in.Host(), s.is.Ident))
	s.in.Record(nil)
	delete(f.of, s.is.Identity)
	s.is = nil
}
