package events

import (
	"context"
	"encoding/json"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// TestAnnounce: the service's own packet is the datum announce with the empty key (DISC-SUB-01a, 01b, 01d).
func TestAnnounce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		if err := p.Announce([]byte("one\n\n\"<two>\"")); err != nil {
			t.Fatal(err)
		}
		c := client(t, serve(t, p, scamp.Config{}), 0)
		c.message(0, subscribe, `["announce"]`)
		c.wantMessage(0, event, `[{"code":"announce","key":"","value":"one\n\n\"<two>\""}]`)
		c.wantMessage(1, done, `true`)
		p.Announce([]byte("one\n\n\"<two>\""))
		c.idle()
		p.Announce([]byte("three"))
		c.wantMessage(2, event, `[{"code":"announce","key":"","value":"three"}]`)
		if p.Announce([]byte("\xff")) == nil {
			t.Error("published")
		}
	})
}

// A nowhere is a network that nobody listens to.
type nowhere struct{ net.PacketConn }

func (nowhere) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

// TestServiceAnnouncesItselfToSubscribers: what a service announces is what its subscribers get, first and after every
// change, and it verifies as from a datagram (DISC-SUB-01).
func TestServiceAnnouncesItselfToSubscribers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		key, err := fixtures.FS.ReadFile("server.key.pem")
		if err != nil {
			t.Fatal(err)
		}
		cert, err := fixtures.FS.ReadFile("server.cert.pem")
		if err != nil {
			t.Fatal(err)
		}
		signer, err := discovery.NewSigner(key, cert)
		if err != nil {
			t.Fatal(err)
		}
		p := new(Publisher)
		handler := scamp.JSON(func(_ context.Context, in any) (any, error) { return in, nil })
		svc := serve(t, p, scamp.Config{})
		svc.Announced = func(packet []byte) {
			if err := p.Announce(packet); err != nil {
				t.Error(err)
			}
		}
		svc.Mux.Handle(scamp.Action{Name: "Foo.a"}, handler)
		go svc.Announce(&discovery.Announcer{
			Signer: signer, Ident: "test:1",
			Links: []discovery.Link{{Conn: nowhere{}, URI: "beepish+tls://127.0.0.1:30100"}, {Conn: nowhere{}, URI: "beepish+tls://127.0.0.2:30100"}},
		})
		synctest.Wait()

		var heard []*discovery.Announcement
		s := &Subscriber{
			Topics: []string{Announce},
			Connect: func(context.Context) (*scamp.Connection, error) {
				a, b := simnet.Pipe(0)
				go svc.ServeConn(a)
				return scamp.NewConnection(b, scamp.Config{Accept: true}), nil
			},
			Event: func(e Event) {
				var packet string
				if err := json.Unmarshal(e.Value, &packet); err != nil || e.Code != "announce" || e.Key != "" {
					t.Error(e, err)
				}
				a, err := discovery.Verify([]byte(packet)) // DISC-SUB-01f
				if err != nil {
					t.Fatal(err)
				}
				heard = append(heard, a)
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(heard) != 1 || heard[0].URI != "beepish+tls://127.0.0.1:30100" || len(heard[0].Actions) != 1 {
			t.Fatal(heard)
		}
		svc.Mux.Handle(scamp.Action{Name: "Foo.b"}, handler)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(heard) != 2 || len(heard[1].Actions) != 2 || heard[1].Timestamp <= heard[0].Timestamp {
			t.Fatal(heard)
		}
		stopped := make(chan error)
		go func() { stopped <- svc.Shutdown(context.Background()) }()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(heard) != 3 || heard[2].Weight != 0 || len(heard[2].Actions) != 0 {
			t.Fatal(heard)
		}
		cancel()
		<-done
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}
