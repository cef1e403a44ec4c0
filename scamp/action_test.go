package scamp

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"
)

var nothing = HandlerFunc(func(context.Context, *ReplyWriter, *Request) error { return nil })

// TestWhatCannotBeRegistered: DISC-ACT-01c, 02, 05f, 08d, 10d.
func TestWhatCannotBeRegistered(t *testing.T) {
	for _, test := range []struct {
		give Action
		want string
	}{
		{Action{}, "Namespace.name"},
		{Action{Name: "x"}, "Namespace.name"},
		{Action{Name: ".x"}, "Namespace.name"},
		{Action{Name: "Foo."}, "Namespace.name"},
		{Action{Name: "Fo:o.x"}, "colon"},
		{Action{Name: "Foo.x", Version: -1}, "version"},
		{Action{Name: "Foo.x", Version: 1 << 31}, "version"},
		{Action{Name: "Foo.x", Timeout: 86400*time.Second + 1}, "24h0m0s"},
		{Action{Name: "Foo.x", Sectors: []string{"main", ""}}, "sector"},
		{Action{Name: "Foo.x", Sectors: []string{"a:b"}}, "sector"},
		{Action{Name: "Foo.x", Envelopes: []string{"json", "a,b"}}, "envelope"},
		{Action{Name: "Foo.x", Envelopes: []string{""}}, "envelope"},
		{Action{Name: "Foo.x", Flags: []string{"read", ""}}, "no flag"},
		{Action{Name: "Foo.x", Flags: []string{" read"}}, "no flag"},
		{Action{Name: "Foo.x", Flags: []string{"read,noauth"}}, "no flag"},
		{Action{Name: "Foo.x", Flags: []string{"noauth"}}, "NoAuth"},
		{Action{Name: "Foo.x", Flags: []string{"t600"}}, "Timeout"},
	} {
		mux := new(Mux)
		if err := mux.Register(test.give, nothing); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.give, err, test.want)
		}
		if got := mux.Actions(); len(got) != 0 {
			t.Errorf("%+v is offered", got)
		}
	}
	if err := new(Mux).Register(Action{Name: "Foo.x"}, nil); err == nil {
		t.Error("no handler")
	}
}

// TestAnnouncedFlags: DISC-ACT-08, 09, 10.
func TestAnnouncedFlags(t *testing.T) {
	for _, test := range []struct {
		give Action
		want string
	}{
		{Action{}, ""},
		{Action{NoAuth: true}, "noauth"},
		{Action{Flags: []string{"read", "t", "public", "wibble", "secret", "read"}, NoAuth: true}, "read,secret,noauth"},
		{Action{Flags: []string{"delete", "READ"}}, ""},
		{Action{Timeout: -1}, ""},
		{Action{Timeout: time.Millisecond}, "t1"},
		{Action{Timeout: time.Second}, "t1"},
		{Action{Timeout: 1500 * time.Millisecond}, "t2"},
		{Action{Timeout: 10 * time.Minute, Flags: []string{"create"}}, "create,t600"},
		{Action{Timeout: 86400 * time.Second}, "t86400"},
	} {
		if got := test.give.flags(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.give, got, test.want)
		}
	}
}

// TestActionsAreCopies: sorted, with defaults, and nobody's but the caller's.
func TestActionsAreCopies(t *testing.T) {
	mux := new(Mux)
	flags := []string{"read"}
	mux.Handle(Action{Name: "b.Z", Version: 2}, nothing)
	mux.Handle(Action{Name: "B.z"}, nothing)
	mux.Handle(Action{Name: "A.y", Flags: flags, Sectors: []string{"web"}, Doc: "y", MaxBody: -1, Timeout: -1, Stream: true}, nothing)
	flags[0] = "create"
	want := []Action{
		{Name: "A.y", Version: 1, Flags: []string{"read"}, Sectors: []string{"web"}, Envelopes: []string{"json"}, Doc: "y", MaxBody: -1, Timeout: -1, Stream: true},
		{Name: "B.z", Version: 1, Envelopes: []string{"json"}},
		{Name: "b.Z", Version: 2, Envelopes: []string{"json"}},
	}
	got := mux.Actions()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	got[0].Flags[0] = "destroy"
	if again := mux.Actions(); !reflect.DeepEqual(again, want) {
		t.Errorf("%+v", again)
	}
	if got := (*Mux)(nil).Actions(); got != nil {
		t.Error(got)
	}
}
