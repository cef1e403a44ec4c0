package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim"
	"github.com/gudtech/scamp-sim/sim/scenario"
)

// The bounds of what a proxy follows.
const (
	mostFollowed = 1000 // instances of the bus at a time
	mostSlots    = 4000 // names of instances, ever
	mostTold     = 1000 // things that are told once
)

// A follower keeps a proxy like the bus: it reads the discovery cache there, says what
// instances lead to, and writes the cache of the proxy. It is for one goroutine.
type follower struct {
	cache      discovery.Cache
	authorized discovery.AuthorizedFile
	dir        *proxyDir
	ports      *portRange
	say        func(text string)
	live       *scenario.Live

	trusted *discovery.Authorized // as it was looked at last
	text    []byte                // the same as a file
	at      time.Time             // of the cache of the bus
	missing error                 // why there is none
	due     bool                  // something has changed
	keeping bool                  // the beginning has been told
	names   map[string]string     // of services, by what they are called in idents
	groups  map[string][]*slot    // by name
	slots   int
	of      map[discovery.Identity]*slot
	told    map[string]bool

	written   time.Time // when, and of what
	version   int
	writtenAt time.Time
	trouble   string
}

// first reads the bus before anything has been started.
func (f *follower) first() error {
	f.names, f.groups, f.of, f.told = map[string]string{}, map[string][]*slot{}, map[discovery.Identity]*slot{}, map[string]bool{}
	f.say = func(string) {}
	if err := f.look(); err != nil {
		return fmt.Errorf("cannot read the discovery cache of the bus: %w; is its cache manager running?", err)
	}
	if f.trusted == nil {
		return fmt.Errorf("cannot read the authorised services %s: nobody on the bus is trusted then; bus.authorized_services names the file", f.authorized.Path)
	}
	return nil
}

// look reads what has changed.
func (f *follower) look() error {
	changed := false
	info, err := os.Stat(f.cache.Path)
	if err == nil {
		changed, err = f.cache.Reload()
	}
	if f.missing = err; err == nil {
		f.at = info.ModTime() // before it was read: it may be newer, and is not older
	}
	if now := f.authorized.Current(); now != f.trusted {
		changed = true
		text, failed := readFile(f.authorized.Path, mostText)
		if f.trusted, f.text = now, text; failed != nil {
			f.trusted = nil // until it can be read
		}
	}
	f.due = f.due || changed
	return err
}

// usable are the instances of the bus that somebody may call. Those that the operator has
// listed come first: what everybody may offer must not take their places.
func (f *follower) usable() (all []*discovery.Announcement) {
	var open []*discovery.Announcement
	for _, a := range f.cache.Directory.Instances() {
		_, err := scamp.HostPort(a.URI)
		may := func(offers func(fingerprint, sector, action string) bool) bool {
			return slices.ContainsFunc(a.Actions, func(act discovery.Action) bool { return offers(a.Fingerprint, act.Sector, act.Name) })
		}
		switch known := f.of[a.Identity] != nil && a.Weight <= 0; {
		case err != nil:
			f.once("%s is left out: %v", a.Ident, err)
		case may(f.trusted.Trusts):
			all = append(all, a)
		case may(f.trusted.Allows), known:
			open = append(open, a)
		case len(a.Actions) > 0:
			f.once("%s is left out: nobody has authorised its certificate for an action that it offers", a.Ident)
		}
	}
	if all = append(all, open...); len(all) > mostFollowed {
		f.once("only %d instances are followed", mostFollowed)
		all = all[:mostFollowed]
	}
	return all
}

// once tells something, the first time.
func (f *follower) once(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !f.told[text] && len(f.told) < mostTold {
		f.told[text] = true
		f.say(text)
	}
}

// update makes instances lead to what the bus has now. An error is of the directory.
func (f *follower) update() error {
	all := f.usable()
	present, certified := map[discovery.Identity]bool{}, map[string]bool{}
	for _, a := range all {
		present[a.Identity], certified[a.Fingerprint] = true, true
	}
	f.dir.forget(certified)
	for _, slots := range f.groups {
		for _, s := range slots {
			if s.is != nil && !present[s.is.Identity] {
				f.free(s)
			}
		}
	}
	if err := f.certify(all); err != nil {
		return err
	}
	for _, a := range all {
		if err := f.follow(a); err != nil {
			return err
		}
	}
	f.due = false
	return nil
}

