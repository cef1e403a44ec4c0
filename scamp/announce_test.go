package scamp

import (
	"bytes"
	"net"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// An ether is the network of an announcer: it keeps what is sent, and when.
type ether struct {
	net.PacketConn
	start time.Time
	heard chan heard
}

type heard struct {
	at time.Duration
	*discovery.Announcement
}

func newEther() *ether { return &ether{start: time.Now(), heard: make(chan heard, 1000)} }

func (e *ether) WriteTo(b []byte, _ net.Addr) (int, error) {
	packet, _, err := new(discovery.Inflater).Inflate(b)
	if err != nil {
		return 0, err
	}
	a, err := discovery.Verify(packet)
	if err != nil {
		return 0, err
	}
	e.heard <- heard{time.Since(e.start), a}
	return len(b), nil
}

// all returns what has been heard since.
func (e *ether) all() (all []heard) {
	for {
		select {
		case h := <-e.heard:
			all = append(all, h)
		default:
			return all
		}
	}
}

func signer(t *testing.T) *discovery.Signer {
	t.Helper()
	read := func(name string) []byte {
		b, err := fixtures.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s, err := discovery.NewSigner(read("server.key.pem"), read("server.cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// announcer announces on an ether; what cannot be announced fails the test.
func announcer(t *testing.T, e *ether) *discovery.Announcer {
	return &discovery.Announcer{
		Signer: signer(t), Ident: "test:1", Links: []discovery.Link{{Conn: e, URI: "beepish+tls://127.0.0.1:30100"}},
		Report: func(err error) { t.Error(err) },
	}
}

// TestDescribe: what is announced is what receivers find, in version 3 as far as
// that can say it (DISC-V4-11); sectors in lower case (DISC-RTE-02e).
func TestDescribe(t *testing.T) {
	for name, test := range map[string]struct {
		sector string
		give   []Action
		want   []discovery.Action
		plain  bool // version 3 says it all
	}{
		"nothing": {plain: true},
		"plain": {
			give: []Action{
				{Name: "Foo.b", Flags: []string{"read"}, Timeout: 10 * time.Minute},
				{Name: "Foo.b", Version: 7, NoAuth: true},
				{Name: "Foo.Sub.a"},
			},
			want: []discovery.Action{
				{Sector: "main", Name: "Foo.b", Version: 1, Envelopes: []string{"json"}, Flags: "read,t600"},
				{Sector: "main", Name: "Foo.b", Version: 7, Envelopes: []string{"json"}, Flags: "noauth"},
				{Sector: "main", Name: "Foo.Sub.a", Version: 1, Envelopes: []string{"json"}},
			},
			plain: true,
		},
		"envelopes of all": {
			sector: "WEB", // DISC-RTE-02e
			give: []Action{
				{Name: "Foo.a", Envelopes: []string{"json", "jsonstore"}},
				{Name: "Foo.b", Envelopes: []string{"json", "jsonstore"}},
			},
			want: []discovery.Action{
				{Sector: "web", Name: "Foo.a", Version: 1, Envelopes: []string{"json", "jsonstore"}},
				{Sector: "web", Name: "Foo.b", Version: 1, Envelopes: []string{"json", "jsonstore"}},
			},
			plain: true,
		},
		"one with others": {
			give: []Action{
				{Name: "Foo.a", Envelopes: []string{"web"}}, {Name: "Foo.b"}, {Name: "Foo.c"},
			},
			want: []discovery.Action{
				{Sector: "main", Name: "Foo.b", Version: 1, Envelopes: []string{"json"}},
				{Sector: "main", Name: "Foo.c", Version: 1, Envelopes: []string{"json"}},
				{Sector: "main", Name: "Foo.a", Version: 1, Envelopes: []string{"web"}},
			},
		},
		"a tie": {
			give: []Action{{Name: "Foo.a", Envelopes: []string{"device"}}, {Name: "Foo.b"}},
			want: []discovery.Action{
				{Sector: "main", Name: "Foo.b", Version: 1, Envelopes: []string{"json"}},
				{Sector: "main", Name: "Foo.a", Version: 1, Envelopes: []string{"device"}},
			},
		},
		"sectors": {
			give: []Action{
				{Name: "Foo.a", Sectors: []string{"Web", "main", "web"}}, {Name: "Foo.b"},
			},
			want: []discovery.Action{
				{Sector: "main", Name: "Foo.a", Version: 1, Envelopes: []string{"json"}},
				{Sector: "main", Name: "Foo.b", Version: 1, Envelopes: []string{"json"}},
				{Sector: "web", Name: "Foo.a", Version: 1, Envelopes: []string{"json"}},
			},
		},
	} {
		svc := &Service{Sector: test.sector}
		if test.give != nil {
			svc.Mux = new(Mux)
		}
		for _, a := range test.give {
			svc.Mux.Handle(a, nothing)
		}
		d := svc.Describe()
		d.Ident, d.URI, d.Interval, d.Timestamp = "test:1", "beepish+tls://127.0.0.1:30100", 5000, 1
		packet, err := signer(t).Sign(d, discovery.FormAuto)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := discovery.Verify(packet)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		slices.SortFunc(test.want, byName)
		slices.SortFunc(got.Actions, byName)
		if !reflect.DeepEqual(got.Actions, test.want) || got.Weight != 1 {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got.Actions, test.want)
		}
		if plain := !bytes.Contains(packet, []byte(`"vmaj"`)); plain != test.plain {
			t.Errorf("%s: version 3 alone: %v", name, plain)
		}
	}
}

func byName(a, b discovery.Action) int {
	return slices.Compare([]string{a.Sector, a.Name, string(rune(a.Version))}, []string{b.Sector, b.Name, string(rune(b.Version))})
}

// TestAnnounce: at once, every interval, at once when an action is added, and that
// the service stops (DISC-MC-08, DISC-SHD-01).
func TestAnnounce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, e := &Service{Mux: echoes(), Grace: -1}, newEther()
		ended := make(chan error, 1)
		go func() { ended <- svc.Announce(announcer(t, e)) }()
		time.Sleep(7 * time.Second)
		svc.Mux.Handle(Action{Name: "Test.new"}, nothing)
		svc.Mux.Handle(Action{Name: "Test.newer"}, nothing)
		synctest.Wait()
		if took, err := stopping(t.Context(), svc)(); err != nil || took != 2700*time.Millisecond { // all of it has been said
			t.Error(took, err)
		}
		if err := <-ended; err != ErrServiceClosed {
			t.Error(err)
		}
		svc.Mux.Handle(Action{Name: "Test.newest"}, nothing)
		time.Sleep(time.Minute)
		var got []string
		for _, h := range e.all() {
			line := h.at.String()
			for _, a := range h.Actions {
				line += " " + a.Name
			}
			if h.Weight == 0 {
				line += " stops"
			}
			got = append(got, line)
		}
		want := []string{
			"0s Test.echo", "5s Test.echo", "7s Test.echo Test.new Test.newer",
			"7s stops", "7.9s stops", "8.8s stops", "9.7s stops",
		}
		got = slices.DeleteFunc(got, func(s string) bool { return s == "7s Test.echo Test.new" }) // in between, or not
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if err := svc.Announce(announcer(t, e)); err != ErrServiceClosed {
			t.Error(err)
		}
	})
}

// TestAnnounceWhatElse: a Describe of the program's own is left alone.
func TestAnnounceWhatElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		svc, e := new(Service), newEther()
		a := announcer(t, e)
		a.Describe = func() *discovery.Announcement {
			return &discovery.Announcement{Sector: "own", Weight: 3, Envelopes: []string{"json"}}
		}
		ended := make(chan error, 1)
		go func() { ended <- svc.Announce(a) }()
		synctest.Wait()
		svc.Close() // does not wait for the announcer
		if got := e.all(); len(got) < 1 || got[0].Sector != "own" || got[0].Weight != 3 {
			t.Errorf("%+v", got)
		}
		if err := <-ended; err != ErrServiceClosed {
			t.Error(err)
		}
		if got := e.all(); len(got) < 3 || got[len(got)-1].Weight != 0 {
			t.Errorf("%+v", got)
		}
	})
}
