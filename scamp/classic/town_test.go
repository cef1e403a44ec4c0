package scamp_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/gudtech/scamp-sim/fixtures"
	real "github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A town is a service on loopback, and the files of a bus that has it.
type town struct {
	dir     string
	address string
	service *real.Service
}

// found makes a town in a directory: the service has the actions of mux, and is authorised for the namespace Product of the
// sector main.
func found(dir string, mux *real.Mux) (*town, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &town{dir: dir, address: ln.Addr().String(), service: &real.Service{Mux: mux, Certificate: fixtures.Certificate("server")}}
	go w.service.Serve(ln)
	conf := fmt.Sprintf("discovery.cache_path = %s\nbus.authorized_services = %s\n", w.path("cache"), w.path("authorized_services"))
	for name, text := range map[string]string{
		"soa.conf":            conf,
		"authorized_services": fixtures.Fingerprint("server") + " main:Product\n",
	} {
		if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	record, err := w.record("server", "product:1", w.service.Describe().Actions)
	if err != nil {
		return nil, err
	}
	return w, w.cache(record)
}

func (w *town) path(name string) string { return filepath.Join(w.dir, name) }

// record makes an announcement of the service's address.
func (w *town) record(identity, ident string, actions []discovery.Action) (*discovery.Announcement, error) {
	key, err := fixtures.FS.ReadFile(identity + ".key.pem")
	if err != nil {
		return nil, err
	}
	cert, err := fixtures.FS.ReadFile(identity + ".cert.pem")
	if err != nil {
		return nil, err
	}
	signer, err := discovery.NewSigner(key, cert)
	if err != nil {
		return nil, err
	}
	packet, err := signer.Sign(&discovery.Announcement{
		Identity: discovery.Identity{Ident: ident}, Sector: "main", Weight: 1, Interval: 5000, Timestamp: 1,
		URI: "beepish+tls://" + w.address, Envelopes: []string{"json"}, Actions: actions,
	}, discovery.FormAuto)
	if err != nil {
		return nil, err
	}
	return discovery.Verify(packet)
}

// cache writes the cache file.
func (w *town) cache(records ...*discovery.Announcement) error {
	return os.WriteFile(w.path("cache"), discovery.AppendFile(nil, records), 0o600)
}

// products are the actions of the tests.
func products() *real.Mux {
	mux := new(real.Mux)
	mux.Handle(real.Action{Name: "Product.fetch", NoAuth: true, Flags: []string{"read"}}, real.JSON(func(_ context.Context, q struct{ Sku int }) (string, error) {
		if q.Sku == 13 {
			return "", &real.ReplyError{Code: "no_sku", Message: "there is none", Data: []byte(`{"sku":13}`)}
		}
		return fmt.Sprint("sku ", q.Sku), nil
	}))
	who := func(_ context.Context, w *real.ReplyWriter, r *real.Request) error {
		_, err := fmt.Fprintf(w, "%q", r.Ticket+r.IdentifyingToken)
		return err
	}
	mux.HandleFunc(real.Action{Name: "Product.who", Version: 2, NoAuth: true}, who)
	mux.HandleFunc(real.Action{Name: "_meta.who", NoAuth: true}, who)
	mux.HandleFunc(real.Action{Name: "Other.who", NoAuth: true}, who)
	mux.HandleFunc(real.Action{Name: "Product.text", NoAuth: true, Envelopes: []string{"json", "jsonstore", "text"}},
		func(_ context.Context, w *real.ReplyWriter, r *real.Request) error {
			body, err := r.ReadAll(0)
			fmt.Fprintf(w, "<%s>", body)
			return err
		})
	mux.HandleFunc(real.Action{Name: "Product.wait", NoAuth: true}, func(ctx context.Context, _ *real.ReplyWriter, _ *real.Request) error {
		<-ctx.Done()
		return ctx.Err()
	})
	mux.HandleFunc(real.Action{Name: "Product.half", NoAuth: true}, func(_ context.Context, w *real.ReplyWriter, _ *real.Request) error {
		w.Write([]byte("{}"))
		w.Flush()
		return context.Canceled
	})
	return mux
}

// begin makes a town for a test, whose configuration is that of the process.
func begin(t *testing.T) *town {
	t.Helper()
	w, err := found(t.TempDir(), products())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.service.Close() })
	t.Setenv("SCAMP", w.path("soa.conf"))
	return w
}
