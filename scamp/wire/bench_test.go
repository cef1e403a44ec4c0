package wire

import (
	"fmt"
	"testing"
)

var benchmarkSizes = []int{0, 100, 16 << 10, MaxBody}

func BenchmarkAppend(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := Packet{TypeData, 1234, make([]byte, size)}
			buf := Append(nil, p)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = Append(buf[:0], p)
			}
		})
	}
}

func BenchmarkAppendPart(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			part := Data(make([]byte, size))
			buf := AppendPart(nil, 1234, part)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendPart(buf[:0], 1234, part)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			stream := encode(Packet{TypeData, 1234, make([]byte, size)})
			r := NewReader(&endless{data: stream})
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
