package main

import (
	"fmt"
	"strings"
)

// aut is section 16: the authorised-services file.
func aut(g *group) {
	a := identityA().fingerprint
	c := identityC().fingerprint
	asked := func(name, rules, title string, file octets, questions ...question) {
		g.add(name, rules, title, vector{Kind: "authorized", File: file, Questions: questions})
	}
	says := func(name, rules, title, tokens string, questions ...question) {
		asked(name, rules, title, text(a+"\t"+tokens+"\n"), questions...)
	}
	ofC := func(q question) question { return q.by(c) }

	for name, sep := range ordered(map[string]string{"space": " ", "tab": "\t", "several-blanks": " \t  \t"}) {
		asked("separator-"+name, "DISC-AUT-01b", "a blank separates fingerprint and tokens: "+strings.ReplaceAll(name, "-", " "), text(a+sep+"main:ALL\n"), may("Foo.bar"), ofC(mayNot("Foo.bar")))
	}
	asked("blanks-around-the-line", "DISC-AUT-01b", "blanks around the line are ignored", text(" \t"+a+" main:ALL \t \n"), may("Foo.bar"))
	asked("crlf", "DISC-AUT-01b", "a CR at the end of a line is a blank", text(a+" main:ALL\r\n"+c+" Foo\r\n\r\n"), may("Foo.bar"), ofC(may("Foo.bar")), ofC(mayNot("Bar.x")))
	asked("no-final-lf", "DISC-AUT-01b", "the last line needs no LF", text(c+" Foo\n"+a+" main:ALL"), may("Foo.bar"), ofC(may("Foo.bar")))
	asked("no-blank", "DISC-AUT-01b DISC-AUT-01e", "a comma behind the fingerprint is no blank", text(a+",main:ALL\n"), mayNot("Foo.bar"))
	asked("commented-line", "DISC-AUT-01c", "a line behind a # has no effect", text("#"+a+" main:ALL\n # "+c+" main:ALL\n"), mayNot("Foo.bar"), ofC(mayNot("Foo.bar")))
	says("comment-behind-the-tokens", "DISC-AUT-01c", "a comment may follow", "main:ALL # , web:ALL", may("Foo.bar"), mayNot("Foo.bar").in("web"))
	says("comment-right-behind-a-token", "DISC-AUT-01c", "a # begins a comment anywhere", "Foo#.bar, web:ALL", may("Foo.x"), mayNot("Foo.x").in("web"), mayNot("Foo#.bar.x"))
	asked("comment-in-the-fingerprint", "DISC-AUT-01c DISC-AUT-02b", "also inside a fingerprint", text(a[:30]+"#"+a[30:]+" main:ALL\n"), mayNot("Foo.bar"))
	asked("empty-lines", "DISC-AUT-01d", "empty lines and comments between entries", text("\n\n# x\n"+a+" Foo\n \t \n#\n\n"+c+" Foo\n"), may("Foo.bar"), ofC(may("Foo.bar")))
	for name, line := range ordered(map[string]octets{"text": text("nonsense"), "fingerprint-of-19-pairs": text(a[:56] + " main:ALL"), "octets": octets{{octets: noise(200)}}, "nul": raw(0), "tokens-alone": text("main:ALL"), "long-line": cat(times(100000, "x"), " main:ALL"), "fingerprint-with-text-behind": text(a + "x main:ALL"), "byte-order-mark": text("\ufeff" + a + " main:ALL")}) {
		asked("malformed-"+name, "DISC-AUT-01e", "a malformed line between two good ones costs neither: "+strings.ReplaceAll(name, "-", " "), cat(a+" Foo\n", line, "\n"+c+" Foo\n"), may("Foo.bar"), mayNot("Bar.x"), ofC(may("Foo.bar")))
	}
	asked("empty-file", "DISC-AUT-01e", "an empty file authorises nothing but _meta", text(""), mayNot("Foo.bar"), may("_meta.x"))
	asked("thousand-tokens", "DISC-AUT-01f", "the last of a thousand tokens takes effect", cat(a+" ", times(999, "Other,"), "Foo\n"), may("Foo.bar"), may("Other.x"), mayNot("Bar.x"))
	asked("ten-thousand-lines", "DISC-AUT-01f", "the last of ten thousand lines takes effect", cat(times(9999, c+" Other\n"), a+" Foo\n"), may("Foo.bar"), ofC(may("Other.x")))
	asked("long-token", "DISC-AUT-01f", "a token of 60 000 characters", cat(a+" ", times(60000, "x"), ", Foo\n"), may("Foo.bar"))

	asked("fingerprint-in-lower-case", "DISC-AUT-02a", "fingerprints are compared without case", text(strings.ToLower(a)+" Foo\n"), may("Foo.bar").either())
	for name, print := range ordered(map[string]string{"prefix": a[:41], "first-pair": a[:2], "longer": a + ":00", "without-colons": strings.ReplaceAll(a, ":", ""), "with-dashes": strings.ReplaceAll(a, ":", "-"), "without-last-digit": a[:58], "blank-inside": a[:29] + " " + a[30:], "not-hexadecimal": "ZZ" + a[2:], "star": "*", "shifted": ":" + a[:58]}) {
		asked("fingerprint-"+name, "DISC-AUT-02b", "only the whole fingerprint matches, 20 pairs with colons: "+strings.ReplaceAll(name, "-", " "), text(print+" main:ALL, Foo\n"), mayNot("Foo.bar"), mayNot("Foo"))
	}

	says("token-without-colon", "DISC-AUT-03a", "a token without a colon means sector main", "Foo", may("Foo.bar"), mayNot("Foo.bar").in("web"), mayNot("Foo.bar").in(""))
	says("token-with-sector", "DISC-AUT-03b", "a token with a sector means that sector", "web:Foo", mayNot("Foo.bar"), may("Foo.bar").in("web"), mayNot("Foo.bar").in("webx"))
	says("all-of-a-sector", "DISC-AUT-03c", "main:ALL is every action in main", "main:ALL", may("Foo.bar"), may("A.B.c"), may("_x.y"), mayNot("Foo.bar").in("web"), mayNot("Foo.bar").in("mainx"))
	says("all-of-two-sectors", "DISC-AUT-03c", "each sector for itself", "web:ALL, shop:ALL", mayNot("Foo.bar"), may("Foo.bar").in("web"), may("Foo.bar").in("shop"))
	says("bare-all", "DISC-AUT-03d", "a bare ALL is a literal prefix", "ALL", mayNot("Foo.bar"), may("ALL.x"), may("all.x"), mayNot("ALL.x").in("web"))
	says("all-in-lower-case", "DISC-AUT-03d", "main:all is a literal prefix", "main:all", mayNot("Foo.bar"), may("ALL.x"))
	says("all-and-more", "DISC-AUT-03d", "main:ALLOC is a literal prefix", "main:ALLOC", mayNot("fooOC.x"), mayNot("secretOC.x"), mayNot("Foo.bar"), may("ALLOC.x"))
	says("all-with-a-dot", "DISC-AUT-03d", "main:ALL.x is a literal prefix", "main:ALL.x", mayNot("Foo.x"), may("ALL.x"), may("ALL.x.y"), mayNot("ALL.y"))
	says("all-behind-blanks", "DISC-AUT-03d DISC-AUT-03e", "a blank between colon and ALL is part of the token", "main: ALL", mayNot("Foo.bar"))
	says("blanks-around-tokens", "DISC-AUT-03e", "tokens are trimmed", " Foo ,\tweb:Bar\t, Baz", may("Foo.x"), may("Bar.x").in("web"), may("Baz.x"))
	says("blank-inside-a-token", "DISC-AUT-03e", "a blank inside a token is part of it", "Foo Bar", mayNot("Foo.x"), mayNot("Bar.x"), may("Foo Bar.x"))
	says("blank-before-a-colon", "DISC-AUT-03e DISC-AUT-03b", "the sector ends at the colon, its blank included", "web :Foo", mayNot("Foo.x").in("web"), mayNot("Foo.x"))
	says("two-colons", "DISC-AUT-03b DISC-AUT-08", "a second colon is literal, and no action has one", "main:Foo:bar", mayNot("Foo.bar"), mayNot("Foo:bar"), mayNot("Foo"))

	says("prefix-ends-at-a-dot", "DISC-AUT-04a", "a prefix covers itself and what follows a dot", "Foo.ba", may("Foo.ba"), may("Foo.ba.x"), mayNot("Foo.bar"), mayNot("Foo.b"), mayNot("Foo"))
	says("prefix-with-final-dot", "DISC-AUT-04a", "a final dot is literal: it covers no ordinary name", "Foo.", mayNot("Foo.bar"), mayNot("Foo"))
	says("without-case", "DISC-AUT-04b", "ASCII case does not matter, in the sector neither", "MAIN:foo, Web:BAR", may("Foo.bar"), may("FOO.x"), may("Foo.x").in("Main"), may("bar.x").in("web"))
	says("kelvin-sign", "DISC-AUT-04b", "other letters are compared exactly", "Fo\u212a, Stra\u00dfe", mayNot("Fok.x"), may("fo\u212a.x"), mayNot("STRASSE.x"), may("STRA\u00dfE.x"))
	says("sector-that-ends-alike", "DISC-AUT-04c", "the comparison begins at the first character of the sector", "main:ALL", mayNot("Foo.bar").in("xmain"), mayNot("Foo.bar").in("x.main"))
	says("name-that-ends-alike", "DISC-AUT-04c", "and of the name", "Foo", mayNot("xFoo.bar"), mayNot("x.Foo.bar"))
	for name, token := range ordered(map[string]string{"dot-star": ".*", "dot": "F.o", "name-and-star": "Foo.*", "sector-and-star": "main:*", "class": "[A-Z]", "star": "*", "star-all": "*:ALL", "question-mark": "Fo?", "percent": "main:%", "caret": "^Foo", "group": "(Foo|Bar)", "backslash": `Foo\.bar`}) {
		says("no-wildcard-"+name, "DISC-AUT-04d", "every character is literal: "+token, token, mayNot("Foo.bar"), mayNot("F.x"), mayNot("Foo"))
	}
	says("literal-specials", "DISC-AUT-04d", "they match themselves", "Foo.*, [A-Z]", may("Foo.*"), may("[a-z].x"))

	asked("no-tokens", "DISC-AUT-05a", "a fingerprint alone authorises nothing", text(a+"\n"+c+"   \n"), mayNot("Foo.bar"), mayNot(".x"), mayNot(""), ofC(mayNot("Foo.bar")))
	says("empty-tokens", "DISC-AUT-05b", "empty tokens are void", "a,,b,", may("a.x"), may("b.x"), mayNot(".x"), mayNot("Foo.bar"), mayNot(""))
	says("comma-alone", "DISC-AUT-05b", "a comma alone", ",", mayNot(".x"), mayNot("Foo.bar"))
	says("sector-alone", "DISC-AUT-05b", "nothing behind the colon", "main:, web:", mayNot(".x"), mayNot("Foo.bar"), mayNot("Foo.bar").in("web"), mayNot("").in("web"))
	says("colon-all", "DISC-AUT-05b", "nothing before the colon", ":ALL", mayNot("Foo.bar"), mayNot("Foo.bar").in("web"), mayNot("Foo.bar").in("").either())
	says("colon-alone", "DISC-AUT-05b", "a colon alone", ":", mayNot("Foo.bar"), mayNot(".x"), mayNot("").in(""))
	says("empty-namespace", "DISC-AUT-05b DISC-ACT-01d", "an action without a namespace is nobody's, not even of main:ALL", "main:ALL", mayNot(".x"))

	asked("last-line-counts", "DISC-AUT-06a DISC-AUT-06b", "of two lines of one fingerprint the last one counts", text(a+" Foo\n"+c+" Foo\n"+a+" Bar\n"), mayNot("Foo.x"), may("Bar.x"), ofC(may("Foo.x")))
	asked("last-line-without-tokens", "DISC-AUT-06a DISC-AUT-05a", "also if it grants nothing", text(a+" main:ALL\n"+a+"\n"), mayNot("Foo.x"))
	asked("last-line-in-another-case", "DISC-AUT-06a DISC-AUT-02a", "also in another case", text(a+" main:ALL\n"+strings.ToLower(a)+" Bar\n"), mayNot("Foo.x").either(), may("Bar.x").either())
	asked("last-line-is-a-comment", "DISC-AUT-06a DISC-AUT-01c", "a comment does not replace a line", text(a+" Foo\n#"+a+" Bar\n"), may("Foo.x"), mayNot("Bar.x"))

	asked("meta", "DISC-AUT-07", "_meta is open to all, in lower case and followed by a dot", text(c+" Foo\n"), may("_meta.x"), may("_meta.x").in("web"), mayNot("_META.x"), mayNot("_Meta.x"), mayNot("_meta"), mayNot("_metax.y"), mayNot("x._meta.y"))
	says("colons", "DISC-AUT-08", "what has a colon is never authorised", "main:ALL, main:Foo:bar, x:y:ALL", mayNot("Foo:bar"), mayNot("Fo:o.bar"), mayNot("Foo.b:r"), mayNot("Foo.bar").in("x:y"), mayNot("Foo.bar").in("main:"), mayNot("_meta.a:b").either())
	autCalls(g)

	var questions []question
	for _, q := range []struct {
		who, sector, action string
		yes                 bool
	}{
		{"P", "main", "Ledger.post", true}, {"P", "main", "Ledger.Report.daily", true}, {"P", "main", "Ledger.balance", true}, {"P", "main", "Ledgers.x", false},
		{"P", "web", "Ledger.Web.export", true}, {"P", "web", "Ledger.post", false}, {"P", "xmain", "Ledger.post", false}, {"Q", "main", "Mailer.send", true},
		{"Q", "main", "Ledger.post", false}, {"R", "main", "Ledger.post", true}, {"R", "main", "Ledger.balance", false}, {"R", "web", "Shop.list", false},
		{"R", "main", "fooOC.x", false}, {"R", "main", "ALLOC.x", true}, {"S", "main", "Ledger.post", false}, {"S", "main", "_meta.documentation", true},
		{"P", "main", "_META.documentation", false}, {"P", "main", "Ledger.a:b", false},
	} {
		print := map[string]string{"P": ledgerFingerprint, "Q": "DF:CA:BD:3D:96:D0:6A:5D:CD:39:30:E4:DA:EF:33:36:10:AD:CA:F0", "R": "54:7F:D7:BC:86:70:5A:D6:86:24:73:34:63:35:5F:18:B4:FF:57:C9", "S": "58:FA:7E:FC:22:4A:94:56:18:88:1A:BD:65:2A:5B:35:5E:01:E9:BA"}[q.who]
		asked := question{print, q.sector, q.action, q.yes, nil}
		if q.who == "R" && q.yes { // its line is in lower case: DISC-AUT-02a
			asked = asked.either()
		}
		questions = append(questions, asked)
	}
	asked("example-26-4", "DISC-AUT-06a DISC-AUT-03d DISC-AUT-04a", "the worked example 26.4 of the specification", text(example4), questions...)
}

