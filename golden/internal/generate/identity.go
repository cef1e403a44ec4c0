package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"

	"github.com/gudtech/scamp-sim/fixtures"
)

// An identity signs packets.
type identity struct {
	key         *rsaKey
	section     string // section 2
	der         []byte
	fingerprint string
}

func newIdentity(key *rsaKey, der []byte) *identity {
	return &identity{key, pemBlock("CERTIFICATE", der), der, fingerprint(der)}
}

// fingerprint is the SHA-1 of a certificate as twenty upper-case pairs joined by colons (DISC-SIG-05).
func fingerprint(der []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sha1.Sum(der)), " ", ":")
}

// The identities of most vectors: A and C are those of the specification's tests, listed by the operator; B is not.
var (
	identityA = sync.OnceValue(func() *identity { return fixtureIdentity("server") })
	identityC = sync.OnceValue(func() *identity { return fixtureIdentity("other") })
	identityB = sync.OnceValue(func() *identity {
		k := newKey("stranger", 2048, f4)
		return newIdentity(k, template{version: -1}.certificate("stranger", k))
	})
)

func fixtureIdentity(name string) *identity {
	file, err := fixtures.FS.ReadFile(name + ".cert.pem")
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(file)
	key := fixtures.Certificate(name).PrivateKey.(*rsa.PrivateKey)
	i := newIdentity(fixtureKey(key), block.Bytes)
	if i.section+"\n" != string(file) {
		panic("the certificate of " + name + " is not written as it is sent")
	}
	return i
}

// variant is an identity with the key of A and a certificate of its own.
func variant(name string, t template) *identity {
	return newIdentity(identityA().key, t.certificate(name, identityA().key))
}

// sized is an identity with a key of so many bits.
func sized(bits int) *identity {
	name := fmt.Sprintf("%d bits", bits)
	k := newKey(name, bits, f4)
	return newIdentity(k, template{version: -1}.certificate(name, k))
}

// assemble joins three sections to a packet, as it is sent.
func assemble(data octets, certificate, signature string) octets {
	return cat(data, "\n\n"+certificate+"\n\n"+signature+"\n\n")
}

// signature is the signature of data, as section 3 without its last LF.
func (i *identity) signature(data octets) string {
	return lines(i.key.sign(crypto.SHA256, data.expand()), 76)
}

// packet signs data. It ends with an empty line.
func (i *identity) packet(data any) octets {
	d := cat(data)
	return assemble(d, i.section, i.signature(d))
}

// bare is a packet without the LFs at its end.
func (i *identity) bare(data any) octets {
	d := cat(data)
	return cat(d, "\n\n"+i.section+"\n\n"+i.signature(d))
}

// damaged is a packet of these data with the signature of others.
func (i *identity) damaged(data any, signed string) octets {
	return assemble(cat(data), i.section, i.signature(text(signed)))
}

// elliptic makes a packet with an EC certificate and an ECDSA signature.
func ellipticPacket(data string) (octets, string) {
	scalar := digest(crypto.SHA256, []byte("scamp-sim golden: elliptic"))
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		panic(err)
	}
	sign := func(octets []byte) []byte {
		s, err := k.Sign(nil, digest(crypto.SHA256, octets), crypto.SHA256) // without a reader it is deterministic (RFC 6979)
		if err != nil {
			panic(err)
		}
		return s
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	algorithm := tlv(tagSequence, oidECDSA)
	body := template{version: -1}.body("elliptic", algorithm, tlv(tagSequence, tlv(tagSequence, oidEC, oidP256), derBits(point)))
	der := tlv(tagSequence, body, algorithm, derBits(sign(body)))
	return assemble(text(data), pemBlock("CERTIFICATE", der), lines(sign([]byte(data)), 76)), fingerprint(der)
}

// data is the array of section 1, each element as JSON.
type data [9]string

// base is the base packet of the specification's tests (section 2).
var base = data{`3`, `"svc:AAAAAAAAAAAAAAAAAAAAAAAA"`, `"main"`, `1`, `5000`, `"beepish+tls://127.0.0.1:30101"`,
	`["json"]`, `[["Foo",["bar","",1]]]`, `1700000000.5`}

// The elements that vectors change.
const (
	layout = iota
	ident
	sector
	weight
	intervalMS
	uri
	envelopes
	classes
	timestamp
)

var elementNames = [9]string{"layout", "ident", "sector", "weight", "interval", "uri", "envelopes", "classes", "timestamp"}

// with changes an element.
func (d data) with(element int, json string) data {
	d[element] = json
	return d
}

func (d data) String() string { return "[" + strings.Join(d[:], ",") + "]" }

// first is data of the first n elements.
func (d data) first(n int) string { return "[" + strings.Join(d[:n], ",") + "]" }

// neighbour is one of the good records beside a probe; C signs it, and it is at S2.
func neighbour(name, action string) data {
	return base.with(ident, `"`+name+`"`).with(uri, `"beepish+tls://127.0.0.1:30102"`).with(classes, action)
}

