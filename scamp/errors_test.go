package scamp

import (
	"context"
	"errors"
	"io"
	"testing"
)

func TestNotExecuted(t *testing.T) { // WIRE-ERR-07
	for data, want := range map[string]bool{
		`{"dispatch_failure":true}`: true, `{"a":1, "dispatch_failure" : true }`: true,
		`{"dispatch_failure":false}`: false, `{"dispatch_failure":"true"}`: false, `{"dispatch_failure":1}`: false,
		`{"dispatch_failure":true,"dispatch_failure":false}`: false, `{"Dispatch_failure":true}`: false, `{}`: false, ``: false,
	} {
		if got := (&ReplyError{Data: []byte(data)}).NotExecuted(); got != want {
			t.Errorf("%s: %v", data, got)
		}
	}
}

func TestErrorsUnwrapAndSpeak(t *testing.T) {
	for want, err := range map[string]error{
		"c: t":                                      &ReplyError{Code: "c", Message: "t"},
		"given up by the peer: x":                   &AbortError{Text: "x"},
		"protocol error: DATA 0: why (R-1)":         &ProtocolError{Packet: "DATA 0", Rule: "R-1", Reason: "why"},
		"connection lost: EOF":                      &ConnectionError{Err: io.EOF},
		"call of A.b timed out":                     &TimeoutError{Action: "A.b", Err: context.DeadlineExceeded},
		"call of A.b cancelled: EOF":                &CanceledError{Action: "A.b", Err: io.EOF},
		"more than 5 open messages":                 &LimitError{What: "open messages", Limit: 5},
		"certificate has fingerprint B, expected A": &FingerprintError{Want: "A", Got: "B"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	for _, err := range []error{&ConnectionError{Err: io.EOF}, &CanceledError{Err: io.EOF}, &TimeoutError{Err: io.EOF}} {
		if !errors.Is(err, io.EOF) {
			t.Errorf("%T hides its reason", err)
		}
	}
}
