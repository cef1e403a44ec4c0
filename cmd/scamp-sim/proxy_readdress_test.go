package main

import (
	"reflect"
	"testing"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// An announcement that is signed anew says what it said before, in whatever form, but
// for its address and who says so.
func TestReaddress(t *testing.T) {
	server, other := fixtureSigner(t, "server"), fixtureSigner(t, "other")
	for _, data := range []string{
		`[3,"a:x","main",1,5000,"beepish+tls://10.0.0.1:30100",["json"],[["A",["b","noauth,t5",2],["c"]]],1700000000.123456]`,
		`[3,"é\u00e9","web",0,5000.5,"scamp+tls://10.0.0.1:30100",["json","x",{"vmaj":4,"vmin":0,"acns":[[2,"A"]],"acname":["a","b"],"acver":[[2,1]],"acenv":[[2,"json"]],"acflag":[[2,""]],"acsec":["s","t"],"more":{"k":[1]}}],null,1e9]`,
		"[3, \"a\",\t\"main\",-1,1,\"\",[ ], [],0.1]",
	} {
		packet, err := server.SignData([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		before, err := discovery.Verify(packet)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readdress(before.Packet, other, "beepish+tls://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		after, err := discovery.Verify(again)
		if err != nil {
			t.Fatal(err)
		}
		if after.Fingerprint != other.Fingerprint || after.URI != "beepish+tls://127.0.0.1:1" {
			t.Errorf("%s: %s at %s", data, after.Fingerprint, after.URI)
		}
		if !reflect.DeepEqual(before.Actions, after.Actions) || !reflect.DeepEqual(before.Envelopes, after.Envelopes) || before.Ident != after.Ident ||
			before.Sector != after.Sector || before.Weight != after.Weight || before.Interval != after.Interval || before.Timestamp != after.Timestamp {
			t.Errorf("%s:\n%+v\n%+v", data, before, after)
		}
	}
}
