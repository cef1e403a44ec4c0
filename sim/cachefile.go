package sim

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"sync"
	"testing/fstest"
	"time"
)

// A CacheFault is what is wrong with the cache file of a host. The zero CacheFault
// is nothing. Damage and Only may use the world, and are called by one goroutine at a
// time for each host. When they break or mend the same cache, or somebody else does
// meanwhile, that is seen when the host looks at the file next, after a second.
type CacheFault struct {
	Name    string
	Lag     time.Duration        // the file says what was true so long ago
	Frozen  bool                 // nothing new comes, and the file looks fresh
	Stopped bool                 // the cache manager is gone: the file ages
	Missing bool                 // there is no file
	Damage  func([]byte) []byte  // what is done to the text: Torn, Corrupt, Forged
	Only    func(*Instance) bool // of which instances it knows: a brain that is split
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

// cacheFault is a fault of the cache file of a host.
func (w *World) cacheFault(f CacheFault, host string) cacheFault {
	state := cacheFault{lag: f.Lag, frozen: f.Frozen, stopped: f.Stopped, missing: f.Missing, damage: f.Damage, only: f.Only}
	if !state.healthy() {
		state.fault = w.Fault(cmp.Or(f.Name, "cache of "+host))
	}
	return state
}

// text is the file with what is wrong with it, but for its age.
func (f *cacheFault) text(entries []cacheEntry) []byte {
	text := cacheText(entries, f.only)
	if f.damage != nil {
		text = f.damage(text)
	}
	return text
}

// A cacheEntry is a record of a cache file.
type cacheEntry struct {
	in      *Instance // nil: it is of a program
	foreign bool      // of the operating system
	packet  []byte
}

// cacheEntries are the records of a cache file of a moment. w.mu is held.
func (w *World) cacheEntries(at time.Duration) []cacheEntry {
	all := w.cacheEntriesAs(at, func(c change) []byte { return c.packet })
	for _, packet := range w.saying(at) {
		all = append(all, cacheEntry{packet: packet})
	}
	return all
}

// cacheEntriesAs are the records but for those of programs of the world, with one packet
// of each announcement. w.mu is held.
func (w *World) cacheEntriesAs(at time.Duration, packet func(change) []byte) (all []cacheEntry) {
	latest := map[*Instance]change{}
	for _, c := range w.cacheState.changes {
		if c.at <= at {
			latest[c.in] = c
		}
	}
	for _, s := range w.services {
		for _, in := range s.instances {
			if s.spec.Remote {
				if in.remote.record != nil {
					all = append(all, cacheEntry{in: in, packet: bytes.TrimRight(in.remote.record, "\n")})
				}
				continue
			}
			c, ok := latest[in]
			if !ok || packet(c) == nil || in.silentSince(at) > expiry {
				continue
			}
			all = append(all, cacheEntry{in: in, packet: packet(c)})
		}
	}
	for _, a := range w.foreigners() {
		all = append(all, cacheEntry{foreign: true, packet: a.Packet})
	}
	return all
}

// cacheText is a cache file. Programs of the world are in it unless only some instances
// are.
func cacheText(entries []cacheEntry, only func(*Instance) bool) []byte {
	b := []byte{} // an empty file is a file, too
	for _, e := range entries {
		if only == nil || e.foreign || e.in != nil && only(e.in) {
			b = fmt.Appendf(b, "\n%%%%%%\n%s\n\n", e.packet)
		}
	}
	return b
}

// silentSince is how long an instance has announced nothing at a moment: it does so
// while it runs. w.mu is held.
func (in *Instance) silentSince(at time.Duration) time.Duration {
	if in.running != nil || in.silent == 0 {
		return 0
	}
	return at - in.silent
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
