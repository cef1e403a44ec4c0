package main

import (
	"fmt"
	"strings"
)

// vectorsOf is an extension of vectors, each as JSON, in the order in which they are given: key, value, key, value.
func vectorsOf(pairs ...string) string {
	members := []string{`"vmaj":4`, `"vmin":0`}
	for i := 0; i < len(pairs); i += 2 {
		members = append(members, `"`+pairs[i]+`":`+pairs[i+1])
	}
	return "{" + strings.Join(members, ",") + "}"
}

// The good vectors that probes change: two actions with all seven vectors.
var vectorKeys = []string{"acname", "acns", "acsec", "acenv", "acver", "acflag", "accompat"}
var goodVectors = map[string]string{
	"acname": `["x","y"]`, "acns": `[[2,"Bar"]]`, "acsec": `[[2,"main"]]`, "acenv": `[[2,"json"]]`, "acver": `[[2,1]]`, "acflag": `[[2,""]]`, "accompat": `[[2,1]]`,
}

// twoActions is the extension of the good vectors, some of them changed; "" leaves one out.
func twoActions(changes ...string) string {
	var pairs []string
	for _, key := range vectorKeys {
		value := goodVectors[key]
		for i := 0; i < len(changes); i += 2 {
			if changes[i] == key {
				value = changes[i+1]
			}
		}
		if value != "" {
			pairs = append(pairs, key, value)
		}
	}
	return vectorsOf(pairs...)
}

