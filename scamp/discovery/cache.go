package discovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"runtime"
	"sync"
	"time"
)

// ErrStale says that the cache file is too old, missing or unreadable, so that nobody knows who offers anything
// (DISC-CCH-08, 11). It wraps the reason.
var ErrStale = errors.New("the discovery cache is stale")

// A Cache reads the cache file of this host into a Directory. Reload takes up what has changed; Check says whether the
// file is fresh enough to be used. Its exported fields must not be changed once it is used; its methods may be called from
// any goroutine.
type Cache struct {
	// Path is the file: discovery.cache_path.
	Path string
	// MaxAge is the age from which the file is stale: discovery.cache_max_age; 0 is 120 s.
	MaxAge time.Duration
	// FS is where Path is looked up, as fs.FS does; nil is the file system of the process.
	FS fs.FS
	// Now is the clock that file times are compared with; nil is time.Now.
	Now func() time.Time
	// Bad is told of every record that is not used, when it is met first; nil is nobody.
	Bad func(line int, err error)
	// Directory is what the records are read into. Nobody else may fill it.
	Directory Directory

	mu     sync.Mutex // held by who reads the file
	seed   maphash.Seed
	loaded bool
	state  fileState
	sum    content
	piece  []byte // what sameContent reads through
	known  map[uint64][]*Announcement
	bad    map[uint64]error // records that were refused before
	lists  map[string]*list

	age sync.RWMutex // guards what Check looks at
	err error        // why the file could not be read; nil: it could
	at  time.Time    // its time
}

// Check returns nil while the file that was loaded is fresh, and an ErrStale otherwise. It looks at the clock only: it is as
// cheap as that, and as new as the last Reload.
func (c *Cache) Check() error {
	c.age.RLock()
	defer c.age.RUnlock()
	if c.err != nil {
		return fmt.Errorf("%w: %w", ErrStale, c.err)
	}
	if c.at.IsZero() {
		return fmt.Errorf("%w: %s has not been read", ErrStale, c.Path)
	}
	if age := c.now().Sub(c.at); age > c.maxAge() {
		return fmt.Errorf("%w: %s is %v old, more than %v; is the cache manager running?", ErrStale, c.Path, age.Round(time.Second), c.maxAge())
	}
	return nil
}

func (c *Cache) maxAge() time.Duration {
	if c.MaxAge <= 0 {
		return 120 * time.Second
	}
	return c.MaxAge
}

func (c *Cache) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// maxCache bounds a cache file, in octets.
const maxCache = 1 << 30

// Reload looks at the file and takes up what has changed: a file that has not changed is not read, one that was only
// touched is not parsed, and records that are known are not verified again. While it works, and when it fails, the
// directory stays as it was (DISC-CCH-04d). It reports whether the directory has changed.
//
// The error says why the file could not be read; Check then says that the cache is stale.
func (c *Cache) Reload() (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fsys, name := place(c.FS, c.Path)
	info, err := fs.Stat(fsys, name)
	state := stateOf(info, err)
	if err == nil && (!c.loaded || !c.state.same(state)) {
		changed, state, err = c.read(fsys, name)
	}
	c.age.Lock()
	defer c.age.Unlock()
	if err != nil {
		err = named(err, c.Path)
	}
	c.err, c.at = err, state.mtime
	if err != nil {
		c.loaded = false
		return false, err
	}
	c.loaded, c.state = true, state
	return changed, nil
}

// read reads the file, and its records unless its content is the same as before. c.mu is held.
func (c *Cache) read(fsys fs.FS, name string) (changed bool, state fileState, err error) {
	if c.known == nil {
		c.seed = maphash.MakeSeed()
		c.known = map[uint64][]*Announcement{}
		c.lists = map[string]*list{}
	}
	text, state, err := c.text(fsys, name) // the file is closed then: some systems do not let it be replaced while it is open
	if err != nil || text == nil {
		return false, state, err
	}
	changed = c.Directory.Replace(c.parse(text))
	c.sum = c.hash(text)
	return changed, state, nil
}

