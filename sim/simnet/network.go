package simnet

import (
	"cmp"
	"container/heap"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A Network is hosts that are joined by links. One goroutine, the loop, lets
// everything arrive: in virtual time one event at an instant, in the order of
// times, and of the order in which they were sent. What a host writes to a stream
// within one instant goes out as one piece when the instant ends. So a run depends
// on the seed alone, as long as those who act keep the rules of the package.
//
// Its methods, and those of hosts, links and their connections, may be called from
// any goroutine.
type Network struct {
	virtual bool
	seed    uint64
	kick    chan struct{} // the next event is another one
	ending  *time.Timer   // of the instant in which something was written
	stop    chan struct{}
	done    chan struct{}

	mu      sync.Mutex // guards what follows, and all state of hosts, links and connections
	events  events
	seq     uint64 // of the next event
	dirty   []*half
	acted   time.Time // by the loop, last
	acting  bool      // the loop does
	nextID  uint64    // of the next half
	hosts   map[string]*Host
	byIP    map[string]*Host
	links   map[[2]*Host]*Link
	profile Profile // of links that have none of their own
	observe func(Segment)
	seen    []Segment // what has left in this turn, for observe
	closed  bool
}

// An event happens at its time. q is the path that it takes; what is held there
// does not happen.
type event struct {
	at  time.Time
	seq uint64
	q   *path
	do  func() // n.mu is held
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if c := e[i].at.Compare(e[j].at); c != 0 {
		return c < 0
	}
	return e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return x
}

// NewNetwork returns a network without hosts. In a bubble its time is virtual, and
// it must be made and closed there. Outside of one, give realTime.
func NewNetwork(seed uint64, realTime bool) *Network {
	n := &Network{
		virtual: !realTime, seed: seed, kick: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		hosts: map[string]*Host{}, byIP: map[string]*Host{}, links: map[[2]*Host]*Link{},
	}
	n.ending = time.NewTimer(time.Hour)
	n.ending.Stop()
	go n.run()
	return n
}

// Close ends everything: connections are reset, waiting ends. It returns when the
// loop has ended.
func (n *Network) Close() error {
	n.mu.Lock()
	if !n.closed {
		n.closed = true
		close(n.stop)
		for _, h := range n.sortedHosts() {
			h.kill(errDown)
		}
	}
	n.mu.Unlock()
	<-n.done
	return nil
}

// SetProfile sets the profile of links that have none of their own.
func (n *Network) SetProfile(p Profile) error {
	if err := p.Check(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.profile = p
	return nil
}

// A Segment is a piece of a stream that leaves a host, or its end.
type Segment struct {
	At       time.Time
	From, To *Host
	Stream   uint64 // of the two directions of a connection the one from who dialled has an odd number, the other the next one
	Octets   []byte // must not be changed; nil: the end
}

// Observe lets f see every segment as it leaves, one after the other. Nothing else
// leaves or arrives meanwhile, but no lock is held: f may take its time, and use the
// network. It comes from the loop, so that it must not wait for what the loop brings.
func (n *Network) Observe(f func(Segment)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.observe = f
}

// source returns a source of randomness for something with a name. Others are not
// disturbed by its being there.
func (n *Network) source(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(n.seed, h.Sum64()))
}

// Hosts returns all hosts, in the order in which they were made.
func (n *Network) Hosts() []*Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sortedHosts()
}

func (n *Network) sortedHosts() []*Host {
	hosts := make([]*Host, 0, len(n.hosts))
	for _, h := range n.hosts {
		hosts = append(hosts, h)
	}
	slices.SortFunc(hosts, func(a, b *Host) int { return cmp.Compare(a.number, b.number) })
	return hosts
}

// schedule lets something happen at a time. n.mu is held.
func (n *Network) schedule(at time.Time, q *path, do func()) {
	n.seq++
	heap.Push(&n.events, event{at, n.seq, q, do})
	if n.events[0].seq == n.seq && !n.acting {
		select {
		case n.kick <- struct{}{}:
		default:
		}
	}
}

