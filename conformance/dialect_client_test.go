package conformance

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/golden"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A habit is what a client does that the specification allows or tolerates. It is made of the built-in requester.
type habit struct {
	name   string
	about  string // where the specification allows or tolerates it
	cfg    scamp.Config
	wraps  []func() interpose.Config               // once per connection; the first stands next to the client
	tls    version                                 // of TLS that it has
	call   func(c *calling.Call)                   // what it makes of a call
	report func(o calling.Outcome) calling.Outcome // what it tells the application
	pool   int                                     // so many connections in turn; negative: one for every call
	// onlyFor restricts report to calls with this timeout.
	onlyFor time.Duration
	small   bool // … and small bodies
}

// A version bounds the versions of TLS; 0 is no bound.
type version struct{ min, max uint16 }

// start makes a fresh client.
func (h habit) start(w calling.World) calling.Client {
	c := &habitual{habit: h, world: w}
	for range max(h.pool, 1) {
		c.clients = append(c.clients, c.requester())
	}
	return c
}

// A habitual client hands its calls to one or several requesters.
type habitual struct {
	habit
	world   calling.World
	mu      sync.Mutex
	clients []*reference.Client
	calls   int
}

func (h *habitual) requester() *reference.Client {
	w := h.world
	if len(h.wraps) > 0 || h.tls != (version{}) {
		w.Dial = h.dial
	}
	ref := reference.NewClient(w)
	if h.cfg.Window > 0 {
		ref.Requester.Config.Window = h.cfg.Window
	}
	return ref
}

func (h *habitual) Call(ctx context.Context, c calling.Call) calling.Outcome {
	if h.call != nil {
		h.call(&c)
	}
	var o calling.Outcome
	if h.pool < 0 {
		fresh := h.requester()
		defer fresh.Close()
		o = fresh.Call(ctx, c)
	} else {
		h.mu.Lock()
		h.calls++
		client := h.clients[h.calls%len(h.clients)]
		h.mu.Unlock()
		o = client.Call(ctx, c)
	}
	if h.report != nil && (h.onlyFor == 0 || h.onlyFor == c.Timeout) && !(h.small && len(c.Body) > 1000) {
		o = h.report(o)
	}
	return o
}

func (h *habitual) Close() {
	for _, c := range h.clients {
		c.Close()
	}
	simnet.Sleep(10 * time.Second) // what filters still have to say
}

// dial puts the filters between the requester and the world. They see packets: TLS is ended and begun anew, with the
// certificate that the server has presented.
func (h *habitual) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := h.world.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	near, far := simnet.Pipe(0)
	go func() {
		defer far.Close()
		defer nc.Close()
		up := tls.Client(nc, &tls.Config{InsecureSkipVerify: true, MinVersion: h.tls.min, MaxVersion: h.tls.max})
		if up.Handshake() != nil {
			return
		}
		down := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{presentedBy(up)}})
		if down.Handshake() != nil {
			return
		}
		var filtered net.Conn = up
		for _, wrap := range slices.Backward(h.wraps) {
			filtered = interpose.Wrap(filtered, wrap())
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			io.Copy(filtered, down)
			filtered.Close()
			nc.Close()
		})
		io.Copy(down, filtered)
		down.Close()
		far.Close()
		wg.Wait()
	}()
	return near, nil
}

// presentedBy returns the identity that a server has presented, whose key the tester has.
func presentedBy(c *tls.Conn) tls.Certificate {
	der := c.ConnectionState().PeerCertificates[0].Raw
	for _, name := range append(slices.Clone(instanceNames), expired) {
		if i := identityOf(name); slices.Equal(i.tls.Certificate[0], der) {
			return i.tls
		}
	}
	return tls.Certificate{}
}

// The groups whose cases for clients are played against all habits.
var groupsOfHabits = []string{"wire-frame/", "wire-msg/", "wire-hdr/", "wire-flow/", "wire-safe/", "wire-tls/"}

// No client that the specification allows or tolerates is called wrong, and every outcome that a case tolerates is one that some
// client shows: a branch that nobody can take is a promise that nobody has checked.
func TestDialectsOfClients(t *testing.T) {
	t.Parallel()
	all, err := ParseFS(golden.FS)
	if err != nil {
		t.Fatal(err)
	}
	cases := slices.DeleteFunc(Playing(all, "client"), func(c *Case) bool {
		return !slices.ContainsFunc(groupsOfHabits, func(g string) bool { return strings.HasPrefix(c.Name, g) })
	})
	var mu sync.Mutex
	shown := map[string]bool{}
	some := habits()
	if !*everyDialect {
		some = together(t, some)
	}
	t.Run("habits", func(t *testing.T) {
		for i, h := range some {
			if RaceDetector && i%4 != 0 { // each costs ten times as much
				continue
			}
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				report, err := Run(t.Context(), ClientValue(h.start), h.concerned(cases), Options{})
				if err != nil {
					t.Fatal(err)
				}
				blameless(t, dialect{about: h.about}, report)
				mu.Lock()
				defer mu.Unlock()
				for _, r := range report.Results {
					for _, note := range r.Notes {
						shown[r.Name+": "+note] = true
					}
				}
			})
		}
	})
	for _, c := range cases {
		for _, note := range toleratedIn(c.Steps) {
			if !RaceDetector && !shown[c.Name+": "+note] {
				t.Errorf("%s: no client shows %q", c.Name, note)
			}
		}
	}
}

// Cases of clients that take long and have little to do with habits.
var heavyOfClients = map[string]bool{
	"wire-safe/client-endless-reply": true, "wire-safe/client-open-messages": true, "wire-safe/client-announced-bodies": true,
	"wire-safe/client-deep-nesting": true, "wire-flow/client-reads-while-it-cannot-write": true,
}

// concerned returns the cases that are played: all with -dialects; otherwise habits of flow control are tried on
// flow control, and others on what has no large bodies.
func (h habit) concerned(cases []*Case) (some []*Case) {
	flow := strings.Contains(h.about, "FLOW")
	for _, c := range cases {
		switch {
		case *everyDialect || strings.Contains(h.about, "FLOW-10"):
		case heavyOfClients[c.Name] || !flow && bulky.Match(c.Source) || flow && !strings.HasPrefix(c.Name, "wire-flow/"):
			continue
		}
		some = append(some, c)
	}
	return some
}

// toleratedIn returns the notes of the dialect branches of some steps.
func toleratedIn(steps []Step) (notes []string) {
	for _, s := range steps {
		if do, ok := s.Do.(Either); ok {
			for _, b := range do.Branches {
				if b.Grade == GradeDialect {
					notes = append(notes, b.Note)
				}
				notes = append(notes, toleratedIn(b.Steps)...)
			}
			continue
		}
		for _, block := range blocks(s.Do) {
			notes = append(notes, toleratedIn(block)...)
		}
	}
	return notes
}
