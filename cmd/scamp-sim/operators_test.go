package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// The way of the README: a service is provisioned, described and signed, and the file says so.
func TestFromProvisionToList(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) outcome {
		t.Helper()
		o := scampSim(t, "", args...)
		if o.code != 0 {
			t.Fatalf("%v: %+v", args, o)
		}
		return o
	}
	run("provision", "ledger", "--dir", dir, "--bits", "2048")
	write(t, in("ledger.yaml"), ledger)
	run("cache", "make", "--announcepath", in("ledger.yaml"), "--keypath", in("services/ledger.key"), "--certpath", in("services/ledger.crt"), "--out", in("cache"))
	if o := run("cache", "check", in("cache"), "--authorized", in("authorized_services")); !strings.Contains(o.stdout, "3 actions, beepish+tls://127.0.0.1:30100\n1 record: 1 usable, 0 not\n") {
		t.Errorf("%s", o.stdout)
	}
	o := run("cache", "list", in("cache"), "--authorized", in("authorized_services"), "--actions", "--raw")
	ident, _, _ := strings.Cut(o.stdout, "\t")
	want := strings.ReplaceAll("ID\tmain\tLedger.list\t1\t\tY\nID\tmain\tLedger.post\t2\tt30,noauth\tY\nID\tweb\tShop.page\t1\tread,public\tN\n", "ID", ident)
	if o.stdout != want || !strings.HasPrefix(ident, "ledger:") {
		t.Errorf("%s, want %s", o.stdout, want)
	}
	if o := run("cache", "list", in("cache"), "--authorized", in("authorized_services"), "--json"); !strings.Contains(o.stdout, strings.TrimSuffix(strings.TrimPrefix(run("fingerprint", in("services/ledger.crt")).stdout, " "), "\n")) {
		t.Errorf("%s", o.stdout)
	}
	// A service that is not listed: shown on request only, and not usable.
	write(t, in("authorized_services"), "")
	if o := scampSim(t, "", "cache", "check", in("cache"), "--authorized", in("authorized_services")); o.code != 1 || !strings.Contains(o.stdout, "DISC-AUT-01a") || !strings.Contains(o.stdout, "none of its 3 actions is authorised") {
		t.Errorf("%+v", o)
	}
	if o := run("cache", "list", in("cache"), "--authorized", in("authorized_services"), "--raw"); o.stdout != "" || !strings.Contains(o.stderr, "--all shows") {
		t.Errorf("%+v", o)
	}
}

// A record joins two programs: what a caller needs to know of a server stands in the file, and in its list.
func TestACacheFileJoinsTwoPrograms(t *testing.T) {
	b := newBench(t)
	s := serve(t, "--key", b.key, "--cert", b.cert)
	o := b.make(t, "name: echo\nuri: "+s.uri+"\nactions:\n  - {name: Conformance.echo, flags: noauth}\n", "--out", b.file("cache"))
	if o.code != 0 {
		t.Fatalf("%+v", o)
	}
	write(t, b.file("list"), s.fingerprint+" main:Conformance\n")
	var found []listedInstance
	o = scampSim(t, "", "cache", "list", b.file("cache"), "--authorized", b.file("list"), "--json")
	if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || len(found) != 1 {
		t.Fatalf("%v: %+v", err, o)
	}
	o = scampSim(t, "", "request", "--cache", b.file("cache"), "--authorized", b.file("list"), "Conformance.echo", `{"hello":"world"}`)
	if o.code != 0 || o.stdout != `{"hello":"world"}` || o.stderr != "" {
		t.Errorf("%+v", o)
	}
	o = scampSim(t, "", "request", "--server", found[0].URI, "--fingerprint", found[0].Fingerprint, found[0].Actions[0].Name, `{"hello":"world"}`)
	if o.code != 0 || o.stdout != `{"hello":"world"}` {
		t.Errorf("%+v", o)
	}
}
