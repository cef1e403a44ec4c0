package ticket

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func holding(privileges ...uint64) *Ticket { return &Ticket{Privileges: privileges} }

// The decisions of the table (DISC-AZ-01 to 04, 07).
func TestTable(t *testing.T) {
	unusable := ErrUnusable
	for name, tc := range map[string]struct {
		table, action string
		ticket        *Ticket
		want          error // a *PrivilegeError stands for any
	}{
		"01c: any case":            {`{"foo.make":["5"]}`, "FOO.Make", holding(5), nil},
		"01c: ASCII case only":     {`{"foo.key":[]}`, "foo.\u212aey", holding(), ErrUnlisted},
		"01d: all are needed":      {`{"a.b":["5","6"]}`, "a.b", holding(5), &PrivilegeError{}},
		"01d: all are there":       {`{"a.b":["5","6"]}`, "a.b", holding(5, 6, 7), nil},
		"02c: integers":            {`{"a.b":[6]}`, "a.b", holding(6), nil},
		"02c: integer missing":     {`{"a.b":[6]}`, "a.b", holding(5), &PrivilegeError{}},
		"02c: leading zeros":       {`{"a.b":["06"]}`, "a.b", holding(6), nil},
		"02e: reserved keys":       {`{"_X":{},"_Y":null,"a.b":[]}`, "a.b", holding(), nil},
		"02e: not an action":       {`{"_X":[]}`, "_X", holding(), ErrUnlisted},
		"02e: with a dot it is":    {`{"_meta.x":[]}`, "_meta.x", holding(), nil},
		"03a: null behind":         {`{"a.b":["6",null]}`, "a.b", holding(6), unusable},
		"03a: empty behind":        {`{"a.b":["6",""]}`, "a.b", holding(6), unusable},
		"03a: null":                {`{"a.b":[null]}`, "a.b", holding(), unusable},
		"03a: text":                {`{"a.b":["x"]}`, "a.b", holding(), unusable},
		"03a: fraction":            {`{"a.b":[1.5]}`, "a.b", holding(1), unusable},
		"03a: exponent":            {`{"a.b":[1e0]}`, "a.b", holding(1), unusable},
		"03a: negative":            {`{"a.b":[-1]}`, "a.b", holding(1), unusable},
		"03a: object":              {`{"a.b":[{}]}`, "a.b", holding(), unusable},
		"03a: a word":              {`{"a.b":["toString"]}`, "a.b", holding(), unusable},
		"03b: null":                {`{"a.b":null}`, "a.b", holding(), unusable},
		"03b: string":              {`{"a.b":"6"}`, "a.b", holding(6), unusable},
		"03b: object":              {`{"a.b":{}}`, "a.b", holding(), unusable},
		"03b: number":              {`{"a.b":6}`, "a.b", holding(6), unusable},
		"03c: nothing is needed":   {`{"a.b":[]}`, "a.b", holding(), nil},
		"04: not listed":           {`{"a.b":[]}`, "a.c", holding(1, 2, 3), ErrUnlisted},
		"a bad entry harms nobody": {`{"a.b":null,"a.c":["1"]}`, "a.c", holding(1), nil},
		"02d: malformed names":     {`{"_NAMES":{"1":"x"},"a.b":["1"]}`, "a.b", holding(1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := ParseTable([]byte(tc.table))
			if err != nil {
				t.Fatal(err)
			}
			err = x.Check(tc.action, tc.ticket)
			if _, any := tc.want.(*PrivilegeError); any {
				if e := new(PrivilegeError); !errors.As(err, &e) {
					t.Error(err)
				}
			} else if !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// Names are for texts (DISC-AZ-02d, DISC-AZ-07).
func TestNamesOfPrivileges(t *testing.T) {
	for table, want := range map[string]string{
		`{"_NAMES":[null,"ledger.write"],"a.b":["1"]}`: "privilege 1 (ledger.write) is missing",
		`{"_NAMES":[null],"a.b":["1"]}`:                "privilege 1 is missing",
		`{"_NAMES":[1,2],"a.b":["1"]}`:                 "privilege 1 is missing",
		`{"a.b":["1"]}`:                                "privilege 1 is missing",
	} {
		x, err := ParseTable([]byte(table))
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Check("a.b", holding()); err == nil || err.Error() != want {
			t.Errorf("%s: %v", table, err)
		}
	}
}

func TestWhatIsNoTable(t *testing.T) {
	for _, text := range []string{"", "null", "[]", `"x"`, "{", `{"a.b":[]}x`, strings.Repeat(" ", maxTable+1)} {
		if _, err := ParseTable([]byte(text)); !errors.Is(err, ErrNoTable) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestPrivilegesOfCommands(t *testing.T) {
	if ids, err := Privileges("1, 2+3"); err != nil || len(ids) != 3 {
		t.Error(ids, err)
	}
	if _, err := Privileges("1,x"); err == nil {
		t.Error("x is no privilege")
	}
}

// A source of tables in virtual time.
type source struct {
	fetched atomic.Int32
	mu      sync.Mutex
	text    string
	err     error
}

func (s *source) set(text string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text, s.err = text, err
}

func (s *source) fetch(context.Context) ([]byte, error) {
	s.fetched.Add(1)
	time.Sleep(100 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.text), s.err
}

// allows reports whether the table of the authority has the action.
func allows(t *testing.T, a *Authority, action string) bool {
	t.Helper()
	table, err := a.Table(t.Context())
	return err == nil && table.Check(action, holding()) == nil
}

// A table is used for 300 s, then fetched again before the next decision (DISC-AZ-05a).
func TestATableIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{text: `{"a.b":[]}`}
		a := &Authority{Fetch: s.fetch}
		for range 3 {
			if !allows(t, a, "a.b") {
				t.Fatal("denied")
			}
		}
		time.Sleep(299 * time.Second)
		s.set(`{"a.c":[]}`, nil)
		if !allows(t, a, "a.b") || s.fetched.Load() != 1 {
			t.Fatal("it was fetched again too early")
		}
		time.Sleep(time.Second)
		if allows(t, a, "a.b") || !allows(t, a, "a.c") || s.fetched.Load() != 2 {
			t.Fatal("the changed table has not taken effect")
		}
	})
}

// Where it cannot be fetched the old one serves for 600 s, and a failure is not kept (DISC-AZ-05b, 05c).
func TestAFailedFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{err: errors.New("no service")}
		a := &Authority{Fetch: s.fetch}
		if allows(t, a, "a.b") {
			t.Fatal("allowed without a table")
		}
		for range 10 { // at most one attempt per second
			if allows(t, a, "a.b") {
				t.Fatal("allowed without a table")
			}
		}
		if n := s.fetched.Load(); n != 1 {
			t.Fatalf("%d attempts within a second", n)
		}
		s.set(`{"a.b":[]}`, nil)
		time.Sleep(time.Second)
		if !allows(t, a, "a.b") {
			t.Fatal("the failure was kept")
		}
		s.set("", errors.New("gone"))
		time.Sleep(500 * time.Second)
		if !allows(t, a, "a.b") {
			t.Fatal("the old table does not serve")
		}
		time.Sleep(100 * time.Second)
		if allows(t, a, "a.b") {
			t.Fatal("a table of 600 s still serves")
		}
		s.set("nonsense", nil)
		time.Sleep(time.Second)
		if _, err := a.Table(t.Context()); !errors.Is(err, ErrNoTable) {
			t.Fatal(err)
		}
	})
}

