package golden_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/golden"
)

// A vector is one line of a file of vectors. README.md says what its members mean.
type vector struct {
	Name    string   `json:"name"`
	Rules   []string `json:"rules"`
	Title   string   `json:"title"`
	Kind    string   `json:"kind"`
	Hostile bool     `json:"hostile"`

	Packet      octets            `json:"packet"`
	Packets     []octets          `json:"packets"`
	Datagram    octets            `json:"datagram"`
	Datagrams   []octets          `json:"datagrams"`
	File        octets            `json:"file"`
	Authorized  *octets           `json:"authorized"`
	Ticket      octets            `json:"ticket"`
	Key         octets            `json:"key"`
	At          int64             `json:"at"`
	Table       octets            `json:"table"`
	Action      string            `json:"action"`
	Privileges  []string          `json:"privileges"`
	Certificate octets            `json:"certificate"`
	Service     service           `json:"service"`
	Age         *int              `json:"age"`
	MaxAge      string            `json:"max_age"`
	Argument    string            `json:"argument"`
	Environment map[string]string `json:"environment"`
	Files       map[string]string `json:"files"`
	Host        []hostInterface   `json:"host"`

	Calls     []call     `json:"calls"`
	Questions []question `json:"questions"`
	Steps     []step     `json:"steps"`
	Scenes    []scene    `json:"scenes"`
	Values    []setting  `json:"values"`
	Settings  []setting  `json:"settings"`
	Lists     []setting  `json:"lists"`
	expected
}

// expected is what must come, and what the specification tolerates besides.
type expected struct {
	Expect    any   `json:"expect"`
	Tolerated []any `json:"tolerated"`
}

// octets is an input. In a file it is a string, or an array of strings and of objects with text or base64, and times.
type octets []byte

// UnmarshalJSON carries a recipe out.
func (o *octets) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if json.Unmarshal(b, &parts) != nil {
		parts = []json.RawMessage{b}
	}
	*o = octets{}
	for _, raw := range parts {
		var p struct {
			Text   string `json:"text"`
			Base64 string `json:"base64"`
			Times  int    `json:"times"`
		}
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &p.Text); err != nil {
				return err
			}
		} else if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		piece, err := base64.StdEncoding.DecodeString(p.Base64)
		if err != nil {
			return err
		}
		for range max(p.Times, 1) {
			*o = append(append(*o, p.Text...), piece...)
		}
	}
	return nil
}

// players plays a vector of each kind on the packages of this repository.
var players = map[string]func(t *testing.T, v *vector){
	"packet": playPacket, "directory": playDirectory, "sequence": playSequence, "cache": playCache, "listener": playListener, "manager": playManager,
	"datagram": playDatagram, "authorized": playAuthorized, "age": playAge, "announce": playAnnounce,
	"ticket": playTicket, "table": playTable, "call": playCall,
	"config": playConfig, "location": playLocation, "addresses": playAddresses,
}

// Every vector has the outcome that it says.
func TestVectors(t *testing.T) {
	files, err := fs.Glob(golden.FS, "disc-*/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		text, err := golden.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(file, "/vectors.jsonl"), func(t *testing.T) {
			lines := bufio.NewScanner(bytes.NewReader(text))
			for lines.Scan() {
				var v vector
				d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
				d.DisallowUnknownFields()
				if err := d.Decode(&v); err != nil {
					t.Fatalf("%s: %v", lines.Bytes(), err)
				}
				n++
				t.Run(v.Name, func(t *testing.T) { play(t, &v) })
			}
			if err := lines.Err(); err != nil {
				t.Error(err)
			}
		})
	}
	if n < 1000 {
		t.Errorf("only %d vectors: the test is blind", n)
	}
}

// How long a hostile vector may take, and the memory that it may use.
const (
	hostileTime   = time.Second
	hostileMemory = 64 << 20
)

func play(t *testing.T, v *vector) {
	player := players[v.Kind]
	if player == nil {
		t.Fatalf("no player for the kind %q", v.Kind)
	}
	if !v.Hostile {
		player(t, v)
		return
	}
	var before, after runtime.MemStats
	quickest := time.Duration(math.MaxInt64)
	for range 3 { // a machine with other work may have been slow by itself
		runtime.ReadMemStats(&before)
		start := time.Now()
		player(t, v)
		quickest = min(quickest, time.Since(start))
		runtime.ReadMemStats(&after)
		if quickest <= hostileTime {
			break
		}
	}
	if quickest > hostileTime {
		t.Errorf("it took %v", quickest)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > hostileMemory {
		t.Errorf("it allocated %d octets", n)
	}
}

// check compares an outcome with what is expected. What is only tolerated is a failure of these packages, too: they are
// the reference.
func (e expected) check(t *testing.T, what string, got any) {
	t.Helper()
	got = plain(got)
	if covers(e.Expect, got) {
		return
	}
	verdict := ""
	for _, other := range e.Tolerated {
		if covers(other, got) {
			verdict = " (which is tolerated)"
		}
	}
	t.Errorf("%s: got%s\n%.3000s\nwant\n%.3000s", what, verdict, text(got), text(e.Expect))
}

// plain is a value as JSON would give it back.
func plain(v any) any {
	var p any
	if err := json.Unmarshal([]byte(text(v)), &p); err != nil {
		panic(err)
	}
	return p
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// covers reports whether a value is the expected one. Members of objects that are not expected are not compared, and the
// outcome "refused" stands for every refusal.
func covers(want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return false
		}
		for name, w := range maps.All(want) {
			s, _ := g[name].(string)
			if name == "outcome" && w == "refused" && strings.HasPrefix(s, "refused ") {
				continue
			}
			if v, ok := g[name]; !ok || !covers(w, v) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return false
		}
		for i, w := range want {
			if !covers(w, g[i]) {
				return false
			}
		}
		return true
	}
	return fmt.Sprintf("%T %v", want, want) == fmt.Sprintf("%T %v", got, got)
}
