package discovery

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
)

// A packet says a sector, a namespace or a run once, and means it for thousands of actions. No packet, whoever signed it, takes more
// than a second or much more memory than it has itself (DISC-GEN-01b, DISC-V4-06c).
func TestSmallPacketsStaySmall(t *testing.T) {
	long := strings.Repeat("n", 1<<20)
	runs := func(n int, name, namespace, sector, envelopes, flags string) string {
		return fmt.Sprintf(`["json",{"acname":[[%d,"%s"]],"acns":[[%d,"%s"]],"acsec":[[%d,"%s"]],"acenv":[[%d,"%s"]],"acflag":[[%d,"%s"]]}]`,
			n, name, n, namespace, n, sector, n, envelopes, n, flags)
	}
	entries := func(namespace, entry string, n int) string {
		return `[["` + namespace + `"` + strings.Repeat(","+entry, n) + `]]`
	}
	for name, data := range map[string]string{
		"a long namespace":           with(t, 7, entries(long, `["a"]`, 300000)),
		"a long sector":              with(t, 2, `"`+long+`"`, 7, entries("Foo", `["a","read,create,update,destroy"]`, 60000)),
		"skipped under a long name":  with(t, 7, entries(long, "0", 1000000)),
		"bad flags under a long one": with(t, 7, entries(long, `["a",5]`, 300000)),
		"bad versions":               with(t, 7, entries(long, `["a","",0]`, 200000)),
		"dots in the names":          with(t, 7, entries(long, `["a.b"]`, 200000)),
		"a run of namespaces":        with(t, 6, runs(10000, "a", long, "main", "json", "")),
		"a run of names":             with(t, 6, runs(10000, long, "n", "main", "json", "")),
		"a run of sectors":           with(t, 6, runs(10000, "a", "n", long, "json", "read")),
		"a run of envelopes":         with(t, 6, runs(10000, "a", "n", "main", strings.ReplaceAll(long, "n", ","), "")),
		"a run of flags":             with(t, 6, runs(10000, "a", "n", "main", "json", strings.ReplaceAll(long, "n", ","))),
		"a run of colons":            with(t, 6, runs(10000, "a:", long, "main", "json", "")),
		"too many copies":            with(t, 6, runs(1<<31, "a", "n", "main", "json", "")),
		"very many entries":          with(t, 7, entries("F", `["a"]`, 170000)),
	} {
		p := signed(t, data)
		var a *Announcement
		var err error
		live, total := int64(0), int64(0)
		d := took(func() { live, total = growth(func() { a, err = Verify(p) }) })
		if d > 2*time.Second {
			t.Errorf("%s: %v", name, d)
		}
		if most := int64(300 << 20); live > most || total > 2*most {
			t.Errorf("%s: a packet of %d octets takes %d MiB, and %d MiB on the way", name, len(p), live>>20, total>>20)
		}
		if a != nil && len(a.Skipped) > 100 {
			t.Errorf("%s: %d skips are kept", name, len(a.Skipped))
		}
		if err == nil && len(a.Skipped) == 0 && len(a.Actions) == 0 {
			t.Errorf("%s: nothing came of it", name)
		}
	}
}

// The bound is far above what anybody announces: 10,000 actions of 1000 octets each in the vectors, data of 8 MiB in the classes
// (DISC-JSN-07a, DISC-V4-06b, DISC-CCH-07).
func TestLargePacketsAreUsed(t *testing.T) {
	t.Parallel()
	a := described("x", 1)
	a.Actions = nil
	for i := range 10000 {
		a.Actions = append(a.Actions, Action{Name: fmt.Sprintf("%0980d.action%05d", 7, i), Sector: "web"})
	}
	if got := announced(t, server(), a); len(got.Actions) != 10000 || got.Actions[9999].Name != a.Actions[9999].Name {
		t.Errorf("%d actions", len(got.Actions))
	}
	var classes strings.Builder
	classes.WriteString(`[["Company.Department.Service"`)
	n := 0
	for ; classes.Len() < 8<<20; n++ {
		fmt.Fprintf(&classes, `,["action%07d","",1]`, n)
	}
	classes.WriteString("]]")
	got, err := Verify(signed(t, with(t, 7, classes.String())))
	if err != nil || len(got.Actions) != n {
		t.Errorf("8 MiB of data: %v", err)
	}
	for _, octets := range []int{65535, 65536, 1 << 20, 8 << 20, 16<<20 - 5000} {
		got, err := Verify(signed(t, with(t, 7, `[["Foo",["bar"],["`+strings.Repeat("x", octets)+`"]]]`)))
		if err != nil || len(got.Actions) != 2 {
			t.Errorf("a name of %d octets: %v", octets, err)
		}
	}
	if _, err := Verify(signed(t, with(t, 1, `"`+strings.Repeat("x", 16<<20)+`"`))); err == nil {
		t.Error("a packet of more than 16 MiB is used")
	}
}

// What is said of a packet is short, although its sender chooses the words: it is logged, and kept (DISC-GEN-01b).
func TestReasonsAreShort(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	skips := 0
	for _, data := range []string{
		with(t, 0, `"`+long+`"`), with(t, 6, `["json",{"acname":[["`+long+`","x"]]}]`), with(t, 7, `[["`+long+`",5,["`+long+`.x"],["x",5],["x","",0]]]`),
		with(t, 6, `["json",{"acname":["a"],"acns":["`+long+`"],"acsec":["m"],"acenv":["json"],"accompat":[`+strings.Repeat("9", 1<<20)+`]}]`),
		with(t, 2, `"`+long+`:"`),
	} {
		a, err := Verify(signed(t, data))
		if err != nil {
			if n := len(err.Error()); n > 500 {
				t.Errorf("an error of %d octets", n)
			}
			continue
		}
		for _, s := range a.Skipped {
			skips++
			if n := len(s.Reason); n > 500 || strings.Contains(s.Reason, "\ufffd") {
				t.Errorf("a reason of %d octets: %.300q", n, s.Reason)
			}
		}
	}
	if skips < 5 {
		t.Errorf("%d skips", skips)
	}
}

// What else is in a certificate does not matter, also where crypto/x509 refuses it (DISC-SIG-06c): the key is found, and the
// signature judged.
func TestOddCertificate(t *testing.T) {
	section := certificateNaming(t, "http://["+strings.Repeat("x", 1<<20))
	block, _ := pem.Decode(section)
	if _, err := x509.ParseCertificate(block.Bytes); err == nil {
		t.Fatal("crypto/x509 reads it: the test is blind")
	}
	_, err := Verify([]byte(base + "\n\n" + strings.TrimRight(string(section), "\n") + "\n\nAAAA\n\n"))
	refused(t, err, LayerSignature, "DISC-SIG-06a")
}

// certificateNaming makes a certificate of an alternative name that is a URI, or should be.
func certificateNaming(t *testing.T, uri string) []byte {
	names, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(uri)}})
	if err != nil {
		t.Fatal(err)
	}
	key := fixtures.TicketKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: names}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
