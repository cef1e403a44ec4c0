package main

// shd is section 14, as far as requesters have to do with it.
func shd(g *group) {
	a, c := identityA(), identityC()
	started := base.with(envelopes, `["json",`+twoActions()+`]`)
	stopping := started.with(weight, "0").with(timestamp, "1700000001")
	plain := stopping.with(envelopes, `["json"]`)
	foo, bar, neighbourAt := of(a, "Foo.bar", 1), of(a, "Bar.x", 1), of(c, "Pre.a", 1).named("pre", uri2)
	other := c.packet(pre.String())
	found := []call{find("Foo.bar", foo), find("Bar.x", bar), find("Pre.a", neighbourAt)}
	gone := []call{find("Foo.bar"), find("Bar.x"), find("Pre.a", neighbourAt)}
	for name, packet := range ordered(map[string]data{
		"without-actions": plain.with(classes, "[]"), "with-null-classes": plain.with(classes, "null"), "with-all-actions": stopping, "with-a-negative-weight": stopping.with(weight, "-1"),
	}) {
		g.sequence("stopping-"+name, "DISC-SHD-02a DISC-WGT-01a", "an instance whose weight becomes 0 or less is not found from the next lookup on, whatever its packet lists",
			scene{At: 0, Cache: fileOf(a.packet(started.String()), other), Calls: found},
			scene{At: 10, Cache: fileOf(a.packet(packet.String()), other), Calls: gone},
			scene{At: 20, Touch: true, Calls: gone})
	}
	g.sequence("starting-again", "DISC-SHD-02a DISC-WGT-01b", "an instance that takes its stop back by a newer packet is found again",
		scene{At: 0, Cache: fileOf(a.packet(stopping.String()), other), Calls: gone},
		scene{At: 10, Cache: fileOf(a.packet(stopping.String()), a.packet(started.with(timestamp, "1700000002").String()), other), Calls: found})
	g.sequence("stopping-beside-another", "DISC-SHD-02a DISC-IDT-02a", "the other instance of the action stays",
		scene{At: 0, Cache: fileOf(a.packet(base.String()), c.packet(base.String())), Calls: []call{find("Foo.bar", foo, of(c, "Foo.bar", 1))}},
		scene{At: 10, Cache: fileOf(a.packet(plain.with(classes, "[]").String()), c.packet(base.String())), Calls: []call{find("Foo.bar", of(c, "Foo.bar", 1))}})
}
