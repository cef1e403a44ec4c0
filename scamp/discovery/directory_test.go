package discovery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// parsed reads data as Verify does, without a signature; the fingerprint is made up.
func parsed(t testing.TB, v *verifier, fingerprint, data string) *Announcement {
	t.Helper()
	a := &Announcement{Packet: []byte(fingerprint + data)}
	a.Fingerprint = fingerprint
	if err := v.parseData(a, []byte(data)); err != nil {
		t.Fatal(err)
	}
	return a
}

// one parses data for a directory of its own kind.
func one(t testing.TB, replaced ...any) *Announcement {
	t.Helper()
	return parsed(t, &verifier{}, "F", with(t, replaced...))
}

// What the first two examples of the specification register (sections 26.1 and 26.2).
func TestDirectoryExamples(t *testing.T) {
	first := one(t, 1, `"ledger:W8hqXMc04UljFGEJjXF2b9dr"`, 7, `[["Ledger",["post","t30",1],["balance","read,noauth",2]],["Ledger.Report",["daily",""]]]`, 8, 1760000000.000125)
	second := one(t, 1, `"ledger:W8hqXMc04UljFGEJjXF2b9dr"`, 6, `["json",{"vmaj":4,"vmin":0,"acname":["export",[2,"list"],"push"],"acns":[[3,"Ledger.Web"],"Ledger"],"acsec":[[3,"web"],"main"],`+
		`"acenv":[[2,"web"],"json,jsonstore","jsonstore"],"acver":[[2,1],2,1],"acflag":["noauth,t120",[2,""],"create"]}]`,
		7, `[["Ledger",["post","t30",1],["balance","read,noauth",2]]]`, 8, 1760000005.5)
	var d Directory
	check := func(sector, action string, version int, envelope, want string) {
		t.Helper()
		got := ""
		if of := d.Lookup(nil, sector, action, version, envelope); len(of) == 1 {
			got = of[0].Action.Name
		} else if len(of) > 1 {
			t.Errorf("%d candidates", len(of))
		}
		if got != want {
			t.Errorf("%s:%s version %d in %s is %q, want %q", sector, action, version, envelope, got, want)
		}
	}
	d.Replace([]*Announcement{first})
	check("main", "ledger.post", 1, "json", "Ledger.post")
	check("main", "Ledger.BALANCE", 2, "json", "Ledger.balance")
	check("main", "ledger._read", 2, "json", "Ledger.balance")
	check("MAIN", "Ledger._READ", 2, "json", "Ledger.balance")
	check("main", "Ledger._read", 1, "json", "")
	check("main", "ledger.report.daily", 1, "json", "Ledger.Report.daily")
	check("main", "Ledger.balance", 1, "json", "")
	check("web", "Ledger.post", 1, "json", "")
	check("main", "Ledger.post", 1, "jsonstore", "")
	check("main", "Ledger.post", 1, "JSON", "")
	check("main", "Ledger.post", 0, "json", "")
	check("main", "Ledger.post", -1, "json", "")
	d.Replace([]*Announcement{first, second})
	check("main", "ledger.post", 1, "json", "Ledger.post")
	check("main", "ledger._read", 2, "json", "Ledger.balance")
	check("web", "ledger.web.export", 1, "web", "Ledger.Web.export")
	check("web", "ledger.web.list", 1, "web", "Ledger.Web.list")
	check("web", "ledger.web.list", 2, "jsonstore", "Ledger.Web.list")
	check("web", "ledger.web.list", 2, "json", "Ledger.Web.list")
	check("web", "ledger.web.list", 2, "web", "")
	check("main", "ledger.push", 1, "jsonstore", "Ledger.push")
	check("main", "ledger._create", 1, "jsonstore", "Ledger.push")
	check("main", "ledger.push", 1, "json", "")
	check("main", "ledger.report.daily", 1, "json", "") // gone
}

