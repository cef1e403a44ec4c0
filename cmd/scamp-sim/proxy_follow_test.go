package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/soaconf"
	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// following plays a proxy in front of a bus, in this process, while f runs.
func following(t *testing.T, r *realService, f func(*follower)) *follower {
	t.Helper()
	follow := &follower{cache: discovery.Cache{Path: r.cache}, authorized: discovery.AuthorizedFile{Path: r.list}}
	if err := follow.first(); err != nil {
		t.Fatal(err)
	}
	s, err := scenario.ParseFaults("", nil, follow.fronts())
	if err != nil {
		t.Fatal(err)
	}
	conf, err := soaconf.Load(r.config)
	if err != nil {
		t.Fatal(err)
	}
	if follow.ports, err = newPorts("0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(follow.ports.close)
	if follow.dir, err = newProxyDir(filepath.Join(t.TempDir(), "proxy"), conf, "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Live(ctx, scenario.LiveOptions{
		Border: sim.Border{Listen: follow.ports.listen},
		Prepare: func(l *scenario.Live) {
			follow.live = l
			if err := follow.apply(); err != nil {
				t.Error(err)
			}
			f(follow)
			cancel()
		},
	})
	return follow
}

// Who offers what everybody may takes nobody's place.
func TestProxyFollowsWhomTheOperatorHasListed(t *testing.T) {
	t.Parallel()
	announced := func(fingerprint, ident, action string) *discovery.Announcement {
		return &discovery.Announcement{
			Identity: discovery.Identity{Fingerprint: fingerprint, Ident: ident}, Sector: "main", Weight: 1, Interval: 5000, URI: "beepish+tls://127.0.0.1:1",
			Envelopes: []string{"json"}, Actions: []discovery.Action{{Sector: "main", Name: action, Version: 1, Envelopes: []string{"json"}}},
		}
	}
	all := make([]*discovery.Announcement, 0, mostFollowed+2)
	for i := range mostFollowed {
		all = append(all, announced(fixtures.Fingerprint("other"), fmt.Sprint("a:", i), "_meta.documentation"))
	}
	all = append(all, announced(fixtures.Fingerprint("other"), "b:1", "Shop.get"), announced(fixtures.Fingerprint("server"), "z:1", "Shop.get"))
	f := &follower{say: func(string) {}, told: map[string]bool{}, trusted: discovery.ParseAuthorized([]byte(fixtures.Fingerprint("server") + " main:ALL\n"))}
	f.cache.Directory.Replace(all)
	got := f.usable()
	if len(got) != mostFollowed || got[0].Ident != "z:1" || slices.ContainsFunc(got, func(a *discovery.Announcement) bool { return a.Ident == "b:1" }) {
		t.Errorf("%d instances, the first is %s", len(got), got[0].Ident)
	}
	if len(f.told) != 2 {
		t.Errorf("told %v", f.told)
	}
}

// When it is over, nothing that happens on the bus starts anything.
func TestProxyFollowsUntilItIsOver(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.announce("beepish+tls://127.0.0.1:1", "")
	follow := following(t, r, func(*follower) {})
	r.announce("beepish+tls://127.0.0.1:2", "")
	limit, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	follow.keep(limit)
	if limit.Err() != nil {
		t.Error("it goes on")
	}
	if to := follow.live.Instance("echo-1").Leads(); to.Address != "127.0.0.1:1" {
		t.Errorf("it leads to %s", to.Address)
	}
}

// Certificates come and go, as many as there will ever be: those count that are there.
func TestProxyForgetsCertificates(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.announce("beepish+tls://127.0.0.1:1", "")
	following(t, r, func(f *follower) {
		for i := range 2 * mostFollowed {
			f.dir.stands[strings.Repeat("00:", 19)+string(rune('A'+i))] = &standIn{}
		}
		own := f.dir.stands[f.groups["echo"][0].is.Fingerprint]
		r.announce("beepish+tls://127.0.0.1:2", "weight: 3\n")
		if err := f.look(); err != nil {
			t.Fatal(err)
		}
		if err := f.apply(); err != nil {
			t.Fatal(err)
		}
		if len(f.dir.stands) != 1 || f.dir.stands[f.groups["echo"][0].is.Fingerprint] != own {
			t.Errorf("%d certificates", len(f.dir.stands))
		}
	})
}

// When there are no names for instances any more, what comes under new names of services is not kept.
func TestProxyKeepsNoNamesWithoutEnd(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.announce("beepish+tls://127.0.0.1:1", "")
	following(t, r, func(f *follower) {
		f.slots = mostSlots
		for _, ident := range []string{"new:1", "newer:2"} {
			if s := f.place(&discovery.Announcement{Identity: discovery.Identity{Ident: ident}}); s != nil || len(f.names) != 1 {
				t.Errorf("%s: %v, %v", ident, s, f.names)
			}
		}
		if f.place(&discovery.Announcement{Identity: discovery.Identity{Ident: "echo:9"}}) == nil {
			t.Error("a name that is free is not given")
		}
	})
}

// What the bus reads is not written, whatever it is called.
func TestProxyLeavesTheBusAlone(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.announce("beepish+tls://127.0.0.1:1", "")
	config := filepath.Join(filepath.Dir(r.config), "bus.conf")
	if err := os.Rename(r.config, config); err != nil {
		t.Fatal(err)
	}
	before := content(r.list)
	scampSim(t, "", "proxy", "--config", config, "--dir", filepath.Dir(config), "--duration", "1s").oneLine(t, 2, "authorized_services", "this proxy writes", "--dir")
	if content(r.list) != before {
		t.Errorf("authorised services are %q", content(r.list))
	}
}

// A path that no configuration can say is refused, not cut off.
func TestProxyRefusesPathsWithNumberSigns(t *testing.T) {
	t.Parallel()
	r := newBus(t)
	r.announce("beepish+tls://127.0.0.1:1", "")
	odd := filepath.Join(t.TempDir(), "a#b")
	if err := os.Mkdir(odd, 0o755); err != nil {
		t.Fatal(err)
	}
	config, dir := filepath.Join(odd, "soa.conf"), filepath.Join(t.TempDir(), "proxy")
	if err := os.WriteFile(config, []byte("discovery.cache_path = "+r.cache+"\nbus.authorized_services = "+r.list+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	scampSim(t, "", "proxy", "--config", config, "--dir", dir, "--duration", "1s").oneLine(t, 2, "number sign", "auth.ticket_verify_public_key", "--config")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a directory was made")
	}
}

// Key pairs beside the configuration are found whatever their directory is called.
func TestProxyNamesKeyPairs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b*")
	if err := os.MkdirAll(filepath.Join(dir, "services"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"soa.conf": "bus.address = 127.0.0.1\n", "services/echo.key": "", "services/odd name.key": "", "services/echo.crt": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	conf, err := soaconf.Load(filepath.Join(dir, "soa.conf"))
	if err != nil {
		t.Fatal(err)
	}
	d := &proxyDir{path: t.TempDir()}
	text, err := d.config(conf)
	if want := "echo.soa_key = " + filepath.Join(dir, "services", "echo.key") + "\n"; err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), "odd name") {
		t.Errorf("%s, %v", text, err)
	}
}
