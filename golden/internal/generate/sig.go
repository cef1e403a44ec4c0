package main

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
)

// sig is section 9: signature, certificate, fingerprint.
func sig(g *group) {
	a := identityA()
	d := base.String()
	key := a.key
	good := key.sign(crypto.SHA256, []byte(d))
	signed := func(signature []byte) octets { return assemble(text(d), a.section, lines(signature, 76)) }
	bad := refused("signature")
	is := func(name, rules, title string, packet octets, expect verdict, tolerated ...any) {
		g.packet(name, rules, title, packet, expect, tolerated...)
	}
	for name, s := range ordered(map[string][]byte{
		"pss":                        key.signPSS([]byte(d)),
		"sha-1":                      key.sign(crypto.SHA1, []byte(d)),
		"sha-512":                    key.sign(crypto.SHA512, []byte(d)),
		"over-data-and-lf":           key.sign(crypto.SHA256, []byte(d+"\n")),
		"over-data-and-two-lfs":      key.sign(crypto.SHA256, []byte(d+"\n\n")),
		"over-data-and-certificate":  key.sign(crypto.SHA256, []byte(d+"\n\n"+a.section)),
		"over-the-hash":              key.sign(crypto.SHA256, digest(crypto.SHA256, []byte(d))),
		"of-another-key":             identityC().key.sign(crypto.SHA256, []byte(d)),
		"without-digest-information": key.private(bareDigest(key, d)),
		"with-garbage-in-the-middle": key.private(brokenPadding(key, d)),
		"of-zeros":                   make([]byte, 256),
		"of-one":                     append(make([]byte, 255), 1),
		"cut":                        good[:255],
		"longer":                     append(append([]byte{}, good...), 0),
		"with-a-leading-zero":        append([]byte{0}, good...),
		"plus-the-modulus":           new(big.Int).Add(new(big.Int).SetBytes(good), key.n).FillBytes(make([]byte, 257)),
	}) {
		is("signature-"+name, "DISC-SIG-01b DISC-SIG-06a", "a signature of another kind does not verify: "+strings.ReplaceAll(name, "-", " "), signed(s), bad)
	}
	small := newKey("exponent 3", 2048, three)
	exponent3 := newIdentity(small, template{version: -1}.certificate("exponent 3", small))
	is("exponent-3", "DISC-SIG-03a", "a key with the public exponent 3", exponent3.packet(d), used(by(exponent3)))
	g.add("forged-for-exponent-3", "DISC-SIG-01b DISC-SIG-06a", "a forgery for the exponent 3: the padding is short and garbage stands behind the digest", vector{Kind: "packet", Hostile: true,
		Packet: assemble(text(d), exponent3.section, lines(small.forge([]byte(d)), 76)), Expect: bad})

	for _, width := range []int{4, 64, 76, 77, 344} {
		is(fmt.Sprintf("signature-lines-of-%d", width), "DISC-SIG-02b", fmt.Sprintf("the signature in lines of %d characters", width), assemble(text(d), a.section, lines(good, width)), used())
	}
	is("signature-lines-of-1", "DISC-SIG-02b", "the signature in lines of one character", assemble(text(d), a.section, lines(good, 1)), used())
	sixty := lines(good, 60)
	is("blanks-in-the-signature", "DISC-SIG-02c", "blanks inside the signature and at its line ends", assemble(text(d), a.section, strings.ReplaceAll(lines(good, 10), "\n", " ")+" \t"), used(), dropped)
	is("trailing-blanks-of-the-signature", "DISC-SIG-02c", "a blank at the end of each line", assemble(text(d), a.section, strings.ReplaceAll(sixty, "\n", " \n")+" "), used(), dropped)
	unpadded := base64.RawStdEncoding.EncodeToString(good)
	for name, s := range ordered(map[string]string{
		"unpadded": unpadded, "url-safe": base64.URLEncoding.EncodeToString(good), "with-a-star": unpadded[:100] + "*" + unpadded[100:] + "==",
		"with-crs": strings.ReplaceAll(lines(good, 76), "\n", "\r\n"), "with-text-behind": lines(good, 76) + "\n!", "padded-in-the-middle": unpadded[:100] + "=" + unpadded[100:] + "=="}) {
		is("base64-"+name, "DISC-SIG-02d", "the signature is no padded standard base64: "+strings.ReplaceAll(name, "-", " "), assemble(text(d), a.section, s), bad, used())
	}
	is("base64-not-at-all", "DISC-SIG-02d DISC-SIG-06a", "the signature section is no base64", assemble(text(d), a.section, "signature"), bad)
	is("base64-empty", "DISC-SIG-06a", "the signature section is padding alone", assemble(text(d), a.section, "===="), bad)
	is("base64-loose-last-bits", "DISC-SIG-02d", "the last character has bits that belong to no octet", assemble(text(d), a.section, looseBits(good)), bad, used())

	sigKeys(g)
	sigSections(g)
	sigTrust(g)
}

