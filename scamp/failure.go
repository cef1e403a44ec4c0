package scamp

import (
	"errors"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// Failure returns what a call has failed with as a code, a text and data, which
// is how other implementations report it and how a service may pass it on: the
// error reply unchanged (WIRE-ERR-09b), and the code transport for all that
// happened on the way. The data has dispatch_failure true where the request has
// certainly not been sent (WIRE-ERR-04, 06). It returns nil for nil.
func Failure(err error) *ReplyError {
	var f callError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f.failure(err.Error())
	case errors.Is(err, discovery.ErrStale), errors.Is(err, ErrRequesterClosed):
		return transport(err.Error(), false)
	}
	return &ReplyError{Code: CodeGeneral, Message: err.Error()}
}

// A callError is what a call may fail with. The outermost one of a chain says what has
// become of the call. What that wraps may be about another: a context can end
// because somebody else's call has failed, and a body can come from one.
type callError interface {
	error
	failure(text string) *ReplyError // text is that of the whole chain
}

func (e *ReplyError) failure(string) *ReplyError { return e }

func (e *NoServiceError) failure(text string) *ReplyError {
	return &ReplyError{Code: CodeNotFound, Message: text}
}

func (e *TimeoutError) failure(text string) *ReplyError { return transport(text, e.Sent) }

func (e *CanceledError) failure(text string) *ReplyError { return transport(text, e.Sent) }

func (e *AbortError) failure(string) *ReplyError { return transport(e.Text, true) }

func (e *ConnectionError) failure(string) *ReplyError {
	if e.Sent {
		return transport("Connection lost: "+e.Err.Error(), true)
	}
	return transport("Connection failed: "+e.Err.Error(), false)
}

func transport(text string, sent bool) *ReplyError {
	e := &ReplyError{Code: CodeTransport, Message: text}
	if !sent {
		e.Data = notExecuted
	}
	return e
}
