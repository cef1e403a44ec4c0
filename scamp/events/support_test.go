package events

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A script plays a peer, packet by packet, in virtual time: what is given has been dealt with when give returns.
// Acknowledgements of what it has sent are not looked at.
type script struct {
	t   *testing.T
	nc  *simnet.Conn
	got chan wire.Packet
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
			if p.Type != wire.TypeAck {
				s.got <- p.Clone()
			}
		}
	}()
	t.Cleanup(func() { nc.Close() })
	return s
}

// serve makes a service with a publisher.
func serve(t *testing.T, p *Publisher, cfg scamp.Config) *scamp.Service {
	s := &scamp.Service{Mux: new(scamp.Mux), Config: cfg, Messages: p.Messages}
	t.Cleanup(func() { s.Close() })
	return s
}

// client makes the script of a client of a service. size is what the connection holds on its way.
func client(t *testing.T, s *scamp.Service, size int) *script {
	a, b := simnet.Pipe(size)
	go s.ServeConn(a)
	return newScript(t, b)
}

// give sends packets, each as "TYPE NUMBER BODY", in one write.
func (s *script) give(packets ...string) {
	s.t.Helper()
	var b bytes.Buffer
	for _, p := range packets {
		f := append(strings.SplitN(p, " ", 3), "", "")
		fmt.Fprintf(&b, "%s %s %d\r\n%sEND\r\n", f[0], f[1], len(f[2]), f[2])
	}
	s.nc.Write(b.Bytes())
	synctest.Wait()
}

// message gives a whole message.
func (s *script) message(number int, header, body string) {
	s.t.Helper()
	s.give(fmt.Sprintf("HEADER %d %s", number, header), fmt.Sprintf("DATA %d %s", number, body), fmt.Sprintf("EOF %d", number))
}

// want takes the next packets and compares them.
func (s *script) want(packets ...string) {
	s.t.Helper()
	for _, want := range packets {
		synctest.Wait()
		select {
		case p, ok := <-s.got:
			if !ok {
				s.t.Fatalf("the connection has ended, want %s", want)
			}
			if got := strings.TrimSpace(fmt.Sprintf("%v %d %s", p.Type, p.Number, p.Body)); got != want {
				s.t.Fatalf("got  %.300s\nwant %s", got, want)
			}
		default:
			s.t.Fatalf("nothing came, want %s", want)
		}
	}
}

// wantMessage takes a whole message that comes in one piece.
func (s *script) wantMessage(number int, header, body string) {
	s.t.Helper()
	s.want(fmt.Sprintf("HEADER %d %s", number, header), fmt.Sprintf("DATA %d %s", number, body), fmt.Sprintf("EOF %d", number))
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
		s.t.Fatalf("got %v %d %.300s, want silence", p.Type, p.Number, p.Body)
	default:
	}
}

// closed says that the connection has ended; what came before does not matter.
func (s *script) closed() {
	s.t.Helper()
	synctest.Wait()
	for {
		select {
		case _, ok := <-s.got:
			if !ok {
				return
			}
		default:
			s.t.Fatal("the connection is open, want its end")
		}
	}
}

const (
	subscribe = `{"type":"subscribe","request_id":1}`
	done      = `{"type":"subscribe_done","request_id":1}`
	event     = `{"type":"event"}`
)

// size returns how much a publisher remembers.
func (p *Publisher) size() (topics, subscriptions int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.topics), len(p.subscriptions)
}

// must publishes.
func must(t *testing.T, p *Publisher, code, key string, value any) {
	t.Helper()
	if err := p.Publish(code, key, value); err != nil {
		t.Fatal(err)
	}
}
