package discovery

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Directory knows the live instances of a bus and what they offer. There are two ways to fill it, and one Directory is
// filled in one of them: Replace takes the records of a fresh cache file, Hear takes what arrives from the group, with
// replay guard and expiry.
//
// The zero Directory is empty and ready for use. Its methods may be called from any goroutine; those that look something
// up take no lock while nothing changes.
type Directory struct {
	view       atomic.Pointer[view] // what look-ups see, unless it is of an older generation
	generation atomic.Int64         // of the instances; changed with mu held
	renewing   sync.Mutex           // held by who makes a view; taken before mu

	mu        sync.Mutex                 // guards what follows
	instances map[Identity]*Announcement // those that were heard
	changed   chan struct{}              // closed at the next change; nil: nobody waits
	heard     *memory                    // nil: filled by Replace
}

// A view is the directory at one moment. It does not change.
type view struct {
	generation int64
	sorted     []*Announcement    // by identity
	offers     map[string][]offer // by sector, name and version
}

// An offer is an action of a list with the instances that have the list.
type offer struct {
	action    *Action
	instances []*Announcement // sorted by identity
}

// An Instance is an instance that offers an action: a candidate for a call, as far as the directory knows.
type Instance struct {
	*Announcement
	Action *Action // as it is announced: its name and version go into the header (DISC-RTE-09a)
}

// Lookup appends to dst the instances that offer an action, sorted by identity: by its full name or an alias without regard
// to ASCII case, in this sector and version, in this envelope exactly. Instances of weight 0 or less are left out. It
// allocates nothing but what dst needs to grow.
//
// Whether anybody has authorised them is for the caller to ask.
func (d *Directory) Lookup(dst []Instance, sector, action string, version int, envelope string) []Instance {
	v := d.current()
	var room [128]byte
	key := appendKey(room[:0], sector, action, version)
	start := len(dst)
	offers := v.offers[string(key)]
	for i := range offers {
		o := &offers[i]
		if !o.action.Offers(envelope) {
			continue
		}
		for _, a := range o.instances {
			dst = append(dst, Instance{a, o.action})
		}
	}
	if len(offers) > 1 {
		slices.SortFunc(dst[start:], func(a, b Instance) int { return compareIdentities(a.Identity, b.Identity) })
	}
	return dst
}

// appendKey makes the key of an action: sector and name in ASCII lower case, version (DISC-ACT-07a).
func appendKey(b []byte, sector, action string, version int) []byte {
	b = append(appendLower(b, sector), ':')
	b = append(appendLower(b, action), '~')
	return strconv.AppendInt(b, int64(version), 10)
}

func appendLower(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

func compareIdentities(a, b Identity) int {
	if c := strings.Compare(a.Fingerprint, b.Fingerprint); c != 0 {
		return c
	}
	return strings.Compare(a.Ident, b.Ident)
}

// Instance returns the announcement of an identity; nil if there is none.
func (d *Directory) Instance(id Identity) *Announcement {
	sorted := d.current().sorted
	i, found := slices.BinarySearchFunc(sorted, id, func(a *Announcement, id Identity) int { return compareIdentities(a.Identity, id) })
	if !found {
		return nil
	}
	return sorted[i]
}

// Instances returns all instances, sorted by identity, those of weight 0 included. The slice must not be changed.
func (d *Directory) Instances() []*Announcement { return d.current().sorted }

// Len returns the number of instances.
func (d *Directory) Len() int { return len(d.current().sorted) }

// Changed returns a channel that is closed when the directory changes: instances come, go, or say something else.
func (d *Directory) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.changed
}

var empty = view{}

// current returns the view, and makes it anew where something has changed since. What arrives meanwhile does not wait for
// that.
func (d *Directory) current() *view {
	if v := d.seen(); v.generation == d.generation.Load() {
		return v
	}
	d.renewing.Lock()
	defer d.renewing.Unlock()
	if v := d.seen(); v.generation == d.generation.Load() {
		return v
	}
	d.mu.Lock()
	generation, instances := d.generation.Load(), slices.Collect(maps.Values(d.instances))
	d.mu.Unlock()
	slices.SortFunc(instances, byIdentity)
	v := newView(instances)
	v.generation = generation
	d.view.Store(v)
	return v
}

// seen returns the view that was made last.
func (d *Directory) seen() *view {
	if v := d.view.Load(); v != nil {
		return v
	}
	return &empty
}

// touch notes that the instances have changed. d.mu is held.
func (d *Directory) touch() {
	d.generation.Add(1)
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// Replace makes these the instances of the directory, in one step. Of several announcements of one identity the one with
// the highest timestamp counts, of equal ones the last (DISC-RPL-05b, 05c); nothing is remembered of what was there
// before. It reports whether anything is different.
func (d *Directory) Replace(announcements []*Announcement) bool {
	sorted := slices.Clone(announcements)
	slices.SortStableFunc(sorted, byIdentity)
	n := 0
	for _, a := range sorted {
		switch {
		case n == 0 || sorted[n-1].Identity != a.Identity:
			sorted[n] = a
			n++
		case a.Timestamp >= sorted[n-1].Timestamp:
			sorted[n-1] = a
		}
	}
	clear(sorted[n:])
	v := newView(sorted[:n])
	d.renewing.Lock()
	defer d.renewing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.heard == nil && slices.EqualFunc(d.seen().sorted, v.sorted, func(a, b *Announcement) bool { return a == b || string(a.Packet) == string(b.Packet) }) {
		return false
	}
	d.instances, d.heard = nil, nil
	v.generation = d.generation.Load() + 1
	d.view.Store(v)
	d.touch()
	return true
}

func byIdentity(a, b *Announcement) int { return compareIdentities(a.Identity, b.Identity) }

// newView makes a view of instances sorted by identity, which nobody changes any more. Those that share a list of actions are
// indexed together.
func newView(sorted []*Announcement) *view {
	v := &view{sorted: sorted}
	groups := map[*list][]*Announcement{}
	var order []*list // so that equal content gives equal views
	keys := 0
	for _, a := range v.sorted {
		if a.Weight <= 0 || len(a.Actions) == 0 {
			continue
		}
		l := a.list
		if l == nil {
			l = &list{actions: a.Actions}
			l.addKeys()
		}
		if groups[l] == nil {
			order = append(order, l)
			keys += len(l.keys)
		}
		groups[l] = append(groups[l], a)
	}
	v.offers = make(map[string][]offer, keys)
	for _, l := range order {
		v.index(l, groups[l])
	}
	return v
}

// index adds the actions of a list with the instances that have it.
func (v *view) index(l *list, group []*Announcement) {
	for _, k := range l.keys {
		offers := v.offers[k.key]
		if n := len(offers); n > 0 && &offers[n-1].instances[0] == &group[0] { // the same list again: the later one counts
			offers[n-1].action = k.action
			continue
		}
		v.offers[k.key] = append(offers, offer{k.action, group})
	}
}

// The bounds of what is remembered of instances that are heard (DISC-RPL-01c).
const (
	mostRemembered = 100000
	mostStored     = 256 << 20 // octets of packets
	mostParsed     = 512 << 20 // octets of what they say; a packet can say much in few octets
	rememberFor    = time.Hour // after the expiry
)
