package discovery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"
)

// authorizedAt is an AuthorizedFile whose warnings are collected.
func authorizedAt(path string) (*AuthorizedFile, *[]string) {
	var warnings []string
	return &AuthorizedFile{Path: path, Warn: func(w string) { warnings = append(warnings, w) }}, &warnings
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A change applies from the next look, in whichever way the file was changed; a file that is missing, or is none, authorises nothing
// (DISC-AUT-10, 11).
func TestAuthorizedFileChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "authorized_services")
	f, warnings := authorizedAt(path)
	age := time.Now().Add(-time.Hour)
	step := func(what string, change func() error, want string) {
		t.Helper()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, name := range []string{"Foo", "Bar"} {
			if f.Current().Allows(fingerprintP, "main", name+".x") {
				got += name
			}
		}
		if got != want || !f.Current().Allows(fingerprintP, "main", "_meta.x") {
			t.Errorf("%s: %q is authorised, want %q", what, got, want)
		}
	}
	rename := func(text string) func() error {
		return func() error {
			write(t, path+".new", text)
			os.Chtimes(path+".new", age, age) // only the identity of the file is another
			return os.Rename(path+".new", path)
		}
	}
	rewrite := func(text string) func() error {
		return func() error {
			age = age.Add(time.Nanosecond)
			write(t, path, text)
			return os.Chtimes(path, age, age)
		}
	}
	step("no file", func() error { return nil }, "")
	step("it appears", rename(fingerprintP+" Foo\n"), "Foo")
	step("by rename, equal size and time", rename(fingerprintP+" Bar\n"), "Bar")
	step("by rewriting, equal size, a nanosecond later", rewrite(fingerprintP+" Foo\n"), "Foo")
	step("by rewriting, another size", rewrite(fingerprintP+" Foo,Bar\n"), "FooBar")
	step("by appending", func() error {
		a, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = a.WriteString(fingerprintP + " Bar\n")
		return errors.Join(err, a.Close())
	}, "Bar")
	step("removed", func() error { return os.Remove(path) }, "")
	step("a directory", func() error { return os.Mkdir(path, 0o700) }, "")
	step("a file again", func() error { os.Remove(path); return rename(fingerprintP + " Foo\n")() }, "Foo")
	want := []string{"cannot be read", "names the same fingerprint", "cannot be read", "cannot be read"}
	if len(*warnings) != len(want) {
		t.Fatalf("warnings: %q", *warnings)
	}
	for i, w := range want {
		if !strings.Contains((*warnings)[i], w) {
			t.Errorf("warning %d is %q, want %q", i, (*warnings)[i], w)
		}
	}
	if list := f.Current(); list != f.Current() {
		t.Error("an unchanged file is read again")
	}
}

// No path, and a path below a file, are files that cannot be read (DISC-AUT-11a).
func TestAuthorizedFileNowhere(t *testing.T) {
	for _, path := range []string{"", "/", filepath.Join(os.Args[0], "x")} {
		f, _ := authorizedAt(path)
		if f.Current().Allows(fingerprintP, "main", "Foo.x") || !f.Current().Allows(fingerprintP, "main", "_meta.x") {
			t.Errorf("%q", path)
		}
	}
}

// failing is a file system in which files cannot be opened for a while.
type failing struct {
	files fstest.MapFS
	err   error
}

func (f *failing) Open(name string) (fs.File, error) {
	if f.err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
	}
	return f.files.Open(name)
}

func (f *failing) Stat(name string) (fs.FileInfo, error) { return f.files.Stat(name) }

// What keeps a file from being read may go away without a trace in the file: too many open files, its mode. It applies as soon as it
// can be read; meanwhile the same trouble is told once (DISC-AUT-11b).
func TestAuthorizedFileRecovers(t *testing.T) {
	files := &failing{fstest.MapFS{"list": {Data: []byte(fingerprintP + " Foo"), ModTime: time.Unix(1, 0)}}, errors.New("too many open files")}
	f, warnings := authorizedAt("list")
	f.FS = files
	for range 3 {
		if f.Current().Allows(fingerprintP, "main", "Foo.x") {
			t.Fatal("authorised by a file that cannot be read")
		}
	}
	files.err = errors.New("permission denied")
	f.Current()
	files.err = nil
	if !f.Current().Allows(fingerprintP, "main", "Foo.x") {
		t.Error("the file can be read, and nobody does")
	}
	if len(*warnings) != 2 {
		t.Errorf("warnings: %q", *warnings)
	}
	files.files["list"] = &fstest.MapFile{Data: make([]byte, maxAuthorized+1), ModTime: time.Unix(2, 0)}
	if f.Current().Allows(fingerprintP, "main", "Foo.x") || !strings.Contains((*warnings)[len(*warnings)-1], "more than") {
		t.Errorf("a file of 64 MiB: %q", *warnings)
	}
}

// Many goroutines ask while the file changes: each gets one version or the other.
func TestAuthorizedFileConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	write(t, path, fingerprintP+" Foo,Baz\n")
	f := &AuthorizedFile{Path: path}
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !done.Load() {
				x := f.Current()
				foo, bar := x.Allows(fingerprintP, "main", "Foo.x"), x.Allows(fingerprintP, "main", "Bar.x")
				if !x.Allows(fingerprintP, "main", "Baz.x") || foo == bar {
					t.Errorf("Foo %v, Bar %v", foo, bar)
					return
				}
			}
		})
	}
	for i := range 200 {
		write(t, path+".new", fingerprintP+" "+[]string{"Foo", "Bar"}[i%2]+",Baz\n")
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 != f.Current().Allows(fingerprintP, "main", "Bar.x") {
			t.Fatal("the change does not apply at once")
		}
	}
	done.Store(true)
	wg.Wait()
}
