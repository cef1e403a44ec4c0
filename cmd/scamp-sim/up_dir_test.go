package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// What the developer has written about his own service stays; the simulated ones get
// what the scenario needs.
func TestEntrust(t *testing.T) {
	file := filepath.Join(t.TempDir(), "authorized_services")
	server, own := fixtures.Fingerprint("server"), fixtures.Fingerprint("other")
	trusts := func(fingerprint, sector, action string) bool {
		return discovery.ParseAuthorized([]byte(content(file))).Trusts(fingerprint, sector, action)
	}
	add := func(fingerprint string, enough bool, sectors ...string) {
		t.Helper()
		if err := entrust(file, fingerprint, sectors, enough); err != nil {
			t.Fatal(err)
		}
	}
	add(server, true, "main")
	add(own, false, "eu", "main")
	before := content(file)
	add(server, true, "main")
	add(own, false, "us")
	if content(file) != before || !trusts(server, "main", "A.b") || trusts(server, "eu", "A.b") || !trusts(own, "eu", "A.b") {
		t.Error(content(file))
	}
	add(server, true, "main", "eu")
	if !trusts(server, "eu", "A.b") || !trusts(server, "main", "A.b") || !strings.HasPrefix(content(file), before) {
		t.Error(content(file))
	}
}
