package discovery

import (
	"fmt"
	"testing"
)

// largeDirectory has so many instances of so many services, each with ten actions.
func largeDirectory(t testing.TB, instances, services int) *Directory {
	v := &verifier{lists: &sharedLists{lists: map[string]*list{}}}
	var all []*Announcement
	for i := range instances {
		classes := fmt.Sprintf(`[["Company.Service%d",["list","read",1]`, i%services)
		for k := range 9 {
			classes += fmt.Sprintf(`,["action%d","noauth",1]`, k)
		}
		all = append(all, parsed(t, v, "F", with(t, 1, fmt.Sprintf(`"%06d"`, i), 7, classes+"]]")))
	}
	d := new(Directory)
	d.Replace(all)
	return d
}

// BenchmarkLookup looks up an action that 50 instances offer, among 10,000 instances.
func BenchmarkLookup(b *testing.B) {
	d := largeDirectory(b, 10000, 200)
	room := make([]Instance, 0, 50)
	b.ReportAllocs()
	for b.Loop() {
		if room = d.Lookup(room[:0], "main", "Company.Service7.action3", 1, "json"); len(room) != 50 {
			b.Fatal(len(room))
		}
	}
}
