package scamp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// A site is a configuration directory with a key pair for the service inventory and
// the ticket key.
func site(t *testing.T, conf string) (file string) {
	t.Helper()
	dir := t.TempDir()
	for name, fixture := range map[string]string{
		"services/inventory.key":            "server.key.pem",
		"services/inventory.crt":            "server.cert.pem",
		"services/mixed.key":                "server.key.pem",
		"services/mixed.crt":                "other.cert.pem",
		"auth/ticket_verify_public_key.pem": "ticket.pub.pem",
	} {
		text, err := fixtures.FS.ReadFile(fixture)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	file = filepath.Join(dir, "soa.conf")
	write(t, file, []byte(conf))
	return file
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenService: each key has its effect, and without it the default holds
// (DISC-CFG-05).
func TestOpenService(t *testing.T) {
	s, err := OpenService(site(t, ""), "inventory")
	if err != nil {
		t.Fatal(err)
	}
	if got := Fingerprint(s.Certificate.Certificate[0]); got != fixtures.Fingerprint("server") || s.signer.Fingerprint != got {
		t.Error(got)
	}
	if !s.Authority.Key.Equal(&fixtures.TicketKey().PublicKey) || s.keyless != nil || s.Authority.Fetch != nil {
		t.Errorf("%+v", s.Authority)
	}
	c := s.Config
	if c.IdleTimeout != 120*time.Second || c.HandlerTimeout != 60*time.Second || c.MessageTimeout != 150*time.Second || c.Window != 65536 || s.Wrap != nil || s.Name != "inventory" {
		t.Errorf("%+v", c)
	}
	s, err = OpenService(site(t, "beepish.server_timeout = 7\nworker.timeout = 8\nrpc.timeout = 9\nflow.max_inflight = 1000\nworker.limit = 3\n"), "inventory")
	if err != nil {
		t.Fatal(err)
	}
	c = s.Config
	if c.IdleTimeout != 7*time.Second || c.HandlerTimeout != 8*time.Second || c.MessageTimeout != 18*time.Second || c.Window != 1000 || s.Wrap == nil {
		t.Errorf("%+v", c)
	}
}

// TestOpenServiceFails with what is wrong.
func TestOpenServiceFails(t *testing.T) {
	for _, test := range []struct{ conf, name, want string }{
		{"", "", "needs a name"},
		{"", "other", "other.key"},
		{"inventory.soa_cert = /no/such/file", "inventory", "/no/such/file"},
		{"", "mixed", "no certificate that belongs to the key"},
		{"worker.timeout = soon", "inventory", "worker.timeout"},
		{"worker.limit = -1", "inventory", "worker.limit"},
		{"beepish.server_timeout = x\nflow.max_inflight = y", "inventory", "beepish.server_timeout"},
		{"beepish.server_timeout = x\nflow.max_inflight = y", "inventory", "flow.max_inflight"},
		{"rpc.timeout = 0", "inventory", "rpc.timeout"},
	} {
		if _, err := OpenService(site(t, test.conf), test.name); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q %q: %v", test.conf, test.name, err)
		}
	}
	if _, err := OpenService(filepath.Join(t.TempDir(), "none"), "inventory"); err == nil {
		t.Error("no configuration")
	}
}

// TestOpenServiceWithoutATicketKey: the service is there, and denies (DISC-TKT-08b).
func TestOpenServiceWithoutATicketKey(t *testing.T) {
	for name, text := range map[string]string{"missing": "", "no PEM": "x", "a certificate": "server.cert.pem"} {
		file := site(t, "")
		key := filepath.Join(filepath.Dir(file), "auth", "ticket_verify_public_key.pem")
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		if text == "server.cert.pem" {
			other, _ := fixtures.FS.ReadFile(text)
			text = string(other)
		}
		if text != "" {
			write(t, key, []byte(text))
		}
		s, err := OpenService(file, "inventory")
		if err != nil || s.Authority.Key != nil || s.keyless == nil || !strings.Contains(s.keyless.Error(), "auth.ticket_verify_public_key") {
			t.Error(name, err)
		}
	}
}

// TestTwoCertificates: the one that callers see is the one that is announced.
func TestTwoCertificates(t *testing.T) {
	file := site(t, "")
	server, _ := fixtures.FS.ReadFile("server.cert.pem")
	other, _ := fixtures.FS.ReadFile("other.cert.pem")
	crt := filepath.Join(filepath.Dir(file), "services", "inventory.crt")
	write(t, crt, []byte("text before\n"+string(server)+string(other)))
	if s, err := OpenService(file, "inventory"); err != nil || Fingerprint(s.Certificate.Certificate[0]) != s.signer.Fingerprint {
		t.Error(err)
	}
	write(t, crt, []byte(string(other)+string(server)))
	if _, err := OpenService(file, "inventory"); err == nil {
		t.Error("the other certificate is shown")
	}
}
