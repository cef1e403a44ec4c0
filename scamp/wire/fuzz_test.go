package wire

import (
	"bytes"
	"io"
	"testing"

	fuzz "github.com/google/gofuzz"
)

// seeds gives a fuzz target the examples of this package.
func seeds(add func(in []byte)) {
	var all []byte
	for _, c := range partsAndOctets {
		add([]byte(c.octets))
		all = append(all, c.octets...)
	}
	add(all)
	for _, c := range ruleCases {
		if len(c.in) < 1000 {
			add([]byte(c.in))
		}
	}
}

// Whatever comes, and however it is cut, the Reader makes packets of it that are
// the same octets again, and stops where these end.
func FuzzReader(f *testing.F) {
	seeds(func(in []byte) {
		f.Add(in, []byte(nil))
		f.Add(in, []byte{0})
		f.Add(in, []byte{6, 0, 2})
	})
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		packets, err := collect(bytes.NewReader(in))
		again := encode(packets...)
		if !bytes.HasPrefix(in, again) {
			t.Errorf("%q was read as %q, which is %q", in, texts(packets), again)
		}
		if (err == io.EOF) != (len(again) == len(in)) {
			t.Errorf("%v after %d of %d octets", err, len(again), len(in))
		}
		src := &pieces{data: in}
		for _, n := range cuts {
			src.sizes = append(src.sizes, int(n)+1)
		}
		got, cutErr := collect(src)
		if !samePackets(got, packets) || ruleOf(cutErr) != ruleOf(err) {
			t.Errorf("in reads of %v octets: %q, %v; whole: %q, %v", src.sizes, texts(got), cutErr, texts(packets), err)
		}
	})
}

// Reader and grammar make the same of everything.
func FuzzGrammar(f *testing.F) {
	seeds(func(in []byte) { f.Add(in) })
	f.Fuzz(func(t *testing.T, in []byte) { agree(t, in) })
}

// Any packets that a sender may send are read as they were, however they are cut.
func TestRandomStreams(t *testing.T) {
	for seed := range int64(300) {
		var packets []Packet
		var sizes []uint16
		fuzzer := fuzz.NewWithSeed(seed).NilChance(0).NumElements(0, 30).Funcs(randomPacket)
		fuzzer.Fuzz(&packets)
		fuzzer.Fuzz(&sizes)
		stream := encode(packets...)
		src := &pieces{data: stream}
		for _, n := range sizes {
			src.sizes = append(src.sizes, int(n>>(n%16))+1)
		}
		got, err := collect(src)
		if err != io.EOF || !samePackets(got, packets) {
			t.Errorf("seed %d: wrote %.500q, read %.500q, %v", seed, texts(packets), texts(got), err)
		}
		agree(t, stream)
	}
}

// randomPacket makes numbers of all lengths, and bodies of mostly few octets that
// like to look like packets.
func randomPacket(p *Packet, c fuzz.Continue) {
	p.Type = TypeHeader + Type(c.Intn(int(TypePong)))
	p.Number = c.Uint64() >> c.Intn(65)
	switch c.Intn(40) {
	case 0, 1, 2, 3, 4:
		p.Body = encode(Packet{TypeData, c.Uint64(), []byte(c.RandString())})
	case 5, 6, 7, 8, 9:
		p.Body = bytes.Repeat([]byte("END\r\n"), c.Intn(20))
	case 10:
		p.Body = make([]byte, c.Intn(MaxBody+1))
		c.Read(p.Body)
	case 11, 12, 13:
		p.Body = nil
	default:
		p.Body = make([]byte, c.Intn(100))
		c.Read(p.Body)
	}
}
