package discovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The first packet goes at once, then one every interval; a change goes at once, with a greater timestamp, and what comes after it is in
// step with it (DISC-INT-01, DISC-MC-02, 03b, 08, 09, DISC-TSP-01a).
func TestAnnouncer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(group).join("service")
		a := announcer(p, "x")
		weight := 1.0
		a.Describe = func() *Announcement {
			d := described("another", 7)
			d.Weight, d.Interval, d.URI = weight, 1, "nowhere"
			return d
		}
		start := time.Now()
		a.Changed() // before it runs: it costs a packet at most
		stop := running(t, a.Run)
		synctest.Wait()
		packets, at := p.taken(t)
		if len(packets) < 1 || !at[0].Equal(start) {
			t.Fatalf("%d packets at once", len(packets))
		}
		first := packets[0]
		if first.Ident != "x" || first.Weight != 1 || first.Interval != 5000 || first.URI != "beepish+tls://127.0.0.1:30100" || len(first.Actions) != 1 {
			t.Errorf("the first packet is %s", first.Packet)
		}
		if want := float64(start.Unix()); first.Timestamp < want || first.Timestamp > want+1 {
			t.Errorf("timestamp %f at %v", first.Timestamp, start) // DISC-TSP-01b
		}
		pass(25 * time.Second)
		packets, at = p.taken(t)
		if len(packets) != 5 {
			t.Fatalf("%d packets in five intervals", len(packets))
		}
		for i := range packets {
			if want := start.Add(time.Duration(i+1) * 5 * time.Second); !at[i].Equal(want) {
				t.Errorf("packet %d after %v", i, at[i].Sub(start))
			}
			if !bytes.Equal(packets[i].Packet, packets[0].Packet) || packets[i].Timestamp < first.Timestamp {
				t.Error("an unchanged service says something else")
			}
		}
		pass(3 * time.Second)
		weight = 0
		a.Changed()
		changed := time.Now()
		pass(10 * time.Second)
		packets, at = p.taken(t)
		for i, want := range []time.Duration{0, 5 * time.Second, 10 * time.Second} {
			if i >= len(packets) || !at[i].Equal(changed.Add(want)) || packets[i].Weight != 0 || len(packets[i].Actions) != 1 || packets[i].Timestamp <= first.Timestamp {
				t.Fatalf("after the change: %v", at)
			}
		}
		stop()
	})
}

// A thousand changes within a second, and a system clock that is set back, give timestamps that rise strictly (DISC-TSP-01a).
func TestAnnouncerTimestamps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := new(group).join("service")
		a := announcer(p, "x")
		n := 0
		a.Describe = func() *Announcement {
			n++
			d := described("", 0)
			d.Actions[0].Name = fmt.Sprintf("Foo.a%d", n)
			return d
		}
		var back atomic.Int64
		a.Now = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
		stop := running(t, a.Run)
		for i := range 1000 {
			if i == 500 {
				back.Store(int64(time.Hour))
			}
			synctest.Wait()
			a.Changed()
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		packets, _ := p.taken(t)
		if len(packets) < 1000 {
			t.Errorf("%d packets", len(packets))
		}
		if !slices.IsSortedFunc(packets, func(a, b *Announcement) int {
			if b.Timestamp > a.Timestamp || bytes.Equal(a.Packet, b.Packet) {
				return -1
			}
			return 1
		}) {
			t.Error("the timestamps do not rise")
		}
		stop()
	})
}

// A service that stops says so at once and in all within three seconds, by packets of weight 0 without actions that are newer than all
// before, and is silent from then on (DISC-SHD-01).
func TestAnnouncerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(group).join("service")
		a := announcer(p, "x")
		a.Interval = 60 * time.Second
		stop := running(t, a.Run)
		pass(90 * time.Second)
		before, _ := p.taken(t)
		stopped := time.Now()
		a.Changed()
		stop()
		if took := time.Since(stopped); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
		pass(time.Hour)
		packets, at := p.taken(t)
		for len(packets) > 0 && packets[0].Weight > 0 { // the change, if it was first
			packets, at = packets[1:], at[1:]
		}
		if len(packets) < 3 || !at[0].Equal(stopped) || at[2].Sub(stopped) > 3*time.Second {
			t.Fatalf("packets at %v", at)
		}
		for i, q := range packets {
			if q.Weight != 0 || len(q.Actions) > 0 || q.Ident != "x" || q.Interval != 60000 || q.Timestamp <= before[0].Timestamp || q.Fingerprint != server().Fingerprint {
				t.Errorf("packet %d is %s", i, q.Packet)
			}
			if !strings.Contains(string(q.Packet), `,["json"],[],`) {
				t.Errorf("packet %d is %s", i, q.Packet)
			}
			if i > 0 && (at[i].Sub(at[i-1]) > time.Second || q.Timestamp < packets[i-1].Timestamp) {
				t.Errorf("packet %d after %v", i, at[i].Sub(at[i-1]))
			}
		}
		if last := at[len(at)-1]; last.After(stopped.Add(4 * time.Second)) {
			t.Errorf("the last after %v", last.Sub(stopped))
		}
	})
}

// A service that is told to stop before it begins says nothing but that.
func TestAnnouncerStoppedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(group).join("service")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		announcer(p, "x").Run(ctx)
		packets, _ := p.taken(t)
		for _, q := range packets {
			if q.Weight != 0 {
				t.Errorf("%s", q.Packet)
			}
		}
	})
}

