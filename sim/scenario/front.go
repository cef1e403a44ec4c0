package scenario

import (
	"maps"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/sim"
)

// A Front is a service whose instances stand for programs of the operating system.
type Front struct {
	Name      string // as in faults; its instances are NAME-1, NAME-2, …
	Instances int    // names that there are, whether they stand for something or not
}

// ParseFaults reads a file of faults, and of links, for services that run already: what
// it comes to is played in real time with [Scenario.Live]. There, [Live.Instance] and
// [sim.Instance.Lead] say what the instances stand for. Where the file says nothing,
// links take no time. An error is Problems, in the order of the file.
func ParseFaults(file string, text []byte, services []Front) (*Scenario, error) {
	r := &reader{file: file}
	s := &Scenario{File: file, Seed: 1, Duration: longest, front: true, places: map[string]place{}}
	for _, f := range services {
		s.services = append(s.services, f.service())
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		text = []byte("{}")
	}
	if root := r.plain(r.parse(text)); root != nil {
		fields := slices.DeleteFunc(s.fields(), func(f field) bool {
			return !slices.Contains([]string{"about", "seed", "link", "links", "faults"}, f.name)
		})
		s.read(r, root, "a file of faults", fields)
	}
	if err := r.problems.sorted(); err != nil {
		return nil, err
	}
	return s, nil
}

func (f Front) service() service {
	return service{ServiceSpec: sim.ServiceSpec{Name: f.Name, Instances: f.Instances, Remote: true}}
}

// pointless are the faults that only simulated services can have, and why.
var pointless = map[string]string{
	"slow":     "what takes time there is not known: delay its packets, or give its links a latency with profile",
	"shutdown": "only the program itself can stop in good order: use kill, or pause",
	"rolling":  "only the program itself can stop in good order: use kill, one after the other",
	"clock":    "its clock is that of the system",
}

// inFront checks a fault of services that run already.
func (f *fault) inFront(r *reader) {
	if why := pointless[f.what]; why != "" {
		r.wrong(f.at, "%s is not possible with a service that is not simulated: %s", f.what, why)
	}
	if f.what != "cache" {
		return
	}
	if f.kind == "lag" {
		r.wrong(f.at, "cache: lag is not possible with services that are not simulated: frozen is the file as it is now")
	}
	if len(f.of) == 0 {
		f.hosts = []string{sim.Outside}
	}
}

// Admit adds instances to a service that stands for programs of the operating system,
// or adds such a service, and returns them. Faults that were read before do not
// concern them. It must not be called by two goroutines at once.
func (l *Live) Admit(name string, n int) (added []*sim.Instance) {
	old := l.cast()
	s := *old.s
	s.services, s.places = slices.Clone(s.services), maps.Clone(s.places)
	p := &play{
		s: &s, o: old.o, w: old.w, live: true, seen: old.seen, tallies: old.tallies,
		services: maps.Clone(old.services), instances: maps.Clone(old.instances), requesters: old.requesters,
	}
	i := slices.IndexFunc(s.services, func(v service) bool { return v.Name == name })
	if i < 0 {
		i = len(s.services)
		s.services = append(s.services, Front{name, n}.service())
		p.services[name] = p.w.Service(s.services[i].ServiceSpec)
		added = p.services[name].Instances()
	} else {
		s.services[i].Instances += n
		for range n {
			added = append(added, p.services[name].Grow())
		}
	}
	all := place{hosts: s.services[i].hosts(), service: true}
	s.places[name] = all
	for _, in := range added {
		p.instances[in.Host()] = in
		s.places[in.Host()] = place{hosts: []string{in.Host()}, service: true}
	}
	l.now.Store(p)
	return added
}

// Clash reports whether services of these two names would have a name in common, with
// those of their instances, or with what is no service.
func Clash(a, b string) bool {
	numbered := func(host, name string) bool {
		n, ok := strings.CutPrefix(host, name+"-")
		return ok && n != "" && strings.Trim(n, "0123456789") == ""
	}
	return a == b || a == sim.Outside || b == sim.Outside || numbered(a, b) || numbered(b, a)
}

// remoteState is what a service is that stands for programs of the operating system:
// of its names those count that have stood for one.
func (l *Live) remoteState(s *service) ServiceState {
	state := ServiceState{Name: s.Name, Actions: []string{}, Instances: []InstanceState{}}
	for _, host := range s.hosts() {
		in := l.Instance(host)
		to := in.Leads()
		if to == nil {
			continue
		}
		if state.Sector == "" {
			state.Sector = to.Sector
		}
		state.Actions = append(state.Actions, to.Actions...)
		state.Instances = append(state.Instances, l.InstanceState(in))
	}
	slices.Sort(state.Actions)
	state.Actions = slices.Compact(state.Actions)
	return state
}
