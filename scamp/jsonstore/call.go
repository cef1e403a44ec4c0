package jsonstore

import (
	"context"

	"github.com/gudtech/scamp-sim/scamp"
)

// Handler makes a Handler of a function that takes records and returns records. A body that is no request of this envelope,
// or whose records are not of type R, fails as bad_request; errors of f are answered as scamp.Handler says. A nil reply is
// one without records.
func Handler[R any](f func(ctx context.Context, r *Request[R]) (*Reply[R], error)) scamp.Handler {
	return scamp.HandlerFunc(func(ctx context.Context, w *scamp.ReplyWriter, r *scamp.Request) error {
		body, err := r.ReadAll(0)
		if err != nil {
			return err
		}
		request, err := ParseRequest[R](body)
		if err != nil {
			return &scamp.ReplyError{Code: scamp.CodeBadRequest, Message: err.Error()}
		}
		reply, err := f(ctx, request)
		if err != nil {
			return err
		}
		if reply == nil {
			reply = new(Reply[R])
		}
		if body, err = reply.append(nil, request.Xaction); err != nil {
			return err
		}
		_, err = w.Write(body)
		return err
	})
}

// Call calls an action, "Name" or "Name~VERSION". A nil request reads. Errors are those of Caller.Call, of reading a body, and of ParseReply.
func Call[R any](ctx context.Context, c scamp.Caller, action string, request *Request[R]) (*Reply[R], error) {
	if request == nil {
		request = new(Request[R])
	}
	r, err := scamp.NewJSONRequest(action, request)
	if err != nil {
		return nil, err
	}
	r.Envelope = Envelope
	reply, err := c.Call(ctx, r)
	if err != nil {
		return nil, err
	}
	body, err := reply.ReadAll(0)
	if err != nil {
		return nil, err
	}
	return ParseReply[R](body)
}
