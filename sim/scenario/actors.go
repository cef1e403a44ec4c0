package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

// A service is a fake service, and where it stands in the file.
type service struct {
	sim.ServiceSpec
	at      Position
	actions []action
}

type action struct {
	sim.ActionSpec
	at Position
}

// A requester is one or more programs that call services.
type requester struct {
	sim.RequesterSpec
	at        Position
	instances int
	loads     []load
}

type load struct {
	sim.LoadSpec
	at Position
}

func serviceFields(s *service) []field {
	return []field{
		called("name", "Name of the service; its instances are NAME-1, NAME-2, …", &s.Name).must(),
		whole("instances", "How many there are; 1 if left out.", &s.Instances, 1, 10000),
		sector("sector", "Its sector; main if left out.", &s.Sector),
		list("actions", "What it can do.", "an action", &s.actions, actionFields, readAction).must(),
		bug("bug", "The name of a mistake that all instances make.", &s.Bug, bugNames(bugs.Servers(), func(b bugs.Server) string { return b.Name })),
		times("startup", "How long an instance takes to start.", &s.Startup),
		grace("grace", "How long an instance serves on when it is shut down; 5s if left out, 0 is not at all.", &s.Grace),
		boolean("unauthorized", "It announces itself with a certificate that nobody has authorised.", &s.Unauthorized),
	}
}

// grace is a time of which 0 is not what is left out.
func grace(name, doc string, to *time.Duration) field {
	f := duration(name, doc, to)
	read := f.read
	f.read = func(r *reader, n ast.Node) {
		if read(r, n); *to == 0 {
			*to = -1
		}
	}
	return f
}

// bug is a choice whose words the schema leaves out: there are many, and more to come.
func bug(name, doc string, to *string, known []string) field {
	f := choice(name, doc, to, known)
	f.schema = textSchema
	return f
}

// requesterBug is the name of a wrong client that is made of packets.
func requesterBug(name, doc string, to *string) field {
	known := bugNames(bugs.PacketClients(), func(b bugs.Client) string { return b.Name })
	f := bug(name, doc, to, known)
	read := f.read
	f.read = func(r *reader, n ast.Node) {
		if p, ok := n.(*ast.StringNode); ok && !slices.Contains(known, p.Value) {
			if _, ok := bugs.LookupClient(p.Value); ok {
				r.wrong(PositionOf(n), "%s is no mistake in the packets of a connection, and a requester here can make only those: %s", p.Value, strings.Join(known, ", "))
				return
			}
		}
		read(r, n)
	}
	return f
}

func bugNames[T any](all []T, name func(T) string) []string {
	var names []string
	for _, b := range all {
		names = append(names, name(b))
	}
	return names
}

func actionFields(a *action) []field {
	return []field{
		called("name", "Namespace.name of the action.", &a.Name).must(),
		whole("version", "Its version; 1 if left out.", &a.Version, 1, 1<<30),
		times("latency", "From the end of the request to the reply.", &a.Latency),
		sizes("reply", "Octets of the reply, besides about 50 that prove whose it is.", &a.Reply),
		share("errors", "Share of requests that get an error reply.", &a.Errors),
		share("refuse", "Share of requests that are refused unexecuted.", &a.Refuse),
		share("abort", "Share of replies that are given up in the middle.", &a.Abort),
		lasting("timeout", "The time-out that is announced, in whole seconds.", "without a time-out nothing is announced", &a.Timeout),
	}
}

func readAction(r *reader, a *action, at Position, _ map[string]Position) {
	a.at = at
	if a.Name != "" && !strings.Contains(strings.Trim(a.Name, "."), ".") {
		r.wrong(at, "the action %q has no namespace: actions are called Namespace.name", a.Name)
	}
}

func readService(r *reader, s *service, at Position, _ map[string]Position) {
	s.at = at
	r.hostName(at, s.Name)
	s.Actions = nil
	for _, a := range s.actions {
		if slices.ContainsFunc(s.Actions, func(b sim.ActionSpec) bool {
			return strings.EqualFold(a.Name, b.Name) && max(a.Version, 1) == max(b.Version, 1)
		}) {
			r.wrong(a.at, "the service has the action %s twice", a.Name)
		}
		s.Actions = append(s.Actions, a.ActionSpec)
	}
}

// hostName says what is wrong with a name of hosts.
func (r *reader) hostName(at Position, name string) {
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			r.wrong(at, "the name %q has a character that no name has: letters, digits, - and _ are", abridged(name))
			return
		}
	}
}

func requesterFields(q *requester) []field {
	return []field{
		called("name", "Name of the requester, and of its host.", &q.Name).must(),
		whole("instances", "How many such requesters there are, NAME-1, NAME-2, …; if left out one, NAME.", &q.instances, 1, 10000),
		sector("sector", "The sector of the actions that it calls; main if left out.", &q.Sector),
		lasting("timeout", "How long a call may take, where its action announces nothing; 75s if left out.", "no call ends in it; left out it is 75s", &q.Timeout),
		boolean("balance", "It prefers instances with fewer of its calls outstanding. Such a run may differ from the next one.", &q.Balance),
		requesterBug("bug", "The name of a mistake that it makes in the packets of its connections.", &q.Bug),
		list("calls", "What it calls.", "a load", &q.loads, loadFields, readLoad).must(),
	}
}

func loadFields(l *load) []field {
	return []field{
		text("action", "Namespace.name of the action, with ~VERSION if it is not 1.", &l.Action).must(),
		number("rate", "Calls in a second, at random times.", &l.Rate, 100000),
		whole("workers", "Instead of a rate: so many callers, each one call after the other.", &l.Workers, 1, 100000),
		times("think", "Pause of a worker between two calls.", &l.Think),
		sizes("body", "Octets of the request, besides about 20 with its number.", &l.Body),
		times("slow", "Pauses of the requester while it reads a reply, one for 16KiB.", &l.Slow),
		share("cancel", "Share of calls that the requester gives up.", &l.Cancel),
		times("cancel_after", "When it does so.", &l.CancelAfter),
		duration("from", "When it begins to call; at the beginning if left out.", &l.From),
		lasting("until", "When it ends; at the end of the run if left out.", "there would be no call; left out it is the end of the run", &l.Until),
	}
}

func readLoad(r *reader, l *load, at Position, keys map[string]Position) {
	l.at = at
	_, rate := keys["rate"]
	_, workers := keys["workers"]
	if rate == workers {
		r.wrong(at, "calls of %s need a rate or workers, one of them", l.Action)
	}
	if p, ok := keys["think"]; ok && rate {
		r.wrong(p, "think is for workers; these calls have a rate")
	}
	if p, ok := keys["cancel_after"]; ok && l.Cancel == 0 {
		r.wrong(p, "cancel_after needs cancel, the share of calls that are given up")
	}
	if p, ok := keys["until"]; ok && l.Until <= l.From {
		r.wrong(p, "until %v is not after from %v: there would be no call", l.Until, l.From)
	}
}

func readRequester(r *reader, q *requester, at Position, _ map[string]Position) {
	q.at = at
	r.hostName(at, q.Name)
	for _, l := range q.loads {
		q.Calls = append(q.Calls, l.LoadSpec)
	}
}

// hosts are the names of the service's hosts.
func (s *service) hosts() []string { return numbered(s.Name, max(s.Instances, 1)) }

func (q *requester) hosts() []string {
	if q.instances == 0 {
		return []string{q.Name}
	}
	return numbered(q.Name, q.instances)
}

func numbered(name string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s-%d", name, i+1)
	}
	return all
}
