package main

import "crypto"

// cmg is section 12, as far as it says which packets a cache manager relays.
func cmg(g *group) {
	a, b, c := identityA(), identityB(), identityC()
	d := base.String()
	g.relay("valid-and-broken", "DISC-CMG-01a DISC-SIG-06a", "a valid packet appears in the file, one with a broken signature does not", []octets{a.packet(d), c.damaged(d, "other data")}, []int{0})
	g.relay("of-any-fingerprint", "DISC-CMG-01b DISC-CMG-01c DISC-CMG-02c", "packets of any fingerprint are relayed, as they came", []octets{a.packet(d), b.packet(d), c.packet(d)}, []int{0, 1, 2})
	g.relay("as-it-came", "DISC-CMG-01c", "data with blanks and escapes, and a signature in one line, are not re-encoded",
		[]octets{assemble(text("[ 3,"+d[3:]), a.section, lines(a.key.sign(crypto.SHA256, []byte("[ 3,"+d[3:])), 344)), c.packet(base.with(ident, `"\u0073vc"`).String())}, []int{0, 1})
	g.relay("weight-0", "DISC-CMG-05a", "a weight-0 packet takes the place of the earlier one", []octets{a.packet(d), a.packet(base.with(weight, "0").with(classes, "[]").with(timestamp, "1700000001").String())}, []int{1})
	var updates []octets
	for _, t := range []string{"1", "2", "3", "4", "5"} {
		updates = append(updates, a.packet(base.with(timestamp, t).String()))
	}
	g.relay("one-record-per-identity", "DISC-CMG-05b DISC-RPL-01a", "of several updates of one identity the last one is there, and a late older one is not", append(updates, a.packet(base.with(timestamp, "2.5").String())), []int{4})
	refuses := func(name, rules, title string, d data) {
		g.relay(name, rules, title, []octets{c.packet(pre.String()), a.packet(d.String()), c.packet(post.String())}, []int{0, 2}, []int{0, 1, 2})
	}
	g.relay("object-form", "DISC-CMG-08a", "the object form is not relayed", []octets{a.packet(`{"vmaj":4,"vmin":0,"ident":"x","sector":"main","wgt":1,"intvl":5000,"uri":"beepish+tls://127.0.0.1:30101","env":["json"],"v3actions":[],"ts":1}`), c.packet(post.String())}, []int{1}, []int{0, 1})
	g.relay("eight-elements", "DISC-CMG-08a", "eight elements are not relayed", []octets{a.packet(base.first(8)), c.packet(post.String())}, []int{1})
	g.relay("ten-elements", "DISC-CMG-08a", "ten elements are not relayed", []octets{a.packet(base.first(9)[:len(base.first(9))-1] + ",1]"), c.packet(post.String())}, []int{1}, []int{0, 1})
	for name, changed := range ordered(map[string]data{"weight-string": base.with(weight, `"1"`), "ident-null": base.with(ident, "null"), "envelopes-string": base.with(envelopes, `"json"`), "classes-object": base.with(classes, "{}")}) {
		refuses("types-"+name, "DISC-CMG-08b", "a wrong type is not relayed: "+name, changed)
	}
	for name, value := range ordered(map[string]string{"one-member": `[["Foo",["bar"]]]`, "empty": `[["Foo",[]]]`, "four-members": `[["Foo",["bar","",1,"x"]]]`, "namespace-alone": `[["Foo"]]`, "empty-record": `[[]]`, "no-array": `["Foo"]`}) {
		refuses("entries-"+name, "DISC-CMG-08c", "an action entry of other than two or three members, or a class record without actions, is not relayed: "+value, base.with(classes, value))
	}
	for name, changed := range ordered(map[string]data{"weight-fraction": base.with(weight, "0.5"), "weight-negative": base.with(weight, "-1"), "weight-exponent": base.with(weight, "1e0"), "interval-fraction": base.with(intervalMS, "0.1"), "interval-with-fraction": base.with(intervalMS, "5000.0"), "interval-exponent": base.with(intervalMS, "5e3"), "interval-negative": base.with(intervalMS, "-5000")}) {
		refuses("numbers-"+name, "DISC-CMG-08d", "a weight or interval that is no plain integer is not relayed: "+name, changed)
	}
	for name, value := range ordered(map[string]string{"null-first": `[null,"json"]`, "null-last": `["json",null]`, "number-last": `["json",5]`, "object-first": `[{},"json"]`}) {
		refuses("envelopes-"+name, "DISC-CMG-08e", "an envelope list with other members is not relayed: "+value, base.with(envelopes, value))
	}
	g.relay("null-classes", "DISC-JSN-05a DISC-CMG-05a", "null classes are relayed", []octets{a.packet(base.with(classes, "null").String())}, []int{0})
	g.relay("vectors", "DISC-CMG-01a DISC-V4-05b", "good vectors are relayed, bad ones are not", []octets{a.packet(base.with(envelopes, `["json",`+twoActions()+`]`).String()), c.packet(base.with(envelopes, `["json",`+twoActions("acsec", `["main"]`)+`]`).String())}, []int{0})
	g.relay("raw-utf8", "DISC-CMG-08f DISC-ENV-06b", "data outside ASCII is relayed, or refused", []octets{a.packet(base.with(ident, `"svc:é"`).String()), c.packet(post.String())}, []int{0, 1}, []int{1})
}
