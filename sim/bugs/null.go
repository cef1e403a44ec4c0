package bugs

import (
	"io"
	"net"
	"sync"
)

// A Null is a server that is none. A suite that lets one pass proves nothing.
type Null struct {
	Name  string
	Title string

	serve func(nc net.Conn)
}

// Nulls returns the null servers.
func Nulls() []Null {
	return []Null{
		{"closes-at-once", "closes every connection at once", func(net.Conn) {}},
		{"never-answers", "takes everything and says nothing", func(nc net.Conn) { io.Copy(io.Discard, nc) }},
		{"mirrors", "sends back what it is sent", func(nc net.Conn) { io.Copy(nc, nc) }},
		{"echoes-garbage", "sends back other octets than it is sent", func(nc net.Conn) { io.Copy(nc, garbler{nc}) }},
	}
}

// A garbler changes all that is read.
type garbler struct{ r io.Reader }

func (g garbler) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	for i := range p[:n] {
		p[i] ^= 0x55
	}
	return n, err
}

// Start makes a server like Server.Start.
func (n Null) Start() (serve func(net.Conn), stop func()) {
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	serve = func(nc net.Conn) {
		mu.Lock()
		open[nc] = true
		mu.Unlock()
		n.serve(nc)
		nc.Close()
		mu.Lock()
		delete(open, nc)
		mu.Unlock()
	}
	return serve, func() {
		mu.Lock()
		defer mu.Unlock()
		for nc := range open {
			nc.Close()
		}
	}
}
