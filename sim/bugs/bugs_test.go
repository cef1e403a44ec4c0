package bugs

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/docs/spec"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Every wrong server has a name of its own that says what it does, and breaks a rule that exists and binds a server.
func TestCatalogue(t *testing.T) {
	all := Servers()
	seen := map[string]bool{}
	for _, s := range all {
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if !kebab.MatchString(s.Name) || !strings.Contains(s.Name, "-") {
			t.Errorf("%q is not in kebab case", s.Name)
		}
		if s.Title == "" || strings.HasSuffix(s.Title, ".") {
			t.Errorf("%s has the title %q", s.Name, s.Title)
		}
		rule, ok := spec.Lookup(s.Rule)
		switch {
		case !ok:
			t.Errorf("%s breaks %s, which is no rule", s.Name, s.Rule)
		case rule.Role == "client":
			t.Errorf("%s breaks %s, which binds clients", s.Name, s.Rule)
		}
		if found, ok := Lookup(s.Name); !ok || found.Name != s.Name || found.Rule != s.Rule {
			t.Errorf("%s is not found", s.Name)
		}
	}
	if len(all) < 80 {
		t.Errorf("only %d wrong servers", len(all))
	}
	if _, ok := Lookup("no-such-bug"); ok {
		t.Error("a server of no name is found")
	}
	var groups []string
	for _, s := range all {
		if g := group(s.Rule); len(groups) == 0 || groups[len(groups)-1] != g {
			groups = append(groups, g)
		}
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(groups))); len(sorted) != len(groups) {
		t.Errorf("the groups are not together: %v", groups)
	}
}

func group(rule string) string { return rule[:strings.LastIndexByte(rule, '-')] }

// with starts a wrong server in virtual time.
func with(t *testing.T, start func() (serve func(net.Conn), stop func()), f func(dial func() net.Conn)) {
	t.Helper()
	err := simnet.Bubble(func() {
		serve, stop := start()
		f(func() net.Conn {
			a, b := simnet.Pipe(0)
			go serve(b)
			return a
		})
		stop()
	})
	if err != nil {
		t.Error(err)
	}
}

// exchange sends octets and returns all that comes within a second, and whether the server has closed.
func exchange(nc net.Conn, octets string) (got string, closed bool) {
	go io.WriteString(nc, octets)
	nc.SetReadDeadline(time.Now().Add(time.Second))
	b, err := io.ReadAll(nc)
	return string(b), err == nil
}

const body = `{"hello":"world","n":[1,2,3]}`

// echo is a complete request for an echo, as everybody sends them.
func echo(number int) string {
	header := fmt.Sprintf(`{"type":"request","action":"Conformance.echo","version":1,"envelope":"json","request_id":%d}`, number+1)
	return fmt.Sprintf("HEADER %d %d\r\n%sEND\r\nDATA %d %d\r\n%sEND\r\nEOF %d 0\r\nEND\r\n", number, len(header), header, number, len(body), body, number)
}

// What a wrong server does with the most ordinary request where its mistake shows in that.
var showsInAnEcho = map[string]string{
	"sends-banner":               "SCAMP ready\r\n",
	"blank-line-between-packets": "END\r\n\r\n",
	"pads-lengths":               "DATA 0 0000",
	"sends-unknown-type":         "NOOP 0 0\r\n",
	"numbers-from-one":           "HEADER 1 ",
	"ends-twice":                 "EOF 0 0\r\nEND\r\nEOF 0 0\r\nEND\r\n",
	"data-after-eof":             "EOF 0 0\r\nEND\r\nDATA 0 1\r\n END\r\n",
	"sends-eof-with-body":        "EOF 0 3\r\nendEND\r\n",
	"sends-empty-data":           "DATA 0 0\r\nEND\r\nEOF 0 0\r\n",
	"sends-two-objects":          "{}END\r\n",
	"sends-duplicate-members":    "",
	"sends-null-members":         "null",
	"says-response":              `"response"`,
	"success-with-error":         `"error`,
	"publishes-unasked":          `{"type":"event"}`,
}

// A wrong server has one mistake: to an ordinary echo it does what the reference does, unless that is its mistake.
func TestOrdinaryEchoes(t *testing.T) {
	for _, s := range Servers() {
		t.Run(s.Name, func(t *testing.T) {
			with(t, func() (func(net.Conn), func()) { return s.Start(slog.New(slog.DiscardHandler)) }, func(dial func() net.Conn) {
				nc := dial()
				got, closed := exchange(nc, echo(0))
				nc.Close()
				mark, shows := showsInAnEcho[s.Name]
				right := ordinary(got)
				switch {
				case closed:
					t.Errorf("it closes: %q", got)
				case shows && right && mark != "":
					t.Errorf("it does what is right: %q", got)
				case shows && !strings.Contains(got, mark):
					t.Errorf("it says %q, and nothing of %q in it", got, mark)
				case !shows && !right:
					t.Errorf("it says %q", got)
				}
			})
		})
	}
	for name := range showsInAnEcho {
		if _, ok := Lookup(name); !ok {
			t.Errorf("%s does not exist", name)
		}
	}
}