// Of several actions that claim a name or an alias one instance offers one: the last, and a name goes before an alias
// (DISC-ACT-11b, DISC-V4-10e, DISC-ACT-11d).
func TestDirectoryClaimants(t *testing.T) {
	for name, tc := range map[string]struct{ classes, ask, want string }{
		"two aliases":         {`[["Foo",["one","read",1],["two","read",1]]]`, "Foo._read", "Foo.two"},
		"a name and an alias": {`[["Foo",["_read","",1],["two","read",1]]]`, "Foo._read", "Foo._read"},
		"an alias and a name": {`[["Foo",["two","read",1],["_read","",1]]]`, "Foo._READ", "Foo._read"},
		"twice":               {`[["Foo",["bar","t5",1]],["FOO",["BAR","t9",1]]]`, "foo.bar", "FOO.BAR"},
		"delete":              {`[["Foo",["bar","delete",1]]]`, "Foo._delete", ""},
		"delete for destroy":  {`[["Foo",["bar","delete",1]]]`, "Foo._destroy", ""},
		"destroy":             {`[["Foo",["bar","destroy",1]]]`, "Foo._destroy", "Foo.bar"},
		"the kelvin sign":     {`[["Foo",["\u212aey","",1]]]`, "Foo.key", ""},
		"a slash":             {`[["Foo/Qux",["bar","",1]]]`, "Foo.Qux.bar", ""},
	} {
		var d Directory
		d.Replace([]*Announcement{one(t, 7, tc.classes)})
		of := d.Lookup(nil, "main", tc.ask, 1, "json")
		if got := len(of); tc.want == "" && got > 0 || tc.want != "" && (got != 1 || of[0].Action.Name != tc.want) {
			t.Errorf("%s: %+v", name, of)
		}
	}
}

// Instances of several lists are found together, sorted by identity, each once; those of weight 0 or less are not (DISC-WGT-01,
// DISC-IDT-02a, DISC-SHD-02a).
func TestDirectoryLookup(t *testing.T) {
	v := &verifier{lists: &sharedLists{lists: map[string]*list{}}}
	var all []*Announcement
	for i, weight := range []string{"1", "0", "-1", "0.5", "4294967296", "1000"} {
		for _, fingerprint := range []string{"F", "E"} {
			for _, classes := range []string{`[["Foo",["bar","",1]]]`, `[["Foo",["bar","",1],["baz","",1]]]`} {
				ident := fmt.Sprintf(`"%d %d"`, len(classes), i)
				all = append(all, parsed(t, v, fingerprint, with(t, 1, ident, 3, weight, 7, classes)))
			}
		}
	}
	var d Directory
	d.Replace(all)
	var got []string
	for _, i := range d.Lookup([]Instance{{}}, "main", "foo.BAR", 1, "json")[1:] {
		got = append(got, i.Fingerprint+i.Ident)
	}
	if !slices.IsSorted(got) || len(got) != 4*2*2 || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("found %v", got)
	}
	if n := len(d.Lookup(nil, "main", "Foo.baz", 1, "json")); n != 8 {
		t.Errorf("%d offer Foo.baz", n)
	}
	if d.Len() != len(all) || len(d.Instances()) != len(all) {
		t.Errorf("%d instances", d.Len())
	}
	if a := d.Instance(Identity{"E", "22 1"}); a == nil || a.Weight != 0 || d.Instance(Identity{"G", "22 1"}) != nil {
		t.Errorf("instance %+v", a)
	}
	if n := len(d.Lookup(nil, "main", "Foo.nothing", 1, "json")); n != 0 {
		t.Errorf("%d offer nothing", n)
	}
}

// An announcement that was made by hand, and not parsed, is found as well.
func TestDirectoryOfHandMadeAnnouncements(t *testing.T) {
	var d Directory
	if d.Len() != 0 || d.Instances() != nil || d.Instance(Identity{}) != nil || found(&d, "main", "Foo.bar", 1, "json") != nil {
		t.Error("the zero directory is not empty")
	}
	a := &Announcement{Identity: Identity{"F", "x"}, Weight: 1, Actions: []Action{{Sector: "main", Name: "Foo.bar", Version: 1, Envelopes: []string{"json"}, Flags: "create"}}}
	if !d.Replace([]*Announcement{a}) || d.Replace([]*Announcement{a}) {
		t.Error("what has changed is not told")
	}
	if f := found(&d, "main", "foo._create", 1, "json"); len(f) != 1 {
		t.Errorf("found %v", f)
	}
	if !d.Replace(nil) || d.Len() != 0 {
		t.Error("nothing does not replace something")
	}
}

