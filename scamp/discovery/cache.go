package discovery

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
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
	known  map[uint64]*Announcement
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
		c.known = map[uint64]*Announcement{}
		c.lists = map[string]*list{}
	}
	l := &loading{c: c}
	sum, state, err := c.cut(fsys, name, l.take)
	announcements := l.end()
	if err != nil || sum == c.sum && c.loaded {
		return false, state, err
	}
	l.keep()
	c.sum = sum
	return c.Directory.Replace(announcements), state, nil
}

// cut calls take with each record of the file and its line, while it reads it, unless it is what was loaded. The file is
// closed when cut returns: some systems do not let it be replaced while it is open. c.mu is held.
func (c *Cache) cut(fsys fs.FS, name string, take func(line int, record []byte)) (sum content, state fileState, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return sum, state, err
	}
	defer func() { f.Close() }()
	info, err := f.Stat() // of the very file that is read: another one may take its name at any time
	if err != nil {
		return sum, state, err
	}
	state = stateOf(info, nil)
	switch {
	case info.IsDir():
		return sum, state, fmt.Errorf("%s is a directory", c.Path)
	case info.Size() > maxCache:
		return sum, state, fmt.Errorf("%s has %d octets, more than %d", c.Path, info.Size(), maxCache)
	}
	if c.loaded && c.sameContent(f, info.Size()) {
		return c.sum, state, nil
	}
	if seeker, ok := f.(io.Seeker); ok {
		if _, err := seeker.Seek(0, io.SeekStart); err != nil {
			return sum, state, err
		}
	} else if c.loaded {
		f.Close()
		if f, err = fsys.Open(name); err != nil {
			return sum, state, err
		}
	}
	r := newRecordReader(f, c.seed, c.piece)
	defer func() { c.piece = r.room() }()
	for {
		line, record, err := r.next()
		if err == io.EOF {
			return r.content(), state, nil
		}
		if err != nil {
			return sum, state, err
		}
		take(line, record)
	}
}

// A content is what a file holds, in a few octets.
type content struct {
	size int64
	sum  uint64
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
		c.piece = make([]byte, leastBuffer)
	}
	n, err := io.CopyBuffer(onlyWriter{&h}, onlyReader{f}, c.piece)
	return err == nil && c.sum == content{n, h.Sum64()}
}

// What io.CopyBuffer must see no more of than that.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

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
