package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A record that a case has written stands in the packet as it is written, and the library reads it.
func TestAnnouncements(t *testing.T) {
	made := func(text string) (*instance, string) {
		t.Helper()
		r, err := parseRecord([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		i := &instance{name: "S2", address: addressOf("S2"), record: &r}
		r.fill(i, "1700000000.5")
		return i, r.packet(i)
	}
	_, packet := made(`{"actions":[["A.b.c","read",7],["A.b.d"],["E.f"]],"sector":"web","weight":3,"timestamp":1700000001.25}`)
	a, err := discovery.Verify([]byte(packet))
	if err != nil {
		t.Fatalf("%v: %s", err, packet)
	}
	if a.Ident != "conformance:S2" || a.Weight != 3 || a.Fingerprint != identityOf("S2").fingerprint || len(a.Actions) != 4 {
		t.Errorf("%+v", a)
	}
	if !strings.HasPrefix(packet, `[3,"conformance:S2","web",3,5000,"beepish+tls://10.0.0.2:30100",["json"],[["A.b",["c","read",7],["d",""]],["E",["f",""]],["Barrier",["S2",""]]],1700000001.25]`) {
		t.Error(packet)
	}
	if _, packet := made(`{"signature":"wrong"}`); packet != "" {
		if _, err := discovery.Verify([]byte(packet)); err == nil {
			t.Error("a wrong signature is right")
		}
	}
	i, packet := made(`{"envelopes":[],"extension":{"acsec":["x",[2,"y"],"x"]}}`)
	if got := i.record.sectors(); !slices.Equal(got, []string{"main", "x", "y"}) {
		t.Error(got)
	}
	if !strings.Contains(packet, `,[{"acsec":`) {
		t.Error(packet)
	}
	for _, bad := range []string{`{"what":1}`, `{"actions":[[]]}`, `{"actions":[["nodot"]]}`, `{"actions":[["A.b","",1,2]]}`, `{"certificate":"S0"}`, `{"signature":"right"}`, `[`} {
		if _, err := parseRecord([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
