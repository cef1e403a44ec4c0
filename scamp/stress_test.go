package scamp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// TestCallsUnderStress makes many calls at once on one connection, of all sizes,
// streamed and whole, cancels some of them, and cuts the connection at some octet
// in every other run. Every call has one outcome; a body arrives whole or with an
// error; nothing is left on either side (WIRE-SAFE-09, WIRE-CONN-03).
func TestCallsUnderStress(t *testing.T) {
	seeds := 300
	if testing.Short() {
		seeds = 30
	}
	var total tally
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { stress(t, uint64(seed), &total) })
		})
	}
	t.Logf("%d whole, %d cut, %d failed, %d lost connections",
		total.whole.Load(), total.cut.Load(), total.failed.Load(), total.gone.Load())
	if total.whole.Load() == 0 || total.cut.Load() == 0 || total.failed.Load() == 0 || total.gone.Load() == 0 {
		t.Errorf("some outcomes never came: %d whole, %d cut, %d failed, %d lost connections",
			total.whole.Load(), total.cut.Load(), total.failed.Load(), total.gone.Load())
	}
}

// tally counts outcomes, so that a test that tests nothing is noticed.
type tally struct{ whole, cut, failed, gone atomic.Int64 }

func stress(t *testing.T, seed uint64, total *tally) {
	rng := rand.New(rand.NewPCG(seed, 1))
	a, b := simnet.Pipe(1000 + rng.IntN(300000))
	var server, client net.Conn = a, &choppy{Conn: b, rng: rand.New(rand.NewPCG(seed, 2))}
	if rng.IntN(2) == 0 {
		left := &atomic.Int64{}
		left.Store(rng.Int64N(3 << 20))
		client = &cut{client, left, b}
	}
	svc := &Service{Mux: stressed(), Config: Config{MaxMessages: 64 + rng.IntN(100)}}
	go svc.ServeConn(server)
	c := NewConnection(client, Config{})

	var calls sync.WaitGroup
	for i := range 1 + rng.IntN(60) {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		calls.Go(func() {
			for range 1 + rng.IntN(4) {
				time.Sleep(time.Duration(rng.IntN(5)) * time.Millisecond)
				if err := oneCall(t, c, rng, total); err != nil {
					return
				}
			}
		})
	}
	calls.Wait()
	synctest.Wait()
	time.Sleep(5 * time.Second) // handlers that sleep return, aborts go out
	nothingIsLeft(t, "client", c)
	svc.mu.Lock()
	for k := range svc.connections {
		nothingIsLeft(t, "service", k)
	}
	svc.mu.Unlock()
	if c.Err() != nil {
		total.gone.Add(1)
	}
	c.Close()
	svc.Close()
}

// stressed is a service that does everything that a handler may do.
func stressed() *Mux {
	mux := echoes()
	mux.Handle(Action{Name: "Test.collect", NoAuth: true, Envelopes: []string{"raw"}}, HandlerFunc(func(_ context.Context, w *ReplyWriter, r *Request) error {
		_, err := io.Copy(w, r.Body)
		return err
	}))
	mux.Handle(Action{Name: "Test.slow", NoAuth: true, Envelopes: []string{"raw"}}, HandlerFunc(func(ctx context.Context, w *ReplyWriter, r *Request) error {
		select {
		case <-time.After(3 * time.Millisecond):
		case <-ctx.Done():
		}
		_, err := io.Copy(w, r.Body)
		return err
	}))
	mux.Handle(Action{Name: "Test.fail", NoAuth: true, Stream: true}, HandlerFunc(func(_ context.Context, w *ReplyWriter, r *Request) error {
		io.CopyN(w, r.Body, 30000)
		return errors.New("no more")
	}))
	mux.Handle(Action{Name: "Test.panic", NoAuth: true, Stream: true}, HandlerFunc(func(context.Context, *ReplyWriter, *Request) error { panic("oh") }))
	return mux
}

