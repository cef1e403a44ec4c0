package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// An unpacked is what comes out of a datagram.
type unpacked struct {
	Outcome    string `json:"outcome"`
	Compressed *bool  `json:"compressed,omitempty"`
	Length     int    `json:"length,omitempty"`
	SHA256     string `json:"sha256,omitempty"`
}

// packetOf is a datagram that has this packet.
func packetOf(packet []byte, compressed bool) unpacked {
	return unpacked{"packet", &compressed, len(packet), fmt.Sprintf("%x", sha256.Sum256(packet))}
}

var noPacket = unpacked{Outcome: "refused datagram"}

// What a common zlib makes of the packet of section 26.1, at its levels 1 and 9.
var (
	zlibLevel1 = decoded(zlibLevel1Text)
	zlibLevel9 = decoded(zlibLevel9Text)
)

func decoded(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// mc is section 13, as far as datagrams go.
func mc(g *group) {
	a := identityA()
	datagram := func(name, rules, title string, d octets, expect unpacked, tolerated ...any) {
		g.add(name, rules, title, vector{Kind: "datagram", Datagram: d, Expect: expect, Tolerated: tolerated})
	}
	of := func(b []byte) octets { return octets{{octets: b}} }
	ledger := []byte(example1)
	stored := new(bitWriter)
	stored.stored(ledger, true)
	datagram("level-1", "DISC-MC-02c", "compressed by zlib at level 1", of(zlibLevel1), packetOf(ledger, true))
	datagram("level-9", "DISC-MC-02c", "compressed by zlib at level 9", of(zlibLevel9), packetOf(ledger, true))
	datagram("level-0", "DISC-MC-02c", "in zlib's format, and stored", of(zlibOf(stored.octets, ledger)), packetOf(ledger, true))
	datagram("fixed-codes", "DISC-MC-02c", "compressed with fixed codes", of(compress(ledger)), packetOf(ledger, true))
	datagram("not-compressed", "DISC-MC-02c", "the packet as it is", text(example1), packetOf(ledger, false))
	indented := a.packet("\t [" + base.String()[1:])
	datagram("not-compressed-blank-first", "DISC-MC-02c", "the packet as it is, with blanks before its bracket", indented, packetOf(indented.expand(), false))
	datagram("octets-behind-the-stream", "DISC-MC-02c", "octets behind the compressed stream", of(append(bytes.Clone(zlibLevel9), "more"...)), packetOf(ledger, true), noPacket)

	wrong := bytes.Clone(zlibLevel9)
	wrong[len(wrong)-1] ^= 1
	datagram("wrong-checksum", "DISC-MC-02c DISC-GEN-01b", "the checksum of the stream is wrong: it does not inflate, and is no packet either", of(wrong), noPacket)
	datagram("cut", "DISC-MC-02c DISC-GEN-01b", "half of a compressed packet", of(zlibLevel9[:600]), noPacket)
	datagram("cut-before-the-checksum", "DISC-MC-02c", "the checksum is missing", of(zlibLevel9[:len(zlibLevel9)-4]), noPacket)
	datagram("head-alone", "DISC-MC-02c DISC-GEN-01b", "the two octets that begin a stream", raw(0x78, 0x9C), noPacket)
	datagram("empty", "DISC-MC-02c DISC-GEN-01b", "a datagram without octets", octets{}, noPacket, unpacked{Outcome: "packet", Length: 0})
	garbage := bytes.Clone(zlibLevel9)
	for i := 2; i < len(garbage)-4; i++ {
		garbage[i] ^= 0x5A
	}
	datagram("garbage-behind-the-head", "DISC-MC-02c DISC-GEN-01b", "a stream of garbage", of(garbage), noPacket)

	for _, letter := range []string{"R", "D"} {
		datagram("letter-"+strings.ToLower(letter), "DISC-MC-03a", "the letter "+letter+" before the compressed stream may be stripped", cat(letter, of(zlibLevel9)), packetOf(ledger, true), noPacket, unpacked{Outcome: "packet"})
		datagram("letter-"+strings.ToLower(letter)+"-not-compressed", "DISC-MC-03a", "the letter "+letter+" before a packet that is not compressed may be stripped", text(letter+example1), packetOf(ledger, false), noPacket, unpacked{Outcome: "packet"})
	}
	bombs := func(name, title string, d octets) {
		if n := len(d.expand()); n > 65507 {
			panic(fmt.Sprintf("%s: no datagram has %d octets", name, n))
		}
		g.add(name, "DISC-MC-04a DISC-GEN-01b", title, vector{Kind: "datagram", Hostile: true, Datagram: d, Expect: noPacket})
	}
	bombs("bomb-of-lfs", "a good packet and 62 MiB of LFs behind it: inflation stops long before", bomb(ledger, '\n', 62<<20))
	bombs("bomb-5-mi", "5 MiB of LFs behind a good packet: above the limit of 4 MiB that is recommended", bomb(ledger, '\n', 5<<20))
	g.vectors[len(g.vectors)-1].Tolerated = []any{unpacked{Outcome: "packet", Compressed: pointer(true)}}
	bombs("bomb-of-blanks", "64 MiB of blanks and no packet", bomb(nil, ' ', 64<<20))
	bombs("bomb-of-brackets", "64 MiB of opening brackets", bomb(nil, '[', 64<<20))

	mebibyte := a.packet(paddedData(base, 1<<20-len(a.packet("").expand())))
	if len(mebibyte.expand()) != 1<<20 {
		panic("the packet has no mebibyte")
	}
	// The data is mostly x: the packet is stored up to the x and behind them, and they are a run.
	all := mebibyte.expand()
	from, to := bytes.Index(all, []byte("xxxx")), bytes.LastIndex(all, []byte("xxxx"))+4
	datagram("packet-of-a-mebibyte", "DISC-MC-04b", "a packet of 1 MiB", runs(all, from, to), packetOf(all, true))

	s := plainService()
	g.announce("announce-a-datagram", "DISC-MC-02a DISC-MC-02b DISC-MC-03b DISC-MC-05a", "a packet is announced in one datagram, compressed", a.section+"\n", s, announced())
	s.Actions, s.Repeat = []offered{{Name: "Foo.#"}}, 100000
	g.announce("announce-too-much", "DISC-MC-05a DISC-MC-05b", "a packet that does not fit into a datagram is reported", a.section+"\n", s, failed)

	// Listeners and cache managers take both kinds of datagrams.
	g.relay("compressed-and-not", "DISC-MC-02c DISC-CMG-01a", "a cache manager takes compressed and uncompressed packets",
		[]octets{of(compress(a.packet(base.String()).expand())), identityC().packet(pre.String())}, []int{0, 1})
	g.relay("bad-datagrams-between", "DISC-GEN-01a DISC-MC-04a", "datagrams that are no packets cost no neighbour",
		[]octets{identityC().packet(pre.String()), of(wrong), bomb(ledger, '\n', 32<<20), text("hello"), octets{}, raw(0x78), identityC().packet(post.String())}, []int{0, 6})
}

// runs compresses a content that has one octet many times between two offsets.
func runs(content []byte, from, to int) octets {
	// What stands behind the run cannot follow the last block, so the run ends in a block of its own before a stored one.
	w := new(bitWriter)
	w.stored(content[:from], false)
	n := (to - from - 1) / 258 * 258
	start := w.n
	w.runHead(content[from])
	w.octets[start/8] &^= 1 // not the last block
	head, zeros := w.matches(n / 258)
	w.code(3, 2) // the end of the block; the next one begins in the same octet
	w.stored(content[from+1+n:], true)
	whole := zlibOf(append(bytes.Clone(head), w.octets...), content)
	return octets{{octets: whole[:2+len(head)]}, {octets: []byte{0}, times: zeros}, {octets: whole[2+len(head):]}}
}
