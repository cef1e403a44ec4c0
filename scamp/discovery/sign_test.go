package discovery

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// dataOf is the data that Sign makes.
func dataOf(t *testing.T, a *Announcement, form Form) string {
	t.Helper()
	p, err := server().Sign(a, form)
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ := strings.Cut(string(p), "\n\n")
	return data
}

// The announcement of the specification's first example is written as it stands there, but for the version that may be left out
// (DISC-JSN-01a, DISC-JSN-06a, DISC-ACT-06, section 26.1).
func TestSignExample(t *testing.T) {
	a := &Announcement{
		Identity: Identity{Ident: "ledger:W8hqXMc04UljFGEJjXF2b9dr"}, Sector: "main", Weight: 1, Interval: 5000,
		URI: "beepish+tls://10.1.7.20:30142", Envelopes: []string{"json"}, Timestamp: 1760000000.000125,
		Actions: []Action{{Name: "Ledger.post", Flags: "t30"}, {Name: "Ledger.Report.daily"}, {Name: "Ledger.balance", Flags: "read,noauth", Version: 2}},
	}
	want := `[3,"ledger:W8hqXMc04UljFGEJjXF2b9dr","main",1,5000,"beepish+tls://10.1.7.20:30142",["json"],` +
		`[["Ledger",["post","t30",1],["balance","read,noauth",2]],["Ledger.Report",["daily","",1]]],1760000000.000125]`
	for _, form := range []Form{FormAuto, FormV3} {
		if got := dataOf(t, a, form); got != want {
			t.Errorf("form %v:\n%s, want\n%s", form, got, want)
		}
	}
}

// Actions of the packet's own sector and envelopes stand in the classes, others in the vectors; runs of equal entries are pairs
// and nothing else is (DISC-V4-03a, 04b, 05c, 11a, 11b, DISC-JSN-05b, section 26.2).
func TestSignForms(t *testing.T) {
	a := described("x", 1.5)
	a.Actions = []Action{
		{Name: "Ledger.post", Flags: "t30"},
		{Name: "Ledger.Web.export", Sector: "web", Envelopes: []string{"web"}, Flags: "noauth,t120"},
		{Name: "Ledger.Web.list", Sector: "web", Envelopes: []string{"web"}},
		{Name: "Ledger.Web.list", Sector: "web", Envelopes: []string{"json", "jsonstore"}, Version: 2},
		{Name: "Ledger.push", Envelopes: []string{"jsonstore"}, Flags: "create", Version: 1},
	}
	const head = `[3,"x","main",1,5000,"beepish+tls://127.0.0.1:30100",["json"`
	classes := `[["Ledger",["post","t30",1]]]`
	vectors := `{"vmaj":4,"vmin":0,"acname":["export",[2,"list"],"push"],"acns":[[3,"Ledger.Web"],"Ledger"],"acsec":[[3,"web"],"main"],` +
		`"acenv":[[2,"web"],"json,jsonstore","jsonstore"],"acver":[[2,1],2,1],"acflag":["noauth,t120",[2,""],"create"]}`
	all := `{"vmaj":4,"vmin":0,"acname":["post","export",[2,"list"],"push"],"acns":["Ledger",[3,"Ledger.Web"],"Ledger"],"acsec":["main",[3,"web"],"main"],` +
		`"acenv":["json",[2,"web"],"json,jsonstore","jsonstore"],"acver":[[3,1],2,1],"acflag":["t30","noauth,t120",[2,""],"create"]}`
	for form, want := range map[Form]string{
		FormAuto: head + "," + vectors + "]," + classes + ",1.5]",
		FormV4:   head + "," + all + "],[],1.5]",
		FormBoth: head + "," + all + "]," + classes + ",1.5]",
	} {
		if got := dataOf(t, a, form); got != want {
			t.Errorf("form %v:\n%s, want\n%s", form, got, want)
		}
	}
	if _, err := server().Sign(a, FormV3); err == nil || !strings.Contains(err.Error(), "Ledger.Web.export") {
		t.Errorf("version 3 with sectors: %v", err)
	}
	a.Actions = a.Actions[:1]
	if got, want := dataOf(t, a, FormV3), head+"],"+classes+",1.5]"; got != want { // no empty extension: DISC-V4-01d
		t.Errorf("one plain action: %s, want %s", got, want)
	}
	a.Actions, a.Envelopes, a.Weight = nil, nil, 0
	if got, want := dataOf(t, a, FormBoth), `[3,"x","main",0,5000,"beepish+tls://127.0.0.1:30100",[],[],1.5]`; got != want {
		t.Errorf("no actions: %s, want %s", got, want)
	}
}

