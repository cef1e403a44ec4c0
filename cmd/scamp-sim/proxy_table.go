package main

import (
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// proxied writes what leads where, and how to use it.
func (t *table) proxied(s *scenario.LiveState, f *follower, control string) {
	if s.About != "" {
		t.line("%s", visible(s.About))
	}
	t.line("%s\n", t.faint.Sprintf("in front of %s", f.cache.Path))
	action, instance := "", ""
	for _, service := range s.Services {
		if len(service.Instances) == 0 {
			continue
		}
		t.line("%s  %s", t.good.Sprint(service.Name), visible(strings.Join(service.Actions, ", ")))
		for _, in := range service.Instances {
			t.line("  %-16s %-22s → %s  %s", in.Name, in.Address, visible(in.Leads), t.faint.Sprint(visible(in.Ident)))
		}
		if action == "" && len(service.Actions) > 0 {
			action, instance = strings.TrimSuffix(service.Actions[0], "~1"), service.Instances[0].Name
		}
	}
	if action == "" {
		t.line("%s", t.odd.Sprint("nobody who is authorised is in the discovery cache of the bus yet"))
	}
	if err := f.cache.Check(); err != nil {
		t.line("%s", t.odd.Sprint(visible(err.Error())))
	}
	t.line("")
	for _, row := range [][2]string{
		{"configuration", f.dir.file("soa.conf")},
		{"discovery cache", f.dir.file("discovery.cache")},
		{"authorised", f.dir.file("authorized_services")},
		{"control API", control + "/v1/state"},
		{"metrics", control + "/metrics"},
	} {
		t.line("%s  %s", t.faint.Sprintf("%-17s", row[0]), row[1])
	}
	if action != "" {
		t.line("\ncall it   scamp-sim request --config %s %s '{}'", quoted(f.dir.file("soa.conf")), quoted(action))
		t.line("break it  curl -d '{pause: %s, for: 10s}' %s/v1/faults", instance, control)
	}
	t.line("")
}

// proxyEnds writes what has come of it.
func (t *table) proxyEnds(r *scenario.Record, f *follower) {
	t.line("\n%s", t.faint.Sprintf("after %v", (time.Duration(r.VirtualUS)*time.Microsecond).Round(time.Millisecond)))
	all := 0
	for _, slots := range f.groups {
		for _, s := range slots {
			if s.in != nil {
				_, ever := s.in.Relayed()
				all += ever
			}
		}
	}
	t.line("%s led on", countedAs(all, "connection", "connections"))
	shown := *r
	shown.Until = "a signal" // faults that were not met are no mistake
	t.faults(&shown)
}
