package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// metrics answers with the numbers of the run in the text form of Prometheus.
func (c *control) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	io.WriteString(w, metricsOf(c.live.Load()))
}

// A metricText is metrics as they are written.
type metricText struct{ b strings.Builder }

// family begins the samples of one metric.
func (m *metricText) family(name, kind, help string) {
	fmt.Fprintf(&m.b, "# HELP %s %s\n# TYPE %s %s\n", name, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help), name, kind)
}

var labelValue = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// sample adds a value with labels: names and values in turn.
func (m *metricText) sample(name string, value float64, labels ...string) {
	m.b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		m.b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&m.b, `%s="%s"`, labels[i], labelValue.Replace(labels[i+1]))
	}
	if len(labels) > 0 {
		m.b.WriteByte('}')
	}
	m.b.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// one adds a metric with one value.
func (m *metricText) one(name, kind, help string, value float64) {
	m.family(name, kind, help)
	m.sample(name, value)
}

// latencyBounds are the upper bounds of the histogram of latencies.
var latencyBounds = []time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, 75 * time.Second,
}

func metricsOf(l *scenario.Live) string {
	m := new(metricText)
	numbers, state := l.World().Snapshot(), l.State()
	m.one("scamp_sim_uptime_seconds", "gauge", "How long the run has gone on.", float64(state.ElapsedMS)/1000)
	m.calls(&numbers)
	m.one("scamp_sim_retries_total", "counter", "Calls of the world's requesters that more than one instance has seen.", float64(numbers.Retries))
	m.one("scamp_sim_refusals_total", "counter", "Their requests that services refused unexecuted.", float64(numbers.Refusals))
	m.one("scamp_sim_dials_total", "counter", "Attempts of the world's requesters to make a connection.", float64(numbers.Dials))
	m.one("scamp_sim_connections_total", "counter", "Connections that they have made.", float64(numbers.Connections))
	m.one("scamp_sim_violations_total", "counter", "What must always hold and did not.", float64(len(state.Violations)))

	m.family("scamp_sim_outside_requests_total", "counter", "Requests of programs outside that instances have answered, by how.")
	for _, o := range numbers.Outside {
		m.sample("scamp_sim_outside_requests_total", float64(o.Requests), "instance", o.Instance, "action", o.Action, "kind", string(o.Kind))
	}
	m.family("scamp_sim_instance_up", "gauge", "Whether an instance serves: 1, or 0.")
	for _, s := range state.Services {
		for _, in := range s.Instances {
			m.sample("scamp_sim_instance_up", truth(in.State == "up"), "service", s.Name, "instance", in.Name)
		}
	}
	m.relayed(state)
	m.family("scamp_sim_fault_active", "gauge", "Whether a fault goes on: 1, or 0.")
	for _, f := range state.Faults {
		m.sample("scamp_sim_fault_active", truth(f.State == scenario.Active), "fault", f.Name, "kind", f.Kind)
	}
	m.family("scamp_sim_fault_hits_total", "counter", "How often a fault was met.")
	for _, f := range state.Faults {
		m.sample("scamp_sim_fault_hits_total", float64(f.Hits), "fault", f.Name, "kind", f.Kind)
	}
	return m.b.String()
}

// calls adds what is known of the calls of each action.
func (m *metricText) calls(numbers *sim.Stats) {
	m.family("scamp_sim_calls_total", "counter", "Calls of the world's requesters, by how they ended.")
	for _, a := range numbers.Actions {
		for _, k := range sim.Kinds() {
			if n := a.Kinds[k]; n > 0 || k == sim.OK {
				m.sample("scamp_sim_calls_total", float64(n), "action", a.Action, "kind", string(k))
			}
		}
	}
	const name = "scamp_sim_call_duration_seconds"
	m.family(name, "histogram", "Time of their calls that succeeded, to the end of the reply.")
	for _, a := range numbers.Actions {
		for _, bound := range latencyBounds {
			m.sample(name+"_bucket", float64(a.Latency.AtMost(bound)), "action", a.Action, "le", strconv.FormatFloat(bound.Seconds(), 'g', -1, 64))
		}
		m.sample(name+"_bucket", float64(a.Latency.Count()), "action", a.Action, "le", "+Inf")
		m.sample(name+"_sum", a.Latency.Sum().Seconds(), "action", a.Action)
		m.sample(name+"_count", float64(a.Latency.Count()), "action", a.Action)
	}
}

// relayed adds the connections that lead on to services that are not simulated.
func (m *metricText) relayed(state *scenario.LiveState) {
	var all []scenario.InstanceState
	for _, s := range state.Services {
		for _, in := range s.Instances {
			if in.Leads != "" {
				all = append(all, in)
			}
		}
	}
	if all == nil {
		return
	}
	m.family("scamp_sim_proxy_connections_open", "gauge", "Connections that lead on to the service now.")
	for _, in := range all {
		m.sample("scamp_sim_proxy_connections_open", float64(in.Open), "instance", in.Name)
	}
	m.family("scamp_sim_proxy_connections_total", "counter", "Connections that have led on to the service.")
	for _, in := range all {
		m.sample("scamp_sim_proxy_connections_total", float64(in.Connections), "instance", in.Name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
