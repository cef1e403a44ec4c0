package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// A program that knows nothing but soa.conf calls the services. With a fault that is
// added over the control API its calls fail as described; without it they succeed.
func TestUpFromOutside(t *testing.T) {
	t.Parallel()
	u := up(t, upScenario)
	u.well(t, "at first")
	if o := u.request(t, "Shop.no"); o.code != 1 || !strings.Contains(o.stderr, "simulated: the service fails as it was told to") {
		t.Errorf("%+v", o)
	}
	for _, tc := range []struct{ fault, stderr string }{
		{`{name: f, partition: [outside, shop]}`, "timed out"},
		{`{"name": "f", "pause": ["shop-1", "shop-2"]}`, "timed out"},
		{`{name: f, slow: shop, times: 1e6}`, "timed out"},
		{"name: f\nkill: shop\n", "refused"},
		{`{name: f, profile: {latency: 2s}, between: [shop, outside]}`, "timed out"},
		{`{name: f, packets: [outside, shop], from: service, type: EOF, drop: true}`, "timed out"},
		{`{name: f, packets: [shop, outside], from: service, type: HEADER, close: before}`, "lost"},
		{`{name: f, cache: missing, of: outside}`, "stale"},
		{`{name: f, cache: forged, of: outside}`, "no service"},
	} {
		if status := u.ask(t, "POST", "/v1/faults", tc.fault, nil); status != http.StatusCreated {
			t.Errorf("%s: %d", tc.fault, status)
		}
		u.eventually(t, "it fails with "+tc.fault, func() bool {
			o := u.request(t, "Shop.get")
			return o.code != 0 && strings.Contains(o.stderr, tc.stderr)
		})
		var f scenario.FaultReport
		if status := u.ask(t, "DELETE", "/v1/faults/f", "", &f); status != http.StatusOK || f.State != scenario.Over || f.Hits == 0 {
			t.Errorf("%s: %d, %+v", tc.fault, status, f)
		}
		u.eventually(t, "it succeeds after "+tc.fault, func() bool { return u.request(t, "Shop.get").code == 0 })
		u.well(t, "after "+tc.fault)
	}
	u.stop(t)
	if told := u.stdout.String(); !strings.Contains(told, "from outside") || strings.Contains(told, "wrong") {
		t.Error(told)
	}
}

