package main

import (
	"fmt"
	"strings"
)

// idt is section 8.1: idents and identities.
func idt(g *group) {
	a, c := identityA(), identityC()
	for name, id := range ordered(map[string]string{"letter": "x", "blanks-and-a-hash": "a b#c", "empty": "", "looks-like-another-type": "null", "percent-signs": "%%%", "slashes": "../../etc/x", "fingerprint-and-hash": a.fingerprint + "#x", "line-ends": "a\nb\r\n\n%%%\n"}) {
		g.data("ident-"+name, "DISC-IDT-01c", fmt.Sprintf("the ident %q is as good as any", id), base.with(ident, jsonText(id)), used(called(id)))
	}
	g.data("ident-of-2000-characters", "DISC-IDT-01c", "a long ident", base.with(ident, jsonText(strings.Repeat("x", 2000))), used(called(strings.Repeat("x", 2000))))

	two := []octets{a.packet(base.String()), c.packet(base.with(uri, jsonText(uri2)).with(timestamp, "1800000000").String())}
	g.directory("one-ident-two-certificates", "DISC-IDT-02a DISC-TSP-02a", "the same ident under two certificates is two instances", two,
		find("Foo.bar", of(a, "Foo.bar", 1), of(c, "Foo.bar", 1).named(baseIdent, uri2)))
	g.directory("one-ident-one-stops", "DISC-IDT-02a", "one of them stops; the other one stays",
		append(two, c.packet(base.with(weight, "0").with(timestamp, "1800000001").String())), find("Foo.bar", of(a, "Foo.bar", 1)))
	g.add("one-ident-expires-apart", "DISC-IDT-02b DISC-RPL-02a", "the same ident under two certificates: one falls silent and expires, the other one stays", vector{Kind: "listener", Steps: []step{
		{At: 0, Packet: a.packet(base.String()), Expect: alive(a, baseIdent, "1700000000.5")},
		{At: 1, Packet: c.packet(base.with(timestamp, "5").with(intervalMS, "60000").String()), Expect: alive(a, baseIdent, "1700000000.5", c, baseIdent, "5")},
		{At: 12, Expect: alive(c, baseIdent, "5")},
		{At: 13, Packet: a.packet(base.String()), Expect: alive(a, baseIdent, "1700000000.5", c, baseIdent, "5")},
		{At: 100, Expect: alive(c, baseIdent, "5")},
		{At: 130, Expect: alive()},
	}})
	g.directory("two-idents-one-certificate", "DISC-IDT-02a", "two idents under one certificate are two instances",
		[]octets{a.packet(base.String()), a.packet(base.with(ident, `"svc:2"`).with(uri, jsonText(uri2)).String())}, find("Foo.bar", of(a, "Foo.bar", 1), of(a, "Foo.bar", 1).named("svc:2", uri2)))
	g.directory("idents-are-compared-exactly", "DISC-IDT-02a DISC-IDT-01c", "idents that differ in case, in a blank, or in how a character is composed, are different",
		[]octets{a.packet(base.with(ident, `"svc"`).String()), a.packet(base.with(ident, `"SVC"`).String()), a.packet(base.with(ident, `"svc "`).String()), a.packet(base.with(ident, `"sv\u00e7"`).String()), a.packet(base.with(ident, `"svc\u0327"`).String())},
		find("Foo.bar", of(a, "Foo.bar", 1).named("svc", baseURI), of(a, "Foo.bar", 1).named("SVC", baseURI), of(a, "Foo.bar", 1).named("svc ", baseURI), of(a, "Foo.bar", 1).named("svç", baseURI), of(a, "Foo.bar", 1).named("svc\u0327", baseURI)))
	g.directory("escaped-ident-is-the-same", "DISC-IDT-02a", "an ident that is spelled with escapes is the same ident",
		[]octets{a.packet(base.String()), a.packet(base.with(ident, `"\u0073vc:AAAAAAAAAAAAAAAAAAAAAAAA"`).with(uri, jsonText(uri2)).with(timestamp, "1800000000").String())},
		find("Foo.bar", of(a, "Foo.bar", 1).named(baseIdent, uri2)))
}

