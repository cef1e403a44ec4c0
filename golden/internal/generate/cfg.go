package main

import (
	"strings"
)

// A loaded is what came of looking for a configuration.
type loaded struct {
	Outcome   string `json:"outcome"`
	File      string `json:"file"` // "" is none
	Directory string `json:"directory"`
}

// A notFound is an error at start that names a file.
type notFound struct {
	Outcome string `json:"outcome"`
	Names   string `json:"names"`
}

// set and unset are what a key has.
func set(key string, value any) setting { return setting{Key: key, Expect: value} }
func unset(key string) setting          { return setting{Key: key} }
func wrong(key string) setting          { return setting{Key: key, Expect: failure{key}} }

// or is a setting with what is tolerated.
func (s setting) or(tolerated ...any) setting { s.Tolerated = tolerated; return s }

// cfg is section 20: the configuration.
func cfg(g *group) {
	values := func(name, rules, title string, file octets, v ...setting) {
		g.add(name, rules, title, vector{Kind: "config", File: file, Values: v})
	}
	typed := func(name, rules, title, file string, v ...setting) {
		g.add(name, rules, title, vector{Kind: "config", File: text(file), Settings: v})
	}
	values("crlf", "DISC-CFG-01a", "a file with CR LF gives the same values", text("a = b\r\nc=d\r\n\r\n"), set("a", "b").or("b\r"), set("c", "d").or("d\r"))
	values("no-final-lf", "DISC-CFG-01a", "the last line needs no LF", text("a = b\nc = d"), set("a", "b"), set("c", "d"))
	values("utf8", "DISC-CFG-01a", "keys and values in UTF-8", text("schlüssel = größe\n"), set("schlüssel", "größe"))
	values("comment-behind-a-value", "DISC-CFG-01b", "a line is cut at its first #", text("a = b # c\nd = e#f\n"), set("a", "b"), set("d", "e"))
	values("commented-out", "DISC-CFG-01b", "a line behind a # sets nothing", text("#a = b\n # c = d\n\t#\n"), unset("a"), unset("c"), unset("#a"))
	values("comment-before-the-equals-sign", "DISC-CFG-01b DISC-CFG-01h", "the # stands before the =", text("a # = b\nc = d\n"), unset("a"), set("c", "d"))
	values("comment-instead-of-a-value", "DISC-CFG-01b DISC-CFG-01f", "the value is a comment", text("a = # b\n"), unset("a"))
	values("trimming", "DISC-CFG-01c", "blanks around key and value are removed", text(" a  =  b \n\tc\t=\td\t\n   \n\t\ne=f\n"), set("a", "b"), set("c", "d"), set("e", "f"))
	values("first-equals-sign", "DISC-CFG-01d", "the first = separates", text("a=b=c\nd = = e\n"), set("a", "b=c"), set("d", "= e"))
	values("free-text", "DISC-CFG-01e", "a value may have blanks, =, quotes and brackets", text("a = b c  d\te\nf = \"g, h\" [i] 'j'\n"), set("a", "b c  d\te"), set("f", "\"g, h\" [i] 'j'"))
	values("backslash-at-the-end", "DISC-CFG-01e", "a backslash continues nothing", text("a = b\\\nc = d\n"), set("a", "b\\"), set("c", "d"))
	values("section-heads", "DISC-CFG-01h", "there are no sections", text("[x]\na = b\n[y]\nc = d\n"), set("a", "b"), set("c", "d"), unset("x.a"))
	typed("seed-hosts", "DISC-CFG-01e", "both hosts", "discovery.seed_hosts = 10.0.0.1 10.0.0.2\n", set("discovery.seed_hosts", []string{"10.0.0.1", "10.0.0.2"}))
	typed("empty-value-hides", "DISC-CFG-01f", "an empty value hides later lines, and means not set", "discovery.port =\ndiscovery.port = 6000\nrpc.timeout=\n", set("discovery.port", 5555), set("rpc.timeout", 75))
	values("empty-value-hides-text", "DISC-CFG-01f", "also where it is text", text("a =\na = b\n"), unset("a"))
	typed("empty-path", "DISC-CFG-01f DISC-CFG-03", "an empty path is not set", "discovery.cache_path = \nbus.authorized_services =\n", wrong("discovery.cache_path"), set("bus.authorized_services", "/etc/bus/authorized_services"))
	values("first-line-wins", "DISC-CFG-01g", "the first line of a key counts", text("a = 1\nb = x\na = 2\na =\n"), set("a", "1"), set("b", "x"))
	typed("first-path-wins", "DISC-CFG-01g", "of two paths, too", "discovery.cache_path = /one\ndiscovery.cache_path = /two\n", set("discovery.cache_path", "/one"))
	values("no-equals-sign", "DISC-CFG-01h", "lines without =, or without a key, are ignored", text("a = 1\nnonsense\n= x\n   =\nb = 2\n"), set("a", "1"), set("b", "2"), unset("nonsense"), unset(""))
	values("keys-are-text", "DISC-CFG-01i", "dots, digits and blanks in keys mean nothing", text("x.0.y = a\nx.99999999999 = b\na b c = d\n.. = e\nx = f\n"), set("x.0.y", "a"), set("x.99999999999", "b"), set("a b c", "d"), set("..", "e"), set("x", "f"), unset("x.0"), unset("a"))
	values("keys-with-case", "DISC-CFG-01i", "keys are compared exactly", text("Discovery.Port = 1\na.b = 2\n"), unset("discovery.port"), set("a.b", "2"), unset("A.b"))
	g.add("keys-like-indexes", "DISC-CFG-01i DISC-GEN-01b", "a key that looks like a huge index takes no memory", vector{Kind: "config", Hostile: true, File: text("x.4294967295 = a\nx.99999999999999999999 = b\n"), Values: []setting{set("x.4294967295", "a")}})
	for name, n := range ordered(map[string]int{"of-70000": 70000, "of-a-mebibyte": 1<<20 - 6}) {
		values("line-"+name, "DISC-CFG-01j", "a long line, and the one behind it, count", cat("long = ", times(n-10, "x"), " end\nnext = y\n"), set("next", "y"))
	}
	values("comment-of-a-mebibyte", "DISC-CFG-01j", "a long comment", cat("# ", times(1<<20-3, "x"), "\nnext = y\n"), set("next", "y"))
	typed("unknown-keys", "DISC-CFG-01k", "keys without a meaning are ignored", "wibble.x = 1\ndiscovery.portt = 1\nzmq.first_port = nonsense\n", set("discovery.port", 5555))
	cfgPlaces(g)
	cfgAddresses(g)
	cfgKeys(g, typed)
}

