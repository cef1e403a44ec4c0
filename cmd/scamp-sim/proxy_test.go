package main

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// Two programs that know nothing of it are a bus and its caller. With a fault their
// calls fail as described, and without it they succeed.
func TestProxyBetweenPrograms(t *testing.T) {
	t.Parallel()
	bus := upAndAnnounced(t)
	u := proxied(t, bus.config)
	u.well(t, "at first")
	if o := u.request(t, "Shop.no"); o.code != 1 || !strings.Contains(o.stderr, "simulated: the service fails as it was told to") {
		t.Errorf("%+v", o)
	}
	for _, tc := range []struct{ fault, stderr string }{
		{`{name: f, partition: [outside, shop]}`, "timed out"},
		{`{"name": "f", "pause": ["shop-1", "shop-2"]}`, "timed out"},
		{"name: f\nkill: shop\n", "refused"},
		{"name: f\ncrash: shop\n", "timed out"},
		{`{name: f, profile: {latency: 2s}, between: [shop, outside]}`, "timed out"},
		{`{name: f, packets: [outside, shop], type: EOF, from: service, drop: true}`, "timed out"},
		{`{name: f, packets: [outside, shop], from: requester, type: HEADER, close: before}`, "connection"},
		{`{name: f, cache: missing, of: outside}`, "stale"},
		{`{name: f, cache: forged}`, "no service"},
		{`{name: f, cache: split, of: outside, knows: shop-6}`, "no service"},
	} {
		if status := u.ask(t, "POST", "/v1/faults", tc.fault, nil); status != http.StatusCreated {
			t.Errorf("%s: %d", tc.fault, status)
		}
		u.eventually(t, "it fails with "+tc.fault, func() bool {
			o := u.request(t, "Shop.get")
			return o.code != 0 && strings.Contains(o.stderr, tc.stderr)
		})
		if o := bus.request(t, "Shop.get"); o.code != 0 {
			t.Errorf("%s: the bus itself has it, too: %+v", tc.fault, o)
		}
		var f scenario.FaultReport
		if status := u.ask(t, "DELETE", "/v1/faults/f", "", &f); status != http.StatusOK || f.State != scenario.Over || f.Hits == 0 {
			t.Errorf("%s: %d, %+v", tc.fault, status, f)
		}
		u.eventually(t, "it succeeds after "+tc.fault, func() bool { return u.request(t, "Shop.get").code == 0 })
		u.well(t, "after "+tc.fault)
	}
	for path, status := range map[string]int{"shop-1/kill": 200, "shop-1/start": 200, "shop-1/shutdown": 400, "shop-99/kill": 404} {
		if got := u.ask(t, "POST", "/v1/instances/"+path, "", nil); got != status {
			t.Errorf("%s: %d", path, got)
		}
	}
	if _, text := askAs(t, "GET", u.control+"/metrics", "", nil); !strings.Contains(string(text), `scamp_sim_proxy_connections_total{instance="shop-1"}`) {
		t.Errorf("%s", text)
	}
	u.stop(t)
	if told := u.stdout.String(); !strings.Contains(told, "led on") || strings.Contains(told, "wrong") {
		t.Error(told)
	}
	if o := bus.request(t, "Shop.get"); o.code != 0 {
		t.Errorf("the bus afterwards: %+v", o)
	}
}

// Faults of a file happen in their time, from the start.
func TestProxyWithAFileOfFaults(t *testing.T) {
	t.Parallel()
	bus := upAndAnnounced(t)
	file := filepath.Join(t.TempDir(), "faults.yaml")
	text := "about: Nobody is there at first.\nlink: {latency: 1ms}\nlinks: [{between: [outside, shop-2], profile: lan}]\n" +
		"faults:\n  - {name: gone, at: 0s, kill: shop, for: 5s}\n  - {name: later, at: 1h, pause: shop-6}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	u := proxied(t, bus.config, "--faults", file)
	u.request(t, "Shop.get").oneLine(t, 2, "refused")
	u.eventually(t, "they are there again", func() bool { return u.request(t, "Shop.get").code == 0 })
	var gone scenario.FaultReport
	if u.ask(t, "GET", "/v1/faults/gone", "", &gone); gone.Hits != 2 || gone.State != scenario.Over {
		t.Errorf("%+v", gone)
	}
	u.stop(t)
	if told := u.stdout.String(); !strings.Contains(told, "Nobody is there at first.") || !strings.Contains(told, "later") {
		t.Error(told)
	}
}

