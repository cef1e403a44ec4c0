package bugs

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// A farewell is sent before the connection is closed.
type farewell struct {
	net.Conn
	once sync.Once
	text string
}

func (c *farewell) Close() error {
	c.once.Do(func() {
		c.SetWriteDeadline(time.Now().Add(time.Second))
		io.WriteString(c.Conn, c.text)
	})
	return c.Conn.Close()
}

// A deafened connection does not notice that the peer has ended its direction.
type deafened struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *deafened) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF && n == 0 {
		<-c.closed
	}
	return n, err
}

func (c *deafened) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// inProgress counts the requests that have begun and have no whole reply.
func inProgress(f interpose.Config, n *atomic.Int64) interpose.Config {
	in := f.In
	f.In = func(f *interpose.Flow, p interpose.Packet) {
		if p.Type == "HEADER" {
			n.Add(1)
		}
		if in != nil {
			in(f, p)
		} else {
			f.Pass(p)
		}
	}
	out := f.Out
	f.Out = func(f *interpose.Flow, p interpose.Packet) {
		if p.Type == "EOF" || p.Type == "TXERR" {
			n.Add(-1)
		}
		if out != nil {
			out(f, p)
		} else {
			f.Pass(p)
		}
	}
	return f
}

var connection = []Server{
	{Name: "says-goodbye", Slow: true, Rule: "WIRE-CONN-01a", Title: "sends a packet of an own type before it closes",
		under: func(nc net.Conn) net.Conn { return &farewell{Conn: nc, text: "QUIT 0 0\r\nEND\r\n"} }},
	{Name: "completes-cut-packets", Rule: "WIRE-CONN-01b", Title: "takes an EOF that the end of the connection cuts off for a whole one",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			var n uint64
			if _, err := fmt.Sscanf(string(p.Body), "EOF %d 0\r\nEN", &n); p.Type == "" && err == nil {
				p = interpose.Packet{Type: "EOF", Number: n}
			}
			f.Pass(p)
		})},
	{Name: "keeps-half-closed-connections", Rule: "WIRE-CONN-02", Title: "does not notice that the peer has ended its sending side",
		under: func(nc net.Conn) net.Conn { return &deafened{Conn: nc, closed: make(chan struct{})} }},
	{Name: "leaks-stalled-replies", Rule: "WIRE-CONN-03b", Title: "ends when fifty connections have been lost with five replies or more on each",
		wrap: func(w *server) interpose.Config {
			var n atomic.Int64
			return inProgress(interpose.Config{End: func(*interpose.Flow) {
				if n.Load() >= 5 && w.count()%50 == 0 {
					w.die()
				}
			}}, &n)
		}},
	{Name: "lets-handlers-end-before-it-closes", Rule: "WIRE-CONN-03c", Title: "closes after a fatal error when nothing is in progress any more",
		wrap: func(*server) interpose.Config {
			var n atomic.Int64
			var broken atomic.Bool
			return inProgress(interpose.Config{
				In: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "" && n.Load() > 0 {
						broken.Store(true)
					}
					if !broken.Load() {
						f.Pass(p)
					}
				},
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if f.Pass(p); broken.Load() && n.Load() == 0 {
						f.CloseAfter()
					}
				},
			}, &n)
		}},
	{Name: "closes-on-large-requests", Rule: "WIRE-CONN-08b", Title: "closes when a request has more than 950,000 octets",
		wrap: func(*server) interpose.Config {
			total := map[uint64]int{}
			return interpose.Config{In: func(f *interpose.Flow, p interpose.Packet) {
				if p.Type == "DATA" {
					total[p.Number] += len(p.Body)
				}
				if total[p.Number] > 950000 {
					f.Close()
					return
				}
				f.Pass(p)
			}}
		}},
}
