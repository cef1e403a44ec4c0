package scamp

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/wire"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// FuzzConnection gives arbitrary octets to a served connection, or to one with a
// call outstanding. Nothing panics; the connection ends or goes on working, and
// no goroutine is left (WIRE-SAFE-01 to 04, 08).
func FuzzConnection(f *testing.F) {
	whole := requestText(0, "Test.echo") + packetText("DATA", 0, "{}") + packetText("EOF", 0, "")
	reply := packetText("HEADER", 0, `{"type":"reply","request_id":1}`) + packetText("DATA", 0, "{}")
	for _, s := range []string{
		"", whole, whole[:len(whole)-3], whole + "PING 7 1\r\nxEND\r\nPONG 0 0\r\nEND\r\n", whole + "EOF 0 0\r\nEND\r\n",
		requestText(0, "Test.count") + packetText("DATA", 0, "{}") + packetText("TXERR", 0, "0"),
		requestText(0, "Test.sleep") + packetText("DATA", 0, `"90s"`) + packetText("EOF", 0, ""),
		requestText(0, "Test.half") + requestText(1, "Test.panic") + packetText("EOF", 1, "") + packetText("EOF", 0, ""),
		packetText("HEADER", 0, `{"type":"foo"}`) + packetText("DATA", 0, strings.Repeat("x", 1000)) + packetText("ACK", 0, "1000"),
		packetText("HEADER", 0, `{"type":"request","action":["x"],"version":"1","client_id":"7","request_id":"\ud800"}`) + packetText("EOF", 0, ""),
		reply + packetText("EOF", 0, ""), reply + packetText("TXERR", 0, "boom"), reply + packetText("ACK", 0, "2"), "ACK 0 2\r\n99END\r\n",
		packetText("HEADER", 0, `{"request_id":"1","error":"e","error_code":null,"error_data":{"dispatch_failure":true}}`) + packetText("EOF", 0, ""),
		packetText("HEADER", 0, `{"type":"request","request_id":1}`) + packetText("EOF", 0, ""), "DATA 0 131073\r\n", "HEADER 0 2\n{}END\r\n",
	} {
		f.Add([]byte(s), true, uint8(0))
		f.Add([]byte(s), false, uint8(5))
	}
	f.Fuzz(func(t *testing.T, input []byte, server bool, split uint8) {
		synctest.Test(t, func(t *testing.T) {
			if server {
				fuzzService(t, input, int(split))
			} else {
				fuzzCall(t, input, int(split))
			}
		})
	})
}

// give writes input in two pieces.
func give(nc *simnet.Conn, input []byte, split int) {
	split = min(split, len(input))
	nc.Write(input[:split])
	synctest.Wait()
	nc.Write(input[split:])
	synctest.Wait()
}

func fuzzService(t *testing.T, input []byte, split int) {
	svc, _ := fixture(Config{})
	a, b := simnet.Pipe(1 << 20)
	ended := make(chan error, 1)
	go func() { ended <- svc.ServeConn(a) }()
	s := newScript(t, b)
	give(b, input, split)
	if next, whole := headers(input); whole {
		// Either the connection has ended, or a request is answered (WIRE-SAFE-08).
		id := fmt.Sprintf(`"barrier %d"`, next)
		s.give(fmt.Sprintf(`HEADER %d {"type":"request","action":"Test.echo","request_id":%s}`, next, id), fmt.Sprintf("DATA %d ok", next), fmt.Sprintf("EOF %d", next))
		time.Sleep(time.Second)
		answered := false
		for open := true; open && !answered; {
			select {
			case p, ok := <-s.got:
				answered = ok && p.Type == wire.TypeHeader && bytes.Contains(p.Body, []byte(id))
				open = ok
				if !ok {
					answered = true // it has ended
				}
			default:
				open = false
			}
		}
		if !answered {
			t.Error("the connection is open and does not work")
		}
	}
	b.Close()
	<-ended
	svc.Close()
}

// headers counts the HEADERs of input. It reports whether input is a sequence of
// whole packets.
func headers(input []byte) (n uint64, whole bool) {
	r := wire.NewReader(bytes.NewReader(input))
	for {
		p, err := r.Read()
		if err != nil {
			return n, err.Error() == "EOF"
		}
		if p.Type == wire.TypeHeader {
			n++
		}
	}
}

func fuzzCall(t *testing.T, input []byte, split int) {
	a, b := simnet.Pipe(1 << 20)
	c := NewConnection(a, Config{})
	newScript(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	start := time.Now()
	result := calling(c, ctx, NewRequest("A.b", make([]byte, 100)))
	synctest.Wait()
	give(b, input, split)
	result() // comes, whatever it is
	if took := time.Since(start); took > time.Minute {
		t.Errorf("the call took %v", took)
	}
	if _, whole := headers(input); whole {
		time.Sleep(10 * time.Minute) // whatever the input has opened is given up, and the connection is idle
		if c.Err() == nil {
			t.Error("the connection is kept for ever")
		}
	}
	c.Close()
}
