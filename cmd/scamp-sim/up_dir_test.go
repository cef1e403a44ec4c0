package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
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

// A directory is somebody else's while his control API is there, or may be; not because of any other server at that address.
func TestWhoRunsInADirectory(t *testing.T) {
	t.Parallel()
	serve := func(status int, kind string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
		}))
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, _ := net.Listen("tcp", "127.0.0.1:0")
	gone.Close()
	for address, runs := range map[string]bool{
		serve(200, "application/json"): true, silent.Addr().String(): true,
		serve(404, "application/json"): false, serve(200, "text/html"): false, gone.Addr().String(): false, "no address": false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "control"), []byte(address+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := checkOwn(dir, "up"); (err != nil) != runs || runs && !strings.Contains(err.Error(), address) {
			t.Errorf("%s, %v: %v", address, runs, err)
		}
	}
}

// Announcements of more files than are read are told, once.
func TestManyAnnouncements(t *testing.T) {
	d := &busDir{path: t.TempDir(), announced: map[string]*announcedFile{}}
	if err := os.Mkdir(d.file("announcements"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range mostAnnouncing + 1 {
		if err := os.WriteFile(d.file("announcements", fmt.Sprint("a", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	told := 0
	for range 2 {
		d.announcements(func(text string) {
			if strings.Contains(text, "only 1000 files") {
				told++
			}
		})
	}
	if told != 1 || len(d.announced) != mostAnnouncing {
		t.Errorf("told %d times, of %d files", told, len(d.announced))
	}
}

// What is told before the end is written.
func TestEventsAreWritten(t *testing.T) {
	for range 20000 {
		var b strings.Builder
		e := newEvents(&b)
		e.Write([]byte("a line"))
		e.close()
		if b.String() != "a line" {
			t.Fatalf("%q is written", b.String())
		}
	}
}