// Of several records of one identity the one with the highest timestamp counts, of equal ones the later; the order of the others
// has no meaning, and nothing is remembered of an earlier file (DISC-RPL-05, DISC-CCH-01c).
func TestDirectoryReplace(t *testing.T) {
	at := func(ident string, timestamp float64, uri string) *Announcement {
		return one(t, 1, `"`+ident+`"`, 5, `"`+uri+`"`, 8, timestamp)
	}
	uris := func(d *Directory) (s string) {
		for _, a := range d.Instances() {
			s += a.Ident + "=" + a.URI + " "
		}
		return s
	}
	var d Directory
	d.Replace([]*Announcement{at("x", 100, "S1"), at("x", 200, "S2"), at("y", 1e15, "S3")})
	d.Replace([]*Announcement{at("x", 200, "S2"), at("x", 100, "S1"), at("y", 5, "S3")})
	if got := uris(&d); got != "x=S2 y=S3 " {
		t.Errorf("highest: %s", got)
	}
	d.Replace([]*Announcement{at("x", 200, "S1"), at("x", 200, "S2"), at("x", 200, "S3"), at("x", 100, "S4")})
	if got := uris(&d); got != "x=S3 " {
		t.Errorf("tie: %s", got)
	}
	d.Replace([]*Announcement{at("x", 50, "S5")})
	if got := uris(&d); got != "x=S5 " {
		t.Errorf("older file: %s", got)
	}
	// Any order gives the same.
	var all []*Announcement
	for i := range 50 {
		all = append(all, at(fmt.Sprint("i", i%20), float64(i), fmt.Sprint("S", i)))
	}
	d.Replace(all)
	want := uris(&d)
	rng := rand.New(rand.NewPCG(5, 5))
	for range 100 {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if d.Replace(all) || uris(&d) != want {
			t.Fatalf("another order gives %s", uris(&d))
		}
	}
}

// Changed tells of every change and of nothing else.
func TestDirectoryChanged(t *testing.T) {
	var d Directory
	closed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	c := d.Changed()
	if closed(c) || d.Changed() != c {
		t.Error("a change of nothing")
	}
	a := one(t)
	d.Replace([]*Announcement{a})
	if !closed(c) {
		t.Error("not told of the first")
	}
	c = d.Changed()
	d.Replace([]*Announcement{a, a})
	d.Replace([]*Announcement{one(t)})
	if closed(c) {
		t.Error("told of what is as before")
	}
	d.Replace([]*Announcement{one(t, 3, 0)})
	if !closed(c) {
		t.Error("not told of weight 0")
	}
}

// While the directory changes, every reader sees one state or another, whole (DISC-CCH-04d).
func TestDirectoryConcurrently(t *testing.T) {
	v := &verifier{lists: &sharedLists{lists: map[string]*list{}}}
	var states [2][]*Announcement
	for s := range states {
		for i := range 20 {
			states[s] = append(states[s], parsed(t, v, "F", with(t, 1, fmt.Sprintf(`"%d"`, i), 7, fmt.Sprintf(`[["Foo",["bar","",1],["v%d","",1]]]`, s))))
		}
	}
	var d Directory
	d.Replace(states[0])
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var room []Instance
			for !done.Load() {
				room = d.Lookup(room[:0], "main", "Foo.bar", 1, "json")
				if len(room) != 20 {
					t.Errorf("%d instances", len(room))
					return
				}
				if all := d.Instances(); len(all) != 20 || all[0].Actions[1].Name != all[19].Actions[1].Name {
					t.Error("half of a state")
					return
				}
			}
		})
	}
	for i := range 500 {
		c := d.Changed()
		d.Replace(states[(i+1)%2])
		<-c
		if n := len(found(&d, "main", fmt.Sprintf("Foo.v%d", (i+1)%2), 1, "json")); n != 20 {
			t.Fatalf("%d have the new version", n)
		}
	}
	done.Store(true)
	wg.Wait()
}

// A look-up allocates nothing.
func TestLookupAllocations(t *testing.T) {
	d := largeDirectory(t, 1000, 100)
	room := make([]Instance, 0, 100)
	if n := testing.AllocsPerRun(1000, func() {
		room = d.Lookup(room[:0], "main", "Company.Service7.Action3", 1, "json")
		room = d.Lookup(room[:0], "main", "company.service7._read", 1, "json")
		room = d.Lookup(room[:0], "web", "No.such", 1, "json")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if room = d.Lookup(room[:0], "main", "Company.Service7.Action3", 1, "json"); len(room) != 10 {
		t.Errorf("%d instances", len(room))
	}
}
