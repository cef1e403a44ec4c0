package scamp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Caller calls actions, as a Connection and a Requester do.
type Caller interface {
	Call(ctx context.Context, r *Request) (*Reply, error)
}

// CallJSON calls an action in the envelope json, with a Go value as the request's body and one as the reply's. The action
// is "Name", which is version 1, or "Name~VERSION".
//
// Errors are those of Call and of reading a body, and a *BodyError where the reply's body is not one JSON text or not of
// the type that is asked for. For a request with further members in its header, such as a ticket, see NewJSONRequest.
func CallJSON[Out any](ctx context.Context, c Caller, action string, request any) (Out, error) {
	var out Out
	r, err := NewJSONRequest(action, request)
	if err != nil {
		return out, err
	}
	reply, err := c.Call(ctx, r)
	if err != nil {
		return out, err
	}
	err = reply.ReadJSON(&out)
	return out, err
}

// NewJSONRequest returns a request in the envelope json with the JSON of v as its body. The action is "Name" or
// "Name~VERSION".
func NewJSONRequest(action string, v any) (*Request, error) {
	name, version, err := cutVersion(action)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("scamp: the request of %s has no JSON: %w", name, err)
	}
	r := NewRequest(name, body)
	r.Version = version
	return r, nil
}

// cutVersion reads "Name" or "Name~VERSION".
func cutVersion(action string) (name string, version int, err error) {
	name, text, ok := strings.Cut(action, "~")
	if !ok {
		return name, 1, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("scamp: action %q: what follows ~ is not a version", action)
	}
	return name, int(n), nil
}

// A BodyError says that a successful reply has a body that its envelope does not allow, or that is not of the form that the
// caller asked for (WIRE-ENV-01a). The action has been executed.
type BodyError struct {
	Reason string
	Err    error // what encoding/json says, or nil
}

func (e *BodyError) Error() string { return "the reply cannot be used: " + e.Reason }

// Unwrap returns the reason in its own type.
func (e *BodyError) Unwrap() error { return e.Err }

// ReadJSON reads the whole body, of at most Config.MaxRequest octets, into the value that v points to. It fails as ReadAll
// does, and with a *BodyError where the body is not one JSON text in UTF-8 or does not fit.
func (r *Reply) ReadJSON(v any) error {
	body, err := r.ReadAll(0)
	if err != nil {
		return err
	}
	return unmarshal(body, v)
}

func unmarshal(body []byte, v any) error {
	if !utf8.Valid(body) { // encoding/json would repair it
		return &BodyError{Reason: "it is not in UTF-8"}
	}
	err := json.Unmarshal(body, v)
	kind := new(json.UnmarshalTypeError)
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*json.SyntaxError)):
		return &BodyError{Reason: "it is not one JSON text", Err: err}
	case errors.As(err, &kind) && kind.Field != "":
		return &BodyError{Reason: "member " + kind.Field + ": " + kind.Value + " does not fit", Err: err}
	case errors.As(err, &kind):
		return &BodyError{Reason: kind.Value + " does not fit", Err: err}
	}
	return &BodyError{Reason: err.Error(), Err: err}
}

// JSON makes a Handler of a function that takes the request's body as a Go value and returns the reply's. A body that is
// not of type In fails the request as bad_request; errors of f are answered as Handler says.
func JSON[In, Out any](f func(ctx context.Context, in In) (Out, error)) Handler {
	return HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
		body, err := r.ReadAll(0)
		if err != nil {
			return err
		}
		var in In
		if err := unmarshal(body, &in); err != nil {
			return &ReplyError{Code: CodeBadRequest, Message: "the body cannot be used: " + err.(*BodyError).Reason}
		}
		out, err := f(ctx, in)
		if err != nil {
			return err
		}
		if body, err = json.Marshal(out); err != nil {
			return fmt.Errorf("the reply has no JSON: %w", err)
		}
		_, err = w.Write(body)
		return err
	})
}

// ReadAll returns the whole body of a request in the hands of a handler. A body that was collected before the handler began
// is returned as it is; one that streams may have at most limit octets, 0 being 16 MiB. A longer one is a *ReplyError that
// the handler may return. It fails with what Body.Read fails with, too: then the request is not whole.
func (r *Request) ReadAll(limit int) ([]byte, error) {
	if body, ok := inMemory(r.Body); ok {
		return body, nil
	}
	if limit <= 0 {
		limit = 16 << 20
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(body) > limit {
		e := LimitError{What: "octets in a message", Limit: limit}
		return nil, &ReplyError{Code: CodeBadRequest, Message: "request refused: " + e.Error()}
	}
	return body, nil
}
