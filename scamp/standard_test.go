package scamp

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestQueueDepth: the number of other requests in progress (WIRE-SVC-05).
func TestQueueDepth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, _ := fixture(Config{})
		svc.Name = "main-inventory"
		svc.Wrap = LimitConcurrency(1, 5) // does not count for it
		if err := svc.HandleStandard(); err != nil {
			t.Fatal(err)
		}
		c, d := linked(t, svc, Config{}), linked(t, svc, Config{})
		depth := func() string { return try(t, d, "main-inventory.queue_depth", "") }
		if got := depth(); got != `{"queue_depth":0}` {
			t.Error(got)
		}
		var calls []func() (string, error)
		for range 3 {
			calls = append(calls, calling(c, t.Context(), NewRequest("Test.sleep", []byte(`"1s"`))))
		}
		synctest.Wait()
		if got := depth(); got != `{"queue_depth":3}` {
			t.Error(got)
		}
		for i, reply := range calls {
			if _, err := reply(); err != nil {
				t.Error(err)
			}
			if got, want := depth(), []string{`{"queue_depth":2}`, `{"queue_depth":1}`, `{"queue_depth":0}`}[i]; i == 2 && got != want {
				t.Error(got)
			}
		}
		try(t, c, "Test.panic", "")
		try(t, c, "No.such", "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calling(c, ctx, NewRequest("Test.sleep", []byte(`"5s"`)))()
		time.Sleep(10 * time.Second)
		if got := depth(); got != `{"queue_depth":0}` {
			t.Error("it grows:", got)
		}
	})
}

// TestDocumentation: public actions, and no secret ones (WIRE-SVC-07a).
func TestDocumentation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc := &Service{Sector: "Web"}
		if err := svc.HandleStandard(); err != nil {
			t.Fatal(err)
		}
		for _, a := range []Action{
			{Name: "Foo.documented", Doc: "Does \"it\".", Version: 2, Flags: []string{"read"}, Timeout: time.Minute, Envelopes: []string{"json", "jsonstore"}},
			{Name: "Foo.public", Flags: []string{"public"}, NoAuth: true, Sectors: []string{"Main"}},
			{Name: "Foo.plain"},
			{Name: "Foo.secret", Flags: []string{"secret"}, Doc: "hidden"},
			{Name: "Foo.both", Flags: []string{"public", "secret"}},
		} {
			svc.Mux.Handle(a, nothing)
		}
		got := try(t, linked(t, svc, Config{}), "_META.documentation", "")
		want := `[` +
			`{"name":"_meta.documentation","version":1,"sectors":["web"],"envelopes":["json"],"flags":"noauth","documentation":"Lists the public actions of this service."},` +
			`{"name":"Foo.documented","version":2,"sectors":["web"],"envelopes":["json","jsonstore"],"flags":"read,t60","documentation":"Does \"it\"."},` +
			`{"name":"Foo.public","version":1,"sectors":["main"],"envelopes":["json"],"flags":"noauth","documentation":""}` + `]`
		if strings.TrimSpace(got) != want {
			t.Errorf("%s", got)
		}
		if !json.Valid([]byte(got)) {
			t.Error("no JSON")
		}
	})
}

// TestStandardTwice: a service without a name has no queue_depth; registering again
// is an error.
func TestStandardTwice(t *testing.T) {
	svc := new(Service)
	if err := svc.HandleStandard(); err != nil || len(svc.Mux.Actions()) != 1 {
		t.Error(err)
	}
	if err := svc.HandleStandard(); err == nil {
		t.Error("twice")
	}
	svc = &Service{Name: "a:b"}
	if err := svc.HandleStandard(); err == nil || !strings.Contains(err.Error(), "colon") {
		t.Error(err)
	}
}
