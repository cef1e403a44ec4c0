package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
)

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// TestPresentValuesComeFirst: "the server first sends one event message with the present values of all matching topics … then
// subscribe_done" (WIRE-EVT-02a, 02b), and then every change (WIRE-EVT-03a).
func TestPresentValuesComeFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		must(t, p, "price", "lamp", 12.5)
		must(t, p, "price", "desk", map[string]int{"eur": 80})
		must(t, p, "stock", "", "full")
		must(t, p, "other", "x", true)
		c := client(t, serve(t, p, scamp.Config{}), 0)
		c.message(0, subscribe, `["stock","price","none","price"]`)
		c.wantMessage(0, event, `[{"code":"stock","key":"","value":"full"},{"code":"price","key":"desk","value":{"eur":80}},{"code":"price","key":"lamp","value":12.5}]`)
		c.wantMessage(1, done, `true`)
		must(t, p, "other", "x", false)
		must(t, p, "price", "lamp", 13)
		synctest.Wait()
		must(t, p, "none", "é\n", nil) // deletes nothing
		must(t, p, "none", "é\n", "there")
		c.wantMessage(2, event, `[{"code":"price","key":"lamp","value":13}]`)
		c.wantMessage(3, event, `[{"code":"none","key":"é\n","value":"there"}]`)
		c.idle()
	})
}

// TestNullDeletes: WIRE-EVT-03b.
func TestNullDeletes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		s := serve(t, p, scamp.Config{})
		c := client(t, s, 0)
		c.message(0, subscribe, `["a"]`)
		c.wantMessage(0, event, `[]`)
		c.wantMessage(1, done, `true`)
		must(t, p, "a", "k", 1)
		c.wantMessage(2, event, `[{"code":"a","key":"k","value":1}]`)
		must(t, p, "a", "k", json.RawMessage(" null "))
		c.wantMessage(3, event, `[{"code":"a","key":"k","value":null}]`)
		later := client(t, s, 0)
		later.message(0, subscribe, `["a"]`)
		later.wantMessage(0, event, `[]`)
	})
}

// TestFilterIsReplaced: "It replaces the earlier filter" (WIRE-EVT-01b); after null only subscribe_done is sent
// (WIRE-EVT-02b), and another connection is not touched (DISC-SUB-01e).
func TestFilterIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		must(t, p, "a", "", 1)
		must(t, p, "b", "", 2)
		s := serve(t, p, scamp.Config{})
		c, other := client(t, s, 0), client(t, s, 0)
		other.message(0, subscribe, `["a"]`)
		other.wantMessage(0, event, `[{"code":"a","key":"","value":1}]`)
		other.wantMessage(1, done, `true`)
		c.message(0, subscribe, `["a"]`)
		c.wantMessage(0, event, `[{"code":"a","key":"","value":1}]`)
		c.wantMessage(1, done, `true`)
		c.message(1, `{"type":"subscribe","request_id":"two"}`, `["b"]`)
		c.wantMessage(2, event, `[{"code":"b","key":"","value":2}]`)
		c.wantMessage(3, `{"type":"subscribe_done","request_id":"two"}`, `true`)
		must(t, p, "a", "", 3)
		must(t, p, "b", "", 4)
		c.wantMessage(4, event, `[{"code":"b","key":"","value":4}]`)
		c.message(2, `{"type":"subscribe","request_id":3.50}`, `null`)
		c.wantMessage(5, `{"type":"subscribe_done","request_id":3.50}`, `true`)
		must(t, p, "b", "", 5)
		must(t, p, "a", "", 6)
		c.idle()
		c.message(3, subscribe, `[]`)
		c.wantMessage(6, event, `[]`)
		c.wantMessage(7, done, `true`)
		other.wantMessage(2, event, `[{"code":"a","key":"","value":3}]`)
		other.wantMessage(3, event, `[{"code":"a","key":"","value":6}]`)
	})
}

// TestInvalidFilters: "only subscribe_done with body false" (WIRE-EVT-02c). The filter stays as it was.
func TestInvalidFilters(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		must(t, p, "a", "", 1)
		c := client(t, serve(t, p, scamp.Config{}), 0)
		c.message(0, subscribe, `["a"]`)
		c.wantMessage(0, event, `[{"code":"a","key":"","value":1}]`)
		c.wantMessage(1, done, `true`)
		bad := []string{`{}`, `"a"`, `5`, `[5]`, `["a",`, `["0","1","2","3","4","5","6","7","8","9","10"]`, `["` + strings.Repeat("x", maxFilter) + `"]`}
		for i, filter := range bad {
			c.message(i+1, subscribe, filter)
			c.wantMessage(i+2, done, `false`)
		}
		c.give("HEADER 8 "+subscribe, "EOF 8")
		c.wantMessage(9, done, `false`)
		must(t, p, "a", "", 2)
		c.wantMessage(10, event, `[{"code":"a","key":"","value":2}]`)
		c.idle()
	})
}