// What becomes of the bus becomes of what the proxy shows of it: a service that is
// killed and comes back elsewhere, weights, the age of the cache, its absence.
func TestProxyFollowsTheBus(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.serve()
	r.announce(r.uri, "")
	u := proxied(t, r.config)
	well := func() bool {
		o := u.request(t, "Conformance.echo", `{"x":1}`)
		return o.code == 0 && o.stdout == `{"x":1}`
	}
	u.eventually(t, "it can be called", well)
	r.cmd.Process.Kill()
	r.cmd.Wait()
	if well() {
		t.Error("who is killed is called")
	}
	r.serve()
	r.announce(r.uri, "")
	u.eventually(t, "it can be called elsewhere", well)
	if told := u.stdout.String(); !strings.Contains(told, "echo-1 leads to "+strings.TrimPrefix(r.uri, "beepish+tls://")) || !strings.Contains(told, "cannot be reached") {
		t.Error(told)
	}
	r.announce(r.uri, "weight: 0\n")
	u.eventually(t, "it takes no calls", func() bool { return strings.Contains(u.request(t, "Conformance.echo").stderr, "no service") })
	r.announce(r.uri, "")
	u.eventually(t, "it takes calls", well)

	own := filepath.Join(u.dir, "discovery.cache")
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(r.cache, old, old); err != nil {
		t.Fatal(err)
	}
	u.eventually(t, "the cache is as old", func() bool {
		info, err := os.Stat(own)
		return err == nil && info.ModTime().Equal(old)
	})
	if o := u.request(t, "Conformance.echo"); o.code == 0 || !strings.Contains(o.stderr, "stale") {
		t.Errorf("%+v", o)
	}
	os.Remove(r.cache)
	u.eventually(t, "there is no cache", func() bool {
		_, err := os.Stat(own)
		return errors.Is(err, fs.ErrNotExist)
	})
	r.announce(r.uri, "")
	u.eventually(t, "it can be called again", well)
	if err := os.WriteFile(r.list, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	u.eventually(t, "it is not authorised", func() bool { return content(own) == "" && content(filepath.Join(u.dir, "authorized_services")) == "" })
	if !strings.Contains(content(u.config), "rpc.timeout = 7\n") {
		t.Error(content(u.config))
	}
}

// Who has the address of a service without its certificate gets no octet of a request.
func TestProxyChecksTheCertificate(t *testing.T) {
	t.Parallel()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{fixtures.Certificate("other")}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var octets, dialled atomic.Int64
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			go func() {
				defer nc.Close()
				n, _ := nc.Read(make([]byte, 1000))
				octets.Add(int64(n))
			}()
		}
	}()
	r := newBus(t)
	r.announce("beepish+tls://"+ln.Addr().String(), "")
	u := proxied(t, r.config)
	if o := u.request(t, "Conformance.echo", `{"secret":1}`); o.code == 0 || !strings.Contains(o.stderr, "no instance of the service can be reached") {
		t.Errorf("%+v", o)
	}
	if dialled.Load() == 0 || octets.Load() > 0 {
		t.Errorf("%d connections, %d octets", dialled.Load(), octets.Load())
	}
	u.eventually(t, "it is told", func() bool {
		return strings.Contains(u.stdout.String(), "is not the one that is announced; it was sent nothing")
	})
}

// It ends with a signal, leaves what is of use, and takes the same keys again.
func TestProxyEndsWithASignal(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.serve()
	r.announce(r.uri, "")
	u := proxied(t, r.config, "--ports", "31000-31999")
	_, instances := u.state(t)
	address := instances["echo-1"].Address
	if !strings.HasPrefix(address, "127.0.0.1:31") {
		t.Error(address)
	}
	nc, err := net.Dial("tcp", address) // and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if again := scampSim(t, "", "proxy", "--config", r.config, "--dir", u.dir); again.code != 2 || !strings.Contains(again.stderr, "another scamp-sim proxy runs") {
		t.Errorf("%+v", again)
	}
	list := content(filepath.Join(u.dir, "authorized_services"))
	u.stop(t)
	if nc, err := net.Dial("tcp", address); err == nil {
		nc.Close()
		t.Error("it still listens")
	}
	var there []string
	filepath.WalkDir(u.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			there = append(there, d.Name())
		}
		return err
	})
	if len(there) != 5 || content(filepath.Join(u.dir, "discovery.cache")) != "" {
		t.Errorf("it leaves %s", there)
	}
	next := start(t, "proxy", "--config", r.config, "--dir", u.dir)
	next.eventually(t, "it runs again", func() bool { return strings.Contains(next.stdout.String(), "break it") })
	if got := content(filepath.Join(u.dir, "authorized_services")); got != list {
		t.Errorf("the certificate has changed: %s, before %s", got, list)
	}
	scampSim(t, "", "proxy", "--config", u.config, "--dir", u.dir).oneLine(t, 2, "this proxy writes", "--dir")
}

