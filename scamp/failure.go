package scamp

import (
	"encoding/json"
	"errors"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// Failure returns what a call has failed with as a code, a text and data, which
// is how other implementations report it and how a service may pass it on: the
// error reply unchanged (WIRE-ERR-09b), and the code transport for all that
// happened on the way. The data has dispatch_failure true where the request has
// certainly not been sent (WIRE-ERR-04, 06). It returns nil for nil.
func Failure(err error) *ReplyError {
	var (
		reply   *ReplyError
		lost    *ConnectionError
		late    *TimeoutError
		given   *CanceledError
		aborted *AbortError
		nobody  *NoServiceError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reply):
		return reply
	case errors.As(err, &nobody):
		return &ReplyError{Code: CodeNotFound, Message: err.Error()}
	case errors.Is(err, discovery.ErrStale):
		return &ReplyError{Code: CodeTransport, Message: err.Error(), Data: notExecuted}
	case errors.As(err, &late):
		return &ReplyError{Code: CodeTransport, Message: err.Error(), Data: unsent(!late.Sent)}
	case errors.As(err, &given):
		return &ReplyError{Code: CodeTransport, Message: err.Error(), Data: unsent(!given.Sent)}
	case errors.As(err, &aborted):
		return &ReplyError{Code: CodeTransport, Message: aborted.Text}
	case errors.As(err, &lost) && lost.Sent:
		return &ReplyError{Code: CodeTransport, Message: "Connection lost: " + lost.Err.Error()}
	case lost != nil:
		return &ReplyError{Code: CodeTransport, Message: "Connection failed: " + lost.Err.Error(), Data: notExecuted}
	case errors.Is(err, ErrRequesterClosed):
		return &ReplyError{Code: CodeTransport, Message: err.Error(), Data: notExecuted}
	}
	return &ReplyError{Code: CodeGeneral, Message: err.Error()}
}

func unsent(yes bool) json.RawMessage {
	if yes {
		return notExecuted
	}
	return nil
}
