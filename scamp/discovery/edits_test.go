package discovery

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// edit changes an octet string at random: octets, blocks, copies, other line ends.
func edit(rng *rand.Rand, b []byte, other []byte) []byte {
	const odd = "\n%[]{}\",\x00\xff:0-=+/"
	b = slices.Clone(b)
	for range 1 + rng.IntN(3) {
		if len(b) == 0 {
			return append(b, other...)
		}
		i := rng.IntN(len(b))
		j := min(i+1+rng.IntN(1<<rng.IntN(10)), len(b))
		switch rng.IntN(9) {
		case 0:
			b[i] ^= 1 << rng.IntN(8)
		case 1:
			b[i] = odd[rng.IntN(len(odd))]
		case 2:
			b = slices.Delete(b, i, j)
		case 3:
			b = slices.Insert(b, i, b[i:j]...)
		case 4:
			b = slices.Insert(b, i, []byte("\n\n")[:1+rng.IntN(2)]...)
		case 5:
			b = b[:i]
		case 6:
			k := rng.IntN(len(other) + 1)
			b = slices.Insert(b, i, other[k:min(k+j-i, len(other))]...)
		case 7:
			b = bytes.Replace(b, []byte("\n"), []byte("\r\n"), 1+rng.IntN(30))
		case 8:
			b = slices.Insert(b, i, []byte(marker[rng.IntN(2):])...)
		}
	}
	return b
}

// An edited packet is used only for what was signed, and under the fingerprint of the certificate that it has: who edits that makes
// another identity, which nobody has authorised (DISC-SIG-06a, 06c, 07, DISC-GEN-01b).
func TestEditedPackets(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	a, b := signed(t, base), signed(t, with(t, 1, `"another"`, 6, `["json",{"acname":["x"],"acns":["A"],"acsec":["main"],"acenv":["json"]}]`))
	whole, err := Verify(a)
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	for range 20000 {
		p := edit(rng, a, b[:len(b)-100])
		got, err := Verify(p)
		if err != nil {
			continue
		}
		used++
		if data, _, _ := bytes.Cut(got.Packet, []byte("\n\n")); string(data) != base || got.Fingerprint != Fingerprint(got.Certificate) {
			t.Fatalf("used: %q", p)
		}
		if (got.Fingerprint == whole.Fingerprint) != bytes.Equal(got.Certificate, whole.Certificate) {
			t.Fatalf("fingerprint %s of %q", got.Fingerprint, p)
		}
	}
	if used == 0 || used > 10000 {
		t.Errorf("%d edits are used", used)
	}
}

// Data that is signed reaches the JSON reader and the vectors: whatever it is, it is used or refused, and what is used can be
// registered (DISC-GEN-01b).
func TestEditedData(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	v := &verifier{}
	data := []byte(with(t, 6, `["json",null,{"vmaj":4,"vmin":0,"acname":["export",[2,"list"],"push"],"acns":[[3,"Ledger.Web"],"Ledger"],"acsec":[[3,"web"],"main"],`+
		`"acenv":[[2,"web"],"json,jsonstore","jsonstore"],"acver":[[2,1],2,1],"acflag":["noauth,t120",[2,""],"create"],"accompat":[[4,1]]}]`,
		7, `[["Ledger",["post","t30",1],["balance","read,noauth","2",7],["x"],["y",null,null]],["Foo"],[]]`))
	used := 0
	for range 200000 {
		var a Announcement
		if v.parseData(&a, edit(rng, data, data)) != nil {
			continue
		}
		used++
		a.Fingerprint = "F"
		var d Directory
		d.Replace([]*Announcement{&a})
		for i := range a.Actions {
			act := &a.Actions[i]
			act.Timeout()
			if a.Weight > 0 && len(act.Envelopes) > 0 && act.Envelopes[0] != "" {
				found(&d, act.Sector, act.Name, act.Version, act.Envelopes[0])
			}
		}
	}
	if used < 1000 {
		t.Errorf("only %d edits are used", used)
	}
}

// Whatever happens to one record of a file, those before and behind it are used (DISC-GEN-01a, DISC-CCH-04).
func TestEditedRecords(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	before, after := signed(t, with(t, 1, `"before"`)), signed(t, with(t, 1, `"after"`))
	middle := signed(t, base)
	for i := range 3000 {
		damaged := edit(rng, middle, after[:len(after)/2])
		file := fmt.Appendf(nil, "%s%s%s%s%s%s", marker, before, marker, damaged, marker, after)
		var d Directory
		var all []*Announcement
		Records(file, func(_ int, record []byte) bool {
			if a, err := Verify(record); err == nil {
				all = append(all, a)
			}
			return true
		})
		d.Replace(all)
		if f := foundBar(&d); !slices.Contains(f, "before") || !slices.Contains(f, "after") || len(f) > 3 {
			t.Fatalf("run %d: found %v in %q", i, f, file)
		}
	}
}

// The same for edits anywhere in a file: a record that was not touched is used.
func TestEditedFiles(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	var packets [][]byte
	var file []byte
	for i := range 8 {
		p := signed(t, with(t, 1, fmt.Sprintf(`"i%d"`, i)))
		packets = append(packets, p)
		file = append(append(file, marker...), p...)
	}
	v := &verifier{certificates: map[string]*certificate{}}
	for range 2000 {
		edited := edit(rng, file, packets[0])
		used := map[string]bool{}
		Records(edited, func(_ int, record []byte) bool {
			if a, err := v.verify(record); err == nil {
				used[a.Ident] = true
			}
			return true
		})
		for i, p := range packets {
			whole := slices.Concat([]byte(marker), p, []byte(marker))
			if bytes.Contains(edited, whole) && !used[fmt.Sprintf("i%d", i)] {
				t.Fatalf("record %d is lost in %q", i, edited)
			}
		}
	}
}
