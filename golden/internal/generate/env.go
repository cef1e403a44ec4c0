package main

import (
	"fmt"
	"strings"
)

// env is section 4: the three sections of a packet.
func env(g *group) {
	a := identityA()
	whole := a.bare(base.String())
	signature := a.signature(text(base.String()))
	few := refused("envelope")

	g.data("base", "DISC-ENV-01b DISC-SIG-06a", "the base packet, three good sections, is used", base, used())
	for name, packet := range ordered(map[string]octets{
		"empty-packet":                text(""),
		"data-alone":                  text(base.String()),
		"data-and-empty-line":         text(base.String() + "\n\n"),
		"data-and-certificate":        text(base.String() + "\n\n" + a.section),
		"data-and-certificate-and-lf": text(base.String() + "\n\n" + a.section + "\n\n"),
		"data-and-signature-run-on":   text(base.String() + "\n\n" + a.section + "\n" + signature),
		"nothing-but-lf":              times(10, "\n"),
		"no-octet-but-one":            text("["),
	}) {
		g.packet(name, "DISC-ENV-01b", "fewer than three sections: "+strings.ReplaceAll(name, "-", " "), packet, few)
	}
	g.packet("empty-data", "DISC-ENV-01b", "the packet begins with an empty line where its data should be",
		text("\n\n"+a.section+"\n\n"+signature+"\n\n"), few)
	g.packet("empty-certificate", "DISC-ENV-01b", "an empty line stands where the certificate should be",
		text(base.String()+"\n\n\n\n"+signature+"\n\n"), few, refused("certificate"))

	crlf := strings.ReplaceAll(string(whole.expand()), "\n", "\r\n")
	g.packet("crlf", "DISC-ENV-02b", "every line ends with CR LF: there is no empty line of two LFs", text(crlf+"\r\n\r\n"), few, usedAnyhow)

	g.packet("fourth-section", "DISC-ENV-03a", "a fourth section is ignored", cat(whole, "\n\nextra\n"), used(), dropped)
	g.packet("second-packet-behind", "DISC-ENV-03a", "a whole second packet behind the first is ignored",
		cat(whole, "\n\n", a.packet(base.with(ident, `"svc:2"`).String())), used(), dropped)
	g.packet("fourth-section-of-a-mebibyte", "DISC-ENV-03a", "a fourth section may be long",
		cat(whole, "\n\n", times(1<<16, "sixteen octets.\n")), used(), dropped)
	for _, n := range []int{1, 2, 3, 10} {
		g.packet(fmt.Sprintf("trailing-lfs-%d", n), "DISC-ENV-03b", fmt.Sprintf("%d LFs more than usual stand at the end", n),
			cat(a.packet(base.String()), strings.Repeat("\n", n)), used())
	}
	g.packet("no-final-lf", "DISC-ENV-05b", "the last signature line ends with the packet", whole, used())
	g.packet("one-final-lf", "DISC-ENV-05b", "the last signature line ends with one LF", cat(whole, "\n"), used())

	accent := base.with(ident, `"svc:é"`)
	g.data("raw-utf8", "DISC-ENV-06b", "the ident has a character outside ASCII, not escaped", accent, used(called("svc:é")), dropped)
	g.data("raw-utf8-of-all-lengths", "DISC-ENV-06b", "characters of two, three and four octets", base.with(ident, `"ß€😀"`), used(called("ß€😀")), dropped)
	before, behind, _ := strings.Cut(base.with(ident, `"svc:@"`).String(), "@")
	for name, bad := range ordered(map[string][]byte{
		"octet-ff":       {0xFF},
		"cut-character":  {0xC3},
		"overlong-slash": {0xC0, 0xAF},
		"surrogate":      {0xED, 0xA0, 0x80},
		"latin-1":        {0xE9},
	}) {
		g.packet("not-utf8-"+name, "DISC-ENV-06c", "the ident has octets that are not UTF-8, and the signature is good",
			a.packet(cat(before, raw(bad...), behind)), refused("data"), usedAnyhow)
	}

	indented := strings.ReplaceAll(base.String(), ",", ",\n  ")
	g.data("data-on-several-lines", "DISC-ENV-08b", "LFs stand between the tokens of the data; the signature covers them", indented, used(), dropped)
	g.data("data-ends-with-lf-inside", "DISC-ENV-08b", "an LF stands before the bracket that ends the data",
		strings.TrimSuffix(base.String(), "]")+"\n]", used(), dropped)
	spaced := `[ 3 , "svc:AAAAAAAAAAAAAAAAAAAAAAAA" , "main" , 1 , 5000 , "beepish+tls://127.0.0.1:30101" , [ "json" ] , [ [ "Foo" , [ "bar" , "" , 1 ] ] ] , 1700000000.5 ]`
	g.data("spaces-between-tokens", "DISC-ENV-08c", "a SPACE stands around every token", spaced, used())
	g.data("tabs-between-tokens", "DISC-ENV-08c", "a TAB stands around every token", strings.ReplaceAll(spaced, " ", "\t"), used())
	g.data("blanks-around-the-data", "DISC-ENV-08c", "blanks stand before and behind the array", " \t"+base.String()+"\t ", used())

	// The cache manager.
	g.relay("marker-in-a-fourth-section", "DISC-ENV-04c", "what follows the third section would forge a record: neighbours stay whole",
		[]octets{a.packet(pre.String()), cat(whole, "\n\nx\n%%%\ny"), a.packet(post.String())}, []int{0, 2}, []int{0, 1, 2})
	g.relay("ends-with-a-marker", "DISC-ENV-04c", "the packet ends with LF and three percent signs",
		[]octets{a.packet(pre.String()), cat(whole, "\n%%%"), a.packet(post.String())}, []int{0, 2}, []int{0, 1, 2})
	g.relay("forged-record-behind-a-marker", "DISC-ENV-04c", "a whole record, signed by somebody else, stands behind the marker",
		[]octets{a.packet(pre.String()), cat(whole, "\n\n%%%\n", identityB().packet(base.String()))}, []int{0}, []int{0, 1})

	announceSections(g)
}