// bareDigest is EMSA-PKCS1-v1_5 without the DigestInfo around the digest.
func bareDigest(k *rsaKey, d string) []byte {
	m := padded(crypto.SHA256, []byte(d), k.size())
	for i := k.size() - 32 - 19 - 1; i < k.size()-32-1; i++ {
		m[i] = 0xFF
	}
	m[k.size()-32-1] = 0
	return m
}

// brokenPadding is EMSA-PKCS1-v1_5 with an octet of its padding changed.
func brokenPadding(k *rsaKey, d string) []byte {
	m := padded(crypto.SHA256, []byte(d), k.size())
	m[100] = 0xFE
	return m
}

// looseBits is base64 whose last character has its unused bits set. 256 octets leave one octet in the last group.
func looseBits(octets []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	s := []byte(base64.StdEncoding.EncodeToString(octets))
	i := len(s) - 3
	s[i] = alphabet[strings.IndexByte(alphabet, s[i])|0x0F]
	return string(s)
}

// sigKeys is what keys there may be.
func sigKeys(g *group) {
	d := base.String()
	for _, bits := range []int{1024, 2048, 4096, 8192} {
		i := sized(bits)
		tolerated := []any{}
		if bits == 1024 {
			tolerated = append(tolerated, dropped)
		}
		g.packet(fmt.Sprintf("rsa-%d-bits", bits), "DISC-SIG-03a", fmt.Sprintf("an RSA key of %d bits", bits), i.packet(d), used(by(i)), tolerated...)
	}
	// The exponent is as long as the modulus, so that checking the signature would take very long, and the signature is good.
	huge := newKey("65536 bits", 65536, hugeExponent())
	i := newIdentity(huge, template{version: -1}.certificate("65536 bits", huge))
	g.add("rsa-65536-bits", "DISC-SIG-03a DISC-GEN-01b", "an RSA key of 65 536 bits with a public exponent as long, and a good signature: it is dropped without any arithmetic", vector{Kind: "packet", Hostile: true, Packet: i.packet(d), Expect: refused("certificate")})
	i = sized(512)
	g.packet("rsa-512-bits", "DISC-SIG-03a", "an RSA key of 512 bits is too short to be trusted", i.packet(d), refused("certificate"), usedAnyhow)
	i = sized(16384)
	g.add("rsa-16384-bits", "DISC-SIG-03a", "an RSA key of 16 384 bits may be refused", vector{Kind: "packet", Packet: i.packet(d), Expect: refused("certificate"), Tolerated: []any{used(by(i))}})
	packet, print := ellipticPacket(d)
	g.packet("elliptic", "DISC-SIG-03a", "an EC certificate and an ECDSA signature", packet, refused("certificate"), verdict{Outcome: "used", Fingerprint: print})
	a := identityA()
	g.packet("public-key-block", "DISC-SIG-03b", "a bare public key is no certificate", assemble(text(d), pemBlock("PUBLIC KEY", a.key.publicKey()), a.signature(text(d))), refused("certificate"))
	g.packet("public-key-called-a-certificate", "DISC-SIG-03b", "a public key in a CERTIFICATE block is none either", assemble(text(d), pemBlock("CERTIFICATE", a.key.publicKey()), a.signature(text(d))), refused("certificate"))
}

// hugeExponent is about as long as the longest modulus. Its only prime factor is 65537.
func hugeExponent() *big.Int { return new(big.Int).Exp(f4, big.NewInt(4095), nil) }

