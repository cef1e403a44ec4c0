package main

import (
	"fmt"
	"strings"
)

// cch is section 11: the cache file.
func cch(g *group) {
	a, c := identityA(), identityC()
	d := base.String()
	good := a.packet(d)
	plain := func() *cacheFile { return new(cacheFile).pre().then(good, usedAs(a, baseIdent)).post() }
	// behind is the file of three good records behind a prefix.
	behind := func(prefix ...any) *cacheFile {
		f := new(cacheFile).put(prefix...).pre().then(good, usedAs(a, baseIdent)).post()
		return f
	}
	g.cache("no-octets", "DISC-CCH-01b", "an empty file has no records", &cacheFile{text: octets{}, expect: []record{}})
	g.cache("prefix-of-text", "DISC-CCH-01a", "text before the first marker is ignored", behind("junk"))
	g.cache("prefix-of-lines", "DISC-CCH-01a", "lines before the first marker, empty ones too", behind("# written by\n\n% %% %%%%\n%%%x\n"))
	g.cache("prefix-of-octets", "DISC-CCH-01a", "octets that are no text before the first marker", behind(raw(0, 0xFF, 0x80, '%', '%', '%', 0)))
	f := new(cacheFile).put(a.packet(base.with(ident, `"svc:2"`).String())).pre()
	g.cache("packet-in-the-prefix", "DISC-CCH-01a", "a valid packet without a marker at the start of the file is not used", f,
		append([]record{{Line: 1, Outcome: "used", Fingerprint: a.fingerprint, Ident: pointer("svc:2")}}, f.expect...))
	g.cache("nothing-but-a-prefix", "DISC-CCH-01a", "a file without a marker has no records", &cacheFile{text: cat(good), expect: []record{}}, []record{{Line: 1, Outcome: "used", Fingerprint: a.fingerprint, Ident: pointer(baseIdent)}})

	g.cache("one-record", "DISC-CCH-01b", "one record", new(cacheFile).then(good, usedAs(a, baseIdent)))
	g.cache("three-records", "DISC-CCH-01b", "three records", plain())
	f = new(cacheFile)
	for i := range 20 {
		id := fmt.Sprintf("svc:%d", i)
		f.then(a.packet(base.with(ident, jsonText(id)).String()), usedAs(a, id))
	}
	g.cache("twenty-records", "DISC-CCH-01b", "twenty records", f)
	g.cache("thousand-records", "DISC-CCH-01b DISC-GEN-01b", "a thousand records that are no packets, then a good one", many())
	g.cache("other-order", "DISC-CCH-01c", "the order of records does not matter", new(cacheFile).post().then(good, usedAs(a, baseIdent)).pre())
	f = new(cacheFile).then(a.packet(base.with(timestamp, "100").String()), superseded).then(a.packet(base.with(timestamp, "200").String()), usedAs(a, baseIdent)).then(a.packet(base.with(timestamp, "150").String()), superseded)
	g.cache("duplicates", "DISC-RPL-05b DISC-CCH-01c", "of three records of one identity one is used", f)

	head := new(cacheFile)
	head.text = octets{}
	head.put("%%%\n")
	head.expect = append(head.expect, record{Line: 2, Outcome: "used", Fingerprint: a.fingerprint, Ident: pointer(baseIdent)})
	head.put(good).pre().post()
	g.cache("marker-at-the-very-start", "DISC-CCH-02", "the first marker may lack its first LF", head, head.without(0))
	g.cache("no-lf-at-the-end", "DISC-CCH-03a DISC-ENV-05b", "the file is cut after the last signature character", new(cacheFile).pre().then(a.bare(d), usedAs(a, baseIdent)))
	g.cache("no-lf-before-a-marker", "DISC-ENV-05b DISC-CCH-03a", "a record in the middle that ends with its last signature character: the LF of the marker is the marker's", new(cacheFile).pre().then(a.bare(d), usedAs(a, baseIdent)).post())
	g.cache("one-lf-before-a-marker", "DISC-ENV-05b", "a record in the middle that ends with one LF", new(cacheFile).pre().then(cat(a.bare(d), "\n"), usedAs(a, baseIdent)).post())
	for _, n := range []int{1, 2, 3, 10} {
		g.cache(fmt.Sprintf("trailing-lfs-%d", n), "DISC-CCH-03b", fmt.Sprintf("%d LFs more at the end of the file", n), plain().put(strings.Repeat("\n", n)))
		g.cache(fmt.Sprintf("lfs-before-a-marker-%d", n), "DISC-ENV-03b", fmt.Sprintf("%d LFs more at the end of a record in the middle", n), new(cacheFile).pre().then(cat(good, strings.Repeat("\n", n)), usedAs(a, baseIdent)).post())
	}

	g.cache("empty-record-first", "DISC-CCH-04a", "two markers in a row at the start", new(cacheFile).then(text(""), absent).pre().then(good, usedAs(a, baseIdent)))
	g.cache("empty-record-in-the-middle", "DISC-CCH-04a", "two markers in a row in the middle", new(cacheFile).pre().then(text(""), absent).post())
	g.cache("empty-record-last", "DISC-CCH-04a", "a marker at the end", new(cacheFile).pre().then(good, usedAs(a, baseIdent)).then(text(""), absent))
	g.cache("empty-records-in-a-row", "DISC-CCH-04a", "ten markers in a row", new(cacheFile).pre().put(strings.Repeat(marker, 10)).post())
	strict, literal := shared()
	g.cache("markers-that-share-an-lf", "DISC-CCH-04a DISC-CCH-01b", "the last LF of a marker is the first of the next one; the record behind them is used", strict, literal.expect)
	g.between("garbage", "DISC-CCH-04b", "a record that is no packet", text("garbage"), refusedRecord("envelope"))
	g.between("mebibyte-of-garbage", "DISC-CCH-04b", "a mebibyte of octets without any empty line", octets{{octets: noise(1024), times: 1024}}, refusedRecord("envelope"))
	g.between("lfs-alone", "DISC-CCH-04b", "a record of LFs only", times(100, "\n"), absent)
	g.between("percent-signs", "DISC-CCH-04b", "a record of things that look like markers", text("%%%%\n%%\n %%%\n%%% \n%%%x"), refusedRecord("envelope"))
	high := make([]byte, 0, 128)
	for o := 0x80; o <= 0xFF; o++ {
		high = append(high, byte(o))
	}
	g.between("octets-80-to-ff", "DISC-CCH-04c", "a record of octets that are not UTF-8", raw(high...), refusedRecord("envelope"))
	g.between("octets-behind-a-packet", "DISC-CCH-04c DISC-ENV-03a", "octets that are not UTF-8 in a fourth section", cat(a.bare(d), "\n\n", raw(high...)), usedAs(a, baseIdent), new(cacheFile).pre().then(cat(a.bare(d), "\n\n", raw(high...)), absent).post().expect)
	g.cache("crlf-file", "DISC-ENV-02b DISC-CCH-01b", "a file whose line ends were changed to CR LF has no marker, and neither have its records", &cacheFile{text: text(strings.ReplaceAll(string(plain().text.expand()), "\n", "\r\n")), expect: []record{}})

	cchOffsets(g)
	cchSizes(g)
	cchAge(g)

	mailer := base.with(ident, `"mailer:6x01R10sWn8ZnZoSQPNaqDOz"`).with(weight, "0").with(uri, `"beepish+tls://10.1.7.21:30007"`).with(classes, "[]").with(timestamp, "1760000101.25")
	f = new(cacheFile).then(text(example1), record{Outcome: "used", Fingerprint: ledgerFingerprint, Ident: pointer("ledger:W8hqXMc04UljFGEJjXF2b9dr")})
	f.then(c.packet(mailer.String()), usedAs(c, "mailer:6x01R10sWn8ZnZoSQPNaqDOz"))
	g.cache("example-26-3", "DISC-CCH-01b DISC-WGT-01a", "the worked example 26.3: the second instance is stopping, and stays registered", f)
}

