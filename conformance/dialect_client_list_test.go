package conformance

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// Dialects of servers that clients have as well: what they do when they send or receive, whoever they are.
var eitherSide = []string{
	"no window", "window of 131072", "window passed by less than a chunk", "window of 4000", "chunks of 1024", "chunks of 777",
	"first octets one by one", "chunks of 131072", "whole chunks of 16384 only", "one message after another", "one body after another",
	"one message after another without a window",
	"acknowledges much only", "acknowledges less than half", "acknowledges by halves", "acknowledges what arrives", "acknowledges late",
	"acknowledges very late",
	"equal duplicates",
	"takes leading zeros", "lines of up to 80 octets", "0 and 00 are two messages", "notices a bare LF late", "notices unknown types late",
	"closes on PING", "repairs UTF-8 in headers", "reads deep headers", "headers of at most 16 levels", "closes on duplicates",
	"closes on TXERR without text", "closes on TXERR that is not UTF-8", "closes on ACKs after the end", "closes beyond the bounds",
}

// habits returns clients that no golden case may call wrong.
func habits() (all []habit) {
	for _, d := range dialects() {
		for _, name := range eitherSide {
			if d.name == name {
				all = append(all, habit{name: name, about: d.about, cfg: d.way.cfg, wraps: d.way.wraps})
			}
		}
	}
	add := func(h habit) { all = append(all, h) }
	filter := func(name, about string, f func() interpose.Config) {
		add(habit{name: name, about: about, wraps: []func() interpose.Config{f}})
	}
	add(habit{name: "the reference", about: "conforms"})

	// Connections and calls.
	add(habit{name: "three connections in turn", about: "CONN-04a", pool: 3})
	add(habit{name: "a connection for every call", about: "fails CONN-04a and nothing else", pool: -1})
	add(habit{name: "other codes", about: "ERR-06a, ERR-06b, ERR-06c", report: func(o calling.Outcome) calling.Outcome {
		if o.Failed {
			o.Code, o.Text, o.Data = "failed", "it did not work", nil
		}
		return o
	}})
	add(habit{name: "releases silent calls late", about: "SAFE-07", report: whenTimedOut(30 * time.Second), onlyFor: 3 * time.Second, small: true})
	add(habit{name: "never releases silent calls", about: "SAFE-07", report: whenTimedOut(10 * time.Minute), onlyFor: 3 * time.Second, small: true})
	add(habit{name: "waits after a failed handshake", about: "TLS-03", report: func(o calling.Outcome) calling.Outcome {
		if strings.HasPrefix(o.Text, "Connection failed") {
			simnet.Sleep(15 * time.Second)
		}
		return o
	}, onlyFor: 20 * time.Second})
	add(habit{name: "sends no tickets", about: "HDR-16a", call: func(c *calling.Call) { c.Ticket = "" }})
	add(habit{name: "has no TLS 1.3", about: "TLS-04a", tls: version{max: tls.VersionTLS12}})
	add(habit{name: "has no TLS 1.2", about: "TLS-04a", tls: version{min: tls.VersionTLS13}})

	// Headers.
	filter("sends no envelope", "HDR-10c", editing(func(m members) members {
		if m.text("envelope") == "json" {
			return m.without("envelope")
		}
		return m
	}))
	filter("null in optional members", "HDR-06c", editing(func(m members) members { return m.with("terminal", "null") }))
	filter("ids are text", "HDR-10d, RPC-01b", renamed(func(id string) string { return `"` + id + `"` }, func(id string) string { return strings.Trim(id, `"`) }))
	filter("ids count down", "RPC-01b", renamed(
		func(id string) string { return fmt.Sprint(1_000_000 - number(id)) }, func(id string) string { return fmt.Sprint(1_000_000 - number(id)) }))
	filter("ignores odd error members", "HDR-18b", asked(func(m members) members {
		for _, name := range []string{"error", "error_code"} {
			if k := kind(m[name]); k != 0 && k != '"' {
				m = m.without(name)
			}
		}
		return m
	}))
	filter("closes on odd error members", "HDR-18b", closingOn(func(m members) bool {
		return wrongKind(m, "error", `"`) || wrongKind(m, "error_code", `"`) || wrongKind(m, "error_data", "{") && m.text("error") != ""
	}))
	filter("fails calls for members that it does not need", "HDR-18a", asked(func(m members) members {
		if wrongKind(m, "error_data", "{") || wrongKind(m, "new_session", `"`) || wrongKind(m, "http_status", `"`) || wrongKind(m, "ticket", `"`) {
			return m.with("error", `"a member has the wrong type"`)
		}
		return m
	}))

	// Acknowledgements and bounds.
	filter("acknowledges 60,000 octets at a time", "FLOW-07a", acking(func(last, total int) []int {
		if total-last < 60000 {
			return nil
		}
		return []int{total}
	}))
	filter("acknowledges 33,000 octets late", "FLOW-07a", acking(func(last, total int) []int {
		if total-33000 <= last {
			return nil
		}
		return []int{total - 33000}
	}))
	filter("closes when much comes that it drops", "FLOW-10", func() interpose.Config {
		octets := 0
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if octets += len(p.Body); octets > 8<<20 {
				f.Close()
				return
			}
			f.Pass(p)
		}}
	})
	filter("fails calls for odd texts of TXERR", "MSG-10", func() interpose.Config {
		return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "TXERR" && bytes.IndexByte(p.Body, 0xff) >= 0 {
				p.Body = []byte("some text that is not UTF-8")
			}
			f.Pass(p)
		}}
	})
	return all
}

