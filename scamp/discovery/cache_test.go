package discovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fileOf is a cache file of base packets with these idents.
func fileOf(t testing.TB, idents ...string) (file []byte) {
	for _, i := range idents {
		file = append(append(file, marker...), signed(t, with(t, 1, `"`+i+`"`))...)
	}
	return file
}

// reload fails unless Reload succeeds and says whether something has changed.
func reload(t *testing.T, c *Cache, want bool) {
	t.Helper()
	if changed, err := c.Reload(); err != nil || changed != want {
		t.Errorf("reload: changed %v, %v; want %v", changed, err, want)
	}
}

// A file older than its maximum age is stale, whatever it holds; one from the future is not. Touching it is enough, and no octet is
// parsed for that (DISC-CCH-08, DISC-RPL-03).
func TestCacheAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{seekable: true}
		c := &Cache{Path: "cache", FS: d}
		if err := c.Check(); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "has not been read") {
			t.Errorf("unread: %v", err)
		}
		d.put(fileOf(t, "a"))
		reload(t, c, true)
		a := c.Directory.Instances()[0]
		fresh := func(what string) {
			t.Helper()
			if err := c.Check(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		fresh("at once")
		time.Sleep(100 * time.Second)
		fresh("after 100 s")
		time.Sleep(20 * time.Second)
		fresh("after 120 s")
		time.Sleep(20 * time.Second)
		if err := c.Check(); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "2m20s old, more than 2m0s") {
			t.Errorf("after 140 s: %v", err)
		}
		reload(t, c, false)
		if err := c.Check(); !errors.Is(err, ErrStale) {
			t.Errorf("read again: %v", err)
		}
		d.mtime = time.Now()
		reload(t, c, false)
		fresh("touched")
		if got := c.Directory.Instances()[0]; got != a {
			t.Error("a touched file is verified again")
		}
		d.mtime = time.Now().Add(24 * time.Hour)
		reload(t, c, false)
		fresh("from the future")
		d.mtime = time.Time{}.Add(1)
		reload(t, c, false)
		if err := c.Check(); !errors.Is(err, ErrStale) {
			t.Errorf("from the year 1: %v", err)
		}
		// A file that is stale when it is read first is read, and not used.
		d.mtime = time.Now().Add(-time.Hour)
		late := &Cache{Path: "cache", FS: d, MaxAge: 50 * time.Minute}
		reload(t, late, true)
		if err := late.Check(); !errors.Is(err, ErrStale) {
			t.Errorf("stale at the start: %v", err)
		}
		late.Now = func() time.Time { return time.Now().Add(-15 * time.Minute) }
		if err := late.Check(); err != nil {
			t.Errorf("by another clock: %v", err)
		}
	})
}

// A file that is missing or cannot be read is stale; what was read before stays as it was, and is not verified anew when the file
// is back (DISC-CCH-06, 11, 04d).
func TestCacheTrouble(t *testing.T) {
	trouble := errors.New("trouble")
	for name, tc := range map[string]struct {
		make, mend func(*disk)
		want       error
	}{
		"missing":                  {func(d *disk) { d.missing = true }, func(d *disk) { d.missing = false }, fs.ErrNotExist},
		"gone before it is opened": {func(d *disk) { d.mtime = d.mtime.Add(1); d.onOpen = func(d *disk) { d.missing = true } }, func(d *disk) { d.onOpen, d.missing = nil, false }, fs.ErrNotExist},
		"no look":                  {func(d *disk) { d.stat = trouble }, func(d *disk) { d.stat = nil }, trouble},
		"no opening":               {func(d *disk) { d.open = trouble; d.mtime = d.mtime.Add(1) }, func(d *disk) { d.open = nil }, trouble},
		"no reading":               {func(d *disk) { d.read = trouble; d.put(append(d.content, '\n')) }, func(d *disk) { d.read = nil }, trouble},
		"a read error at the end":  {func(d *disk) { d.read = trouble; d.mtime = d.mtime.Add(1) }, func(d *disk) { d.read = nil }, trouble},
		"more than 1 GiB":          {func(d *disk) { d.size = maxCache + 1 }, func(d *disk) { d.size = 0 }, nil},
	} {
		for _, seekable := range []bool{true, false} {
			d := &disk{seekable: seekable}
			d.put(fileOf(t, "a"))
			c := &Cache{Path: "cache", FS: d}
			tc.make(d)
			if changed, err := c.Reload(); err == nil || changed || c.Check() == nil || !errors.Is(c.Check(), ErrStale) || tc.want != nil && !errors.Is(c.Check(), tc.want) {
				t.Errorf("%s at the start: %v, %v", name, err, c.Check())
			}
			tc.mend(d)
			reload(t, c, true)
			a := c.Directory.Instances()[0]
			tc.make(d)
			for range 3 {
				if changed, err := c.Reload(); err == nil || changed || !errors.Is(c.Check(), ErrStale) {
					t.Errorf("%s later: %v, %v", name, err, c.Check())
				}
			}
			if c.Directory.Instances()[0] != a {
				t.Errorf("%s: the instances are gone", name)
			}
			tc.mend(d)
			reload(t, c, false)
			if err := c.Check(); err != nil || c.Directory.Instances()[0] != a {
				t.Errorf("%s: after it is mended: %v", name, err)
			}
			if d.opened != d.closed {
				t.Errorf("%s: %d files were opened, %d closed", name, d.opened, d.closed)
			}
		}
	}
	c := &Cache{Path: t.TempDir()}
	if _, err := c.Reload(); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
}

