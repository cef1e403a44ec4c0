package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// TestInstancesDieUnderLoad makes a hundred thousand calls over real sockets to
// eight instances, of which one is killed every 2000 calls, far more often than
// every second, and started again 500 calls later. A call
// fails unsent only where two instances could not be reached; every other failure
// says that the request may have been executed; nothing is executed twice.
func TestInstancesDieUnderLoad(t *testing.T) {
	calls := 100000
	if raceDetector || testing.Short() {
		calls = 10000
	}
	const instances, workers = 8, 64
	executed := make([]atomic.Int32, calls)
	mux := new(Mux)
	mux.Handle(Action{Name: "Test.act", NoAuth: true}, HandlerFunc(func(_ context.Context, w *ReplyWriter, r *Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(body))
		if err != nil {
			return err
		}
		executed[n].Add(1)
		_, err = w.Write(body)
		return err
	}))
	var servers [instances]*server
	directory, authorized := new(discovery.Directory), ""
	var all []*discovery.Announcement
	for i := range servers {
		s := &server{mux: mux, n: i, address: "127.0.0.1:0"}
		s.start(t)
		defer s.kill()
		servers[i] = s
		a := s.announcement()
		all = append(all, a)
		authorized += a.Fingerprint + " main:ALL\n"
	}
	directory.Replace(all)
	list := discovery.ParseAuthorized([]byte(authorized))
	var attempts sync.Map // of each request that has failed: how many
	q := &Requester{
		Directory: directory, Authorized: func() *discovery.Authorized { return list },
		Config: Config{Trace: &Trace{CallDone: func(_ context.Context, _ *Connection, r *Request, err error, _ time.Duration) {
			if err != nil {
				n, _ := attempts.LoadOrStore(r, new(atomic.Int32))
				n.(*atomic.Int32).Add(1)
			}
		}}},
	}
	var next, unsent, lost atomic.Int64
	next.Store(-1)
	const every, dead = 2000, 500 // calls
	trouble := make(chan int64, 2*calls/every+2)
	var killing sync.WaitGroup
	killing.Go(func() {
		for n := range trouble {
			if s := servers[n/every%instances]; n%every == 0 {
				s.kill()
			} else {
				s.start(t)
			}
		}
	})
	var work sync.WaitGroup
	for range workers {
		work.Go(func() {
			for n := next.Add(1); n < int64(calls); n = next.Add(1) {
				if k := n % every; k == 0 || k == dead {
					trouble <- n
				}
				r := NewRequest("Test.act", fmt.Append(nil, n))
				reply, err := q.Call(t.Context(), r)
				var body []byte
				if err == nil {
					body, err = reply.ReadAll(0)
				}
				ran := executed[n].Load()
				var e *ConnectionError
				switch {
				case err == nil:
					if string(body) != fmt.Sprint(n) || ran != 1 {
						t.Errorf("call %d: executed %d times, the reply is %q", n, ran, body)
					}
				case !errors.As(err, &e):
					t.Errorf("call %d: %T: %v", n, err, err)
				case e.Sent:
					lost.Add(1)
				default:
					unsent.Add(1)
					tried, _ := attempts.Load(r)
					if k := tried.(*atomic.Int32).Load(); k != 2 || ran != 0 {
						t.Errorf("call %d fails unsent after %d attempts, executed %d times: %v", n, k, ran, err)
					}
				}
			}
		})
	}
	work.Wait()
	close(trouble)
	killing.Wait()
	for n := range executed {
		if k := executed[n].Load(); k > 1 {
			t.Errorf("call %d is executed %d times", n, k)
		}
	}
	t.Logf("%d calls: %d lost, %d unsent", calls, lost.Load(), unsent.Load())
	if lost.Load() == 0 {
		t.Error("the test is blind: no call met its end with its instance")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		t.Error(err)
	}
}

// A server is an instance on a real socket that can be killed and started again.
type server struct {
	mux     *Mux
	n       int
	address string

	service *Service
	served  chan struct{} // closed when Serve has returned
}

func (s *server) start(t *testing.T) {
	ln, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Error(err)
		return
	}
	s.address = ln.Addr().String()
	s.service = &Service{Mux: s.mux, Certificate: lightCertificate()[s.n%4]}
	s.served = make(chan struct{})
	go func(svc *Service, served chan struct{}) {
		defer close(served)
		svc.Serve(ln)
	}(s.service, s.served)
}

func (s *server) kill() {
	s.service.Close()
	<-s.served
}

// announcement is what the server would announce; it is not signed.
func (s *server) announcement() *discovery.Announcement {
	return &discovery.Announcement{
		Identity: discovery.Identity{Fingerprint: Fingerprint(lightCertificate()[s.n%4].Certificate[0]), Ident: fmt.Sprintf("server-%d", s.n)},
		Weight:   1, Interval: 5000, URI: "beepish+tls://" + s.address, Timestamp: 1,
		Actions: []discovery.Action{{Sector: "main", Name: "Test.act", Version: 1, Envelopes: []string{"json"}}},
	}
}
