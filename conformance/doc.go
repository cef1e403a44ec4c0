// Package conformance tells which rules of the specification an implementation
// of SCAMP breaks, and shows the packets that prove it.
//
// A [Case] is one scenario in the case language of docs/case-language.md; the
// golden ones are in package golden. [ParseFS] reads them, [Run] plays them
// against a [Subject] and returns a [Report], [Test] does the same in a Go test:
//
//	# A request is answered, and its body comes back.
//	rule: WIRE-RPC-06a
//	role: server
//
//	request 0 echo {"hello":"world"}
//	expect echo 1
//
// The tester plays the peer of the subject. It has a packet codec of its own and
// never uses package scamp, so that a mistake in the codec cannot hide on both
// sides. Beside the cases, it judges some rules on every packet that the subject
// sends in any of them; see [Judged].
//
// A subject is a server at an address ([ServerAt], real time) or a Go value
// ([ServerValue], virtual time).
package conformance
