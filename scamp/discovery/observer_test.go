package discovery

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An announced service is found at once; killed, it disappears after 2.1 intervals; shut down, it is gone from the first look-up on,
// although its last packets live on for a while (DISC-RPL-02a, DISC-SHD-02a).
func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		o := observed(t, g)
		victim, stopping := g.join("victim"), g.join("stopping")
		stopVictim := running(t, announcer(victim, "victim").Run)
		stopStopping := running(t, announcer(stopping, "stopping").Run)
		synctest.Wait()
		expect := func(want ...string) {
			t.Helper()
			if got := foundBar(&o.Directory); !slices.Equal(got, want) {
				t.Errorf("found %v, want %v", got, want)
			}
		}
		expect("stopping", "victim")
		pass(52 * time.Second) // 2 s after the last announcement
		victim.set(true, nil)
		pass(8500*time.Millisecond - 1)
		expect("stopping", "victim")
		pass(1)
		expect("stopping")
		go stopStopping()
		synctest.Wait()
		expect()
		if o.Directory.Len() != 1 {
			t.Errorf("%d instances: what says that it stops is kept", o.Directory.Len())
		}
		pass(2700*time.Millisecond + 10500*time.Millisecond - 1)
		expect()
		if o.Directory.Len() != 1 {
			t.Error("expired too early")
		}
		if pass(1); o.Directory.Len() != 0 {
			t.Error("not expired")
		}
		victim.set(false, nil) // it was not dead, only cut off
		pass(5 * time.Second)
		expect("victim")
		stopVictim()
		expect()
	})
}

// Packets that are repeated and packets that are made anew each time keep an instance alive alike (DISC-RPL-01b, DISC-MC-09b).
func TestObserverKeepsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		o := observed(t, g)
		p := g.join("service")
		var clock Clock
		constant, err := Compress(signed(t, with(t, 1, `"constant"`)))
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			p.WriteTo(constant, nil)
			p.WriteTo(signed(t, with(t, 1, `"anew"`, 8, clock.Next(time.Now()))), nil)
			pass(5 * time.Second)
			if got := foundBar(&o.Directory); !slices.Equal(got, []string{"anew", "constant"}) {
				t.Fatalf("found %v", got)
			}
		}
	})
}

// sightings runs an observer and tells what became of each datagram.
func sightings(t *testing.T, accept func([]byte, *Announcement) error) (see func(datagram []byte) Sighting, o *Observer) {
	g := new(group)
	p := g.join("sender")
	o = &Observer{Conn: g.listen("observer"), Accept: accept}
	var last Sighting
	o.Saw = func(s Sighting) { last = s }
	running(t, func(ctx context.Context) { o.Run(ctx) })
	return func(datagram []byte) Sighting {
		last = Sighting{}
		p.WriteTo(datagram, nil)
		synctest.Wait()
		return last
	}, o
}

