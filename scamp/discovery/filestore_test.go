package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// On disk the file is replaced by renaming, readable by everybody, and what is no file has no time (DISC-CMG-02a).
func TestFileStore(t *testing.T) {
	dir := t.TempDir()
	s := FileStore(filepath.Join(dir, "cache"))
	if _, err := s.ModTime(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := s.Touch(time.Now()); err == nil {
		t.Error("what is not there is touched")
	}
	write(t, string(s)+".new", strings.Repeat("left over", 1000)) // by one that was killed
	for i := range 3 {
		content := fmt.Sprint("content ", i)
		if err := s.Replace([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(string(s)); err != nil || string(got) != content {
			t.Errorf("%q, %v", got, err)
		}
	}
	if info, err := os.Stat(string(s)); err != nil || info.Mode().Perm()&0o444 != 0o444 && os.PathSeparator == '/' {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("left over: %v", names)
	}
	at := time.Unix(1700000000, 0)
	if err := s.Touch(at); err != nil {
		t.Error(err)
	}
	if got, err := s.ModTime(); err != nil || !got.Equal(at) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := FileStore(dir).ModTime(); err == nil {
		t.Error("a directory has a time")
	}
	if err := FileStore(filepath.Join(dir, "no", "cache")).Replace(nil); err == nil {
		t.Error("a file without directory is written")
	}
}

// Two managers of one file write it whole, each in its turn; whoever comes while another one writes is refused, and can try again.
func TestFileStoreOfTwo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such locks")
	}
	s := FileStore(filepath.Join(t.TempDir(), "cache"))
	const writers, rounds = 4, 50
	var contents [writers][]byte
	for i := range contents {
		contents[i] = bytes.Repeat([]byte{byte('a' + i)}, 10000*(i+1))
	}
	whole := func() bool {
		got, err := os.ReadFile(string(s))
		return errors.Is(err, os.ErrNotExist) || len(got) > 0 && bytes.Equal(got, contents[got[0]-'a'])
	}
	var all sync.WaitGroup
	var written, refused [writers]int
	for i := range writers {
		all.Go(func() {
			for deadline := time.Now().Add(30 * time.Second); written[i] < rounds; {
				switch err := s.Replace(contents[i]); {
				case err == nil:
					written[i]++
				case strings.Contains(err.Error(), "another process is writing"):
					refused[i]++
				default:
					t.Error(err)
				}
				if !whole() {
					t.Error("half a file")
					return
				}
				if time.Now().After(deadline) {
					t.Error("it is never its turn")
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d written, %d refused", written, refused)
	if refused == [writers]int{} {
		t.Error("that proves too little")
	}
	if left, _ := filepath.Glob(string(s) + ".*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
