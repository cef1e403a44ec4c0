package discovery

import (
	"fmt"
	"os"
	"time"
)

// A Store is where a cache manager keeps its file.
type Store interface {
	// ModTime returns the time of the present file; an fs.ErrNotExist if there is none.
	ModTime() (time.Time, error)
	// Replace makes this the content of the file, in one step: readers see the old one or the new one, whole.
	Replace(content []byte) error
	// Touch makes the present file new.
	Touch(now time.Time) error
}

// A FileStore is the cache file at a path. It is written beside itself, as PATH.new, and renamed (DISC-CMG-02a). Where the
// system has locks on files, one process at a time writes it: Replace fails while another one does.
type FileStore string

// ModTime returns the file's modification time.
func (f FileStore) ModTime() (time.Time, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return time.Time{}, err
	}
	if !info.Mode().IsRegular() {
		return time.Time{}, fmt.Errorf("%s is not a file", string(f))
	}
	return info.ModTime(), nil
}

// Replace writes the file anew. It is readable by everybody.
func (f FileStore) Replace(content []byte) error {
	return replaceFile(string(f), string(f)+".new", content)
}

// Touch sets the file's modification time.
func (f FileStore) Touch(now time.Time) error { return os.Chtimes(string(f), now, now) }