// Each link has packets with a URI of its own, and what cannot be sent on one is sent on the others (DISC-MC-05c, 06a, 06b).
func TestAnnouncerLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		p, q := g.join("first"), g.join("second")
		a := announcer(p, "x")
		a.Links = []Link{
			{p, groupAddr("one"), "beepish+tls://10.0.0.1:1"}, {q, groupAddr("none"), "beepish+tls://[::1]:1"}, {q, groupAddr("two"), "beepish+tls://10.1.0.1:1"},
		}
		var told []string
		a.Report = func(err error) { told = append(told, err.Error()) }
		p.set(false, errors.New("network is unreachable"))
		stop := running(t, a.Run)
		pass(12 * time.Second)
		a.Changed()
		pass(7 * time.Second)
		stop()
		packets, _ := q.taken(t)
		if len(packets) < 5 || packets[0].URI != "beepish+tls://10.1.0.1:1" || packets[len(packets)-1].Weight != 0 {
			t.Errorf("%d packets on the link that works", len(packets))
		}
		if packets, _ := p.taken(t); len(packets) > 0 {
			t.Errorf("%d packets on the link that does not", len(packets))
		}
		if len(told) != 2 || !strings.Contains(told[0], "[::1]") || !strings.Contains(told[1], "cannot announce to one: network is unreachable") {
			t.Errorf("told: %q", told)
		}
	})
}

// A reason is reported once as long as it lasts, another one is a new report, and so is the same after it was gone (DISC-MC-05b).
func TestAnnouncerReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(group).join("service")
		a := announcer(p, "x")
		var told []string
		a.Report = func(err error) { told = append(told, err.Error()) }
		stop := running(t, a.Run)
		step := func(fails error, want ...string) {
			t.Helper()
			told = nil
			p.set(false, fails)
			pass(20 * time.Second)
			a.Changed()
			pass(20 * time.Second)
			if len(told) != len(want) {
				t.Errorf("told: %q, want %q", told, want)
			}
			for i := range min(len(told), len(want)) {
				if !strings.Contains(told[i], want[i]) {
					t.Errorf("told: %q, want %q", told[i], want[i])
				}
			}
		}
		step(nil)
		step(errors.New("message too long"), "message too long")
		step(errors.New("no route to host"), "no route to host")
		step(nil)
		step(errors.New("no route to host"), "no route to host")
		a.Report = nil
		step(errors.New("unheard"))
		step(nil)
		stop()
	})
}

// tooLarge describes a service whose announcement is no datagram.
func tooLarge() *Announcement {
	d := described("", 0)
	for i := range 6000 {
		d.Actions = append(d.Actions, Action{Name: "Foo." + strings.NewReplacer("+", "", "/", "", "=", "").Replace(NewIdent("")[1:]) + fmt.Sprint(i)})
	}
	return d
}

// A service that is too large is reported; another one of the process is announced every interval (DISC-MC-05).
func TestAnnouncerTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		o := observed(t, g)
		large, small := announcer(g.join("large"), "large"), announcer(g.join("small"), "small")
		description := tooLarge()
		large.Describe = func() *Announcement { return description }
		var told []string
		large.Report = func(err error) { told = append(told, err.Error()) }
		small.Report = func(err error) { t.Errorf("the small one: %v", err) }
		stopLarge, stopSmall := running(t, large.Run), running(t, small.Run)
		for range 10 {
			pass(5 * time.Second)
			if got := foundBar(&o.Directory); !slices.Equal(got, []string{"small"}) {
				t.Fatalf("found %v", got)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], "more than 65507") {
			t.Errorf("told: %q", told)
		}
		description = described("", 0)
		large.Changed()
		pass(0)
		if got := foundBar(&o.Directory); !slices.Equal(got, []string{"large", "small"}) {
			t.Errorf("found %v after it was made smaller", got)
		}
		stopLarge()
		stopSmall()
	})
}

// Packets may be sent as they are, for receivers that do not know zlib; the bound is the same.
func TestAnnouncerPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		o := observed(t, g)
		p := g.join("service")
		a := announcer(p, "x")
		a.Plain, a.Interval = true, 2*time.Second
		stop := running(t, a.Run)
		pass(time.Second)
		if len(p.sent) != 1 || p.sent[0].b[0] != '[' || len(foundBar(&o.Directory)) != 1 {
			t.Errorf("sent %v", p.sent)
		}
		description := tooLarge()
		a.Describe = func() *Announcement { return description }
		var told error
		a.Report = func(err error) { told = err }
		a.Changed()
		if pass(0); told == nil {
			t.Error("a packet that is too large is not reported")
		}
		stop()
	})
}

// An interval of less than a millisecond cannot be said, and is one (DISC-JSN-04f).
func TestAnnouncerInterval(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		0: 5 * time.Second, -1: 5 * time.Second, 1: time.Millisecond, 999 * time.Microsecond: time.Millisecond, 1500 * time.Microsecond: time.Millisecond, time.Minute: time.Minute,
	} {
		if got := (&Announcer{Interval: interval}).interval(); got != want {
			t.Errorf("%v: %v, want %v", interval, got, want)
		}
	}
}

// What is made is told of, uncompressed and once, as the first link has it; also what says that the service stops.
func TestAnnouncerTellsWhatItHasMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(group).join("service")
		a := announcer(p, "x")
		a.Links = append(a.Links, Link{Conn: p, URI: "beepish+tls://127.0.0.2:30100"})
		var made []*Announcement
		a.Made = func(packet []byte) {
			m, err := Verify(packet)
			if err != nil {
				t.Error(err)
				return
			}
			made = append(made, m)
		}
		stop := running(t, a.Run)
		pass(time.Minute)
		a.Changed()
		pass(time.Minute)
		stop()
		if len(made) != 3 || made[0].URI != a.Links[0].URI || made[1].Timestamp <= made[0].Timestamp || made[2].Weight != 0 {
			t.Errorf("%+v", made)
		}
	})
}
