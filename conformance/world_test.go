package conformance

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// What is announced is in the cache and authorised, until the case has a list of its own; what is withdrawn is neither.
func TestWorld(t *testing.T) {
	w := newWorld(&play{start: time.Unix(1700000000, 0)}, nil)
	read := func(name string) string {
		t.Helper()
		text, err := fs.ReadFile(&w.files, name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, part := range []string{"discovery.cache_path = " + calling.Cache, "bus.authorized_services = " + calling.Authorized} {
		if !strings.Contains(read(calling.Config), part) {
			t.Errorf("no %s", part)
		}
	}
	second := w.instance("S2")
	second.record = &record{Sector: []byte(`"web"`), Certificate: "S3"}
	w.announce(second)
	w.configure("rpc.timeout", "9")
	line := identityOf("S3").fingerprint + " web:ALL\n"
	if n := strings.Count(read(calling.Cache), "%%%"); n != 3 || !strings.Contains(read(calling.Authorized), line) || second.identity != "S3" {
		t.Errorf("%d records; %s; %s", n, read(calling.Authorized), second.identity)
	}
	if !strings.Contains(read(calling.Config), "rpc.timeout = 9\n") {
		t.Error(read(calling.Config))
	}
	second.packet = ""
	w.writeCache()
	w.writeList()
	if n := strings.Count(read(calling.Cache), "%%%"); n != 2 || strings.Contains(read(calling.Authorized), line) {
		t.Errorf("%d records; %s", n, read(calling.Authorized))
	}
	w.ownList, w.listed = true, "mine\n"
	w.announce(second)
	if read(calling.Authorized) != "mine\n" {
		t.Error(read(calling.Authorized))
	}
	for _, name := range instanceNames {
		if i := w.at(addressOf(name)); i == nil || i.name != name {
			t.Errorf("nobody is at the address of %s", name)
		}
	}
	if w.at("10.0.0.99:30100") != nil {
		t.Error("somebody is where nobody is")
	}
	w.instance("S3")
	w.chosen = second
	var names []string
	for _, i := range w.candidates("other") {
		names = append(names, i.name)
	}
	if got := strings.Join(names, " "); strings.Contains(got, "S2") || strings.Contains(got, asideInstance) || !strings.Contains(got, "S1") {
		t.Error(got)
	}
}