// cfgPlaces is where the file is looked for.
func cfgPlaces(g *group) {
	all := map[string]string{"/arg": "p = 1\n", "/scamp": "p = 2\n", "/scamp_config": "p = 3\n", "/gt/etc/soa.conf": "p = 4\n", "/dir/scamp.conf": "p = 5\n", "/etc/SCAMP/soa.conf": "p = 6\nonly = here\n", "/etc/scamp/scamp.conf": "p = 7\n"}
	environment := map[string]string{"SCAMP": "/scamp", "SCAMP_CONFIG": "/scamp_config", "GTSOA": "/gt", "SCAMP_CONFIG_DIR": "/dir"}
	without := func(m map[string]string, names ...string) map[string]string {
		rest := map[string]string{}
		for name, v := range m {
			rest[name] = v
		}
		for _, name := range names {
			delete(rest, name)
		}
		return rest
	}
	place := func(name, rules, title, argument string, env, files map[string]string, expect any, v ...setting) {
		g.add("place-"+name, rules, title, vector{Kind: "location", Argument: argument, Environment: env, Files: files, Expect: expect, Values: v})
	}
	found := func(file, directory string) loaded { return loaded{"loaded", file, directory} }
	place("argument", "DISC-CFG-02a", "1: the path given to the program", "/arg", environment, all, found("/arg", "/dir"), set("p", "1"))
	place("scamp", "DISC-CFG-02a", "2: $SCAMP", "", environment, all, found("/scamp", "/dir"), set("p", "2"))
	place("scamp-config", "DISC-CFG-02a", "3: $SCAMP_CONFIG", "", without(environment, "SCAMP"), all, found("/scamp_config", "/dir"), set("p", "3"))
	place("gtsoa", "DISC-CFG-02a", "4: $GTSOA/etc/soa.conf", "", without(environment, "SCAMP", "SCAMP_CONFIG"), all, found("/gt/etc/soa.conf", "/dir"), set("p", "4"))
	place("config-dir", "DISC-CFG-02a", "5: $SCAMP_CONFIG_DIR/scamp.conf", "", map[string]string{"SCAMP_CONFIG_DIR": "/dir"}, all, found("/dir/scamp.conf", "/dir"), set("p", "5"))
	place("etc-upper-case", "DISC-CFG-02a", "6: /etc/SCAMP/soa.conf", "", nil, all, found("/etc/SCAMP/soa.conf", "/etc/SCAMP"), set("p", "6"))
	place("etc-lower-case", "DISC-CFG-02a", "7: /etc/scamp/scamp.conf", "", nil, without(all, "/etc/SCAMP/soa.conf"), found("/etc/scamp/scamp.conf", "/etc/scamp"), set("p", "7"))
	place("none", "DISC-CFG-02a", "no file at all: an empty configuration", "", nil, nil, found("", "/etc/scamp"), unset("p"))
	place("empty-variables", "DISC-CFG-02a", "empty variables do not apply", "", map[string]string{"SCAMP": "", "SCAMP_CONFIG": "", "GTSOA": "", "SCAMP_CONFIG_DIR": ""}, all, found("/etc/SCAMP/soa.conf", "/etc/SCAMP"), set("p", "6"))
	place("config-dir-without-file", "DISC-CFG-02a DISC-CFG-02d", "the configuration directory need not have the file, and stays the directory", "", map[string]string{"SCAMP_CONFIG_DIR": "/dir"}, without(all, "/dir/scamp.conf"), found("/etc/SCAMP/soa.conf", "/dir"), set("p", "6"))
	for name, env := range ordered(map[string]map[string]string{"SCAMP": {"SCAMP": "/nosuch"}, "SCAMP_CONFIG": {"SCAMP_CONFIG": "/nosuch"}, "GTSOA": {"GTSOA": "/nosuch"}}) {
		place("missing-"+slug(name), "DISC-CFG-02b", "$"+name+" names a missing file: an error that names the path", "", env, all, notFound{"error", "/nosuch"})
	}
	place("missing-argument", "DISC-CFG-02b", "the argument names a missing file", "/nosuch", nil, all, notFound{"error", "/nosuch"})
	place("missing-before-others", "DISC-CFG-02b DISC-CFG-02c", "a missing file is an error also where a later place has one", "", without(environment, "SCAMP_CONFIG"), without(all, "/scamp"), notFound{"error", "/scamp"})
	place("one-file-only", "DISC-CFG-02c", "a key of a later place is not set", "", map[string]string{"SCAMP_CONFIG_DIR": "/dir"}, all, found("/dir/scamp.conf", "/dir"), unset("only"), set("p", "5"))
	place("directory-of-the-file", "DISC-CFG-02d", "without $SCAMP_CONFIG_DIR the directory is that of the file", "/srv/bus/soa.conf", nil, map[string]string{"/srv/bus/soa.conf": ""}, found("/srv/bus/soa.conf", "/srv/bus"), unset("p"))
}

