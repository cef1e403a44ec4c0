package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/conformance"
	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/golden"
	"github.com/gudtech/scamp-sim/sim/bugs"
)

var summaryLine = regexp.MustCompile(`(?m)^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped.* in .*s$`)

func summary(t *testing.T, out string) (passed, failed, skipped int) {
	t.Helper()
	m := summaryLine.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no summary at the end of:\n%s", out)
	}
	passed, _ = strconv.Atoi(m[1])
	failed, _ = strconv.Atoi(m[2])
	skipped, _ = strconv.Atoi(m[3])
	return passed, failed, skipped
}

// The main job, with no set-up.
func TestConformanceOfTheBuiltIn(t *testing.T) {
	o := scampSim(t, "", "conformance", "--strict")
	passed, failed, skipped := summary(t, o.stdout)
	if o.code != 0 || passed < 200 || failed != 0 || skipped != 0 || o.stderr != "" {
		t.Fatalf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// inVirtualTime counts the cases for servers that can be played in virtual time only.
func inVirtualTime(t *testing.T) (n int) {
	t.Helper()
	cases, err := conformance.ParseFS(golden.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Role == "server" && c.Virtual {
			n++
		}
	}
	return n
}

// The built-in client, and what does not go together with it. A run is about one role.
func TestConformanceOfTheBuiltInClient(t *testing.T) {
	o := scampSim(t, "", "conformance", "--role", "client", "--strict")
	passed, failed, skipped := summary(t, o.stdout)
	if o.code != 0 || passed < 150 || failed != 0 || skipped != 0 || o.stderr != "" {
		t.Fatalf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	list := scampSim(t, "", "conformance", "--list").stdout
	if clients := scampSim(t, "", "conformance", "--role", "client", "--list").stdout; strings.Contains(list, "wire-rpc/client-") || !strings.Contains(clients, "wire-rpc/client-") ||
		strings.Contains(clients, "wire-frame/bare-lf") {
		t.Error("the roles are mixed")
	}
	for _, tc := range []struct{ args, want string }{
		{"--role witness", "the roles that can be tried are server and client"},
		{"--role client --server 127.0.0.1:1 --insecure", "only the built-in client"},
	} {
		if o := scampSim(t, "", append([]string{"conformance"}, strings.Fields(tc.args)...)...); o.code == 0 || !strings.Contains(o.stderr, tc.want) {
			t.Errorf("%s: exit %d, %s", tc.args, o.code, o.stderr)
		}
	}
	file := filepath.Join(t.TempDir(), "one.case")
	if err := os.WriteFile(file, []byte("# Something is tried here.\nrule: WIRE-FRAME-04a\nrole: server\n\nbarrier\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if o := scampSim(t, "", "conformance", "--role", "client", file); o.code == 0 || !strings.Contains(o.stderr, "none of 1 cases is for the role client") {
		t.Errorf("exit %d, %s", o.code, o.stderr)
	}
}

// Two processes, over TLS.
func TestConformanceOverTLS(t *testing.T) {
	s := serve(t)
	dir := t.TempDir()
	o := scampSim(t, "", "conformance", "--server", s.uri, "--fingerprint", s.fingerprint, "--strict",
		"--json", filepath.Join(dir, "r.json"), "--junit", filepath.Join(dir, "r.xml"))
	passed, failed, skipped := summary(t, o.stdout)
	if o.code != 0 || passed < 200 || failed != 0 || skipped > inVirtualTime(t) {
		t.Fatalf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	var doc struct {
		Format  int
		Summary map[string]int
		Results []struct{ Name, Verdict string }
	}
	read(t, filepath.Join(dir, "r.json"), func(b []byte) error { return json.Unmarshal(b, &doc) })
	if doc.Format != 1 || doc.Summary["pass"] != passed || len(doc.Results) != passed+failed+skipped {
		t.Errorf("JSON: %d results, summary %v", len(doc.Results), doc.Summary)
	}
	var suites struct {
		Tests int `xml:"tests,attr"`
	}
	read(t, filepath.Join(dir, "r.xml"), func(b []byte) error { return xml.Unmarshal(b, &suites) })
	if suites.Tests != passed+failed+skipped {
		t.Errorf("JUnit: %d tests", suites.Tests)
	}
}

func read(t *testing.T, file string, parse func([]byte) error) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = parse(b)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// quick are bugs of each kind whose cases do not wait long.
var quick = []string{"accepts-bare-lf", "pads-lengths", "skips-numbers", "executes-after-fatal", "turns-ids-into-numbers",
	"acks-past-end", "replies-twice", "unknown-action-is-success", "dies-on-null-header"}

// packetLine is a packet in a report. A server whose mistake is to keep silent sends none.
var packetLine = regexp.MustCompile(`(?m)ms [CS]> `)

// A wrong server over TLS: the suite names the rule that it breaks. With SCAMP_SIM_ALL_BUGS=1 all of them are tried,
// which takes a quarter of an hour.
func TestConformanceNamesTheBrokenRule(t *testing.T) {
	names := quick
	if os.Getenv("SCAMP_SIM_ALL_BUGS") != "" {
		names = nil
		for _, b := range bugs.Servers() {
			if !b.Slow {
				names = append(names, b.Name)
			}
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bug, _ := bugs.Lookup(name)
			args := []string{"--only", bug.Rule}
			if os.Getenv("SCAMP_SIM_ALL_BUGS") != "" {
				args = nil
			}
			s := serve(t, "--bug", name)
			o := scampSimWithin(t, mostSuite, "", append(args, "conformance", "--server", s.uri, "--fingerprint", s.fingerprint)...)
			_, broken, _ := strings.Cut(o.stdout, "\nrules broken:")
			broken, _, _ = strings.Cut(broken, "\n\n")
			below := strings.HasPrefix(bug.Rule, "WIRE-TLS-") // where there are no packets to show
			if o.code != 1 || !strings.Contains(broken, bug.Rule) || !below && !packetLine.MatchString(o.stdout) {
				t.Errorf("exit %d, and the report does not name %s with packets\n%s%s", o.code, bug.Rule, o.stdout, o.stderr)
			}
		})
	}
}

// Your own cases instead of the built-in ones.
func TestConformanceOfYourOwnCases(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.case")
	write(t, good, "# A request is answered.\nrule: WIRE-RPC-06a\nrole: server\n\nrequest 0 echo {}\nexpect echo 1\n")
	bad := filepath.Join(dir, "bad.case")
	write(t, bad, "# An echo answers nonsense.\nrule: WIRE-RPC-06a\nrole: server\n\nrequest 0 echo {\"a\":1}\nexpect reply 1 \"nonsense\"\n")
	if o := scampSim(t, "", "conformance", good); o.code != 0 {
		t.Errorf("exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	o := scampSim(t, "", "conformance", dir)
	for _, want := range []string{"FAIL", "An echo answers nonsense.", ">   6  expect reply 1 \"nonsense\"", "→ of the reply to id 1, the body has 7 octets", `{"a":1}`, "1 failed"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("the report has no %q:\n%s", want, o.stdout)
		}
	}
	if o.code != 1 {
		t.Errorf("exit %d", o.code)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestConformanceLists(t *testing.T) {
	o := scampSim(t, "", "conformance", "--list", "--only", "WIRE-FRAME-04*")
	if o.code != 0 || !strings.Contains(o.stdout, "wire-frame/bare-lf\tWIRE-FRAME-04a\t") || strings.Contains(o.stdout, "wire-hdr") {
		t.Errorf("exit %d\n%s", o.code, o.stdout)
	}
}

// Bad input: one line that names the thing and the mend, and exit status 2.
func TestConformanceCannotTest(t *testing.T) {
	dir := t.TempDir()
	malformed := filepath.Join(dir, "malformed.case")
	write(t, malformed, "# A request is answered.\nrule: WIRE-RPC-06a\nrole: server\n\nrequset 0 echo {}\n")
	twice := filepath.Join(dir, "twice.case")
	write(t, twice, "# A request is answered.\nrule: WIRE-RPC-06a\nrole: server\n\nrequset 0 echo {}\nexpct echo 1\n")
	s := serve(t)
	hostport := strings.TrimPrefix(s.uri, "beepish+tls://")
	for name, tc := range map[string]struct {
		args, words []string
	}{
		"unknown flag":         {[]string{"--nosuch"}, []string{"--nosuch", "--help"}},
		"no such file":         {[]string{filepath.Join(dir, "none.case")}, []string{"none.case"}},
		"directory of nothing": {[]string{t.TempDir()}, []string{".case"}},
		"malformed case":       {[]string{malformed}, []string{"malformed.case:5:1", `did you mean "request"`}},
		"two mistakes":         {[]string{twice}, []string{"twice.case:5:1", "1 more", "cases lint"}},
		"negative jobs":        {[]string{"--jobs", "-3"}, []string{"--jobs -3"}},
		"no time":              {[]string{"--timeout", "0s"}, []string{"--timeout 0s", "such as 5s"}},
		"no echo named":        {[]string{"--echo-action", ""}, []string{"--echo-action"}},
		"two on one output":    {[]string{"--json", "-", "--junit", "-"}, []string{"--json", "--junit", "file"}},
		"nothing matches":      {[]string{"--only", "nosuch*"}, []string{"nosuch*", "--list"}},
		"no pattern":           {[]string{"--only", "[a"}, []string{"[a"}},
		"nobody listens":       {[]string{"--server", closedPort(t), "--insecure"}, []string{"nobody answers", "--server"}},
		"no address":           {[]string{"--server", "nowhere", "--insecure"}, []string{"nowhere"}},
		"no certificate named": {[]string{"--server", hostport}, []string{"--fingerprint", "--insecure"}},
		"both":                 {[]string{"--server", hostport, "--insecure", "--fingerprint", s.fingerprint}, []string{"exclude"}},
		"no server":            {[]string{"--insecure"}, []string{"--server"}},
		"other certificate":    {[]string{"--server", hostport, "--fingerprint", fixtures.Fingerprint("other")}, []string{s.fingerprint}},
		"not TLS":              {[]string{"--server", plainServer(t), "--insecure", "--timeout", "1s"}, []string{"TLS"}},
		"closes at once":       {[]string{"--server", closingServer(t), "--insecure"}, []string{"closes the connection", "Conformance.echo"}},
		"no echo":              {[]string{"--server", hostport, "--insecure", "--echo-action", "No.echo"}, []string{"No.echo", "--echo-action"}},
		"cannot write":         {[]string{"--json", filepath.Join(dir, "none", "r.json")}, []string{"--json"}},
	} {
		t.Run(name, func(t *testing.T) {
			scampSim(t, "", append([]string{"conformance"}, tc.args...)...).oneLine(t, 2, tc.words...)
		})
	}
}

// closedPort returns an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// plainServer answers everything with text.
func plainServer(t *testing.T) string {
	return answering(t, func(nc net.Conn) { fmt.Fprint(nc, "220 hello\r\n") })
}

// closingServer speaks TLS and takes no request.
func closingServer(t *testing.T) string {
	cfg := &tls.Config{Certificates: []tls.Certificate{fixtures.Certificate("server")}}
	return answering(t, func(nc net.Conn) { tls.Server(nc, cfg).Handshake() })
}

// answering does the same to every connection, and closes it.
func answering(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			answer(nc)
			nc.Close()
		}
	}()
	return ln.Addr().String()
}
