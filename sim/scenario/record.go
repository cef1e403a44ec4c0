package scenario

import (
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/sim"
)

// A Record is an outcome for machines. It has nothing that differs from one run of a
// seed to the next. docs/scenarios.md describes it; it changes by addition only.
type Record struct {
	Seed           uint64          `json:"seed"`
	OK             bool            `json:"ok"`
	Failures       []string        `json:"failures,omitempty"` // what is wrong, in words
	VirtualUS      int64           `json:"virtual_us"`
	Calls          int             `json:"calls"`
	Retries        int             `json:"retries"`
	Refusals       int             `json:"refusals"`
	Connections    int             `json:"connections"`
	Dials          int             `json:"dials"`
	Duplicates     int             `json:"duplicate_executions"`
	Actions        []ActionRecord  `json:"actions"`
	Faults         []FaultRecord   `json:"faults"`
	Expected       []ExpectRecord  `json:"expect"`
	Violations     []BreachRecord  `json:"violations,omitempty"`
	Outside        []OutsideRecord `json:"outside,omitempty"` // requests of programs outside, in real time
	Irreproducible string          `json:"irreproducible,omitempty"`
	Until          string          `json:"until,omitempty"` // what --until has met
}

// An ActionRecord has the numbers of one action; the times are of calls that
// succeeded.
type ActionRecord struct {
	Action string         `json:"action"`
	Calls  int            `json:"calls"`
	Kinds  map[string]int `json:"kinds"` // calls by how they ended
	Octets int            `json:"octets"`
	MeanUS int64          `json:"mean_us"`
	P50US  int64          `json:"p50_us"`
	P90US  int64          `json:"p90_us"`
	P99US  int64          `json:"p99_us"`
	MaxUS  int64          `json:"max_us"`
}

// A FaultRecord is a fault and how often it was met.
type FaultRecord struct {
	Name string `json:"name"`
	Hits int    `json:"hits"`
}

// An ExpectRecord is an expectation and what came.
type ExpectRecord struct {
	Text string `json:"text"`
	Line int    `json:"line"`
	Got  string `json:"got"`
	OK   bool   `json:"ok"`
}

// An OutsideRecord is how many requests of programs outside ended in one way.
type OutsideRecord struct {
	Instance string `json:"instance"`
	Action   string `json:"action"`
	Kind     string `json:"kind"`
	Requests int    `json:"requests"`
}

// A BreachRecord is something that must always hold, and did not.
type BreachRecord struct {
	AtUS       int64             `json:"at_us"`
	What       string            `json:"what"`
	Connection *ConnectionRecord `json:"connection,omitempty"` // that it was seen on
	Packets    []PacketRecord    `json:"packets,omitempty"`    // the last ones there, the oldest first; of the first violation on a connection
}

// A ConnectionRecord is a connection of a run.
type ConnectionRecord struct {
	Requester string `json:"requester"`
	Instance  string `json:"instance"`
	Number    uint64 `json:"number"` // as in transcripts
}

// A PacketRecord is a packet that passed, as the requester has seen it.
type PacketRecord struct {
	AtUS   int64  `json:"at_us"`
	Sent   bool   `json:"sent"`           // by the requester
	Type   string `json:"type,omitempty"` // none: no packet
	Number uint64 `json:"number"`
	Octets int    `json:"octets"`         // of the body
	Text   string `json:"text,omitempty"` // how the body begins; none of DATA
}

// Record makes a record of the outcome.
func (o *Outcome) Record() *Record {
	r := &Record{
		Seed: o.Seed, Failures: o.Failures(), VirtualUS: o.Virtual.Microseconds(), Calls: o.Stats.Calls, Retries: o.Stats.Retries,
		Refusals: o.Stats.Refusals, Connections: o.Stats.Connections, Dials: o.Stats.Dials, Duplicates: o.Stats.Duplicates,
		Actions: []ActionRecord{}, Faults: []FaultRecord{}, Expected: []ExpectRecord{}, Irreproducible: o.Irreproducible, Until: o.Until,
	}
	r.OK = len(r.Failures) == 0
	for i, f := range r.Failures { // a stack has addresses, which differ
		r.Failures[i], _, _ = strings.Cut(f, "\n")
	}
	for i := range o.Stats.Actions {
		r.Actions = append(r.Actions, actionRecord(&o.Stats.Actions[i]))
	}
	for _, f := range o.Faults {
		r.Faults = append(r.Faults, FaultRecord{f.Name, f.Hits})
	}
	for _, e := range o.Expected {
		r.Expected = append(r.Expected, ExpectRecord(e))
	}
	shown := map[sim.ConnectionID]bool{}
	for _, v := range o.Violations {
		b := breachRecord(&v)
		if shown[v.Connection] || len(shown) == mostTrails {
			b.Packets = nil
		} else if b.Packets != nil {
			shown[v.Connection] = true
		}
		r.Violations = append(r.Violations, b)
	}
	for _, q := range o.Stats.Outside {
		r.Outside = append(r.Outside, OutsideRecord{q.Instance, q.Action, string(q.Kind), q.Requests})
	}
	return r
}

// mostTrails is of how many connections a record has the last packets: a sweep has many
// records.
const mostTrails = 3

func breachRecord(v *sim.Violation) BreachRecord {
	b := BreachRecord{AtUS: v.At.Microseconds(), What: v.What}
	if v.Connection != (sim.ConnectionID{}) {
		b.Connection = &ConnectionRecord{v.Connection.Requester, v.Connection.Instance, v.Connection.Number}
	}
	for _, p := range v.Packets {
		b.Packets = append(b.Packets, PacketRecord{p.At.Microseconds(), p.Sent, p.Type, p.Number, p.Size, p.Text})
	}
	return b
}

func actionRecord(a *sim.ActionStats) ActionRecord {
	us := func(d time.Duration) int64 { return d.Microseconds() }
	r := ActionRecord{
		Action: a.Action, Calls: a.Calls, Kinds: map[string]int{}, Octets: a.Octets, MeanUS: us(a.Latency.Mean()), MaxUS: us(a.Latency.Max()),
		P50US: us(a.Latency.Quantile(0.5)), P90US: us(a.Latency.Quantile(0.9)), P99US: us(a.Latency.Quantile(0.99)),
	}
	for k, n := range a.Kinds {
		r.Kinds[string(k)] = n
	}
	return r
}
