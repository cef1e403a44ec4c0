package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim"
)

const (
	lookInterval     = 100 * time.Millisecond // at the world and the announcements
	freshInterval    = 10 * time.Second       // in which the cache file is written at least
	brokenInterval   = time.Second            // the same, while it is broken
	mostAnnouncing   = 1000                   // files
	mostAnnouncement = 1 << 20                // octets of one
)

// An announcedFile is a file of announcements as it was read.
type announcedFile struct {
	size    int64
	at      time.Time
	records []*discovery.Announcement
}

// keep keeps the cache file like the world, and fresh, until ctx ends. The world gets
// what the files of announcements say. say is told what goes wrong, once.
func (d *busDir) keep(ctx context.Context, w *sim.World, say func(text string)) {
	version, at, trouble, interval := -1, time.Time{}, "", freshInterval
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		if d.announcements(say) {
			w.SetForeign(d.records())
		}
		if w.CacheVersion() != version || time.Since(at) > interval {
			file := w.OutsideCache()
			before := trouble
			if err := d.write(file); err != nil {
				trouble = err.Error()
			} else {
				version, at, trouble, interval = file.Version, time.Now(), "", freshInterval
				if file.Broken {
					interval = brokenInterval
				}
			}
			if trouble != "" && trouble != before {
				say("cannot write the discovery cache: " + trouble)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// write makes the cache file what it is to be.
func (d *busDir) write(file sim.OutsideFile) error {
	path := d.file("discovery.cache")
	switch {
	case file.Stopped:
		return nil
	case file.Text == nil:
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return discovery.FileStore(path).Replace(file.Text)
}

// announcements reads the files of announcements that have changed, and reports whether
// any has.
func (d *busDir) announcements(say func(string)) (changed bool) {
	entries, err := os.ReadDir(d.file("announcements"))
	if err != nil {
		entries = nil // it may have been moved away
	}
	seen, crowded := map[string]bool{}, false
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".new") {
			continue
		}
		if crowded = len(seen) == mostAnnouncing; crowded {
			break
		}
		seen[e.Name()] = true
		before := d.announced[e.Name()]
		if before != nil && before.size == info.Size() && before.at.Equal(info.ModTime()) {
			continue
		}
		changed = true
		records, err := readAnnouncements(d.file("announcements", e.Name()))
		d.announced[e.Name()] = &announcedFile{info.Size(), info.ModTime(), records}
		if err != nil {
			say(fmt.Sprintf("announcements%c%s: %v", filepath.Separator, e.Name(), err))
		}
		for _, a := range records {
			say(fmt.Sprintf("%s announces itself at %s, in %s", a.Ident, a.URI, e.Name()))
		}
	}
	if crowded && !d.crowded {
		say(fmt.Sprintf("only %d files of announcements are read: remove those of who is not there any more", mostAnnouncing))
	}
	d.crowded = crowded
	for name := range d.announced {
		if !seen[name] {
			delete(d.announced, name)
			say("the announcements of " + name + " are gone")
			changed = true
		}
	}
	return changed
}

// readAnnouncements returns the records of a file; the error is about those that
// requesters would not use.
func readAnnouncements(file string) (all []*discovery.Announcement, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostAnnouncement+1))
	if err != nil || len(text) > mostAnnouncement {
		return nil, fmt.Errorf("it cannot be read, or has more than %d octets", mostAnnouncement)
	}
	found := false
	discovery.Records(text, func(line int, record []byte) bool {
		found = true
		a, e := discovery.Verify(record)
		if e != nil {
			err = fmt.Errorf("the record in line %d is not used: %w", line, e)
			return true
		}
		all = append(all, a)
		return true
	})
	if !found {
		err = fmt.Errorf(`there is no record in it; "scamp-sim cache make --out" writes one`)
	}
	return all, err
}

// records are those of all files.
func (d *busDir) records() (all []*discovery.Announcement) {
	for _, name := range slices.Sorted(maps.Keys(d.announced)) {
		all = append(all, d.announced[name].records...)
	}
	return all
}
