package sim

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
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
}

// A cacheFault is what is wrong with the cache file of a host.
type cacheFault struct {
	lag     time.Duration       // it says what was true so long ago
	frozen  bool                // nothing new comes, and the file looks fresh
	stopped bool                // nothing new comes, and the file ages
	missing bool                // there is no file
	damage  func([]byte) []byte // what is done to its text
	only    func(*Instance) bool
	fault   *Fault // whose hits are counted
}

func (f *cacheFault) healthy() bool {
	return f.lag == 0 && !f.frozen && !f.stopped && !f.missing && f.damage == nil && f.only == nil
}

// cacheFS is a file system with the one file.
type cacheFS struct {
	mu   sync.Mutex
	file fstest.MapFS
}

func (f *cacheFS) Open(name string) (fs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Open(name)
}

func (f *cacheFS) set(text []byte, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.file = fstest.MapFS{}
	if text != nil {
		f.file["cache"] = &fstest.MapFile{Data: text, ModTime: at}
	}
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

// look takes up what the file says now.
func (v *view) look() {
	v.w.mu.Lock()
	s := &v.w.cacheState
	if v.state.healthy() {
		version := s.version
		if v.version == version && version > 0 {
			v.w.mu.Unlock()
			return
		}
		healthy := v.w.healthyCache()
		v.version = version
		v.w.mu.Unlock()
		v.directory.Replace(healthy)
		return
	}
	v.write()
	if _, err := v.cache.Reload(); err == nil {
		v.directory.Replace(v.cache.Directory.Instances())
	}
}

// write makes the file what it says now. w.mu is held, and let go, even when a function
// of the fault panics.
func (v *view) write() {
	defer v.w.mu.Unlock()
	v.version = 0
	now := v.w.Elapsed()
	switch f := &v.state; {
	case f.missing:
		v.files.set(nil, time.Time{})
	case f.stopped:
	default:
		if !f.frozen {
			v.at = max(now-f.lag, 0)
		}
		text := v.w.cacheText(v.at, f.only)
		if f.damage != nil {
			text = f.damage(text)
		}
		v.files.set(text, time.Now())
	}
	if v.state.fault != nil {
		v.state.fault.Hits++
	}
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
	files.set(w.cacheText(w.Elapsed(), nil), time.Now())
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
		v.files.set(w.cacheText(v.at, nil), time.Now())
	}
	v.state = state
	w.mu.Unlock()
	v.look()
	w.Note("the cache of %s changes", v.host)
}

// cacheFault is a fault of the cache file of a host.
func (w *World) cacheFault(f CacheFault, host string) cacheFault {
	state := cacheFault{lag: f.Lag, frozen: f.Frozen, stopped: f.Stopped, missing: f.Missing, damage: f.Damage, only: f.Only}
	if !state.healthy() {
		state.fault = w.Fault(cmp.Or(f.Name, "cache of "+host))
	}
	return state
}

// A CacheFault is what is wrong with the cache file of a host. The zero CacheFault
// is nothing. Damage and Only are called while the world stands still, and must not use
// it, but for what [Instance.Host] says.
type CacheFault struct {
	Name    string
	Lag     time.Duration        // the file says what was true so long ago
	Frozen  bool                 // nothing new comes, and the file looks fresh
	Stopped bool                 // the cache manager is gone: the file ages
	Missing bool                 // there is no file
	Damage  func([]byte) []byte  // what is done to the text: Torn, Corrupt, Forged
	Only    func(*Instance) bool // of which instances it knows: a brain that is split
}

// cacheText is the cache file of a moment. Programs are in it unless only some
// instances are. w.mu is held.
func (w *World) cacheText(at time.Duration, only func(*Instance) bool) []byte {
	b := w.cacheFile(at, only, func(c change) []byte { return c.packet })
	if only == nil {
		for _, packet := range w.saying(at) {
			b = fmt.Appendf(b, "\n%%%%%%\n%s\n\n", packet)
		}
	}
	return b
}

// cacheFile is a cache file of a moment, with one packet of each announcement. w.mu is
// held.
func (w *World) cacheFile(at time.Duration, only func(*Instance) bool, packet func(change) []byte) []byte {
	b := bytes.NewBuffer([]byte{}) // an empty file is a file, too
	latest := map[*Instance]change{}
	for _, c := range w.cacheState.changes {
		if c.at <= at {
			latest[c.in] = c
		}
	}
	for _, s := range w.services {
		for _, in := range s.instances {
			if s.spec.Remote {
				if in.remote.record != nil && (only == nil || only(in)) {
					fmt.Fprintf(b, "\n%%%%%%\n%s\n\n", bytes.TrimRight(in.remote.record, "\n"))
				}
				continue
			}
			c, ok := latest[in]
			if !ok || packet(c) == nil || only != nil && !only(in) || in.silentSince(at) > expiry {
				continue
			}
			fmt.Fprintf(b, "\n%%%%%%\n%s\n\n", packet(c))
		}
	}
	for _, a := range w.foreigners() {
		fmt.Fprintf(b, "\n%%%%%%\n%s\n\n", a.Packet)
	}
	return b.Bytes()
}

// silentSince is how long an instance has announced nothing at a moment: it does so
// while it runs. w.mu is held.
func (in *Instance) silentSince(at time.Duration) time.Duration {
	if in.running != nil || in.silent == 0 {
		return 0
	}
	return at - in.silent
}
