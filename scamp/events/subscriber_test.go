package events

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A subscribing is a Subscriber that runs, with what it says and the service that it speaks to.
type subscribing struct {
	*Subscriber
	t      *testing.T
	cfg    scamp.Config
	start  time.Time
	mu     sync.Mutex
	said   []string     // guarded by mu
	refuse int          // so many connections come to nothing
	server chan *script // the next connection, as the service sees it
	stop   context.CancelCauseFunc
	result chan error
}

func newSubscribing(t *testing.T) *subscribing {
	s := &subscribing{t: t, cfg: scamp.Config{Accept: true}, start: time.Now(), server: make(chan *script, 100), result: make(chan error, 1)}
	s.Subscriber = &Subscriber{
		Topics: []string{"a", "b"},
		Connect: func(context.Context) (*scamp.Connection, error) {
			if s.refuse > 0 {
				s.refuse--
				return nil, errors.New("refused")
			}
			a, b := simnet.Pipe(0)
			s.server <- newScript(t, a)
			return scamp.NewConnection(b, s.cfg), nil
		},
		Event:  func(e Event) { s.say("%s/%s=%s", e.Code, e.Key, e.Value) },
		Ready:  func(err error) { s.say("ready %v", err) },
		Lost:   func(err error) { s.say("%v lost: %v", time.Since(s.start), err) },
		Random: func() float64 { return 0 },
	}
	return s
}

func (s *subscribing) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, fmt.Sprintf(format, args...))
}

// forget lets it have said nothing.
func (s *subscribing) forget() {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = nil
}

// saidLast returns what it has said last.
func (s *subscribing) saidLast() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said[len(s.said)-1]
}

// run lets it run, and returns the first connection.
func (s *subscribing) run() *script {
	ctx, cancel := context.WithCancelCause(s.t.Context())
	s.stop = cancel
	go func() { s.result <- s.Run(ctx) }()
	s.t.Cleanup(func() { cancel(nil); synctest.Wait() })
	return <-s.server
}

// says compares what it has said since it was asked last.
func (s *subscribing) says(want ...string) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.said, "\n"); got != strings.Join(want, "\n") {
		s.t.Fatalf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	s.said = nil
}

const (
	one       = `[{"code":"a","key":"k","value":1}]`
	noOptions = `DATA 0 ["a","b"]`
)

// TestSubscribing: the form of a subscription (WIRE-EVT-01a, 01b), events before and after subscribe_done, and the end.
func TestSubscribing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSubscribing(t)
		c := s.run()
		c.want("HEADER 0 "+subscribe, noOptions, "EOF 0")
		c.message(0, event, one)
		s.says("a/k=1")
		if err := s.Notify(t.Context(), 1); err != ErrNotReady {
			t.Error(err)
		}
		c.message(1, `{"type":"subscribe_done","request_id":"1"}`, ` true `)
		s.says("ready <nil>")
		c.message(2, done, `false`) // once is enough
		c.message(3, event, `[5,{"code":"a","key":"k","value":null},{"code":"a"},{"code":"b","key":"","value":"x"}]`)
		s.says("a/k=", `b/="x"`)
		for i, body := range []string{`{}`, `[`, ``, `null`} { // WIRE-EVT-04a
			c.message(4+i, event, body)
		}
		c.give("HEADER 8 "+event, "DATA 8 "+one, "TXERR 8 no")
		c.message(9, `{"type":"request","action":"A.b","version":1,"envelope":"json","request_id":1}`, `{}`)
		c.message(10, `{"type":"foo"}`, one)
		c.message(11, event, one)
		s.says("a/k=1")
		if err := s.Notify(t.Context(), []int{1}); err != nil {
			t.Error(err)
		}
		c.wantMessage(1, `{"type":"notify"}`, `[1]`)
		if err := s.Notify(t.Context(), func() {}); err == nil {
			t.Error("sent")
		}
		c.idle()
		stopped := errors.New("stopped")
		s.stop(stopped)
		if err := <-s.result; err != stopped {
			t.Error(err)
		}
		c.closed()
		if err := s.Notify(t.Context(), 1); err != ErrNotReady {
			t.Error(err)
		}
		s.says()
	})
}

// TestResubscription: "after 50 ms at first, doubling up to 10 s, starting again at 50 ms when subscribe_done has arrived"
// (WIRE-CONN-07).
func TestResubscription(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSubscribing(t)
		s.refuse = 4
		c := s.run()
		s.says("0s lost: refused", "50ms lost: refused", "150ms lost: refused", "350ms lost: refused")
		c.nc.Close()
		s.says("750ms lost: connection lost: closed by the peer")
		c = <-s.server
		c.message(0, event, `[]`)
		c.message(1, done, `true`)
		s.says("ready <nil>")
		c.nc.Close()
		s.forget()
		s.start = time.Now()
		c = <-s.server
		if took := time.Since(s.start); took != 50*time.Millisecond {
			t.Error(took)
		}
		c.want("HEADER 0 "+subscribe, noOptions, "EOF 0")
	})
}

// TestResubscriptionTellsWhatHasGone: keys that are deleted while there is no connection are deleted for the application, too.
func TestResubscriptionTellsWhatHasGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSubscribing(t)
		c := s.run()
		c.message(0, event, `[{"code":"b","key":"1","value":1},{"code":"a","key":"2","value":2},{"code":"a","key":"3","value":3}]`)
		c.message(1, done, `true`)
		c.nc.Close()
		c = <-s.server
		s.forget()
		c.message(0, event, `[{"code":"a","key":"2","value":22},{"code":"a","key":"4","value":4}]`)
		s.says("a/2=22", "a/4=4")
		c.nc.Close() // not confirmed: nobody knows what has gone
		c = <-s.server
		s.forget()
		c.message(0, event, `[{"code":"a","key":"2","value":22}]`)
		c.message(1, done, `true`)
		s.says("a/2=22", "a/3=", "a/4=", "b/1=", "ready <nil>")
	})
}

