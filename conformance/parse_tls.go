package conformance

import (
	"crypto/tls"
	"slices"
)

// connect takes the name of a connection and how it is opened.
func (l *cursor) connect() Action {
	l.blanks()
	c := Connect{Name: l.name()}
	if c.Name == "" {
		l.fail("expected a name for the connection, found %s; write connect NAME, such as connect b", l.found())
	}
	switch {
	case l.keyword("plain"):
		c.Below = &Below{Plain: true}
	case l.keyword("tls"):
		c.Below = l.below()
	}
	return c
}

// below takes what stands behind connect NAME tls: a version, or a cipher suite, which TLS 1.3 has no choice of.
func (l *cursor) below() *Below {
	b := new(Below)
	for _, v := range tlsVersions {
		if b.Version == "" && l.take(v) {
			b.Version = v
		}
	}
	if l.keyword("suite") {
		l.blanks()
		start := l.pos
		known := suiteNames()
		if b.Suite = l.name(); !slices.Contains(known, b.Suite) {
			l.failAt(start, "%q is no cipher suite of TLS 1.2 that the suite has%s", b.Suite, didYouMean(b.Suite, known))
		}
		if b.Version != "1.2" {
			l.failAt(start, "a cipher suite belongs to one version: write tls 1.2 suite NAME")
		}
	}
	return b
}

// suites are the cipher suites of TLS 1.2 that may be named.
func suites() []*tls.CipherSuite {
	return slices.DeleteFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return !slices.Contains(s.SupportedVersions, tls.VersionTLS12) })
}

func suiteNames() (names []string) {
	for _, s := range suites() {
		names = append(names, s.Name)
	}
	return names
}

// expectTLS takes what stands behind expect tls.
func (l *cursor) expectTLS() Action {
	var e ExpectTLS
	if l.atPattern() {
		e.Pattern = l.pattern()
	}
	return e
}

// formatBelow writes how a connection is opened.
func formatBelow(b *Below) string {
	switch {
	case b == nil:
		return ""
	case b.Plain:
		return " plain"
	}
	words := " tls"
	if b.Version != "" {
		words += " " + b.Version
	}
	if b.Suite != "" {
		words += " suite " + b.Suite
	}
	return words
}

func formatTLS(e ExpectTLS) string {
	if e.Pattern == nil {
		return "expect tls"
	}
	return "expect tls " + formatPattern(e.Pattern)
}
