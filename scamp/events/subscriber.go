package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
)

// A Subscriber gets the values of topics from one service, and their changes. Its fields must not be changed while it runs.
// Event, Ready and Lost are called one at a time; while one of them works, nothing more is read, and a service holds back
// what it has to say.
type Subscriber struct {
	// Connect makes a connection to a service that is known to have the events profile (WIRE-EVT-06). Its Config must have
	// Accept set. The subscriber has the connection for itself, and closes it.
	Connect func(ctx context.Context) (*scamp.Connection, error)
	// Topics are the codes to subscribe to, at most 10 (WIRE-EVT-01b).
	Topics []string
	// Event is told of every value that is present when the subscription begins, and of every change. When it begins anew
	// after a loss, all present values come again, and then keys that have gone meanwhile, as deleted.
	Event func(e Event)
	// Ready is told when the present values have come (WIRE-EVT-04b), each time; with ErrRefused when the service has
	// refused the topics. nil is nobody.
	Ready func(err error)
	// Lost is told why there is no connection, each time; nil is nobody.
	Lost func(err error)

	// Timeout is how long subscribe_done may take from the connection on: 75 s; negative is for ever.
	Timeout time.Duration
	// MaxEvent bounds an event message, and the names of all keys that are set, in octets: 16 MiB. MaxKeys bounds the number of
	// those keys: 65536. A service that passes a bound loses its connection. Negative is no bound.
	MaxEvent, MaxKeys int
	// Random is where the jitter of reconnections comes from, a number from 0 to 1; nil is math/rand/v2.
	Random func() float64
	// Logger takes what happens; nil is silent.
	Logger *slog.Logger

	mu    sync.Mutex
	ready *scamp.Connection // nil: there is none, or subscribe_done has not come
}

var (
	// ErrRefused: the service has answered the subscription with false.
	ErrRefused = errors.New("events: the subscription has been refused")
	// ErrNotReady: there is no connection with a subscription.
	ErrNotReady = errors.New("events: not connected")
	// ErrNotConfirmed: subscribe_done has not come in time.
	ErrNotConfirmed = errors.New("events: the subscription has not been confirmed in time")
)

// Run subscribes, and does so again whenever the connection is lost, after 50 ms at first, doubling up to 10 s, with some
// jitter, and anew from 50 ms when subscribe_done has come (WIRE-CONN-07). It returns when ctx ends, with its cause. It must
// not run twice at a time.
func (s *Subscriber) Run(ctx context.Context) error {
	if len(s.Topics) > maxTopics {
		return fmt.Errorf("events: %d topics are more than %d", len(s.Topics), maxTopics)
	}
	random := s.Random
	if random == nil {
		random = rand.Float64
	}
	var pause backoff
	known := new(keys)
	for {
		err := s.once(ctx, known, &pause)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wait := pause.next(random())
		s.logger().Info("subscription lost", "error", err, "pause", wait)
		if s.Lost != nil {
			s.Lost(err)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
	}
}

// once connects and subscribes, and returns why the connection has ended.
func (s *Subscriber) once(ctx context.Context, known *keys, pause *backoff) error {
	c, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	defer s.setReady(nil)
	known.begin()
	w := &watch{s: s, c: c, id: c.NewID(), known: known, pause: pause}
	if timeout := cmp.Or(s.Timeout, 75*time.Second); timeout > 0 {
		w.late = time.AfterFunc(timeout, func() { c.Close() })
		defer w.late.Stop()
	}
	err = w.run(ctx)
	if !w.done && errors.Is(err, scamp.ErrClosed) {
		return ErrNotConfirmed
	}
	return err
}

func (s *Subscriber) setReady(c *scamp.Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = c
}

func (s *Subscriber) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// Notify sends a notification over the connection that the subscriber has, and fails with ErrNotReady if there is none.
func (s *Subscriber) Notify(ctx context.Context, value any) error {
	s.mu.Lock()
	c := s.ready
	s.mu.Unlock()
	if c == nil {
		return ErrNotReady
	}
	return Notify(ctx, c, value)
}

// Notify sends a notification, whose body is the JSON of a value, to a peer that is known to have the events profile
// (WIRE-EVT-05a, WIRE-EVT-06). It returns when the notification is on its way; there is no answer.
func Notify(ctx context.Context, c *scamp.Connection, value any) error {
	return send(ctx, c, scamp.Header{Type: scamp.TypeNotify}, value)
}

func send(ctx context.Context, c *scamp.Connection, h scamp.Header, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("events: the value has no JSON: %w", err)
	}
	m, err := c.NewMessage(ctx, h)
	if err != nil {
		return err
	}
	if _, err := m.Write(body); err != nil {
		m.Abort(err)
		return err
	}
	return m.CloseWait()
}

