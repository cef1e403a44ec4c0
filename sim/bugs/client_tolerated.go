package bugs

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// A Tolerable is a client that is not strict, and not wrong: it does what its rules tolerate.
type Tolerable struct {
	Client
	Rules []string // a case of each calls it a dialect
}

// Tolerated returns clients that no case may call wrong.
func Tolerated() []Tolerable {
	return []Tolerable{
		{Client{Name: "other-codes-and-texts", around: telling(func(o calling.Outcome) calling.Outcome {
			switch o.Code {
			case "transport":
				o.Code = "infrastructure"
			case "not_found":
				o.Code = "nobody"
			case "general":
				o.Code = "error"
			}
			o.Text = strings.NewReplacer("timed out", "took too long", "Connection lost", "gone", "Unknown error", "error").Replace(o.Text)
			return o
		})}, []string{"WIRE-ERR-02b", "WIRE-ERR-04", "WIRE-ERR-06a", "WIRE-ERR-06b", "WIRE-ERR-06c", "WIRE-ERR-09a", "DISC-RTE-07a"}},
		{Client{Name: "tells-no-data", around: telling(func(o calling.Outcome) calling.Outcome {
			o.Data = nil
			return o
		})}, []string{"WIRE-ERR-09b", "WIRE-ERR-06b", "WIRE-TIME-06"}},
		{Client{Name: "counts-ids-by-two", wrap: func(*server) interpose.Config {
			return interpose.Config{
				Out: editing(func(o object) object { return scaled(o, 2, 1) }),
				In:  editing(func(o object) object { return scaled(o, 1, 2) }),
			}
		}}, []string{"WIRE-RPC-01b"}},
		{Client{Name: "drops-ids-as-text", wrap: func(*server) interpose.Config {
			return interpose.Config{In: swallowing(func(o object) bool { return strings.HasPrefix(o.get("request_id"), `"`) })}
		}}, []string{"WIRE-RPC-03"}},
		{Client{Name: "chooses-blindly", around: blindly},
			[]string{"WIRE-ERR-07a", "WIRE-ERR-07e", "WIRE-ERR-08a", "DISC-RTE-04a", "DISC-RTE-04c", "DISC-CCH-10b"}},
		{Client{Name: "never-idle", change: func(c *reference.Client, _ calling.World) {
			c.Requester.Config.IdleTimeout = 24 * time.Hour
		}}, []string{"WIRE-TIME-01", "WIRE-CONN-06d"}},
		{Client{Name: "idle-for-a-constant-time", change: func(c *reference.Client, _ calling.World) {
			c.Requester.Config.IdleTimeout = 9 * time.Second
		}}, []string{"WIRE-TIME-01"}},
		{Client{Name: "adds-nothing-to-announced-times", around: allowing(func(announced, _ time.Duration) time.Duration { return announced })},
			[]string{"WIRE-TIME-04b", "DISC-RTE-05b"}},
		{Client{Name: "has-a-time-of-its-own", around: allowing(func(announced, _ time.Duration) time.Duration {
			return cmp.Or(announced+5*time.Second*time.Duration(min(1, announced)), 65*time.Second)
		})}, []string{"WIRE-TIME-04a", "DISC-RTE-05c"}},
		{Client{Name: "fails-late", around: failingLate}, []string{"WIRE-TIME-04a", "DISC-RTE-05a", "DISC-RTE-05c"}},
		{Client{Name: "uses-connections-on-after-timeouts", around: lettingGo}, []string{"WIRE-TIME-05b"}},
		{Client{Name: "connects-for-thirty-seconds", change: func(c *reference.Client, _ calling.World) {
			c.Requester.Config.ConnectTimeout = 30 * time.Second
		}}, []string{"WIRE-TIME-06"}},
		{Client{Name: "has-two-connections", around: alternating}, []string{"WIRE-CONN-04a"}},
		{Client{Name: "redials-now-and-then", way: way{redials: time.Second}}, []string{"WIRE-CONN-04c"}},
		{Client{Name: "knows-no-legacy-scheme",
			reads: func(record []byte) bool { return !bytes.Contains(record, []byte("scamp+tls://")) }}, []string{"WIRE-CONN-06c"}},
		{Client{Name: "refuses-large-replies", around: telling(func(o calling.Outcome) calling.Outcome {
			if len(o.Body) > 500000 {
				return calling.Outcome{Failed: true, Code: "transport", Text: "the reply is too large"}
			}
			return o
		})}, []string{"WIRE-CONN-08b"}},
		{Client{Name: "pads-bodies", wrap: padded}, []string{"WIRE-ENV-01a"}},
		{Client{Name: "sends-no-json-envelope", wrap: writing(func(o object) object {
			if o.text("envelope") == "json" {
				return o.without("envelope")
			}
			return o
		})}, []string{"DISC-RTE-02d"}},
		{Client{Name: "compares-sectors-with-case", around: casedSectors}, []string{"DISC-RTE-02a"}},
		{Client{Name: "has-no-sector-of-its-own", around: wishing(func(c *calling.Call) { c.Sector = cmp.Or(c.Sector, "main") })},
			[]string{"DISC-RTE-02b"}},
		{Client{Name: "greets-everybody", change: greeting}, []string{"DISC-RTE-03c"}},
		{Client{Name: "knows-no-pins", around: refusing(func(c calling.Call) bool { return c.Ident != "" })},
			[]string{"DISC-RTE-06a", "DISC-RTE-06b"}},
		{Client{Name: "knows-pins-without-fingerprints", around: refusing(func(c calling.Call) bool { return strings.Contains(c.Ident, "#") })},
			[]string{"DISC-RTE-06b"}},
		{Client{Name: "keeps-its-index", change: func(c *reference.Client, _ calling.World) {
			if c.Cache.Check() == nil {
				began := time.Now()
				c.Requester.Fresh = func() error {
					if time.Since(began) < 2*time.Minute {
						return nil
					}
					return c.Cache.Check()
				}
			}
		}}, []string{"DISC-CCH-08a", "DISC-CCH-11"}},
		{Client{Name: "names-both-in-one-text", around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			o := next.Call(ctx, c)
			if isStale(o) || o.Code == "not_found" {
				o = calling.Outcome{Failed: true, Code: "not_found", Text: c.Action + " is not found, or the cache is stale"}
			}
			return o
		})}, []string{"DISC-CCH-08b"}},
		{Client{Name: "starts-anew-with-each-file", around: anew}, []string{"DISC-CCH-10a", "DISC-CCH-10b"}},
		{Client{Name: "checks-aliases-themselves", around: refusing(func(c calling.Call) bool { return strings.Contains(c.Action, "._create") })},
			[]string{"DISC-AUT-09a"}},
		{Client{Name: "sees-quick-edits-late", files: settling}, []string{"DISC-AUT-10b"}},
		{Client{Name: "trusts-strangers-with-tickets", change: listed(func(list []byte, d *discovery.Directory) []byte {
			for _, a := range d.Instances() {
				if slices.ContainsFunc(a.Actions, func(a discovery.Action) bool { return strings.HasPrefix(a.Name, "_meta.") }) {
					return strangers(list, d, "_meta")
				}
			}
			return list
		})}, []string{"DISC-AUT-13"}},
	}
}

