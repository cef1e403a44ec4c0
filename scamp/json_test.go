package scamp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

type question struct {
	Sku   int    `json:"sku"`
	Where string `json:"where,omitempty"`
}

type answer struct {
	Price string `json:"price"`
}

func price(_ context.Context, q question) (answer, error) {
	switch q.Sku {
	case 0:
		return answer{}, &ReplyError{Code: "no_sku", Message: "there is none"}
	case 1:
		return answer{}, errors.New("out of order")
	}
	return answer{fmt.Sprint(q.Sku * 2)}, nil
}

func TestCallJSON(t *testing.T) {
	bubble(t, func(t *testing.T) {
		mux := new(Mux)
		mux.Handle(Action{NoAuth: true, Name: "Test.price", Version: 3}, JSON(price))
		mux.Handle(Action{NoAuth: true, Name: "Test.stream", Stream: true}, JSON(price))
		mux.Handle(Action{NoAuth: true, Name: "Test.unfit"}, JSON(func(context.Context, any) (any, error) { return func() {}, nil }))
		c := linked(t, &Service{Mux: mux}, Config{})
		for _, action := range []string{"Test.price~3", "Test.stream"} {
			a, err := CallJSON[answer](t.Context(), c, action, question{Sku: 7})
			if err != nil || a.Price != "14" {
				t.Error(action, a, err)
			}
		}
		fails := func(action string, in any, want string) {
			t.Helper()
			_, err := CallJSON[answer](t.Context(), c, action, in)
			if e := new(ReplyError); !errors.As(err, &e) || e.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		fails("Test.price", question{Sku: 7}, "not_found: no such action: Test.price version 1")
		fails("Test.price~3", question{}, "no_sku: there is none")
		fails("Test.price~3", question{Sku: 1}, "general: out of order")
		fails("Test.price~3", map[string]string{"sku": "x"},
			"bad_request: the body cannot be used: member sku: string does not fit")
		fails("Test.unfit", 5, "general: the reply has no JSON: json: unsupported type: func()")
	})
}

// TestJSONChecksWhatStreams: where the envelope is not checked before the handler runs, JSON does it.
func TestJSONChecksWhatStreams(t *testing.T) {
	bubble(t, func(t *testing.T) {
		mux := new(Mux)
		ran := false
		mux.Handle(Action{NoAuth: true, Name: "Test.stream", Stream: true}, JSON(func(context.Context, any) (any, error) { ran = true; return nil, nil }))
		c := linked(t, &Service{Mux: mux}, Config{})
		for _, body := range []string{"", "{", "{}x", "\"\xff\""} {
			_, err := c.Call(t.Context(), NewRequest("Test.stream", []byte(body)))
			if e := new(ReplyError); !errors.As(err, &e) || e.Code != CodeBadRequest {
				t.Errorf("%q: %v", body, err)
			}
		}
		_, err := c.Call(t.Context(), NewRequest("Test.stream", make([]byte, 16<<20+1)))
		if e := new(ReplyError); !errors.As(err, &e) || e.Code != CodeBadRequest || !strings.Contains(e.Message, "more than 16777216") {
			t.Error(err)
		}
		if _, err = c.Call(t.Context(), &Request{Header: Header{Action: "Test.stream"}, Body: io.MultiReader(strings.NewReader(`{`), broken{})}); err == nil {
			t.Error("a request that was given up has been answered")
		}
		if ran {
			t.Error("the handler ran")
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// TestReplyMustBeJSON: "the bodies of request and successful reply are each one JSON text in UTF-8 … On violation: failure
// of the call (client)" (WIRE-ENV-01a).
func TestReplyMustBeJSON(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, tc := range []struct{ body, want string }{
			{`null`, ""}, {` {"price":"1"} `, ""}, {`{}`, ""},
			{"", "it is not one JSON text"}, {`{}{}`, "it is not one JSON text"}, {`{"price":`, "it is not one JSON text"},
			{"{\"price\":\"\xff\"}", "it is not in UTF-8"},
			{`[]`, "array does not fit"},
		} {
			mux := new(Mux)
			mux.HandleFunc(Action{NoAuth: true, Name: "Test.raw"}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
				_, err := io.WriteString(w, tc.body)
				return err
			})
			c := linked(t, &Service{Mux: mux}, Config{})
			_, err := CallJSON[answer](t.Context(), c, "Test.raw", nil)
			e := new(BodyError)
			if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, &e) || e.Reason != tc.want) {
				t.Errorf("%q: %v", tc.body, err)
			}
		}
		mux := new(Mux)
		mux.HandleFunc(Action{NoAuth: true, Name: "Test.half"}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			io.WriteString(w, "{}")
			w.Flush()
			return errors.New("no more")
		})
		c := linked(t, &Service{Mux: mux}, Config{})
		if _, err := CallJSON[any](t.Context(), c, "Test.half", nil); !errors.As(err, new(*AbortError)) {
			t.Error(err)
		}
	})
}

func TestBodyErrorHasItsReason(t *testing.T) {
	var v int
	err := unmarshal([]byte(`"x"`), &v)
	if e := new(json.UnmarshalTypeError); !errors.As(err, &e) || err.Error() != "the reply cannot be used: string does not fit" {
		t.Error(err)
	}
	var odd picky
	if err := unmarshal([]byte(`1`), &odd); !errors.Is(err, io.ErrNoProgress) || err.Error() != "the reply cannot be used: "+io.ErrNoProgress.Error() {
		t.Error(err)
	}
}

// picky takes no JSON, for a reason of its own.
type picky struct{}

func (*picky) UnmarshalJSON([]byte) error { return io.ErrNoProgress }

func TestNewJSONRequest(t *testing.T) {
	for action, want := range map[string]string{"A.b": "A.b 1", "A.b~1": "A.b 1", "A.b~12": "A.b 12", "": " 1"} {
		r, err := NewJSONRequest(action, "é")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Action, " ", r.Version); got != want || r.Envelope != "json" {
			t.Errorf("%q: %q", action, got)
		}
		if b, err := r.ReadAll(0); string(b) != `"é"` || err != nil {
			t.Error(string(b), err)
		}
	}
	for _, action := range []string{"A.b~", "A.b~0", "A.b~x", "A.b~-1", "A.b~1~1", "A.b~99999999999"} {
		if r, err := NewJSONRequest(action, nil); err == nil {
			t.Error(action, r)
		}
	}
	if _, err := NewJSONRequest("A.b", func() {}); err == nil {
		t.Error("a function has no JSON")
	}
	if _, err := CallJSON[any](t.Context(), nil, "A.b~x", nil); err == nil {
		t.Error("called")
	}
}

func FuzzCutVersion(f *testing.F) {
	f.Add("A.b~3")
	f.Fuzz(func(t *testing.T, action string) {
		name, version, err := cutVersion(action)
		if err == nil && (version < 1 || strings.Contains(name, "~") || !strings.HasPrefix(action, name)) {
			t.Errorf("%q: %q %d", action, name, version)
		}
	})
}
