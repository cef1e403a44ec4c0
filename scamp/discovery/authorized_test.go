package discovery

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The file of section 26.4, and the fingerprints P, Q, R and S.
const (
	authorizedExample = `# fingerprint                                                tokens
E5:4E:EE:68:D2:42:33:28:7E:7B:69:04:54:9B:33:06:96:6E:98:E9  Ledger, web:Ledger.Web   # two sectors
DF:CA:BD:3D:96:D0:6A:5D:CD:39:30:E4:DA:EF:33:36:10:AD:CA:F0  main:ALL
54:7f:d7:bc:86:70:5a:d6:86:24:73:34:63:35:5f:18:b4:ff:57:c9  ledger.post, , web:, main:ALLOC

DF:CA:BD:3D:96:D0:6A:5D:CD:39:30:E4:DA:EF:33:36:10:AD:CA:F0  Mailer   # replaces the earlier line
not-a-fingerprint  main:ALL
`
	fingerprintP = "E5:4E:EE:68:D2:42:33:28:7E:7B:69:04:54:9B:33:06:96:6E:98:E9"
	fingerprintQ = "DF:CA:BD:3D:96:D0:6A:5D:CD:39:30:E4:DA:EF:33:36:10:AD:CA:F0"
	fingerprintR = "54:7F:D7:BC:86:70:5A:D6:86:24:73:34:63:35:5F:18:B4:FF:57:C9"
	fingerprintS = "58:FA:7E:FC:22:4A:94:56:18:88:1A:BD:65:2A:5B:35:5E:01:E9:BA"
)

// The table of section 26.4.
func TestAuthorizedExample(t *testing.T) {
	for _, text := range []string{authorizedExample, strings.ReplaceAll(authorizedExample, "\n", "\r\n"), strings.TrimRight(authorizedExample, "\n")} {
		x := ParseAuthorized([]byte(text))
		for _, row := range []struct {
			fingerprint, sector, action string
			want                        bool
		}{
			{fingerprintP, "main", "Ledger.post", true},
			{fingerprintP, "main", "Ledger.Report.daily", true},
			{fingerprintP, "main", "Ledger.balance", true},
			{fingerprintP, "main", "Ledgers.x", false},
			{fingerprintP, "web", "Ledger.Web.export", true},
			{fingerprintP, "web", "Ledger.post", false},
			{fingerprintP, "xmain", "Ledger.post", false},
			{fingerprintQ, "main", "Mailer.send", true},
			{fingerprintQ, "main", "Ledger.post", false},
			{fingerprintR, "main", "Ledger.post", true},
			{fingerprintR, "main", "Ledger.balance", false},
			{fingerprintR, "web", "Shop.list", false},
			{fingerprintR, "main", "fooOC.x", false},
			{fingerprintR, "main", "ALLOC.x", true},
			{fingerprintS, "main", "Ledger.post", false},
			{fingerprintS, "main", "_meta.documentation", true},
			{fingerprintP, "main", "_META.documentation", false},
			{fingerprintP, "main", "Ledger.a:b", false},
		} {
			if got := x.Allows(row.fingerprint, row.sector, row.action); got != row.want {
				t.Errorf("%.8s %s:%s: %v", row.fingerprint, row.sector, row.action, got)
			}
			// No ticket goes to whom the operator has not listed (DISC-AUT-13).
			if got, want := x.Trusts(row.fingerprint, row.sector, row.action), row.want && row.fingerprint != fingerprintS; got != want {
				t.Errorf("%.8s is trusted with %s: %v", row.fingerprint, row.action, got)
			}
		}
		want := []string{
			"line 3 has no effect: line 6 names the same fingerprint, and only the last one counts", // DISC-AUT-06b
			"line 7 has no effect: it does not begin with a fingerprint: 20 hexadecimal octets joined with colons",
		}
		if strings.Join(x.Warnings, "\n") != strings.Join(want, "\n") {
			t.Errorf("warnings: %q", x.Warnings)
		}
	}
}