// scaled multiplies the id of a message, if it is a number.
func scaled(o object, by, of int) object {
	n, err := strconv.Atoi(o.get("request_id"))
	if err != nil || n*by%of != 0 {
		return o
	}
	return o.with("request_id", strconv.Itoa(n*by/of))
}

// offers returns who may be asked for an action.
func offers(r *reference.Client, c calling.Call) (some []discovery.Instance) {
	q := r.Requester
	for _, i := range q.Directory.Lookup(nil, cmp.Or(c.Sector, q.Sector, "main"), c.Action, cmp.Or(c.Version, 1), cmp.Or(c.Envelope, "json")) {
		if q.Authorized().Allows(i.Fingerprint, i.Action.Sector, i.Action.Name) {
			some = append(some, i)
		}
	}
	return some
}

// blindly makes a client that chooses by lot, marks nobody and tries nothing again.
func blindly(c calling.Client, _ calling.World) calling.Client {
	r := builtIn(c)
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		if some := offers(r, c); c.Ident == "" && len(some) > 0 {
			i := some[rand.IntN(len(some))]
			c.Ident = i.Fingerprint + "#" + i.Ident
		}
		return next.Call(ctx, c)
	}}
}

// allowing makes a client that gives calls times of its own, unless their callers do.
func allowing(of func(announced, plain time.Duration) time.Duration) func(calling.Client, calling.World) calling.Client {
	return func(c calling.Client, _ calling.World) calling.Client {
		r := builtIn(c)
		return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			if some := offers(r, c); c.Timeout == 0 && len(some) > 0 {
				c.Timeout = of(some[0].Action.Timeout(), r.Requester.Config.CallTimeout)
			}
			return next.Call(ctx, c)
		}}
	}
}

