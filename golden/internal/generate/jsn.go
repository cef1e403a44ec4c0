package main

import (
	"fmt"
	"strings"
)

// jsn is section 5: the data array.
func jsn(g *group) {
	bad := refused("data")

	for name, d := range ordered(map[string]string{
		"empty-array": "[]", "one-element": "[3]", "eight-elements": base.first(8), "null": "null", "number": "7", "string": `"x"`,
		"true": "true", "not-json": "data", "not-closed": strings.TrimSuffix(base.String(), "]"), "two-arrays": base.String() + base.String(),
		"text-behind": base.String() + "x", "comma-at-the-end": base.first(9)[:len(base.first(9))-1] + ",]", "comma-missing": strings.Replace(base.String(), ",", " ", 1),
		"element-missing": strings.Replace(base.String(), `"main"`, "", 1), "single-quotes": strings.ReplaceAll(base.String(), `"`, "'"),
		"comment": strings.Replace(base.String(), "[3,", "[3,/**/", 1), "control-character-in-a-string": base.with(ident, "\"svc:\x01\"").String(),
		"tab-in-a-string": base.with(ident, "\"svc:\t\"").String(), "bad-escape": base.with(ident, `"svc:\x"`).String(),
		"byte-order-mark": "\ufeff" + base.String(), "nul-behind": base.String() + "\x00", "nan": base.with(timestamp, "NaN").String(),
		"infinity": base.with(weight, "Infinity").String(), "plus-sign": base.with(weight, "+1").String(), "leading-zero": base.with(weight, "01").String(),
		"fraction-without-digits": base.with(intervalMS, "5000.").String(), "hexadecimal": base.with(weight, "0x1").String(),
	}) {
		g.data("not-nine-"+name, "DISC-JSN-01b", "the data is no JSON array of nine elements: "+strings.ReplaceAll(name, "-", " "), d, bad)
	}
	g.data("ten-elements", "DISC-JSN-01b DISC-CMG-08a", "the data has ten elements", strings.TrimSuffix(base.String(), "]")+",1]", bad, used())
	g.data("escapes-in-strings", "DISC-JSN-04a", "strings are JSON strings: their escapes are read",
		base.with(ident, `"\u0073vc:\"\\\/\n\ud834\udd1e"`).with(sector, `"\u006dain"`).with(classes, `[["F\u006fo",["\u0062ar","",1]]]`), used(called("svc:\"\\/\n\U0001D11E")))
	g.data("nul-in-a-string", "DISC-IDT-01c", "an escaped NUL in the ident is a character like any other", base.with(ident, `"svc:\u0000x"`), used(called("svc:\x00x")))

	for name, element := range ordered(map[string]string{"1": "1", "2": "2", "4": "4", "minus-3": "-3", "null": "null", "true": "true", "array": "[3]", "huge": "33333333333333333333"}) {
		g.data("layout-"+name, "DISC-JSN-02b", "the layout version is not 3: "+element, base.with(layout, element), bad)
	}
	g.data("layout-string", "DISC-JSN-02b", "the layout version is the string 3", base.with(layout, `"3"`), bad, used())
	g.data("layout-above-3", "DISC-JSN-02b", "the layout version is a fraction above 3", base.with(layout, "3.5"), bad, used())
	g.data("layout-3-with-fraction", "DISC-JSN-02b", "3.0 is the number 3", base.with(layout, "3.0"), used(), dropped)

	obsolete := `[2,"svc:AAAAAAAAAAAAAAAAAAAAAAAA",1,5000,"beepish+tls://127.0.0.1:30101",["json"],[["Foo",["bar","",1]]],1700000000.5]`
	g.data("eight-element-layout", "DISC-JSN-03", "the obsolete layout without a sector is not read", obsolete, bad)
	g.data("eight-element-layout-as-3", "DISC-JSN-03", "the obsolete layout is not read with shifted elements, whatever version it claims", "[3"+obsolete[2:], bad)

	for _, element := range []int{ident, sector, uri} {
		what := elementNames[element]
		for name, value := range ordered(map[string]string{"number": "5", "null": "null", "true": "true", "array": "[]", "object": "{}"}) {
			g.data(what+"-"+name, "DISC-JSN-04a DISC-CMG-08b", fmt.Sprintf("element %d, the %s, is %s, not a string", element, what, value), base.with(element, value), bad)
		}
	}
	plain := func(name, title string, d data, expect verdict, tolerated ...any) {
		g.data(name, "DISC-JSN-04b", title, d, expect, tolerated...)
	}
	plain("weight-fraction", "the weight is a fraction", base.with(weight, "0.5"), used(weighing("0.5")), dropped)
	plain("weight-exponent", "the weight has an exponent", base.with(weight, "1E+2"), used(weighing("100")), dropped)
	plain("weight-negative", "the weight is negative", base.with(weight, "-1"), used(weighing("-1")))
	plain("weight-huge", "the weight has 21 digits", base.with(weight, "100000000000000000000"), used(weighing("1e20")))
	plain("interval-with-fraction", "the interval is written with a fraction", base.with(intervalMS, "5000.0"), used(), dropped)
	plain("interval-with-exponent", "the interval is written with an exponent", base.with(intervalMS, "5e3"), used(), dropped)
	plain("interval-zero", "the interval is 0", base.with(intervalMS, "0"), used(every("0")))
	plain("interval-negative", "the interval is negative", base.with(intervalMS, "-5000"), used(every("-5000")))
	plain("timestamp-in-milliseconds", "the timestamp is an integer, in milliseconds", base.with(timestamp, "1700000000123"), used(stamped("1700000000123")))
	plain("timestamp-zero", "the timestamp is 0", base.with(timestamp, "0"), used(stamped("0")))
	plain("timestamp-negative", "the timestamp is negative", base.with(timestamp, "-1.5"), used(stamped("-1.5")))
	plain("timestamp-with-exponent", "the timestamp has an exponent", base.with(timestamp, "1.7000000005e9"), used())
	for _, element := range []int{weight, intervalMS, timestamp} {
		what := elementNames[element]
		for name, value := range ordered(map[string]string{"null": "null", "true": "true", "array": "[1]", "object": "{}", "empty-string": `""`, "word": `"x"`}) {
			g.data(what+"-"+name, "DISC-JSN-04c DISC-CMG-08b", fmt.Sprintf("element %d, the %s, is %s, not a number", element, what, value), base.with(element, value), bad)
		}
	}
	g.data("weight-string", "DISC-JSN-04c DISC-CMG-08b", "the weight is a string of digits", base.with(weight, `"0"`), bad, used(weighing("0")))
	g.data("interval-string", "DISC-JSN-04c DISC-CMG-08b", "the interval is a string of digits", base.with(intervalMS, `"5000"`), bad, used())
	g.data("timestamp-string", "DISC-JSN-04c DISC-CMG-08b", "the timestamp is a string of digits", base.with(timestamp, `"5"`), bad, used(stamped("5")))

	for name, value := range ordered(map[string]string{"null": "null", "string": `"json"`, "longer-string": `"jsonstore"`, "object": `{"0":"json"}`, "number": "0", "empty-object": "{}"}) {
		g.data("envelopes-"+name, "DISC-JSN-04d DISC-CMG-08b", "element 6, the envelopes, is "+value+", not an array", base.with(envelopes, value), bad)
	}
	for name, value := range ordered(map[string]string{"object": "{}", "string": `"x"`, "zero": "0", "false": "false"}) {
		g.data("classes-"+name, "DISC-JSN-04e DISC-CMG-08b", "element 7, the classes, is "+value+", neither array nor null", base.with(classes, value), bad, used(offering()))
	}
	jsnClasses(g)
	jsnSizes(g)
}