// Many calls at once cause one fetch; one that is given up does not wait for it.
func TestFetchesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{text: `{"a.b":[]}`}
		a := &Authority{Fetch: s.fetch}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if !allows(t, a, "a.b") {
					t.Error("denied")
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.Table(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrNoTable) {
			t.Error(err)
		}
		wg.Wait()
		if n := s.fetched.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// The whole decision: ticket first, then the table (DISC-AZ-01a, DISC-AZ-08).
func TestCheck(t *testing.T) {
	a := &Authority{
		Key:   &key.PublicKey,
		Now:   func() time.Time { return now },
		Fetch: func(context.Context) ([]byte, error) { return []byte(`{"ledger.post":["3","14"]}`), nil },
	}
	if got, err := a.Check(t.Context(), "Ledger.post", sign("1,482,17,1760000000,3600,3+14")); err != nil || got.User != 482 {
		t.Error(got, err)
	}
	for text, want := range map[string]error{
		"":                                 ErrNone,
		sign("1,482,17,1760000000,1"):      ErrExpired,
		sign("1,482,17,1760000000,3600,3"): &PrivilegeError{},
	} {
		_, err := a.Check(t.Context(), "Ledger.post", text)
		if e, any := want.(*PrivilegeError); any {
			if !errors.As(err, &e) || e.Privilege != 14 {
				t.Error(err)
			}
		} else if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	a.Fetch = func(context.Context) ([]byte, error) { return nil, errors.New("down") }
	a = &Authority{Key: a.Key, Now: a.Now, Fetch: a.Fetch}
	if _, err := a.Check(t.Context(), "Ledger.post", sign("1,482,17,1760000000,3600,3+14")); !errors.Is(err, ErrNoTable) {
		t.Error(err)
	}
}

// FuzzParseTable: no text breaks the parser, and no entry lets a ticket without privileges in but an empty list.
func FuzzParseTable(f *testing.F) {
	f.Add([]byte(`{"_NAMES":[null,"x"],"a.b":["1",2],"a.c":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := ParseTable(text)
		if err != nil {
			return
		}
		for action, ids := range x.actions {
			if err := x.Check(action, holding()); err == nil && (ids == nil || len(ids) > 0) {
				t.Errorf("%s: %v let a ticket without privileges in", action, ids)
			}
		}
	})
}