// TestSubscriptionsThatAreNone: "a subscribe that ends in TXERR or whose header has a non-empty error_code is ignored"
// (WIRE-EVT-02d), and so is one that nobody could confirm.
func TestSubscriptionsThatAreNone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		c := client(t, serve(t, p, scamp.Config{}), 0)
		c.give("HEADER 0 "+subscribe, `DATA 0 ["a"]`, "TXERR 0 no")
		c.message(1, `{"type":"subscribe","request_id":1,"error_code":"x"}`, `["a"]`)
		c.message(2, `{"type":"subscribe"}`, `["a"]`)
		c.message(3, `{"type":"subscribe","request_id":[]}`, `["a"]`)
		c.message(4, `{"type":"event"}`, `[]`)
		c.message(5, `{"type":"subscribe_done","request_id":1}`, `true`)
		c.give("HEADER 6 "+subscribe, `DATA 6 [`+strings.Repeat(" ", maxFilter), "TXERR 6 no")
		must(t, p, "a", "", 1)
		c.idle()
		if _, n := p.size(); n != 0 {
			t.Error(n)
		}
		c.message(7, `{"type":"subscribe","request_id":1,"error_code":""}`, `["a"]`)
		c.wantMessage(0, event, `[{"code":"a","key":"","value":1}]`)
	})
}

// TestNotifications: "a server hands a notification to its application and sends no reply" (WIRE-EVT-05b).
func TestNotifications(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var got []string
		p := &Publisher{Notify: func(_ *scamp.Connection, body json.RawMessage) { got = append(got, string(body)) }}
		c := client(t, serve(t, p, scamp.Config{}), 0)
		c.message(0, `{"type":"notify"}`, `{"a":1}`)
		c.message(1, `{"type":"notify","request_id":9}`, `null`)
		c.message(2, `{"type":"notify"}`, `{`)
		c.message(3, `{"type":"notify"}`, "\"\xff\"")
		c.give(`HEADER 4 {"type":"notify"}`, "EOF 4")
		c.give(`HEADER 5 {"type":"notify"}`, "DATA 5 1", "TXERR 5 no")
		c.idle()
		if fmt.Sprint(got) != `[{"a":1} null]` {
			t.Error(got)
		}
		p.Notify = nil
		c.message(6, `{"type":"notify"}`, `1`)
		c.idle()
	})
}

// TestSubscriptionsEndWithTheirConnections: "Subscribe, disconnect, 1000 times; publish: no growth of memory, no failing
// sends" (WIRE-EVT-07).
func TestSubscriptionsEndWithTheirConnections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		s := serve(t, p, scamp.Config{})
		for range 1000 {
			c := client(t, s, 0)
			c.message(0, subscribe, `["a","b"]`)
			c.wantMessage(0, event, `[]`)
			c.nc.Close()
			synctest.Wait()
			if topics, subscriptions := p.size(); topics != 0 || subscriptions != 0 {
				t.Fatal(topics, subscriptions)
			}
		}
		must(t, p, "a", "", 1)
	})
}

// TestNobodyElseGetsEvents: none of these types is sent to a peer that has not subscribed (WIRE-EVT-06).
func TestNobodyElseGetsEvents(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		c := client(t, serve(t, p, scamp.Config{}), 0)
		c.message(0, `{"type":"request","action":"A.b","version":1,"envelope":"json","request_id":7}`, `{}`)
		c.want(`HEADER 0 {"type":"reply","request_id":7,"error_code":"not_found","error":"no such action: A.b version 1"}`, "EOF 0")
		must(t, p, "a", "", 1)
		c.message(1, `{"type":"notify"}`, `1`)
		c.idle()
	})
}

func TestWhatCannotBePublished(t *testing.T) {
	p := &Publisher{MaxQueued: 4000}
	deep := strings.Repeat("[", 63) + strings.Repeat("]", 63)
	for _, tc := range []struct {
		code, key string
		value     any
	}{{"\xff", "", 1}, {"", "\xff", 1}, {"", "", func() {}}, {"", "", json.RawMessage(deep)}, {"", "", make([]byte, 1000)}} {
		if p.Publish(tc.code, tc.key, tc.value) == nil {
			t.Errorf("%+v", tc)
		}
	}
	if topics, _ := p.size(); topics != 0 {
		t.Error(topics)
	}
	must(t, p, "", "", json.RawMessage(deep[1:len(deep)-1]))
	must(t, p, "", "", nil)
	if topics, _ := p.size(); topics != 0 {
		t.Error(topics)
	}
	must(t, &Publisher{MaxQueued: -1}, "", "", make([]byte, 10<<20))
}

// TestPublishNeverWaits: a subscriber that does not read holds up nobody.
func TestPublishNeverWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := &Publisher{MaxQueued: 100000}
		s := serve(t, p, scamp.Config{})
		slow, quick := client(t, s, 0), client(t, s, 0)
		for _, c := range []*script{slow, quick} {
			c.message(0, subscribe, `["a"]`)
			c.wantMessage(0, event, `[]`)
			c.wantMessage(1, done, `true`)
		}
		start := time.Now()
		for n := range 1000 {
			must(t, p, "a", fmt.Sprint(n%10), strings.Repeat("x", 1000)+fmt.Sprint(n))
			synctest.Wait()
			for range 3 {
				<-quick.got
			}
			quick.give(fmt.Sprintf("ACK %d %d", n+2, len(`[{"code":"a","key":"0","value":""}]`)+1000+len(fmt.Sprint(n))))
		}
		if took := time.Since(start); took > time.Second {
			t.Error(took)
		}
		quick.idle()
		if _, n := p.size(); n != 2 {
			t.Error("the slow one has been cut off, although few keys have changed")
		}
	})
}
