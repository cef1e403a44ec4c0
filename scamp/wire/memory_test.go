package wire

import (
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
)

// An announced length sets no memory aside (WIRE-SAFE-06a): a thousand peers
// announce the largest body and send none of it.
func TestNoMemoryOnAnnouncement(t *testing.T) {
	for line, want := range map[string]string{
		"DATA 0 131072\r\n":               "unexpected EOF",
		"DATA 0 131073\r\n":               "WIRE-FRAME-08d",
		"DATA 0 9223372036854775807\r\n":  "WIRE-FRAME-08d",
		"DATA 0 99999999999999999999\r\n": "WIRE-FRAME-08d",
	} {
		const peers, most = 1000, 8 << 10
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range peers {
			if _, err := NewReader(strings.NewReader(line)).Read(); ruleOf(err) != want {
				t.Fatalf("%q: %v, want %s", line, err, want)
			}
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / peers; each > most {
			t.Errorf("%q: %d octets of memory for each", line, each)
		}
	}
}

// A body takes memory as it comes, up to about two of the largest packets in all
// (WIRE-SAFE-06b).
func TestMemoryGrowsWithWhatComes(t *testing.T) {
	body := strings.Repeat("x", MaxBody)
	for _, come := range []int{0, 1000, 5000, 20000, 100000, MaxBody} {
		r := NewReader(strings.NewReader("DATA 0 131072\r\n" + body[:come]))
		if _, err := r.Read(); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
		if most := max(4<<10, 4*(come+100)); len(r.buf) > most || len(r.buf) > maxBuf {
			t.Errorf("%d octets have come, and %d are set aside", come, len(r.buf))
		}
	}
	r := NewReader(&endless{data: encode(Packet{TypeData, 0, []byte(body)}, Packet{TypeEOF, 0, nil})})
	for range 100 {
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.buf) > maxBuf {
		t.Errorf("%d octets are set aside for packets of %d at most", len(r.buf), MaxBody+overhead)
	}
}

func TestWritingDoesNotAllocate(t *testing.T) {
	b := make([]byte, 0, 64<<10)
	header, data, ping := Header("{}"), Data(make([]byte, 16<<10)), Ping("ping")
	text := TXErr(strings.Repeat("gone", 3))
	if n := testing.AllocsPerRun(100, func() {
		b = b[:0]
		for typ := TypeHeader; typ <= TypePong; typ++ {
			b = Append(b, Packet{typ, math.MaxUint64, data[:100]})
		}
	}); n != 0 {
		t.Errorf("Append allocates %v times for seven packets", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		b = AppendPart(b[:0], math.MaxUint64, header)
		b = AppendPart(b, math.MaxUint64, data)
		b = AppendPart(b, math.MaxUint64, EOF{})
		b = AppendPart(b, math.MaxUint64, text)
		b = AppendPart(b, math.MaxUint64, Ack(math.MaxUint64))
		b = AppendPart(b, math.MaxUint64, ping)
		b = AppendPart(b, math.MaxUint64, Pong{})
	}); n != 0 {
		t.Errorf("AppendPart allocates %v times for seven packets", n)
	}
}

// Reading allocates while the buffer grows, and never again.
func TestReadingDoesNotAllocate(t *testing.T) {
	var stream []byte
	for _, c := range partsAndOctets {
		stream = append(stream, c.octets...)
	}
	stream = AppendPart(stream, 12, Data(make([]byte, 16<<10)))
	stream = AppendPart(stream, 12, Data(make([]byte, MaxBody)))
	r := NewReader(&endless{data: stream})
	read := func() {
		for range len(partsAndOctets) + 2 {
			if _, err := r.Read(); err != nil {
				t.Fatal(err)
			}
			r.Buffered()
		}
	}
	for range 5 {
		read()
	}
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations for %d packets", n, len(partsAndOctets)+2)
	}
}