// ordinary reports whether octets are, acknowledgements aside, a good reply to the first echo and nothing else.
func ordinary(got string) bool {
	var packets []interpose.Packet
	a, b := simnet.Pipe(1 << 20)
	io.WriteString(b, got)
	b.Close()
	io.Copy(io.Discard, interpose.Wrap(a, interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
		if p.Type != "ACK" {
			packets = append(packets, p)
		}
	}}))
	if len(packets) < 3 || packets[0].Type != "HEADER" || packets[len(packets)-1].Type != "EOF" {
		return false
	}
	var data []byte
	for _, p := range packets[1 : len(packets)-1] {
		if p.Type != "DATA" || p.Number != 0 || len(p.Body) == 0 {
			return false
		}
		data = append(data, p.Body...)
	}
	return string(packets[0].Body) == `{"type":"reply","request_id":1}` && packets[0].Number == 0 && string(data) == body && len(packets[len(packets)-1].Body) == 0
}

// Several ordinary echoes on several connections are answered, too; a mistake in one of them hurts no other connection.
func TestServersShareNothing(t *testing.T) {
	for _, s := range Servers() {
		if _, shows := showsInAnEcho[s.Name]; shows || s.Name == "replies-on-newest-connection" || s.Name == "skips-numbers" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			with(t, func() (func(net.Conn), func()) { return s.Start(slog.New(slog.DiscardHandler)) }, func(dial func() net.Conn) {
				for i := range 3 {
					nc := dial()
					if got, closed := exchange(nc, echo(0)); closed || !ordinary(got) {
						t.Errorf("connection %d: %q", i, got)
					}
					nc.Close()
				}
			})
		})
	}
}

// A server that dies ends all its connections, refuses new ones for a while, and serves again.
func TestDeath(t *testing.T) {
	s, ok := Lookup("dies-on-null-header")
	if !ok {
		t.Fatal("no such server")
	}
	with(t, func() (func(net.Conn), func()) { return s.Start(slog.New(slog.DiscardHandler)) }, func(dial func() net.Conn) {
		a, b := dial(), dial()
		simnet.Settle()
		if _, closed := exchange(a, "HEADER 0 4\r\nnullEND\r\n"); !closed {
			t.Error("it lives")
		}
		if _, closed := exchange(b, ""); !closed {
			t.Error("another connection lives")
		}
		if got, closed := exchange(dial(), echo(0)); !closed || got != "" {
			t.Errorf("it serves while it is dead: %q", got)
		}
		time.Sleep(restart)
		c := dial()
		if got, _ := exchange(c, echo(0)); !ordinary(got) {
			t.Errorf("it does not serve again: %q", got)
		}
		for _, nc := range []net.Conn{a, b, c} {
			nc.Close()
		}
	})
}

// Null servers are none.
func TestNulls(t *testing.T) {
	want := map[string]struct {
		got    string
		closed bool
	}{
		"closes-at-once": {"", true}, "never-answers": {"", false}, "mirrors": {echo(0), false}, "echoes-garbage": {"\x1d\x10", false},
	}
	nulls := Nulls()
	if len(nulls) != len(want) {
		t.Errorf("there are %d", len(nulls))
	}
	for _, null := range nulls {
		t.Run(null.Name, func(t *testing.T) {
			if !kebab.MatchString(null.Name) || null.Title == "" {
				t.Errorf("%q %q", null.Name, null.Title)
			}
			with(t, null.Start, func(dial func() net.Conn) {
				nc := dial()
				got, closed := exchange(nc, echo(0))
				if w := want[null.Name]; !strings.HasPrefix(got, w.got) || w.got == "" && got != "" || closed != w.closed {
					t.Errorf("%q %v", got, closed)
				}
				if ordinary(got) {
					t.Error("it answers")
				}
			})
		})
	}
}

// Objects keep the order, the spelling and the duplicates of their members.
func TestObjects(t *testing.T) {
	for src, want := range map[string]string{
		`{"b":1.50,"a":"\u00e9","b":[1, 2]}`: `{"b":1.50,"a":"\u00e9","b":[1, 2]}`, ` { } `: `{}`, `{"a":{"b":null}}`: `{"a":{"b":null}}`,
		`[]`: "", `5`: "", `{`: "", `{"a":1`: "", `{"a":1}x`: "", `{"a"}`: "", ``: "", `{"a":}`: "",
	} {
		o, ok := parse([]byte(src))
		if ok != (want != "") || ok && string(o.bytes()) != want {
			t.Errorf("%s is read as %s %v", src, o.bytes(), ok)
		}
	}
	o, _ := parse([]byte(`{"a":1,"b":"x","a":2}`))
	if o.get("a") != "2" || o.get("c") != "" || o.text("b") != "x" || o.text("a") != "" {
		t.Errorf("%v", o)
	}
	if got := string(o.without("b", "c").bytes()); got != `{"a":1,"a":2}` {
		t.Error(got)
	}
	if got := string(o.with("a", "3").with("c", "4").bytes()); got != `{"a":3,"b":"x","c":4}` {
		t.Error(got)
	}
	if !isNumber("-1.5e3") || isNumber(`"1"`) || isNumber("") || !isInteger("-1") || isInteger("1.0") || isInteger("1e3") || !isString(`"a"`) || isString("a") {
		t.Error("values are told apart wrongly")
	}
	if o, _ = parse([]byte(`{"error":""}`)); o.failed() {
		t.Error("an empty error is one")
	}
	if !bytes.Equal(object(nil).bytes(), []byte("{}")) {
		t.Error("no members are no object")
	}
}
