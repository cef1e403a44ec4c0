package discovery

import (
	"errors"
	"io/fs"
	"sync"
	"testing/fstest"
	"time"
)

// A shelf is a Store in memory, and the file system in which a Cache finds its file, "cache".
type shelf struct {
	mu      sync.Mutex
	content []byte
	mtime   time.Time // zero: there is no file
	fails   error
	noTouch error
	writes  []time.Time
	touches []time.Time
}

func (s *shelf) ModTime() (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mtime.IsZero() {
		return s.mtime, fs.ErrNotExist
	}
	return s.mtime, nil
}

func (s *shelf) Replace(content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, time.Now())
	if s.fails != nil {
		return s.fails
	}
	s.content, s.mtime = content, time.Now()
	return nil
}

func (s *shelf) Touch(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touches = append(s.touches, now)
	if err := errors.Join(s.fails, s.noTouch); err != nil {
		return err
	}
	s.mtime = now
	return nil
}

func (s *shelf) Open(name string) (fs.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mtime.IsZero() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return fstest.MapFS{"cache": {Data: s.content, ModTime: s.mtime}}.Open(name)
}

// file returns the content, its age, and how often the file was written.
func (s *shelf) file() (content []byte, age time.Duration, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content, time.Since(s.mtime), len(s.writes)
}