// What becomes of a datagram: it is used, refreshes what is known, or is refused for a reason; none changes what others have said
// (DISC-GEN-01, 02, DISC-CMG-06).
func TestObserverSightings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		see, o := sightings(t, nil)
		p := signed(t, base)
		damaged := bytes.Replace(p, []byte("1700000000.5"), []byte("1900000000.5"), 1)
		s := see(damaged) // DISC-GEN-02: a far higher timestamp, and no signature for it
		refused(t, s.Err, LayerSignature, "DISC-SIG-06a")
		s = see(p)
		if s.Err != nil || s.Heard != Accepted || s.Announcement == nil || s.From.String() != "sender" || s.Compressed || !bytes.Equal(s.Packet, p) || !bytes.Equal(s.Datagram, p) {
			t.Errorf("the first: %+v", s)
		}
		a := o.Directory.Instances()[0]
		z := zipped(t, p, 9)
		if s = see(z); s.Err != nil || s.Heard != Refreshed || s.Announcement != nil || !s.Compressed {
			t.Errorf("again, compressed: %+v", s)
		}
		if s = see(append(bytes.Clone(p), "extra\n"...)); s.Err != nil || s.Heard != Refreshed {
			t.Errorf("again, with a fourth section: %+v", s) // DISC-ENV-03a
		}
		if o.Directory.Instances()[0] != a {
			t.Error("what is known was verified again")
		}
		s = see(signed(t, with(t, 8, 5)))
		if refused(t, s.Err, LayerData, "DISC-RPL-01a"); s.Heard != Replayed {
			t.Errorf("an older one: %+v", s)
		}
		for _, tc := range []struct {
			datagram []byte
			layer    Layer
			rule     string
		}{
			{nil, LayerDatagram, "DISC-MC-02c"},
			{z[:20], LayerDatagram, "DISC-MC-02c"},
			{zipped(t, make([]byte, 64<<20), 9), LayerDatagram, "DISC-MC-04a"},
			{[]byte("garbage"), LayerEnvelope, "DISC-ENV-01b"},
			{zipped(t, []byte("[3]\n\n"), 1), LayerEnvelope, "DISC-ENV-01b"},
			{damaged, LayerSignature, "DISC-SIG-06a"},
			{signed(t, "{}"), LayerData, "DISC-JSN-01b"},
		} {
			s = see(tc.datagram)
			if refused(t, s.Err, tc.layer, tc.rule); s.Announcement != nil {
				t.Errorf("%+v", s)
			}
		}
		if all := o.Directory.Instances(); len(all) != 1 || all[0] != a {
			t.Errorf("left: %+v", all)
		}
	})
}

// Who listens may refuse more than the rules do; a reason is short, although an ident can be long.
func TestObserverAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine := errors.New("not of this sector")
		see, o := sightings(t, func(packet []byte, a *Announcement) error {
			if a.Sector != "main" {
				return mine
			}
			return nil
		})
		if s := see(signed(t, with(t, 2, `"web"`))); s.Err != mine || s.Announcement != nil || o.Directory.Len() != 0 {
			t.Errorf("%+v", s)
		}
		long := `"` + strings.Repeat("i", 1<<20) + `"`
		see(zipped(t, signed(t, with(t, 1, long)), 9))
		s := see(zipped(t, signed(t, with(t, 1, long, 8, 1)), 9))
		if refused(t, s.Err, LayerData, "DISC-RPL-01a"); len(s.Err.Error()) > 500 {
			t.Errorf("a reason of %d octets", len(s.Err.Error()))
		}
	})
}

// fickle is a socket that gives errors.
type fickle struct {
	*party
	errs chan error
}

func (f *fickle) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case err := <-f.errs:
		return 0, nil, err
	case m := <-f.in:
		return copy(b, m.b), m.from, nil
	case <-f.closed:
		return 0, nil, net.ErrClosed
	}
}

// A deadline that passes is no end; another error is, and closes the socket. The end of the context is no error.
func TestObserverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		p := g.join("sender")
		f := &fickle{g.listen("observer"), make(chan error, 1)}
		o := &Observer{Conn: f}
		result := make(chan error, 1)
		go func() { result <- o.Run(t.Context()) }()
		f.errs <- os.ErrDeadlineExceeded
		synctest.Wait()
		p.WriteTo(signed(t, base), nil)
		synctest.Wait()
		if len(foundBar(&o.Directory)) != 1 {
			t.Error("a deadline has ended it")
		}
		broken := errors.New("broken")
		f.errs <- broken
		if err := <-result; err != broken {
			t.Errorf("ended with %v", err)
		}
		if len(g.parties) != 0 {
			t.Error("the socket is open")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("the operator wants it"))
		if err := (&Observer{Conn: g.listen("observer")}).Run(ctx); err != nil {
			t.Errorf("the end of the context is %v", err)
		}
	})
}

// Instances live by the observer's own clock.
func TestObserverClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		p := g.join("sender")
		start := time.Now()
		o := &Observer{Conn: g.listen("observer"), Now: func() time.Time { return start.Add(time.Since(start) / 2) }}
		running(t, func(ctx context.Context) { o.Run(ctx) })
		p.WriteTo(signed(t, base), nil)
		pass(20 * time.Second)
		if o.Directory.Len() != 1 {
			t.Error("it lives by another clock")
		}
		pass(2 * time.Second)
		if o.Directory.Len() != 0 {
			t.Error("it does not expire")
		}
	})
}
