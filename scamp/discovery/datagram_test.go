package discovery

import (
	"bytes"
	"compress/zlib"
	"crypto/rand"
	"strings"
	"testing"
)

// zipped compresses at a level.
func zipped(t testing.TB, b []byte, level int) []byte {
	t.Helper()
	var z bytes.Buffer
	w, err := zlib.NewWriterLevel(&z, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(b)
	w.Close()
	return z.Bytes()
}

// A datagram is zlib or the packet itself, behind a letter or not (DISC-MC-02c, 03a).
func TestInflate(t *testing.T) {
	p := signed(t, base)
	z := zipped(t, p, 6)
	var f Inflater
	for _, tc := range []struct {
		name       string
		datagram   []byte
		compressed bool
		rule       string // "": it is the packet
	}{
		{"raw before any zlib", p, false, ""},
		{"level 1", zipped(t, p, 1), true, ""},
		{"level 9", zipped(t, p, 9), true, ""},
		{"level 0", zipped(t, p, 0), true, ""},
		{"raw", p, false, ""},
		{"R", append([]byte("R"), z...), true, ""},
		{"D", append([]byte("D"), z...), true, ""},
		{"R and raw", append([]byte("R"), p...), false, ""},
		{"followed by more", append(bytes.Clone(z), "more"...), true, ""},
		{"empty", nil, true, "DISC-MC-02c"},
		{"a letter", []byte("R"), true, "DISC-MC-02c"},
		{"cut", z[:len(z)-10], true, "DISC-MC-02c"},
		{"a wrong sum", append(bytes.Clone(z[:len(z)-1]), z[len(z)-1]^1), true, "DISC-MC-02c"},
		{"nothing but a head", z[:2], true, "DISC-MC-02c"},
	} {
		got, compressed, err := f.Inflate(tc.datagram)
		if tc.rule != "" {
			if refused(t, err, LayerDatagram, tc.rule); got != nil {
				t.Errorf("%s: %q", tc.name, got)
			}
			continue
		}
		if err != nil || compressed != tc.compressed || !bytes.Equal(got, p) {
			t.Errorf("%s: %q, %v, %v", tc.name, got, compressed, err)
		}
	}
	if got, compressed, err := f.Inflate([]byte("RRnonsense")); err != nil || compressed || string(got) != "Rnonsense" {
		t.Errorf("%q, %v, %v: that it is nonsense is found out later", got, compressed, err)
	}
}

// 1 MiB is accepted, and so are the 4 MiB of the limit; a bomb of a thousand times its size costs no more than the limit, each time
// (DISC-MC-04).
func TestInflateIsBounded(t *testing.T) {
	var f Inflater
	for _, size := range []int{1 << 20, MaxInflated} {
		if got, _, err := f.Inflate(zipped(t, bytes.Repeat([]byte("a"), size), 9)); err != nil || len(got) != size {
			t.Errorf("%d octets: %d, %v", size, len(got), err)
		}
	}
	_, _, err := f.Inflate(zipped(t, make([]byte, MaxInflated+1), 9))
	refused(t, err, LayerDatagram, "DISC-MC-04a")
	bomb := zipped(t, make([]byte, 64<<20), 9)
	if len(bomb) > MaxDatagram {
		t.Fatalf("the bomb has %d octets", len(bomb))
	}
	live, total := growth(func() {
		for range 100 {
			if _, _, err := f.Inflate(bomb); err == nil {
				t.Error("64 MiB are inflated")
			}
		}
	})
	if live > 16<<20 || total > 64<<20 {
		t.Errorf("100 bombs: %d MiB more, %d MiB on the way", live>>20, total>>20)
	}
	if got, _, err := f.Inflate(zipped(t, signed(t, base), 6)); err != nil || !bytes.Equal(got, signed(t, base)) {
		t.Errorf("a packet after the bombs: %v", err)
	}
}

// What is sent is zlib, begins with no letter, and is at most 65,507 octets long: what is not is an error that says what can be done
// (DISC-MC-02b, 03b, 05a, 05b).
func TestCompress(t *testing.T) {
	p := signed(t, base)
	z, err := Compress(p)
	if err != nil || z[0] != 0x78 || len(z) >= len(p) {
		t.Errorf("%d octets become %d, %v", len(p), len(z), err)
	}
	again, err := Compress(p)
	if err != nil || !bytes.Equal(z, again) {
		t.Errorf("compressed again: %v", err)
	}
	random := make([]byte, 70000)
	rand.Read(random)
	low, high := 60000, len(random)
	for low+1 < high {
		if n := (low + high) / 2; len(zipped(t, random[:n], zlib.DefaultCompression)) <= MaxDatagram {
			low = n
		} else {
			high = n
		}
	}
	if z, err := Compress(random[:low]); err != nil || len(z) > MaxDatagram || len(z) < MaxDatagram-20 {
		t.Errorf("the largest: %d octets, %v", len(z), err)
	}
	if _, err := Compress(random[:high]); err == nil || !strings.Contains(err.Error(), "more than 65507") || !strings.Contains(err.Error(), "several idents") {
		t.Errorf("one more: %v", err)
	}
}