// text returns what the file holds, nil if that is the same as before. c.mu is held.
func (c *Cache) text(fsys fs.FS, name string) (text []byte, state fileState, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, state, err
	}
	defer f.Close()
	info, err := f.Stat() // of the very file that is read: another one may take its name at any time
	if err != nil {
		return nil, state, err
	}
	state = stateOf(info, nil)
	switch {
	case info.IsDir():
		return nil, state, fmt.Errorf("%s is a directory", c.Path)
	case info.Size() > maxCache:
		return nil, state, fmt.Errorf("%s has %d octets, more than %d", c.Path, info.Size(), maxCache)
	}
	if c.loaded && c.sameContent(f, info.Size()) {
		return nil, state, nil
	}
	if seeker, ok := f.(io.Seeker); ok {
		if _, err := seeker.Seek(0, io.SeekStart); err != nil {
			return nil, state, err
		}
	} else if c.loaded {
		if f, err = fsys.Open(name); err != nil {
			return nil, state, err
		}
		defer f.Close()
	}
	text, err = readAll(f, info.Size())
	return text, state, err
}

// A content is what a file holds, in a few octets.
type content struct {
	size int64
	sum  uint64
}

// hash sums up a text, piece by piece as sameContent does.
func (c *Cache) hash(text []byte) content {
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.Write(text)
	return content{int64(len(text)), h.Sum64()}
}

// sameContent reports whether a file holds what was read last. It reads through a small buffer that stays in the
// processor's cache: that is several times as fast as reading the file into memory of its own.
func (c *Cache) sameContent(f io.Reader, size int64) bool {
	if size != c.sum.size {
		return false
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	if c.piece == nil {
		c.piece = make([]byte, 128<<10)
	}
	n, err := io.CopyBuffer(onlyWriter{&h}, onlyReader{f}, c.piece)
	return err == nil && c.sum == content{n, h.Sum64()}
}

// What io.CopyBuffer must see no more of than that.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

// readAll reads a file that has about so many octets, at most maxCache.
func readAll(f io.Reader, size int64) ([]byte, error) {
	text := make([]byte, 0, size+1)
	for {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := f.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err == nil && len(text) > maxCache {
			err = errors.New("the file grows while it is read")
		}
		if err != nil {
			return nil, err
		}
	}
}

// A record on its way through the workers.
type record struct {
	line int
	text []byte
	sum  uint64
	a    *Announcement
	err  error
}

// parse verifies the records of a file that are not known, on all processors, and returns all that are good, in order.
// c.mu is held.
func (c *Cache) parse(text []byte) []*Announcement {
	var records []*record
	var unknown []*record
	Records(text, func(line int, packet []byte) bool {
		r := &record{line: line, text: packet}
		records = append(records, r)
		r.sum = maphash.Bytes(c.seed, packet)
		for _, a := range c.known[r.sum] {
			if bytes.HasPrefix(packet, a.Packet) && len(bytes.TrimRight(packet[len(a.Packet):], "\n")) == 0 {
				r.a = a
				return true
			}
		}
		if r.err = c.bad[r.sum]; r.err != nil {
			return true
		}
		unknown = append(unknown, r)
		return true
	})
	c.verify(unknown)
	good := make([]*Announcement, 0, len(records))
	known := make(map[uint64][]*Announcement, len(records))
	bad := map[uint64]error{}
	for _, r := range records {
		if r.err != nil {
			if bad[r.sum] = r.err; c.Bad != nil && c.bad[r.sum] == nil {
				c.Bad(r.line, r.err)
			}
			continue
		}
		good = append(good, r.a)
		known[r.sum] = append(known[r.sum], r.a)
	}
	c.known, c.bad = known, bad
	c.prune(good)
	return good
}

// verify verifies records side by side.
func (c *Cache) verify(records []*record) {
	workers := min(runtime.GOMAXPROCS(0), len(records)/8+1)
	shared := &sharedLists{lists: c.lists}
	var next sync.Mutex
	i := 0
	const batch = 16
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			v := &verifier{certificates: map[string]*certificate{}, lists: shared}
			for {
				next.Lock()
				from := min(i, len(records))
				i += batch
				next.Unlock()
				if from == len(records) {
					return
				}
				for _, r := range records[from:min(from+batch, len(records))] {
					r.a, r.err = v.verify(r.text)
				}
			}
		})
	}
	wg.Wait()
}

// prune forgets lists of actions that nobody has any more. c.mu is held.
func (c *Cache) prune(good []*Announcement) {
	if len(c.lists) < 2*len(good)+1000 {
		return
	}
	c.lists = map[string]*list{}
}

// Watch reloads the file every interval until ctx ends. A requester takes up changes within 5 s (DISC-CCH-09): the interval
// is at most that.
func (c *Cache) Watch(ctx context.Context, interval time.Duration) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		_, _ = c.Reload() // Check tells
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}
