package discovery

import (
	"bytes"
	"io/fs"
	"sync"
	"time"
)

// A disk is a file system of one file, "cache". What happens to it, and when, is the test's to say.
type disk struct {
	content        []byte
	mtime          time.Time
	size           int64 // to be told; 0: that of the content
	missing        bool
	stat, open     error
	read           error       // after the content
	opened, closed int         // files
	octets         int         // that were read
	seekable       bool        // files can be read again
	onOpen         func(*disk) // before it is opened
	onRead         func(*disk) // before the first octet is read
}

func (d *disk) put(content []byte) { d.content, d.mtime, d.missing = content, time.Now(), false }

func (d *disk) Stat(name string) (fs.FileInfo, error) {
	switch {
	case d.stat != nil:
		return nil, d.stat
	case d.missing || name != "cache":
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return diskInfo{*d}, nil
}

func (d *disk) Open(name string) (fs.File, error) {
	if d.onOpen != nil {
		d.onOpen(d)
	}
	if d.open != nil {
		return nil, d.open
	}
	if _, err := d.Stat(name); err != nil {
		return nil, err
	}
	d.opened++
	f := &diskFile{disk: d, info: diskInfo{*d}, content: bytes.NewReader(d.content)}
	if d.seekable {
		return struct {
			*diskFile
			seeker
		}{f, f.content}, nil
	}
	return f, nil
}

// A sharedDisk is read by one goroutine while another changes it.
type sharedDisk struct {
	mu sync.Mutex
	disk
}

func (d *sharedDisk) change(f func(d *disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.disk)
}

func (d *sharedDisk) Stat(name string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.disk.Stat(name)
}

func (d *sharedDisk) Open(name string) (fs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.disk.Open(name)
}

type seeker interface {
	Seek(int64, int) (int64, error)
}

// A diskInfo is the state of a disk at one moment.
type diskInfo struct{ disk }

func (i diskInfo) Name() string       { return "cache" }
func (i diskInfo) Mode() fs.FileMode  { return 0o644 }
func (i diskInfo) ModTime() time.Time { return i.mtime }
func (i diskInfo) IsDir() bool        { return false }
func (i diskInfo) Sys() any           { return nil }
func (i diskInfo) Size() int64 {
	if i.size > 0 {
		return i.size
	}
	return int64(len(i.content))
}

// A diskFile has the content of the moment when it was opened, as a file has that was replaced by renaming.
type diskFile struct {
	disk    *disk
	info    diskInfo
	content *bytes.Reader
}

func (f *diskFile) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *diskFile) Read(b []byte) (int, error) {
	if f.disk.onRead != nil {
		f.disk.onRead(f.disk)
	}
	n, err := f.content.Read(b)
	f.disk.octets += n
	if err != nil && f.disk.read != nil {
		err = f.disk.read
	}
	return n, err
}

func (f *diskFile) Close() error {
	f.disk.closed++
	return nil
}
