package discovery

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// heard has a directory hear an announcement now.
func heard(d *Directory, a *Announcement) Heard { return d.Hear(a, time.Now()) }

// at is an announcement with this ident, interval and timestamp.
func at(t testing.TB, ident string, interval, timestamp float64, replaced ...any) *Announcement {
	t.Helper()
	return one(t, append([]any{1, `"` + ident + `"`, 4, interval, 8, timestamp}, replaced...)...)
}

// An older packet of an identity is refused, one with an equal timestamp is accepted, and each restarts the life of the instance. Other
// identities do not matter, nor does the clock (DISC-RPL-01a, 01b, 05a, DISC-TSP-02).
func TestHearReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Directory
		for i, step := range []struct {
			a    *Announcement
			want Heard
			uri  string // of x afterwards
		}{
			{at(t, "x", 1000, 200, 5, `"S1"`), Accepted, "S1"},
			{at(t, "x", 1000, 100, 5, `"S2"`), Replayed, "S1"},
			{at(t, "x", 1000, 200, 5, `"S1"`), Refreshed, "S1"},
			{at(t, "y", 1000, 100, 5, `"S2"`), Accepted, "S1"},
			{at(t, "x", 1000, 200, 5, `"S3"`), Accepted, "S3"},
			{at(t, "x", 1000, 200, 5, `"S1"`), Accepted, "S1"},
			{at(t, "x", 1000, 1e15, 5, `"S4"`), Accepted, "S4"},
			{at(t, "x", 1000, 1e14, 5, `"S5"`), Replayed, "S4"},
			{at(t, "x", 1000, -1, 5, `"S5"`), Replayed, "S4"},
		} {
			if got := heard(&d, step.a); got != step.want {
				t.Errorf("step %d: %v, want %v", i, got, step.want)
			}
			if got := d.Instance(Identity{"F", "x"}).URI; got != step.uri {
				t.Errorf("step %d: %s, want %s", i, got, step.uri)
			}
		}
	})
}

// An instance lives for 2.1 intervals after it was heard last, to the moment; intervals that nobody can mean are clamped
// (DISC-RPL-02a, 02b).
func TestHearExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Directory
		for ident, interval := range map[string]float64{"second": 1000, "tiny": 0.1, "negative": -5, "huge": 1e12, "weight 0": 1000} {
			weight := 1
			if ident == "weight 0" {
				weight = 0
			}
			heard(&d, at(t, ident, interval, 1, 3, weight))
		}
		alive := func() (s string) {
			d.Expire(time.Now())
			for _, a := range d.Instances() {
				s += a.Ident + " "
			}
			return strings.TrimSpace(s)
		}
		step := func(wait time.Duration, want string) {
			t.Helper()
			time.Sleep(wait)
			if got := alive(); got != want {
				t.Errorf("alive: %q, want %q", got, want)
			}
		}
		step(210*time.Millisecond-1, "huge negative second tiny weight 0")
		step(1, "huge second weight 0")
		step(1900*time.Millisecond-1-210*time.Millisecond, "huge second weight 0")
		heard(&d, at(t, "second", 1000, 1))
		step(2100*time.Millisecond-1, "huge second")
		step(1, "huge")
		step(181440*time.Second-5*time.Second, "huge")
		step(5*time.Second, "")
	})
}

// Expire says when it must be called again.
func TestExpireNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Directory
		start := time.Now()
		expect := func(after time.Duration) {
			t.Helper()
			next := d.Expire(time.Now())
			if after < 0 && !next.IsZero() || after >= 0 && !next.Equal(start.Add(after)) {
				t.Errorf("next is after %v, want %v", next.Sub(start), after)
			}
		}
		expect(-1)
		heard(&d, at(t, "a", 2000, 1))
		expect(4200 * time.Millisecond)
		heard(&d, at(t, "b", 1000, 1))
		expect(2100 * time.Millisecond)
		time.Sleep(2100 * time.Millisecond)
		expect(4200 * time.Millisecond)
		time.Sleep(2100 * time.Millisecond)
		expect(2100*time.Millisecond + time.Hour) // the memory of b
		time.Sleep(time.Hour - 2100*time.Millisecond)
		expect(4200*time.Millisecond + time.Hour)
		time.Sleep(2100 * time.Millisecond)
		expect(-1)
	})
}