// Data is octets from 0x20 to 0x7E; everything else is escaped, and read back as it was (DISC-ENV-06a, 08a).
func TestSignEscapes(t *testing.T) {
	for text, want := range map[string]string{
		"caf\u00e9": `"caf\u00e9"`, "\U0001f600": `"\ud83d\ude00"`, "a\"b\\c/": `"a\"b\\c/"`, "\r\n\t\x00\x7f": `"\u000d\u000a\u0009\u0000\u007f"`,
		"\u2028\ufeff\uffff": `"\u2028\ufeff\uffff"`, "~ }": `"~ }"`, "bad\xffoctet": `"bad\ufffdoctet"`,
	} {
		a := described(text, 1)
		data := dataOf(t, a, FormAuto)
		if !strings.HasPrefix(data, "[3,"+want+",") {
			t.Errorf("%q: %s, want %s", text, data, want)
		}
		if strings.Trim(data, printableASCII) != "" {
			t.Errorf("%q: %q has other octets than 0x20 to 0x7E", text, data)
		}
		if got := announced(t, server(), a).Ident; got != strings.ToValidUTF8(text, "\ufffd") {
			t.Errorf("%q comes back as %q", text, got)
		}
	}
}

var printableASCII = func() (s string) {
	for c := ' '; c <= '~'; c++ {
		s += string(c)
	}
	return s
}()

