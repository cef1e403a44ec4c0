package events

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp"
	"github.com/gudtech/scamp-sim/scamp/wire"
)

// subscribed makes the script of a client that has subscribed to the topic a and got its confirmation.
func subscribed(t *testing.T, s *scamp.Service) *script {
	c := client(t, s, 0)
	c.message(0, subscribe, `["a","b"]`)
	c.wantMessage(0, event, `[]`)
	c.wantMessage(1, done, `true`)
	return c
}

// jam fills the window of a subscriber, so that what is published afterwards waits.
func jam(t *testing.T, p *Publisher, c *script) {
	must(t, p, "a", "jam", strings.Repeat("x", 70000))
	c.want("HEADER 2 " + event)
	for range 4 {
		<-c.got
	}
	c.idle()
}

// unjam lets it go on.
func unjam(c *script) {
	c.rest(2)
}

// rest acknowledges a message that waits for its window, and takes what is left of it.
func (s *script) rest(number int) {
	s.t.Helper()
	s.give(fmt.Sprintf("ACK %d 65536", number))
	for {
		synctest.Wait()
		select {
		case p := <-s.got:
			if p.Number != uint64(number) {
				s.t.Fatalf("got %v %d before the end of %d", p.Type, p.Number, number)
			}
			if p.Type == wire.TypeEOF {
				return
			}
		default:
			s.t.Fatalf("the end of %d does not come", number)
		}
	}
}

// TestOneCodePerMessage: "all records of one later event message have the same code" (WIRE-EVT-03c); they come in the order
// in which they were published, and each of them comes.
func TestOneCodePerMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		c := subscribed(t, serve(t, p, scamp.Config{}))
		jam(t, p, c)
		must(t, p, "a", "1", 1)
		must(t, p, "a", "1", 2)
		must(t, p, "b", "1", 3)
		must(t, p, "a", "1", nil)
		must(t, p, "a", "2", 4)
		c.idle()
		unjam(c)
		c.wantMessage(3, event, `[{"code":"a","key":"1","value":1},{"code":"a","key":"1","value":2}]`)
		c.wantMessage(4, event, `[{"code":"b","key":"1","value":3}]`)
		c.wantMessage(5, event, `[{"code":"a","key":"1","value":null},{"code":"a","key":"2","value":4}]`)
		c.idle()
	})
}

// TestSlowSubscribersGetTheLatest: beyond the bound, older values of a key are left out.
func TestSlowSubscribersGetTheLatest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := &Publisher{MaxQueued: 1 << 19}
		c := subscribed(t, serve(t, p, scamp.Config{}))
		jam(t, p, c)
		must(t, p, "a", "first", 1)
		must(t, p, "b", "gone", 1)
		must(t, p, "b", "gone", nil)
		for n := range 20000 {
			must(t, p, "a", "k", n)
		}
		if _, n := p.size(); n != 1 {
			t.Fatal("cut off")
		}
		unjam(c)
		c.wantMessage(3, event, `[{"code":"a","key":"first","value":1}]`)
		c.wantMessage(4, event, `[{"code":"b","key":"gone","value":null}]`)
		c.want("HEADER 5 " + event)
		last := 0
		for number := 5; ; {
			synctest.Wait()
			if len(c.got) == 0 {
				break
			}
			packet := <-c.got
			if strings.Contains(string(packet.Body), `"value":19999}`) {
				last = number
			}
			if packet.Type == wire.TypeEOF {
				number++
			} else if last == 0 {
				c.give(fmt.Sprintf("ACK %d %d", packet.Number, len(packet.Body)))
			}
		}
		if last == 0 {
			t.Error("the latest value has not come")
		}
	})
}

// TestSubscribersThatAreTooSlowAreCutOff: where the latest values are too much, the connection is closed.
func TestSubscribersThatAreTooSlowAreCutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := &Publisher{MaxQueued: 300000}
		c := subscribed(t, serve(t, p, scamp.Config{}))
		jam(t, p, c)
		for n := range 3000 {
			must(t, p, "a", fmt.Sprint(n), strings.Repeat("x", 100))
		}
		c.closed()
		if _, n := p.size(); n != 0 {
			t.Error(n)
		}
		must(t, p, "a", "", 1)
	})
}

// TestSubscribersThatStallAreCutOff: a change that could not be delivered is not left out silently.
func TestSubscribersThatStallAreCutOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		c := subscribed(t, serve(t, p, scamp.Config{}))
		jam(t, p, c)
		time.Sleep(151 * time.Second)
		c.closed()
		if _, n := p.size(); n != 0 {
			t.Error(n)
		}
	})
}

// TestUnreadAnswersDoNotPileUp: a peer that subscribes and does not read is bounded as any peer is.
func TestUnreadAnswersDoNotPileUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		must(t, p, "a", "", strings.Repeat("x", 100000))
		c := client(t, serve(t, p, scamp.Config{MaxMessages: 100}), 0)
		for n := range 200 {
			c.message(n, subscribe, `["a"]`)
		}
		c.closed()
		if _, n := p.size(); n != 0 {
			t.Error(n)
		}
	})
}

// TestReplacingAFilterKeepsDeletions: what waits for topics that stay is sent before the present values, so that the
// deletion of a key is not lost between them.
func TestReplacingAFilterKeepsDeletions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		c := subscribed(t, serve(t, p, scamp.Config{}))
		must(t, p, "a", "k", 1)
		c.wantMessage(2, event, `[{"code":"a","key":"k","value":1}]`)
		must(t, p, "a", "jam", strings.Repeat("x", 70000))
		synctest.Wait()
		must(t, p, "a", "jam", nil)
		must(t, p, "a", "k", nil)
		must(t, p, "b", "k", 2)
		c.message(1, subscribe, `["a"]`)
		c.want("HEADER 3 " + event)
		for range 4 {
			<-c.got
		}
		c.rest(3)
		c.wantMessage(4, event, `[{"code":"a","key":"jam","value":null},{"code":"a","key":"k","value":null}]`)
		c.wantMessage(5, event, `[]`)
		c.wantMessage(6, done, `true`)
		c.idle()
	})
}

// TestManyPresentValuesAreOneMessage: however many they are, and confirmed behind their end.
func TestManyPresentValuesAreOneMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(Publisher)
		for n := range 5000 {
			must(t, p, "a", fmt.Sprint(n), strings.Repeat("x", 100))
		}
		c := client(t, serve(t, p, scamp.Config{}), 0)
		c.message(0, subscribe, `["a"]`)
		c.want("HEADER 0 " + event)
		octets := 0
		for {
			synctest.Wait()
			packet := <-c.got
			if packet.Number != 0 {
				t.Fatal(packet.Type, packet.Number, "before the end of the values")
			}
			if packet.Type == wire.TypeEOF {
				break
			}
			octets += len(packet.Body)
			c.give(fmt.Sprintf("ACK 0 %d", octets))
		}
		if octets < 5000*100 {
			t.Error(octets)
		}
		c.wantMessage(1, done, `true`)
	})
}