// Habits that get on with each other, so that a few clients show them all.
var habitsTogether = [][]string{
	{"ids are text", "takes leading zeros", "notices a bare LF late", "notices unknown types late", "repairs UTF-8 in headers", "reads deep headers",
		"ignores odd error members", "fails calls for members that it does not need", "fails calls for odd texts of TXERR",
		"sends no envelope", "null in optional members"},
	{"ids count down", "0 and 00 are two messages", "closes on PING", "headers of at most 16 levels", "closes on duplicates", "closes on TXERR without text",
		"closes on TXERR that is not UTF-8", "closes on odd error members", "sends no tickets"},
}

// together makes fewer clients of habits.
func together(t *testing.T, all []habit) []habit {
	t.Helper()
	for _, names := range habitsTogether {
		m := habit{name: names[1] + " and more", about: strings.Join(names, ", ")}
		for _, name := range names {
			i := slices.IndexFunc(all, func(h habit) bool { return h.name == name })
			if i < 0 {
				t.Fatalf("there is no habit %q", name)
			}
			m.wraps = append(m.wraps, all[i].wraps...)
			if all[i].call != nil {
				m.call = all[i].call
			}
			all = slices.Delete(all, i, i+1)
		}
		all = append(all, m)
	}
	return all
}

// whenTimedOut reports calls that have timed out later than that.
func whenTimedOut(later time.Duration) func(o calling.Outcome) calling.Outcome {
	return func(o calling.Outcome) calling.Outcome {
		if strings.Contains(o.Text, "timed out") {
			simnet.Sleep(later)
		}
		return o
	}
}

func number(id string) (n int) {
	fmt.Sscan(id, &n)
	return n
}

// renamed makes a filter that gives requests other ids, and replies theirs.
func renamed(out, in func(id string) string) func() interpose.Config {
	return func() interpose.Config {
		var mu sync.Mutex
		given := map[string]bool{}
		return interpose.Config{
			Out: editOne(func(m members) members {
				mu.Lock()
				defer mu.Unlock()
				id := out(string(m["request_id"]))
				given[id] = true
				return m.with("request_id", id)
			}),
			In: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				m, ok := membersOf(p)
				known := ok && given[string(m["request_id"])]
				mu.Unlock()
				if known { // in place: what the tester has written otherwise stays
					from := append([]byte(`"request_id":`), m["request_id"]...)
					p.Body = bytes.Replace(p.Body, from, []byte(`"request_id":`+in(string(m["request_id"]))), 1)
				}
				f.Pass(p)
			},
		}
	}
}
