package main

import (
	"bytes"
	"hash/adler32"
)

// Compressed datagrams by hand (RFC 1950, RFC 1951): what a library makes of a packet may differ from release to release,
// and the bombs are such as no library makes.

// A bitWriter writes bits as deflate has them: from the least significant bit of each octet.
type bitWriter struct {
	octets []byte
	n      int
}

// bits writes the low n bits of v, the lowest first.
func (w *bitWriter) bits(v uint32, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.octets = append(w.octets, 0)
		}
		w.octets[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// code writes a Huffman code: its highest bit first.
func (w *bitWriter) code(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		w.bits(v>>i, 1)
	}
}

// align goes to the next octet.
func (w *bitWriter) align() { w.n = 8 * len(w.octets) }

// stored writes octets as they are, in blocks.
func (w *bitWriter) stored(content []byte, final bool) {
	for {
		piece := content[:min(len(content), 0xFFFF)]
		content = content[len(piece):]
		last := len(content) == 0
		w.bits(b2u(final && last), 1)
		w.bits(0, 2)
		w.align()
		w.bits(uint32(len(piece)), 16)
		w.bits(^uint32(len(piece)), 16)
		w.octets = append(w.octets, piece...)
		w.n = 8 * len(w.octets)
		if last {
			return
		}
	}
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// fixed writes octets as literals of a block with fixed codes.
func (w *bitWriter) fixed(content []byte) {
	w.bits(1, 1) // the last block
	w.bits(1, 2)
	for _, c := range content {
		if c < 144 {
			w.code(0x30+uint32(c), 8)
		} else {
			w.code(0x190+uint32(c)-144, 9)
		}
	}
	w.code(0, 7) // the end
	w.align()
}

// runHead begins the last block, with codes of its own in which a match of 258 octets at distance 1 takes two zero bits:
// length 285 is 0, literal c is 10, the end is 11, distance 1 is 0. It writes the first literal.
func (w *bitWriter) runHead(c byte) {
	w.bits(1, 1)
	w.bits(2, 2)
	w.bits(286-257, 5) // literal and length codes
	w.bits(0, 5)       // one distance code
	w.bits(18-4, 4)    // code length codes, in the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1
	for i := range 18 {
		if i == 1 || i == 2 || i == 15 || i == 17 {
			w.bits(2, 3)
		} else {
			w.bits(0, 3)
		}
	}
	// So length 1 is 00, length 2 is 01, 17 and 18, short and long runs of zeros, are 10 and 11.
	zeros := func(n int) {
		for ; n > 138; n -= 138 {
			w.code(3, 2)
			w.bits(138-11, 7)
		}
		if n < 11 {
			w.code(2, 2)
			w.bits(uint32(n-3), 3)
		} else {
			w.code(3, 2)
			w.bits(uint32(n-11), 7)
		}
	}
	zeros(int(c))
	w.code(1, 2) // the literal
	zeros(256 - int(c) - 1)
	w.code(1, 2) // the end
	zeros(285 - 257)
	w.code(0, 2) // length 285
	w.code(0, 2) // distance 1
	w.code(2, 2)
}

// matches writes so many matches, two zero bits each. It returns what stands before the whole octets of zeros among them, and
// how many these are; the writer goes on behind them.
func (w *bitWriter) matches(n int) (head []byte, zeros int) {
	fill := (8 - w.n%8) % 8
	w.bits(0, fill)
	head = w.octets
	w.octets, w.n = nil, 0
	left := 2*n - fill
	w.bits(0, left%8)
	return head, left / 8
}

// zlibOf frames a deflate stream of a content.
func zlibOf(stream []byte, content []byte) []byte {
	out := append([]byte{0x78, 0x9C}, stream...)
	sum := adler32.Checksum(content)
	return append(out, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
}

// compress makes a datagram of a packet, with fixed codes.
func compress(packet []byte) []byte {
	w := new(bitWriter)
	w.fixed(packet)
	return zlibOf(w.octets, packet)
}

// bomb makes a datagram of a packet, stored, and of n more octets c that take two bits for each 258.
func bomb(packet []byte, c byte, n int) octets {
	w := new(bitWriter)
	w.stored(packet, false)
	w.runHead(c)
	head, zeros := w.matches((n - 1) / 258)
	w.code(3, 2) // the end
	w.align()
	content := append(bytes.Clone(packet), bytes.Repeat([]byte{c}, 1+(n-1)/258*258)...)
	whole := zlibOf(append(bytes.Clone(head), w.octets...), content)
	return octets{{octets: whole[:2+len(head)]}, {octets: []byte{0}, times: zeros}, {octets: whole[2+len(head):]}}
}
