package discovery

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A group is a network in which what one party sends is heard by all.
type group struct {
	mu      sync.Mutex
	parties []*party // those that hear
}

// A party is a net.PacketConn in a group.
type party struct {
	group  *group
	name   groupAddr
	in     chan packetFrom
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	dead  bool  // what it sends is lost
	fails error // of WriteTo
	sent  []sentPacket
}

type packetFrom struct {
	from net.Addr
	b    []byte
}

// A sentPacket is what a party has sent, and when.
type sentPacket struct {
	at time.Time
	b  []byte
	to net.Addr
}

type groupAddr string

func (groupAddr) Network() string  { return "group" }
func (a groupAddr) String() string { return string(a) }

// join makes a party that only sends.
func (g *group) join(name string) *party {
	return &party{group: g, name: groupAddr(name), closed: make(chan struct{})}
}

// listen makes a party that hears, too.
func (g *group) listen(name string) *party {
	p := g.join(name)
	p.in = make(chan packetFrom, 10000)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parties = append(g.parties, p)
	return p
}

func (p *party) WriteTo(b []byte, to net.Addr) (int, error) {
	p.mu.Lock()
	dead, err := p.dead, p.fails
	if err == nil {
		p.sent = append(p.sent, sentPacket{time.Now(), bytes.Clone(b), to})
	}
	p.mu.Unlock()
	if err != nil || dead {
		return len(b), err
	}
	p.group.mu.Lock()
	defer p.group.mu.Unlock()
	for _, q := range p.group.parties {
		select {
		case q.in <- packetFrom{p.name, bytes.Clone(b)}:
		default: // a full socket loses it
		}
	}
	return len(b), nil
}

func (p *party) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case m := <-p.in:
		return copy(b, m.b), m.from, nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

// Close leaves the group.
func (p *party) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.group.mu.Lock()
		defer p.group.mu.Unlock()
		p.group.parties = slices.DeleteFunc(p.group.parties, func(q *party) bool { return q == p })
	})
	return nil
}

func (p *party) LocalAddr() net.Addr              { return p.name }
func (p *party) SetDeadline(time.Time) error      { return nil }
func (p *party) SetReadDeadline(time.Time) error  { return nil }
func (p *party) SetWriteDeadline(time.Time) error { return nil }

// set changes what becomes of what the party sends.
func (p *party) set(dead bool, fails error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead, p.fails = dead, fails
}

// taken are the packets that the party has sent since the last call.
func (p *party) taken(t *testing.T) (packets []*Announcement, at []time.Time) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var f Inflater
	for _, s := range p.sent {
		packet, _, err := f.Inflate(s.b)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Verify(packet)
		if err != nil {
			t.Fatal(err)
		}
		packets, at = append(packets, a), append(at, s.at)
	}
	p.sent = nil
	return packets, at
}

// running runs something that ends with its context; stop ends it and waits, and so does the end of the test.
func running(t *testing.T, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// announcer is an announcer of Foo.bar that sends by this party.
func announcer(p *party, ident string) *Announcer {
	return &Announcer{
		Signer: server(), Ident: ident, Links: []Link{{p, groupAddr("all"), "beepish+tls://127.0.0.1:30100"}},
		Describe: func() *Announcement { return described("", 0) },
	}
}

// observed runs an observer until the test ends.
func observed(t *testing.T, g *group) *Observer {
	o := &Observer{Conn: g.listen("observer")}
	running(t, func(ctx context.Context) {
		if err := o.Run(ctx); err != nil {
			t.Errorf("the observer ended: %v", err)
		}
	})
	return o
}

// pass lets virtual time go on, and everything that is to happen until then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
