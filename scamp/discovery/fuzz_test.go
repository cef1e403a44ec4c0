package discovery

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// dataSeeds are data sections of all kinds, for the fuzzers.
func dataSeeds(t testing.TB) []string {
	extension := func(s string) string { return with(t, 6, `["json",`+s+`]`) }
	return []string{
		base, with(t, 1, `"svc:é"`), with(t, 1, `"\ud83d\ude00\ud800\u0000"`), with(t, 3, "0", 7, "null"), with(t, 3, "-0.5e-3", 4, "1e400"),
		with(t, 6, `[null,{"acname":["x"]},"web",7,[1],true]`), with(t, 7, `[["Foo"],[],5,[5,["y","",1]],["Bar",["x","",1],["x"],[],"x",[7],["y",5],["z",null,null,7]]]`),
		with(t, 7, `[["A",["a","read,t5","03"],["b","",4294967297],["_read","",1],["c.d"],[""]],["A:",["e"]]]`), "{}", "[]", "[3]", `[2,"i",1,5,"u",[],[],1]`,
		extension(`{"acname":[[2,"a"],"b",[0,"c"],[1,"d"]],"acns":[[4,"A"]],"acsec":[[4,"main"]],"acenv":[[4,"json,web"]],"acver":[1,[3,2]],"acflag":[[4,"create"]],"accompat":[[3,1],2]}`),
		extension(`{}`), extension(`{"acname":[]}`), extension(`{"acname":[[10001,"x"]]}`), extension(`{"acname":[[18446744073709551615,"x"]]}`),
		extension(`{"acname":[[2,["a"]],[1.5,"a"],[-1,"a"],[2],["2","a"]]}`), extension(`{"acname":"x","acns":{}}`), extension(`{"vmaj":9,"zzz":[[[[[[[[[[[[]]]]]]]]]]]]}`),
		strings.Repeat("[", 100), "[3, \"x\",\t\"main\" ,1,\n5000,\"u\",[ ],[ ],1]",
	}
}

// checkUsed fails unless an announcement is one that the rest of the program can live with.
func checkUsed(t *testing.T, a *Announcement) {
	for i := range a.Actions {
		act := &a.Actions[i]
		namespace, name, ok := cutName(act.Name)
		if !ok || namespace == "" || name == "" || strings.Contains(act.Name, ":") || strings.Contains(act.Sector, ":") || act.Version < 1 || act.Version > maxVersion {
			t.Fatalf("action %+v is offered", act)
		}
		if d := act.Timeout(); d < 0 || d > 86400*time.Second {
			t.Fatalf("timeout %v", d)
		}
	}
	if e := a.Expiry(); e < 210*time.Millisecond || e > 181440*time.Second {
		t.Fatalf("expiry %v", e)
	}
	var d Directory
	d.Replace([]*Announcement{a})
	if a.Weight <= 0 {
		return
	}
	for i := range a.Actions {
		act := &a.Actions[i]
		if i > 20 || len(act.Envelopes) == 0 {
			break
		}
		of := d.Lookup(nil, strings.ToUpper(act.Sector), act.Name, act.Version, "json")
		if len(of) > 1 {
			t.Fatalf("%d candidates of one instance", len(of))
		}
	}
}

// FuzzVerify signs the data of its input, so that it reaches the parsers of data and extension, and verifies it; then the octets as they
// are in place of each section. Nothing panics; what is refused has a layer and a rule; what is used can be used.
func FuzzVerify(f *testing.F) {
	for _, s := range dataSeeds(f) {
		f.Add([]byte(s))
		f.Add(signed(f, strings.ReplaceAll(s, "\n", " ")))
	}
	whole := signed(f, base)
	_, rest, _ := bytes.Cut(whole, []byte("\n\n"))
	cert, signature, _ := bytes.Cut(rest, []byte("\n\n"))
	f.Add(cert)
	f.Add(signature)
	f.Fuzz(func(t *testing.T, input []byte) {
		try := func(packet []byte) *Announcement {
			a, err := Verify(packet)
			if err != nil {
				if e := err.(*Error); e.Layer == "" || !strings.HasPrefix(e.Rule, "DISC-") || len(e.Error()) > 500 {
					t.Fatalf("error %#v", e)
				}
				return nil
			}
			checkUsed(t, a)
			if err := relay(packet, a); err == nil && bytes.Contains(AppendRecord(nil, a)[1:], []byte(marker)) {
				t.Fatal("a record with a marker inside would be relayed")
			}
			return a
		}
		try(input)
		try(slices.Concat(input, []byte("\n\n"), rest))
		try(slices.Concat([]byte(base), []byte("\n\n"), input, []byte("\n\n"), signature))
		try(slices.Concat([]byte(base), []byte("\n\n"), cert, []byte("\n\n"), input))
		p, err := server().SignData(input)
		if err != nil || bytes.Contains(input, []byte("\n\n")) || len(input) == 0 {
			return
		}
		if a := try(p); a != nil && !bytes.Equal(a.Packet, bytes.TrimRight(p, "\n")) {
			t.Fatalf("the packet is %q", a.Packet)
		} else if a != nil && jsontext.Check(input, jsontext.MaxDepth) != nil {
			t.Fatalf("%q is used and no JSON", input)
		}
	})
}

