package sim

import "time"

// An OutsideFile is the cache file of the operating system's programs at a moment.
type OutsideFile struct {
	Text    []byte // nil: there is no file
	Stopped bool   // nobody writes it any more, and it ages
	Broken  bool   // it can be another one every second
	Version int    // another one when the rest may have changed
}

// OutsideCache is the cache file of the operating system's programs now: it says what
// those of the world say, with the addresses at which these programs reach the
// instances, and can be broken in the same ways.
func (w *World) OutsideCache() OutsideFile {
	w.mu.Lock()
	f := w.outer
	file := OutsideFile{Version: w.cacheState.version, Broken: !f.healthy(), Stopped: f.stopped}
	if f.fault != nil {
		f.fault.Hits++
	}
	entries := w.outerSaid
	if !f.frozen {
		entries = w.outsideEntries(f.lag)
	}
	w.mu.Unlock()
	if !f.missing && !f.stopped {
		file.Text = f.text(entries)
	}
	return file
}

// outsideEntries are the records of the file as it was a while ago. w.mu is held.
func (w *World) outsideEntries(lag time.Duration) []cacheEntry {
	return w.cacheEntriesAs(max(w.Elapsed()-lag, 0), func(c change) []byte { return c.outer })
}

// SetOutsideCache breaks the cache file of the operating system's programs, or mends it
// with the zero CacheFault.
func (w *World) SetOutsideCache(f CacheFault) {
	state := w.cacheFault(f, Outside)
	w.mu.Lock()
	w.outer, w.outerSaid = state, nil
	if state.frozen {
		w.outerSaid = w.outsideEntries(0)
	}
	w.cacheState.version++
	w.mu.Unlock()
	w.Note("the cache of %s changes", Outside)
}

// CacheVersion is the number that OutsideCache returns, without the file.
func (w *World) CacheVersion() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cacheState.version
}
