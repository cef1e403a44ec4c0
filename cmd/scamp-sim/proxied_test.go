package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proxied starts a proxy in front of a configuration and waits until it runs.
func proxied(t *testing.T, config string, args ...string) *upped {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "broken")
	u := &upped{daemon: start(t, append([]string{"proxy", "--config", config, "--dir", dir}, args...)...), dir: dir, config: filepath.Join(dir, "soa.conf")}
	u.eventually(t, "the proxy runs", func() bool { return strings.Contains(u.stdout.String(), "metrics ") || u.stderr.String() != "" })
	if told := u.stderr.String(); told != "" {
		t.Fatal(told)
	}
	u.watch(t, dir)
	u.control = "http://" + strings.TrimSpace(content(filepath.Join(dir, "control")))
	return u
}

// upAndAnnounced is a bus whose two instances are in its cache.
func upAndAnnounced(t *testing.T) *upped {
	t.Helper()
	bus := up(t, upScenario)
	bus.eventually(t, "the bus has a cache", func() bool { return strings.Count(content(filepath.Join(bus.dir, "discovery.cache")), "%%%") == 2 })
	return bus
}

// A realService is a service in a process of its own, and the files of its bus.
type realService struct {
	*served
	t                              *testing.T
	config, cache, key, cert, list string
}

// newBus makes a configuration and the keys of one service.
func newBus(t *testing.T) *realService {
	dir := t.TempDir()
	if o := scampSim(t, "", "provision", "echo", "--dir", dir, "--bits", "2048"); o.code != 0 {
		t.Fatalf("%+v", o)
	}
	r := &realService{t: t, config: filepath.Join(dir, "soa.conf"), cache: filepath.Join(dir, "cache"), list: filepath.Join(dir, "authorized_services")}
	r.key, r.cert = filepath.Join(dir, "services", "echo.key"), filepath.Join(dir, "services", "echo.crt")
	if err := os.WriteFile(r.config, []byte("bus.address = 127.0.0.1\nrpc.timeout = 7\ndiscovery.cache_path = "+r.cache+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

// announce makes the discovery cache say that the service is at an address.
func (r *realService) announce(uri, more string) {
	r.t.Helper()
	description := filepath.Join(filepath.Dir(r.config), "echo.yaml")
	text := "name: echo\nuri: " + uri + "\nactions: [{name: Conformance.echo, flags: [noauth]}]\n" + more
	if err := os.WriteFile(description, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	os.Remove(r.cache)
	if o := scampSim(r.t, "", "cache", "make", "--announcepath", description, "--keypath", r.key, "--certpath", r.cert, "--out", r.cache); o.code != 0 {
		r.t.Fatalf("%+v", o)
	}
}

func (r *realService) serve() {
	r.t.Helper()
	r.served = serve(r.t, "--key", r.key, "--cert", r.cert)
}
