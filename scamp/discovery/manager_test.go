package discovery

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// managing runs a manager of a group until the test ends. It tells what it wrote, if somebody wants to know.
func managing(t *testing.T, g *group, s *shelf, maxAge time.Duration, wrote func(int, error)) {
	m := &Manager{Observer: Observer{Conn: g.listen("manager")}, Store: s, MaxAge: maxAge, Wrote: wrote}
	running(t, func(ctx context.Context) {
		if err := m.Run(ctx); err != nil {
			t.Errorf("the manager ended: %v", err)
		}
	})
}

// On a silent network the file is there at once, empty, and never older than half its maximum age (DISC-CMG-00, 02d, 03).
func TestManagerOnSilentNetwork(t *testing.T) {
	for _, maxAge := range []time.Duration{0, 10 * time.Second, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{}
			managing(t, new(group), s, maxAge, nil)
			if maxAge == 0 {
				maxAge = 120 * time.Second
			}
			synctest.Wait()
			for range 600 {
				content, age, writes := s.file()
				if len(content) > 0 || age > maxAge/2 || writes != 1 {
					t.Fatalf("%d octets, age %v of %v, %d writes", len(content), age, maxAge, writes)
				}
				pass(maxAge / 60)
			}
		})
	}
}

// Every live packet that can be relayed is in the file within two seconds, as it came, once for each identity, in an order that does not
// depend on that of arrival; whoever signed it (DISC-CMG-01, 02, 05).
func TestManagerWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		s := &shelf{}
		var told []int
		managing(t, g, s, 0, func(instances int, err error) { told = append(told, instances) })
		p := g.join("service")
		send := func(packet []byte) { p.WriteTo(packet, nil) }
		expect := func(what string, packets ...[]byte) {
			t.Helper()
			want := ""
			for _, q := range packets {
				want += marker + string(q)
			}
			if content, _, _ := s.file(); string(content) != want {
				t.Errorf("%s: the file is %q, want %q", what, content, want)
			}
		}
		pass(time.Minute)
		b, a := signed(t, with(t, 1, `"b"`)), signed(t, with(t, 1, `"a"`))
		send(b)
		pass(500 * time.Millisecond)
		send(zipped(t, append(bytes.TrimRight(a, "\n"), "\n\nextra\n"...), 9))
		pass(1500 * time.Millisecond)
		expect("two services", a, b)
		_, _, writes := s.file()
		for range 100 {
			send(a)
			send(b)
			pass(10 * time.Millisecond)
		}
		if _, _, again := s.file(); again != writes {
			t.Errorf("%d writes for nothing new", again-writes)
		}
		for i := range 10 { // one record for each identity
			b = signed(t, with(t, 1, `"b"`, 8, 1800000000+i))
			send(b)
		}
		pass(2 * time.Second)
		expect("ten updates", a, b)
		for _, refused := range [][]byte{ // and not for long either
			signed(t, with(t, 1, `"frac"`, 3, "0.5")), signed(t, with(t, 1, `"short"`, 7, `[["Foo",["bar"]]]`)), signed(t, with(t, 1, `"env"`, 6, `[null,"json"]`)),
			append(signed(t, with(t, 1, `"forged"`)), marker...), bytes.Replace(a, []byte(`"a"`), []byte(`"c"`), 1), []byte("garbage"), signed(t, with(t, 1, `"b"`, 8, 1)),
		} {
			send(refused)
		}
		pass(2 * time.Second)
		expect("refused ones", a, b)
		stopping := signed(t, with(t, 1, `"b"`, 3, 0, 7, "[]", 8, 1900000000))
		send(stopping)
		stranger, err := other().SignData([]byte(with(t, 1, `"b"`)))
		if err != nil {
			t.Fatal(err)
		}
		send(stranger)
		send(a)
		pass(2 * time.Second)
		records := [][]byte{a, stopping, stranger}
		if other().Fingerprint < server().Fingerprint {
			records = [][]byte{stranger, a, stopping}
		}
		expect("weight 0", records...)
		pass(12 * time.Second)
		expect("all silent")
		if slices.Max(told) != 3 || told[len(told)-1] != 0 {
			t.Errorf("told: %v", told)
		}
	})
}

