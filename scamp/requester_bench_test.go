package scamp

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// benchService serves Test.act on a real socket, and returns what n instances
// announce of which the first one is real.
func benchService(b *testing.B, n int) (*server, []*discovery.Announcement) {
	mux := new(Mux)
	mux.Handle(Action{Name: "Test.act", NoAuth: true}, HandlerFunc(func(_ context.Context, w *ReplyWriter, _ *Request) error {
		_, err := w.Write([]byte("{}"))
		return err
	}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &server{mux: mux, address: ln.Addr().String(), service: &Service{Mux: mux, Certificate: lightCertificate()[0]}, served: make(chan struct{})}
	go func() {
		defer close(s.served)
		s.service.Serve(ln)
	}()
	b.Cleanup(s.kill)
	all := []*discovery.Announcement{s.announcement()}
	for i := 1; i < n; i++ { // the same place under other names: one connection for all of them
		a := s.announcement()
		a.Ident = fmt.Sprintf("instance-%d", i)
		all = append(all, a)
	}
	return s, all
}

func benchRequester(b *testing.B, all []*discovery.Announcement) *Requester {
	d := new(discovery.Directory)
	d.Replace(all)
	list := discovery.ParseAuthorized([]byte(all[0].Fingerprint + " main:ALL\n"))
	q := &Requester{Directory: d, Authorized: func() *discovery.Authorized { return list }}
	b.Cleanup(func() { q.Close(context.Background()) })
	return q
}

func benchCalls(b *testing.B, c Caller) {
	ctx, body := context.Background(), []byte("{}")
	b.ReportAllocs()
	for b.Loop() {
		reply, err := c.Call(ctx, NewRequest("Test.act", body))
		if err == nil {
			_, err = reply.ReadAll(0)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCall is what finding, choosing and pooling add to a call.
func BenchmarkCall(b *testing.B) {
	b.Run("connection", func(b *testing.B) {
		s, all := benchService(b, 1)
		c, err := Dial(context.Background(), s.address, Config{Fingerprint: all[0].Fingerprint})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		benchCalls(b, c)
	})
	for _, n := range []int{1, 8, 100, 2000} {
		b.Run(fmt.Sprintf("requester-%d", n), func(b *testing.B) {
			_, all := benchService(b, n)
			benchCalls(b, benchRequester(b, all))
		})
	}
}

// BenchmarkChoice is the part of a Requester's call that is not the connection's.
func BenchmarkChoice(b *testing.B) {
	for _, n := range []int{1, 8, 100, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, all := benchService(b, n)
			q := benchRequester(b, all)
			b.ReportAllocs()
			for b.Loop() {
				w := want{action: "Test.act"}
				w.fill("")
				chosen, err := q.pick(&w, nil, time.Now())
				if err != nil {
					b.Fatal(err)
				}
				chosen.standing.outstanding.Add(-1)
			}
		})
	}
}