// What receivers would drop, skip or misread is an error of the one who announces it (DISC-ACT-01c, 02, 05f, 08d, 10d, DISC-JSN-04f,
// DISC-URI-01a, 02c, DISC-V4-06d).
func TestSignRefuses(t *testing.T) {
	many := func(n int) (actions []Action) {
		for i := range n {
			actions = append(actions, Action{Name: fmt.Sprintf("A.a%d", i), Sector: "web"})
		}
		return actions
	}
	action := func(act Action) func(*Announcement) { return func(a *Announcement) { a.Actions = []Action{act} } }
	uri := func(s string) func(*Announcement) { return func(a *Announcement) { a.URI = s } }
	for name, tc := range map[string]struct {
		edit func(*Announcement)
		want string // "": no error
	}{
		"as it is":             {func(*Announcement) {}, ""},
		"01c: no name":         {action(Action{}), "no namespace or no name"},
		"01c: no dot":          {action(Action{Name: "x"}), "no namespace or no name"},
		"01c: no namespace":    {action(Action{Name: ".x"}), "no namespace or no name"},
		"01c: no own name":     {action(Action{Name: "Foo."}), "no namespace or no name"},
		"02a: colon in sector": {action(Action{Name: "Foo.x", Sector: "a:b"}), "colon"},
		"02a: of all":          {func(a *Announcement) { a.Sector = "a:b" }, "colon"},
		"02b: colon in name":   {action(Action{Name: "Foo.x:y"}), "colon"},
		"02b: in namespace":    {action(Action{Name: "Fo:o.x"}), "colon"},
		"05f: version -1":      {action(Action{Name: "Foo.x", Version: -1}), "version"},
		"05f: version 0 is 1":  {action(Action{Name: "Foo.x"}), ""},
		"05f: the largest":     {action(Action{Name: "Foo.x", Version: 1<<31 - 1}), ""},
		"08d: blank":           {action(Action{Name: "Foo.x", Flags: "read, noauth"}), "flags"},
		"08d: tab":             {action(Action{Name: "Foo.x", Flags: "read\t"}), "flags"},
		"08d: empty token":     {action(Action{Name: "Foo.x", Flags: "read,,noauth"}), "flags"},
		"08d: empty at end":    {action(Action{Name: "Foo.x", Flags: "read,"}), "flags"},
		"10d: t0":              {action(Action{Name: "Foo.x", Flags: "read,t0"}), "1 to 86400 seconds"},
		"10d: t86401":          {action(Action{Name: "Foo.x", Flags: "t86401"}), "1 to 86400 seconds"},
		"10d: too many digits": {action(Action{Name: "Foo.x", Flags: "t99999999999999999999"}), "1 to 86400 seconds"},
		"10d: t86400":          {action(Action{Name: "Foo.x", Flags: "t86400"}), ""},
		"10d: no time":         {action(Action{Name: "Foo.x", Flags: "t,tx,t5x"}), ""},
		"no envelope":          {action(Action{Name: "Foo.x", Envelopes: []string{}}), "no envelope"},
		"no envelope at all":   {func(a *Announcement) { a.Envelopes = nil }, "no envelope"},
		"comma in envelope":    {action(Action{Name: "Foo.x", Envelopes: []string{"json,web"}}), "envelope"},
		"empty envelope":       {action(Action{Name: "Foo.x", Envelopes: []string{"json", ""}}), "envelope"},
		"04f: weight -1":       {func(a *Announcement) { a.Weight = -1 }, "weight"},
		"04f: weight 0.5":      {func(a *Announcement) { a.Weight = 0.5 }, "weight"},
		"04f: weight NaN":      {func(a *Announcement) { a.Weight = math.NaN() }, "weight"},
		"04f: weight 1e300":    {func(a *Announcement) { a.Weight = 1e300 }, "weight"},
		"04f: interval 0":      {func(a *Announcement) { a.Interval = 0 }, "interval"},
		"04f: interval 0.1":    {func(a *Announcement) { a.Interval = 0.1 }, "interval"},
		"04f: interval NaN":    {func(a *Announcement) { a.Interval = math.NaN() }, "interval"},
		"timestamp NaN":        {func(a *Announcement) { a.Timestamp = math.NaN() }, "timestamp"},
		"timestamp infinite":   {func(a *Announcement) { a.Timestamp = math.Inf(1) }, "timestamp"},
		"URI-01a: scamp+tls":   {uri("scamp+tls://10.0.0.1:1"), ""},
		"URI-01a: empty":       {uri(""), "URI"},
		"URI-01a: scheme":      {uri("foo://10.0.0.1:1"), "URI"},
		"URI-01a: no port":     {uri("beepish+tls://10.0.0.1"), "URI"},
		"URI-01a: port 0":      {uri("beepish+tls://10.0.0.1:0"), "URI"},
		"URI-01a: port 65536":  {uri("beepish+tls://10.0.0.1:65536"), "URI"},
		"URI-01a: name":        {uri("beepish+tls://localhost:1"), "URI"},
		"URI-01a: IPv6":        {uri("beepish+tls://[::1]:1"), "URI"},
		"URI-01a: path":        {uri("beepish+tls://10.0.0.1:1/x"), "URI"},
		"URI-02c: placeholder": {uri("beepish+tls://0.0.0.0:30100"), "URI"},
		"URI-02c: nil":         {uri("beepish+tls://<nil>:30100"), "URI"},
		"V4-06d: 10000":        {func(a *Announcement) { a.Actions = many(10000) }, ""},
		"V4-06d: 10001":        {func(a *Announcement) { a.Actions = many(10001) }, "more than 10000"},
	} {
		a := described("x", 1)
		tc.edit(a)
		p, err := server().Sign(a, FormAuto)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: the error is %v, want one about %q", name, err, tc.want)
		case err == nil:
			if v, err := Verify(p); err != nil || len(v.Skipped) > 0 || len(v.Actions) != len(a.Actions) {
				t.Errorf("%s: receivers do not take it: %v, %v", name, err, v.Skipped)
			}
		}
	}
}

// A version beyond the range cannot be announced where an int can hold it (DISC-ACT-05f).
func TestSignLargeVersion(t *testing.T) {
	a := described("x", 1)
	a.Actions[0].Version = math.MaxInt
	if _, err := server().Sign(a, FormAuto); math.MaxInt > 1<<31-1 && err == nil {
		t.Error("announced")
	}
}
