package sim

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A watch looks at the packets of one connection from one of its ends, keeps the last
// ones and judges them.
type watch struct {
	w      *World
	id     ConnectionID
	tapped bool // it is shown what is on the wire, not what the program says
	meter  *meter

	mu    sync.Mutex
	trail trail
	judge judge
}

// newWatch returns a watch over a connection, at the end of the instance or of the
// requester, which may leave something undone for a time. In real time nothing is
// judged: a packet can be sent before the hook has told of the one that allowed it, and
// peers may be other programs.
func (w *World) newWatch(id ConnectionID, service bool, patient time.Duration, m *meter) *watch {
	return &watch{w: w, id: id, meter: m, judge: judge{requester: id.Requester, instance: id.Instance, service: service, patient: patient, over: w.real}}
}

// patience is how long an endpoint may leave undone what it could do at once.
const patience = 10 * time.Second

// A meter is a connection that knows how long its writer has waited: who waits for the
// network is not to blame for what it does not send.
type meter struct {
	*simnet.Stream
	close func()

	mu     sync.Mutex
	since  time.Time     // of the write that waits; zero: none does
	waited time.Duration // of those that have ended
}

func (m *meter) Write(b []byte) (int, error) {
	m.mu.Lock()
	m.since = time.Now()
	m.mu.Unlock()
	n, err := m.Stream.Write(b)
	m.mu.Lock()
	m.waited += time.Since(m.since)
	m.since = time.Time{}
	m.mu.Unlock()
	return n, err
}

// Close closes the connection.
func (m *meter) Close() error {
	err := m.Stream.Close()
	if m.close != nil {
		m.close()
	}
	return err
}

// idle is how long the writer could have written, since the world began.
func (m *meter) idle(elapsed time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	waited := m.waited
	if !m.since.IsZero() {
		waited += time.Since(m.since)
	}
	return elapsed - waited
}

// dial connects a requester, and begins to watch over the connection.
func (q *Requester) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := q.w.dialer(q.w.Net.Host(q.spec.Name))(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stream := nc.(*simnet.Stream)
	id := ConnectionID{q.spec.Name, stream.Peer().Name(), stream.ID()}
	k := q.w.newWatch(id, false, q.patience(), &meter{Stream: stream})
	key := stream.LocalAddr().String()
	k.meter.close = func() { q.w.unwatch(key, k) }
	q.w.mu.Lock()
	q.w.watches[key] = k
	q.w.mu.Unlock()
	return k.meter, nil
}

// unwatch forgets a connection that has ended.
func (w *World) unwatch(key string, k *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watches[key] == k {
		delete(w.watches, key)
	}
}

// watchOf is the watch over the connection that has this address at the requester; nil
// if there is none any more.
func (w *World) watchOf(address net.Addr) *watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.watches[address.String()]
}

// patience is how long the requester may leave something undone: it may read replies
// slowly, and a window is four pieces of what it reads.
func (q *Requester) patience() time.Duration {
	most := time.Duration(0)
	for _, l := range q.spec.Calls {
		most = max(most, l.Slow.most())
	}
	return patience + 5*most
}

// tap returns a connection above nc that shows the watch what passes on the wire.
func (k *watch) tap(nc net.Conn) net.Conn {
	k.tapped = true
	show := func(sent bool) interpose.Filter {
		return func(f *interpose.Flow, p interpose.Packet) {
			k.packet(sent != k.judge.service, packetOf(p))
			f.Pass(p)
		}
	}
	return &tapped{interpose.Wrap(nc, interpose.Config{In: show(false), Out: show(true)}), k}
}

// A tapped connection has the half-close of the one below it, and tells when it ends.
type tapped struct {
	*interpose.Conn
	k *watch
}

