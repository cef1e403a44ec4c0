package scamp

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMistakesOfTheProgramPanic(t *testing.T) {
	mux := new(Mux)
	mux.Handle(Action{Name: "Test.it", NoAuth: true}, nothing)
	mux.Handle(Action{Name: "Test.it", NoAuth: true, Version: 2}, nothing)
	for name, handle := range map[string]func(){
		"no name":    func() { mux.Handle(Action{}, nothing) },
		"no handler": func() { mux.Handle(Action{Name: "Test.other", NoAuth: true}, nil) },
		"version":    func() { mux.Handle(Action{Name: "Test.other", NoAuth: true, Version: -1}, nothing) },
		"twice":      func() { mux.Handle(Action{Name: "TEST.IT", NoAuth: true}, nothing) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error(name, "is taken")
				}
			}()
			handle()
		}()
	}
}

// TestActionsWithoutBounds: a negative number is no bound.
func TestActionsWithoutBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := new(Mux)
		mux.Handle(Action{Name: "Test.it", NoAuth: true, Timeout: -1, MaxBody: -1}, HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
			time.Sleep(time.Hour)
			_, err := w.Write([]byte("done"))
			return err
		}))
		c := linked(t, &Service{Mux: mux, Config: Config{MaxRequest: 1000}}, Config{CallTimeout: -1})
		body := `"` + strings.Repeat("x", 100000) + `"`
		if got, err := calling(c, t.Context(), NewRequest("Test.it", []byte(body)))(); got != "done" || err != nil {
			t.Error(got, err)
		}
	})
}

func TestLower(t *testing.T) { // WIRE-SVC-02a: ASCII letters only
	for s, want := range map[string]string{"abc": "abc", "Test.ECHO": "test.echo", "É": "É", "Éa.B": "Éa.b"} {
		if got := lower(s); got != want {
			t.Errorf("lower(%q) = %q", s, got)
		}
	}
}
