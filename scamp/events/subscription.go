package events

import (
	"bufio"
	"context"
	"slices"

	"github.com/gudtech/scamp-sim/scamp"
)

// A subscription is what a connection has subscribed to, and what is to be sent there. A goroutine of its own sends it.
type subscription struct {
	p      *Publisher
	c      *scamp.Connection
	ctx    context.Context // ends when the peer is cut off
	cancel context.CancelFunc
	wake   chan struct{} // there is something in queue

	// Guarded by p.mu.
	codes []string // none twice
	queue []item
	size  int // of the events in queue, in octets
}

// An item is an event, or an answer to a subscribe message.
type item struct {
	Event
	answer *answer
}

// An answer is what a subscribe message is answered with.
type answer struct {
	id      scamp.ID
	ok      bool    // the body of subscribe_done
	values  bool    // present goes before it
	present []Event // the values at the time of the subscription
	sent    chan struct{}
}

// subscribe acts on the filter of a subscribe message, and waits until it has been answered: so that a peer that does not
// read cannot pile up answers.
func (p *Publisher) subscribe(c *scamp.Connection, id scamp.ID, body []byte) {
	codes, ok := parseFilter(body)
	a := &answer{id: id, ok: ok, values: ok && codes != nil, sent: make(chan struct{})}
	p.mu.Lock()
	s := p.subscription(c)
	if ok {
		s.replace(codes)
		a.present = p.present(s.codes)
	}
	s.add(item{answer: a})
	p.mu.Unlock()
	select {
	case <-a.sent:
	case <-c.Done():
	}
}

// subscription returns the subscription of a connection, a new one if need be. p.mu is held.
func (p *Publisher) subscription(c *scamp.Connection) *subscription {
	s := p.subscriptions[c]
	if s == nil {
		s = &subscription{p: p, c: c, wake: make(chan struct{}, 1)}
		s.ctx, s.cancel = context.WithCancel(context.Background())
		if p.subscriptions == nil {
			p.subscriptions = map[*scamp.Connection]*subscription{}
		}
		p.subscriptions[c] = s
		go s.run()
	}
	return s
}

// replace makes these the topics (WIRE-EVT-01b). What waits of others is not sent any more. p.mu is held.
func (s *subscription) replace(codes []string) {
	for _, code := range s.codes {
		t := s.p.topic(code)
		delete(t.subscribers, s)
		s.p.tidy(code, t)
	}
	s.codes = nil
	for _, code := range codes {
		if !slices.Contains(s.codes, code) {
			s.codes = append(s.codes, code)
			s.p.topic(code).subscribers[s] = struct{}{}
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(i item) bool { return i.answer == nil && !slices.Contains(s.codes, i.Code) })
	s.count()
}

func (s *subscription) count() {
	s.size = 0
	for _, i := range s.queue {
		if i.answer == nil {
			s.size += i.Event.size()
		}
	}
}

// push lets an event be sent. p.mu is held.
func (s *subscription) push(e Event) {
	most := s.p.maxQueued()
	if s.ctx.Err() != nil {
		return
	}
	if s.size += e.size(); s.size > most {
		s.coalesce()
		if s.size+e.size() > most/2 {
			s.queue = nil
			s.cancel()
			return
		}
		s.size += e.size()
	}
	s.add(item{Event: e})
}

// coalesce keeps the latest event of each key. p.mu is held.
func (s *subscription) coalesce() {
	last := make(map[place]int, len(s.queue))
	for n, i := range s.queue {
		if i.answer == nil {
			last[place{i.Code, i.Key}] = n
		}
	}
	kept := s.queue[:0]
	for n, i := range s.queue {
		if i.answer != nil || last[place{i.Code, i.Key}] == n {
			kept = append(kept, i)
		}
	}
	clear(s.queue[len(kept):])
	s.queue = kept
	s.count()
}

// add puts an item behind the others. p.mu is held.
func (s *subscription) add(i item) {
	s.queue = append(s.queue, i)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run sends what there is to send, until the connection ends (WIRE-EVT-07). A subscriber that is too slow is cut off.
func (s *subscription) run() {
	defer s.end()
	for {
		select {
		case <-s.c.Done():
			return
		case <-s.ctx.Done():
			return
		case <-s.wake:
		}
		for {
			a, batch := s.next()
			if a == nil && batch == nil {
				break
			}
			if s.send(a, batch) != nil {
				return
			}
		}
	}
}

// end forgets the subscription, and closes a connection that has not ended: changes have been lost for it.
func (s *subscription) end() {
	s.p.mu.Lock()
	s.replace(nil)
	delete(s.p.subscriptions, s.c)
	s.p.mu.Unlock()
	if s.c.Err() == nil {
		s.p.logger().Warn("subscriber cut off: it is too slow", "peer", s.c.RemoteAddr())
		s.c.Close()
	}
	s.cancel()
}

// batchSize is how much of what waits goes into one message, in octets.
const batchSize = 64 << 10

// next takes what is to be sent next: an answer, or events of one topic (WIRE-EVT-03c).
func (s *subscription) next() (a *answer, batch []Event) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	size := 0
	for size < batchSize && len(s.queue) > 0 {
		i := s.queue[0]
		if batch != nil && (i.answer != nil || i.Code != batch[0].Code) {
			break
		}
		s.queue[0] = item{}
		if s.queue = s.queue[1:]; len(s.queue) == 0 {
			s.queue = nil
		}
		if i.answer != nil {
			return i.answer, nil
		}
		batch = append(batch, i.Event)
		size += i.Event.size()
	}
	s.size -= size
	return nil, batch
}

// send sends an answer or events, and returns when they are on their way.
func (s *subscription) send(a *answer, batch []Event) error {
	if a == nil {
		return s.sendEvents(batch)
	}
	defer close(a.sent)
	if a.values { // WIRE-EVT-02a
		if err := s.sendEvents(a.present); err != nil {
			return err
		}
	}
	body := "false"
	if a.ok {
		body = "true"
	}
	return s.sendMessage(scamp.Header{Type: scamp.TypeSubscribeDone, RequestID: a.id}, func(w *bufio.Writer) { w.WriteString(body) })
}

func (s *subscription) sendEvents(list []Event) error {
	return s.sendMessage(scamp.Header{Type: scamp.TypeEvent}, func(w *bufio.Writer) {
		var text []byte
		between := byte('[')
		for _, e := range list {
			text = e.append(append(text[:0], between))
			w.Write(text)
			between = ','
		}
		if len(list) == 0 {
			w.WriteByte('[')
		}
		w.WriteByte(']')
	})
}

// sendMessage sends one message. Messages come to their ends in their order: a receiver may look at nothing else.
func (s *subscription) sendMessage(h scamp.Header, body func(w *bufio.Writer)) error {
	m, err := s.c.NewMessage(s.ctx, h)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(m, batchSize/4)
	body(w)
	if err := w.Flush(); err != nil {
		m.Abort(err)
		return err
	}
	return m.CloseWait()
}
