package main

import (
	"fmt"
	"strings"
)

// act is section 7: actions, versions, flags, aliases.
func act(g *group) {
	// listed adds a vector: the base packet with these classes.
	listed := func(name, rules, title, value string, expect verdict, tolerated ...any) {
		g.data(name, rules, title, base.with(classes, value), expect, tolerated...)
	}
	ok := offers("Foo.ok")
	beside := func(entry string) string { return `[["Foo",` + entry + `,["ok","",1]]]` }

	listed("dots-in-the-namespace", "DISC-ACT-01a", "the last dot separates namespace and name", `[["A.B",["c","",1]]]`, used(offering(offers("A.B.c"))))
	listed("dot-in-the-name", "DISC-ACT-01b", "an action with a dot in its own name is skipped", beside(`["a.b","",1]`), used(offering(ok)), used(offering(offers("Foo.a.b"), ok)), dropped)
	listed("empty-namespace", "DISC-ACT-01d", "an action without a namespace is skipped", `[["",["x","",1]],["Foo",["ok","",1]]]`, used(offering(ok)), used(offering(offers(".x"), ok)), dropped)
	listed("empty-name", "DISC-ACT-01d", "an action without a name is skipped", beside(`["","",1]`), used(offering(ok)), used(offering(offers("Foo."), ok)), dropped)
	g.data("colon-in-the-sector", "DISC-ACT-02a DISC-AUT-08", "actions of a sector with a colon are never called", base.with(sector, `"main:x"`), used(inSector("main:x"), offering()), dropped)
	listed("colons-in-names", "DISC-ACT-02b DISC-AUT-08", "a colon in namespace or name costs the action", `[["Fo:o",["bar","",1]],["Foo",["b:r","",1],["ok","",1]]]`, used(offering(ok)), dropped)
	listed("slash-in-the-namespace", "DISC-ACT-03", "no character is translated", `[["Foo/Qux",["bar","",1]]]`, used(offering(offers("Foo/Qux.bar"))))
	listed("odd-characters-in-names", "DISC-ACT-03", "blanks, quotes, line ends and characters outside ASCII are taken as they are", `[["F o",["b\"a\nr\u00e9","",1]]]`, used(offering(offers("F o.b\"a\nré"))))
	g.directory("slash-is-no-dot", "DISC-ACT-03", "Foo/Qux.bar is not found as Foo.Qux.bar", []octets{identityA().packet(base.with(classes, `[["Foo/Qux",["bar","",1]]]`).String())},
		find("Foo/Qux.bar", of(identityA(), "Foo/Qux.bar", 1)), find("Foo.Qux.bar"))

	bar := offers("Foo.bar")
	for name, entry := range ordered(map[string]string{"name-alone": `["bar"]`, "name-and-flags": `["bar",""]`, "with-version": `["bar","",1]`}) {
		tolerated := []any{}
		if name == "name-alone" {
			tolerated = append(tolerated, dropped)
		}
		listed("entry-"+name, "DISC-ACT-04a DISC-ACT-05c DISC-ACT-06", "an entry of one, two or three members: "+entry, beside(entry), used(offering(bar, ok)), tolerated...)
	}
	listed("entry-null-flags", "DISC-ACT-04b", "null flags are none", beside(`["bar",null,1]`), used(offering(bar, ok)), dropped)
	listed("entry-null-flags-no-version", "DISC-ACT-04b DISC-ACT-04a", "null flags are none, also without a version", beside(`["bar",null]`), used(offering(bar, ok)), dropped)
	listed("entry-null-flags-version-3", "DISC-ACT-04b DISC-ACT-05a", "null flags are none, beside a version", beside(`["bar",null,3]`), used(offering(offers("Foo.bar", version(3)), ok)), dropped)
	listed("entry-further-members", "DISC-ACT-04c", "members after the third are ignored", beside(`["bar","",1,"x",null,{"y":[]}]`), used(offering(bar, ok)), dropped)
	for name, entry := range ordered(map[string]string{"empty": `[]`, "string": `"bar"`, "number": `7`, "null": `null`, "object": `{"0":"bar"}`, "true": `true`, "name-is-a-number": `[7]`, "name-is-null": `[null,"",1]`, "name-is-an-array": `[["bar"],"",1]`}) {
		listed("entry-"+name, "DISC-ACT-04d", "an entry that has no name is skipped: "+entry, beside(entry), used(offering(ok)), dropped)
	}
	for name, entry := range ordered(map[string]string{"number": `["bar",5,1]`, "array": `["bar",[],1]`, "object": `["bar",{},1]`, "true": `["bar",true,1]`}) {
		listed("flags-are-"+name, "DISC-ACT-04d", "an entry with flags that are neither string nor null is skipped: "+entry, beside(entry), used(offering(ok)), used(offering(bar, ok)), dropped)
	}
	actVersions(listed, beside)
	actFlags(g, listed, beside)
	actNames(g)
	actAnnounced(g)
}