// jsnClasses is element 7.
func jsnClasses(g *group) {
	vector := `["json",{"acname":["x"],"acns":["Bar"],"acsec":["main"],"acenv":["json"]}]`
	g.data("null-classes-beside-vectors", "DISC-JSN-05a", "null classes are no v3 actions; the v4 actions count", base.with(classes, "null").with(envelopes, vector), used(offering(offers("Bar.x"))))
	g.data("null-classes-alone", "DISC-JSN-05a", "null classes alone: no actions", base.with(classes, "null"), used(offering()))
	g.directory("null-classes-of-a-stopping-instance", "DISC-JSN-05a DISC-RPL-05a", "a weight-0 packet with null classes takes the place of the earlier packet",
		[]octets{identityA().packet(base.String()), identityA().packet(base.with(weight, "0").with(classes, "null").with(timestamp, "1700000001").String())}, find("Foo.bar"))

	classesAre := func(name, rules, title, value string, expect verdict, tolerated ...any) {
		g.data(name, rules, title, base.with(classes, value), expect, tolerated...)
	}
	foo, bar := offers("Foo.bar"), offers("Bar.x")
	classesAre("two-actions", "DISC-JSN-06a", "a class record is a namespace and its actions", `[["Foo",["bar","",1],["baz","",1]]]`, used(offering(foo, offers("Foo.baz"))))
	classesAre("no-classes", "DISC-JSN-05b", "an empty array: no v3 actions", `[]`, used(offering()))
	classesAre("repeated-namespace", "DISC-JSN-06b", "the actions of two records with one namespace add up", `[["Foo",["bar","",1]],["Foo",["baz","",1]]]`, used(offering(foo, offers("Foo.baz"))))
	classesAre("namespace-without-actions", "DISC-JSN-06c DISC-CMG-08c", "a record of a namespace alone offers nothing", `[["Foo"],["Bar",["x","",1]]]`, used(offering(bar)), dropped)
	classesAre("empty-class-record", "DISC-JSN-06d DISC-CMG-08c", "an empty record is ignored", `[[],["Bar",["x","",1]]]`, used(offering(bar)), dropped)
	classesAre("malformed-class-records", "DISC-JSN-06e DISC-CMG-08c", "a record that is no array, or has no namespace, is skipped with its actions", `["Foo",[5,["y","",1]],["Bar",["x","",1]]]`, used(offering(bar)), dropped)
	classesAre("more-malformed-class-records", "DISC-JSN-06e DISC-CMG-08c", "null, an object, a namespace that is null and one that is an array are skipped", `[null,{"Foo":["y","",1]},[null,["y","",1]],[["Foo"],["y","",1]],["Bar",["x","",1]]]`, used(offering(bar)), dropped)
}

