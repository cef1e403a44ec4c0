package discovery

import (
	"context"
	"errors"
	"net"
	"time"
)

// An Observer listens to a group and keeps a Directory of what it hears. Its exported fields must not be changed once it
// runs.
type Observer struct {
	// Conn is where datagrams arrive: Listen makes one.
	Conn net.PacketConn
	// Accept says whether a verified announcement is taken in; nil takes every one. The manager of a cache is stricter
	// than others (DISC-CMG-08).
	Accept func(packet []byte, a *Announcement) error
	// Saw is told of every datagram, after it was dealt with; nil is nobody. It must not keep what it is given.
	Saw func(s Sighting)
	// Now is the clock by which instances live; nil is time.Now.
	Now func() time.Time
	// Directory is what the observer fills. Nobody else may fill it.
	Directory Directory
}

// A Sighting is one datagram and what became of it.
type Sighting struct {
	From       net.Addr
	Datagram   []byte
	Packet     []byte // nil: it does not inflate
	Compressed bool
	// Announcement is nil where the packet is not used, and where it is known already.
	Announcement *Announcement
	Heard        Heard
	Err          error // why the packet is not used; an *Error
}

func (o *Observer) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// Run takes datagrams in until ctx ends, which is no error, or Conn fails. It lets silent instances expire. It closes
// Conn.
func (o *Observer) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { o.Conn.Close() })
	defer stop()
	defer o.Conn.Close()
	expirer := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.expire(expirer)
	}()
	err := o.read()
	close(expirer)
	<-ended
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// expire lets instances expire in time.
func (o *Observer) expire(done <-chan struct{}) {
	for {
		changed := o.Directory.Changed()
		next := o.Directory.Expire(o.now())
		wait := time.Minute
		if !next.IsZero() {
			wait = min(max(next.Sub(o.now()), time.Millisecond), wait)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-changed: // somebody with a shorter life may have come
		case <-done:
			t.Stop()
			return
		}
		t.Stop()
	}
}

// read takes datagrams in until Conn fails for good.
func (o *Observer) read() error {
	v := &verifier{certificates: map[string]*certificate{}}
	var inflater Inflater
	buf := make([]byte, MaxDatagram+1)
	for {
		n, from, err := o.Conn.ReadFrom(buf)
		if err == nil { // an empty one is a datagram, too
			s := o.take(v, &inflater, buf[:n])
			s.From = from
			if o.Saw != nil {
				o.Saw(s)
			}
		}
		if timeout := net.Error(nil); err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
			return err
		}
	}
}

// take deals with one datagram.
func (o *Observer) take(v *verifier, inflater *Inflater, datagram []byte) Sighting {
	s := Sighting{Datagram: datagram}
	s.Packet, s.Compressed, s.Err = inflater.Inflate(datagram)
	if s.Err != nil {
		return s
	}
	now := o.now()
	if sections, err := split(s.Packet); err == nil && o.Directory.Refresh(sections.all, now) {
		s.Heard = Refreshed
		return s
	}
	a, err := v.verify(s.Packet)
	if err == nil && o.Accept != nil {
		err = o.Accept(s.Packet, a)
	}
	if err != nil {
		s.Err = err
		return s
	}
	s.Announcement = a
	if s.Heard = o.Directory.Hear(a, now); s.Heard == Replayed {
		s.Err = refuse(LayerData, "DISC-RPL-01a", "a newer announcement of %s was heard before", a.Ident)
	}
	return s
}