func actVersions(listed func(name, rules, title, value string, expect verdict, tolerated ...any), beside func(string) string) {
	ok := offers("Foo.ok")
	is := func(n int) verdict { return used(offering(offers("Foo.bar", version(n)), ok)) }
	skipped := used(offering(ok))
	versioned := func(name, rule, title, v string, expect verdict, tolerated ...any) {
		listed("version-"+name, rule, title, beside(`["bar","",`+v+`]`), expect, tolerated...)
	}
	versioned("7", "DISC-ACT-05a", "a version is a JSON integer", "7", is(7))
	versioned("largest", "DISC-ACT-05a", "the largest version", "2147483647", is(2147483647))
	versioned("string", "DISC-ACT-05b", "a string of digits is the version it spells", `"3"`, is(3))
	versioned("string-with-leading-zeros", "DISC-ACT-05b", "leading zeros do not count", `"03"`, is(3), skipped)
	versioned("string-01", "DISC-ACT-05b", "leading zeros do not count", `"01"`, is(1), skipped)
	versioned("largest-string", "DISC-ACT-05b", "the largest version, as a string", `"2147483647"`, is(2147483647))
	versioned("null", "DISC-ACT-05c", "a null version is 1", "null", is(1), skipped)
	own := map[string]int{"zero": 0, "minus-1": -1}
	for name, v := range ordered(map[string]string{"zero": "0", "empty-string": `""`, "word": `"abc"`, "fraction": "1.5", "minus-1": "-1", "true": "true", "array": "[1]", "object": "{}",
		"string-zero": `"0"`, "string-with-sign": `"+1"`, "string-with-blank": `" 1"`, "string-minus-1": `"-1"`, "string-fraction": `"1.0"`, "string-hexadecimal": `"0x1"`, "string-other-digits": `"\u0661"`, "string-exponent": `"1e0"`}) {
		tolerated := []any{dropped}
		switch name {
		case "zero", "minus-1":
			tolerated = append(tolerated, is(own[name]))
		}
		switch name {
		case "empty-string", "zero", "true", "fraction", "word":
			tolerated = append(tolerated, is(1))
		}
		versioned(name, "DISC-ACT-05d", "an action whose version is none is skipped: "+v, v, skipped, tolerated...)
	}
	for name, v := range ordered(map[string]string{"exponent": "1e0", "with-fraction-zero": "1.0"}) {
		versioned(name, "DISC-ACT-05d", "an integer that is not written as one: "+v, v, skipped, is(1), dropped)
	}
	for name, v := range ordered(map[string]string{"2147483648": "2147483648", "4294967296": "4294967296", "4294967297": "4294967297", "18446744073709551617": "18446744073709551617", "1e300": "1e300",
		"300-digits": strings.Repeat("9", 300), "string-4294967297": `"4294967297"`, "string-18446744073709551617": `"18446744073709551617"`}) {
		tolerated := []any{dropped}
		if !strings.HasPrefix(v, "1e") && len(v) <= 10 {
			n := 0
			fmt.Sscan(v, &n)
			tolerated = append(tolerated, is(n))
		}
		versioned("above-"+name, "DISC-ACT-05e", "a version above the range is not reduced to another one: "+v, v, skipped, tolerated...)
	}
}