// v4 is section 6: the extension and its vectors.
func v4(g *group) {
	// extended adds a vector: the base packet with an extension behind its envelope.
	extended := func(name, rules, title, extension string, expect verdict, tolerated ...any) {
		g.data(name, rules, title, base.with(envelopes, `["json",`+extension+`]`), expect, tolerated...)
	}
	bad := refused("extension")
	foo, x, y := offers("Foo.bar"), offers("Bar.x"), offers("Bar.y")
	both := used(offering(foo, x, y))

	extended("one-action", "DISC-V4-01a DISC-V4-12", "the last member of element 6 is an extension with one action", vectorsOf("acname", `["x"]`, "acns", `["Bar"]`, "acsec", `["main"]`, "acenv", `["json"]`), used(offering(foo, x)))
	extended("all-vectors", "DISC-V4-01a DISC-V4-10d", "all seven vectors: v3 and v4 actions add up, the v3 ones first", twoActions(), both)
	g.data("two-envelopes-and-an-empty-extension", "DISC-V4-01b", "every string is an envelope name, with an extension behind them too", base.with(envelopes, `["json","web",{}]`),
		used(taking("json", "web"), offering(offers("Foo.bar", takes("json", "web")))))
	for name, extension := range ordered(map[string]string{"empty": `{}`, "version-alone": `{"vmaj":4}`, "unknown-key": `{"x":[1]}`, "other-vectors-but-no-acname": `{"acns":["Bar"],"acsec":["main"]}`}) {
		extended("without-actions-"+name, "DISC-V4-01c", "an extension without acname has no actions: "+extension, extension, used())
	}
	for name, value := range ordered(map[string]string{"null-first": `[null,"json"]`, "others-between": `["json",7,[1],true,"web"]`}) {
		expect := used()
		if name == "others-between" {
			expect = used(taking("json", "web"), offering(offers("Foo.bar", takes("json", "web"))))
		}
		g.data("other-members-"+name, "DISC-V4-02a DISC-CMG-08e", "members of element 6 that are neither strings nor objects are ignored: "+value, base.with(envelopes, value), expect)
	}
	for name, value := range ordered(map[string]string{"null-last": `["json",null]`, "others-last": `["json",7,[1],true]`, "array-last": `["json",["web"]]`}) {
		g.data("other-members-"+name, "DISC-V4-02a DISC-CMG-08e", "they are ignored at the end, too: "+value, base.with(envelopes, value), used(), dropped)
	}
	g.data("object-first", "DISC-V4-02b DISC-CMG-08e", "an object that is not the last member is no extension", base.with(envelopes, "["+twoActions()+`,"json"]`), used(), both)
	g.data("malformed-object-first", "DISC-V4-02b DISC-CMG-08e", "an object that is not the last member is not even looked at", base.with(envelopes, `[{"acname":5},"json"]`), used())
	g.data("two-objects", "DISC-V4-02b DISC-CMG-08e", "of two objects the last is the extension", base.with(envelopes, `["json",{"acname":["z"],"acns":["Bar"],"acsec":["main"],"acenv":["json"]},`+twoActions()+`]`), both)
	extended("other-versions-and-unknown-keys", "DISC-V4-03b", "vmaj and vmin say nothing, unknown keys neither",
		`{"vmaj":9,"vmin":"x","zzz":{},"acname":["x"],"acns":["Bar"],"acsec":["main"],"acenv":["json"]}`, used(offering(foo, x)))
	extended("keys-in-another-case", "DISC-V4-03b", "ACNAME is an unknown key", `{"ACNAME":["x"]}`, used())
	extended("escaped-key", "DISC-V4-01a", "a key that is spelled with an escape is the same key", `{"\u0061cname":["x"],"acns":["Bar"],"acsec":["main"],"acenv":["json"]}`, used(offering(foo, x)))

	four := []action{foo, offers("Bar.a"), offers("Bar.a"), offers("Bar.b"), offers("Bar.d")}
	four[2].Version = 2
	extended("runs", "DISC-V4-04a", "a pair is so many copies, none for 0",
		vectorsOf("acname", `[[2,"a"],"b",[0,"c"],[1,"d"]]`, "acns", `[[4,"Bar"]]`, "acsec", `[[3,"main"],"main"]`, "acenv", `["json","json",[2,"json"]]`, "acver", `[1,2,[2,1]]`), used(offering(four...)))
	for _, entry := range []string{`[]`, `[2]`, `[2,"x","y"]`, `["2","x"]`, `[1.5,"x"]`, `[2.0,"x"]`, `[2e0,"x"]`, `[-1,"x"]`, `[null,"x"]`, `[true,"x"]`, `[[2],"x"]`, `[2,["x"]]`, `[2,{}]`, `[2,"x",null]`} {
		tolerated := []any{}
		if entry == `[2.0,"x"]` || entry == `[2e0,"x"]` { // an integer, in the eyes of some
			tolerated = append(tolerated, usedAnyhow)
		}
		extended("pair-"+slug(strings.NewReplacer("[[", "array-", "-1", "minus-1", "1.5", "one-and-a-half", "2.0", "two-with-fraction", "2e0", "two-with-exponent", `"2"`, "string", "{}", "object", `["x"]`, "an array", "[]", "empty").Replace(entry)),
			"DISC-V4-04c", "a malformed pair: "+entry, twoActions("acname", "["+entry+"]"), bad, tolerated...)
	}
	for _, key := range vectorKeys {
		scalar := strings.Trim(goodVectors[key], "[]")[2:]
		if key == "acname" {
			scalar = `"x"`
		}
		stretched := []any{both}
		if key == "acname" {
			stretched = nil
		}
		extended("bare-scalar-"+key, "DISC-V4-04d", key+" is a bare scalar: it is not stretched over all actions", twoActions(key, scalar), bad, stretched...)
		extended("object-as-"+key, "DISC-V4-04d", key+" is an object", twoActions(key, `{"0":`+scalar+`,"1":`+scalar+`}`), bad)
		extended("null-as-"+key, "DISC-V4-04d", key+" is null: that is no array either", twoActions(key, `null`), bad)
		if key == "acname" {
			continue
		}
		extended("longer-"+key, "DISC-V4-05a", key+" has one entry more than acname", twoActions(key, "[[3,"+scalar+"]]"), bad)
		extended("shorter-"+key, "DISC-V4-05a", key+" has one entry less than acname", twoActions(key, "["+scalar+"]"), bad)
	}
	g.directory("nothing-of-a-bad-extension", "DISC-V4-05b", "good v3 actions beside a short vector: nothing of the packet is registered, the neighbours are",
		[]octets{identityC().packet(pre.String()), identityA().packet(base.with(envelopes, `["json",`+twoActions("acsec", `["main"]`)+`]`).String()), identityC().packet(post.String())},
		find("Foo.bar"), find("Bar.x"), find("Pre.a", of(identityC(), "Pre.a", 1).named("pre", uri2)), find("Post.b", of(identityC(), "Post.b", 1).named("post", uri2)))

	v4Limits(g, extended)
	v4Entries(g, extended)
	v4Announced(g)
}