// The highest timestamp of an identity is remembered for an hour after it expired, so that its old packets do not come back; the
// newest does (DISC-RPL-01a, 01c).
func TestHearAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Directory
		old, last := at(t, "x", 1000, 100), at(t, "x", 1000, 200)
		heard(&d, last)
		time.Sleep(2100 * time.Millisecond)
		d.Expire(time.Now())
		if d.Len() != 0 || heard(&d, old) != Replayed {
			t.Error("an old packet brought the instance back")
		}
		if d.Refresh(last.Packet, time.Now()) {
			t.Error("an instance that has ended is refreshed")
		}
		if heard(&d, last) != Accepted || d.Len() != 1 {
			t.Error("the newest packet is refused")
		}
		time.Sleep(2100*time.Millisecond + time.Hour - 1)
		d.Expire(time.Now())
		if heard(&d, old) != Replayed {
			t.Error("forgotten before an hour is over")
		}
		time.Sleep(time.Nanosecond)
		d.Expire(time.Now())
		if heard(&d, old) != Accepted {
			t.Error("remembered for more than an hour")
		}
	})
}

// Refresh knows the very packet of a live instance, and no other (DISC-RPL-06, DISC-CMG-06).
func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d Directory
		first, second := at(t, "x", 1000, 1), at(t, "x", 1000, 2)
		if d.Refresh(first.Packet, time.Now()) {
			t.Error("an unknown packet is known")
		}
		heard(&d, first)
		c := d.Changed()
		for range 20 {
			time.Sleep(time.Second)
			if d.Expire(time.Now()); !d.Refresh(slices.Clone(first.Packet), time.Now()) {
				t.Fatal("the present packet is not known")
			}
		}
		select {
		case <-c:
			t.Error("refreshing is a change")
		default:
		}
		heard(&d, second)
		if d.Refresh(first.Packet, time.Now()) || !d.Refresh(second.Packet, time.Now()) || d.Refresh(append(slices.Clone(second.Packet), ' '), time.Now()) {
			t.Error("not exactly the present packet is known")
		}
	})
}

// 200,000 idents of a stranger, all with long intervals: the memory levels off, each costs little, and the services that go on
// announcing themselves are found, those of short intervals too (DISC-RPL-01c).
func TestHearFlood(t *testing.T) {
	const flood = 200000
	var d Directory
	now := time.Unix(1e9, 0)
	var neighbours []*Announcement
	for i := range 20 {
		neighbours = append(neighbours, at(t, fmt.Sprint("neighbour", i), 5000, 1))
	}
	strangers := func(i int) *Announcement {
		return &Announcement{Identity: Identity{"S", fmt.Sprint(i)}, Interval: 86400000, Weight: 1, Timestamp: 1, Packet: fmt.Append(nil, "packet ", i)}
	}
	elapsed := time.Duration(0)
	live, _ := growth(func() {
		elapsed = took(func() {
			for i := range flood {
				if i%5000 == 0 { // 100 µs between two of them: 40,000 during an interval
					for _, n := range neighbours {
						d.Hear(n, now)
					}
				}
				now = now.Add(100 * time.Microsecond)
				if d.Hear(strangers(i), now) != Accepted {
					t.Fatalf("ident %d is not accepted", i)
				}
			}
		})
	})
	if n := len(d.heard.byIdentity); n > mostRemembered || len(d.instances) > mostRemembered || d.heard.silent.Len() != len(d.heard.alive) {
		t.Errorf("%d identities are remembered", n)
	}
	if elapsed > 20*time.Second || live > 200<<20 {
		t.Errorf("%v, %d MiB", elapsed, live>>20)
	}
	if n := len(foundBar(&d)); n != len(neighbours) {
		t.Errorf("%d of %d neighbours are left", n, len(neighbours))
	}
	if d.Hear(at(t, "newcomer", 5000, 1), now); len(foundBar(&d)) != len(neighbours)+1 {
		t.Error("nobody can come in any more")
	}
	if d.Instance(Identity{"S", fmt.Sprint(flood - 1)}) == nil || d.Instance(Identity{"S", "0"}) != nil {
		t.Error("those that have been silent longest are kept")
	}
	// Expired identities go before live ones.
	now = now.Add(11 * time.Second)
	d.Expire(now)
	for _, n := range neighbours[:5] {
		d.Hear(n, now)
	}
	before := d.Len()
	for i := range 10 {
		d.Hear(strangers(flood+i), now)
	}
	if d.Len() != before+10 {
		t.Errorf("%d live instances, want %d", d.Len(), before+10)
	}
}