// What tokens cover, and what they do not (DISC-AUT-03 to 05, 08).
func TestAuthorizedTokens(t *testing.T) {
	for _, row := range []struct {
		tokens string
		yes    string // sector:action, separated by blanks
		no     string
	}{
		{"Foo", "main:Foo.bar main:Foo main:foo.BAR MAIN:Foo.bar", "web:Foo.bar main:xFoo.bar main:x.Foo.bar main:Foobar.x"},
		{"Foo.ba", "main:Foo.ba main:Foo.ba.x", "main:Foo.bar main:Foo.b"},
		{"web:Foo", "web:Foo.bar WEB:foo.bar", "main:Foo.bar web2:Foo.bar"},
		{"MAIN:foo", "main:Foo.bar", "web:foo.bar"},
		{"main:ALL", "main:Foo.bar main:x MAIN:y", "web:Foo.bar xmain:Foo.bar main:.x main:a:b mai:n:x"},
		{"ALL", "main:ALL.x main:all.x", "main:Foo.bar web:ALL.x"},
		{"main:all", "main:ALL.x", "main:Foo.bar"},
		{"main:ALLOC", "main:ALLOC.x", "main:fooOC.x main:secretOC.x main:Foo.bar"},
		{"main:ALL.x", "main:ALL.x main:all.X.y", "main:Foo.x"},
		{"*:ALL", "*:Foo.x", "main:Foo.x"},
		{".*", "", "main:Foo.bar"}, {"F.o", "", "main:Foo.bar"}, {"Foo.*", "", "main:Foo.bar"}, {"main:*", "", "main:Foo.bar"}, {"[A-Z]", "", "main:Foo.bar"},
		{" Foo , web:Bar ", "main:Foo.x web:Bar.x", "main:Bar.x"},
		{"Foo Bar", "", "main:Foo.x main:Bar.x"},
		{"a,,b", "main:a.x main:b.x", "main:.x main:,b.x"},
		{"a,", "main:a.x", "main:.x"}, {",", "", "main:.x main:a.x"}, {"main:", "", "main:Foo.x main:.x"}, {":ALL", "", "main:Foo.x main:.x"}, {"", "", "main:Foo.bar main:.x"},
		{"a:b:c", "", "a:b.c a:b:c.x b:c.x"},
		{"Foo # Bar", "main:Foo.x", "main:Bar.x"},
		{"\u212aey", "main:\u212aey.x", "main:key.x main:Key.x"},
	} {
		x := ParseAuthorized([]byte("\t " + fingerprintP + "\t \t" + row.tokens + " \r\n"))
		check := func(list string, want bool) {
			for pair := range strings.FieldsSeq(list) {
				sector, action, _ := strings.Cut(pair, ":")
				if x.Allows(fingerprintP, sector, action) != want {
					t.Errorf("%q: %s is %v", row.tokens, pair, !want)
				}
			}
		}
		check(row.yes, true)
		check(row.no, false)
		if len(x.Warnings) > 0 {
			t.Errorf("%q: %v", row.tokens, x.Warnings)
		}
	}
}

// A line that does not begin with a whole fingerprint counts for nobody, and costs no other line (DISC-AUT-01e, 02).
func TestAuthorizedMalformedLines(t *testing.T) {
	p := fingerprintP
	for _, line := range []string{
		"nonsense", p[:56] + " main:ALL", p + ":00 main:ALL", strings.ReplaceAll(p, ":", "") + " main:ALL", p + "main:ALL", "x" + p + " main:ALL",
		p[:58] + "G main:ALL", strings.Replace(p, ":", "-", 1) + " main:ALL", "\xff\xfe\x00", "main:ALL", p + ",main:ALL",
	} {
		x := ParseAuthorized([]byte(fingerprintQ + " Foo\n" + line + "\n#" + p + " main:ALL\n \t\n" + fingerprintR + " Foo"))
		if x.Allows(p, "main", "Foo.x") || !x.Allows(fingerprintQ, "main", "Foo.x") || !x.Allows(fingerprintR, "main", "Foo.x") {
			t.Errorf("%q: P %v, Q %v, R %v", line, x.Allows(p, "main", "Foo.x"), x.Allows(fingerprintQ, "main", "Foo.x"), x.Allows(fingerprintR, "main", "Foo.x"))
		}
		if len(x.Warnings) != 1 || !strings.HasPrefix(x.Warnings[0], "line 2 ") {
			t.Errorf("%q: warnings %q", line, x.Warnings)
		}
	}
	if x := ParseAuthorized([]byte(strings.ToLower(p) + " Foo")); !x.Allows(p, "main", "Foo.x") { // DISC-AUT-02a
		t.Error("a fingerprint in lower case counts for nobody")
	}
	if x := (*Authorized)(nil); x.Allows(p, "main", "Foo.x") || x.Trusts(p, "main", "_meta.x") || !x.Allows(p, "main", "_meta.x") {
		t.Error("no file, and more or less than _meta is authorised") // DISC-AUT-11a
	}
}

// At least 10,000 lines of at least 1000 tokens (DISC-AUT-01f).
func TestAuthorizedLimits(t *testing.T) {
	fingerprint := func(i int) string { return fmt.Sprintf("%02X:%02X", i>>8, i&255) + strings.Repeat(":00", 18) }
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, "%s Service%d\n", fingerprint(i), i)
	}
	b.WriteString(fingerprintP + " ")
	for i := range 5000 {
		fmt.Fprintf(&b, "Token%d,", i)
	}
	var x *Authorized
	if d := took(func() { x = ParseAuthorized([]byte(b.String())) }); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	for _, i := range []int{0, 9999, 19999} {
		if !x.Allows(fingerprint(i), "main", fmt.Sprintf("Service%d.x", i)) || x.Allows(fingerprint(i), "main", "Service1.x") {
			t.Errorf("line %d has another effect", i)
		}
	}
	for _, i := range []int{0, 999, 4999} {
		if !x.Allows(fingerprintP, "main", fmt.Sprintf("Token%d.x", i)) {
			t.Errorf("token %d has no effect", i)
		}
	}
	if n := testing.AllocsPerRun(100, func() { x.Allows(fingerprintP, "main", "Token4999.x") }); n > 0 {
		t.Errorf("asking allocates %v times", n)
	}
}
