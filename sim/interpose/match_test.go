package interpose

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// Members of a HEADER choose messages; a reply has those of its request too, and an
// acknowledgement belongs to the message that it acknowledges.
func TestMatchHeader(t *testing.T) {
	const (
		get  = `{"type":"request","request_id":1,"action":"Shop.get","version":1}`
		put  = `{"type":"request","request_id":2,"action":"shop.PUT"}`
		got  = `{"type":"reply","request_id":"1"}`
		done = `{"type":"reply","request_id":2,"error_code":"bad"}`
	)
	type sent struct {
		d    Direction
		text string
	}
	traffic := []sent{
		{In, "HEADER 0 " + get}, {In, "DATA 0 a"}, {In, "HEADER 1 " + put}, {In, "EOF 0"}, {In, "EOF 1"},
		{Out, "ACK 0 1"}, {Out, "HEADER 0 " + done}, {Out, "EOF 0"}, {Out, "HEADER 1 " + got}, {Out, "DATA 1 b"}, {In, "ACK 1 1"}, {Out, "EOF 1"}, {In, "PING 0"},
	}
	for _, test := range []struct {
		match Match
		want  string // what is dropped, by its place
	}{
		{Match{Header: map[string]string{"type": "request"}}, "0 2"},
		{Match{Header: map[string]string{"action": "SHOP.get"}}, "0 8"},
		{Match{Header: map[string]string{"action": "Shop.get"}, Follow: true}, "0 1 3 5 8 9 10 11"},
		{Match{Header: map[string]string{"action": "Shop.get"}, Follow: true, Types: []string{"ACK"}}, "5 10"},
		{Match{Header: map[string]string{"action": "Shop.get", "type": "reply"}, Follow: true, From: Out}, "8 9 11"},
		{Match{Header: map[string]string{"action": "Shop.put", "version": "1"}, From: In}, "2"},
		{Match{Header: map[string]string{"error_code": "bad"}, Follow: true}, "6 7"},
		{Match{Header: map[string]string{"error_code": "", "type": "reply"}}, "8"},
		{Match{Header: map[string]string{"request_id": "1"}}, "0 8"},
		{Match{Types: []string{"EOF"}, Nth: 2}, "4 11"},
		{Match{Types: []string{"EOF"}, Nth: 2, From: Out}, "11"},
		{Match{Every: 3, From: Out}, "7 11"},
	} {
		err := simnet.Bubble(func() {
			a, b := simnet.Pipe(0)
			defer b.Close()
			c := NewWire(a, Options{})
			defer c.Close()
			r := &Rule{Match: test.match, Do: []Action{Drop()}}
			if err := r.Match.Check(); err != nil {
				t.Error(err)
			}
			c.Begin(r, rand.New(rand.NewPCG(1, 1)))
			var dropped []string
			before := 0
			for i, s := range traffic {
				if s.d == In {
					b.Write(packets(s.text))
					go c.Read(make([]byte, 4096))
					simnet.Settle()
				} else {
					c.Write(packets(s.text))
				}
				if r.Hits() > before {
					before = r.Hits()
					dropped = append(dropped, strconv.Itoa(i))
				}
			}
			if got := strings.Join(dropped, " "); got != test.want {
				t.Errorf("%+v: %s, not %s", test.match, got, test.want)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What no packet can fulfil is an error.
func TestMatchCheck(t *testing.T) {
	for word, m := range map[string]Match{
		"no packets of type": {Types: []string{"ack"}}, "direction": {From: 7}, "negative": {Nth: -1}, "share": {Share: math.NaN()},
		"follow": {Types: []string{"DATA"}, Header: map[string]string{"type": "reply"}},
	} {
		if err := m.Check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if err := (&Match{Types: []string{"DATA"}, Header: map[string]string{"type": "reply"}, Follow: true}).Check(); err != nil {
		t.Error(err)
	}
}