// jsonText is a string as JSON.
func jsonText(s string) string {
	b, err := marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// wgt is section 8.2: weights.
func wgt(g *group) {
	a, c := identityA(), identityC()
	for name, w := range ordered(map[string]string{"0": "0", "minus-1": "-1", "minus-0": "-0", "zero-with-fraction": "0.0", "minus-a-half": "-0.5", "minus-huge": "-1e300"}) {
		g.directory("weight-"+name, "DISC-WGT-01a", "an instance of weight "+w+" is no candidate, alone or beside another", []octets{a.packet(base.with(weight, w).String()), c.packet(pre.with(classes, `[["Foo",["baz","",1]]]`).String()), a.packet(base.with(ident, `"svc:2"`).with(weight, w).with(classes, `[["Foo",["baz","",1]]]`).String())},
			find("Foo.bar"), find("Foo.baz", of(c, "Foo.baz", 1).named("pre", uri2)))
	}
	for name, w := range ordered(map[string]string{"1": "1", "1000": "1000", "2-to-the-32": "4294967296", "2-to-the-64": "18446744073709551616", "huge": "1e300"}) {
		g.directory("weight-"+name, "DISC-WGT-01b", "an instance of weight "+w+" is a candidate", []octets{a.packet(base.with(weight, w).String())}, find("Foo.bar", of(a, "Foo.bar", 1)))
	}
	for name, w := range ordered(map[string]string{"a-half": "0.5", "tiny": "1e-300"}) {
		g.directory("weight-"+name, "DISC-WGT-01b DISC-JSN-04b", "any weight above 0 will do: "+w, []octets{a.packet(base.with(weight, w).String())}, find("Foo.bar", of(a, "Foo.bar", 1)).or())
	}
}

// interval is section 8.3, as far as receivers have to do with it.
func interval(g *group) {
	g.announce("announce-interval", "DISC-INT-01a DISC-INT-01b", "the interval is announced in milliseconds", identityA().section+"\n", plainService(), announced())
	long := plainService()
	long.Interval = 86400000
	g.announce("announce-long-interval", "DISC-INT-01a DISC-JSN-04f", "a day is written without an exponent", identityA().section+"\n", long, announced(every("86400000")))
}

// tsp is section 8.4: timestamps.
func tsp(g *group) {
	a, c := identityA(), identityC()
	g.directory("timestamps-of-different-instances", "DISC-TSP-02a", "timestamps of different instances have nothing to do with each other",
		[]octets{a.packet(base.with(timestamp, "1e15").String()), c.packet(base.with(timestamp, "5").with(uri, jsonText(uri2)).String())}, find("Foo.bar", of(a, "Foo.bar", 1), of(c, "Foo.bar", 1).named(baseIdent, uri2)))
	for name, t := range ordered(map[string]string{"long-ago": "5", "1970": "0", "before-1970": "-1000000000", "in-2100": "4102444800", "milliseconds-in-2100": "4102444800000", "beyond-all-dates": "1e300"}) {
		g.data("timestamp-"+name, "DISC-TSP-02b DISC-RPL-04", "a timestamp is not compared with the clock: "+t, base.with(timestamp, t), used(stamped(number(t))))
	}
	g.directory("seconds-beside-milliseconds", "DISC-TSP-02c", "one instance counts in seconds, one in milliseconds",
		[]octets{a.packet(base.with(timestamp, "1700000000").String()), c.packet(base.with(timestamp, "1700000000000").with(uri, jsonText(uri2)).String())}, find("Foo.bar", of(a, "Foo.bar", 1), of(c, "Foo.bar", 1).named(baseIdent, uri2)))
	g.directory("no-scaling-within-an-instance", "DISC-TSP-02c DISC-RPL-05b", "1.7e12 is above 1800000000, although it would be earlier in milliseconds",
		[]octets{a.packet(base.with(timestamp, "1700000000000").String()), a.packet(base.with(timestamp, "1800000000").with(uri, jsonText(uri2)).String())}, find("Foo.bar", of(a, "Foo.bar", 1)))
	g.directory("microseconds-count", "DISC-RPL-05b DISC-TSP-01b", "two timestamps that differ by a microsecond",
		[]octets{a.packet(base.with(timestamp, "1700000000.000002").String()), a.packet(base.with(timestamp, "1700000000.000001").with(uri, jsonText(uri2)).String())}, find("Foo.bar", of(a, "Foo.bar", 1)))
	s := plainService()
	s.Timestamp = "1760000000.000125"
	g.announce("announce-timestamp", "DISC-TSP-01b", "leading zeros of the fraction are written", identityA().section+"\n", s, announced(stamped("1760000000.000125")))
}

// uris is section 8.5: service URIs. Connecting is the requester's; a packet is used whatever its URI.
func uris(g *group) {
	for name, u := range ordered(map[string]string{"beepish": "beepish+tls://10.1.7.20:30142", "largest-port": "beepish+tls://10.1.7.20:65535"}) {
		g.data("uri-"+name, "DISC-URI-01b", "a plain service URI: "+u, base.with(uri, jsonText(u)), used(at(u)))
	}
	g.data("uri-scamp", "DISC-URI-01c", "the other scheme", base.with(uri, `"scamp+tls://10.1.7.20:30142"`), used(at("scamp+tls://10.1.7.20:30142")))
	g.data("uri-host-name", "DISC-URI-01d", "a host name", base.with(uri, `"beepish+tls://localhost:30142"`), used(at("beepish+tls://localhost:30142")))
	g.data("uri-ipv6", "DISC-URI-01d", "an IPv6 address", base.with(uri, `"beepish+tls://[::1]:30142"`), used(at("beepish+tls://[::1]:30142")))
	for name, u := range ordered(map[string]string{"unknown-scheme": "foo://127.0.0.1:1", "no-port": "beepish+tls://127.0.0.1", "port-0": "beepish+tls://127.0.0.1:0", "port-70000": "beepish+tls://127.0.0.1:70000", "nil-host": "beepish+tls://<nil>:1", "empty": "", "blank": " ", "no-uri": "hello", "scheme-alone": "beepish+tls://"}) {
		v := used()
		v.URI = ""
		if u != "" {
			v.URI = u
		}
		g.data("unusable-uri-"+name, "DISC-URI-02a DISC-URI-02b", fmt.Sprintf("%q cannot be connected to: that is for the call to find out, and no reason to drop the packet", u), base.with(uri, jsonText(u)), v, dropped)
	}
	section := identityA().section + "\n"
	for name, u := range ordered(map[string]string{"empty-host": "beepish+tls://:30101", "placeholder": "beepish+tls://<nil>:30101", "port-0": "beepish+tls://127.0.0.1:0", "port-70000": "beepish+tls://127.0.0.1:70000", "no-port": "beepish+tls://127.0.0.1", "other-scheme": "http://127.0.0.1:30101", "no-address": "beepish+tls://host:30101"}) {
		s := plainService()
		s.URI = u
		g.announce("announce-uri-"+name, "DISC-URI-01a DISC-URI-02c", "a service at "+u+" cannot be announced", section, s, failed)
	}
}

// enl is section 8.6: envelopes.
func enl(g *group) {
	a := identityA()
	list := func(list string) []octets { return []octets{a.packet(base.with(envelopes, list).String())} }
	foo := of(a, "Foo.bar", 1)
	g.directory("envelope-must-be-offered", "DISC-ENL-01a", "an action offered for json is not found with jsonstore", list(`["json"]`), find("Foo.bar", foo), find("Foo.bar").by("jsonstore"), find("Foo.bar").by(""), find("Foo.bar").by("js"))
	g.directory("several-envelopes", "DISC-ENL-01a DISC-V4-01b", "each envelope of the list", list(`["json","jsonstore","extdirect","web","device"]`), find("Foo.bar", foo), find("Foo.bar", foo).by("jsonstore"), find("Foo.bar", foo).by("extdirect"), find("Foo.bar", foo).by("web"), find("Foo.bar", foo).by("device"))
	g.directory("no-envelopes", "DISC-ENL-01a", "an empty list offers nothing", list(`[]`), find("Foo.bar"), find("Foo.bar").by(""))
	g.directory("empty-envelope", "DISC-ENL-01b", "the empty name is a name", list(`[""]`), find("Foo.bar"), find("Foo.bar", foo).by("").or())
	g.directory("envelope-in-another-case", "DISC-ENL-01b", "case counts", list(`["JSON"]`), find("Foo.bar").or(foo), find("Foo.bar", foo).by("JSON"))
	g.directory("envelope-within-a-name", "DISC-ENL-01b", "names are whole names", list(`["jsonstore","xjson"," json","json "]`), find("Foo.bar"), find("Foo.bar", foo).by("jsonstore"))
	g.directory("comma-within-a-name", "DISC-ENL-01b", "in element 6 a comma separates nothing", list(`["json,web"]`), find("Foo.bar"), find("Foo.bar").by("web"), find("Foo.bar", foo).by("json,web").or())
	g.directory("unknown-envelopes", "DISC-ENL-02", "names that nobody knows do not matter", list(`["zebra","json","\u0000"]`), find("Foo.bar", foo), find("Foo.bar", foo).by("zebra"))
	g.data("unknown-envelopes-alone", "DISC-ENL-02", "a packet with unknown envelopes alone is used", base.with(envelopes, `["zebra"]`), used(taking("zebra"), offering(offers("Foo.bar", takes("zebra")))))
}