// padded is the base packet's data with so many octets: an extension without actions has a long text in it.
func paddedData(d data, size int) octets {
	before, behind, _ := strings.Cut(d.with(envelopes, `["json",{"pad":"@"}]`).String(), "@")
	return cat(before, times(size-len(before)-len(behind), "x"), behind)
}

// jsnSizes is how much and how deep.
func jsnSizes(g *group) {
	for name, size := range ordered(map[string]int{"below-64k": 1<<16 - 1, "of-64k": 1 << 16, "above-64k": 1<<16 + 1, "of-1000k": 1000 << 10}) {
		g.data("data-"+name, "DISC-JSN-07a", fmt.Sprintf("the data has %d octets", size), paddedData(base, size), used())
	}
	many := cat(`[3,"svc:AAAAAAAAAAAAAAAAAAAAAAAA","main",1,5000,"beepish+tls://127.0.0.1:30101",["json"],[["Pad"`,
		times(60000, `,["pad","",1]`), `],["Foo",["bar","",1]]],1700000000.5]`)
	g.directory("many-actions", "DISC-JSN-07a DISC-V4-10e", "60 000 entries in the classes: the last action is found", []octets{identityA().packet(many)}, find("Foo.bar", of(identityA(), "Foo.bar", 1)))

	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	g.data("extension-12-deep", "DISC-JSN-07b DISC-V4-03b", "an unknown key of the extension has a value 12 levels deep", base.with(envelopes, `["json",{"x":`+nested(12)+`}]`), used())
	g.data("extension-16-levels", "DISC-JSN-07b", "16 levels of nesting in all", base.with(envelopes, `["json",{"x":`+nested(13)+`}]`), used())
	hostile := func(name, title string, d octets, tolerated ...any) {
		g.add(name, "DISC-JSN-07b DISC-GEN-01b", title, vector{Kind: "packet", Hostile: true, Packet: identityA().packet(d), Expect: refused("data"), Tolerated: tolerated})
	}
	hostile("brackets", "100 000 opening brackets", times(100000, "["))
	hostile("brackets-closed", "100 000 brackets, all closed", cat(times(100000, "["), times(100000, "]")))
	hostile("objects", "100 000 nested objects", cat(times(100000, `{"a":`), "1", times(100000, "}")))
	before, behind, _ := strings.Cut(base.with(envelopes, `["json",{"x":@}]`).String(), "@")
	hostile("brackets-in-the-extension", "an unknown key of the extension has a value 100 000 levels deep", cat(before, times(100000, "["), times(100000, "]"), behind), used())
	before, behind, _ = strings.Cut(base.with(classes, `[["Foo",["bar","",1,@]]]`).String(), "@")
	hostile("brackets-in-an-entry", "a member behind the version of an action is 100 000 levels deep", cat(before, times(100000, "["), times(100000, "]"), behind), used())
	hostile("mebibyte-of-digits", "a version with a million digits, where no version is", cat(strings.TrimSuffix(base.String(), "1700000000.5]"), times(1000000, "1"), "x]"))
}
