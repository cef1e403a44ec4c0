package scenario

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gudtech/scamp-sim/sim"
)

// A LiveState is what a live run is at a moment, for machines. It changes by addition
// only.
type LiveState struct {
	Scenario   string           `json:"scenario"` // the name of the file
	About      string           `json:"about,omitempty"`
	Seed       uint64           `json:"seed"`
	ElapsedMS  int64            `json:"elapsed_ms"`
	DurationMS int64            `json:"duration_ms,omitempty"` // 0: until it is ended
	Services   []ServiceState   `json:"services"`
	Requesters []RequesterState `json:"requesters"`
	Faults     []FaultReport    `json:"faults"`
	Calls      int              `json:"calls"`            // of the requesters, that have ended
	Outside    int              `json:"outside_requests"` // of programs outside, that were answered
	Violations []BreachRecord   `json:"violations"`
}

// A ServiceState is a service of a live run.
type ServiceState struct {
	Name      string          `json:"name"`
	Sector    string          `json:"sector"`
	Actions   []string        `json:"actions"` // as Name~VERSION
	Instances []InstanceState `json:"instances"`
}

// An InstanceState is an instance of a service.
type InstanceState struct {
	Name    string `json:"name"`
	State   string `json:"state"`             // up, paused, crashed or down
	Address string `json:"address,omitempty"` // at which programs outside reach it; none before its first start
	// Of an instance that stands for a real one: the address of that, its ident, and the
	// connections that lead there now, and that have.
	Leads       string `json:"leads,omitempty"`
	Ident       string `json:"ident,omitempty"`
	Open        int    `json:"open,omitempty"`
	Connections int    `json:"connections,omitempty"`
}

// A RequesterState is a requester of a live run.
type RequesterState struct {
	Name  string   `json:"name"`
	Calls []string `json:"calls"` // the actions
}

// A FaultReport is a fault of a live run.
type FaultReport struct {
	Name  string     `json:"name"`
	Kind  string     `json:"kind"`
	State FaultState `json:"state"`
	AtMS  int64      `json:"at_ms"`            // of the run
	ForMS int64      `json:"for_ms,omitempty"` // 0: for good
	Hits  int        `json:"hits"`             // how often it was met until now
}

// Faults returns the faults in the order in which they came.
func (l *Live) Faults() []FaultReport {
	l.mu.Lock()
	faults := slices.Clone(l.faults)
	l.mu.Unlock()
	all := make([]FaultReport, 0, len(faults))
	for _, f := range faults {
		all = append(all, l.report(f))
	}
	return all
}

// report says how a fault is. What has been met is counted without l.mu: that may take
// its time.
func (l *Live) report(f *liveFault) FaultReport {
	l.mu.Lock()
	state := f.state
	l.mu.Unlock()
	return FaultReport{f.name, f.what, state, f.when.Milliseconds(), f.lasts.Milliseconds(), l.cast().w.Hits(f.counted)}
}

// Fault returns one fault; false if there is none of this name.
func (l *Live) Fault(name string) (FaultReport, bool) {
	for _, f := range l.Faults() {
		if f.Name == name {
			return f, true
		}
	}
	return FaultReport{}, false
}

// State returns what the run is now.
func (l *Live) State() *LiveState {
	s, w := l.cast().s, l.cast().w
	state := &LiveState{
		Scenario: s.File, About: s.About, Seed: l.cast().o.Seed, ElapsedMS: w.Elapsed().Milliseconds(), DurationMS: l.cast().o.Duration.Milliseconds(),
		Services: []ServiceState{}, Requesters: []RequesterState{}, Faults: l.Faults(), Violations: []BreachRecord{},
	}
	for i := range s.services {
		state.Services = append(state.Services, l.service(&s.services[i]))
	}
	for i := range s.requesters {
		q := &s.requesters[i]
		for _, host := range q.hosts() {
			r := RequesterState{Name: host, Calls: []string{}}
			for _, c := range q.Calls {
				r.Calls = append(r.Calls, c.Action)
			}
			state.Requesters = append(state.Requesters, r)
		}
	}
	numbers := w.Snapshot()
	state.Calls = numbers.Calls
	for _, o := range numbers.Outside {
		state.Outside += o.Requests
	}
	broken := w.Violations()
	for i := range broken {
		state.Violations = append(state.Violations, breachRecord(&broken[i]))
	}
	return state
}

func (l *Live) service(s *service) ServiceState {
	state := ServiceState{Name: s.Name, Sector: cmp.Or(s.Sector, "main")}
	for _, a := range s.Actions {
		state.Actions = append(state.Actions, fmt.Sprintf("%s~%d", a.Name, max(a.Version, 1)))
	}
	if s.Remote {
		return l.remoteState(s)
	}
	for _, host := range s.hosts() {
		state.Instances = append(state.Instances, l.InstanceState(l.cast().instances[host]))
	}
	return state
}

// InstanceState is how an instance is now.
func (l *Live) InstanceState(in *sim.Instance) InstanceState {
	state := InstanceState{Name: in.Host(), State: "down", Address: in.Outer()}
	if to := in.Leads(); to != nil {
		state.Leads, state.Ident = to.Address, to.Ident
		state.Open, state.Connections = in.Relayed()
	}
	switch {
	case in.Crashed():
		state.State = "crashed"
	case in.Paused():
		state.State = "paused"
	case in.Running():
		state.State = "up"
	}
	return state
}