// cfgAddresses is address lists on a host with these interfaces.
func cfgAddresses(g *group) {
	host := []hostInterface{{"lo", []string{"127.0.0.1", "::1"}}, {"eth0", []string{"fe80::1", "192.168.1.5"}}, {"net7", []string{"10.1.7.20", "10.1.7.21"}}, {"bare", []string{}}}
	on := func(name, rules, title, file string, host []hostInterface, lists ...setting) {
		g.add("addresses-"+name, rules, title, vector{Kind: "addresses", File: text(file), Host: host, Lists: lists})
	}
	is := func(name, rules, title, file string, discovery, service any, tolerated ...any) {
		on(name, rules, title, file, host, setting{"discovery.address", discovery, tolerated}, setting{"service.address", service, tolerated})
	}
	list := func(a ...string) []string { return a }
	is("list", "DISC-CFG-04a", "addresses and interfaces, with blanks", "bus.address = 127.0.0.1 , if:net7\n", list("127.0.0.1", "10.1.7.20"), list("127.0.0.1", "10.1.7.20"))
	is("loopback-interface", "DISC-CFG-04a", "the loop-back interface", "bus.address=if:lo,192.168.1.5\n", list("127.0.0.1", "192.168.1.5"), list("127.0.0.1", "192.168.1.5"))
	is("first-ipv4-of-an-interface", "DISC-CFG-04a", "an interface stands for its first IPv4 address", "bus.address = if:eth0\n", list("192.168.1.5"), list("192.168.1.5"))
	is("one-for-both", "DISC-CFG-04b", "bus.address is for both", "bus.address = 10.1.7.21\n", list("10.1.7.21"), list("10.1.7.21"))
	is("service-for-itself", "DISC-CFG-04b", "service.address overrides it for services only", "bus.address = 127.0.0.1\nservice.address = 192.168.1.5\n", list("127.0.0.1"), list("192.168.1.5"))
	is("discovery-for-itself", "DISC-CFG-04b", "discovery.address overrides it for discovery only", "bus.address = 127.0.0.1\ndiscovery.address = if:net7\n", list("10.1.7.20"), list("127.0.0.1"))
	is("empty-service-address", "DISC-CFG-04b DISC-CFG-01f", "an empty value is not set", "bus.address = 127.0.0.1\nservice.address =\n", list("127.0.0.1"), list("127.0.0.1"))
	is("probe", "DISC-CFG-04c", "without any key the first address in 10/8", "", list("10.1.7.20"), list("10.1.7.20"), list("192.168.1.5"))
	on("probe-192-168", "DISC-CFG-04c", "else in 192.168/16", "", []hostInterface{{"a", []string{"172.16.5.5"}}, {"b", []string{"192.168.1.5"}}}, setting{"service.address", list("192.168.1.5"), []any{list("172.16.5.5")}})
	on("probe-172-16", "DISC-CFG-04c", "else in 172.16/12", "", []hostInterface{{"a", []string{"203.0.113.1"}}, {"b", []string{"172.31.255.254"}}}, setting{"service.address", list("172.31.255.254"), nil})
	on("probe-finds-nothing", "DISC-CFG-04c", "a host without a private address: an error", "", []hostInterface{{"lo", []string{"127.0.0.1"}}, {"a", []string{"203.0.113.1", "172.32.0.1", "fd00::1"}}}, setting{"service.address", failure{"bus.address"}, nil})
	bad := func(name, title, value, names string, tolerated ...any) {
		f := failure{names}
		is(name, "DISC-CFG-04d", title, "bus.address = "+value+"\n", f, f, tolerated...)
	}
	bad("foreign", "an address that the host does not have", "10.9.9.9,127.0.0.1", "10.9.9.9", list("127.0.0.1"))
	bad("foreign-alone", "such an address alone", "10.9.9.9", "10.9.9.9")
	bad("no-such-interface", "an interface that does not exist", "if:eth9", "eth9")
	bad("interface-without-address", "an interface without an address", "if:bare", "bare")
	bad("host-name", "a host name", "localhost", "localhost")
	bad("ipv6", "an IPv6 address", "::1", "::1")
	bad("with-a-port", "an address with a port", "127.0.0.1:5555", "127.0.0.1:5555")
	bad("of-five-parts", "too many parts", "10.1.7.20.1", "10.1.7.20.1")
	bad("wildcard", "0.0.0.0 is no address of the host", "0.0.0.0", "0.0.0.0")
}

