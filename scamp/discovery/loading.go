package discovery

import (
	"bytes"
	"hash/maphash"
	"runtime"
	"sync"
)

// A loading is the records of one file on their way into a directory. Those that are not known are verified on all
// processors while the file is still being read.
type loading struct {
	c         *Cache // whose mutex is held
	records   []*record
	unused    []record // room for further ones
	unknown   []*record
	batches   chan []*record // what is to be verified; nil: nothing was yet
	verifying sync.WaitGroup
}

// A record of a cache file.
type record struct {
	line int
	text []byte // of its own; nil: it is known
	sum  uint64
	a    *Announcement
	err  error
}

const (
	batch       = 16   // how many records a verifier takes at a time
	mostWaiting = 4096 // batches before the file is read on
)

// take takes a record, of which it keeps no octet.
func (l *loading) take(line int, packet []byte) {
	if len(l.unused) == 0 {
		l.unused = make([]record, batch)
	}
	r := &l.unused[0]
	l.unused = l.unused[1:]
	r.line, r.sum = line, maphash.Bytes(l.c.seed, packet)
	l.records = append(l.records, r)
	if a := l.c.known[r.sum]; a != nil && bytes.HasPrefix(packet, a.Packet) && blank(packet[len(a.Packet):]) {
		r.a = a
		return
	}
	if r.err = l.c.bad[r.sum]; r.err != nil {
		return
	}
	r.text = bytes.Clone(packet)
	if l.unknown == nil {
		l.unknown = make([]*record, 0, batch)
	}
	if l.unknown = append(l.unknown, r); len(l.unknown) == batch {
		l.verify()
	}
}

// verify lets the next verifier that has time verify what has come.
func (l *loading) verify() {
	if l.batches == nil {
		l.batches = make(chan []*record, mostWaiting)
		shared := &sharedLists{lists: l.c.lists}
		for range runtime.GOMAXPROCS(0) {
			l.verifying.Go(func() {
				v := &verifier{certificates: map[string]*certificate{}, lists: shared, owned: true}
				for records := range l.batches {
					for _, r := range records {
						r.a, r.err = v.verify(r.text)
						r.text = nil
					}
				}
			})
		}
	}
	l.batches <- l.unknown
	l.unknown = nil
}

// end waits for the verifiers and returns the announcements of the good records, in order.
func (l *loading) end() []*Announcement {
	if len(l.unknown) > 0 {
		l.verify()
	}
	if l.batches != nil {
		close(l.batches)
	}
	l.verifying.Wait()
	good := make([]*Announcement, 0, len(l.records))
	for _, r := range l.records {
		if r.err == nil {
			good = append(good, r.a)
		}
	}
	return good
}

// keep lets the cache know these records instead of those that it knew, and tells of the bad ones that are new.
func (l *loading) keep() {
	known := make(map[uint64]*Announcement, len(l.records))
	bad := map[uint64]error{}
	for _, r := range l.records {
		if r.err == nil {
			known[r.sum] = r.a
		} else if bad[r.sum] = r.err; l.c.Bad != nil && l.c.bad[r.sum] == nil {
			l.c.Bad(r.line, r.err)
		}
	}
	l.c.known, l.c.bad = known, bad
	if len(l.c.lists) > 2*len(known)+1000 { // lists that nobody has any more
		l.c.lists = map[string]*list{}
	}
}
