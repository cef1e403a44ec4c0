package wire

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

// Packets may be cut and joined in any way (WIRE-FRAME-10): the packets, and the
// rule that ends them, are the same at every split in two and octet by octet.
func TestEverySplit(t *testing.T) {
	inputs := []string{"", "EOF 0 0\r\nEND\r\nDATA 0 5\r\nEND\r\nEND\r\nACK 12 3\r\n131END\r\nEO"}
	var all string
	for _, c := range partsAndOctets {
		all += c.octets
	}
	inputs = append(inputs, all)
	for _, c := range ruleCases {
		inputs = append(inputs, c.in, "PING 0 0\r\nEND\r\n"+c.in+"X\r\n\r\nEND\r\nEOF 0 0\r\nEND\r\n")
	}
	// Lines with more than one fault: which one is named is no matter of reads.
	inputs = append(inputs,
		"FOO\r00 x\n"+string(make([]byte, 100)),
		"DATA 0 \rX"+string(bytes.Repeat([]byte("0"), 100)),
		string(bytes.Repeat([]byte("0"), 77))+"\rX\r\n",
		string(bytes.Repeat([]byte("0"), 78))+"\rX\r\n",
		string(bytes.Repeat([]byte("0"), 79))+"\rX\r\n",
		string(bytes.Repeat([]byte("0"), 79))+"\r\n\n",
	)
	for _, in := range inputs {
		want, wantErr := collect(bytes.NewReader([]byte(in)))
		same := func(how string, src io.Reader) {
			t.Helper()
			if got, err := collect(src); !samePackets(got, want) || ruleOf(err) != ruleOf(wantErr) {
				t.Errorf("%.100q, %s: %.200q, then %v; whole it is %.200q, then %v", in, how, texts(got), err, texts(want), wantErr)
			}
		}
		same("octet by octet", iotest.OneByteReader(bytes.NewReader([]byte(in))))
		same("in halves", iotest.HalfReader(bytes.NewReader([]byte(in))))
		same("with the end in the last read", iotest.DataErrReader(bytes.NewReader([]byte(in))))
		same("in pieces of 7", &pieces{data: []byte(in), sizes: []int{7}})
		if len(in) > 1000 {
			continue
		}
		for n := 1; n < len(in); n++ {
			same("in two", &pieces{data: []byte(in), sizes: []int{n, len(in)}})
		}
	}
}

// Packets of the largest size come back to back, in reads that begin and end
// anywhere in them, and none is refused (WIRE-SAFE-05).
func TestLargestPacketsBackToBack(t *testing.T) {
	var want []Packet
	for n := range 7 {
		body := make([]byte, MaxBody)
		for i := range body {
			body[i] = byte(i * (n + 1) >> 3)
		}
		want = append(want, Packet{TypeData, uint64(n), body})
	}
	stream := encode(want...)
	packet := len(stream) / len(want)
	for _, sizes := range [][]int{
		{len(stream)}, {1 << 10}, {4095}, {4096}, {4097}, {65536}, {MaxBody}, {maxBuf}, {17, 70000}, {1, 1, 200000},
		{packet - 1}, {packet}, {packet + 1}, {packet - 5, 5}, {packet + 15, packet - 15}, {2*packet - 1, 1},
	} {
		src := &pieces{data: stream, sizes: sizes}
		got, err := collect(src)
		if err != io.EOF || !samePackets(got, want) {
			t.Errorf("in reads of %v octets: %d packets, %v", sizes, len(got), err)
		}
	}
}

// A deadline of the stream is an error like another one: what came in time is
// read before it.
func TestTimeout(t *testing.T) {
	src := iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader([]byte("EOF 0 0\r\nEND\r\n"))))
	if packets, err := collect(src); err != iotest.ErrTimeout || len(packets) > 0 {
		t.Errorf("%v, %v", packets, err)
	}
	src = iotest.TimeoutReader(bytes.NewReader([]byte("EOF 0 0\r\nEND\r\nEOF 1")))
	if packets, err := collect(src); err != iotest.ErrTimeout || !slices.Equal(texts(packets), []string{"EOF 0 0"}) {
		t.Errorf("%v, %v", packets, err)
	}
}

// A read that brings nothing is not the end, and not an excuse to spin.
func TestReadsThatBringNothing(t *testing.T) {
	for idles, want := range map[int]error{0: io.EOF, 1: io.EOF, 99: io.EOF, 1000: io.ErrNoProgress} {
		packets, err := collect(&stutter{data: []byte("EOF 0 0\r\nEND\r\n"), idles: idles})
		if err != want || err == io.EOF && len(packets) != 1 {
			t.Errorf("%d empty reads before each octet: %v, %v", idles, packets, err)
		}
	}
}

// stutter brings one octet after so many empty reads.
type stutter struct {
	data  []byte
	idles int
	n     int
}

func (s *stutter) Read(b []byte) (int, error) {
	if s.n++; s.n <= s.idles {
		return 0, nil
	}
	s.n = 0
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	b[0], s.data = s.data[0], s.data[1:]
	return 1, nil
}