var (
	pre  = neighbour("pre", `[["Pre",["a","",1]]]`)
	post = neighbour("post", `[["Post",["b","",1]]]`)
)

// An instance of a verdict: what was found, or what is present.
type instance struct {
	Fingerprint string `json:"fingerprint"`
	Ident       string `json:"ident"`
	URI         string `json:"uri,omitempty"`
	Action      string `json:"action,omitempty"`
	Version     int    `json:"version,omitempty"`
	Timeout     int    `json:"timeout,omitempty"`
}

const (
	baseIdent = "svc:AAAAAAAAAAAAAAAAAAAAAAAA"
	baseURI   = "beepish+tls://127.0.0.1:30101" // of S1
	uri2      = "beepish+tls://127.0.0.1:30102"
	uri3      = "beepish+tls://127.0.0.1:30103"
)

// A verdict is what becomes of a packet. The members that are left out are not compared.
type verdict struct {
	Outcome     string    `json:"outcome"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Ident       *string   `json:"ident,omitempty"`
	Sector      *string   `json:"sector,omitempty"`
	Weight      number    `json:"weight,omitempty"`
	Interval    number    `json:"interval,omitempty"`
	URI         string    `json:"uri,omitempty"`
	Envelopes   *[]string `json:"envelopes,omitempty"`
	Actions     *[]action `json:"actions,omitempty"`
	Timestamp   number    `json:"timestamp,omitempty"`
}

// A number is written as it is spelled here.
type number string

// MarshalJSON writes the number.
func (n number) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// An action is one that an instance offers.
type action struct {
	Sector    string   `json:"sector"`
	Name      string   `json:"name"`
	Version   int      `json:"version"`
	Envelopes []string `json:"envelopes"`
	Flags     []string `json:"flags"`
	Timeout   int      `json:"timeout"`
	Aliases   []string `json:"aliases"`
}

// offers is an action of sector main, version 1, envelope json, without flags, but for what follows.
func offers(name string, changes ...func(*action)) action {
	a := action{Sector: "main", Name: name, Version: 1, Envelopes: []string{"json"}, Flags: []string{}, Aliases: []string{}}
	for _, change := range changes {
		change(&a)
	}
	return a
}

func version(n int) func(*action)           { return func(a *action) { a.Version = n } }
func in(sector string) func(*action)        { return func(a *action) { a.Sector = sector } }
func takes(envs ...string) func(*action)    { return func(a *action) { a.Envelopes = envs } }
func lasts(seconds int) func(*action)       { return func(a *action) { a.Timeout = seconds } }
func flags(f ...string) func(*action)       { return func(a *action) { a.Flags = f } }
func aliases(names ...string) func(*action) { return func(a *action) { a.Aliases = names } }

// used is the verdict on the base packet of A, but for what follows.
func used(changes ...func(*verdict)) verdict {
	id, sector := baseIdent, "main"
	v := verdict{Outcome: "used", Fingerprint: identityA().fingerprint, Ident: &id, Sector: &sector, Weight: "1", Interval: "5000",
		URI: baseURI, Envelopes: &[]string{"json"}, Actions: &[]action{offers("Foo.bar")}, Timestamp: "1700000000.5"}
	for _, change := range changes {
		change(&v)
	}
	return v
}

func by(i *identity) func(*verdict)        { return func(v *verdict) { v.Fingerprint = i.fingerprint } }
func called(ident string) func(*verdict)   { return func(v *verdict) { v.Ident = &ident } }
func inSector(s string) func(*verdict)     { return func(v *verdict) { v.Sector = &s } }
func weighing(n number) func(*verdict)     { return func(v *verdict) { v.Weight = n } }
func every(n number) func(*verdict)        { return func(v *verdict) { v.Interval = n } }
func at(uri string) func(*verdict)         { return func(v *verdict) { v.URI = uri } }
func stamped(n number) func(*verdict)      { return func(v *verdict) { v.Timestamp = n } }
func taking(envs ...string) func(*verdict) { return func(v *verdict) { v.Envelopes = &envs } }
func offering(a ...action) func(*verdict) {
	return func(v *verdict) { v.Actions = pointer(append([]action{}, a...)) }
}

// usedAnyhow is used, whatever is read in it.
var usedAnyhow = verdict{Outcome: "used"}

// refused is a packet that is not used, because of a layer.
func refused(layer string) verdict { return verdict{Outcome: "refused " + layer} }

// dropped is a packet that is not used, for whatever reason.
var dropped = verdict{Outcome: "refused"}

// packet adds a vector about one packet.
func (g *group) packet(name, rules, title string, packet octets, expect verdict, tolerated ...any) {
	g.add(name, rules, title, vector{Kind: "packet", Packet: packet, Expect: expect, Tolerated: tolerated})
}

// data adds a vector about a packet that A has signed.
func (g *group) data(name, rules, title string, d any, expect verdict, tolerated ...any) {
	if typed, ok := d.(data); ok {
		d = typed.String()
	}
	g.packet(name, rules, title, identityA().packet(d), expect, tolerated...)
}