// failingLate makes a client that reports timeouts five seconds late, unless the action has announced its time.
func failingLate(c calling.Client, _ calling.World) calling.Client {
	r := builtIn(c)
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		o := next.Call(ctx, c)
		some := offers(r, c)
		if strings.Contains(o.Text, "timed out") && (c.Timeout > 0 || len(some) > 0 && some[0].Action.Timeout() == 0) {
			select {
			case <-time.After(5 * time.Second):
			case <-ctx.Done():
			}
		}
		return o
	}}
}

// lettingGo makes a client that forgets a call which has timed out, and leaves its connection as it is.
func lettingGo(c calling.Client, _ calling.World) calling.Client {
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		if c.Timeout == 0 {
			return next.Call(ctx, c)
		}
		limit := time.NewTimer(c.Timeout)
		defer limit.Stop()
		ended := make(chan calling.Outcome, 1)
		go func(c calling.Call) {
			c.Timeout = time.Hour
			ended <- next.Call(context.WithoutCancel(ctx), c)
		}(c)
		select {
		case o := <-ended:
			return o
		case <-limit.C:
			return calling.Outcome{Failed: true, Code: "transport", Text: "call of " + c.Action + " timed out"}
		case <-ctx.Done():
			return calling.Outcome{Failed: true, Code: "transport", Text: "given up"}
		}
	}}
}

// alternating makes a client of two, which take turns.
func alternating(c calling.Client, w calling.World) calling.Client {
	second := reference.NewClient(w)
	var n atomic.Int64
	return &doubled{caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		if n.Add(1)%2 == 0 {
			next = second
		}
		return next.Call(ctx, c)
	}}, second}
}

// padded puts white space around small bodies.
func padded(*server) interpose.Config {
	begun := map[uint64]bool{}
	return interpose.Config{Out: func(f *interpose.Flow, p interpose.Packet) {
		if p.Type == "DATA" && len(p.Body) < 1000 && !begun[p.Number] && !bytes.HasPrefix(p.Body, []byte("<")) {
			p.Body = fmt.Appendf(nil, " %s\n", p.Body)
		}
		begun[p.Number] = begun[p.Number] || p.Type == "DATA"
		f.Pass(p)
	}}
}

// casedSectors makes a client that finds a sector only as it is announced.
func casedSectors(c calling.Client, _ calling.World) calling.Client {
	r := builtIn(c)
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		for _, i := range offers(r, c) {
			if c.Sector != "" && i.Sector != c.Sector {
				c.Sector = "nowhere"
			}
		}
		return next.Call(ctx, c)
	}}
}

// refusing makes a client that fails some calls.
func refusing(when func(c calling.Call) bool) func(calling.Client, calling.World) calling.Client {
	return asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
		if when(c) {
			return calling.Outcome{Failed: true, Code: "general", Text: "this cannot be asked for"}
		}
		return next.Call(ctx, c)
	})
}

// greeting makes a client that connects to all instances, and waits for none but the one that it has chosen.
func greeting(c *reference.Client, w calling.World) {
	directory := c.Requester.Directory
	c.Requester.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		for _, a := range directory.Instances() {
			if addressOf(a) == address {
				continue
			}
			if nc, err := w.Dial(ctx, network, addressOf(a)); err == nil {
				nc.Close()
			}
		}
		return w.Dial(ctx, network, address)
	}
}

// anew makes a client that begins anew whenever the cache file has changed.
func anew(c calling.Client, w calling.World) calling.Client {
	var mu sync.Mutex
	var text []byte
	var now *reference.Client
	second := &renewed{of: func() *reference.Client {
		mu.Lock()
		defer mu.Unlock()
		if b, _ := fs.ReadFile(w.Files, calling.Cache); now == nil || !bytes.Equal(b, text) {
			if now != nil {
				now.Close()
			}
			text, now = b, reference.NewClient(w)
		}
		return now
	}}
	return &doubled{caller{c, func(ctx context.Context, _ calling.Client, c calling.Call) calling.Outcome {
		return second.of().Call(ctx, c)
	}}, second}
}

// A renewed client is now one, now another.
type renewed struct{ of func() *reference.Client }

func (r *renewed) Call(ctx context.Context, c calling.Call) calling.Outcome {
	return r.of().Call(ctx, c)
}
func (r *renewed) Close() { r.of().Close() }

// settling makes files of which the list of authorised services is read when it has not changed for a second.
func settling(files fs.FS) fs.FS {
	var mu sync.Mutex
	var text []byte
	var written, changed time.Time
	return &seen{files, func(name string, now []byte, at time.Time) ([]byte, time.Time) {
		if name != calling.Authorized {
			return now, at
		}
		mu.Lock()
		defer mu.Unlock()
		if !bytes.Equal(now, text) && time.Since(changed) >= time.Second {
			text, written, changed = now, at, time.Now()
		}
		return text, written
	}}
}