// An instance that is killed is gone at once for who has a connection to it and for
// who wants one, and leaves the cache; restarted, it is where it was.
func TestUpKillsAndRestarts(t *testing.T) {
	t.Parallel()
	u := up(t, upScenario)
	_, before := u.state(t)
	target := before["shop-1"]
	if target.State != "up" || before["shop-2"].State != "up" {
		t.Fatalf("%+v", before)
	}
	conn, err := scamp.Dial(t.Context(), target.Address, scamp.Config{Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	limit, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	var in scenario.InstanceState
	if status := u.ask(t, "POST", "/v1/instances/shop-1/kill", "", &in); status != http.StatusOK || in.State != "down" {
		t.Errorf("%d %+v", status, in)
	}
	select {
	case <-conn.Done():
	case <-limit.Done():
	}
	if !errors.Is(conn.Err(), syscall.ECONNRESET) {
		t.Errorf("the connection is not reset: %v", conn.Err())
	}
	if nc, err := net.Dial("tcp", target.Address); err == nil {
		nc.Close()
		t.Error("who is killed takes a connection")
	}
	if o := u.request(t, "Shop.get"); o.code != 0 || !strings.Contains(o.stdout, "shop-2") {
		t.Errorf("the other instance: %+v", o)
	}
	u.eventually(t, "the cache forgets it", func() bool {
		o := scampSim(t, "", "cache", "list", filepath.Join(u.dir, "discovery.cache"), "--json")
		return o.code == 0 && !strings.Contains(o.stdout, target.Address) && strings.Contains(o.stdout, before["shop-2"].Address)
	})
	u.ask(t, "POST", "/v1/instances/shop-1/restart", "", &in)
	if in.State != "up" || in.Address != target.Address {
		t.Errorf("restarted: %+v", in)
	}
	if o := scampSim(t, "", "request", "--server", target.Address, "--insecure", "Shop.get"); o.code != 0 {
		t.Errorf("%+v", o)
	}
	for verb, state := range map[string]string{"pause": "paused", "crash": "crashed"} {
		u.ask(t, "POST", "/v1/instances/shop-1/"+verb, "", &in)
		if in.State != state {
			t.Errorf("after %s: %+v", verb, in)
		}
		if o := scampSim(t, "", "request", "--server", target.Address, "--insecure", "--timeout", "500ms", "Shop.get"); o.code == 0 {
			t.Errorf("%s: %+v", state, o)
		}
		u.ask(t, "POST", "/v1/instances/shop-1/resume", "", nil)
		u.ask(t, "POST", "/v1/instances/shop-1/start", "", &in)
		if o := scampSim(t, "", "request", "--server", target.Address, "--insecure", "Shop.get"); o.code != 0 || in.State != "up" {
			t.Errorf("after %s, and on: %+v %+v", verb, in, o)
		}
	}
	if status := u.ask(t, "POST", "/v1/instances/shop-1/shutdown", "", nil); status != http.StatusAccepted {
		t.Error(status)
	}
	u.eventually(t, "it has stopped in good order", func() bool {
		_, now := u.state(t)
		return now["shop-1"].State == "down"
	})
}

// One program keeps its requester over all that happens.
func TestUpWithARequester(t *testing.T) {
	t.Parallel()
	u := up(t, upScenario)
	q, err := scamp.Open(t.Context(), u.config)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close(context.Background())
	call := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		reply, err := q.Call(ctx, scamp.NewRequest("Shop.get", []byte("{}")))
		if err != nil {
			return err
		}
		_, err = reply.ReadAll(1 << 20)
		return err
	}
	var known news
	known.follow(t, q.Directory.Changed)
	known.eventually(t, "a call succeeds", func() bool { return call() == nil })
	u.ask(t, "POST", "/v1/faults", `{name: all, kill: shop}`, nil)
	if call() == nil {
		t.Error("a call succeeds when all are killed")
	}
	u.ask(t, "DELETE", "/v1/faults/all", "", nil)
	known.eventually(t, "calls succeed again", func() bool { return call() == nil })
}

// When it is told to end, it ends well, and leaves nothing but its directory.
func TestUpEndsWithASignal(t *testing.T) {
	t.Parallel()
	u := up(t, upScenario)
	_, instances := u.state(t)
	conn, err := scamp.Dial(t.Context(), instances["shop-1"].Address, scamp.Config{Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	u.stop(t)
	for name, in := range instances {
		if nc, err := net.Dial("tcp", in.Address); err == nil {
			nc.Close()
			t.Errorf("%s is still there", name)
		}
	}
	var there []string
	filepath.WalkDir(u.dir, func(path string, d os.DirEntry, err error) error {
		if name, _ := filepath.Rel(u.dir, path); err == nil && !d.IsDir() {
			there = append(there, filepath.ToSlash(name))
		}
		return err
	})
	want := "auth/ticket_signing_key.pem auth/ticket_verify_public_key.pem authorized_services discovery.cache " +
		"services/own.crt services/own.key services/simulated.crt services/unauthorized.crt soa.conf"
	if got := strings.Join(there, " "); got != want || content(filepath.Join(u.dir, "discovery.cache")) != "" {
		t.Errorf("it leaves %s", got)
	}
	key := content(filepath.Join(u.dir, "services", "own.key"))
	again := start(t, "up", u.cmd.Args[2], "--dir", u.dir, "--ports", "0")
	again.eventually(t, "it is up in its directory again", func() bool { return strings.Contains(again.stdout.String(), "break it") })
	if content(filepath.Join(u.dir, "services", "own.key")) != key {
		t.Error("the key has changed")
	}
	scampSim(t, "", "up", u.cmd.Args[2], "--dir", u.dir, "--ports", "0").oneLine(t, 2, "another scamp-sim up runs", "--dir")
}

func TestUpInATemporaryDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bus.yaml")
	if err := os.WriteFile(file, []byte(upScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	d := start(t, "up", file, "--ports", "0")
	var dir string
	d.eventually(t, "the bus is up", func() bool {
		m := regexp.MustCompile(`(?m)^configuration +(.*)/soa.conf$`).FindStringSubmatch(d.stdout.String())
		if m != nil {
			dir = m[1]
		}
		return m != nil
	})
	if content(filepath.Join(dir, "soa.conf")) == "missing" {
		t.Error(dir)
	}
	d.stop(t)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", dir, err)
	}
}

// The developer's own service is in the directory's cache when it is announced there.
func TestUpAnnouncesOwnServices(t *testing.T) {
	t.Parallel()
	u := up(t, upScenario, "--own", "echo")
	key, cert := filepath.Join(u.dir, "services", "echo.key"), filepath.Join(u.dir, "services", "echo.crt")
	s := serve(t, "--key", key, "--cert", cert)
	description := filepath.Join(t.TempDir(), "echo.yaml")
	if err := os.WriteFile(description, []byte("name: echo\nuri: "+s.uri+"\nactions: [{name: Conformance.echo, flags: [noauth]}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(u.dir, "announcements", "echo.record")
	if o := scampSim(t, "", "cache", "make", "--announcepath", description, "--keypath", key, "--certpath", cert, "--out", record); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	u.eventually(t, "it can be called", func() bool {
		o := u.request(t, "Conformance.echo", `{"x":1}`)
		return o.code == 0 && o.stdout == `{"x":1}`
	})
	if err := os.WriteFile(filepath.Join(u.dir, "announcements", "bad"), []byte("%%%\nnonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	u.eventually(t, "a record that is wrong is told", func() bool {
		return strings.Contains(u.stdout.String(), "announcements/bad: the record in line 2 is not used")
	})
	os.Remove(record)
	u.eventually(t, "it is gone", func() bool { return u.request(t, "Conformance.echo").code != 0 })
	if o := u.request(t, "Shop.get"); o.code != 0 {
		t.Errorf("%+v", o)
	}
}

// With a duration the expectations are judged.
func TestUpForATime(t *testing.T) {
	t.Parallel()
	for expect, code := range map[string]int{"no lost": 0, "calls > 1000": 1} {
		u := up(t, upScenario+"expect: ['"+expect+"']\n", "--duration", "2s")
		err := u.wait(t)
		if got := u.cmd.ProcessState.ExitCode(); got != code || !strings.Contains(u.stdout.String(), expect) {
			t.Errorf("%s: %v\n%s%s", expect, err, u.stdout, u.stderr)
		}
	}
}

func TestUpRefusesBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", upScenario)
	foreign := filepath.Join(dir, "foreign")
	os.Mkdir(foreign, 0o755)
	file("foreign/soa.conf", "bus.address = 10.0.0.7\n")
	bus := filepath.Join(dir, "bus")
	os.Mkdir(bus, 0o755)
	file("bus/authorized_services", "")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, taken, _ := net.SplitHostPort(ln.Addr().String())
	fresh := filepath.Join(dir, "fresh")
	for name, tc := range map[string]struct{ args, words []string }{
		"no file":        {[]string{filepath.Join(dir, "nosuch")}, []string{"cannot read the scenario"}},
		"wrong file":     {[]string{file("bad.yaml", strings.Replace(upScenario, "latency", "latencie", 1))}, []string{":7:26:", "latencie"}},
		"outside's name": {[]string{file("name.yaml", strings.Replace(upScenario, "name: web", "name: outside", 1))}, []string{":10:5:", "choose another"}},
		"late fault":     {[]string{file("late.yaml", upScenario+"faults: [{at: 5s, kill: shop}]\n"), "--duration", "3s"}, []string{":12:10:", "ended"}},
		"no duration":    {[]string{good, "--duration", "0"}, []string{"--duration"}},
		"ports":          {[]string{good, "--ports", "9-5"}, []string{"--ports"}},
		"few ports":      {[]string{good, "--ports", taken + "-" + taken}, []string{"0 free ports", "2 instances"}},
		"control":        {[]string{good, "--control", "0.0.0.0:0"}, []string{"--control", "127.0.0.1"}},
		"control taken":  {[]string{good, "--ports", "0", "--control", ln.Addr().String()}, []string{"--control"}},
		"own":            {[]string{good, "--own", "a b"}, []string{"--own"}},
		"own is taken":   {[]string{good, "--own", "simulated"}, []string{"--own simulated"}},
		"foreign dir":    {[]string{good, "--ports", "0", "--dir", foreign}, []string{"not written by scamp-sim up"}},
		"dir of a bus":   {[]string{good, "--ports", "0", "--dir", bus}, []string{"authorized_services", "may be that of a bus", "--dir"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"up"}, tc.args...)
			if !slices.Contains(args, "--dir") {
				args = append(args, "--dir", fresh)
			}
			o := scampSim(t, "", args...)
			o.oneLine(t, 2, tc.words...)
			if o.stdout != "" {
				t.Error(o.stdout)
			}
		})
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("a directory was made")
	}
	if got := content(filepath.Join(foreign, "soa.conf")); !bytes.Equal([]byte(got), []byte("bus.address = 10.0.0.7\n")) {
		t.Error(got)
	}
}

// It ends at once, whatever is broken then, and whoever waits.
func TestUpEndsInEveryState(t *testing.T) {
	t.Parallel()
	text := strings.Replace(upScenario, "latency: 1ms", "latency: 10ms", 1) + "    instances: 3\n"
	for _, broken := range []string{
		"/v1/instances/shop-1/pause", "/v1/instances/shop-1/crash", "/v1/instances/shop-1/shutdown",
		"{pause: shop}", "{partition: [web, shop]}", "{partition: [outside, shop]}", "{rolling: shop, every: 1h, down: 1h}", "{slow: shop, times: 1e6}",
		"{packets: [web, shop], type: EOF, hold: true}", "{packets: [web, shop], type: HEADER, delay: 1h}", "{slow_acks: [web, shop], withhold: 100%}",
	} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			u := up(t, text)
			u.endsWith(t, broken)
		})
	}
}
