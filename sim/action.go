package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
)

// A message is the body of a request of the world, besides what fills it.
type message struct {
	ID   uint64 `json:"id"`
	Mark uint64 `json:"world,omitempty"` // of real time: it is no message of another program
}

// An answer is the body of a reply, besides what fills it: it proves which request it
// is for, and that its body came whole.
type answer struct {
	ID    uint64 `json:"id"`
	Octet int    `json:"octets"`
	Sum   uint32 `json:"sum"`
}

// What fills requests and replies.
var (
	asking    = bytes.Repeat([]byte("x"), 4096)
	answering = bytes.Repeat([]byte("y"), 4096)
)

const padBegin, padEnd = `,"pad":"`, `"}`

// filled is the JSON of a struct that has members, with one more of n octets of fill.
func filled(v any, fill []byte, n int) ([]byte, error) {
	head, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(head)+len(padBegin)+n+len(padEnd))
	b = append(append(b, head[:len(head)-1]...), padBegin...)
	for n > 0 {
		k := min(n, len(fill))
		b = append(b, fill[:k]...)
		n -= k
	}
	return append(b, padEnd...), nil
}

// unfilled reads JSON as filled makes it, and any other. It does not decode what fills
// it: that is most of it.
func unfilled(b []byte, fill []byte, v any) error {
	head, rest, _ := bytes.Cut(b, []byte(padBegin))
	if pad, ok := bytes.CutSuffix(rest, []byte(padEnd)); ok && bytes.Count(pad, fill[:1]) == len(pad) {
		return json.Unmarshal(append(head[:len(head):len(head)], '}'), v)
	}
	return json.Unmarshal(b, v)
}

// handler runs an action of one start of an instance.
type handler struct {
	in    *Instance
	spec  ActionSpec
	start int
}

// ServeSCAMP executes a request: after its latency, with its probability of going
// wrong. What it draws depends on the request alone.
func (h *handler) ServeSCAMP(ctx context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
	world := h.in.service.w
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var m message
	err = unfilled(body, asking, &m)
	altered := world.altered(h.in.host, r.RequestID.String(), m.ID, body)
	if world.mixed() && (world.real || !altered) && (err != nil || !world.own(m)) {
		return h.serveOutside(ctx, w, body)
	}
	if altered {
		return &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: "the request was altered on its way"}
	}
	if err != nil {
		world.violate("%s: a request arrived damaged: %v", h.in.host, err)
		return &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: "no request of this world"}
	}
	if h.in.service.spec.Unauthorized {
		world.violate("%s is called, which is not authorised", h.in.host)
	}
	random := world.random("handle", h.in.host, h.start, m.ID)
	if random.Float64() < h.spec.Refuse {
		world.refused(m.ID, h.in.host)
		return refusal()
	}
	world.executed(m.ID, h.in.host)
	return h.perform(ctx, w, random, answer{m.ID, len(body), crc32.ChecksumIEEE(body)}, func(reply []byte) { world.replies(m.ID, bodyOf(reply)) })
}

// refusal is an error reply that says that nothing was executed.
func refusal() *scamp.ReplyError {
	return &scamp.ReplyError{Code: scamp.CodeTransport, Message: "refused", Data: json.RawMessage(`{"dispatch_failure":true}`)}
}

// perform does what the action is described to do with a request that is executed.
// made is told of a whole reply before it is sent.
func (h *handler) perform(ctx context.Context, w *scamp.ReplyWriter, random *rand.Rand, answer any, made func(reply []byte)) error {
	if h.spec.Latency != (Dist{}) {
		t := time.NewTimer(h.in.latency(h.spec.Latency.Duration(random)))
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if random.Float64() < h.spec.Errors {
		return &scamp.ReplyError{Code: "simulated", Message: "the service fails as it was told to"}
	}
	reply, err := filled(answer, answering, h.spec.Reply.size(random))
	if err != nil {
		return err
	}
	made(reply)
	if random.Float64() < h.spec.Abort {
		if _, err := w.Write(reply[:random.IntN(len(reply))]); err != nil {
			return err
		}
		return errors.New("given up as it was told to")
	}
	_, err = w.Write(reply)
	return err
}