// many is a thousand records of garbage and a good one.
func many() *cacheFile {
	f := new(cacheFile)
	for i := range 1000 {
		f.expect = append(f.expect, record{Line: 3 + 2*i, Outcome: "refused envelope"})
	}
	f.put(times(1000, marker+"x"))
	return f.then(identityA().packet(base.String()), usedAs(identityA(), baseIdent))
}

// shared is a file with two markers that share an LF. By lines there are two markers and an empty record; by octets the second
// row of percent signs belongs to a record, which is lost.
func shared() (strict, literal *cacheFile) {
	a := identityA()
	packet := a.packet(base.String())
	strict = new(cacheFile).pre().put("\n%%%").then(packet, usedAs(a, baseIdent)).post()
	literal = new(cacheFile).pre().then(cat("%%%\n", packet), refusedRecord("signature")).post()
	return strict, literal
}

// noise is octets without any LF.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		if b[i] = byte(x >> 24); b[i] == '\n' {
			b[i] = 'n'
		}
	}
	return b
}

// cchOffsets has the second marker at every offset around the sizes of usual buffers.
func cchOffsets(g *group) {
	a := identityA()
	bare := len(marker) + len(a.packet(paddedData(base, 1000)).expand()) - 1000
	for _, boundary := range []int{4096, 8192, 16384, 65536} {
		for shift := range 6 {
			// The marker begins so many octets before the boundary.
			first := a.packet(paddedData(base, boundary-shift-bare))
			f := new(cacheFile).then(first, usedAs(a, baseIdent))
			if len(f.text.expand()) != boundary-shift {
				panic("the marker is elsewhere")
			}
			f.post()
			g.cache(fmt.Sprintf("marker-%d-before-%d", shift, boundary), "DISC-CCH-05", fmt.Sprintf("the second marker begins %d octets before offset %d", shift, boundary), f)
		}
	}
}