// oneCall makes a random call. It returns an error when the connection has ended.
func oneCall(t *testing.T, c *Connection, rng *rand.Rand, total *tally) error {
	actions := []string{"Test.echo", "Test.echo", "Test.collect", "Test.slow", "Test.fail", "Test.panic", "No.such"}
	action := actions[rng.IntN(len(actions))]
	body := make([]byte, rng.IntN(1<<rng.IntN(19)))
	for i := range body {
		body[i] = byte(i*7 + len(body))
	}
	r := NewRequest(action, body)
	if action == "Test.collect" || action == "Test.slow" {
		r.Envelope = "raw"
	}
	if rng.IntN(2) == 0 {
		r.Body = &choppyReader{bytes.NewReader(body), rand.New(rand.NewPCG(rng.Uint64(), 0))}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if rng.IntN(3) == 0 {
		defer time.AfterFunc(time.Duration(rng.IntN(10000))*time.Microsecond, cancel).Stop()
	}
	reply, err := c.Call(ctx, r)
	if err != nil {
		total.failed.Add(1)
		return c.Err()
	}
	var got []byte
	switch rng.IntN(4) {
	case 0:
		got, err = reply.ReadAll(0)
	case 1:
		got, err = io.ReadAll(&choppyReader{reply.Body, rng})
	case 2:
		var all bytes.Buffer
		_, err = io.Copy(&all, reply.Body)
		got = all.Bytes()
	default:
		io.CopyN(io.Discard, reply.Body, int64(rng.IntN(1000)))
		reply.Body.Close()
		return c.Err()
	}
	switch {
	case err != nil:
		total.cut.Add(1)
	case action == "Test.fail" || action == "Test.panic" || action == "No.such":
		t.Errorf("%s succeeded", action)
	case !bytes.Equal(got, body):
		t.Errorf("%s of %d octets came back as %d others", action, len(body), len(got))
	default:
		total.whole.Add(1)
	}
	return c.Err()
}

// nothingIsLeft says that no call, message or octet is left on a connection.
func nothingIsLeft(t *testing.T, side string, c *Connection) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, n := range map[string]int{
		"in": len(c.in), "out": len(c.out), "calls": len(c.calls), "ready": len(c.ready), "acks": len(c.acks), "pongs": len(c.pongs),
		"queue": len(c.queue), "handlings": len(c.handlings), "serving": c.serving, "refusals": c.refusals, "expired": c.expired,
		"buffered": c.buffered, "headers": c.headers,
	} {
		if n != 0 && (c.err == nil || what != "buffered" && what != "headers" && what != "expired") {
			t.Errorf("%s: %d are left in %s (%v)", side, n, what, c.err)
		}
	}
	if c.err == nil && c.busy() {
		t.Errorf("%s: it is still busy", side)
	}
}

// choppy reads in pieces of any size.
type choppy struct {
	net.Conn
	rng *rand.Rand
}

func (c *choppy) Read(p []byte) (int, error) { return c.Conn.Read(p[:1+c.rng.IntN(len(p))]) }

type choppyReader struct {
	io.Reader
	rng *rand.Rand
}

func (c *choppyReader) Read(p []byte) (int, error) {
	return c.Reader.Read(p[:1+c.rng.IntN(min(len(p), 1+c.rng.IntN(30000)))])
}

// cut resets a connection when so many octets have passed, either way.
type cut struct {
	net.Conn
	left *atomic.Int64
	pipe *simnet.Conn
}

func (c *cut) pass(n int) {
	if c.left.Add(-int64(n)) <= 0 {
		c.pipe.Reset()
	}
}

func (c *cut) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.pass(n)
	return n, err
}

func (c *cut) Write(p []byte) (int, error) {
	if rest := c.left.Load(); rest > 0 && rest < int64(len(p)) {
		n, err := c.Conn.Write(p[:rest])
		c.pass(n)
		if err != nil {
			return n, err
		}
	}
	n, err := c.Conn.Write(p)
	c.pass(n)
	return n, err
}

// TestClosingDuringTraffic closes either side at a random moment of a call
// (WIRE-SAFE-09).
func TestClosingDuringTraffic(t *testing.T) {
	for seed := range 200 {
		bubble(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 3))
			a, b := simnet.Pipe(20000)
			svc := &Service{Mux: echoes()}
			served := make(chan error, 1)
			go func() { served <- svc.ServeConn(a) }()
			c := NewConnection(&choppy{b, rand.New(rand.NewPCG(uint64(seed), 4))}, Config{})
			results := make(chan error, 10)
			for range cap(results) {
				r := NewRequest("Test.echo", make([]byte, 200000))
				go func() {
					time.Sleep(time.Microsecond)
					reply, err := c.Call(t.Context(), r)
					if err == nil {
						_, err = reply.ReadAll(0)
					}
					results <- err
				}()
			}
			for range rng.IntN(2000) { // a random moment, since everything happens at once
				runtime.Gosched()
			}
			switch seed % 4 {
			case 0:
				c.Close()
			case 1:
				svc.Close()
			case 2:
				b.Reset()
			case 3:
				a.Close()
			}
			for range cap(results) {
				<-results
			}
			c.Close()
			svc.Close()
			<-served
			nothingIsLeft(t, "client", c)
		})
	}
}
