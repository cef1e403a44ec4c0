package jsonstore

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

func linked(t *testing.T, mux *scamp.Mux) *scamp.Connection {
	a, b := simnet.Pipe(0)
	s := &scamp.Service{Mux: mux}
	go s.ServeConn(a)
	c := scamp.NewConnection(b, scamp.Config{})
	t.Cleanup(func() {
		c.Close()
		s.Close()
	})
	return c
}

func TestHandlerAndCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := new(scamp.Mux)
		mux.Handle(scamp.Action{NoAuth: true, Name: "Test.skus", Version: 2, Envelopes: []string{Envelope}}, Handler(
			func(_ context.Context, r *Request[sku]) (*Reply[sku], error) {
				switch r.Xaction {
				case Destroy:
					return nil, nil
				case Update:
					return nil, &scamp.ReplyError{Code: "no_sku", Message: "there is none"}
				}
				return &Reply[sku]{Records: append(r.Records, sku{ID: 9})}, nil
			}))
		mux.Handle(scamp.Action{NoAuth: true, Name: "Test.hopeless", Envelopes: []string{Envelope}}, Handler(
			func(context.Context, *Request[hopeless]) (*Reply[hopeless], error) {
				return &Reply[hopeless]{Records: []hopeless{{}}}, nil
			}))
		c := linked(t, mux)
		r, err := Call[sku](t.Context(), c, "Test.skus~2", nil)
		if err != nil || r.RecordCount != 1 || r.Records[0].ID != 9 || r.MetaData.Fields[0].Name != "id" {
			t.Error(r, err)
		}
		r, err = Call(t.Context(), c, "Test.skus~2", &Request[sku]{Xaction: Create, Records: []sku{{ID: 1}}})
		if err != nil || r.RecordCount != 2 || r.MetaData != nil {
			t.Error(r, err)
		}
		r, err = Call(t.Context(), c, "Test.skus~2", &Request[sku]{Xaction: Destroy})
		if err != nil || r.RecordCount != 0 || len(r.Records) != 0 {
			t.Error(r, err)
		}
		fails := func(err error, want string) {
			t.Helper()
			if e := new(scamp.ReplyError); !errors.As(err, &e) || !strings.HasPrefix(e.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		_, err = Call(t.Context(), c, "Test.skus~2", &Request[sku]{Xaction: Update})
		fails(err, "no_sku: there is none")
		_, err = Call[sku](t.Context(), c, "Test.hopeless", nil)
		fails(err, "general: jsonstore: the records have no JSON")
		for _, body := range []string{"", "[]", `{"xaction":"drop"}`, `{"records":"x"}`} {
			q := scamp.NewRequest("Test.skus", []byte(body))
			q.Envelope, q.Version = Envelope, 2
			_, err = c.Call(t.Context(), q)
			fails(err, "bad_request: ")
		}
		if _, err = Call(t.Context(), c, "Test.skus~2", &Request[sku]{Xaction: "drop"}); err == nil {
			t.Error("sent")
		}
	})
}

// TestHalfARequestIsNone: a request that was given up does not reach a handler that streams.
func TestHalfARequestIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := new(scamp.Mux)
		mux.Handle(scamp.Action{NoAuth: true, Name: "Test.stream", Envelopes: []string{Envelope}, Stream: true}, Handler(
			func(context.Context, *Request[any]) (*Reply[any], error) { t.Error("executed"); return nil, nil }))
		mux.Handle(scamp.Action{NoAuth: true, Name: "Test.half", Envelopes: []string{Envelope}}, scamp.HandlerFunc(
			func(_ context.Context, w *scamp.ReplyWriter, _ *scamp.Request) error {
				io.WriteString(w, `{"success":true,"records":[]}`)
				w.Flush()
				return io.ErrNoProgress
			}))
		c := linked(t, mux)
		r, w := io.Pipe()
		go func() {
			io.WriteString(w, `{}`)
			w.CloseWithError(io.ErrNoProgress)
		}()
		if _, err := c.Call(t.Context(), &scamp.Request{Header: scamp.Header{Action: "Test.stream", Envelope: Envelope}, Body: r}); err == nil {
			t.Error("no error")
		}
		if _, err := Call[any](t.Context(), c, "Test.half", nil); !errors.As(err, new(*scamp.AbortError)) {
			t.Error(err)
		}
	})
}
