package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// following follows what a peer sends: which messages are open, and whether a packet is against the order of messages.
type following struct {
	next uint64
	open map[uint64]string // ids
}

func (o *following) fatal(p interpose.Packet) bool {
	_, open := o.open[p.Number]
	switch p.Type {
	case "":
		return true
	case "HEADER":
		m, ok := membersOf(p)
		if p.Number != o.next || !ok {
			return true
		}
		o.next++
		o.open[p.Number] = string(m["request_id"])
	case "DATA":
		return !open
	case "EOF":
		if !open || len(p.Body) > 0 {
			return true
		}
		delete(o.open, p.Number)
	case "TXERR":
		if !open {
			return true
		}
		delete(o.open, p.Number)
	}
	return false
}

// flushing answers half-received requests with errors before it closes on a fatal packet.
func flushing(header func(id string) string, end string) func() interpose.Config {
	return func() interpose.Config {
		var mu sync.Mutex
		sent := uint64(0)
		in := following{open: map[uint64]string{}}
		return interpose.Config{
			In: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				if in.fatal(p) {
					for n, id := range in.open {
						if id == "" || kind(json.RawMessage(id)) != '0' && id[0] != '"' {
							continue
						}
						f.Answer(interpose.Packet{Type: "HEADER", Number: sent, Body: []byte(header(id))})
						e := interpose.Packet{Type: end, Number: sent}
						if end == "TXERR" {
							e.Body = []byte("protocol error")
						}
						f.Answer(e)
						delete(in.open, n)
						sent++
					}
				}
				f.Pass(p)
			},
			Out: func(f *interpose.Flow, p interpose.Packet) {
				mu.Lock()
				defer mu.Unlock()
				if p.Type == "HEADER" {
					sent = p.Number + 1
				}
				f.Pass(p)
			},
		}
	}
}

// failures changes the packets of error replies, except those that the filter is told to leave alone.
func failures(leave func(request members) bool, change func(f *interpose.Flow, p interpose.Packet, m members)) func() interpose.Config {
	return func() interpose.Config {
		var mu sync.Mutex
		left := map[string]bool{}
		chosen := map[uint64]members{}
		return interpose.Config{
			In: func(f *interpose.Flow, p interpose.Packet) {
				if m, ok := membersOf(p); ok && leave != nil && leave(m) {
					mu.Lock()
					left[string(m["request_id"])] = true
					mu.Unlock()
				}
				f.Pass(p)
			},
			Out: func(f *interpose.Flow, p interpose.Packet) {
				if m, ok := membersOf(p); ok {
					mu.Lock()
					if m.failed() && !left[string(m["request_id"])] {
						chosen[p.Number] = m
					}
					mu.Unlock()
				}
				if m := chosen[p.Number]; m != nil && own(p) {
					change(f, p, m)
					return
				}
				f.Pass(p)
			},
		}
	}
}

// identified answers requests without a usable id: their replies get the id that answer makes of what came.
func identified(when func(id json.RawMessage) bool, answer func(m members, id json.RawMessage) members) func() interpose.Config {
	return func() interpose.Config {
		var mu sync.Mutex
		ids := map[string]json.RawMessage{}
		return interpose.Config{
			In: editOne(func(m members) members {
				id := m["request_id"]
				if !when(id) {
					return m
				}
				mu.Lock()
				defer mu.Unlock()
				n := strconv.Itoa(770000 + len(ids))
				ids[n] = id
				return m.with("request_id", n)
			}),
			Out: editOne(func(m members) members {
				mu.Lock()
				defer mu.Unlock()
				if id, ok := ids[string(m["request_id"])]; ok {
					return answer(m, id)
				}
				return m
			}),
		}
	}
}

func noID(id json.RawMessage) bool { return len(id) == 0 || string(id) == "null" }
func oddID(id json.RawMessage) bool {
	return !noID(id) && kind(id) != '0' && kind(id) != '"'
}

// respelled turns numbers into what a double makes of them.
func respelled(m members) members {
	id := m["request_id"]
	if kind(id) != '0' {
		return m
	}
	v, err := strconv.ParseFloat(string(id), 64)
	if err != nil {
		return m
	}
	b, _ := json.Marshal(v)
	return m.with("request_id", string(b))
}

// collecting echoes when the request is complete, whatever it is.
func collecting(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}

// slowCount counts when some time has passed.
func slowCount(d time.Duration) scamp.HandlerFunc {
	n := new(atomic.Int64)
	return func(_ context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
		simnet.Sleep(d)
		_, err := fmt.Fprint(w, n.Add(1))
		return err
	}
}

// eager echoes what has come at once, and its header before that.
func eager(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	if err := w.Flush(); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buf)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// dawdling sends the header at once, and the body when the request is complete and some time has passed.
func dawdling(d time.Duration) scamp.HandlerFunc {
	return func(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
		if err := w.Flush(); err != nil {
			return err
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		simnet.Sleep(d)
		_, err = w.Write(body)
		return err
	}
}

// pausing echoes a complete request in pieces with pauses between them.
func pausing(size int, d time.Duration) scamp.HandlerFunc {
	return func(_ context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		for piece := range slices.Chunk(body, size) {
			simnet.Sleep(d)
			if _, err := w.Write(piece); err != nil {
				return err
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return nil
	}
}

// zeros takes request lines of up to some octets with leading zeros in their numbers.
func zeros(most int, as func(typ, number string) string) func() interpose.Config {
	form := regexp.MustCompile(`^(HEADER|DATA|EOF|TXERR|ACK) ([0-9]{1,70}) 0*([0-9]{1,5})\r\n$`)
	return func() interpose.Config {
		return interpose.Config{Tolerate: func(b []byte) (p interpose.Packet, n int, more bool) {
			end := bytes.IndexByte(b, '\n') + 1
			m := form.FindStringSubmatch(string(b[:end]))
			if m == nil || end > most {
				return p, 0, false
			}
			return interpose.Line(func(string) (typ, number, length string, ok bool) { return m[1], as(m[1], m[2]), m[3], true })(b)
		}}
	}
}

func sameNumber(_, number string) string {
	return strings.TrimLeft(number[:len(number)-1], "0") + number[len(number)-1:]
}

func isFixture(m members) bool {
	return strings.HasPrefix(strings.ToLower(m.text("action")), "conformance.")
}

func wrongKind(m members, name string, kinds string) bool {
	v, ok := m[name]
	return ok && !strings.ContainsRune(kinds+"n", rune(kind(v)))
}
