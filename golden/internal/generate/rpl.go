package main

// rpl is section 10: replay, expiry, replacement.
func rpl(g *group) {
	a, c := identityA(), identityC()
	d := base.String()
	stampedAt := func(t string, more ...string) octets {
		changed := base.with(timestamp, t)
		if len(more) > 0 {
			changed = changed.with(uri, jsonText(more[0]))
		}
		return a.packet(changed.String())
	}
	listener := func(name, rules, title string, steps ...step) {
		g.add(name, rules, title, vector{Kind: "listener", Steps: steps})
	}
	listener("older-packets", "DISC-RPL-01a", "a packet with a smaller timestamp is not used",
		step{At: 0, Packet: stampedAt("200"), Expect: alive(a, baseIdent, "200")},
		step{At: 1, Packet: stampedAt("100", uri2), Expect: alive(a, baseIdent, "200")},
		step{At: 2, Packet: stampedAt("199.999999", uri2), Expect: alive(a, baseIdent, "200")},
		step{At: 3, Packet: stampedAt("201"), Expect: alive(a, baseIdent, "201")})
	listener("older-packets-do-not-refresh", "DISC-RPL-01a DISC-RPL-02a", "a refused packet does not lengthen the life of the instance",
		step{At: 0, Packet: stampedAt("200"), Expect: alive(a, baseIdent, "200")},
		step{At: 9, Packet: stampedAt("100"), Expect: alive(a, baseIdent, "200")},
		step{At: 11, Expect: alive()})
	listener("older-packets-after-the-expiry", "DISC-RPL-01a DISC-RPL-01c", "a replay after the instance has expired is refused, too",
		step{At: 0, Packet: stampedAt("200"), Expect: alive(a, baseIdent, "200")},
		step{At: 100, Expect: alive()},
		step{At: 101, Packet: stampedAt("100"), Expect: alive(), Other: [][]liveness{alive(a, baseIdent, "100")}})
	listener("older-packet-of-another-identity", "DISC-RPL-01a DISC-IDT-02a DISC-TSP-02a", "the highest timestamp is that of the identity: fingerprint and ident",
		step{At: 0, Packet: stampedAt("200"), Expect: alive(a, baseIdent, "200")},
		step{At: 1, Packet: c.packet(base.with(timestamp, "100").String()), Expect: alive(a, baseIdent, "200", c, baseIdent, "100")},
		step{At: 2, Packet: a.packet(base.with(timestamp, "5").with(ident, `"svc:2"`).String()), Expect: alive(a, baseIdent, "200", c, baseIdent, "100", a, "svc:2", "5")})
	listener("equal-timestamps-refresh", "DISC-RPL-01b DISC-MC-09b", "an instance that repeats one packet stays",
		step{At: 0, Packet: a.packet(d), Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 10, Packet: a.packet(d), Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 20, Packet: a.packet(d), Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 30, Packet: a.packet(d), Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 40, Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 41, Expect: alive()})
	listener("equal-timestamp-after-the-expiry", "DISC-RPL-01b", "an instance that has expired comes back with the same packet",
		step{At: 0, Packet: a.packet(d), Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 11, Expect: alive()},
		step{At: 12, Packet: a.packet(d), Expect: alive(a, baseIdent, "1700000000.5")})
	listener("rebuilt-packets", "DISC-MC-09b DISC-RPL-02a", "an instance that signs anew each time stays as well",
		step{At: 0, Packet: stampedAt("1"), Expect: alive(a, baseIdent, "1")},
		step{At: 5, Packet: stampedAt("2"), Expect: alive(a, baseIdent, "2")},
		step{At: 10, Packet: stampedAt("3"), Expect: alive(a, baseIdent, "3")},
		step{At: 20, Expect: alive(a, baseIdent, "3")},
		step{At: 21, Expect: alive()})
	second := a.packet(base.with(intervalMS, "1000").String())
	listener("silent-instances-expire", "DISC-RPL-02a", "interval 1000: present after 2.0 s, gone soon after 2.1 s",
		step{At: 0, Packet: second, Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 1.9, Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 2.05, Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 2.2, Expect: alive(), Other: [][]liveness{alive(a, baseIdent, "1700000000.5")}},
		step{At: 4.1, Expect: alive(), Other: [][]liveness{alive(a, baseIdent, "1700000000.5")}},
		step{At: 7.1, Expect: alive()})
	listener("interval-of-the-last-packet", "DISC-RPL-02a DISC-RPL-05a", "the interval of the packet accepted last counts",
		step{At: 0, Packet: second, Expect: alive(a, baseIdent, "1700000000.5")},
		step{At: 1, Packet: stampedAt("1800000000"), Expect: alive(a, baseIdent, "1800000000")},
		step{At: 11, Expect: alive(a, baseIdent, "1800000000")},
		step{At: 12, Expect: alive()})
	for name, i := range ordered(map[string]string{"huge": "1e12", "of-a-year": "31536000000"}) {
		listener("interval-"+name, "DISC-RPL-02b", "a very long interval counts as a day: "+i,
			step{At: 0, Packet: a.packet(base.with(intervalMS, i).String()), Expect: alive(a, baseIdent, "1700000000.5")},
			step{At: 180000, Expect: alive(a, baseIdent, "1700000000.5")},
			step{At: 182000, Expect: alive(), Other: [][]liveness{alive(a, baseIdent, "1700000000.5")}})
	}
	for name, i := range ordered(map[string]string{"tiny": "0.1", "zero": "0", "negative": "-5000"}) {
		listener("interval-"+name, "DISC-RPL-02b", "a very short interval counts as 100 ms: "+i,
			step{At: 0, Packet: c.packet(pre.String()), Expect: alive(c, "pre", "1700000000.5")},
			step{At: 1, Packet: a.packet(base.with(intervalMS, i).String()), Expect: alive(c, "pre", "1700000000.5", a, baseIdent, "1700000000.5"), Other: [][]liveness{alive(c, "pre", "1700000000.5")}},
			step{At: 1.15, Expect: alive(c, "pre", "1700000000.5", a, baseIdent, "1700000000.5"), Other: [][]liveness{alive(c, "pre", "1700000000.5")}},
			step{At: 4.1, Expect: alive(c, "pre", "1700000000.5")})
	}

	for name, t := range ordered(map[string]string{"long-ago": "5", "in-2009": "1234567890", "before-1970": "-20", "in-2096": "4000000000", "in-milliseconds": "1700000000000"}) {
		g.directory("record-"+name, "DISC-RPL-04 DISC-RPL-03 DISC-TSP-02b", "a reader does not look at the clock: timestamp "+t+", interval 100", []octets{a.packet(base.with(intervalMS, "100").with(timestamp, t).String())}, find("Foo.bar", of(a, "Foo.bar", 1)))
	}

	update := base.with(timestamp, "1700000005.5")
	foo, baz := of(a, "Foo.bar", 1), of(a, "Foo.baz", 1)
	g.directory("update-withdraws-actions", "DISC-RPL-05a", "an update replaces the earlier packet completely: its actions", []octets{a.packet(d), a.packet(update.with(classes, `[["Foo",["baz","",1]]]`).String())}, find("Foo.bar"), find("Foo.baz", baz))
	g.directory("update-moves", "DISC-RPL-05a", "its URI", []octets{a.packet(d), a.packet(update.with(uri, jsonText(uri2)).String())}, find("Foo.bar", foo.named(baseIdent, uri2)))
	g.directory("update-changes-envelopes", "DISC-RPL-05a", "its envelopes", []octets{a.packet(d), a.packet(update.with(envelopes, `["web"]`).String())}, find("Foo.bar"), find("Foo.bar", foo).by("web"))
	g.directory("update-stops", "DISC-RPL-05a DISC-WGT-01a", "its weight, with the full list of actions", []octets{a.packet(d), a.packet(update.with(weight, "0").String())}, find("Foo.bar"))
	g.directory("update-starts-again", "DISC-RPL-05a", "and back", []octets{a.packet(base.with(weight, "0").String()), a.packet(update.String())}, find("Foo.bar", foo))
	g.directory("update-drops-vectors", "DISC-RPL-05a DISC-V4-10d", "its v4 actions", []octets{a.packet(base.with(envelopes, `["json",`+twoActions()+`]`).String()), a.packet(update.String())}, find("Bar.x"), find("Foo.bar", foo))
	g.directory("update-drops-aliases", "DISC-RPL-05a DISC-ACT-11a", "its aliases", []octets{a.packet(base.with(classes, `[["Foo",["bar","read",1]]]`).String()), a.packet(update.String())}, find("Foo._read"), find("Foo.bar", foo))
	older, newer := stampedAt("100"), stampedAt("200", uri2)
	g.directory("highest-timestamp-last", "DISC-RPL-05b", "of two records of one identity the one with the highest timestamp counts", []octets{older, newer}, find("Foo.bar", foo.named(baseIdent, uri2)))
	g.directory("highest-timestamp-first", "DISC-RPL-05b DISC-CCH-01c", "in whatever order they stand", []octets{newer, older}, find("Foo.bar", foo.named(baseIdent, uri2)))
	g.directory("highest-timestamp-in-the-middle", "DISC-RPL-05b DISC-CCH-01c", "of three", []octets{older, newer, stampedAt("150", uri3)}, find("Foo.bar", foo.named(baseIdent, uri2)))
	g.directory("highest-timestamp-is-invalid", "DISC-RPL-05b DISC-GEN-01c", "an invalid record with a higher timestamp does not count", []octets{older, a.damaged(base.with(timestamp, "300").String(), d), newer}, find("Foo.bar", foo.named(baseIdent, uri2)))
	g.directory("tie", "DISC-RPL-05c", "with equal timestamps the later record counts", []octets{stampedAt("100"), stampedAt("100", uri2)}, find("Foo.bar", foo.named(baseIdent, uri2)).or(foo))
	g.directory("tie-in-other-spellings", "DISC-RPL-05c", "equal numbers, written differently", []octets{stampedAt("1e2"), stampedAt("100.0", uri2)}, find("Foo.bar", foo.named(baseIdent, uri2)).or(foo))
	g.sequence("stable-choice", "DISC-RPL-05d", "duplicates in the file, which is touched several times: the same instance is called each time",
		scene{At: 0, Cache: fileOf(older, newer, stampedAt("200", uri3)), Calls: []call{find("Foo.bar", foo.named(baseIdent, uri3)).or(foo.named(baseIdent, uri2))}},
		scene{At: 10, Touch: true, Calls: []call{find("Foo.bar", foo.named(baseIdent, uri3)).or(foo.named(baseIdent, uri2))}},
		scene{At: 20, Touch: true, Calls: []call{find("Foo.bar", foo.named(baseIdent, uri3)).or(foo.named(baseIdent, uri2))}},
		scene{At: 30, Cache: fileOf(older, newer, stampedAt("200", uri3)), Calls: []call{find("Foo.bar", foo.named(baseIdent, uri3)).or(foo.named(baseIdent, uri2))}})
	g.sequence("earlier-readings-do-not-count", "DISC-RPL-05b", "a new file has the identity with a smaller timestamp only: that is used",
		scene{At: 0, Cache: fileOf(older, newer), Calls: []call{find("Foo.bar", foo.named(baseIdent, uri2))}},
		scene{At: 10, Cache: fileOf(stampedAt("50", uri3)), Calls: []call{find("Foo.bar", foo.named(baseIdent, uri3))}},
		scene{At: 20, Cache: fileOf(stampedAt("50")), Calls: []call{find("Foo.bar", foo)}})
	fast := a.packet(base.with(intervalMS, "100").String())
	g.sequence("no-expiry-in-a-fresh-file", "DISC-RPL-03", "an interval of 100 ms, and a file that is touched and otherwise unchanged for a minute",
		scene{At: 0, Cache: fileOf(fast), Calls: []call{find("Foo.bar", foo)}}, scene{At: 30, Touch: true, Calls: []call{find("Foo.bar", foo)}}, scene{At: 60, Touch: true, Calls: []call{find("Foo.bar", foo)}})
	g.directory("identical-records", "DISC-RPL-06", "the same record three times is one instance", []octets{a.packet(d), a.packet(d), a.packet(d)}, find("Foo.bar", foo))

	id := "ledger:W8hqXMc04UljFGEJjXF2b9dr"
	ledger := instance{Fingerprint: ledgerFingerprint, Ident: id, URI: "beepish+tls://10.1.7.20:30142"}
	real := func(action string, version, timeout int) instance {
		i := ledger
		i.Action, i.Version, i.Timeout = action, version, timeout
		return i
	}
	one := []octets{text(example1)}
	two := []octets{text(example1), text(example2())}
	g.directory("example-26-1", "DISC-ACT-11a DISC-ACT-10a", "the worked example 26.1: what a requester registers", one,
		find("ledger.post", real("Ledger.post", 1, 30)), find("ledger.balance", real("Ledger.balance", 2, 0)).version(2), find("ledger._read", real("Ledger.balance", 2, 0)).version(2), find("ledger.report.daily", real("Ledger.Report.daily", 1, 0)), find("ledger.balance"), find("ledger._read"))
	g.directory("example-26-2", "DISC-RPL-05a DISC-V4-12 DISC-V4-10d", "the worked example 26.2: what it has after the second packet", two,
		find("ledger.post", real("Ledger.post", 1, 30)), find("ledger.balance", real("Ledger.balance", 2, 0)).version(2), find("ledger._read", real("Ledger.balance", 2, 0)).version(2), find("ledger.report.daily"),
		find("ledger.web.export", real("Ledger.Web.export", 1, 120)).in("web").by("web"), find("ledger.web.list", real("Ledger.Web.list", 1, 0)).in("web").by("web"),
		find("ledger.web.list", real("Ledger.Web.list", 2, 0)).in("web").version(2), find("ledger.web.list", real("Ledger.Web.list", 2, 0)).in("web").version(2).by("jsonstore"),
		find("ledger.push", real("Ledger.push", 1, 0)).by("jsonstore"), find("ledger._create", real("Ledger.push", 1, 0)).by("jsonstore"), find("ledger.push"))
}
