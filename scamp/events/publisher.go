package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// A Publisher keeps values and tells subscribers of them. The zero Publisher is ready for use; its fields must not be changed
// once it is used, and its methods may be called from any goroutine. There is nothing to close: a subscription ends with its
// connection (WIRE-EVT-07), and so does the goroutine that serves it.
type Publisher struct {
	// Notify is told of the notifications that peers send, those of one connection one after the other (WIRE-EVT-05b). The
	// body is one JSON text of at most 1 MiB. nil is nobody.
	Notify func(c *scamp.Connection, body json.RawMessage)
	// MaxQueued bounds what waits for one subscriber, in octets of JSON: 16 MiB; negative is no bound. Beyond it, only the
	// latest value of each key is kept; a subscriber for which still more than half of it waits then is cut off.
	MaxQueued int
	// Logger takes what happens; nil is silent.
	Logger *slog.Logger

	mu            sync.Mutex
	topics        map[string]*topic
	subscriptions map[*scamp.Connection]*subscription
}

// A topic is there while it has values or subscribers.
type topic struct {
	values      map[string]json.RawMessage
	subscribers map[*subscription]struct{}
}

// The bounds of what a peer sends.
const (
	maxFilter = 64 << 10
	maxNotify = 1 << 20
)

// Publish sets the value of a key under a code, and tells whoever has subscribed to the code. The value is what
// json.Marshal makes of it; null deletes the key, and deleting what is not there tells nobody. It does not wait.
//
// It fails where there is no JSON that subscribers could take: neither UTF-8, nor values that are nested more than 62 levels
// deep or longer than a quarter of MaxQueued.
func (p *Publisher) Publish(code, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("events: the value has no JSON: %w", err)
	}
	return p.publish(code, key, text, false)
}

// publish is Publish with a value in JSON. A value that is there already may be left alone.
func (p *Publisher) publish(code, key string, text []byte, changes bool) error {
	if !utf8.ValidString(code) || !utf8.ValidString(key) {
		return errors.New("events: a code and a key are in UTF-8")
	}
	if err := jsontext.Check(text, jsontext.MaxDepth-2); err != nil {
		return fmt.Errorf("events: the value is %w", err)
	}
	e := Event{Code: code, Key: key, Value: text}
	if string(text) == "null" {
		e.Value = nil
	}
	if n, most := e.size(), p.maxQueued()/4; n > most {
		return fmt.Errorf("events: a value of %d octets is longer than %d", n, most)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.topic(code)
	defer p.tidy(code, t)
	if changes && e.Value != nil && string(t.values[key]) == string(e.Value) {
		return nil
	}
	if e.Value != nil {
		t.values[key] = e.Value
	} else if _, ok := t.values[key]; ok {
		delete(t.values, key)
	} else {
		return nil
	}
	for s := range t.subscribers {
		s.push(e)
	}
	return nil
}

// size is about what an event takes, in octets.
func (e Event) size() int { return len(e.Code) + len(e.Key) + len(e.Value) + 64 }

func (p *Publisher) maxQueued() int { return bound(p.MaxQueued, 16<<20) }

// topic returns a topic, a new one if need be. p.mu is held.
func (p *Publisher) topic(code string) *topic {
	t := p.topics[code]
	if t == nil {
		t = &topic{map[string]json.RawMessage{}, map[*subscription]struct{}{}}
		if p.topics == nil {
			p.topics = map[string]*topic{}
		}
		p.topics[code] = t
	}
	return t
}

// tidy forgets a topic that nobody needs. p.mu is held.
func (p *Publisher) tidy(code string, t *topic) {
	if len(t.values) == 0 && len(t.subscribers) == 0 {
		delete(p.topics, code)
	}
}

// present returns the values of topics, by code and key. p.mu is held.
func (p *Publisher) present(codes []string) (found []Event) {
	for _, code := range codes {
		values := p.topic(code).values
		for _, key := range slices.Sorted(maps.Keys(values)) {
			found = append(found, Event{code, key, values[key]})
		}
	}
	return found
}

// Messages takes the messages of a service; it is meant for Service.Messages. Those that are not of the events profile it
// leaves alone.
func (p *Publisher) Messages(c *scamp.Connection, m *scamp.MessageReader) {
	switch m.Header.Type {
	case scamp.TypeSubscribe:
		body, whole := read(m, maxFilter)
		// One that was given up, or that nobody could confirm, is ignored (WIRE-EVT-02d, WIRE-HDR-14).
		if whole && m.Header.ErrorCode == "" && !m.Header.RequestID.IsZero() {
			p.subscribe(c, m.Header.RequestID, body)
		}
	case scamp.TypeNotify:
		body, whole := read(m, maxNotify)
		if !whole || !utf8.Valid(body) || !json.Valid(body) {
			p.logger().Info("notification dropped", "peer", c.RemoteAddr())
		} else if p.Notify != nil {
			p.Notify(c, body)
		}
	}
}

// read reads a message to its end, and returns the body if it is whole. One that is longer than a limit is returned as
// nothing, which is no JSON.
func read(m *scamp.MessageReader, limit int) (body []byte, whole bool) {
	body, err := io.ReadAll(io.LimitReader(m, int64(limit)+1))
	if len(body) > limit {
		body = nil
		_, err = io.Copy(io.Discard, m)
	}
	return body, err == nil
}

func (p *Publisher) logger() *slog.Logger {
	if p.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Logger
}