// CloseWrite ends the direction that this end writes.
func (t *tapped) CloseWrite() error {
	if half, ok := t.Conn.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close closes the connection.
func (t *tapped) Close() error {
	t.k.closed(nil)
	return t.Conn.Close()
}

// packetOf is a packet of interpose as package wire has it; of what is none it has no
// type.
func packetOf(p interpose.Packet) wire.Packet {
	for t := wire.TypeHeader; t <= wire.TypePong; t++ {
		if p.Type == t.String() {
			return wire.Packet{Type: t, Number: p.Number, Body: p.Body}
		}
	}
	return wire.Packet{Body: p.Body}
}

// packet takes in a packet that the requester has sent, or got.
func (k *watch) packet(sent bool, p wire.Packet) {
	at := k.w.Elapsed()
	disturbed := k.w.disturbed(k.id)
	k.mu.Lock()
	if disturbed && !k.judge.alone {
		k.judge.alone, k.judge.guilty = true, ""
	}
	k.trail.add(at, sent, p)
	k.judge.pass(sent, p, k.meter.idle(at))
	k.mu.Unlock()
	k.blame()
	if k.w.Passed != nil && !k.judge.service {
		k.w.Passed(k.id, Packet{At: at, Sent: sent, Type: typeName(p.Type), Number: p.Number, Size: len(p.Body)}, p.Body)
	}
}

func typeName(t wire.Type) string {
	if t == 0 {
		return ""
	}
	return t.String()
}

// closed looks at what is left undone when the connection ends. err says why it did: a
// peer that has broken the protocol is to blame.
func (k *watch) closed(err error) {
	idle := k.meter.idle(k.w.Elapsed())
	k.mu.Lock()
	k.judge.close(idle)
	k.mu.Unlock()
	k.broken(k.id.Instance, err)
	k.blame()
}

// broken blames a host for the end of the connection, if err says that it has broken
// the protocol, and nobody is to blame yet.
func (k *watch) broken(host string, err error) {
	e := new(scamp.ProtocolError)
	if !errors.As(err, &e) || k.w.real || k.w.disturbed(k.id) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.judge.guilty == "" {
		k.judge.wrong(host, e.Rule, "%s: %s", e.Packet, e.Reason)
	}
}

// blame notes what the judge has found, with the last packets.
func (k *watch) blame() {
	k.mu.Lock()
	breaches := k.judge.take()
	var packets []Packet
	if len(breaches) > 0 {
		packets = k.trail.packets()
	}
	k.mu.Unlock()
	for _, b := range breaches {
		k.w.mu.Lock()
		k.w.broke(Violation{What: b, Connection: k.id, Packets: packets})
		k.w.mu.Unlock()
	}
}

// traceOf returns hooks that watch over the connections of a requester while the
// world runs.
func (w *World) traceOf() *scamp.Trace {
	var mu sync.Mutex
	watches := map[*scamp.Connection]*watch{}
	of := func(c *scamp.Connection) *watch {
		mu.Lock()
		defer mu.Unlock()
		k := watches[c]
		if k == nil {
			if k = w.watchOf(c.LocalAddr()); k == nil {
				k = &watch{w: w, tapped: true} // it has ended before
			}
			watches[c] = k
		}
		return k
	}
	return &scamp.Trace{
		PacketSent: func(c *scamp.Connection, p wire.Packet) {
			if k := of(c); !k.tapped {
				k.packet(true, p)
			}
		},
		PacketReceived: func(c *scamp.Connection, p wire.Packet) {
			if k := of(c); !k.tapped {
				k.packet(false, p)
			}
		},
		Closed: func(c *scamp.Connection, err error) {
			k := of(c)
			mu.Lock()
			delete(watches, c)
			mu.Unlock()
			if !k.tapped {
				k.closed(err)
			}
		},
		Attempt: func(ctx context.Context, c *scamp.Connection, to *discovery.Announcement) {
			if r, ok := ctx.Value(callKey{}).(*callRecord); ok {
				w.attempted(r, of(c))
			}
			w.chosen(ctx, to)
			apart(ctx)
		},
		CallDone: func(ctx context.Context, _ *scamp.Connection, _ *scamp.Request, err error, _ time.Duration) {
			if err != nil {
				apart(ctx)
			}
		},
		Dialed: func(_, _ string, err error, _ time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.stats.Dials++
			if err == nil {
				w.stats.Connections++
			}
		},
	}
}

// serviceTrace returns hooks that look at why the connections of a service end.
func (w *World) serviceTrace() *scamp.Trace {
	return &scamp.Trace{Closed: func(c *scamp.Connection, err error) {
		if k := w.watchOf(c.RemoteAddr()); k != nil {
			k.broken(k.id.Requester, err)
			k.blame()
		}
	}}
}
