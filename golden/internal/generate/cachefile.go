package main

import (
	"bytes"
	"strings"
)

// A cacheFile is put together record by record, with what must come of each.
type cacheFile struct {
	text   octets
	expect []record
}

const marker = "\n%%%\n"

// line is the number of the line in which the next octet stands, from 1.
func (f *cacheFile) line() int { return bytes.Count(f.text.expand(), []byte("\n")) + 1 }

// put adds octets that are no record.
func (f *cacheFile) put(pieces ...any) *cacheFile {
	f.text = append(f.text, cat(pieces...)...)
	return f
}

// then adds a marker and a record. What becomes of it is the outcome; of "" nothing is expected.
func (f *cacheFile) then(packet octets, outcome record) *cacheFile {
	f.put(marker)
	if outcome.Outcome != "" {
		outcome.Line = f.line()
		f.expect = append(f.expect, outcome)
	}
	return f.put(packet)
}

// usedAs is a record that is used.
func usedAs(i *identity, ident string) record {
	return record{Outcome: "used", Fingerprint: i.fingerprint, Ident: &ident}
}

// without is the records of the file but the one with this number, from 0.
func (f *cacheFile) without(n int) []record {
	return append(append([]record{}, f.expect[:n]...), f.expect[n+1:]...)
}

var (
	superseded = record{Outcome: "superseded"}
	absent     = record{}
)

func refusedRecord(layer string) record { return record{Outcome: "refused " + layer} }

// the good neighbours.
func (f *cacheFile) pre() *cacheFile {
	return f.then(identityC().packet(pre.String()), usedAs(identityC(), "pre"))
}

func (f *cacheFile) post() *cacheFile {
	return f.then(identityC().packet(post.String()), usedAs(identityC(), "post"))
}

// file adds a vector about a cache file.
func (g *group) cache(name, rules, title string, f *cacheFile, tolerated ...any) {
	g.add(name, rules, title, vector{Kind: "cache", File: f.text, Expect: f.expect, Tolerated: tolerated})
}

// between adds a vector about a record between two good neighbours.
func (g *group) between(name, rules, title string, packet octets, outcome record, tolerated ...any) {
	f := new(cacheFile).pre().then(packet, outcome).post()
	g.cache(name, rules, title, f, tolerated...)
}

// gen is section 3: a defect stays inside its packet.
func gen(g *group) {
	a, c := identityA(), identityC()
	d := base.String()
	g.between("good-record-between-neighbours", "DISC-GEN-01a", "three good records", a.packet(d), usedAs(a, baseIdent))
	deep := strings.Repeat("[", 500)
	bomb := base.with(envelopes, `["json",`+twoActions("acname", `[[18446744073709551615,"x"]]`)+`]`).String()
	random := make([]byte, 0, 256)
	for i := range 256 {
		random = append(random, byte(i*i*7+i))
	}
	for name, probe := range ordered(map[string]struct {
		packet octets
		layer  string
	}{
		"bad-signature":          {a.damaged(d, "other data"), "signature"},
		"cut-in-the-data":        {text(d[:50]), "envelope"},
		"cut-in-the-certificate": {octets{{octets: a.packet(d).expand()[:600]}}, "envelope"},
		"cut-in-the-signature":   {octets{{octets: a.packet(d).expand()[:1450]}}, "signature"},
		"garbage-certificate":    {assemble(text(d), pemBlock("CERTIFICATE", []byte("x")), "eA=="), "certificate"},
		"not-an-array":           {a.packet("7"), "data"},
		"not-utf8":               {a.packet(cat(`[3,"`, raw(0xFF), d[4:])), "data"},
		"deep-nesting":           {a.packet(deep), "data"},
		"vector-bomb":            {a.packet(bomb), "extension"},
		"octets":                 {octets{{octets: random, times: 64}}, "envelope"},
		"nul-octets":             {times(10000, "\x00"), "envelope"},
		"nul-in-the-packet":      {cat(a.bare(d), "\x00"), "signature"},
	}) {
		g.between("defect-"+name, "DISC-GEN-01a DISC-GEN-01b DISC-CCH-04b", "a defective record costs neither neighbour: "+strings.ReplaceAll(name, "-", " "), probe.packet, refusedRecord(probe.layer))
		g.vectors[len(g.vectors)-1].Hostile = true
	}
	later := base.with(timestamp, "1800000000").with(uri, jsonText(uri2)).String()
	g.cache("damaged-copy-behind-the-good-one", "DISC-GEN-01c", "a copy with a damaged signature and a higher timestamp changes nothing", new(cacheFile).then(a.packet(d), usedAs(a, baseIdent)).then(a.damaged(later, d), refusedRecord("signature")))
	g.cache("damaged-copy-before-the-good-one", "DISC-GEN-01c DISC-GEN-02", "a raw copy with a far higher timestamp, then the good packet: the good one is used", new(cacheFile).then(a.damaged(later, d), refusedRecord("signature")).then(a.packet(d), usedAs(a, baseIdent)))
	g.cache("unusable-update", "DISC-GEN-01c", "an update that is signed, and unusable, counts as absent", new(cacheFile).then(a.packet(d), usedAs(a, baseIdent)).then(a.packet(base.with(timestamp, "1800000000").with(layout, "4").String()), refusedRecord("data")))
	g.add("no-state-before-verification", "DISC-GEN-02 DISC-RPL-01a", "a listener gets a raw copy with a far higher timestamp, then the good packet, which lives for its whole time", vector{Kind: "listener", Steps: []step{
		{At: 0, Packet: c.packet(pre.String()), Expect: alive(c, "pre", "1700000000.5")},
		{At: 1, Packet: a.damaged(later, d), Expect: alive(c, "pre", "1700000000.5")},
		{At: 2, Packet: a.packet(d), Expect: alive(c, "pre", "1700000000.5", a, baseIdent, "1700000000.5")},
		{At: 3, Packet: a.damaged(base.with(intervalMS, "1").with(timestamp, "1900000000").String(), d), Expect: alive(c, "pre", "1700000000.5", a, baseIdent, "1700000000.5")},
		{At: 12, Expect: alive(a, baseIdent, "1700000000.5")},
		{At: 13, Expect: alive()},
	}})
	g.add("wrong-data-changes-nothing", "DISC-GEN-01c", "a listener gets a signed packet that is unusable: the registration stays as it was", vector{Kind: "listener", Steps: []step{
		{At: 0, Packet: a.packet(d), Expect: alive(a, baseIdent, "1700000000.5")},
		{At: 1, Packet: a.packet(base.with(timestamp, "1800000000").with(classes, "7").String()), Expect: alive(a, baseIdent, "1700000000.5")},
		{At: 2, Packet: a.packet(base.with(timestamp, "1700000000.6").String()), Expect: alive(a, baseIdent, "1700000000.6")},
	}})
}

// alive is the instances that are live: identity, ident and timestamp of each.
func alive(of ...any) []liveness {
	live := []liveness{}
	for i := 0; i < len(of); i += 3 {
		live = append(live, liveness{of[i].(*identity).fingerprint, of[i+1].(string), number(of[i+2].(string))})
	}
	return live
}
