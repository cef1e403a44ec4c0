package discovery

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// An instance lives for 2.1 intervals; intervals that nobody can mean are clamped (DISC-RPL-02a, 02b).
func TestExpiry(t *testing.T) {
	for interval, want := range map[float64]time.Duration{
		5000: 10500 * time.Millisecond, 1000: 2100 * time.Millisecond, 100: 210 * time.Millisecond,
		0.1: 210 * time.Millisecond, 0: 210 * time.Millisecond, -5: 210 * time.Millisecond,
		86400000: 181440 * time.Second, 1e12: 181440 * time.Second, 1e308: 181440 * time.Second,
	} {
		if got := (&Announcement{Interval: interval}).Expiry(); got != want {
			t.Errorf("interval %v: %v, want %v", interval, got, want)
		}
	}
}

// Flags are compared exactly, with case and without trimming (DISC-ACT-08).
func TestFlags(t *testing.T) {
	a := &Action{Flags: "read,noauth,,x9"}
	for flag, want := range map[string]bool{"read": true, "noauth": true, "x9": true, "READ": false, "rea": false, "read,noauth": false} {
		if a.Has(flag) != want {
			t.Errorf("Has(%q) is %v", flag, !want)
		}
	}
	if !a.NoAuth() || (&Action{Flags: "NOAUTH"}).NoAuth() || (&Action{Flags: " noauth"}).NoAuth() {
		t.Error("noauth is not compared exactly")
	}
}

// tN is a timeout of N seconds, from 1 to 86400; the last one that is valid counts (DISC-ACT-10).
func TestTimeout(t *testing.T) {
	for flags, want := range map[string]int{
		"": 0, "t2": 2, "t86400": 86400, "read,t30": 30, "t9,t2": 2, "t5,t0": 5, "t007": 7,
		"t0": 0, "t86401": 0, "t99999999999": 0, "t99999999999999999999": 0, "t": 0, "t-1": 0, "t+1": 0, "t5x": 0, "t1.5": 0, "t٣": 0, "T5": 0, " t5": 0, "t 5": 0, "t1_0": 0,
	} {
		if got := (&Action{Flags: flags}).Timeout(); got != time.Duration(want)*time.Second {
			t.Errorf("flags %q: %v, want %d s", flags, got, want)
		}
	}
}

// A flag of the four gives an alias; delete is not one of them (DISC-ACT-11a, 11d).
func TestAliases(t *testing.T) {
	for flags, want := range map[string]string{
		"": "", "create": "A.B._create", "read,t30": "A.B._read", "update,destroy": "A.B._update A.B._destroy",
		"delete": "", "READ": "", " read": "", "_read": "",
	} {
		got := (&Action{Name: "A.B.make", Flags: flags}).Aliases()
		if strings.Join(got, " ") != want {
			t.Errorf("flags %q: %v, want %s", flags, got, want)
		}
	}
}

// An envelope is compared as a whole, with case (DISC-ENL-01).
func TestOffers(t *testing.T) {
	a := &Action{Envelopes: []string{"jsonstore", "web"}}
	for envelope, want := range map[string]bool{"jsonstore": true, "web": true, "json": false, "WEB": false, "": false, "jsonstore,web": false} {
		if a.Offers(envelope) != want {
			t.Errorf("Offers(%q) is %v", envelope, !want)
		}
	}
}

// An error names the layer, the reason and the rule.
func TestErrorText(t *testing.T) {
	_, err := Verify([]byte("[3]"))
	if got, want := err.Error(), "envelope: there are 0 sections, not three (DISC-ENV-01b)"; got != want {
		t.Errorf("the error reads %q, want %q", got, want)
	}
}

// Idents are a name, a colon and 24 characters that say 18 random octets; no two are alike (DISC-IDT-01a, 01b).
func TestNewIdent(t *testing.T) {
	var seen []string
	for range 1000 {
		ident := NewIdent("ledger")
		random, ok := strings.CutPrefix(ident, "ledger:")
		if octets, whole := decodeBase64(nil, []byte(random), false); !ok || len(random) != 24 || !whole || len(octets) != 18 {
			t.Fatalf("ident %q", ident)
		}
		seen = append(seen, ident)
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 1000 {
		t.Error("two starts have the same ident")
	}
}
