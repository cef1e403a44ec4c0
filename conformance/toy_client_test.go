package conformance

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
)

// A toyCaller is a small client for the tests of the runner. It knows nothing of package scamp: it makes a connection for
// each call, to S1 unless the call is a barrier, and believes every certificate.
type toyCaller struct {
	world calling.World
	kept  []net.Conn
	// What it does otherwise than it should; each may be nil.
	odd    func(t *toyCaller, ctx context.Context, c calling.Call) (o calling.Outcome, done bool)
	edit   func(ps []packet) []packet                              // what it sends
	report func(c calling.Call, o calling.Outcome) calling.Outcome // what it tells the application
	close  func()
}

// client makes fresh ones of the same kind.
func (y toyCaller) client() *Subject {
	s := ClientValue(func(w calling.World) calling.Client {
		fresh := y
		fresh.world = w
		return &fresh
	})
	s.fixtures = everything
	return s
}

func (y *toyCaller) Close() {
	for _, nc := range y.kept {
		nc.Close()
	}
	if y.close != nil {
		y.close()
	}
}

func (y *toyCaller) Call(ctx context.Context, c calling.Call) calling.Outcome {
	scripted := !strings.HasPrefix(c.Action, "Barrier.")
	if scripted && y.odd != nil {
		if o, done := y.odd(y, ctx, c); done {
			return o
		}
	}
	o := y.once(ctx, c, scripted)
	if scripted && y.report != nil {
		o = y.report(c, o)
	}
	return o
}

func transport(err error) calling.Outcome {
	return calling.Outcome{Failed: true, Code: "transport", Text: err.Error()}
}

// connect makes a connection for a call.
func (y *toyCaller) connect(ctx context.Context, c calling.Call) (net.Conn, error) {
	address := addressOf("S1")
	if name, ok := strings.CutPrefix(c.Action, "Barrier."); ok {
		address = addressOf(name)
	}
	nc, err := y.world.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	tc := tls.Client(nc, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err := tc.Handshake(); err != nil {
		nc.Close()
		return nil, err
	}
	return tc, nil
}

// once makes a call on a connection of its own.
func (y *toyCaller) once(ctx context.Context, c calling.Call, scripted bool) calling.Outcome {
	nc, err := y.connect(ctx, c)
	if err != nil {
		return transport(err)
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	if c.Timeout > 0 {
		nc.SetDeadline(time.Now().Add(c.Timeout))
	}
	header := fmt.Sprintf(`{"type":"request","action":%q,"version":1,"envelope":"json","request_id":1}`, c.Action)
	ps := []packet{{"HEADER", 0, []byte(header)}, {"DATA", 0, c.Body}, {"EOF", 0, nil}}
	if scripted && y.edit != nil {
		ps = y.edit(ps)
	}
	var octets []byte
	for _, p := range ps {
		octets = appendPacket(octets, p, nil, nil)
	}
	if _, err := nc.Write(octets); err != nil {
		return transport(err)
	}
	return y.answer(nc)
}

// answer waits for the reply.
func (y *toyCaller) answer(nc net.Conn) calling.Outcome {
	var d decoder
	var body []byte
	var header jsonValue
	buf := make([]byte, 64<<10)
	for {
		n, err := nc.Read(buf)
		d.feed(buf[:n])
		for {
			p, wrong, ok := d.next()
			if !ok {
				break
			}
			if len(wrong) > 0 {
				return transport(fmt.Errorf("%s", wrong[0].reason))
			}
			switch p.kind {
			case "HEADER":
				header, _ = parseJSON(p.body)
			case "DATA":
				body = append(body, p.body...)
				nc.Write(appendPacket(nil, packet{"ACK", p.number, appendUint(uint64(len(body)))}, nil, nil))
			case "TXERR":
				return transport(fmt.Errorf("given up: %s", p.body))
			case "EOF":
				if header.says("error") || header.says("error_code") {
					code, _ := header.get("error_code")
					text, _ := header.get("error")
					data, ok := header.get("error_data")
					o := calling.Outcome{Failed: true, Code: code.text, Text: text.text}
					if ok {
						o.Data = json.RawMessage(data.source())
					}
					return o
				}
				return calling.Outcome{Body: body}
			}
		}
		if err != nil || d.broken != nil || d.doubt != nil {
			return transport(fmt.Errorf("Connection lost (%v)", err))
		}
	}
}

// clientCase parses a case whose steps are given.
func clientCase(t *testing.T, steps string) *Case {
	t.Helper()
	if !strings.HasPrefix(steps, "#") {
		steps = clientHead + steps
	}
	return caseOf(t, steps)
}

// callerResult is the result of one case on a toy; what is judged on every packet is returned beside it.
func callerResult(t *testing.T, y toyCaller, steps string) (r Result, everywhere []Result) {
	t.Helper()
	report, err := Run(t.Context(), y.client(), []*Case{clientCase(t, steps)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results[1:] {
		if r.Verdict != Pass {
			everywhere = append(everywhere, r)
		}
	}
	return report.Results[0], everywhere
}