// Few packets that say much are bounded as many are that say little (DISC-RPL-01c, DISC-GEN-01b).
func TestHearLargePackets(t *testing.T) {
	var d Directory
	now := time.Unix(1e9, 0)
	octets := make([]byte, 4<<20)
	for i := range 200 {
		d.Hear(&Announcement{Identity: Identity{"L", fmt.Sprint(i)}, Interval: 5000, Timestamp: 1, Packet: append(fmt.Append(nil, i), octets[:i]...)}, now)
	}
	d.heard.octets += mostStored - 2<<20 - 15000 // as if there were long ones, too
	d.Hear(&Announcement{Identity: Identity{"L", "long"}, Interval: 5000, Timestamp: 1, Packet: octets[:2<<20]}, now)
	if d.Instance(Identity{"L", "long"}) == nil || d.Instance(Identity{"L", "199"}) == nil || d.Instance(Identity{"L", "0"}) != nil {
		t.Error("the packets are not bounded by their octets")
	}
	d = Directory{}
	actions := make([]Action, 300000)
	for i := range 20 {
		d.Hear(&Announcement{Identity: Identity{"A", fmt.Sprint(i)}, Interval: 5000, Timestamp: 1, Packet: fmt.Append(nil, i), Actions: actions}, now)
	}
	if n := len(d.instances); n != mostParsed/(200*len(actions)) {
		t.Errorf("%d instances of 300,000 actions are kept", n)
	}
	for i := range 20 { // they say less
		d.Hear(&Announcement{Identity: Identity{"A", fmt.Sprint(i)}, Interval: 5000, Timestamp: 2, Packet: fmt.Append(nil, "x", i)}, now)
	}
	if len(d.instances) != 20 || d.heard.parsed != 0 {
		t.Errorf("%d instances, %d octets", len(d.instances), d.heard.parsed)
	}
	d.Expire(now.Add(time.Hour))
	d.Expire(now.Add(3 * time.Hour))
	if m := d.heard; m.octets != 0 || m.parsed != 0 || len(m.byIdentity)+len(m.byPacket)+len(m.alive)+len(m.expired)+m.silent.Len() != 0 {
		t.Errorf("left: %+v", m)
	}
}

// Instances come, go and change while others look: nobody sees one that is not there, and what was taken in before a look is seen by
// it (DISC-SHD-02a).
func TestHearConcurrently(t *testing.T) {
	var d Directory
	now := time.Unix(1e9, 0)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			ident := fmt.Sprint("w", w)
			up, down := at(t, ident, 5000, 1), at(t, ident, 5000, 1, 3, 0)
			for range 300 {
				d.Hear(up, now)
				if !slices.Contains(foundBar(&d), ident) {
					t.Errorf("%s is not found", ident)
				}
				d.Hear(down, now)
				if slices.Contains(foundBar(&d), ident) {
					t.Errorf("%s is found with weight 0", ident)
				}
				d.Expire(now)
				d.Refresh(down.Packet, now)
			}
		})
	}
	wg.Wait()
	if d.Len() != 4 {
		t.Errorf("%d instances", d.Len())
	}
}

// What arrives does not wait for somebody who makes a view of what was there before: that takes a while in a large directory, and the
// socket would lose what comes meanwhile.
func TestHearDoesNotWaitForViews(t *testing.T) {
	var d Directory
	a := at(t, "x", 5000, 1)
	now := time.Unix(1e9, 0)
	d.renewing.Lock()
	d.Hear(a, now)
	d.Refresh(a.Packet, now)
	d.Expire(now)
	d.Changed()
	d.renewing.Unlock()
	if d.Len() != 1 {
		t.Errorf("%d instances", d.Len())
	}
}
