package discovery

import (
	"testing"
)

// A cache manager passes on what every requester can read (DISC-CMG-08), and nothing that would forge a record (DISC-ENV-04c).
func TestRelay(t *testing.T) {
	for _, tc := range []struct {
		name, data, more string
		rule             string // "": it is passed on
	}{
		{"base", base, "", ""},
		{"weight 0", with(t, 3, 0, 7, "[]"), "", ""},
		{"null classes", with(t, 7, "null"), "", ""},
		{"two members", with(t, 7, `[["Foo",["bar",""],["baz",null,2]],["Foo",["x","",1]]]`), "", ""},
		{"an extension", with(t, 6, `["json","web",{"acname":["x"],"acns":["A"],"acsec":["web"],"acenv":["web"]}]`), "", ""},
		{"an empty extension", with(t, 6, `["json",{}]`), "", ""},
		{"no envelopes", with(t, 6, `[]`), "", ""},
		{"white space", "[ 3 ,\t\"x\", \"main\" , 1 , 5000 ,\"u\", [ \"json\" ] , [ [ \"Foo\" , [ \"bar\" , \"\" , 1 ] ] ] , 1 ]", "", ""},
		{"numbers of any size", with(t, 3, 4294967296, 4, "999999999999999"), "", ""},
		{"a fourth section", base, "extra\n", ""},

		{"04c: a marker behind", base, "x\n%%%\ny\n", "DISC-ENV-04c"},
		{"04c: a marker at once", base, "\n%%%\n", "DISC-ENV-04c"},
		{"04c: half a marker at the end", base, "x\n%%%", "DISC-ENV-04c"},
		{"08c: one member", with(t, 7, `[["Foo",["bar"]]]`), "", "DISC-CMG-08c"},
		{"08c: four members", with(t, 7, `[["Foo",["bar","",1,2]]]`), "", "DISC-CMG-08c"},
		{"08c: no members", with(t, 7, `[["Foo",["baz","",1],[]]]`), "", "DISC-CMG-08c"},
		{"08c: a string", with(t, 7, `[["Foo","bar"]]`), "", "DISC-CMG-08c"},
		{"08c: a class without actions", with(t, 7, `[["Foo"]]`), "", "DISC-CMG-08c"},
		{"08c: an empty class", with(t, 7, `[["Foo",["bar","",1]],[]]`), "", "DISC-CMG-08c"},
		{"08c: no class", with(t, 7, `[7]`), "", "DISC-CMG-08c"},
		{"08d: weight 0.5", with(t, 3, "0.5"), "", "DISC-CMG-08d"},
		{"08d: weight -1", with(t, 3, "-1"), "", "DISC-CMG-08d"},
		{"08d: weight -0", with(t, 3, "-0"), "", "DISC-CMG-08d"},
		{"08d: weight 0.0", with(t, 3, "0.0"), "", "DISC-CMG-08d"},
		{"08d: interval 0.1", with(t, 4, "0.1"), "", "DISC-CMG-08d"},
		{"08d: interval 5000.0", with(t, 4, "5000.0"), "", "DISC-CMG-08d"},
		{"08d: interval 5e3", with(t, 4, "5e3"), "", "DISC-CMG-08d"},
		{"08d: interval beyond everything", with(t, 4, "9999999999999999"), "", "DISC-CMG-08d"},
		{"08e: null first", with(t, 6, `[null,"json"]`), "", "DISC-CMG-08e"},
		{"08e: null last", with(t, 6, `["json",null]`), "", "DISC-CMG-08e"},
		{"08e: a number", with(t, 6, `["json",5]`), "", "DISC-CMG-08e"},
		{"08e: the object is not last", with(t, 6, `["json",{},"web"]`), "", "DISC-CMG-08e"},
		{"08e: two objects", with(t, 6, `["json",{},{}]`), "", "DISC-CMG-08e"},
	} {
		p := append(signed(t, tc.data), tc.more...)
		a, err := Verify(p)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		err = relay(p, a)
		if e, _ := err.(*Error); tc.rule == "" && err != nil || tc.rule != "" && (e == nil || e.Rule != tc.rule) {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.rule)
		}
	}
	// What is no array of nine elements with the right types does not get as far as that (DISC-CMG-08a, 08b).
	for name, data := range map[string]string{
		"object form": `{"vmaj":4,"vmin":0,"ident":"x","sector":"main","wgt":1,"intvl":5000,"uri":"u","env":["json"],"v3actions":[],"ts":1}`,
		"eight":       `[3,"x","main",1,5000,"u",["json"],[]]`, "ten": `[3,"x","main",1,5000,"u",["json"],[],1,2]`,
		"04a": with(t, 1, 5), "04c": with(t, 3, `"0"`), "04d": with(t, 6, "null"), "04e": with(t, 7, "{}"),
	} {
		if _, err := Verify(signed(t, data)); err == nil {
			t.Errorf("%s is used", name)
		}
	}
}