func actFlags(g *group, listed func(name, rules, title, value string, expect verdict, tolerated ...any), beside func(string) string) {
	ok := offers("Foo.ok")
	flagged := func(name, rules, title, f string, changes ...func(*action)) {
		listed(name, rules, title, beside(`["bar",`+f+`,1]`), used(offering(offers("Foo.bar", changes...), ok)))
	}
	flagged("flags", "DISC-ACT-08a", "flags are tokens between commas", `"read,noauth"`, flags("noauth", "read"), aliases("Foo._read"))
	flagged("flags-the-other-way", "DISC-ACT-08a", "their order has no meaning", `"noauth,read"`, flags("noauth", "read"), aliases("Foo._read"))
	flagged("all-flags", "DISC-ACT-08a DISC-ACT-11a", "every defined flag", `"create,read,update,destroy,noauth,t30,secret,public"`,
		flags("create", "destroy", "noauth", "public", "read", "secret", "update"), lasts(30), aliases("Foo._create", "Foo._destroy", "Foo._read", "Foo._update"))
	flagged("escaped-flags", "DISC-ACT-08a", "the flags are a JSON string: its escapes are read", `"re\u0061d\u002cnoauth"`, flags("noauth", "read"), aliases("Foo._read"))
	flagged("unknown-flags", "DISC-ACT-08b", "unknown and empty tokens have no effect", `"read,wibble,,x9"`, flags("read"), aliases("Foo._read"))
	flagged("flags-in-another-case", "DISC-ACT-08c", "READ is not read", `"READ,NoAuth,T5"`)
	flagged("flags-with-blanks", "DISC-ACT-08c", "tokens are not trimmed", `" read,noauth ,\tupdate, t5"`)
	flagged("flags-in-longer-words", "DISC-ACT-08c", "a flag is a whole token", `"unread,readonly,noauthors,read noauth"`)
	flagged("delete-is-no-flag", "DISC-ACT-11d", "the deleting flag is called destroy", `"delete"`)
	for flag, n := range ordered(map[string]int{"t1": 1, "t2": 2, "t86400": 86400}) {
		flagged("timeout-"+flag, "DISC-ACT-10a", fmt.Sprintf("%s: the action may take %d s", flag, n), `"`+flag+`"`, lasts(n))
	}
	for name, f := range ordered(map[string]string{"t0": "t0", "t86401": "t86401", "t99999999999": "t99999999999", "t-alone": "t", "t-minus-1": "t-1", "t-plus-5": "t+5", "t5x": "t5x", "t5-and-a-half": "t5.5", "t1e3": "t1e3", "t-blank-5": "t 5",
		"t-arabic-digit": "t\u0665", "t-full-width-digit": "t\uff15", "t-2-to-the-64-plus-5": "t18446744073709551621", "t-underscore": "t1_0", "t-hexadecimal": "t0x5", "capital": "T5"}) {
		tolerated := []any{}
		if f == "t86401" {
			tolerated = append(tolerated, used(offering(offers("Foo.bar", lasts(86401)), ok)))
		}
		listed("bad-timeout-"+name, "DISC-ACT-10b", "a bad timeout flag has no effect: "+f, beside(`["bar","`+f+`",1]`), used(offering(offers("Foo.bar"), ok)), tolerated...)
	}
	listed("last-timeout-wins", "DISC-ACT-10c", "of several timeouts the last one applies", beside(`["bar","t9,t2",1]`), used(offering(offers("Foo.bar", lasts(2)), ok)), used(offering(offers("Foo.bar", lasts(9)), ok)))
	listed("last-good-timeout-wins", "DISC-ACT-10c", "a bad one behind a good one does not count", beside(`["bar","t9,t0,tx",1]`), used(offering(offers("Foo.bar", lasts(9)), ok)))
}