// autCalls is who is a candidate.
func autCalls(g *group) {
	a, b := identityA(), identityB()
	d := base.String()
	lists := func(tokens string) string { return a.fingerprint + " " + tokens + "\n" }
	make := base.with(classes, `[["Foo",["make","create",1]]]`).String()
	g.guarded("only-authorised-instances", "DISC-AUT-01a", "an instance that is not listed is no candidate, beside one that is", lists("main:ALL"), []octets{a.packet(d), b.packet(d)}, find("Foo.bar", of(a, "Foo.bar", 1)))
	g.guarded("nobody-is-authorised", "DISC-AUT-01a DISC-AUT-11a", "without any line nobody is", "", []octets{a.packet(d), b.packet(d)}, find("Foo.bar"))
	g.guarded("authorised-for-something-else", "DISC-AUT-01a DISC-AUT-04a", "an instance is a candidate for what it is listed for", lists("Foo.bar"), []octets{a.packet(base.with(classes, `[["Foo",["bar","",1],["barn","",1]],["foo.bar",["x","",1]]]`).String())}, find("Foo.bar", of(a, "Foo.bar", 1)), find("Foo.barn"), find("foo.bar.X", of(a, "foo.bar.x", 1)))
	g.guarded("authorised-sector", "DISC-AUT-03a DISC-V4-10c", "the sector is that of the action, not that of the packet", lists("Foo, Bar"), []octets{a.packet(base.with(envelopes, `["json",`+twoActions("acsec", `["web","main"]`)+`]`).String())}, find("Bar.x").in("web"), find("Bar.y", of(a, "Bar.y", 1)), find("Foo.bar", of(a, "Foo.bar", 1)))
	g.guarded("meta-of-anybody", "DISC-AUT-07", "_meta actions of an instance that is not listed", lists("main:ALL"), []octets{b.packet(base.with(classes, `[["_meta",["x","",1]],["_META",["y","",1]]]`).String())}, find("_meta.x", of(b, "_meta.x", 1)), find("_META.y"), find("_META.x", of(b, "_meta.x", 1)).or())
	g.guarded("alias-of-an-authorised-action", "DISC-AUT-09a", "for an alias the real name is checked", lists("Foo.make"), []octets{a.packet(make)}, find("Foo._create", of(a, "Foo.make", 1)).or(), find("Foo.make", of(a, "Foo.make", 1)))
	g.guarded("authorised-alias", "DISC-AUT-09a", "a token for the alias gives nothing", lists("Foo._create"), []octets{a.packet(make)}, find("Foo._create"), find("Foo.make"))
	g.guarded("alias-of-a-stranger", "DISC-AUT-09b", "an alias of an action that is not authorised is not found", lists("main:ALL"), []octets{b.packet(make)}, find("Foo._create"), find("Foo.make"))
	g.guarded("alias-into-meta", "DISC-AUT-09a DISC-AUT-07", "an alias in _meta stands for a _meta action, and is as open", lists("main:ALL"), []octets{b.packet(base.with(classes, `[["_meta",["x","create",1]]]`).String())}, find("_meta._create", of(b, "_meta.x", 1)).or())
	g.guarded("colons-are-no-candidates", "DISC-AUT-08 DISC-ACT-02a DISC-ACT-02b", "whatever has a colon is not found", lists("main:ALL, main:x:ALL"), []octets{a.packet(base.with(classes, `[["Fo:o",["bar","",1]],["Foo",["b:r","",1],["ok","",1]],["_meta",["a:b","",1]]]`).String()), a.packet(base.with(ident, `"svc:2"`).with(sector, `"main:x"`).String())},
		find("Fo:o.bar"), find("Foo.b:r"), find("Foo.ok", of(a, "Foo.ok", 1)), find("Foo.bar").in("main:x"), find("_meta.a:b").or(of(a, "_meta.a:b", 1)))
	lines := func(s string) *octets { return pointer(text(s)) }
	foo := of(a, "Foo.bar", 1)
	yes, no := find("Foo.bar", foo), find("Foo.bar")
	meta := a.packet(base.with(classes, `[["Foo",["bar","",1]],["_meta",["x","",1]]]`).String())
	open := find("_meta.x", of(a, "_meta.x", 1))
	g.sequence("authorised-services-change", "DISC-AUT-10a", "lines are added, changed and removed; the next call follows the new content",
		scene{At: 0, Cache: fileOf(meta), Authorized: lines("# nobody yet\n"), Calls: []call{no, open}},
		scene{At: 10, Authorized: lines(lists("Foo")), Calls: []call{yes, open}},
		scene{At: 20, Authorized: lines(lists("Bar")), Calls: []call{no, open}},
		scene{At: 30, Authorized: lines(lists("Foo")), Calls: []call{yes}},
		scene{At: 40, Authorized: lines("#" + lists("Foo")), Calls: []call{no}},
		scene{At: 50, Authorized: lines(""), Calls: []call{no, open}})
	g.sequence("authorised-services-missing", "DISC-AUT-11a DISC-AUT-11b DISC-AUT-10a", "no file at the start: _meta alone; then one, then none",
		scene{At: 0, Cache: fileOf(meta), Calls: []call{no, open}},
		scene{At: 10, Authorized: lines(lists("Foo")), Calls: []call{yes, open}},
		scene{At: 20, Remove: "authorized", Calls: []call{no, open}},
		scene{At: 30, Authorized: lines(lists("Foo")), Calls: []call{yes, open}})
	g.sequence("authorised-services-change-within-a-second", "DISC-AUT-10b", "two edits within a second: the second one is in force",
		scene{At: 0, Cache: fileOf(meta), Authorized: lines(lists("Foo")), Calls: []call{yes}},
		scene{At: 0.25, Authorized: lines(lists("Bar")), Calls: []call{no.or(foo)}},
		scene{At: 0.5, Authorized: lines(lists("Foo")), Calls: []call{yes.or()}},
		scene{At: 10, Calls: []call{yes}})
	g.guarded("among-strangers", "DISC-AUT-01a", "the instance of A among ten of a stranger", lists("Foo"), strangers(), find("Foo.bar", of(a, "Foo.bar", 1)))
}

func strangers() []octets {
	packets := []octets{identityA().packet(base.String())}
	for i := range 10 {
		packets = append(packets, identityB().packet(base.with(ident, jsonText(fmt.Sprintf("svc:%d", i))).String()))
	}
	return packets
}