// Beside a fresh file it collects for 10 s before it writes; a file that would become stale is replaced at once. Silence is harmless
// (DISC-CMG-04).
func TestManagerStart(t *testing.T) {
	for _, tc := range []struct {
		age, maxAge, want time.Duration // -1: no file
	}{
		{-1, 0, 0}, {0, 0, 10 * time.Second}, {97999 * time.Millisecond, 0, 10 * time.Second}, {98 * time.Second, 0, 0}, {time.Hour, 0, 0},
		{-time.Hour, 0, 10 * time.Second}, {0, 10 * time.Second, 0}, {0, 20 * time.Second, 10 * time.Second}, {8 * time.Second, 20 * time.Second, 0},
	} {
		for _, silent := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				old := fileOf(t, "old")
				s := &shelf{}
				if tc.age != -1 {
					s.content, s.mtime = old, time.Now().Add(-tc.age)
				}
				g := new(group)
				managing(t, g, s, tc.maxAge, nil)
				c := &Cache{Path: "cache", FS: s, MaxAge: tc.maxAge}
				if !silent {
					running(t, announcer(g.join("service"), "x").Run)
				}
				synctest.Wait()
				if tc.want > 0 {
					pass(tc.want - 1)
					content, _, writes := s.file()
					if writes > 0 || !bytes.Equal(content, old) {
						t.Errorf("%+v: written before its time", tc)
					}
					if _, err := c.Reload(); err != nil || c.Check() != nil {
						t.Errorf("%+v: %v, %v during the wait", tc, err, c.Check())
					}
					pass(1)
				}
				if !silent && tc.want == 0 {
					pass(2 * time.Second)
				}
				content, age, writes := s.file()
				if writes == 0 || age > 2*time.Second || silent != (len(content) == 0) {
					t.Errorf("%+v, silent %v: %d writes, age %v, %d octets", tc, silent, writes, age, len(content))
				}
			})
		}
	}
}

// A file that cannot be written is told of and tried again every second; one that has gone is written anew (DISC-CMG-00).
func TestManagerTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		s := &shelf{fails: errors.New("no space left")}
		var told []error
		managing(t, g, s, 0, func(_ int, err error) { told = append(told, err) })
		running(t, announcer(g.join("service"), "x").Run)
		pass(5500 * time.Millisecond)
		if len(told) != 6 || told[5] != s.fails {
			t.Errorf("told: %v", told)
		}
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
		pass(time.Second)
		if content, _, _ := s.file(); len(content) == 0 {
			t.Error("not written")
		}
		_, _, writes := s.file()
		s.mu.Lock()
		s.noTouch = os.ErrNotExist
		s.mu.Unlock()
		pass(2 * time.Minute)
		if _, age, again := s.file(); again != writes+3 || age > time.Minute {
			t.Errorf("%d writes, age %v", again-writes, age)
		}
	})
}

// It ends with its context, whatever the cause, and with an error when the group cannot be heard any more.
func TestManagerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		for _, age := range []time.Duration{0, time.Hour} { // during the wait, and after it
			ctx, cancel := context.WithCancelCause(t.Context())
			m := &Manager{Observer: Observer{Conn: g.listen("manager")}, Store: &shelf{mtime: time.Now().Add(-age)}}
			result := make(chan error, 1)
			go func() { result <- m.Run(ctx) }()
			synctest.Wait()
			cancel(errors.New("the operator wants it"))
			if err := <-result; err != nil {
				t.Errorf("the end of the context is %v", err)
			}
			broken := errors.New("broken")
			f := &fickle{g.listen("manager"), make(chan error, 1)}
			m = &Manager{Observer: Observer{Conn: f}, Store: &shelf{mtime: time.Now().Add(-age)}}
			go func() { result <- m.Run(t.Context()) }()
			synctest.Wait()
			f.errs <- broken
			if err := <-result; err != broken {
				t.Errorf("ended with %v", err)
			}
		}
		if len(g.parties) != 0 {
			t.Errorf("%d sockets are open", len(g.parties))
		}
	})
}

// Whoever runs a manager can refuse more than it does.
func TestManagerAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		s := &shelf{}
		m := NewManager(g.listen("manager"), "cache")
		m.Store, m.Now = s, time.Now
		m.Observer.Accept = func(_ []byte, a *Announcement) error {
			if a.Ident == "unwanted" {
				return errors.New("unwanted")
			}
			return nil
		}
		running(t, func(ctx context.Context) { m.Run(ctx) })
		p := g.join("service")
		p.WriteTo(signed(t, with(t, 1, `"unwanted"`)), nil)
		p.WriteTo(signed(t, base), nil)
		p.WriteTo(signed(t, with(t, 1, `"unwanted"`, 3, "0.5")), nil)
		pass(2 * time.Second)
		if content, _, _ := s.file(); string(content) != marker+string(signed(t, base)) {
			t.Errorf("the file is %q", content)
		}
	})
}