// TestRefusedSubscription: subscribe_done with false makes ready, too (WIRE-EVT-04b).
func TestRefusedSubscription(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, body := range []string{`false`, ``, `5`, `[]`, `"` + strings.Repeat("x", 1000)} {
			s := newSubscribing(t)
			c := s.run()
			c.message(0, `{"type":"subscribe_done","request_id":2}`, `true`)
			c.message(1, `{"type":"subscribe_done"}`, `true`)
			c.give("HEADER 2 "+done, "DATA 2 true", "TXERR 2 no")
			s.says()
			c.message(3, done, body)
			s.says("ready " + ErrRefused.Error())
			c.message(4, event, one)
			s.says("a/k=1")
		}
	})
}

// TestUnconfirmedSubscription: without subscribe_done, it is tried again.
func TestUnconfirmedSubscription(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSubscribing(t)
		c := s.run()
		c.message(0, event, one)
		time.Sleep(75 * time.Second)
		s.says("a/k=1", "1m15s lost: "+ErrNotConfirmed.Error())
		c.closed()
		c = <-s.server
		c.message(0, done, `true`)
		time.Sleep(80 * time.Second)
		s.says("a/k=", "ready <nil>")
		s.stop(nil)
		synctest.Wait()

		s = newSubscribing(t)
		s.Timeout, s.cfg.IdleTimeout = -1, -1
		c = s.run()
		time.Sleep(time.Hour)
		s.says()
		c.want("HEADER 0 "+subscribe, noOptions, "EOF 0")
		c.idle()
	})
}

// TestServicesAreBounded: a service that says too much loses its connection.
func TestServicesAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for want, body := range map[string]string{
			"more than 1000 octets in an event message": `[` + strings.Repeat(" ", 999) + `]`,
			"more than 3 keys":                          `[{"code":"a","key":"1","value":1},{"code":"a","key":"2","value":1},{"code":"a","key":"3","value":1},{"code":"b","key":"1","value":1}]`,
		} {
			s := newSubscribing(t)
			s.MaxEvent, s.MaxKeys = 1000, 3
			c := s.run()
			c.message(0, event, body)
			c.closed()
			if last := s.saidLast(); last != "0s lost: "+want {
				t.Error(last)
			}
		}
		s := newSubscribing(t)
		s.MaxEvent, s.MaxKeys = 1000, -1
		c := s.run()
		for n := range 2 {
			c.message(n, event, fmt.Sprintf(`[{"code":"%s","key":"%d","value":1}]`, strings.Repeat("x", 600), n))
		}
		c.closed()
		if last := s.saidLast(); last != "0s lost: more than 1000 octets of keys" {
			t.Error(last)
		}
	})
}

// TestHeartbeat: a dead service is noticed, where the configuration has a heartbeat (WIRE-TIME-09b).
func TestHeartbeat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSubscribing(t)
		s.cfg.Heartbeat = 15 * time.Second
		c := s.run()
		c.want("HEADER 0 "+subscribe, noOptions, "EOF 0")
		c.message(0, done, `true`)
		for range 100 {
			time.Sleep(15 * time.Second)
			c.want("PING 0")
			c.give("PONG 0")
		}
		s.says("ready <nil>")
		time.Sleep(30 * time.Second)
		s.says("25m30s lost: connection lost: PING not answered")
	})
}

func TestRunRefusesTooManyTopics(t *testing.T) {
	if err := (&Subscriber{Topics: make([]string, 11)}).Run(t.Context()); err == nil {
		t.Error("run")
	}
}

// TestRunEndsWhileItWaits: the pause ends with the context.
func TestRunEndsWhileItWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := &Subscriber{Connect: func(context.Context) (*scamp.Connection, error) { return nil, errors.New("no") }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := s.Run(ctx); err != context.DeadlineExceeded || time.Since(start) != time.Minute {
			t.Error(err, time.Since(start))
		}
		dead := &Subscriber{Connect: func(context.Context) (*scamp.Connection, error) {
			a, _ := simnet.Pipe(0)
			c := scamp.NewConnection(a, scamp.Config{Accept: true})
			c.Close()
			return c, nil
		}}
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := dead.Run(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
	})
}

// TestPublisherAndSubscriber: both real, through many losses; in the end the subscriber knows what is published.
func TestPublisherAndSubscriber(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		service := serve(t, p, scamp.Config{})
		known := map[string]string{}
		var nc *simnet.Conn
		s := &Subscriber{
			Topics: []string{"a"},
			Connect: func(context.Context) (*scamp.Connection, error) {
				a, b := simnet.Pipe(0)
				nc = b
				go service.ServeConn(a)
				return scamp.NewConnection(b, scamp.Config{Accept: true}), nil
			},
			Event: func(e Event) {
				if e.Value == nil {
					delete(known, e.Key)
				} else {
					known[e.Key] = string(e.Value)
				}
			},
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		for n := range 2000 {
			var value any = n
			if n%3 == 0 {
				value = nil
			}
			must(t, p, "a", fmt.Sprint(n*7%50), value)
			time.Sleep(time.Millisecond)
			if n%300 == 299 {
				synctest.Wait()
				nc.Reset()
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		p.mu.Lock()
		want := map[string]string{}
		for key, value := range p.topics["a"].values {
			want[key] = string(value)
		}
		p.mu.Unlock()
		if fmt.Sprint(known) != fmt.Sprint(want) || len(want) == 0 {
			t.Errorf("got  %v\nwant %v", known, want)
		}
		cancel()
		<-done
	})
}