// FuzzRecords cuts its input into records: together with what stands between them they are the file, none has a marker in it, and each
// begins in the line that is said.
func FuzzRecords(f *testing.F) {
	p := string(signed(f, base))
	for _, s := range []string{
		"", marker, marker + p, "junk\n" + marker + p + marker + p, marker[1:] + p, marker + marker + "\n\n\n" + marker[1:], p, "\n%%%", "%%%\n%%%\n%%%\nx", "x" + marker + "y\n%%%",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		total, last := 0, 0
		Records(file, func(line int, record []byte) bool {
			total += len(record)
			if bytes.Contains(record, []byte(marker)) || bytes.HasPrefix(record, []byte(marker[1:])) || len(bytes.Trim(record, "\n")) == 0 {
				t.Fatalf("record %q", record)
			}
			lines := bytes.SplitAfter(file, []byte("\n"))
			if line <= last || !bytes.HasPrefix(bytes.Join(lines[line-1:], nil), record) {
				t.Fatalf("line %d does not begin with %q", line, record)
			}
			last = line
			return true
		})
		if total > len(file) {
			t.Fatalf("%d octets of records in a file of %d", total, len(file))
		}
	})
}

// FuzzAuthorized reads any text: nothing panics, nobody gets rights whose fingerprint is not in it, and what has a colon never has any
// (DISC-AUT-01e, 02b, 08).
func FuzzAuthorized(f *testing.F) {
	f.Add([]byte(authorizedExample), fingerprintP, "main", "Ledger.post")
	for _, s := range []string{"main:ALL", ":ALL", "main:", ",,", "main:a:b", "ALL", "\t x ,y\r", "\xff", ".", ".x"} {
		f.Add([]byte(fingerprintP+" "+s+"\n"), fingerprintP, "main", "a.b")
	}
	f.Fuzz(func(t *testing.T, text []byte, fingerprint, sector, action string) {
		x := ParseAuthorized(text)
		allowed, trusted := x.Allows(fingerprint, sector, action), x.Trusts(fingerprint, sector, action)
		switch listed := bytes.Contains(bytes.ToUpper(text), []byte(fingerprint)) && len(fingerprint) == 59; {
		case trusted && !allowed, trusted && !listed, allowed && !trusted && !strings.HasPrefix(action, "_meta."),
			allowed && strings.Contains(sector+action, ":"), trusted && strings.HasPrefix(action, "."):
			t.Fatalf("allowed %v, trusted %v: %q of %q by %q", allowed, trusted, action, sector, text)
		}
		if n := bytes.Count(text, []byte("\n")) + 1; len(x.Warnings) > n {
			t.Fatalf("%d warnings of %d lines", len(x.Warnings), n)
		}
	})
}

// FuzzInflate takes any datagram: what it yields is bounded, and what was compressed comes out.
func FuzzInflate(f *testing.F) {
	for _, s := range []string{"", "R", "D", "x", "\x78", "[3]", base, string(signed(f, base)), strings.Repeat("a", 100000)} {
		z, err := Compress([]byte(s))
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(s))
		f.Add(z)
		f.Add(append([]byte("R"), z...))
		f.Add(z[:len(z)/2])
	}
	var inflater Inflater
	f.Fuzz(func(t *testing.T, datagram []byte) {
		packet, compressed, err := inflater.Inflate(datagram)
		switch {
		case err != nil && packet != nil, err == nil && packet == nil, len(packet) > MaxInflated && len(packet) > len(datagram):
			t.Fatalf("%d octets, %v", len(packet), err)
		case err == nil && !compressed && !bytes.HasSuffix(datagram, packet):
			t.Fatalf("%q is taken as it is from %q", packet, datagram)
		}
		z, err := Compress(datagram)
		if err != nil {
			return // too large
		}
		if packet, compressed, err := inflater.Inflate(z); err != nil || !compressed || !bytes.Equal(packet, datagram) {
			t.Fatalf("%q becomes %q, %v", datagram, packet, err)
		}
	})
}