// soil notes that a half has something to send when the instant ends. n.mu is held.
func (n *Network) soil(h *half) {
	if !h.dirty {
		h.dirty = true
		n.dirty = append(n.dirty, h)
		if len(n.dirty) == 1 && !n.acting {
			n.ending.Reset(n.pause(0))
		}
	}
}

// pause is how long the loop waits until it may act on what happens after a while: in
// virtual time until the next odd nanosecond, so that nobody who has passed a barrier
// acts at the same instant.
func (n *Network) pause(d time.Duration) time.Duration {
	d = max(0, d)
	if !n.virtual {
		return d
	}
	return d + 1 + (time.Duration(time.Now().Nanosecond())+d)&1
}

// run is the loop. It has a timer for the end of an instant in which something was
// written, and one for the next event. That one is not set again while it runs: the
// runtime would look through all timers of the program.
func (n *Network) run() {
	defer close(n.done)
	event := time.NewTimer(0)
	var at time.Time // for which it is set
	defer func() {
		event.Stop()
		n.ending.Stop()
	}()
	for {
		n.mu.Lock()
		if n.closed {
			n.mu.Unlock()
			return
		}
		if len(n.events) > 0 && !at.Equal(n.events[0].at) {
			event.Stop()
			at = n.events[0].at
			event = time.NewTimer(n.pause(time.Until(at)))
		}
		n.mu.Unlock()
		select {
		case <-n.ending.C:
		case <-event.C:
			at = time.Time{}
		case <-n.kick:
			continue
		case <-n.stop:
			continue
		}
		n.turn()
	}
}

// barrier lets everybody else come to rest: it takes about a microsecond of virtual
// time, and ends at an even nanosecond.
func (n *Network) barrier() {
	if n.virtual {
		time.Sleep(1000 + time.Duration(time.Now().Nanosecond()&1))
	}
}

// turn ends an instant: what was written before goes out. Or it lets the next event
// happen, one in an instant of virtual time.
func (n *Network) turn() {
	if now := time.Now(); n.virtual && (now.Equal(n.acted) || now.Nanosecond()&1 == 0) {
		time.Sleep(n.pause(0))
	}
	n.mu.Lock()
	clear(n.seen)
	n.seen = n.seen[:0]
	n.acted = time.Now()
	n.acting = true
	n.act()
	n.acting = false
	if len(n.dirty) > 0 {
		n.ending.Reset(n.pause(0))
	}
	observe, seen := n.observe, n.seen
	n.mu.Unlock()
	for _, s := range seen {
		observe(s)
	}
}

// act is what a turn does. n.mu is held.
func (n *Network) act() {
	if len(n.dirty) > 0 {
		slices.SortFunc(n.dirty, func(a, b *half) int { return cmp.Compare(a.id, b.id) })
		rest := n.dirty[:0]
		for _, h := range n.dirty {
			if h.dirty = !h.flush(); h.dirty {
				rest = append(rest, h)
			}
		}
		clear(n.dirty[len(rest):])
		n.dirty = rest
		return
	}
	for len(n.events) > 0 && !n.closed && !n.events[0].at.After(time.Now()) {
		e := heap.Pop(&n.events).(event)
		if e.q.hold(e) {
			continue
		}
		e.do()
		if n.virtual || len(n.dirty) > 0 {
			return
		}
	}
}

// Link returns the link between two hosts, which is made where there is none.
func (n *Network) Link(a, b *Host) *Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.link(a, b)
}

// link is Link with n.mu held.
func (n *Network) link(a, b *Host) *Link {
	if a.number > b.number {
		a, b = b, a
	}
	l := n.links[[2]*Host{a, b}]
	if l == nil {
		l = &Link{n: n, a: a, b: b}
		l.ab = &path{n: n, from: a, to: b, random: n.source(fmt.Sprintf("link %s > %s", a.name, b.name))}
		l.ba = l.ab
		if a != b {
			l.ba = &path{n: n, from: b, to: a, random: n.source(fmt.Sprintf("link %s > %s", b.name, a.name))}
		}
		n.links[[2]*Host{a, b}] = l
	}
	return l
}

// path returns the direction of a link from one host to another. n.mu is held.
func (n *Network) path(from, to *Host) *path {
	l := n.link(from, to)
	if l.a == from {
		return l.ab
	}
	return l.ba
}