// A watch is one connection of a subscriber.
type watch struct {
	s     *Subscriber
	c     *scamp.Connection
	id    scamp.ID    // of the subscription
	late  *time.Timer // nil: it may take for ever
	done  bool        // subscribe_done has come
	known *keys
	pause *backoff
}

// run subscribes and takes what comes, until the connection ends.
func (w *watch) run(ctx context.Context) error {
	topics := append([]string{}, w.s.Topics...) // never null
	if err := send(ctx, w.c, scamp.Header{Type: scamp.TypeSubscribe, RequestID: w.id}, topics); err != nil {
		return err
	}
	for {
		m, err := w.c.Accept(ctx)
		if err != nil {
			return err
		}
		err = w.take(m)
		m.Close()
		if err != nil {
			return err
		}
	}
}

// take deals with one message; requests are dropped, as other strange ones are (WIRE-RPC-09b). An error ends the connection.
func (w *watch) take(m *scamp.MessageReader) error {
	switch h := &m.Header; h.Type {
	case scamp.TypeEvent:
		return w.event(m)
	case scamp.TypeSubscribeDone:
		if h.RequestID.String() != w.id.String() || w.done {
			return nil
		}
		body, err := io.ReadAll(io.LimitReader(m, 100))
		if err != nil {
			return nil // it was given up
		}
		w.confirm(body)
	}
	return nil
}

// confirm takes the body of subscribe_done.
func (w *watch) confirm(body []byte) {
	w.done = true
	if w.late != nil {
		w.late.Stop()
	}
	w.pause.reset()
	var result error
	var yes bool
	if json.Unmarshal(body, &yes) != nil || !yes {
		result = ErrRefused
	} else {
		for _, e := range w.known.gone() {
			w.tell(e)
		}
	}
	w.s.setReady(w.c)
	if w.s.Ready != nil {
		w.s.Ready(result)
	}
}

// event takes an event message. Only its bounds are a reason to end the connection.
func (w *watch) event(m *scamp.MessageReader) error {
	most := bound(w.s.MaxEvent, 16<<20)
	body, err := io.ReadAll(io.LimitReader(m, int64(most)+1))
	if len(body) > most {
		return &scamp.LimitError{What: "octets in an event message", Limit: most}
	}
	if err != nil {
		w.s.logger().Info("event dropped", "error", err)
		return nil
	}
	events, skipped, err := parseEvents(body)
	if err != nil || skipped > 0 {
		w.s.logger().Warn("event records skipped: they are malformed", "records", skipped, "error", err)
	}
	keys := bound(w.s.MaxKeys, 65536)
	for _, e := range events {
		w.known.put(e)
		if len(w.known.at) > keys {
			return &scamp.LimitError{What: "keys", Limit: keys}
		}
		if w.known.octets > most {
			return &scamp.LimitError{What: "octets of keys", Limit: most}
		}
		w.tell(e)
	}
	return nil
}

// bound returns a bound whose zero is a default and whose negative values are none.
func bound(n, usual int) int {
	switch {
	case n == 0:
		return usual
	case n < 0:
		return math.MaxInt - 1
	}
	return n
}

func (w *watch) tell(e Event) {
	if w.s.Event != nil {
		w.s.Event(e)
	}
}