// actNames is how callers find actions.
func actNames(g *group) {
	a := identityA()
	directory := func(name, rules, title, value string, calls ...call) {
		g.directory(name, rules, title, []octets{a.packet(base.with(classes, value).String())}, calls...)
	}
	directory("names-without-case", "DISC-ACT-07a DISC-ACT-07b", "names match without ASCII case, and the announced spelling is the real name", `[["FoO",["BaR","",1]]]`,
		find("foo.bar", of(a, "FoO.BaR", 1)), find("FOO.BAR", of(a, "FoO.BaR", 1)), find("FoO.BaR", of(a, "FoO.BaR", 1)), find("foo.ba"), find("foo.barr"), find("foo_bar"))
	directory("kelvin-sign", "DISC-ACT-07a", "only ASCII letters are folded", `[["Foo",["\u212aey","",1]]]`,
		find("Foo.key").or(of(a, "Foo.\u212aey", 1)), find("Foo.\u212aey", of(a, "Foo.\u212aey", 1)), find("foo.\u212aEY", of(a, "Foo.\u212aey", 1)))
	directory("accents-are-not-folded", "DISC-ACT-07a", "letters outside ASCII match exactly", `[["Foo",["\u00e9","",1]]]`, find("foo.é", of(a, "Foo.é", 1)), find("foo.É").or(of(a, "Foo.é", 1)))
	g.directory("sector-without-case", "DISC-ACT-07a", "ASCII case only: brackets and at-signs are not letters", []octets{a.packet(base.with(classes, `[["Foo",["[a]","",1],["@","",1]]]`).String())},
		find("foo.[A]", of(a, "Foo.[a]", 1)), find("foo.{a}"), find("foo.`"))
	directory("versions-are-kept-apart", "DISC-ACT-05a", "an action is found under its version alone", `[["Foo",["bar","",1],["bar","",3],["baz","","7"]]]`,
		find("Foo.bar", of(a, "Foo.bar", 1)), find("Foo.bar").version(2), find("Foo.bar", of(a, "Foo.bar", 3)).version(3), find("Foo.baz"), find("Foo.baz", of(a, "Foo.baz", 7)).version(7))

	directory("alias", "DISC-ACT-11a", "an alias stands for its action, in the same version", `[["Foo",["make","create",2]]]`,
		find("Foo._create", of(a, "Foo.make", 2)).version(2), find("Foo._create"), find("Foo.make", of(a, "Foo.make", 2)).version(2), find("Foo._read").version(2), find("_create").version(2), find("create").version(2))
	directory("alias-of-each-kind", "DISC-ACT-11a DISC-ACT-11d", "the four aliases", `[["Foo",["a","create",1],["b","read",1],["c","update",1],["d","destroy",1],["e","delete",1]]]`,
		find("Foo._create", of(a, "Foo.a", 1)), find("Foo._read", of(a, "Foo.b", 1)), find("Foo._update", of(a, "Foo.c", 1)), find("Foo._destroy", of(a, "Foo.d", 1)), find("Foo._delete"))
	directory("alias-in-its-namespace", "DISC-ACT-11a", "the alias belongs to the namespace of its action", `[["A.B",["c","read",1]],["A",["d","update",1]]]`,
		find("A.B._read", of(a, "A.B.c", 1)), find("A._read"), find("A._update", of(a, "A.d", 1)), find("A.B._update"))
	g.directory("alias-with-its-envelopes-and-sector", "DISC-ACT-11a", "an alias has the envelopes and the sector of its action", []octets{a.packet(base.with(sector, `"web"`).with(envelopes, `["extdirect"]`).with(classes, `[["Foo",["make","create",1]]]`).String())},
		find("Foo._create", of(a, "Foo.make", 1)).in("web").by("extdirect"), find("Foo._create").by("extdirect"), find("Foo._create").in("web"))
	directory("alias-with-two-claimants", "DISC-ACT-11b", "the last one announced has the alias", `[["Foo",["one","read",1],["two","read",1]]]`, find("Foo._read", of(a, "Foo.two", 1)).or(of(a, "Foo.one", 1)))
	directory("name-before-alias", "DISC-ACT-11b", "an action whose own name is that of the alias goes first, in whatever order", `[["Foo",["_read","",1],["two","read",1]],["Bar",["two","read",1],["_read","",1]]]`,
		find("Foo._read", of(a, "Foo._read", 1)).or(of(a, "Foo.two", 1)), find("Bar._read", of(a, "Bar._read", 1)).or(of(a, "Bar.two", 1)))
	directory("alias-without-case", "DISC-ACT-11c", "aliases match without ASCII case", `[["Foo",["make","create",1]]]`, find("foo._CREATE", of(a, "Foo.make", 1)))
	directory("no-alias-of-wrong-flags", "DISC-ACT-08c DISC-ACT-11d", "tokens that are no flags give no alias", `[["Foo",["a","READ",1],["b"," update",1],["c","delete",1]]]`,
		find("Foo._read"), find("Foo._update"), find("Foo._delete"), find("Foo._destroy"))
}