// v4Limits is how long vectors may become.
func v4Limits(g *group, extended func(name, rules, title, extension string, expect verdict, tolerated ...any)) {
	hostile := func(name, title, extension string, tolerated ...any) {
		extended(name, "DISC-V4-06a DISC-GEN-01b", title, extension, refused("extension"), tolerated...)
		g.vectors[len(g.vectors)-1].Hostile = true
	}
	long := func(n int, more ...string) string {
		pair := func(s string) string { return fmt.Sprintf("[[%d,%s]]", n, s) }
		return twoActions(append([]string{"acname", pair(`"x"`), "acns", pair(`"Bar"`), "acsec", pair(`"main"`), "acenv", pair(`"json"`), "acver", pair("1"), "acflag", pair(`""`), "accompat", pair("1")}, more...)...)
	}
	hostile("expands-to-10001", "all vectors expand to 10 001 entries", long(10001), usedAnyhow)
	hostile("expands-to-100001", "all vectors expand to 100 001 entries: beyond what any receiver may take", long(100001))
	hostile("expands-to-20000000", "all vectors expand to 20 million entries", long(20000000))
	for _, key := range vectorKeys {
		scalar := strings.Trim(goodVectors[key], "[]")[2:]
		if key == "acname" {
			scalar = `"x"`
		}
		for _, count := range []string{"20000000", "18446744073709551615", "18446744073709551617"} {
			hostile("bomb-"+count+"-in-"+key, "a pair in "+key+" says "+count+" copies", twoActions(key, "[["+count+","+scalar+"]]"))
		}
	}
	hostile("many-pairs", "a hundred pairs of 9 999 copies each", twoActions("acname", "["+strings.Repeat(`[9999,"x"],`, 99)+`[9999,"x"]]`))
	hostile("sum-overflows", "two counts whose sum is 2 modulo 2^64", twoActions("acname", `[[9223372036854775808,"x"],[9223372036854775810,"y"]]`))
	hostile("count-of-300-digits", "a count with 300 digits", twoActions("acname", "[["+strings.Repeat("9", 300)+`,"x"]]`))

	ten := vectorsOf("acname", `["first",[9998,"pad"],"last"]`, "acns", `[[10000,"Bar"]]`, "acsec", `[[10000,"main"]]`, "acenv", `[[10000,"json"]]`)
	g.directory("expands-to-10000", "DISC-V4-06b", "10 000 actions are accepted: the first and the last are found", []octets{identityA().packet(base.with(envelopes, `["json",`+ten+`]`).String())},
		find("Bar.first", of(identityA(), "Bar.first", 1)), find("Bar.last", of(identityA(), "Bar.last", 1)), find("Foo.bar", of(identityA(), "Foo.bar", 1)))
	// Ten packets whose vectors are spelled out, every second one with a bad signature.
	packets := []octets{identityC().packet(pre.String())}
	for i := range 10 {
		d := cat(fmt.Sprintf(`[3,"svc:%d","main",1,5000,"beepish+tls://127.0.0.1:30101",["json",{"acname":["first"`, i), times(9998, `,[1,"pad"]`), `,"last"],"acns":["Bar"`, times(9999, `,"Bar"`),
			`],"acsec":["main"`, times(9999, `,"main"`), `],"acenv":["json"`, times(9999, `,"json"`), `]}],[],1700000000.5]`)
		if i%2 == 0 {
			packets = append(packets, identityA().packet(d))
		} else {
			packets = append(packets, identityA().damaged(d, "other data"))
		}
	}
	var found []instance
	for i := 0; i < 10; i += 2 {
		found = append(found, of(identityA(), "Bar.last", 1).named(fmt.Sprintf("svc:%d", i), baseURI))
	}
	g.directory("ten-packets-at-the-limit", "DISC-V4-06c DISC-GEN-01b", "ten packets of 10 000 actions, every second one with a bad signature: all is decided soon, and a neighbour is found", packets,
		find("Bar.last", found...), find("Pre.a", of(identityC(), "Pre.a", 1).named("pre", uri2)))
}

