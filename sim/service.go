package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim/bugs"
)

// A ServiceSpec describes a fake service.
type ServiceSpec struct {
	Name      string // its hosts are NAME-1, NAME-2, …
	Instances int    // 0 is 1
	Sector    string // "" is main
	Actions   []ActionSpec
	// Bug is the name of a wrong server of package bugs, whose mistake all instances
	// make.
	Bug string
	// Startup is how long an instance takes to start.
	Startup Dist
	// Grace is how long it serves on when it is shut down; 0 is 5 s, negative nothing.
	Grace time.Duration
	// Remote lets the instances stand for programs of the operating system: see
	// [Instance.Lead]. The rest of the spec does not matter then.
	Remote bool
	// Unauthorized lets the service announce itself with a certificate that is not
	// in the authorised-services file. Nobody must call it.
	Unauthorized bool
}

// An ActionSpec describes one action of a fake service. It takes any body of the
// world's requesters, and answers with what proves that it has read it.
type ActionSpec struct {
	Name    string
	Version int     // 0 is 1
	Latency Dist    // from the end of the request to the reply
	Reply   Dist    // octets that the reply has besides
	Errors  float64 // probability of an error reply
	Refuse  float64 // probability that the request is refused unexecuted
	Abort   float64 // probability that the reply is given up in the middle
	Timeout time.Duration
}

// A Service is a fake service of a world.
type Service struct {
	w         *World
	spec      ServiceSpec
	instances []*Instance
}

// Service adds a service, and starts its instances.
func (w *World) Service(spec ServiceSpec) *Service {
	if err := spec.check(); err != nil {
		panic(err)
	}
	s := &Service{w: w, spec: spec}
	w.mu.Lock()
	w.services = append(w.services, s)
	w.mu.Unlock()
	for i := range max(spec.Instances, 1) {
		in := &Instance{service: s, number: i + 1, host: fmt.Sprintf("%s-%d", spec.Name, i+1)}
		s.instances = append(s.instances, in)
		if spec.Remote {
			w.Interpose(in.host)
			continue
		}
		in.Start()
	}
	return s
}

func (s *ServiceSpec) check() error {
	switch {
	case s.Name == "":
		return errors.New("sim: a service has no name")
	case s.Instances < 0 || s.Instances > 10000:
		return fmt.Errorf("sim: service %s has %d instances", s.Name, s.Instances)
	case len(s.Actions) == 0 && !s.Remote:
		return fmt.Errorf("sim: service %s has no actions", s.Name)
	}
	if s.Bug != "" {
		if _, ok := bugs.Lookup(s.Bug); !ok {
			return fmt.Errorf("sim: service %s: there is no bug %q", s.Name, s.Bug)
		}
	}
	for _, a := range s.Actions {
		for what, p := range map[string]float64{"errors": a.Errors, "refuse": a.Refuse, "abort": a.Abort} {
			if !(p >= 0 && p <= 1) {
				return fmt.Errorf("sim: %s of action %s is %v, not from 0 to 1", what, a.Name, p)
			}
		}
		if err := errors.Join(a.Latency.check("latency of "+a.Name), a.Reply.check("reply of "+a.Name), s.Startup.check("startup of "+s.Name)); err != nil {
			return err
		}
		if !strings.Contains(strings.Trim(a.Name, "."), ".") {
			return fmt.Errorf("sim: action %q is not Namespace.name", a.Name)
		}
	}
	return nil
}

// Instance returns one of the instances, from 1.
func (s *Service) Instance(n int) *Instance { return s.instances[n-1] }

// Instances returns all instances.
func (s *Service) Instances() []*Instance { return s.instances }

// identity is the name of the fixture identity that the service has.
func (s *Service) identity() string {
	if s.spec.Unauthorized {
		return "other"
	}
	return "server"
}

func (s *Service) close() {
	for _, in := range s.instances {
		in.Resume()
		s.w.mu.Lock()
		svc := in.take()
		s.w.mu.Unlock()
		if svc != nil {
			svc.Close()
		}
	}
}
