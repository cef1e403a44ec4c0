package scamp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A town is a bus in virtual time: houses at addresses, a directory that knows who
// lives there, and a requester.
type town struct {
	t *testing.T
	q *Requester

	mu         sync.Mutex
	houses     map[string]*house // by host:port
	authorized *discovery.Authorized
	stale      error
	counter    int // of houses and announcements
	serving    sync.WaitGroup
}

// A house is a place at which a service may be reached.
type house struct {
	*discovery.Announcement
	town    *town
	address string
	cert    tls.Certificate
	mux     *Mux

	// Guarded by town.mu.
	service *Service // nil: connections are refused
	silent  bool     // connections are accepted, and nothing else happens
	dials   int
	wrap    func(net.Conn) net.Conn // around the transport of the requester
	asked   map[string]int          // requests handled, by action
}

// lightCertificate is an identity whose handshakes cost little: for the town the
// directory is filled by hand, and the announcements are not signed.
var lightCertificate = sync.OnceValue(func() []tls.Certificate {
	certificates := make([]tls.Certificate, 4)
	for i := range certificates {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i)), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			panic(err)
		}
		certificates[i] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	return certificates
})

// newTown returns a town without houses. Its requester is closed at the end, and
// must leave nothing behind.
func newTown(t *testing.T, cfg Config) *town {
	w := &town{t: t, houses: map[string]*house{}}
	w.q = &Requester{
		Config: cfg, Directory: new(discovery.Directory), Dial: w.dial,
		Authorized: func() *discovery.Authorized {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.authorized
		},
		Fresh: func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.stale
		},
	}
	t.Cleanup(w.close)
	return w
}

func (w *town) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := w.q.Close(ctx); err != nil {
		w.t.Errorf("closing the requester: %v", err)
	}
	for _, h := range w.houses {
		h.close()
	}
	w.serving.Wait()
	p := &w.q.pool
	if len(p.open) != 0 || p.dials != 0 {
		w.t.Errorf("left behind: %d connections, %d dials", len(p.open), p.dials)
	}
	for _, r := range p.routes {
		if r.conn != nil || r.dial != nil {
			w.t.Error("left behind: a route with a connection")
		}
	}
	for id, s := range w.q.health.standings {
		if n := s.outstanding.Load(); n != 0 {
			w.t.Errorf("left behind: %d calls to %s are still counted", n, id.Ident)
		}
	}
}

// build adds a house that offers actions, and lets a service live there.
// Test.echo and Test.fail are always among them.
func (w *town) build(actions ...discovery.Action) *house {
	w.mu.Lock()
	n := len(w.houses) + 1
	h := &house{
		town: w, address: fmt.Sprintf("10.0.0.%d:30100", n), cert: lightCertificate()[n%4], mux: new(Mux), asked: map[string]int{},
	}
	w.mu.Unlock()
	h.offer(discovery.Action{Name: "Test.echo"}, func(_ context.Context, w *ReplyWriter, r *Request) error {
		_, err := io.Copy(w, r.Body)
		return err
	})
	h.offer(discovery.Action{Name: "Test.who"}, func(_ context.Context, w *ReplyWriter, r *Request) error {
		_, err := fmt.Fprintf(w, "%q", h.Ident)
		return err
	})
	h.Announcement = &discovery.Announcement{
		Identity: discovery.Identity{Fingerprint: Fingerprint(h.cert.Certificate[0]), Ident: fmt.Sprintf("house-%d", n)},
		Sector:   "main", Weight: 1, Interval: 5000, URI: "beepish+tls://" + h.address, Envelopes: []string{"json"}, Timestamp: 1,
	}
	for _, a := range append(actions, discovery.Action{Name: "Test.echo"}, discovery.Action{Name: "Test.who"}) {
		if a.Sector == "" {
			a.Sector = "main"
		}
		if a.Version == 0 {
			a.Version = 1
		}
		if a.Envelopes == nil {
			a.Envelopes = h.Envelopes
		}
		h.Actions = append(h.Actions, a)
	}
	w.mu.Lock()
	w.houses[h.address] = h
	w.mu.Unlock()
	w.authorize()
	h.open()
	w.announce()
	return h
}

// offer registers a handler, which counts its calls.
func (h *house) offer(a discovery.Action, f HandlerFunc) {
	h.mux.Handle(Action{Name: a.Name, Version: a.Version, Envelopes: a.Envelopes, NoAuth: true, Stream: a.Name == "Test.echo"},
		HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
			h.town.mu.Lock()
			h.asked[r.Action]++
			h.town.mu.Unlock()
			return f(ctx, w, r)
		}))
}

func (h *house) times(action string) int {
	h.town.mu.Lock()
	defer h.town.mu.Unlock()
	return h.asked[action]
}

// authorize authorises every house for everything.
func (w *town) authorize() {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := ""
	for _, h := range w.houses {
		text += Fingerprint(h.cert.Certificate[0]) + " main:ALL, web:ALL\n"
	}
	w.authorized = discovery.ParseAuthorized([]byte(text))
}

// announce makes the directory what the houses say.
func (w *town) announce() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*discovery.Announcement
	for _, h := range w.houses {
		a := *h.Announcement
		w.counter++
		a.Packet = fmt.Append(nil, w.counter) // by which the directory sees that something is new
		all = append(all, &a)
	}
	w.q.Directory.Replace(all)
}

// open lets a service live in the house.
func (h *house) open() {
	h.town.mu.Lock()
	defer h.town.mu.Unlock()
	h.service = &Service{Mux: h.mux}
}

// close ends the service of the house at once.
func (h *house) close() {
	h.town.mu.Lock()
	s := h.service
	h.service = nil
	h.town.mu.Unlock()
	if s != nil {
		s.Close()
	}
}

var errRefused = errors.New("connection refused")

func (w *town) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.houses[address]
	if h == nil {
		return nil, errors.New("no route to host")
	}
	h.dials++
	if h.service == nil && !h.silent {
		return nil, errRefused
	}
	a, b := simnet.Pipe(0)
	w.serving.Add(1)
	if h.silent {
		go func() { // until the requester closes it
			defer w.serving.Done()
			defer b.Close()
			io.Copy(io.Discard, b)
		}()
	} else {
		s, conn := h.service, tls.Server(b, serverTLS(h.cert))
		go func() {
			defer w.serving.Done()
			if conn.Handshake() != nil {
				b.Close()
				return
			}
			s.ServeConn(conn)
		}()
	}
	if h.wrap != nil {
		return h.wrap(a), nil
	}
	return a, nil
}

func (h *house) dialled() int {
	h.town.mu.Lock()
	defer h.town.mu.Unlock()
	return h.dials
}

// call calls an action and returns the body of the reply.
func (w *town) call(action, body string) (string, error) {
	return w.send(context.Background(), NewRequest(action, []byte(body)))
}

func (w *town) send(ctx context.Context, r *Request) (string, error) {
	reply, err := w.q.Call(ctx, r)
	if err != nil {
		return "", err
	}
	b, err := reply.ReadAll(0)
	return string(b), err
}

// connections is how many the requester has.
func (w *town) connections() int {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return len(w.q.pool.open)
}
