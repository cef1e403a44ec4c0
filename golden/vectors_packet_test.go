package golden_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A verdict is what became of a packet or a datagram.
type verdict struct {
	Outcome string `json:"outcome"`
	*announcement
	*inflated
}

type announcement struct {
	Fingerprint string   `json:"fingerprint"`
	Ident       string   `json:"ident"`
	Sector      string   `json:"sector"`
	Weight      float64  `json:"weight"`
	Interval    float64  `json:"interval"`
	URI         string   `json:"uri"`
	Envelopes   []string `json:"envelopes"`
	Actions     []action `json:"actions"`
	Timestamp   float64  `json:"timestamp"`
}

type action struct {
	Sector    string   `json:"sector"`
	Name      string   `json:"name"`
	Version   int      `json:"version"`
	Envelopes []string `json:"envelopes"`
	Flags     []string `json:"flags"`
	Timeout   int      `json:"timeout"`
	Aliases   []string `json:"aliases"`
}

type inflated struct {
	Compressed bool   `json:"compressed"`
	Length     int    `json:"length"`
	SHA256     string `json:"sha256"`
}

// refusal names the layer that an error comes from.
func refusal(err error) string {
	if e := new(discovery.Error); errors.As(err, &e) {
		return "refused " + string(e.Layer)
	}
	return fmt.Sprintf("an error of another kind: %v", err)
}

func playPacket(t *testing.T, v *vector) {
	a, err := discovery.Verify(v.Packet)
	if err != nil {
		v.check(t, v.Title, verdict{Outcome: refusal(err)})
		return
	}
	v.check(t, v.Title, verdict{Outcome: "used", announcement: describe(a)})
}

// describe is an announcement in the terms of the vectors.
func describe(a *discovery.Announcement) *announcement {
	d := &announcement{a.Fingerprint, a.Ident, a.Sector, a.Weight, a.Interval, a.URI, append([]string{}, a.Envelopes...), []action{}, a.Timestamp}
	for i := range a.Actions {
		of := &a.Actions[i]
		act := action{of.Sector, of.Name, of.Version, append([]string{}, of.Envelopes...), []string{}, int(of.Timeout() / time.Second), append([]string{}, of.Aliases()...)}
		for _, f := range []string{"create", "destroy", "noauth", "public", "read", "secret", "update"} {
			if of.Has(f) {
				act.Flags = append(act.Flags, f)
			}
		}
		slices.Sort(act.Aliases)
		d.Actions = append(d.Actions, act)
	}
	return d
}

func playDatagram(t *testing.T, v *vector) {
	var i discovery.Inflater
	packet, compressed, err := i.Inflate(v.Datagram)
	if err != nil {
		v.check(t, v.Title, verdict{Outcome: refusal(err)})
		return
	}
	v.check(t, v.Title, verdict{Outcome: "packet", inflated: &inflated{compressed, len(packet), fmt.Sprintf("%x", sha256.Sum256(packet))}})
}

// A call asks who offers an action.
type call struct {
	Sector   string `json:"sector"`
	Action   string `json:"action"`
	Version  int    `json:"version"`
	Envelope string `json:"envelope"`
	expected
}

// An instance that is found, or is live.
type instance struct {
	Fingerprint string  `json:"fingerprint"`
	Ident       string  `json:"ident"`
	URI         string  `json:"uri"`
	Action      string  `json:"action"`
	Version     int     `json:"version"`
	Timeout     int     `json:"timeout"`
	Timestamp   float64 `json:"timestamp"`
}

// sorted brings the lists of an expectation into the order of identities, in which the library gives them.
func (e expected) sorted() expected {
	byIdentity := func(v any) any {
		list, ok := v.([]any)
		if !ok {
			return v
		}
		list = slices.Clone(list)
		key := func(v any) string {
			m := v.(map[string]any)
			return fmt.Sprint(m["fingerprint"], " ", m["ident"])
		}
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(key(a), key(b)) })
		return list
	}
	s := expected{Expect: byIdentity(e.Expect)}
	for _, other := range e.Tolerated {
		s.Tolerated = append(s.Tolerated, byIdentity(other))
	}
	return s
}

func playDirectory(t *testing.T, v *vector) {
	var file []byte
	for _, p := range v.Packets {
		file = append(append(file, "\n%%%\n"...), p...)
	}
	c := load(t, file)
	allows := func(string, string, string) bool { return true }
	if v.Authorized != nil {
		allows = discovery.ParseAuthorized(*v.Authorized).Allows
	}
	for _, call := range v.Calls {
		call.play(t, v, &c.Directory, allows)
	}
}

// play compares what a directory has for the call, as far as it is authorised.
func (c call) play(t *testing.T, v *vector, d *discovery.Directory, allows func(fingerprint, sector, action string) bool) {
	t.Helper()
	found := []instance{}
	for _, i := range d.Lookup(nil, c.Sector, c.Action, c.Version, c.Envelope) {
		if allows(i.Fingerprint, i.Action.Sector, i.Action.Name) {
			found = append(found, instance{i.Fingerprint, i.Ident, i.URI, i.Action.Name, i.Action.Version, int(i.Action.Timeout() / time.Second), i.Timestamp})
		}
	}
	c.sorted().check(t, c.String(v), found)
}