func TestProxyRefusesBadInput(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.announce("beepish+tls://127.0.0.1:1", "")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := filepath.Join(dir, "foreign")
	os.Mkdir(foreign, 0o755)
	file("foreign/soa.conf", "bus.address = 10.0.0.7\n")
	bus := filepath.Join(dir, "bus")
	os.Mkdir(bus, 0o755)
	file("bus/authorized_services", "")
	fresh := filepath.Join(dir, "fresh")
	faults := func(text string) []string { return []string{"--faults", file("faults.yaml", text)} }
	for name, tc := range map[string]struct {
		args  func() []string
		words []string
	}{
		"no configuration": {func() []string { return []string{"--config", filepath.Join(dir, "nosuch")} }, []string{"nosuch"}},
		"no cache":         {func() []string { return []string{"--config", file("a.conf", "discovery.cache_path = "+dir+"/none\n")} }, []string{"discovery cache", "none"}},
		"no list": {func() []string {
			return []string{"--config", file("b.conf", "discovery.cache_path = "+r.cache+"\n")}
		}, []string{"authorised services"}},
		"no faults":     {func() []string { return []string{"--faults", filepath.Join(dir, "nosuch")} }, []string{"cannot read the faults"}},
		"no such name":  {func() []string { return faults("faults:\n  - {at: 1s, kill: ecko}\n") }, []string{"faults.yaml:2:20:", "ecko", "echo"}},
		"no such key":   {func() []string { return faults("services: []\n") }, []string{":1:1:", "services"}},
		"not simulated": {func() []string { return faults("faults: [{at: 1s, slow: echo, times: 3}]\n") }, []string{":1:10:", "slow", "not simulated"}},
		"lag":           {func() []string { return faults("faults: [{at: 1s, cache: lag, by: 3s}]\n") }, []string{":1:10:", "lag"}},
		"late":          {func() []string { return append(faults("faults: [{at: 9s, kill: echo}]\n"), "--duration", "3s") }, []string{":1:10:", "ended"}},
		"no duration":   {func() []string { return []string{"--duration", "0"} }, []string{"--duration"}},
		"ports":         {func() []string { return []string{"--ports", "9-5"} }, []string{"--ports"}},
		"control":       {func() []string { return []string{"--control", "0.0.0.0:0"} }, []string{"--control", "127.0.0.1"}},
		"foreign dir":   {func() []string { return []string{"--dir", foreign} }, []string{"not written by scamp-sim proxy"}},
		"dir of a bus":  {func() []string { return []string{"--dir", bus} }, []string{"authorized_services", "may be that of a bus", "--dir"}},
		"operand":       {func() []string { return []string{"more"} }, []string{"more"}},
	} {
		args := append([]string{"proxy", "--config", r.config, "--dir", fresh}, tc.args()...)
		o := scampSim(t, "", args...)
		t.Run(name, func(t *testing.T) { o.oneLine(t, 2, tc.words...) })
		if o.stdout != "" {
			t.Errorf("%s: %s", name, o.stdout)
		}
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("a directory was made")
	}
}

// Services and instances that come later are taken in, under names of their own, with
// more of them than there were names for; and can have faults.
func TestProxyTakesInWhoComes(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.serve()
	r.announce(r.uri, "")
	u := proxied(t, r.config)
	all := content(r.cache)
	for range 7 {
		r.announce(r.uri, "")
		all += content(r.cache)
	}
	key, cert := filepath.Join(filepath.Dir(r.key), "new.v-1.key"), filepath.Join(filepath.Dir(r.key), "new.v-1.crt")
	if o := scampSim(t, "", "provision", "new.v-1", "--dir", filepath.Dir(r.config), "--bits", "2048"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	other := serve(t, "--key", key, "--cert", cert)
	description := filepath.Join(t.TempDir(), "new.yaml")
	if err := os.WriteFile(description, []byte("name: new.v-1\nuri: "+other.uri+"\nactions: [{name: Conformance.count, flags: [noauth]}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(t.TempDir(), "record")
	if o := scampSim(t, "", "cache", "make", "--announcepath", description, "--keypath", key, "--certpath", cert, "--out", record); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	if err := os.WriteFile(r.cache, []byte(all+content(record)), 0o644); err != nil {
		t.Fatal(err)
	}
	u.eventually(t, "all are there", func() bool {
		_, instances := u.state(t)
		return instances["echo-8"].Address != "" && instances["new_v-1-1"].Address != ""
	})
	u.eventually(t, "the new one can be called", func() bool { return u.request(t, "Conformance.count").code == 0 })
	if status := u.ask(t, "POST", "/v1/faults", "{name: f, kill: new_v-1}", nil); status != http.StatusCreated {
		t.Error(status)
	}
	u.request(t, "Conformance.count").oneLine(t, 2, "refused")
	if o := u.request(t, "Conformance.echo", "{}"); o.code != 0 {
		t.Errorf("%+v", o)
	}
	u.ask(t, "DELETE", "/v1/faults/f", "", nil)
	if o := u.request(t, "Conformance.count"); o.code != 0 {
		t.Errorf("%+v", o)
	}
	for name, in := range func() map[string]scenario.InstanceState { _, all := u.state(t); return all }() {
		if in.State != "up" {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

// It ends at once, whatever is broken then, and whoever waits.
func TestProxyEndsInEveryState(t *testing.T) {
	t.Parallel()
	bus := upAndAnnounced(t)
	for _, broken := range []string{
		"/v1/instances/shop-1/pause", "/v1/instances/shop-1/crash", "{partition: [outside, shop]}",
		"{packets: [outside, shop], type: EOF, hold: true}", "{packets: [outside, shop], type: HEADER, delay: 1h}", "{slow_acks: [outside, shop], withhold: 100%}",
	} {
		proxied(t, bus.config).endsWith(t, broken)
	}
}
