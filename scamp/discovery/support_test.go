package discovery

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// pemOf returns the two halves of a fixture's identity: "server" or "other".
func pemOf(name string) (key, cert []byte) {
	key, err := fixtures.FS.ReadFile(name + ".key.pem")
	if err != nil {
		panic(err)
	}
	cert, err = fixtures.FS.ReadFile(name + ".cert.pem")
	if err != nil {
		panic(err)
	}
	return key, cert
}

func signerOf(name string) func() *Signer {
	return sync.OnceValue(func() *Signer {
		s, err := NewSigner(pemOf(name))
		if err != nil {
			panic(err)
		}
		return s
	})
}

// The two services of the tests.
var (
	server = signerOf("server")
	other  = signerOf("other")
)

// base is the data of the specification's base packet (section 2).
const base = `[3,"svc:AAAAAAAAAAAAAAAAAAAAAAAA","main",1,5000,"beepish+tls://127.0.0.1:30100",["json"],[["Foo",["bar","",1]]],1700000000.5]`

// with is the base data with elements replaced: pairs of an index and JSON.
func with(t testing.TB, replaced ...any) string {
	t.Helper()
	e := []string{
		"3", `"svc:AAAAAAAAAAAAAAAAAAAAAAAA"`, `"main"`, "1", "5000", `"beepish+tls://127.0.0.1:30100"`, `["json"]`, `[["Foo",["bar","",1]]]`, "1700000000.5",
	}
	for i := 0; i < len(replaced); i += 2 {
		e[replaced[i].(int)] = fmt.Sprint(replaced[i+1])
	}
	return "[" + strings.Join(e, ",") + "]"
}

// signed is a packet of this data, as the first fixture signs it.
func signed(t testing.TB, data string) []byte {
	t.Helper()
	p, err := server().SignData([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// described is an announcement of Foo.bar.
func described(ident string, timestamp float64) *Announcement {
	return &Announcement{
		Identity: Identity{Ident: ident}, Sector: "main", Weight: 1, Interval: 5000, URI: "beepish+tls://127.0.0.1:30100",
		Envelopes: []string{"json"}, Actions: []Action{{Name: "Foo.bar"}}, Timestamp: timestamp,
	}
}

// announced is an announcement that went through Sign and Verify.
func announced(t testing.TB, s *Signer, a *Announcement) *Announcement {
	t.Helper()
	p, err := s.Sign(a, FormAuto)
	if err != nil {
		t.Fatal(err)
	}
	a, err = Verify(p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// refused fails unless the packet was refused at this layer, by this rule.
func refused(t testing.TB, err error, layer Layer, rule string) {
	t.Helper()
	e := new(Error)
	if !errors.As(err, &e) || e.Layer != layer || e.Rule != rule {
		t.Errorf("the error is %v, want one of layer %s and %s", err, layer, rule)
	}
}

// found are the idents of the instances that offer an action, in order.
func found(d *Directory, sector, action string, version int, envelope string) (idents []string) {
	for _, i := range d.Lookup(nil, sector, action, version, envelope) {
		idents = append(idents, i.Ident)
	}
	return idents
}

// foundBar are those that offer Foo.bar.
func foundBar(d *Directory) []string { return found(d, "main", "Foo.bar", 1, "json") }

// growth is what f leaves in the heap, and what it allocated on the way.
func growth(f func()) (live, total int64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc), int64(after.TotalAlloc - before.TotalAlloc)
}

// took is how long f took. The race detector makes it many times slower, which is taken off.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	if raceDetector {
		return time.Since(start) / 15
	}
	return time.Since(start)
}