// v4Entries is what the entries of the vectors may be and what they mean.
func v4Entries(g *group, extended func(name, rules, title, extension string, expect verdict, tolerated ...any)) {
	bad := refused("extension")
	foo, x, y := offers("Foo.bar"), offers("Bar.x"), offers("Bar.y")
	for _, key := range []string{"acname", "acns", "acsec", "acenv", "acflag"} {
		for name, entry := range ordered(map[string]string{"number": "5", "null": "null", "true": "true", "object": "{}", "number-run": "[2,5]"}) {
			value := `["x",` + entry + "]"
			if name == "number-run" {
				value = "[" + entry + "]"
			}
			extended(name+"-in-"+key, "DISC-V4-07a", key+" has the entry "+entry+", which is no string", twoActions(key, value), bad)
		}
	}
	for _, key := range []string{"acver", "accompat"} {
		for name, entry := range ordered(map[string]string{"minus-1": "-1", "fraction": "1.5", "null": "null", "word": `"x"`, "true": "true", "exponent": "1e0"}) {
			tolerated := []any{}
			if name == "exponent" {
				tolerated = append(tolerated, usedAnyhow)
			}
			extended(name+"-in-"+key, "DISC-V4-07b", key+" has the entry "+entry+", which is no integer of at least 1", twoActions(key, "[1,"+entry+"]"), bad, tolerated...)
		}
		extended("string-in-"+key, "DISC-V4-07b", key+" has a string of digits", twoActions(key, `[1,"1"]`), bad, used(offering(foo, x, y)))
		extended("zero-in-"+key, "DISC-V4-07b", key+" has a zero", twoActions(key, "[1,0]"), bad, used(offering(foo, x)), used(offering(foo, x, offers("Bar.y", version(0)))))
	}
	extended("without-accompat", "DISC-V4-08a", "without accompat every action has calling convention 1", twoActions("accompat", ""), used(offering(foo, x, y)))
	extended("without-acver", "DISC-V4-08b", "without acver every action has version 1", twoActions("acver", ""), used(offering(foo, x, y)))
	extended("without-acflag", "DISC-V4-08c", "without acflag no action has flags", twoActions("acflag", ""), used(offering(foo, x, y)))
	for _, key := range []string{"acns", "acsec", "acenv"} {
		extended("without-"+key, "DISC-V4-08d", "without "+key+" the packet is dropped", twoActions(key, ""), bad)
	}
	extended("acname-empty-alone", "DISC-V4-08e", "an empty acname alone means no v4 actions", `{"acname":[]}`, used(), dropped)
	extended("acname-empty-in-effect", "DISC-V4-08e", "an acname that expands to nothing means no v4 actions", `{"acname":[[0,"x"]]}`, used(), dropped)
	extended("all-vectors-empty", "DISC-V4-08e", "empty vectors beside an empty acname", `{"acname":[],"acns":[],"acsec":[],"acenv":[],"acver":[],"acflag":[]}`, used())
	extended("calling-convention-2", "DISC-V4-09", "an action of another calling convention is not offered", twoActions("accompat", "[1,2]"), used(offering(foo, x)))
	extended("calling-convention-huge", "DISC-V4-09", "a calling convention of 20 digits is another one", twoActions("accompat", "[1,18446744073709551617]"), used(offering(foo, x)), dropped)
	extended("version-huge", "DISC-ACT-05e", "a version above the range is not reduced to another: the action is skipped", twoActions("acver", "[4294967297,1]"), used(offering(foo, y)), used(offering(foo, offers("Bar.x", version(4294967297)), y)), dropped)
	extended("version-of-20-digits", "DISC-ACT-05e", "2^64+1 is not version 1", twoActions("acver", "[18446744073709551617,1]"), used(offering(foo, y)), dropped)
	extended("version-largest", "DISC-ACT-05a", "2147483647 is a version", twoActions("acver", "[2147483647,1]"), used(offering(foo, offers("Bar.x", version(2147483647)), y)))
	extended("envelopes-of-an-action", "DISC-V4-10a", "acenv is the whole list of an action; element 6 does not apply to it", twoActions("acenv", `["web,jsonstore","json"]`),
		used(offering(foo, offers("Bar.x", takes("web", "jsonstore")), y)))
	g.directory("envelopes-of-an-action-are-called", "DISC-V4-10a DISC-V4-12 DISC-ENL-01a", "acenv is the whole list of an action", []octets{identityA().packet(base.with(envelopes, `["json",`+twoActions("acenv", `["web,jsonstore","json"]`)+`]`).String())},
		find("Bar.x").by("json"), find("Bar.x", of(identityA(), "Bar.x", 1)).by("web"), find("Bar.x", of(identityA(), "Bar.x", 1)).by("jsonstore"), find("Bar.x").by("web,jsonstore"), find("Bar.x").by("store"))
	extended("flags", "DISC-V4-10b DISC-ACT-08a", "acflag has the form of v3 flags", twoActions("acflag", `["read,t30","noauth,wibble"]`),
		used(offering(foo, offers("Bar.x", flags("read"), lasts(30), aliases("Bar._read")), offers("Bar.y", flags("noauth")))))
	extended("sectors", "DISC-V4-10c", "acsec is the sector of an action; element 2 does not apply to it", twoActions("acsec", `["web","main"]`), used(offering(foo, offers("Bar.x", in("web")), y)))
	g.directory("sectors-are-called", "DISC-V4-10c DISC-V4-12", "an action is found in its own sector only", []octets{identityA().packet(base.with(envelopes, `["json",`+twoActions("acsec", `["web","main"]`)+`]`).String())},
		find("Bar.x").in("main"), find("Bar.x", of(identityA(), "Bar.x", 1)).in("web"), find("Foo.bar", of(identityA(), "Foo.bar", 1)), find("Foo.bar").in("web"))
	extended("names-that-cannot-be-called", "DISC-ACT-01b DISC-ACT-02a DISC-ACT-02b", "in the vectors, too, a dot in the name and colons cost the action", vectorsOf("acname", `["a.b","c","d:e","y"]`, "acns", `["Bar","B:ar",[2,"Bar"]]`, "acsec", `[[4,"main"]]`, "acenv", `[[4,"json"]]`), used(offering(foo, y)), dropped)
	extended("sector-with-colon", "DISC-ACT-02a", "a colon in acsec costs the action", twoActions("acsec", `["main:x","main"]`), used(offering(foo, y)), dropped)

	twice := base.with(envelopes, `["json",`+vectorsOf("acname", `["bar"]`, "acns", `["Foo"]`, "acsec", `["main"]`, "acenv", `["json"]`, "acflag", `["t9"]`)+`]`).with(classes, `[["Foo",["bar","t5",1]]]`)
	g.directory("action-in-classes-and-vectors", "DISC-V4-10e", "an action that is listed twice counts once, and the last entry applies: v4 after v3", []octets{identityA().packet(twice.String())},
		find("Foo.bar", of(identityA(), "Foo.bar", 1).seconds(9)).or(of(identityA(), "Foo.bar", 1).seconds(5)))
	g.directory("action-twice-in-classes", "DISC-V4-10e", "an action that is listed twice counts once, and the last entry applies", []octets{identityA().packet(base.with(classes, `[["Foo",["bar","t5",1],["BAR","t9",1]]]`).String())},
		find("Foo.bar", of(identityA(), "Foo.BAR", 1).seconds(9)).or(of(identityA(), "Foo.bar", 1).seconds(5)))

	g.packet("example-of-section-26", "DISC-V4-04a DISC-V4-10d", "the worked example 26.2 of the specification", text(example2()), ledger2())
}

