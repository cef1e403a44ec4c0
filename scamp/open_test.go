package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/ticket"
)

// A host is a directory with the files that the programs of one host share.
type host struct {
	t   *testing.T
	dir string
}

func newHost(t *testing.T) *host { return &host{t, t.TempDir()} }

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// configure writes soa.conf, with the cache and the authorised services in the
// directory, and more lines.
func (h *host) configure(lines ...string) (path string) {
	h.write("soa.conf", "discovery.cache_path = "+h.path("cache")+"\nbus.authorized_services = "+h.path("authorized_services")+"\n"+strings.Join(lines, "\n"))
	return h.path("soa.conf")
}

// announce writes a cache with one instance of the fixture identity.
func (h *host) announce(uri string, timestamp float64, actions ...discovery.Action) {
	h.t.Helper()
	key, _ := fixtures.FS.ReadFile("server.key.pem")
	cert, _ := fixtures.FS.ReadFile("server.cert.pem")
	signer, err := discovery.NewSigner(key, cert)
	if err != nil {
		h.t.Fatal(err)
	}
	packet, err := signer.Sign(&discovery.Announcement{
		Identity: discovery.Identity{Ident: "open:1"}, Sector: "main", Weight: 1, Interval: 5000, URI: uri,
		Envelopes: []string{"json"}, Actions: actions, Timestamp: timestamp,
	}, discovery.FormAuto)
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := discovery.Verify(packet)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write("cache.new", string(discovery.AppendRecord(nil, a)))
	if err := os.Rename(h.path("cache.new"), h.path("cache")); err != nil {
		h.t.Fatal(err)
	}
}

func action(name, flags string) discovery.Action {
	return discovery.Action{Sector: "main", Name: name, Version: 1, Envelopes: []string{"json"}, Flags: flags}
}

// TestFromAConfigurationToACall: with files and sockets, as a program does it.
func TestFromAConfigurationToACall(t *testing.T) {
	table := new(Mux)
	table.HandleFunc(Action{Name: "Auth.getAuthzTable", NoAuth: true}, func(_ context.Context, w *ReplyWriter, r *Request) error {
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "{}" {
			t.Errorf("the table is asked for with %q", body)
		}
		_, err := io.WriteString(w, `{"test.secured":["7"]}`)
		return err
	})
	mux := table
	mux.HandleFunc(Action{Name: "Test.open", NoAuth: true}, func(_ context.Context, w *ReplyWriter, r *Request) error {
		_, err := io.Copy(w, r.Body)
		return err
	})
	mux.HandleFunc(Action{Name: "Test.secured"}, func(ctx context.Context, w *ReplyWriter, r *Request) error {
		_, err := fmt.Fprint(w, TicketFrom(ctx).User)
		return err
	})
	svc := &Service{Mux: mux, Certificate: fixtures.Certificate("server"), Authority: &ticket.Authority{Key: &fixtures.TicketKey().PublicKey}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go svc.Serve(ln)
	defer svc.Close()
	h := newHost(t)
	h.write("authorized_services", fixtures.Fingerprint("server")+" main:ALL\n")
	h.announce("beepish+tls://"+ln.Addr().String(), 1, action("Test.open", "noauth"), action("Test.secured", ""), action("Auth.getAuthzTable", "noauth"))

	q, err := Open(t.Context(), h.configure("rpc.timeout = 10"))
	if err != nil {
		t.Fatal(err)
	}
	svc.Authority.Fetch = FetchTable(q)
	if got, err := CallJSON[string](t.Context(), q, "test.OPEN", "hello"); err != nil || got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	r := NewRequest("Test.secured", []byte("{}"))
	for _, test := range []struct {
		privileges []uint64
		code       string
	}{{nil, "authz"}, {[]uint64{7}, ""}} {
		r.Ticket, err = ticket.Issue(ticket.Ticket{User: 42, Client: 1, Start: time.Now().Add(-time.Minute), Length: time.Hour, Privileges: test.privileges}, fixtures.TicketKey())
		if err != nil {
			t.Fatal(err)
		}
		reply, err := q.Call(t.Context(), r)
		code := ""
		if f := Failure(err); f != nil {
			code = f.Code
		} else if body, err := reply.ReadAll(0); err != nil || string(body) != "42" {
			t.Errorf("the user is %s, %v", body, err)
		}
		if code != test.code {
			t.Errorf("with the privileges %v: %v", test.privileges, err)
		}
	}

	// A file that changes is taken up (DISC-CCH-09).
	changed := q.Directory.Changed()
	h.announce("beepish+tls://"+ln.Addr().String(), 2, action("Test.other", "noauth"))
	select {
	case <-changed:
	case <-t.Context().Done():
	}
	var nobody *NoServiceError
	if _, err := q.Call(t.Context(), NewRequest("Test.open", []byte("1"))); !errors.As(err, &nobody) {
		t.Errorf("an action that is gone: %v", err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestWhatAConfigurationSays: each key has its effect, and without it the default
// holds (DISC-CFG-05).
func TestWhatAConfigurationSays(t *testing.T) {
	h := newHost(t)
	for _, test := range []struct {
		lines              []string
		sector             string
		call, idle, maxAge time.Duration
		window             int
	}{
		{nil, "main", 75 * time.Second, 90 * time.Second, 120 * time.Second, 65536},
		{[]string{"bus.default_sector = web", "rpc.timeout = 7", "beepish.client_timeout = 8", "discovery.cache_max_age = 9", "flow.max_inflight = 1000"},
			"web", 7 * time.Second, 8 * time.Second, 9 * time.Second, 1000},
	} {
		for _, fresh := range []bool{false, true} {
			h.write("cache", "")
			old := time.Now().Add(test.maxAge * -3 / 2)
			if fresh {
				old = time.Now().Add(test.maxAge * -3 / 4)
			}
			if err := os.Chtimes(h.path("cache"), old, old); err != nil {
				t.Fatal(err)
			}
			q, err := Open(t.Context(), h.configure(test.lines...))
			if err != nil {
				t.Fatal(err)
			}
			if c := q.Config; q.Sector != test.sector || c.CallTimeout != test.call || c.IdleTimeout != test.idle || c.Window != test.window {
				t.Errorf("%v: %q, %+v", test.lines, q.Sector, c)
			}
			if err := q.Fresh(); fresh != (err == nil) || err != nil && !errors.Is(err, discovery.ErrStale) {
				t.Errorf("%v, fresh=%v: %v", test.lines, fresh, err)
			}
			stopped, stop := false, q.stop
			q.stop = func() { stop(); stopped = true }
			if err := q.Close(t.Context()); err != nil || !stopped {
				t.Errorf("the files are still watched: %v", err)
			}
		}
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	h := newHost(t)
	h.write("no-cache", "rpc.timeout = 5\n")
	h.write("bad-time", "discovery.cache_path = /tmp/x\nrpc.timeout = soon\n")
	for path, word := range map[string]string{"nothing": "nothing", "no-cache": "discovery.cache_path", "bad-time": "rpc.timeout"} {
		if _, err := Open(t.Context(), h.path(path)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// Missing files are no reason not to begin (DISC-CCH-11).
	q, err := Open(t.Context(), h.configure())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Call(t.Context(), NewRequest("A.b", nil)); !errors.Is(err, discovery.ErrStale) || !strings.Contains(err.Error(), h.path("cache")) {
		t.Errorf("without a cache: %v", err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, h.configure()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
