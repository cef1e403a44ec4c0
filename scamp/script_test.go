package scamp

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A script plays the peer of a connection, packet by packet, in virtual time:
// what is given has been dealt with when give returns.
type script struct {
	t   *testing.T
	nc  *simnet.Conn
	got chan wire.Packet
}

// bubble runs f in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// scripted returns a connection and the script of its peer.
func scripted(t *testing.T, cfg Config) (*Connection, *script) {
	a, b := simnet.Pipe(0)
	c := NewConnection(a, cfg)
	t.Cleanup(func() { c.Close() })
	return c, newScript(t, b)
}

// served returns the script of a client of a service.
func served(t *testing.T, s *Service) *script {
	a, b := simnet.Pipe(0)
	go s.ServeConn(a)
	t.Cleanup(func() { s.Close() })
	return newScript(t, b)
}

func newScript(t *testing.T, nc *simnet.Conn) *script {
	s := &script{t: t, nc: nc, got: make(chan wire.Packet, 10000)}
	r := wire.NewReader(nc)
	go func() {
		defer close(s.got)
		for {
			p, err := r.Read()
			if err != nil {
				return
			}
			s.got <- p.Clone()
		}
	}()
	t.Cleanup(func() { nc.Close() })
	return s
}

// give sends packets, each as "TYPE NUMBER BODY", in one write.
func (s *script) give(packets ...string) {
	s.t.Helper()
	var b bytes.Buffer
	for _, p := range packets {
		f := append(strings.SplitN(p, " ", 3), "")
		fmt.Fprintf(&b, "%s %s %d\r\n%sEND\r\n", f[0], f[1], len(f[2]), f[2])
	}
	s.nc.Write(b.Bytes())
	synctest.Wait()
}

// request gives a whole request.
func (s *script) request(number uint64, action, body string) {
	s.t.Helper()
	s.give(fmt.Sprintf(`HEADER %d {"type":"request","action":%q,"version":1,"envelope":"json","request_id":%d}`, number, action, number+1),
		fmt.Sprintf("DATA %d %s", number, body), fmt.Sprintf("EOF %d", number))
}

// want takes the next packets and compares them; bodies longer than 100 octets
// are written as their first octet and their length: x*16384.
func (s *script) want(packets ...string) {
	s.t.Helper()
	for _, want := range packets {
		synctest.Wait()
		select {
		case p, ok := <-s.got:
			if !ok {
				s.t.Fatalf("the connection has ended, want %s", want)
			}
			if got := short(p); got != want {
				s.t.Fatalf("got  %s\nwant %s", got, want)
			}
		default:
			s.t.Fatalf("nothing came, want %s", want)
		}
	}
}

// idle says that nothing more comes.
func (s *script) idle() {
	s.t.Helper()
	synctest.Wait()
	select {
	case p, ok := <-s.got:
		if !ok {
			s.t.Fatal("the connection has ended, want silence")
		}
		s.t.Fatalf("got %s, want silence", short(p))
	default:
	}
}

// closed says that nothing more comes because the connection has ended.
func (s *script) closed() {
	s.t.Helper()
	synctest.Wait()
	select {
	case p, ok := <-s.got:
		if ok {
			s.t.Fatalf("got %s, want the end of the connection", short(p))
		}
	default:
		s.t.Fatal("the connection is open, want its end")
	}
}

func short(p wire.Packet) string {
	if len(p.Body) > 300 {
		return fmt.Sprintf("%v %d %c*%d", p.Type, p.Number, p.Body[0], len(p.Body))
	}
	return strings.TrimSpace(fmt.Sprintf("%v %d %s", p.Type, p.Number, p.Body))
}

// linked returns a client of a service, both real.
func linked(t *testing.T, s *Service, cfg Config) *Connection {
	a, b := simnet.Pipe(0)
	go s.ServeConn(a)
	c := NewConnection(b, cfg)
	t.Cleanup(func() {
		c.Close()
		s.Close()
	})
	return c
}

// echoes answers with the request's body.
func echoes() *Mux {
	mux := new(Mux)
	mux.Handle(Action{Name: "Test.echo", NoAuth: true, Stream: true}, HandlerFunc(func(_ context.Context, w *ReplyWriter, r *Request) error {
		_, err := r.Body.(*MessageReader).WriteTo(w)
		return err
	}))
	return mux
}

var _ net.Conn = (*simnet.Conn)(nil)
