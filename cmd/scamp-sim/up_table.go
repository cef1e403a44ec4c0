package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// ready writes what runs and how to reach it.
func (t *table) ready(s *scenario.LiveState, ports *ports, dir *busDir, control string) {
	if s.About != "" {
		t.line("%s", visible(s.About))
	}
	t.line("%s\n", t.faint.Sprintf("%s, seed %d, in real time", s.Scenario, s.Seed))
	action, body := "", `'{}'`
	for _, service := range s.Services {
		t.line("%s  %s", t.good.Sprint(service.Name), visible(strings.Join(service.Actions, ", ")))
		for _, in := range service.Instances {
			at := ports.address(in.Name)
			if in.State == "down" {
				at += t.faint.Sprint("  starting")
			}
			t.line("  %-16s %s", in.Name, at)
		}
		if action == "" {
			action = strings.TrimSuffix(service.Actions[0], "~1")
		}
	}
	for _, q := range s.Requesters {
		t.line("%s  calls %s", t.good.Sprint(q.Name), visible(strings.Join(q.Calls, ", ")))
	}
	t.line("")
	for _, row := range [][2]string{
		{"configuration", dir.file("soa.conf")},
		{"discovery cache", dir.file("discovery.cache")},
		{"authorised", dir.file("authorized_services")},
		{"your own service", dir.file("services", dir.own+".key") + " and .crt"},
		{"its announcements", dir.file("announcements") + string(filepath.Separator)},
		{"control API", control + "/v1/state"},
		{"metrics", control + "/metrics"},
	} {
		t.line("%s  %s", t.faint.Sprintf("%-17s", row[0]), row[1])
	}
	t.line("\ncall it   scamp-sim request --config %s %s %s", quoted(dir.file("soa.conf")), quoted(action), body)
	t.line("break it  curl -d '{pause: %s, for: 10s}' %s/v1/faults\n", s.Services[0].Instances[0].Name, control)
}

// live writes the numbers of a run in real time.
func (t *table) live(r *scenario.Record, interrupted bool) {
	t.line("\n%s", t.faint.Sprintf("after %v\n", (time.Duration(r.VirtualUS)*time.Microsecond).Round(time.Millisecond)))
	t.actions(r)
	t.line("%s, %s, %s; %s for %s",
		countedAs(r.Calls, "call", "calls"), countedAs(r.Retries, "retried elsewhere", "retried elsewhere"), countedAs(r.Refusals, "refusal", "refusals"),
		countedAs(r.Dials, "dial", "dials"), countedAs(r.Connections, "connection", "connections"))
	if len(r.Outside) > 0 {
		kinds := map[string]int{}
		all := 0
		for _, o := range r.Outside {
			kinds[o.Kind] += o.Requests
			all += o.Requests
		}
		text := countedAs(all, "request", "requests") + " from outside"
		if failed := errorsOf(kinds); failed != "" {
			text += fmt.Sprintf(": %s ok, %s", grouped(kinds["ok"]), failed)
		}
		t.line("%s", text)
	}
	shown := *r
	if interrupted {
		shown.Until = "a signal" // faults that were not met are no mistake
	}
	t.faults(&shown)
	t.expected(r)
	if interrupted {
		for _, v := range r.Violations {
			t.line("%s after %v: %s", t.bad.Sprint("wrong"), time.Duration(v.AtUS)*time.Microsecond, visible(v.What))
		}
	}
}