// sigSections is what section 2 may look like.
func sigSections(g *group) {
	a, b := identityA(), identityB()
	d := base.String()
	with := func(name, rules, title, section string, expect verdict, tolerated ...any) {
		g.packet(name, rules, title, assemble(text(d), section, a.signature(text(d))), expect, tolerated...)
	}
	bad := refused("certificate")
	with("text-before-the-block", "DISC-SIG-04b", "a line of text before the BEGIN line", "subject=CN = server\n"+a.section, bad, used())
	with("text-behind-the-block", "DISC-SIG-04b", "a line of text behind the END line", a.section+"\nbye", bad, used())
	with("header-in-the-block", "DISC-SIG-04b", "a header in the block, as encrypted keys have it", strings.Replace(a.section, "\n", "\nProc-Type: 4,CLEAR\n", 1), bad, used())
	with("second-certificate", "DISC-SIG-04c", "another certificate behind the block", a.section+"\n"+b.section, bad, used())
	with("same-certificate-twice", "DISC-SIG-04c", "the same certificate twice", a.section+"\n"+a.section, bad, used())
	with("another-certificate-first", "DISC-SIG-04c", "another certificate in front: the key of the second must not go with the fingerprint of the first", b.section+"\n"+a.section, bad)
	with("private-key-behind", "DISC-SIG-04c", "a block of another kind behind the certificate", a.section+"\n"+pemBlock("PUBLIC KEY", a.key.publicKey()), bad, used())
	with("blanks-at-line-ends", "DISC-SIG-04d", "a blank at the end of each line of the certificate", strings.ReplaceAll(a.section, "\n", " \n")+" ", bad, used())
	with("crs-at-line-ends", "DISC-SIG-04d", "a CR at the end of each line of the certificate", strings.ReplaceAll(a.section, "\n", "\r\n")+"\r", bad, used())
	with("blank-before-the-block", "DISC-SIG-04d", "a blank before the BEGIN line", " "+a.section, bad, used())
	body := base64.StdEncoding.EncodeToString(a.der)
	with("certificate-in-one-line", "DISC-SIG-04d", "the base64 of the certificate in one line", "-----BEGIN CERTIFICATE-----\n"+body+"\n-----END CERTIFICATE-----", used(), dropped)
	with("certificate-in-short-lines", "DISC-SIG-04d", "the base64 of the certificate in lines of 20 characters", "-----BEGIN CERTIFICATE-----\n"+lines(a.der, 20)+"\n-----END CERTIFICATE-----", used(), dropped)
	with("no-end-line", "DISC-SIG-08b", "the END line is missing", strings.TrimSuffix(a.section, "\n-----END CERTIFICATE-----"), bad)
	with("no-begin-line", "DISC-SIG-08b", "the BEGIN line is missing", strings.TrimPrefix(a.section, "-----BEGIN CERTIFICATE-----\n"), bad)
	with("trusted-certificate", "DISC-SIG-04b", "a block of a kind that only one program knows", strings.ReplaceAll(a.section, "CERTIFICATE", "TRUSTED CERTIFICATE"), bad, used())
	with("base64-of-nothing", "DISC-SIG-08b", "a block without content", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", bad)
	with("certificate-garbage", "DISC-SIG-08b", "a block of octets that are no certificate", pemBlock("CERTIFICATE", []byte("garbage")), bad)
	with("certificate-cut", "DISC-SIG-08b", "half a certificate", pemBlock("CERTIFICATE", a.der[:len(a.der)/2]), bad)
	with("certificate-with-octets-behind", "DISC-SIG-07", "an octet behind the certificate, inside the block: it would change the fingerprint alone", pemBlock("CERTIFICATE", append(append([]byte{}, a.der...), 0)), bad, used())
	with("certificate-unpadded", "DISC-SIG-04d", "the base64 of the certificate lacks its padding", strings.Replace(identityC().section, "=", "", 2), bad)

	// A lenient decoder stops at the first =, a PEM reader looks for the block: C's fingerprint with A's key.
	c := identityC()
	trick := lines(c.der, 64) + "\n" + a.section
	if !strings.HasSuffix(lines(c.der, 64), "=") {
		panic("the certificate of C must end in =")
	}
	with("two-certificates-in-one-text", "DISC-SIG-07", "the bare base64 of one certificate, then the block of another: key and fingerprint come from the same one", trick, bad, used())
	g.directory("two-certificates-in-one-text-replace-nothing", "DISC-SIG-07 DISC-GEN-01c", "such a packet with the ident of C's instance, weight 0 and a higher timestamp leaves that instance alone",
		[]octets{c.packet(d), assemble(text(base.with(weight, "0").with(timestamp, "1800000000").String()), trick, a.signature(text(base.with(weight, "0").with(timestamp, "1800000000").String())))},
		find("Foo.bar", of(c, "Foo.bar", 1)))
}

// sigTrust is what of a certificate counts.
func sigTrust(g *group) {
	a := identityA()
	d := base.String()
	g.packet("example-of-section-26", "DISC-SIG-05", "the worked example 26.1 of the specification", text(example1), ledger1())
	g.packet("data-changed", "DISC-SIG-06a DISC-SIG-06d", "an octet of the data is changed after signing, and the receiver has its default settings", a.damaged(strings.Replace(d, "Foo", "Fop", 1), d), refused("signature"))
	g.packet("data-with-a-blank-more", "DISC-SIG-06a", "a blank is added to the data after signing, which JSON would not notice", a.damaged(strings.Replace(d, ",", ", ", 1), d), refused("signature"))
	g.packet("data-with-a-blank-at-the-end", "DISC-SIG-06a", "a blank is added at the end of the data after signing", a.damaged(d+" ", d), refused("signature"))
	s := []byte(a.signature(text(d)))
	s[50] ^= 1
	g.packet("signature-changed", "DISC-SIG-06a", "a character of the signature is changed", assemble(text(d), a.section, string(s)), refused("signature"))
	g.packet("certificate-exchanged", "DISC-SIG-06a", "another certificate of the same issuer's making, with another key", assemble(text(d), identityB().section, a.signature(text(d))), refused("signature"))
	meta := base.with(classes, `[["_meta",["documentation","noauth",1]]]`)
	g.guarded("no-exemption-for-meta", "DISC-SIG-06b DISC-AUT-07", "a raw-altered packet that offers _meta actions is not used", a.fingerprint+" main:ALL\n",
		[]octets{a.damaged(meta.String(), d), a.packet(meta.with(ident, `"svc:2"`).with(classes, `[["_meta",["other","noauth",1]]]`).String())}, find("_meta.documentation"), find("_meta.other", of(a, "_meta.other", 1).named("svc:2", baseURI)))

	names := func(content ...[]byte) [][]byte { return content }
	altName := extension(oidAltName, false, tlv(tagSequence, []byte{0x82, 4, 'h', 'o', 's', 't'}))
	for name, t := range ordered(map[string]template{
		"expired":                            {version: -1, notAfter: tlv(tagUTCTime, []byte("000101000000Z"))},
		"not-yet-valid":                      {version: -1, notBefore: tlv(tagTime, []byte("20980101000000Z"))},
		"valid-from-end-to-beginning":        {version: -1, notBefore: tlv(tagTime, []byte("20980101000000Z")), notAfter: tlv(tagUTCTime, []byte("000101000000Z"))},
		"signed-with-sha-1":                  {version: -1, hash: crypto.SHA1},
		"with-an-empty-subject":              {version: -1, subject: tlv(tagSequence)},
		"with-an-odd-printable-subject":      {version: -1, subject: commonName(tagPrintable, "host_1@ledger")},
		"with-serial-number-0":               {version: -1, serial: []byte{0}},
		"with-a-negative-serial-number":      {version: -1, serial: []byte{0xFF}},
		"with-an-unknown-critical-extension": {version: -1, extensions: names(extension(oidUnknown, true, []byte("x")))},
		"with-an-extension-twice":            {version: -1, extensions: names(altName, altName)},
		"with-a-malformed-extension":         {version: -1, extensions: names(extension(oidAltName, false, []byte("x")))},
		"with-a-wrong-validity":              {version: -1, notAfter: tlv(tagUTCTime, []byte("tomorrow"))},
	}) {
		i := variant(name, t)
		tolerated := []any{}
		switch name { // what some libraries cannot decode
		case "with-an-odd-printable-subject", "with-a-negative-serial-number", "with-an-extension-twice", "with-a-malformed-extension", "with-a-wrong-validity":
			tolerated = append(tolerated, dropped)
		}
		g.packet("certificate-"+name, "DISC-SIG-06c", "what a certificate says besides its key does not matter: "+strings.ReplaceAll(name, "-", " "), i.packet(d), used(by(i)), tolerated...)
	}
	i := variant("version 1", template{})
	g.packet("certificate-of-version-1", "DISC-SIG-06c", "a certificate of X.509 version 1", i.packet(d), used(by(i)), dropped)
	der := append([]byte{}, a.der...)
	der[len(der)-1] ^= 1
	i = newIdentity(a.key, der)
	g.packet("certificate-with-a-wrong-signature", "DISC-SIG-06c", "the certificate's own signature does not verify", i.packet(d), used(by(i)))
	issued := variant("issued by nobody", template{version: -1})
	g.packet("certificate-self-signed", "DISC-SIG-06c", "a self-signed certificate is normal", issued.packet(d), used(by(issued)))

	g.announce("announce-signature", "DISC-SIG-01a DISC-SIG-02a DISC-SIG-04a DISC-SIG-05 DISC-ENV-05a", "the signature is RSASSA-PKCS1-v1_5 with SHA-256 over the data, in lines of at most 76 characters", a.section+"\n", plainService(), announced())
}