func (c call) String(v *vector) string {
	return fmt.Sprintf("%s: %s:%s version %d, %s", v.Title, c.Sector, c.Action, c.Version, c.Envelope)
}

// A scene is what a requester finds after its files have changed.
type scene struct {
	At         float64 `json:"at"`
	Cache      *octets `json:"cache"`
	Authorized *octets `json:"authorized"`
	Touch      bool    `json:"touch"`
	Remove     string  `json:"remove"`
	Calls      []call  `json:"calls"`
}

func playSequence(t *testing.T, v *vector) {
	var now time.Time
	start := time.Unix(1760000000, 0)
	files := fstest.MapFS{}
	c := &discovery.Cache{Path: "cache", FS: files, Now: func() time.Time { return now }}
	authorized := &discovery.AuthorizedFile{Path: "authorized", FS: files}
	for _, s := range v.Scenes {
		now = start.Add(time.Duration(s.At * float64(time.Second)))
		if s.Cache != nil {
			files["cache"] = &fstest.MapFile{Data: *s.Cache, ModTime: now}
		}
		if s.Authorized != nil {
			files["authorized"] = &fstest.MapFile{Data: *s.Authorized, ModTime: now}
		}
		if s.Touch {
			files["cache"].ModTime = now
		}
		delete(files, s.Remove)
		_, _ = c.Reload() // Check tells
		for _, call := range s.Calls {
			list := authorized.Current()
			allows := list.Allows
			if !slices.ContainsFunc(v.Scenes, func(s scene) bool { return s.Authorized != nil }) {
				allows = func(string, string, string) bool { return true }
			}
			if err := c.Check(); err != nil {
				call.check(t, fmt.Sprintf("%s, at %v s", call.String(v), s.At), "stale")
				continue
			}
			call.play(t, v, &c.Directory, allows)
		}
	}
}

// load reads a cache file.
func load(t *testing.T, file []byte) *discovery.Cache {
	t.Helper()
	c := &discovery.Cache{Path: "cache", FS: fstest.MapFS{"cache": {Data: file}}}
	if _, err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	return c
}

// A record of a cache file and what became of it.
type record struct {
	Line    int    `json:"line"`
	Outcome string `json:"outcome"`
	*recordIdentity
}

type recordIdentity struct {
	Fingerprint string `json:"fingerprint"`
	Ident       string `json:"ident"`
}

func playCache(t *testing.T, v *vector) {
	bad := map[int]error{}
	c := &discovery.Cache{Path: "cache", FS: fstest.MapFS{"cache": {Data: v.File}}, Bad: func(line int, err error) { bad[line] = err }}
	if _, err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	records := []record{}
	discovery.Records(v.File, func(line int, packet []byte) bool {
		a, err := discovery.Verify(packet)
		r := record{Line: line, Outcome: "superseded"}
		if err != nil {
			r.Outcome = refusal(err)
			if c := bad[line]; c != nil && c.Error() != err.Error() {
				t.Errorf("line %d: %v, the cache says %v", line, err, c)
			}
		} else if now := c.Directory.Instance(a.Identity); now != nil && bytes.Equal(now.Packet, a.Packet) {
			r.Outcome, r.recordIdentity = "used", &recordIdentity{a.Fingerprint, a.Ident}
		}
		records = append(records, r)
		return true
	})
	v.check(t, v.Title, records)
}

// A question asks whether a certificate may offer an action.
type question struct {
	Fingerprint string `json:"fingerprint"`
	Sector      string `json:"sector"`
	Action      string `json:"action"`
	expected
}

func playAuthorized(t *testing.T, v *vector) {
	list := discovery.ParseAuthorized(v.File)
	for _, q := range v.Questions {
		q.check(t, fmt.Sprintf("%s: %s %s:%s", v.Title, q.Fingerprint, q.Sector, q.Action), list.Allows(q.Fingerprint, q.Sector, q.Action))
	}
}

func playAge(t *testing.T, v *vector) {
	now := time.Unix(1760000000, 0)
	files := fstest.MapFS{}
	if v.Age != nil {
		files["cache"] = &fstest.MapFile{ModTime: now.Add(-time.Duration(*v.Age) * time.Second)}
	}
	c := &discovery.Cache{Path: "cache", FS: files, Now: func() time.Time { return now }}
	if v.MaxAge != "" {
		fmt.Sscan(v.MaxAge, &c.MaxAge)
		c.MaxAge *= time.Second
	}
	_, _ = c.Reload() // Check tells
	outcome := "fresh"
	if err := c.Check(); errors.Is(err, discovery.ErrStale) {
		outcome = "stale"
	} else if err != nil {
		t.Fatal(err)
	}
	v.check(t, v.Title, outcome)
}
