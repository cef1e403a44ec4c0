package conformance

import (
	"bytes"
	"io/fs"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// files are the files around a client. They change under it: as on a host with a cache manager, the cache is never older
// than a few seconds, unless the case makes it so.
type files struct {
	mu    sync.Mutex
	named map[string]*file
	last  time.Time // what was written last, so that no two versions have one time
}

// A file is one of them. It is replaced as a whole, so that who reads it sees one state.
type file struct {
	text    []byte
	written time.Time
	aged    bool // written is what the case says
}

// refresh is how often a cache manager touches the cache.
const refresh = 5 * time.Second

// write replaces a file. It is as old as the moment.
func (f *files) write(name, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.named == nil {
		f.named = map[string]*file{}
	}
	at := time.Now()
	if !at.After(f.last) {
		at = f.last.Add(time.Millisecond)
	}
	f.last = at
	f.named[name] = &file{text: []byte(text), written: at}
}

// age makes a file older, for good.
func (f *files) age(name string, by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.named[name]; old != nil {
		f.named[name] = &file{text: old.text, written: time.Now().Add(-by), aged: true}
	}
}

func (f *files) remove(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.named, name)
}

// Open opens a file as it is now.
func (f *files) Open(name string) (fs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there := f.named[name]
	if there == nil || !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	at := there.written
	if name == calling.Cache && !there.aged {
		at = at.Add(time.Since(at).Truncate(refresh))
	}
	return &openFile{Reader: bytes.NewReader(there.text), name: name, at: at, size: int64(len(there.text))}, nil
}

// An openFile is a file that somebody reads, and what is known of it.
type openFile struct {
	*bytes.Reader
	name string
	at   time.Time
	size int64
}

func (f *openFile) Stat() (fs.FileInfo, error) { return fileInfo{f}, nil }
func (f *openFile) Close() error               { return nil }

type fileInfo struct{ f *openFile }

func (i fileInfo) Name() string       { return i.f.name }
func (i fileInfo) Size() int64        { return i.f.size }
func (i fileInfo) Mode() fs.FileMode  { return 0o444 }
func (i fileInfo) ModTime() time.Time { return i.f.at }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }
