package main

import (
	"crypto"
	"encoding/base64"
	"math/big"
	"strings"
	"sync"

	"github.com/gudtech/scamp-sim/fixtures"
)

var ticketKey = sync.OnceValue(func() *rsaKey { return fixtureKey(fixtures.TicketKey()) })

// publicFile is the file of the key that verifies tickets.
func publicFile() string {
	file, err := fixtures.FS.ReadFile("ticket.pub.pem")
	if err != nil {
		panic(err)
	}
	return string(file)
}

func base64url(octets []byte) string { return base64.RawURLEncoding.EncodeToString(octets) }

// ticket signs the fields of a ticket.
func ticket(fields string) string {
	return fields + "," + base64url(ticketKey().sign(crypto.SHA256, []byte(fields)))
}

// A decision is what becomes of a ticket. Numbers are text: they may have more digits than a program's numbers hold.
type decision struct {
	Outcome    string    `json:"outcome"`
	User       string    `json:"user,omitempty"`
	Client     string    `json:"client,omitempty"`
	Start      string    `json:"start,omitempty"`
	Length     string    `json:"length,omitempty"`
	Privileges *[]string `json:"privileges,omitempty"`
}

func denied(why string) decision { return decision{Outcome: "denied " + why} }

// valid is the ticket of most vectors with these privileges.
func valid(privileges ...string) decision {
	return decision{"valid", "482", "17", "1760000000", "3600", &privileges}
}

const (
	goodFields = "1,482,17,1760000000,3600,3+14+92"
	sixFields  = "1,482,17,1760000000,3600"
	ticketTime = 1760000100
)

var anyValid = decision{Outcome: "valid"}

// tkt is section 17: tickets.
func tkt(g *group) {
	at := func(now int64, name, rules, title, t string, expect decision, tolerated ...any) {
		g.add(name, rules, title, vector{Kind: "ticket", Ticket: text(t), Key: text(publicFile()), At: now, Expect: expect, Tolerated: tolerated})
	}
	is := func(name, rules, title, t string, expect decision, tolerated ...any) {
		at(ticketTime, name, rules, title, t, expect, tolerated...)
	}
	signed := func(name, rules, title, fields string, expect decision, tolerated ...any) {
		is(name, rules, title, ticket(fields), expect, tolerated...)
	}
	none := []string{}
	six := decision{"valid", "482", "17", "1760000000", "3600", &none}
	signed("seven-fields", "DISC-TKT-01a DISC-TKT-03b", "a good ticket with privileges", goodFields, valid("3", "14", "92"))
	signed("six-fields", "DISC-TKT-01b", "a good ticket without privileges", sixFields, six)
	signature := ticket(goodFields)[len(goodFields)+1:]
	for name, t := range ordered(map[string]string{"empty": "", "one-field": "1", "five-fields": "1,2,3,4,5", "signature-alone": signature, "commas": ",,,,", "five-fields-signed": ticket("1,482,17,1760000000"), "four-fields-signed": ticket("1,482,17")}) {
		is("too-few-"+name, "DISC-TKT-01c", "fewer than six fields: "+strings.ReplaceAll(name, "-", " "), t, denied("fields"))
	}
	for name, t := range ordered(map[string]string{"2": "2", "0": "0", "empty": "", "x": "x", "11": "11", "minus-1": "-1"}) {
		signed("type-"+name, "DISC-TKT-02a", "a ticket of another type: "+name, t+goodFields[1:], denied("type"))
	}
	for name, t := range ordered(map[string]string{"01": "01", "plus-1": "+1", "blank-1": " 1", "1-blank": "1 ", "1-0": "1.0", "1-nul": "1\x00"}) {
		signed("type-as-"+name, "DISC-TKT-02b", "the type is exactly the digit 1", t+goodFields[1:], denied("type"), anyValid)
	}
	key := ticketKey()
	good := key.sign(crypto.SHA256, []byte(goodFields))
	for name, t := range ordered(map[string]string{
		"user-changed": strings.Replace(ticket(goodFields), "482", "483", 1), "client-changed": strings.Replace(ticket(goodFields), ",17,", ",18,", 1),
		"start-changed": strings.Replace(ticket(goodFields), "1760000000", "1760000001", 1), "length-changed": strings.Replace(ticket(goodFields), "3600", "9999", 1),
		"privilege-changed": strings.Replace(ticket(goodFields), "+92", "+93", 1), "privilege-added": strings.Replace(ticket(goodFields), "+92", "+92+5", 1),
		"privileges-removed": sixFields + "," + signature, "privileges-added": sixFields + ",3," + ticket(sixFields)[len(sixFields)+1:], "field-added": goodFields + ",x," + signature,
		"signature-cut": goodFields + "," + signature[:len(signature)-4], "signature-empty": goodFields + ",", "signature-missing": goodFields,
		"signature-of-another-key":       goodFields + "," + base64url(identityC().key.sign(crypto.SHA256, []byte(goodFields))),
		"signature-pss":                  goodFields + "," + base64url(key.signPSS([]byte(goodFields))),
		"signature-sha-1":                goodFields + "," + base64url(key.sign(crypto.SHA1, []byte(goodFields))),
		"signature-sha-512":              goodFields + "," + base64url(key.sign(crypto.SHA512, []byte(goodFields))),
		"signature-over-the-comma":       goodFields + "," + base64url(key.sign(crypto.SHA256, []byte(goodFields+","))),
		"signature-of-zeros":             goodFields + "," + base64url(make([]byte, 256)),
		"signature-with-a-zero-in-front": goodFields + "," + base64url(append([]byte{0}, good...)),
		"signature-plus-the-modulus":     goodFields + "," + base64url(new(big.Int).Add(new(big.Int).SetBytes(good), key.n).FillBytes(make([]byte, 257))),
		"signature-is-no-base64":         goodFields + ",!!!!",
		"signature-long":                 goodFields + "," + strings.Repeat("A", 8192),
	}) {
		is(name, "DISC-TKT-03b", "the signature does not fit: "+strings.ReplaceAll(name, "-", " "), t, denied("signature"))
	}
	is("padding", "DISC-TKT-03c", "padding behind the signature is ignored", ticket(goodFields)+"==", valid("3", "14", "92"), denied("signature"))
	is("one-padding-character", "DISC-TKT-03c", "one character of it, too", ticket(goodFields)+"=", valid("3", "14", "92"), denied("signature"))
	standard := base64.RawStdEncoding.EncodeToString(good)
	if !strings.ContainsAny(standard, "+/") {
		panic("the signature is the same in both alphabets")
	}
	for name, t := range ordered(map[string]string{"standard-alphabet": goodFields + "," + standard, "lf-behind": ticket(goodFields) + "\n", "blank-behind": ticket(goodFields) + " ", "crlf-inside": goodFields + "," + signature[:100] + "\r\n" + signature[100:], "nul-behind": ticket(goodFields) + "\x00", "padding-inside": goodFields + "," + signature[:100] + "=" + signature[100:]}) {
		is(name, "DISC-TKT-03d", "characters outside the alphabet make the ticket invalid: "+strings.ReplaceAll(name, "-", " "), t, denied("signature"), valid("3", "14", "92"))
	}
	is("blank-before", "DISC-TKT-03d DISC-TKT-02b", "white space before the ticket", " "+ticket(goodFields), denied("type"), denied("signature"), valid("3", "14", "92"))
	is("loose-last-bits", "DISC-TKT-03d", "the last character of the signature has bits that belong to no octet", goodFields+","+looseBase64URL(good), valid("3", "14", "92"), denied("signature"))

	is("type-before-signature", "DISC-TKT-04a", "wrong type and wrong signature: the type decides", "2"+sixFields[1:]+",x", denied("type"), denied("signature"))
	is("fields-before-type", "DISC-TKT-04a", "too few fields and a wrong type: the number of fields decides", "2,x", denied("fields"), denied("type"))
	is("signature-before-numbers", "DISC-TKT-04a", "a field that is no number and a wrong signature: the signature decides", "1,abc,17,1760000000,3600,x", denied("signature"), denied("number"))
	is("signature-before-period", "DISC-TKT-04a", "expired and a wrong signature: the signature decides", "1,482,17,1,1,x", denied("signature"), denied("period"))
	signed("numbers-before-period", "DISC-TKT-04a", "expired and a user that is no number", "1,abc,17,1,1", denied("number"), denied("period"))
	signed("privileges-before-period", "DISC-TKT-04a DISC-TKT-04b", "expired and a privilege that is no number", "1,482,17,1,1,x", denied("number"), denied("period"))
	tktNumbers(signed)
	tktPeriods(at, signed)
	tktKeys(g)

	for when, expect := range ordered(map[string]decision{"1759999999": denied("period"), "1760000000": valid("3", "14", "92"), "1760003599": valid("3", "14", "92"), "1760003600": denied("period")}) {
		now := new(big.Int)
		now.SetString(when, 10)
		g.add("example-26-5-at-"+when, "DISC-TKT-05c DISC-TKT-03b", "the worked example 26.5 of the specification, at "+when, vector{Kind: "ticket", Ticket: text(example5), Key: text(exampleKey()), At: now.Int64(), Expect: expect})
	}
}

// looseBase64URL is base64url whose last character has its unused bits set.
func looseBase64URL(octets []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	s := []byte(base64url(octets))
	s[len(s)-1] = alphabet[strings.IndexByte(alphabet, s[len(s)-1])|0x0F]
	return string(s)
}

func tktNumbers(signed func(name, rules, title, fields string, expect decision, tolerated ...any)) {
	for i, place := range []string{"user", "client", "start", "length", "privilege"} {
		for name, v := range ordered(map[string]string{"word": "abc", "minus-5": "-5", "plus-5": "+5", "exponent": "1e9", "empty": "", "30-digits": strings.Repeat("1", 30), "19-digits": "1000000000000000000", "blank": " 5", "fraction": "1.5", "hexadecimal": "0x10", "other-digits": "\u0661\u0662", "nul": "5\x00", "underscore": "1_0"}) {
			if place == "privilege" && (name == "empty" || name == "plus-5") { // those are lists: below
				continue
			}
			fields := strings.Split(sixFields+",3", ",")
			fields[i+1] = v
			tolerated := []any{}
			switch {
			case (name == "30-digits" || name == "19-digits") && i < 2, (name == "fraction") && (i == 2 || i == 3):
				tolerated = append(tolerated, anyValid, denied("period"))
			}
			signed(place+"-"+name, "DISC-TKT-04b", "a correctly signed ticket whose "+place+" is no number of 1 to 18 digits: "+name, strings.Join(fields, ","), denied("number"), tolerated...)
		}
	}
	eighteen := strings.Repeat("9", 18)
	signed("user-of-18-digits", "DISC-TKT-04b", "18 digits are a number", "1,"+eighteen+",17,1760000000,3600", decision{Outcome: "valid", User: eighteen, Client: "17", Privileges: &[]string{}})
	signed("leading-zeros", "DISC-TKT-04b", "leading zeros are digits", "1,0482,017,01760000000,003600,03", decision{"valid", "482", "17", "1760000000", "3600", &[]string{"3"}})
	signed("zeros", "DISC-TKT-04b", "user 0 of client 0", "1,0,0,1760000000,3600,0", decision{"valid", "0", "0", "1760000000", "3600", &[]string{"0"}})
	for name, list := range ordered(map[string]string{"two-plus-signs": "3++4", "plus-sign-first": "+3", "plus-sign-last": "3+", "blank": "3 4", "blank-around-plus": "3 + 4", "semicolon": "3;4", "range": "3-5"}) {
		signed("privileges-"+name, "DISC-TKT-04b", "a privilege list with an element that is no number: "+list, sixFields+","+list, denied("number"))
	}
	signed("privileges-repeated", "DISC-TKT-01a", "a privilege that is listed twice, in any order, is one", sixFields+",92+3+14+3", valid("3", "14", "92"))
	many := make([]string, 2000)
	for i := range many {
		many[i] = big.NewInt(int64(i)).String()
	}
	signed("privileges-two-thousand", "DISC-TKT-01a", "two thousand privileges", sixFields+","+strings.Join(many, "+"), decision{Outcome: "valid", User: "482"})
	signed("empty-privileges", "DISC-TKT-06b", "an empty privileges field is an empty list", sixFields+",", decision{"valid", "482", "17", "1760000000", "3600", &[]string{}}, denied("number"), denied("fields"))
	signed("extra-fields", "DISC-TKT-07", "fields behind the privileges are ignored", goodFields+",more", valid("3", "14", "92"), denied("fields"))
	signed("many-extra-fields", "DISC-TKT-07", "many of them, empty ones too", goodFields+",,more, and more,,", valid("3", "14", "92"), denied("fields"))
	signed("extra-field-behind-empty-privileges", "DISC-TKT-07 DISC-TKT-06b", "an extra field behind an empty list", sixFields+",,5", decision{"valid", "482", "17", "1760000000", "3600", &[]string{}}, denied("fields"), denied("number"))
	signed("long-max-start", "DISC-TKT-04c", "start and length have 18 digits each: their sum does not overflow", "1,482,17,"+eighteen+","+eighteen, denied("period"))
	signed("long-length", "DISC-TKT-04c", "a ticket that is valid for ever", "1,482,17,1760000000,"+eighteen, decision{Outcome: "valid", User: "482"}, denied("period"), denied("number"))
	signed("sum-at-2-to-the-31", "DISC-TKT-04c", "start + length lies beyond 2038", "1,482,17,1760000000,500000000", decision{"valid", "482", "17", "1760000000", "500000000", &[]string{}})
	signed("sum-at-2-to-the-32", "DISC-TKT-04c", "start + length lies beyond 2^32", "1,482,17,1760000000,2600000000", decision{"valid", "482", "17", "1760000000", "2600000000", &[]string{}})
}

func tktPeriods(at func(now int64, name, rules, title, t string, expect decision, tolerated ...any), signed func(name, rules, title, fields string, expect decision, tolerated ...any)) {
	signed("not-yet", "DISC-TKT-05a", "start lies 1000 s in the future", "1,482,17,1760001100,3600", denied("period"))
	signed("expired", "DISC-TKT-05b", "the ticket has expired 900 s ago", "1,482,17,1759999100,100", denied("period"))
	signed("length-0", "DISC-TKT-05b", "a ticket of length 0 is never valid", "1,482,17,1760000100,0", denied("period"))
	signed("expired-2-s-ago", "DISC-TKT-05d", "no slack", "1,482,17,1760000000,98", denied("period"), anyValid)
	signed("starts-in-2-s", "DISC-TKT-05d DISC-TKT-05a", "no slack at the start either", "1,482,17,1760000102,98", denied("period"), anyValid)
	t := ticket("1,482,17,1760000000,3600")
	is := decision{"valid", "482", "17", "1760000000", "3600", &[]string{}}
	at(1759999999, "second-before-the-start", "DISC-TKT-05c DISC-TKT-05a", "a second before the start", t, denied("period"), anyValid)
	at(1760000000, "at-the-start", "DISC-TKT-05c", "at the start", t, is)
	at(1760003599, "second-before-the-end", "DISC-TKT-05c", "a second before the end", t, is)
	at(1760003600, "at-the-end", "DISC-TKT-05c DISC-TKT-05b", "at the end", t, denied("period"), is)
	at(1760004000, "long-after-the-end", "DISC-TKT-05b", "long after the end", t, denied("period"))
}

// tktKeys is what key files there may be.
func tktKeys(g *group) {
	keyed := func(name, rules, title, key string, expect decision, tolerated ...any) {
		g.add("key-"+name, rules, title, vector{Kind: "ticket", Ticket: text(ticket(goodFields)), Key: text(key), At: ticketTime, Expect: expect, Tolerated: tolerated})
	}
	file := publicFile()
	keyed("good", "DISC-TKT-08a", "a PEM file with a SubjectPublicKeyInfo", file, valid("3", "14", "92"))
	keyed("crlf", "DISC-TKT-08a", "the same file with CR LF", strings.ReplaceAll(file, "\n", "\r\n"), valid("3", "14", "92"))
	keyed("text-around", "DISC-TKT-08a", "text around the block is no matter in a key file", "the key\n"+file+"that was the key\n", valid("3", "14", "92"), denied("key"))
	private, err := fixtures.FS.ReadFile("ticket.key.pem")
	if err != nil {
		panic(err)
	}
	ecKey := tlv(tagSequence, tlv(tagSequence, oidEC, oidP256), derBits(append([]byte{4}, make([]byte, 64)...)))
	for name, key := range ordered(map[string]string{"missing": "", "text": "hello\n", "certificate": identityA().section + "\n", "private": string(private), "broken": pemBlock("PUBLIC KEY", []byte("x")) + "\n", "elliptic": pemBlock("PUBLIC KEY", ecKey) + "\n", "cut": file[:200], "base64-alone": strings.Join(strings.Split(file, "\n")[1:8], "\n")}) {
		keyed(name, "DISC-TKT-08b", "without an RSA public key every ticket is invalid: "+strings.ReplaceAll(name, "-", " "), key, denied("key"))
	}
	keyed("of-another-realm", "DISC-TKT-08c DISC-TKT-03b", "the key of another realm", pemBlock("PUBLIC KEY", identityC().key.publicKey())+"\n", denied("signature"))
}