// v4Announced is what an announcer makes of actions that need vectors.
func v4Announced(g *group) {
	section := identityA().section + "\n"
	s := plainService()
	s.Actions = []offered{{Name: "Foo.bar"}, {Name: "Shop.list", Sector: "web"}, {Name: "Shop.show", Sector: "web"}, {Name: "Foo.baz", Envelopes: []string{"json", "web"}, Flags: "read,t30"}}
	g.announce("announce-other-sectors-and-envelopes", "DISC-V4-11a DISC-V4-03a DISC-V4-04b DISC-V4-05c DISC-V4-02c DISC-JSN-02a", "what differs in sector or envelopes stands in the vectors", section, s,
		announced(offering(offers("Foo.bar"), offers("Shop.list", in("web")), offers("Shop.show", in("web")), offers("Foo.baz", takes("json", "web"), flags("read"), lasts(30), aliases("Foo._read")))))
	g.announce("announce-no-empty-extension", "DISC-V4-01d DISC-V4-02c", "without v4 actions there is no extension", section, plainService(), announced())
	s = plainService()
	s.Actions, s.Repeat = []offered{{Name: "Foo.#", Sector: "web"}}, 10001
	g.announce("announce-10001-vector-actions", "DISC-V4-06d", "more than 10 000 actions do not fit into the vectors of one packet", section, s, failed)
	s.Repeat = 10000
	g.announce("announce-10000-vector-actions", "DISC-V4-06d", "10 000 actions do", section, s, verdict{Outcome: "announced"}, failed)
}