// actAnnounced is what can be registered.
func actAnnounced(g *group) {
	section := identityA().section + "\n"
	one := func(name, rules, title string, o offered, expect verdict, tolerated ...any) {
		s := plainService()
		s.Actions = []offered{o}
		g.announce("announce-"+name, rules, title, section, s, expect, tolerated...)
	}
	for name, full := range ordered(map[string]string{"empty-name": "", "name-without-dot": "x", "empty-namespace": ".x", "empty-own-name": "Foo."}) {
		one(name, "DISC-ACT-01c", fmt.Sprintf("registering %q is an error", full), offered{Name: full}, failed)
	}
	one("namespace-with-dots", "DISC-ACT-01a DISC-ACT-04e", "the last dot separates namespace and name", offered{Name: "A.B.c"}, announced(offering(offers("A.B.c"))))
	one("version", "DISC-ACT-05f", "a version is written as an integer", offered{Name: "Foo.bar", Version: pointer(7)}, announced(offering(offers("Foo.bar", version(7)))))
	one("largest-version", "DISC-ACT-05f", "the largest version", offered{Name: "Foo.bar", Version: pointer(2147483647)}, announced(offering(offers("Foo.bar", version(2147483647)))))
	one("version-above-the-range", "DISC-ACT-05f", "a version above the range is an error", offered{Name: "Foo.bar", Version: pointer(2147483648)}, failed)
	one("version-below-1", "DISC-ACT-05f", "a version below 1 is an error", offered{Name: "Foo.bar", Version: pointer(-1)}, failed)
	one("flags", "DISC-ACT-08d DISC-ACT-09", "flags have neither blanks nor empty tokens", offered{Name: "Foo.bar", Flags: "read,noauth,t30"}, announced(offering(offers("Foo.bar", flags("noauth", "read"), lasts(30), aliases("Foo._read")))))
	one("blank-in-flags", "DISC-ACT-08d", "a blank in the flags is an error, or left out", offered{Name: "Foo.bar", Flags: "read, noauth"}, failed, announced(offering(offers("Foo.bar", flags("noauth", "read"), aliases("Foo._read")))))
	one("empty-token-in-flags", "DISC-ACT-08d", "an empty token in the flags is an error, or left out", offered{Name: "Foo.bar", Flags: "read,,noauth"}, failed, announced(offering(offers("Foo.bar", flags("noauth", "read"), aliases("Foo._read")))))
	one("timeout-0", "DISC-ACT-10d", "a timeout of 0 s is an error", offered{Name: "Foo.bar", Flags: "t0"}, failed)
	one("timeout-86401", "DISC-ACT-10d", "a timeout above a day is an error", offered{Name: "Foo.bar", Flags: "t86401"}, failed)
	one("colon-in-the-name", "DISC-ACT-01c DISC-ACT-02b", "a name with a colon could not be called: it is an error", offered{Name: "Foo.b:r"}, failed)
}
