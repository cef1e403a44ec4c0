package scamp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/scamp/wire"
)

// TestNothingIsSentAfterAFatalError: the error takes effect where it is seen,
// however long the trace thinks about it (WIRE-FRAME-15b, WIRE-CONN-03c).
func TestNothingIsSentAfterAFatalError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc, _ := fixture(Config{Trace: &Trace{PacketReceived: func(_ *Connection, p wire.Packet) {
			if p.Type == wire.TypeHeader && p.Number == 7 {
				time.Sleep(time.Minute)
			}
		}}})
		s := served(t, svc)
		s.request(0, "Test.echo", "{}")
		s.want(`HEADER 0 {"type":"reply","request_id":1}`, "DATA 0 {}", "EOF 0")
		start := time.Now()
		s.give(`HEADER 1 {"type":"request","action":"Test.echo","request_id":2}`, "DATA 1 {}", "EOF 1", "HEADER 7 {}")
		s.closed()
		if took := time.Since(start); took != 0 {
			t.Error("it was closed after", took)
		}
	})
}