// What changes is taken up, in whichever way the file is changed; what does not is not verified again (DISC-CCH-09, DISC-RPL-05d, 06).
func TestCacheChanges(t *testing.T) {
	for _, seekable := range []bool{true, false} {
		d := &disk{seekable: seekable}
		c := &Cache{Path: "cache", FS: d}
		now := time.Now()
		step := func(what string, content []byte, changed bool, want ...string) {
			t.Helper()
			now = now.Add(time.Nanosecond)
			d.content, d.mtime = content, now
			before := map[Identity]*Announcement{}
			for _, a := range c.Directory.Instances() {
				before[a.Identity] = a
			}
			reload(t, c, changed)
			if got := foundBar(&c.Directory); !slices.Equal(got, want) {
				t.Errorf("%s: found %v, want %v", what, got, want)
			}
			for _, a := range c.Directory.Instances() {
				if b := before[a.Identity]; b != nil && b != a && string(b.Packet) == string(a.Packet) {
					t.Errorf("%s: %s is verified again", what, a.Ident)
				}
			}
		}
		a, b, x := fileOf(t, "a"), fileOf(t, "b"), fileOf(t, "x")
		step("first", a, true, "a")
		step("touched", a, false, "a")
		step("appended", slices.Concat(a, b), true, "a", "b")
		step("in place, equal size", slices.Concat(a, x), true, "a", "x")
		step("another order", slices.Concat(x, a), false, "a", "x")
		step("twice the same", slices.Concat(x, a, x, a), false, "a", "x")
		step("final LFs", slices.Concat(x, a, []byte("\n\n\n\n\n")), false, "a", "x")
		step("no final LF", slices.Concat(x, a[:len(a)-2]), false, "a", "x")
		step("torn", slices.Concat(x, a[:len(a)/2]), true, "x")
		step("whole again", slices.Concat(x, a), true, "a", "x")
		step("an update", slices.Concat(x, append([]byte(marker), signed(t, with(t, 1, `"a"`, 8, 1800000000))...)), true, "a", "x")
		step("the older one behind it", slices.Concat(x, append([]byte(marker), signed(t, with(t, 1, `"a"`, 8, 1800000000))...), a), false, "a", "x")
		step("empty", nil, true)
		step("back", a, true, "a")
		octets := d.octets
		reload(t, c, false)
		if d.octets != octets || d.opened != d.closed {
			t.Errorf("an unchanged file is read: %d octets; %d of %d files are closed", d.octets-octets, d.closed, d.opened)
		}
	}
}

// A file that is replaced or written while it is read is read again the next time.
func TestCacheReplacedUnderTheReader(t *testing.T) {
	a, b := fileOf(t, "a"), fileOf(t, "b")
	d := &disk{}
	d.put(a)
	c := &Cache{Path: "cache", FS: d}
	d.onRead = func(d *disk) {
		d.onRead = nil
		d.content, d.mtime = b, d.mtime.Add(1)
	}
	reload(t, c, true)
	if got := foundBar(&c.Directory); !slices.Equal(got, []string{"a"}) {
		t.Errorf("found %v: neither version", got)
	}
	reload(t, c, true)
	if got := foundBar(&c.Directory); !slices.Equal(got, []string{"b"}) {
		t.Errorf("found %v after the second look", got)
	}
	// Between the look at the file and its opening.
	d.mtime = d.mtime.Add(1)
	d.onOpen = func(d *disk) {
		d.onOpen = nil
		d.content, d.mtime = a, d.mtime.Add(1)
	}
	reload(t, c, true)
	reload(t, c, false)
	if got := foundBar(&c.Directory); !slices.Equal(got, []string{"a"}) {
		t.Errorf("found %v", got)
	}
}

