package main

import (
	"strings"

	"github.com/gudtech/scamp-sim/fixtures"
)

// keyFile is the file of a fixture's private key.
func keyFile(name string) []byte {
	file, err := fixtures.FS.ReadFile(name + ".key.pem")
	if err != nil {
		panic(err)
	}
	return file
}

// plainService is what an announcer is told to announce, unless a vector changes it: the base packet.
func plainService() service {
	return service{Ident: baseIdent, Sector: "main", Weight: 1, Interval: 5000, URI: baseURI, Envelopes: []string{"json"},
		Actions: []offered{{Name: "Foo.bar"}}, Timestamp: "1700000000.5"}
}

// announced is what receivers read in the packet: the base packet of A, but for what follows.
func announced(changes ...func(*verdict)) verdict {
	v := used(changes...)
	v.Outcome = "announced"
	return v
}

// failed is an announcer that reports an error at start.
var failed = verdict{Outcome: "error"}

// announce adds a vector about what an announcer with the key of A makes of a certificate file and a service.
func (g *group) announce(name, rules, title, certificate string, s service, expect verdict, tolerated ...any) {
	g.add(name, rules, title, vector{Kind: "announce", Key: text(string(keyFile("server"))), Certificate: text(certificate), Service: &s, Expect: expect, Tolerated: tolerated})
}

// relay adds a vector about a cache manager: datagrams arrive, and the packets of some, by their numbers, are in its file.
func (g *group) relay(name, rules, title string, datagrams []octets, expect []int, tolerated ...any) {
	g.add(name, rules, title, vector{Kind: "manager", Datagrams: datagrams, Expect: expect, Tolerated: tolerated})
}

// obj is section 6.1: the object form.
func obj(g *group) {
	const whole = `{"vmaj":4,"vmin":0,"ident":"svc:AAAAAAAAAAAAAAAAAAAAAAAA","sector":"main","wgt":1,"intvl":5000,"uri":"beepish+tls://127.0.0.1:30101","env":["json"],"v3actions":[["Foo",["bar","",1]]],"ts":1700000000.5}`
	const vectors = `"acname":["x"],"acns":["Bar"],"acsec":["main"],"acenv":["json"]`
	change := func(from, to string) string {
		if !strings.Contains(whole, from) {
			panic(from)
		}
		return strings.Replace(whole, from, to, 1)
	}
	bad := refused("data")
	g.data("object-form", "DISC-OBJ-01b DISC-CMG-08a", "a packet in the object form: a receiver that does not read it drops it", whole, bad, used())
	g.data("object-form-with-vectors-alone", "DISC-OBJ-02c DISC-OBJ-01b", "without v3actions the sector may be missing; a receiver that does not read the form drops it",
		`{"vmaj":4,"ident":"svc:AAAAAAAAAAAAAAAAAAAAAAAA","wgt":1,"intvl":5000,"uri":"beepish+tls://127.0.0.1:30101","env":["json"],"ts":1700000000.5,`+vectors+`}`, bad,
		verdict{Outcome: "used", Actions: &[]action{offers("Bar.x")}})
	for name, d := range ordered(map[string]string{"5": change(`"vmaj":4`, `"vmaj":5`), "string": change(`"vmaj":4`, `"vmaj":"4"`), "absent": change(`"vmaj":4,`, ""), "null": change(`"vmaj":4`, `"vmaj":null`)}) {
		g.data("major-version-"+name, "DISC-OBJ-02a", "the major version is no number up to 4: "+name, d, bad)
	}
	for name, d := range ordered(map[string]string{
		"ident-absent": change(`"ident":"svc:AAAAAAAAAAAAAAAAAAAAAAAA",`, ""), "ident-number": change(`"ident":"svc:AAAAAAAAAAAAAAAAAAAAAAAA"`, `"ident":5`),
		"uri-absent": change(`"uri":"beepish+tls://127.0.0.1:30101",`, ""), "uri-number": change(`"uri":"beepish+tls://127.0.0.1:30101"`, `"uri":5`)}) {
		g.data(name, "DISC-OBJ-02b", "ident and uri must be strings: "+strings.ReplaceAll(name, "-", " "), d, bad)
	}
	g.data("v3actions-without-sector", "DISC-OBJ-02c", "v3actions need a sector", change(`"sector":"main",`, ""), bad)
	for name, d := range ordered(map[string]string{"empty": `{}`, "of-something-else": `{"hello":"world"}`, "array-as-keys": `{"0":3,"1":"svc:A","2":"main"}`}) {
		g.data("object-"+name, "DISC-OBJ-02a DISC-JSN-01b", "an object that is no announcement: "+strings.ReplaceAll(name, "-", " "), d, bad)
	}
	a := identityA()
	g.relay("ignored-object-leaves-no-trace", "DISC-OBJ-02d", "an object-form packet of another major version makes no record, and the array-form packet of the same ident with a lower timestamp counts afterwards",
		[]octets{a.packet(strings.Replace(change(`"vmaj":4`, `"vmaj":5`), "1700000000.5", "1800000000.5", 1)), a.packet(base.String())}, []int{1})
	s := plainService()
	g.announce("announce-an-array", "DISC-OBJ-01a DISC-JSN-01a DISC-JSN-02a DISC-JSN-04f", "data is sent as an array of nine elements", identityA().section+"\n", s, announced())
	s.Actions, s.Weight = []offered{}, 0
	g.announce("announce-no-actions", "DISC-JSN-05b DISC-OBJ-01a", "no actions are an empty array", identityA().section+"\n", s, announced(offering(), weighing("0")))
}
