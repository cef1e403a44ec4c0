package scamp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// Middleware is a function that puts something around a Handler. It is used on one
// handler, or on all of a service with Service.Wrap; several are nested by calling
// one with the result of another.

// LogRequests logs every request when its handler has returned: the action, the
// caller, the user of the ticket, how long it took, and how it failed. What is
// denied before the handler runs is logged by the service itself. A nil logger is
// silent.
func LogRequests(logger *slog.Logger) func(Handler) Handler {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
			start := time.Now()
			err := next.ServeSCAMP(ctx, w, r)
			attrs := []slog.Attr{
				slog.String("action", r.Action), slog.Int("version", r.Version),
				slog.String("peer", w.h.c.nc.RemoteAddr().String()), slog.Duration("took", time.Since(start)),
			}
			if t := TicketFrom(ctx); t != nil {
				attrs = append(attrs, slog.Uint64("user", t.User), slog.Uint64("client", t.Client))
			}
			if err != nil {
				attrs = append(attrs, slog.String("error", err.Error()))
			}
			logger.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
			return err
		})
	}
}

// LimitConcurrency lets at most n requests be with their handlers at a time. Up to
// waiting more wait for their turn, in the order in which they came and within
// their time. What comes beyond, and what is not let in within its time, is refused
// as not executed, so that its caller goes to another instance. All handlers that one
// result is put around share the limit.
func LimitConcurrency(n, waiting int) func(Handler) Handler {
	if n < 1 || waiting < 0 {
		panic(fmt.Sprintf("scamp: a limit of %d requests, %d waiting", n, waiting))
	}
	slots := make(chan struct{}, n)
	var queue atomic.Int64
	wait := func(ctx context.Context, h *handling) error {
		select {
		case slots <- struct{}{}:
			return nil
		default:
		}
		defer queue.Add(-1)
		if queue.Add(1) > int64(waiting) {
			return &ReplyError{Code: CodeTransport, Message: "too many requests in progress", Data: notExecuted}
		}
		h.wait(true)
		select {
		case slots <- struct{}{}:
			if h.wait(false) {
				return nil
			}
			<-slots // its time and its turn came together
		case <-ctx.Done():
		}
		return errNoTime
	}
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
			if err := wait(ctx, w.h); err != nil {
				return err
			}
			defer func() { <-slots }()
			return next.ServeSCAMP(ctx, w, r)
		})
	}
}

// LimitBody lets the bodies of requests have at most n octets. A longer one is
// refused; where the action streams, its Read fails with a *LimitError. A body
// that is collected has been received by then: Action.MaxBody saves the memory, too.
func LimitBody(n int) func(Handler) Handler {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
			limit := &LimitError{What: "octets in a request", Limit: n}
			refusal := &ReplyError{Code: CodeBadRequest, Message: "request refused: " + limit.Error()}
			body, whole := inMemory(r.Body)
			switch {
			case whole && len(body) > n:
				refusal.Data = notExecuted
				return refusal
			case whole:
				return next.ServeSCAMP(ctx, w, r)
			}
			limited := *r
			limited.Body = &limitedBody{body: r.Body, left: n, limit: limit}
			err := next.ServeSCAMP(ctx, w, &limited)
			if own := new(LimitError); errors.As(err, &own) && own == limit {
				return refusal
			}
			return err
		})
	}
}

// A limitedBody is a body that fails where it gets too long.
type limitedBody struct {
	body  io.Reader
	left  int
	limit *LimitError
	over  bool
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.over {
		return 0, b.limit
	}
	if len(p) > b.left+1 { // one more tells whether there is more
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	if n > b.left {
		n, err, b.over = b.left, b.limit, true
	}
	b.left -= n
	return n, err
}
