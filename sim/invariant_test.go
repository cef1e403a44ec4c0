package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/sim/bugs"
	"github.com/gudtech/scamp-sim/sim/interpose"
)

// A mistake is a wrong endpoint, and what must be said of it.
type mistake struct{ bug, want string }

// wrongServers break a rule that the world sees.
var wrongServers = []mistake{
	{"sends-banner", "shop-1: SCAMP ready: there are fewer than three fields"},
	{"numbers-from-one", "shop-1: message 1 begins, where 0 is the next (WIRE-MSG-01a)"},
	{"ends-twice", "which is not open (WIRE-MSG-02b)"},
	{"sends-eof-with-body", "has a body (WIRE-MSG-05a)"},
	{"sends-empty-data", "an empty DATA of message 0 (WIRE-MSG-06a)"},
	{"aborts-without-text", "is given up without a text (WIRE-MSG-08a)"},
	{"says-response", `has the type "response", and is no reply (WIRE-HDR-07b)`},
	{"acks-another-number", "shop-1: message 0 is acknowledged to "},
	{"acks-increments", "(WIRE-FLOW-02a)"},
	{"acks-with-newline", "is no number: "},
	{"repeats-acks", "(WIRE-FLOW-02a)"},
	{"acks-past-end", "octets (WIRE-FLOW-02b)"},
	{"loses-octets-at-window", "got a reply that is not its own, or damaged"},
	{"never-acknowledges", "octets that were not acknowledged for "},
	{"never-resumes", "and did not go on for "},
	{"sends-reordered-data", "got a reply that is not its own, or damaged"},
	{"error-with-body", "is an error reply, and has a body (WIRE-ERR-01b)"},
	{"success-with-error", "(WIRE-ERR-01b)"},
	{"replies-twice", "which waits for none (WIRE-RPC-06a)"},
}

// wrongClients are the same of requesters.
var wrongClients = []mistake{
	{"never-ends-requests", ""},
	{"skips-numbers", "web: message 2 begins, where 1 is the next (WIRE-MSG-01a)"},
	{"sends-no-type", "web: message 0 has the type \"\", and is no request (WIRE-HDR-07a)"},
	{"sends-message-ids", "web: request 0 has no id (WIRE-HDR-10d)"},
	{"reuses-ids", "(WIRE-RPC-01a)"},
	{"acks-past-end", "(WIRE-FLOW-02b)"},
	{"never-acknowledges", "(WIRE-FLOW-07b)"},
	{"never-resumes", "web: message"},
	{"pads-lengths", "web: "},
}

// mistaken plays a world with a wrong service, or a wrong requester.
func mistaken(t *testing.T, tls bool, server, client string) *Result {
	t.Helper()
	r, err := Play(5, func(w *World) {
		w.TLS = tls
		s := shop(1)
		s.Bug = server
		s.Actions[0].Reply = OctetsBetween(0, 200000)
		w.Service(s)
		q := web(LoadSpec{Action: "Shop.get", Rate: 4, Body: OctetsBetween(0, 200000)}, LoadSpec{Action: "Shop.get", Rate: 4},
			LoadSpec{Action: "Shop.flaky", Workers: 2, Think: Around(100 * time.Millisecond)})
		q.Bug, q.Timeout = client, 15*time.Second
		w.Requester(q)
		w.Sleep(4 * time.Second)
	})
	if err != nil {
		t.Fatalf("%s%s: %v", server, client, err)
	}
	return r
}

// TestWrongEndpointsAreFound: who breaks a rule that the world can see is blamed, by
// name, and the packets that prove it are there.
func TestWrongEndpointsAreFound(t *testing.T) {
	for _, tls := range []bool{false, true} {
		if tls && (testing.Short() || raceDetector) {
			continue
		}
		if r := mistaken(t, tls, "", ""); len(r.Violations) > 0 {
			t.Errorf("nobody is wrong: %v", r.Violations)
		}
		for _, m := range wrongServers {
			found(t, m, mistaken(t, tls, m.bug, ""))
		}
		for _, m := range wrongClients {
			found(t, m, mistaken(t, tls, "", m.bug))
		}
	}
}

func found(t *testing.T, m mistake, r *Result) {
	t.Helper()
	for _, v := range r.Violations {
		if !strings.Contains(v.What, m.want) {
			continue
		}
		if v.Connection.Requester != "web" || v.Connection.Instance != "shop-1" || v.Connection.Number%2 != 1 {
			t.Errorf("%s: seen on %v", m.bug, v.Connection)
		}
		if n := len(v.Packets); n > lastPackets || n == 0 && m.bug != "sends-banner" {
			t.Errorf("%s: %d packets", m.bug, n)
		}
		for i, p := range v.Packets {
			if p.At > v.At || i > 0 && p.At < v.Packets[i-1].At {
				t.Errorf("%s: packet %d is of %v, the violation of %v", m.bug, i, p.At, v.At)
			}
		}
		return
	}
	t.Errorf("%s: nothing says %q: %v", m.bug, m.want, r.Violations)
}

// TestTheLastPackets: a trail has the last packets, the oldest first.
func TestTheLastPackets(t *testing.T) {
	var tr trail
	for i := range uint64(100) {
		tr.add(time.Duration(i), i%2 == 0, packetOf(interpose.Packet{Type: "HEADER", Number: i, Body: []byte("{}")}))
		all := tr.packets()
		if want := min(int(i)+1, lastPackets); len(all) != want || all[len(all)-1].Number != i || all[0].Number != i+1-uint64(want) {
			t.Fatalf("after %d: %v", i, all)
		}
	}
	if n := testing.AllocsPerRun(100, func() { tr.add(0, true, packetOf(interpose.Packet{Type: "HEADER", Number: 7})) }); n > 1 { // the packet's own
		t.Errorf("a packet costs %v allocations", n)
	}
}

// TestRequestersMakeMistakesOfPackets: only wrong clients that are made of packets
// can be requesters.
func TestRequestersMakeMistakesOfPackets(t *testing.T) {
	if n := len(bugs.PacketClients()); n < 80 {
		t.Errorf("%d of them", n)
	}
	for bug, ok := range map[string]bool{"never-resumes": true, "connects-for-every-call": false, "nosuch": false} {
		q := web()
		q.Bug = bug
		if err := q.check(); (err == nil) != ok {
			t.Errorf("%s: %v", bug, err)
		}
	}
}
