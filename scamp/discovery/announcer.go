package discovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A Link is one network on which a service announces itself.
type Link struct {
	Conn  net.PacketConn
	Group net.Addr
	URI   string // of the service, as it is reached from there (DISC-MC-06b)
}

// An Announcer announces one instance of a service: at once when Run begins, then every interval, and at once when it is
// told of a change. Its exported fields must not be changed once it runs.
type Announcer struct {
	Signer *Signer
	Links  []Link
	// Describe returns what is to be announced now. Of the result Sector, Weight, Envelopes and Actions are used.
	Describe func() *Announcement
	// Ident is the instance's; NewIdent makes one.
	Ident string
	// Interval is the time between two announcements; 0 is 5 s.
	Interval time.Duration
	// Plain sends packets that are not compressed. Some receivers understand nothing else, some understand only the others.
	Plain bool
	// Made is told of every new packet of the first link, uncompressed, before it is sent; nil is nobody. The packet is
	// Made's to keep (DISC-SUB-01).
	Made func(packet []byte)
	// Report is told what could not be announced, and why; nil is nobody. It is called again only when the reason changes.
	Report func(error)
	// Now is the clock of timestamps; nil is time.Now.
	Now func() time.Time

	clock    Clock // of whoever runs
	change   chan struct{}
	once     sync.Once
	reported [2]string // what was said last of making announcements, and of sending them
}

func (a *Announcer) init() { a.once.Do(func() { a.change = make(chan struct{}, 1) }) }

// Changed makes a running Announcer announce anew, at once.
func (a *Announcer) Changed() {
	a.init()
	select {
	case a.change <- struct{}{}:
	default:
	}
}

func (a *Announcer) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

func (a *Announcer) interval() time.Duration {
	if a.Interval <= 0 {
		return 5 * time.Second
	}
	return max(a.Interval.Truncate(time.Millisecond), time.Millisecond) // DISC-JSN-04f
}

// How a stopping service says so (DISC-SHD-01).
const (
	farewells     = 4
	farewellPause = 900 * time.Millisecond
)

// Run announces until ctx ends. Then it says that the service stops: several announcements of weight 0 and without
// actions, less than a second apart, the first at once; nothing follows them. What cannot be sent is reported, and tried again
// with the next one; other services of the process do not suffer (DISC-MC-05, DISC-MC-08).
func (a *Announcer) Run(ctx context.Context) {
	a.init()
	t := time.NewTicker(a.interval())
	defer t.Stop()
	datagrams := a.make(1)
	for ctx.Err() == nil {
		a.send(datagrams)
		select {
		case <-t.C:
		case <-a.change:
			datagrams = a.make(1)
			t.Reset(a.interval())
		case <-ctx.Done():
		}
	}
	datagrams = a.make(0)
	pause := time.NewTicker(farewellPause)
	defer pause.Stop()
	for range farewells - 1 {
		a.send(datagrams)
		<-pause.C
	}
	a.send(datagrams)
}

// make makes the datagram of each link; one that cannot be made is nil. Weight 0 is that of a service that stops. The
// packet is signed once and sent until something changes (DISC-MC-09a).
func (a *Announcer) make(weight float64) [][]byte {
	now := a.now()
	datagrams := make([][]byte, len(a.Links))
	var errs []error
	for i, l := range a.Links {
		packet, err := a.packet(weight, l.URI, a.clock.Next(now))
		if err == nil {
			if i == 0 && a.Made != nil {
				a.Made(bytes.Clone(packet))
			}
			datagrams[i], err = a.datagram(packet)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	a.report(&a.reported[0], errs)
	return datagrams
}

func (a *Announcer) packet(weight float64, uri string, timestamp float64) ([]byte, error) {
	described := *a.Describe()
	described.Ident, described.URI = a.Ident, uri
	described.Interval = float64(a.interval().Milliseconds())
	described.Timestamp = timestamp
	if weight == 0 {
		described.Weight, described.Actions = 0, nil
	}
	return a.Signer.Sign(&described, FormAuto)
}

func (a *Announcer) datagram(packet []byte) ([]byte, error) {
	if a.Plain {
		return packet, checkDatagram(packet)
	}
	return Compress(packet)
}

// send sends each link its datagram.
func (a *Announcer) send(datagrams [][]byte) {
	var errs []error
	for i, d := range datagrams {
		if d == nil {
			continue
		}
		if _, err := a.Links[i].Conn.WriteTo(d, a.Links[i].Group); err != nil {
			errs = append(errs, fmt.Errorf("discovery: cannot announce to %v: %w", a.Links[i].Group, err))
		}
	}
	a.report(&a.reported[1], errs)
}

// report tells of errors unless that was said last.
func (a *Announcer) report(last *string, errs []error) {
	text := ""
	if err := errors.Join(errs...); err != nil {
		if text = err.Error(); text != *last && a.Report != nil {
			a.Report(err)
		}
	}
	*last = text
}
