package sim

import (
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"maps"
	"slices"

	"github.com/gudtech/scamp-sim/scamp"
)

// mark is what requests of the world have where there are others, so that they are told
// from them: in real time, and where there are programs.
func (w *World) mark() uint64 {
	if !w.mixed() {
		return 0
	}
	return w.seed ^ uint64(w.start.UnixNano()) | 1
}

// mixed reports whether others may call the services of the world.
func (w *World) mixed() bool {
	if w.real {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.programs) > 0
}

// own reports whether a request is one of the world's requesters: it has the mark, or
// it is older than the first program.
func (w *World) own(m message) bool {
	if mark := w.mark(); m.Mark == mark || w.real || m.Mark != 0 {
		return m.Mark == mark
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return m.ID <= w.unmarked && w.calls[m.ID] != nil
}

// An echo is the body of the reply to a program of the operating system, besides what
// fills it.
type echo struct {
	Instance string          `json:"instance"`
	Action   string          `json:"action"`
	Octets   int             `json:"octets"` // of the request's body
	Sum      uint32          `json:"sum"`    // of the same, CRC-32
	Echo     json.RawMessage `json:"echo,omitempty"`
}

// mostEcho is the longest body that is repeated.
const mostEcho = 64 << 10

// serveOutside answers a program that is not of the world: as the action is described,
// with what proves that its body has come. Nothing is judged.
func (h *handler) serveOutside(ctx context.Context, w *scamp.ReplyWriter, body []byte) error {
	world := h.in.service.w
	if h.in.service.spec.Unauthorized {
		world.Note("%s is called from outside, although it is not authorised", h.in.host)
	}
	n := uint64(world.Elapsed())
	if world.real {
		world.mu.Lock()
		world.outsiders++
		n = world.outsiders
		world.mu.Unlock()
	}
	random := world.random("outside", h.in.host, h.start, n, string(body))
	err := error(refusal())
	if random.Float64() >= h.spec.Refuse {
		e := echo{Instance: h.in.host, Action: h.spec.Name, Octets: len(body), Sum: crc32.ChecksumIEEE(body)}
		if len(body) <= mostEcho && json.Valid(body) {
			e.Echo = body
		}
		err = h.perform(ctx, w, random, e, func([]byte) {})
	}
	kind := GivenUp
	switch reply := (*scamp.ReplyError)(nil); {
	case err == nil:
		kind = OK
	case ctx.Err() != nil:
		kind = Cancelled
	case errors.As(err, &reply):
		kind = kindOf(err)
	}
	world.mu.Lock()
	world.stats.outside[outsideKey{h.in.host, h.spec.Name, kind}]++
	world.mu.Unlock()
	return err
}

// Snapshot returns the numbers of the run until now.
func (w *World) Snapshot() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.complete()
	s.byAction, s.outside = nil, nil
	for i := range s.Actions {
		a := &s.Actions[i]
		a.Kinds = maps.Clone(a.Kinds)
		a.Latency.counts = slices.Clone(a.Latency.counts)
	}
	return s
}

// Violations returns what must always hold and did not, until now.
func (w *World) Violations() []Violation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.broken)
}