// cchSizes has long lines and records.
func cchSizes(g *group) {
	a := identityA()
	for name, size := range ordered(map[string]int{"65535": 65535, "65536": 65536, "1-mi": 1 << 20, "8-mi": 8 << 20}) {
		g.between("line-of-"+name, "DISC-CCH-07", "a data line of "+name+" octets in the middle record", a.packet(paddedData(base, size)), usedAs(a, baseIdent))
	}
	f := new(cacheFile).pre().then(a.packet(paddedData(base, 17<<20)), refusedRecord("envelope")).post()
	usedToo := append([]record{}, f.expect...)
	usedToo[1] = usedAs(a, baseIdent)
	usedToo[1].Line = f.expect[1].Line
	g.cache("record-above-16-mi", "DISC-CCH-07 DISC-GEN-01a", "a longer record may be skipped; the next one counts", f, usedToo)
}

// cchAge is how old a file may be.
func cchAge(g *group) {
	age := func(name, rules, title string, seconds *int, maxAge, expect string, tolerated ...any) {
		g.add(name, rules, title, vector{Kind: "age", Age: seconds, MaxAge: maxAge, Expect: expect, Tolerated: tolerated})
	}
	age("age-of-an-hour", "DISC-CCH-08a", "a file that is an hour old", pointer(3600), "", "stale")
	age("age-in-the-future", "DISC-CCH-08a", "a file whose time lies in the future", pointer(-3600), "", "fresh")
	age("age-of-nothing", "DISC-CCH-08a", "a file that has just been written", pointer(0), "", "fresh")
	age("age-100", "DISC-CCH-08e", "100 s, with the default maximum age", pointer(100), "", "fresh")
	age("age-140", "DISC-CCH-08e", "140 s, with the default maximum age", pointer(140), "", "stale")
	age("age-140-of-300", "DISC-CCH-08a DISC-CFG-05a", "140 s, with a maximum age of 300", pointer(140), "300", "fresh")
	age("age-12-of-10", "DISC-CCH-08a DISC-CFG-05a", "12 s, with a maximum age of 10", pointer(12), "10", "stale")
	age("age-8-of-10", "DISC-CCH-08a DISC-CFG-05a", "8 s, with a maximum age of 10", pointer(8), "10", "fresh")
	a, c := identityA(), identityC()
	foo, neighbourAt := of(a, "Foo.bar", 1), of(c, "Pre.a", 1).named("pre", uri2)
	good, other := a.packet(base.String()), c.packet(pre.String())
	g.sequence("changes-are-taken-up", "DISC-CCH-09", "records are added, changed and removed",
		scene{At: 0, Cache: fileOf(other), Calls: []call{find("Foo.bar"), find("Pre.a", neighbourAt)}},
		scene{At: 10, Cache: fileOf(other, good), Calls: []call{find("Foo.bar", foo), find("Pre.a", neighbourAt)}},
		scene{At: 20, Cache: fileOf(a.packet(base.with(timestamp, "1700000001").with(classes, `[["Foo",["baz","",1]]]`).String()), other), Calls: []call{find("Foo.bar"), find("Foo.baz", of(a, "Foo.baz", 1)), find("Pre.a", neighbourAt)}},
		scene{At: 30, Cache: fileOf(good), Calls: []call{find("Foo.bar", foo), find("Foo.baz"), find("Pre.a")}},
		scene{At: 40, Cache: &octets{}, Calls: []call{find("Foo.bar"), find("Pre.a")}},
		scene{At: 50, Cache: fileOf(good), Calls: []call{find("Foo.bar", foo)}})
	g.sequence("bad-records-come-and-go", "DISC-CCH-09 DISC-GEN-01a DISC-V4-05b", "a record between the others becomes bad, and good again",
		scene{At: 0, Cache: fileOf(other, good), Calls: []call{find("Foo.bar", foo), find("Pre.a", neighbourAt)}},
		scene{At: 10, Cache: fileOf(other, a.damaged(base.String(), "x")), Calls: []call{find("Foo.bar"), find("Pre.a", neighbourAt)}},
		scene{At: 20, Cache: fileOf(a.packet(base.with(envelopes, `["json",`+twoActions("acsec", "[]")+`]`).String()), other), Calls: []call{find("Foo.bar"), find("Pre.a", neighbourAt)}},
		scene{At: 30, Cache: fileOf(other, good), Calls: []call{find("Foo.bar", foo), find("Pre.a", neighbourAt)}})
	lastIndex := find("Foo.bar").stale().or(foo)
	g.sequence("missing-file", "DISC-CCH-11 DISC-CCH-08b DISC-CCH-08d", "no file at the start, then one, then none: calls fail as stale, not as unknown",
		scene{At: 0, Calls: []call{find("Foo.bar").stale(), find("No.such").stale()}},
		scene{At: 10, Cache: fileOf(good), Calls: []call{find("Foo.bar", foo), find("No.such")}},
		scene{At: 20, Remove: "cache", Calls: []call{lastIndex}},
		scene{At: 200, Calls: []call{find("Foo.bar").stale()}},
		scene{At: 210, Cache: fileOf(good), Calls: []call{find("Foo.bar", foo)}})
	g.sequence("ageing-file", "DISC-CCH-08a DISC-CCH-08c DISC-CCH-08b", "a file ages past the limit, and is touched",
		scene{At: 0, Cache: fileOf(good), Calls: []call{find("Foo.bar", foo)}},
		scene{At: 100, Calls: []call{find("Foo.bar", foo)}},
		scene{At: 140, Calls: []call{lastIndex}},
		scene{At: 150, Touch: true, Calls: []call{find("Foo.bar", foo)}})
	age("no-file", "DISC-CCH-11 DISC-CCH-06", "a missing file is a stale file", nil, "", "stale")
}
