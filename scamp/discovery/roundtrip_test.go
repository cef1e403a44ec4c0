package discovery

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	fuzz "github.com/google/gofuzz"
)

// oddities stand in random texts, where they may.
var oddities = []string{"\"", "\\", "\u0000", "\n", "\r", "\t", "é", "\u2028", "\U0001f600", "/", "%%%", "#", "~", "<", " ", "'", "\u007f", "\u212a"}

// text is a random text, not empty, without these characters.
func text(c fuzz.Continue, without string) string {
	s := c.RandString()
	for range c.Intn(4) {
		s += oddities[c.Intn(len(oddities))] + c.RandString()
	}
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(without, r) {
			return -1
		}
		return r
	}, s)
	return s + string(rune('a'+c.Intn(26)))
}

// randomAnnouncements makes announcements of everything that can be announced.
func randomAnnouncements(seed int64) *fuzz.Fuzzer {
	sectors := []string{"main", "web", "Main", "x-é"}
	envelopes := func(c fuzz.Continue) (list []string) {
		for range 1 + c.Intn(3) {
			list = append(list, text(c, ", "))
		}
		return list
	}
	return fuzz.NewWithSeed(seed).Funcs(func(a *Announcement, c fuzz.Continue) {
		*a = Announcement{
			Identity: Identity{Ident: text(c, "")}, Sector: sectors[c.Intn(len(sectors))],
			Weight: float64(c.Intn(3)), Interval: float64(1 + c.Intn(1e9)),
			URI:       fmt.Sprintf("beepish+tls://%d.%d.%d.%d:%d", 1+c.Intn(255), c.Intn(256), c.Intn(256), c.Intn(256), 1+c.Intn(65535)),
			Timestamp: float64(c.Int63()>>c.Intn(60)) / 1e6, Envelopes: envelopes(c),
		}
		names := []string{text(c, ":"), text(c, ":") + "." + text(c, ":"), "Foo"}
		for range c.Intn(20) {
			act := Action{Name: names[c.Intn(len(names))] + "." + text(c, ".:"), Version: 1 + c.Intn(3), Sector: a.Sector, Envelopes: a.Envelopes}
			if c.RandBool() {
				act.Flags = []string{"read", "create,noauth", "t30", "secret,x9", "update,t5,t7"}[c.Intn(5)]
			}
			if c.Intn(3) == 0 {
				act.Sector = sectors[c.Intn(len(sectors))]
			}
			if c.Intn(3) == 0 {
				act.Envelopes = envelopes(c)
			}
			for range c.Intn(3) { // runs
				a.Actions = append(a.Actions, act)
			}
		}
	})
}

// Whatever can be announced arrives as it was meant, in every form (DISC-JSN, DISC-V4, DISC-ACT).
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	random := randomAnnouncements(1)
	for range 150 {
		var a Announcement
		random.Fuzz(&a)
		for _, form := range []Form{FormAuto, FormV4, FormBoth, FormV3} {
			p, err := server().Sign(&a, form)
			if form == FormV3 && err != nil {
				continue // some actions do not fit
			}
			if err != nil {
				t.Fatalf("%+v: %v", a, err)
			}
			got, err := Verify(p)
			if err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			compare(t, got, &a, form)
			if string(AppendRecord(nil, got)) != marker+string(p) { // DISC-CMG-01c, 02c
				t.Fatalf("a record is not the marker and the packet: %q", AppendRecord(nil, got))
			}
		}
	}
}

// compare fails unless what arrived is what was announced.
func compare(t *testing.T, got, want *Announcement, form Form) {
	t.Helper()
	if got.Ident != want.Ident || got.Sector != want.Sector || got.Weight != want.Weight || got.Interval != want.Interval ||
		got.URI != want.URI || got.Timestamp != want.Timestamp || !slices.Equal(got.Envelopes, want.Envelopes) || got.Fingerprint != server().Fingerprint {
		t.Fatalf("arrived %+v, was %+v", got, want)
	}
	if len(got.Skipped) > 0 {
		t.Fatalf("skipped: %v", got.Skipped)
	}
	actions := slices.Clone(want.Actions)
	if form == FormBoth {
		for _, act := range want.Actions {
			if act.Sector == want.Sector && slices.Equal(act.Envelopes, want.Envelopes) {
				actions = append(actions, act)
			}
		}
	}
	order := func(a, b Action) int {
		return cmp.Or(cmp.Compare(a.Sector, b.Sector), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Flags, b.Flags), slices.Compare(a.Envelopes, b.Envelopes))
	}
	arrived := slices.Clone(got.Actions)
	slices.SortFunc(actions, order)
	slices.SortFunc(arrived, order)
	if len(actions)+len(arrived) > 0 && !reflect.DeepEqual(actions, arrived) {
		t.Fatalf("form %v: arrived\n%+v, were\n%+v", form, arrived, actions)
	}
}

// A directory survives being written to a cache file and read back, whatever the order of the records (DISC-CCH-01c, DISC-CMG-02b).
func TestDirectoryRoundTrip(t *testing.T) {
	t.Parallel()
	random := randomAnnouncements(2)
	var all []*Announcement
	for i := range 100 {
		var a Announcement
		random.Fuzz(&a)
		all = append(all, announced(t, []*Signer{server(), other()}[i%2], &a))
	}
	var before Directory
	before.Replace(all)
	file := AppendFile(nil, all)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		var read []*Announcement
		Records(file, func(line int, record []byte) bool {
			a, err := Verify(record)
			if err != nil {
				t.Fatalf("line %d: %v", line, err)
			}
			read = append(read, a)
			return true
		})
		var after Directory
		after.Replace(read)
		if after.Replace(all) || before.Len() != after.Len() {
			t.Fatal("the directories differ")
		}
		for _, a := range all {
			for _, act := range a.Actions {
				for _, e := range act.Envelopes {
					x, y := before.Lookup(nil, act.Sector, act.Name, act.Version, e), after.Lookup(nil, act.Sector, act.Name, act.Version, e)
					if !slices.EqualFunc(x, y, func(x, y Instance) bool {
						return x.Identity == y.Identity && reflect.DeepEqual(x.Action, y.Action)
					}) {
						t.Fatalf("%s: %v and %v", act.Name, x, y)
					}
				}
			}
		}
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if again := AppendFile(nil, all); string(again) != string(file) {
			t.Fatal("another order gives another file")
		}
	}
}