// cfgKeys is the table of keys.
func cfgKeys(g *group, typed func(name, rules, title, file string, v ...setting)) {
	defaults := []setting{
		set("discovery.multicast_address", "239.63.248.106"), set("discovery.port", 5555), set("discovery.cache_max_age", 120), set("discovery.seed_hosts", []string{}), set("discovery.auth_localhost", false),
		set("discovery.local_multicast", false), set("bus.authorized_services", "/etc/bus/authorized_services"), set("bus.default_sector", "main"), set("auth.ticket_verify_public_key", "/etc/bus/auth/ticket_verify_public_key.pem"),
		set("rpc.timeout", 75), set("beepish.first_port", 30100), set("beepish.last_port", 30399), set("beepish.bind_tries", 20), set("beepish.client_timeout", 90), set("beepish.server_timeout", 120), set("flow.max_inflight", 65536),
		set("ledger.soa_key", "/etc/bus/services/ledger.key"), set("ledger.soa_cert", "/etc/bus/services/ledger.crt"),
	}
	typed("defaults", "DISC-CFG-05a DISC-CCH-08e DISC-MC-01a DISC-MC-01b", "an empty file has the defaults of the table", "", defaults...)
	typed("optional-defaults", "DISC-CFG-05a", "the defaults of optional keys", "", set("log.level", 2), set("ledger.logfile", "/var/log/SCAMP/service-ledger.log"), set("ledger.stderr", "/var/log/scamp/service-ledger-stderr.log"), set("dispatcher.port", 8080), set("dispatcher.delay_listen", 10000))
	typed("worker-defaults", "DISC-CFG-05a", "the defaults of worker keys; others are tolerated", "", set("worker.limit", 8), set("worker.start", 5), set("worker.min_spares", 2), set("worker.max_spares", 4), set("worker.timeout", 60), set("worker.max_requests", 100), set("worker.kill_delay", 2))
	typed("settings", "DISC-CFG-05a DISC-CFG-05b DISC-MC-01a DISC-MC-01b", "every key changes its function", strings.Join([]string{
		"discovery.multicast_address = 239.1.2.3", "discovery.port = 6000", "discovery.cache_path = /run/cache", "discovery.cache_max_age = 10", "discovery.seed_hosts = a  b", "discovery.auth_localhost = no", "discovery.local_multicast =", "bus.authorized_services = /srv/authorized", "bus.default_sector = web",
		"auth.ticket_verify_public_key = keys/t.pem", "rpc.timeout = 5", "beepish.first_port = 31000", "beepish.last_port = 31009", "beepish.bind_tries = 3", "beepish.client_timeout = 7", "beepish.server_timeout = 8", "flow.max_inflight = 4096"}, "\n")+"\n",
		set("discovery.multicast_address", "239.1.2.3"), set("discovery.port", 6000), set("discovery.cache_path", "/run/cache"), set("discovery.cache_max_age", 10), set("discovery.seed_hosts", []string{"a", "b"}), set("discovery.auth_localhost", true), set("discovery.local_multicast", true), set("bus.authorized_services", "/srv/authorized"), set("bus.default_sector", "web"),
		set("auth.ticket_verify_public_key", "keys/t.pem"), set("rpc.timeout", 5), set("beepish.first_port", 31000), set("beepish.last_port", 31009), set("beepish.bind_tries", 3), set("beepish.client_timeout", 7), set("beepish.server_timeout", 8), set("flow.max_inflight", 4096))
	typed("missing-cache-path", "DISC-CFG-03", "a required key is missing: an error that names it", "", wrong("discovery.cache_path").or("/tmp/scamp_discovery_cache"))
	typed("leading-zeros", "DISC-CFG-05b", "a number is a decimal integer, with leading zeros too", "rpc.timeout = 0010\n", set("rpc.timeout", 10))
	for name, v := range ordered(map[string]string{"word": "abc", "above-the-range": "70000", "zero": "0", "negative": "-1", "plus-sign": "+5", "fraction": "5.5", "hexadecimal": "0x10", "unit": "5555udp", "exponent": "5e3", "other-digits": "\u0665", "huge": "99999999999999999999", "two-numbers": "5 6", "separators": "5_555"}) {
		typed("port-"+name, "DISC-CFG-05c", "a port that is none: "+v, "discovery.port = "+v+"\n", wrong("discovery.port").or(5555))
	}
	typed("seconds-that-are-none", "DISC-CFG-05c", "seconds that are no integer", "rpc.timeout = 1.5\nbeepish.client_timeout = 1m\nbeepish.bind_tries = many\nflow.max_inflight = 64k\n", wrong("rpc.timeout").or(75), wrong("beepish.client_timeout").or(90), wrong("beepish.bind_tries").or(20), wrong("flow.max_inflight").or(65536))
	typed("group-that-is-none", "DISC-CFG-05c", "a group that is no IPv4 address", "discovery.multicast_address = all-hosts\n", wrong("discovery.multicast_address").or("239.63.248.106"))
	typed("older-names", "DISC-CFG-05d", "older names are read", "scamp.first_port = 31000\nscamp.last_port = 31009\nscamp.bind_tries = 3\nscamp.client_timeout = 7\nscamp.server_timeout = 8\ndiscovery.known_hosts = a b\n",
		set("beepish.first_port", 31000).or(30100), set("beepish.last_port", 31009).or(30399), set("beepish.bind_tries", 3).or(20), set("beepish.client_timeout", 7).or(90), set("beepish.server_timeout", 8).or(120), set("discovery.seed_hosts", []string{"a", "b"}).or([]string{}))
	typed("newer-names-win", "DISC-CFG-05d", "where both names are set, in whatever order, the newer one counts", "scamp.last_port = 1\nbeepish.last_port = 31009\nbeepish.bind_tries = 3\nscamp.bind_tries = 4\n", set("beepish.last_port", 31009).or(1), set("beepish.bind_tries", 3).or(4))
	typed("port-range", "DISC-CFG-05f DISC-CFG-05b", "the range of ports", "beepish.first_port = 31000\nbeepish.last_port = 31009\n", set("beepish.first_port", 31000), set("beepish.last_port", 31009))
	typed("port-range-of-one", "DISC-CFG-05f", "a range of one port", "beepish.first_port = 31000\nbeepish.last_port = 31000\n", set("beepish.first_port", 31000), set("beepish.last_port", 31000))
	typed("port-range-upside-down", "DISC-CFG-05f DISC-CFG-05c", "a range that ends before it begins", "beepish.first_port = 31009\nbeepish.last_port = 31000\n", wrong("beepish.last_port").or(31000))
	typed("key-pair-soa", "DISC-CFG-05e", "soa_key and soa_cert first", "ledger.key = /k2\nledger.soa_key = /k1\nledger.cert = /c2\nledger.soa_cert = /c1\n", set("ledger.soa_key", "/k1").or("/k2"), set("ledger.soa_cert", "/c1").or("/c2"))
	typed("key-pair-short", "DISC-CFG-05e", "then key and cert", "ledger.key = /k2\nledger.cert = /c2\n", set("ledger.soa_key", "/k2").or("/etc/bus/services/ledger.key"), set("ledger.soa_cert", "/c2").or("/etc/bus/services/ledger.crt"))
	typed("key-pair-mixed", "DISC-CFG-05e", "each for itself", "ledger.soa_key = /k1\nledger.cert = /c2\nmailer.cert = /c3\n", set("ledger.soa_key", "/k1").or("/etc/bus/services/ledger.key"), set("ledger.soa_cert", "/c2").or("/etc/bus/services/ledger.crt"))
	typed("key-pair-of-another", "DISC-CFG-05e", "those of another service do not count", "mailer.soa_key = /k3\nmailer.soa_cert = /c3\n", set("ledger.soa_key", "/etc/bus/services/ledger.key"), set("ledger.soa_cert", "/etc/bus/services/ledger.crt"))
	typed("key-pair-empty", "DISC-CFG-05e DISC-CFG-01f", "an empty path is not set", "ledger.soa_key =\nledger.key = /k2\n", set("ledger.soa_key", "/k2").or("/etc/bus/services/ledger.key"))
}