// announceSections is what an announcer does with the certificate that it is given, and with its data.
func announceSections(g *group) {
	section := identityA().section
	for name, file := range ordered(map[string]string{
		"no-final-lf":          section,
		"one-final-lf":         section + "\n",
		"three-final-lfs":      section + "\n\n\n",
		"crlf":                 strings.ReplaceAll(section+"\n", "\n", "\r\n"),
		"empty-line-before":    "\n" + section + "\n",
		"blanks-at-line-ends":  strings.ReplaceAll(section+"\n", "\n", " \n"),
		"text-before":          "Certificate:\n    Version: 3\n\n" + section + "\n",
		"chain":                section + "\n" + identityB().section + "\n",
		"chain-the-other-way":  identityB().section + "\n" + section + "\n",
		"private-key-in-front": string(keyFile("server")) + section + "\n",
	}) {
		rules := "DISC-ENV-07 DISC-ENV-04b DISC-ENV-01a DISC-ENV-02a"
		if strings.HasPrefix(name, "text") || strings.HasPrefix(name, "chain") || strings.HasPrefix(name, "private") || strings.HasPrefix(name, "blanks") {
			rules = "DISC-SIG-04a " + rules
		}
		g.announce("announce-certificate-"+name, rules, "section 2 is the one clean block of the service's own certificate, whatever its file looks like: "+strings.ReplaceAll(name, "-", " "),
			file, plainService(), announced(), failed)
	}
	inside := strings.Replace(section, "\n", "\n\n", 1)
	g.announce("announce-certificate-empty-line-inside", "DISC-ENV-04b", "an empty line inside the block is left out, or is an error at start",
		inside+"\n", plainService(), announced(), failed)
	g.announce("announce-certificate-of-another-key", "DISC-SIG-01a", "a certificate that does not belong to the key cannot be announced with",
		identityB().section+"\n", plainService(), failed)

	accented := plainService()
	accented.Actions = []offered{{Name: "Foo.café"}}
	g.announce("announce-outside-ascii", "DISC-ENV-06a", "a name outside ASCII is escaped, or refused", section+"\n", accented,
		announced(offering(offers("Foo.café"))), failed)
	clef := plainService()
	clef.Ident = "svc:\U0001D11E\n\"\\%%%\u007f"
	g.announce("announce-odd-ident", "DISC-ENV-08a DISC-ENV-04a DISC-ENV-06a", "line ends, quotes and characters beyond U+FFFF are escaped, so that the data is one line of ASCII",
		section+"\n", clef, announced(called(clef.Ident)), failed)
	marked := plainService()
	marked.Actions = []offered{{Name: "Foo.x\n%%%\ny"}}
	g.announce("announce-marker-in-a-name", "DISC-ENV-04a", "a name with the marker of a cache file in it is escaped, or refused",
		section+"\n", marked, announced(offering(offers("Foo.x\n%%%\ny"))), failed)
}
