package sim

import (
	"context"
	"sync"
	"testing/fstest"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// The identities of the world: services have the certificate of the fixture server,
// those that nobody has authorised that of the fixture other.
var (
	authorized = sync.OnceValue(func() *discovery.Authorized {
		return discovery.ParseAuthorized([]byte(fixtures.Fingerprint("server") + " main:ALL, web:ALL\n"))
	})()
	signers = sync.OnceValue(func() map[string]*discovery.Signer {
		all := map[string]*discovery.Signer{}
		for _, name := range []string{"server", "other"} {
			key, _ := fixtures.FS.ReadFile(name + ".key.pem")
			cert, _ := fixtures.FS.ReadFile(name + ".cert.pem")
			s, err := discovery.NewSigner(key, cert)
			if err != nil {
				panic(err)
			}
			all[name] = s
		}
		return all
	})
)

// cacheState is what is announced on the bus. It is guarded by w.mu.
type cacheState struct {
	changes []change
	version int // changes with what a healthy cache file says

	shared  *discovery.Cache // of a healthy file
	parsed  int              // the version that it has parsed
	healthy []*discovery.Announcement
}

// A change is a new announcement of an instance.
type change struct {
	at     time.Duration
	in     *Instance
	packet []byte
	outer  []byte // what programs of the operating system are told; nil: nothing
}

// announce lets an instance say what it is now.
func (w *World) announce(in *Instance) {
	now := w.Net.Host(in.host).Now()
	w.mu.Lock()
	a := in.describe()
	a.Timestamp = in.clock.Next(now)
	w.mu.Unlock()
	sign := func() []byte {
		packet, err := signers()[in.service.identity()].Sign(a, discovery.FormAuto)
		if err != nil {
			panic(err)
		}
		return packet
	}
	c := change{in: in, packet: sign()}
	if outer := in.Outer(); outer != "" {
		a.URI = "beepish+tls://" + outer
		c.outer = sign()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.at = w.Elapsed()
	w.cacheState.changes = append(w.cacheState.changes, c)
	w.cacheState.version++
}

// expiry is how long an instance that says nothing more stays in caches: 2.1
// intervals of 5 s (DISC-RPL-02).
const expiry = 10500 * time.Millisecond

// A view is what one host knows of the bus: the directory that its cache file fills.
// The file can be broken in every way in which such files break. Healthy ones are
// all the same, and are read once.
type view struct {
	w         *World
	host      string
	directory discovery.Directory
	cache     *discovery.Cache // of a file that is not healthy
	files     *cacheFS

	// Guarded by w.mu.
	version int           // of the healthy file that the directory has
	at      time.Duration // of what the file says
	state   cacheFault
	broken  int  // how often the state was set
	looking bool // somebody takes up what the file says
}

func (w *World) newView(host string) *view {
	v := &view{w: w, host: host, files: &cacheFS{file: fstest.MapFS{}}}
	v.cache = &discovery.Cache{Path: "cache", FS: v.files, Now: w.Net.Host(host).Now}
	v.look()
	return v
}

// fresh is the requester's look at the age of the file.
func (v *view) fresh() error {
	v.w.mu.Lock()
	healthy := v.state.healthy()
	v.w.mu.Unlock()
	if healthy {
		return nil
	}
	return v.cache.Check()
}

// watch looks at the file about every second, at a moment of its own.
func (v *view) watch(ctx context.Context) {
	random := v.w.random("view", v.host)
	t := time.NewTimer(time.Duration(random.Int64N(int64(time.Second))))
	defer t.Stop()
	for {
		select {
		case <-t.C:
			v.look()
			t.Reset(time.Second)
		case <-ctx.Done():
			return
		}
	}
}

// look takes up what the file says now, unless somebody does so already: then it is
// time enough when it is looked at next.
func (v *view) look() {
	w := v.w
	w.mu.Lock()
	if v.looking {
		w.mu.Unlock()
		return
	}
	if v.state.healthy() {
		s := &w.cacheState
		version := s.version
		if v.version == version && version > 0 {
			w.mu.Unlock()
			return
		}
		healthy := w.healthyCache()
		v.version = version
		w.mu.Unlock()
		v.directory.Replace(healthy)
		return
	}
	v.looking = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		v.looking = false
		w.mu.Unlock()
	}()
	if !v.write() {
		return
	}
	if _, err := v.cache.Reload(); err == nil {
		v.directory.Replace(v.cache.Directory.Instances())
	}
}

// write makes the file what it says now; false says that it is broken in another way,
// or mended, meanwhile. Functions of the fault are called without w.mu.
func (v *view) write() bool {
	w := v.w
	w.mu.Lock()
	v.version = 0
	f, broken := v.state, v.broken
	if f.fault != nil {
		f.fault.Hits++
	}
	if f.stopped {
		w.mu.Unlock()
		return true
	}
	if !f.frozen {
		v.at = max(w.Elapsed()-f.lag, 0)
	}
	entries := w.cacheEntries(v.at)
	w.mu.Unlock()
	var text []byte
	if !f.missing {
		text = f.text(entries)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if v.broken == broken {
		v.files.set(text, time.Now())
	}
	return v.broken == broken
}

// healthyCache is what a healthy cache file says now. w.mu is held.
func (w *World) healthyCache() []*discovery.Announcement {
	s := &w.cacheState
	if s.parsed == s.version && s.version > 0 {
		return s.healthy
	}
	files := &cacheFS{}
	if s.shared == nil {
		s.shared = &discovery.Cache{Path: "cache"}
	}
	files.set(cacheText(w.cacheEntries(w.Elapsed()), nil), time.Now())
	shared := s.shared
	shared.FS = files
	if _, err := shared.Reload(); err != nil {
		panic(err)
	}
	s.parsed, s.healthy = s.version, shared.Directory.Instances()
	return s.healthy
}

// SetCache breaks the discovery cache of a requester's host, or mends it with the
// zero CacheFault.
func (q *Requester) SetCache(f CacheFault) { q.view.set(f) }

// set breaks the file, or mends it.
func (v *view) set(f CacheFault) {
	w := v.w
	state := w.cacheFault(f, v.host)
	w.mu.Lock()
	v.at = w.Elapsed()
	if state.stopped || state.frozen { // what it says now stays
		v.files.set(cacheText(w.cacheEntries(v.at), nil), time.Now())
	}
	v.state = state
	v.broken++
	w.mu.Unlock()
	v.look()
	w.Note("the cache of %s changes", v.host)
}
