package conformance

import (
	"bytes"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A lateConn passes on what is written later, one write after another, and ends later.
type lateConn struct {
	net.Conn
	by     time.Duration // how long before octets leave
	ending time.Duration // how long after Close, or negative: by a reset
	pieces int           // size of writes

	mu     sync.Mutex
	change sync.Cond
	queue  [][]byte
	due    []time.Time
	closed bool
	done   chan struct{}
}

func late(by time.Duration, pieces int, ending time.Duration) func(serve func(net.Conn)) func(net.Conn) {
	return func(serve func(net.Conn)) func(net.Conn) {
		return func(nc net.Conn) {
			c := &lateConn{Conn: nc, by: by, ending: ending, pieces: pieces, done: make(chan struct{})}
			c.change.L = &c.mu
			go c.run()
			serve(c)
			c.Close()
			<-c.done
		}
	}
}

func (c *lateConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.queue, c.due = append(c.queue, bytes.Clone(b)), append(c.due, time.Now().Add(c.by))
	c.change.Broadcast()
	return len(b), nil
}

func (c *lateConn) SetWriteDeadline(time.Time) error { return nil }

func (c *lateConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.Conn.SetReadDeadline(time.Unix(1, 0)) // the server reads no more
		c.change.Broadcast()
	}
	return nil
}

func (c *lateConn) run() {
	defer close(c.done)
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.closed {
			c.change.Wait()
		}
		if len(c.queue) == 0 {
			c.mu.Unlock()
			break
		}
		b, due := c.queue[0], c.due[0]
		c.queue, c.due = c.queue[1:], c.due[1:]
		c.mu.Unlock()
		simnet.Sleep(time.Until(due))
		c.Conn.SetWriteDeadline(time.Now().Add(30 * time.Second))
		for piece := range slices.Chunk(b, max(1, min(len(b), c.pieces))) {
			if _, err := c.Conn.Write(piece); err != nil {
				break
			}
		}
	}
	if c.ending < 0 {
		c.Conn.(interface{ Reset() error }).Reset()
		c.Conn.Close()
		return
	}
	simnet.Sleep(c.ending)
	c.Conn.Close()
}

// queued gives packets to the server one after another: take says whether the first one that waits may be taken now.
// see is shown what the server sends. Both are called under one lock; ACKs do not wait.
func queued(hooks func() (take func(p interpose.Packet) bool, see func(p interpose.Packet))) func(serve func(net.Conn)) func(net.Conn) {
	return func(serve func(net.Conn)) func(net.Conn) {
		return func(nc net.Conn) {
			take, see := hooks()
			near, far := simnet.Pipe(0)
			var mu sync.Mutex
			change := sync.NewCond(&mu)
			var queue []interpose.Packet
			over := false
			var wg sync.WaitGroup
			wg.Go(func() {
				serve(far)
				far.Close()
			})
			in := interpose.Wrap(nc, interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				at := len(queue)
				if p.Type == "ACK" { // behind those that wait
					for at = 0; at < len(queue) && queue[at].Type == "ACK"; at++ {
					}
				}
				queue = slices.Insert(queue, at, p)
				change.Broadcast()
			}})
			wg.Go(func() { // from the tester into the queue
				io.Copy(io.Discard, in)
				mu.Lock()
				defer mu.Unlock()
				over = true
				change.Broadcast()
			})
			wg.Go(func() { // from the queue to the server
				mu.Lock()
				defer mu.Unlock()
				for {
					for len(queue) == 0 && !over || len(queue) > 0 && queue[0].Type != "ACK" && !take(queue[0]) && !over {
						change.Wait()
					}
					if over {
						near.Close()
						return
					}
					p := queue[0]
					queue = queue[1:]
					mu.Unlock()
					near.Write(p.Append(nil))
					mu.Lock()
				}
			})
			out := interpose.Wrap(near, interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				f.Pass(p)
				mu.Lock()
				defer mu.Unlock()
				see(p)
				change.Broadcast()
			}})
			io.Copy(nc, out)
			nc.Close()
			wg.Wait()
		}
	}
}

// sequential executes requests one after another. Packets that come meanwhile wait.
func sequential() (take func(p interpose.Packet) bool, see func(p interpose.Packet)) {
	executing := 0
	answerable := map[uint64]bool{}
	take = func(p interpose.Packet) bool {
		if executing > 0 {
			return false
		}
		if m, ok := membersOf(p); ok {
			k := kind(m["request_id"])
			answerable[p.Number] = m.text("type") == "request" && (k == '0' || k == '"')
		}
		if (p.Type == "EOF" && len(p.Body) == 0 || p.Type == "TXERR") && answerable[p.Number] {
			delete(answerable, p.Number)
			executing++
		}
		return true
	}
	see = func(p interpose.Packet) {
		if p.Type == "EOF" || p.Type == "TXERR" {
			executing--
		}
	}
	return take, see
}