// certify has certificates for all, and authorises them, before anybody can meet them.
func (f *follower) certify(all []*discovery.Announcement) error {
	for _, a := range all {
		if _, err := f.dir.standIn(a.Fingerprint); err != nil {
			return err
		}
	}
	return f.dir.authorize(f.text)
}

// omit leaves an instance out that cannot be led to.
func (f *follower) omit(s *slot, a *discovery.Announcement, err error) {
	f.once("%s is left out: %v", a.Ident, err)
	if s.is != nil {
		f.free(s)
	}
	delete(f.of, a.Identity)
}

// follow makes an instance lead to what is announced.
func (f *follower) follow(a *discovery.Announcement) error {
	address, _ := scamp.HostPort(a.URI)
	s := f.of[a.Identity]
	if s != nil && s.to.Address != address {
		if open, _ := s.in.Relayed(); open > 0 {
			f.free(s) // a requester that has a connection to the old address must not take it for one to the new
			s = nil
		}
	}
	if s == nil {
		if s = f.place(a); s == nil {
			f.once("%s is left out: more names of instances than %d are not kept", a.Ident, mostSlots)
			return nil
		}
		f.of[a.Identity] = s
	}
	if s.is != nil && bytes.Equal(s.is.Packet, a.Packet) {
		return nil
	}
	own, err := f.dir.standIn(a.Fingerprint)
	if err != nil {
		return err
	}
	if s.address, err = f.ports.address(s.in.Host()); err != nil {
		f.omit(s, a, err)
		return nil
	}
	scheme, _, ok := strings.Cut(a.URI, "://")
	if !ok {
		scheme = "beepish+tls"
	}
	packet, err := readdress(a.Packet, own.signer, scheme+"://"+s.address)
	if err != nil {
		f.omit(s, a, err)
		return nil
	}
	to := sim.Remote{Address: address, Fingerprint: a.Fingerprint, Ident: a.Ident, Sector: a.Sector, Certificate: own.certificate}
	for i := range a.Actions {
		to.Actions = append(to.Actions, fmt.Sprintf("%s~%d", a.Actions[i].Name, a.Actions[i].Version))
	}
	if s.is == nil || !reflect.DeepEqual(to, s.to) {
		if f.keeping && (s.is == nil || to.Address != s.to.Address) {
			f.say(fmt.Sprintf("%s leads to %s, %s", s.in.Host(), address, a.Ident))
		}
		s.in.Lead(&to)
		f.ports.release(s.in.Host())
	}
	s.is, s.to = a, to
	s.in.Record(packet)
	return nil
}

// keep keeps the proxy like the bus until ctx ends.
func (f *follower) keep(ctx context.Context) {
	f.keeping = true
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		before := f.missing
		err := f.look()
		if err != nil && (before == nil || before.Error() != err.Error()) {
			f.say(fmt.Sprintf("the discovery cache of the bus cannot be read, and there is none here meanwhile: %v", err))
		} else if err == nil && before != nil {
			f.say("the discovery cache of the bus can be read again")
		}
		if over := f.live.Change(func() { err = f.apply() }); over != nil {
			return
		}
		if err != nil && err.Error() != f.trouble {
			f.say("cannot write the directory: " + err.Error())
		}
		if f.trouble = ""; err != nil {
			f.trouble = err.Error()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// apply takes up what has changed, where that can be read.
func (f *follower) apply() error {
	if f.missing == nil && f.due {
		if err := f.update(); err != nil {
			return err
		}
	}
	return f.write()
}

// write makes the cache of the proxy what it is to be, if that has changed.
func (f *follower) write() error {
	if f.missing != nil {
		f.version, f.writtenAt = -1, time.Time{}
		return f.dir.writeCache(nil, f.at)
	}
	w := f.live.World()
	if w.CacheVersion() == f.version && f.at.Equal(f.writtenAt) && time.Since(f.written) < brokenInterval {
		return nil
	}
	file := w.OutsideCache()
	again := file.Version != f.version || !f.at.Equal(f.writtenAt) || file.Broken
	if !again || file.Stopped {
		f.written = time.Now()
		return nil
	}
	if err := f.dir.writeCache(file.Text, f.at); err != nil {
		return err
	}
	f.version, f.writtenAt, f.written = file.Version, f.at, time.Now()
	return nil
}