// A bad record is told of once, with its line, and costs no other; when it has gone and come back it is told of again
// (DISC-GEN-01a, DISC-CCH-04).
func TestCacheBadRecords(t *testing.T) {
	var told []string
	d := &disk{}
	c := &Cache{Path: "cache", FS: d, Bad: func(line int, err error) {
		told = append(told, fmt.Sprintf("%d %s", line, err.(*Error).Rule))
	}}
	good := fileOf(t, "a", "b")
	damaged := slices.Clone(fileOf(t, "damaged"))
	damaged[len(marker)+10] ^= 1
	bad := slices.Concat(damaged, []byte(marker+"garbage"+marker+marker+"\xff\xfe"))
	step := func(what string, content []byte, want ...string) {
		t.Helper()
		told = nil
		d.content, d.mtime = content, d.mtime.Add(1)
		if _, err := c.Reload(); err != nil {
			t.Error(err)
		}
		if got := foundBar(&c.Directory); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("%s: found %v", what, got)
		}
		if !slices.Equal(told, want) {
			t.Errorf("%s: told %q, want %q", what, told, want)
		}
	}
	lines := strings.Count(string(good), "\n")
	all := []string{fmt.Sprint(lines+3, " DISC-SIG-06a"), fmt.Sprint(lines+3+29, " DISC-ENV-01b"), fmt.Sprint(lines+3+29+4, " DISC-ENV-01b")}
	step("first", slices.Concat(good, bad), all...)
	step("again", slices.Concat(good, bad))
	step("elsewhere", slices.Concat([]byte("\n"), good, bad))
	step("gone", good)
	step("back", slices.Concat(good, bad), all...)
	c.Bad = nil
	step("nobody listens", slices.Concat(good, []byte(marker+"other garbage")))
}

// Watch takes changes up every interval, until its context ends (DISC-CCH-08c, 09).
func TestCacheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &sharedDisk{disk: disk{missing: true}}
		c := &Cache{Path: "cache", FS: d}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			c.Watch(ctx, 5*time.Second)
			close(ended)
		}()
		synctest.Wait()
		if err := c.Check(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("missing: %v", err)
		}
		time.Sleep(time.Second)
		a := fileOf(t, "a")
		d.change(func(d *disk) { d.put(a) })
		time.Sleep(5 * time.Second)
		if err := c.Check(); err != nil || len(foundBar(&c.Directory)) != 1 {
			t.Errorf("after 5 s: %v, %v", err, foundBar(&c.Directory))
		}
		time.Sleep(130 * time.Second)
		if err := c.Check(); !errors.Is(err, ErrStale) {
			t.Errorf("old: %v", err)
		}
		d.change(func(d *disk) { d.mtime = time.Now() })
		time.Sleep(5 * time.Second)
		if err := c.Check(); err != nil {
			t.Errorf("touched: %v", err)
		}
		cancel()
		<-ended
	})
}

// Several goroutines reload and look up while the file is replaced: nobody finds less than one version has (DISC-CCH-04d,
// DISC-CMG-02a).
func TestCacheConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	var versions [2][]byte
	for v := range versions {
		versions[v] = fileOf(t, "a", "b", "c", fmt.Sprint("v", v))
	}
	write(t, path, string(versions[0]))
	c := &Cache{Path: path}
	reload(t, c, true)
	var done atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for !done.Load() {
				if i < 2 {
					if _, err := c.Reload(); err != nil {
						t.Error(err)
					}
				}
				if n := len(foundBar(&c.Directory)); n != 4 || c.Check() != nil {
					t.Errorf("found %d, %v", n, c.Check())
					return
				}
			}
		})
	}
	for i := range 200 {
		if err := FileStore(path).Replace(versions[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	done.Store(true)
	wg.Wait()
	if _, err := c.Reload(); err != nil || !slices.Contains(foundBar(&c.Directory), "v1") {
		t.Errorf("the last version is not there: %v", err)
	}
}

// Instances of one service share what they offer; lists that nobody has any more are forgotten in the end.
func TestCacheSharesLists(t *testing.T) {
	d := &disk{}
	c := &Cache{Path: "cache", FS: d}
	d.put(fileOf(t, "a", "b"))
	reload(t, c, true)
	if all := c.Directory.Instances(); all[0].list != all[1].list || &all[0].Actions[0] != &all[1].Actions[0] {
		t.Error("two instances of a service have lists of their own")
	}
	for i := range 2100 {
		c.lists[fmt.Sprint(i)] = &list{}
	}
	d.put(fileOf(t, "a", "c"))
	reload(t, c, true)
	if len(c.lists) > 1100 {
		t.Errorf("%d lists are kept", len(c.lists))
	}
	if got := foundBar(&c.Directory); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("found %v", got)
	}
}

// A file of equal size and time that has taken the name of another is read (DISC-CCH-09).
func TestCacheOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	c := &Cache{Path: path}
	if _, err := c.Reload(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	at := time.Now().Add(-time.Minute)
	for _, ident := range []string{"a", "b"} {
		write(t, path+".next", string(fileOf(t, ident)))
		if err := errors.Join(os.Chtimes(path+".next", at, at), os.Rename(path+".next", path)); err != nil {
			t.Fatal(err)
		}
		reload(t, c, true)
		if got := foundBar(&c.Directory); !slices.Equal(got, []string{ident}) || c.Check() != nil {
			t.Errorf("found %v, %v", got, c.Check())
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reload(); err == nil || !errors.Is(c.Check(), ErrStale) {
		t.Errorf("removed: %v", err)
	}
}
