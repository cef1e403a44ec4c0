package scamp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// TestWhatAlwaysHolds: whatever happens to connections, instances, windows and
// contexts,
//
//   - every call returns, once, in its time;
//   - no reply reaches another call;
//   - a request is executed at most once, and not at all if its error says so;
//   - bodies arrive whole, or with an error;
//   - afterwards nothing is left.
func TestWhatAlwaysHolds(t *testing.T) {
	randomSeeds := 1000
	if raceDetector { // a run costs ten times as much
		randomSeeds = 150
	}
	var total chances
	for seed := range uint64(randomSeeds) {
		bubble(t, func(t *testing.T) { newChaos(t, seed, &total).run() })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%+v", &total)
	for what, n := range map[string]int64{"succeed": total.ok.Load(), "are retried": total.twice.Load(), "fail unsent": total.unsent.Load(),
		"are lost": total.lost.Load(), "time out": total.late.Load(), "are cancelled": total.given.Load(), "are given up by the service": total.failed.Load()} {
		if n < int64(randomSeeds)/50 {
			t.Errorf("the test is blind: %d calls %s", n, what)
		}
	}
}

type chances struct{ ok, twice, unsent, lost, late, given, failed atomic.Int64 }

// chaos is one run.
type chaos struct {
	*town
	seed    uint64
	chances *chances
	houses  []*house

	mu       sync.Mutex
	random   *rand.Rand
	executed map[int]int // by call
	refused  map[int]int
}

func newChaos(t *testing.T, seed uint64, total *chances) *chaos {
	x := &chaos{
		town: newTown(t, Config{CallTimeout: 20 * time.Second, MessageTimeout: 30 * time.Second, IdleTimeout: 5 * time.Second}), seed: seed, chances: total,
		random: rand.New(rand.NewPCG(seed, 1)), executed: map[int]int{}, refused: map[int]int{},
	}
	x.q.Rand = x.n
	for range 2 + x.n(2) {
		h := x.build(discovery.Action{Name: "Test.act"})
		h.offer(discovery.Action{Name: "Test.act"}, x.act)
		h.wrap = x.wrap
		x.houses = append(x.houses, h)
	}
	return x
}

// n returns a random number below n.
func (x *chaos) n(n int) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.random.IntN(n)
}

func (x *chaos) oneOf(n int) bool { return x.n(n) == 0 }

func (x *chaos) pause(most time.Duration) time.Duration { return time.Duration(x.n(int(most))) }

// run makes calls while instances die and come back.
func (x *chaos) run() {
	stop := make(chan struct{})
	var trouble, calls sync.WaitGroup
	trouble.Go(func() { x.trouble(stop) })
	for id := range 8 + x.n(16) {
		calls.Go(func() {
			time.Sleep(x.pause(10 * time.Second))
			x.try(id)
		})
	}
	calls.Wait()
	close(stop)
	trouble.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, n := range x.executed {
		if n > 1 {
			x.t.Errorf("call %d is executed %d times", id, n)
		}
	}
}

// trouble kills instances and lets them come back.
func (x *chaos) trouble(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(x.pause(4 * time.Second)):
		}
		h := x.houses[x.n(len(x.houses))]
		h.close()
		time.Sleep(x.pause(time.Second))
		h.open()
	}
}

// message is the body of a call, and of its reply.
type message struct {
	ID  int
	Pad string
}

// act executes a request, or refuses it, or fails it in one way or another.
func (x *chaos) act(ctx context.Context, w *ReplyWriter, r *Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil || len(m.Pad) > 0 && strings.Trim(m.Pad, strconv.Itoa(m.ID%10)) != "" {
		x.t.Errorf("seed %d: a request arrived damaged: %v", x.seed, err)
		return errors.New("damaged")
	}
	if x.oneOf(8) {
		x.mu.Lock()
		x.refused[m.ID]++
		x.mu.Unlock()
		return &ReplyError{Code: CodeTransport, Message: "refused", Data: notExecuted}
	}
	x.mu.Lock()
	x.executed[m.ID]++
	x.mu.Unlock()
	if x.oneOf(4) {
		time.Sleep(x.pause(30 * time.Second))
	}
	half := len(body)
	if x.oneOf(10) {
		half = x.n(len(body))
	}
	if _, err := w.Write(body[:half]); err != nil || half < len(body) {
		return errors.Join(err, errors.New("given up in the middle"))
	}
	return nil
}

// try makes a call and looks at what comes of it.
func (x *chaos) try(id int) {
	sent := message{id, strings.Repeat(strconv.Itoa(id%10), x.n(150000)*x.n(2))}
	body, err := json.Marshal(sent)
	if err != nil {
		panic(err)
	}
	r := NewRequest("Test.act", body)
	switch x.n(4) {
	case 0:
		r.Body = bytes.NewReader(body)
	case 1:
		r.Body = struct{ io.Reader }{bytes.NewReader(body)}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	limit := x.q.Config.CallTimeout
	switch x.n(5) {
	case 0:
		time.AfterFunc(x.pause(2*time.Second), cancel)
	case 1:
		limit = x.pause(10*time.Second) + 1
		var stop func()
		ctx, stop = context.WithTimeout(ctx, limit)
		defer stop()
	}
	start := time.Now()
	got, own, err := x.receive(ctx, r)
	if d := time.Since(start) - own; d > limit+time.Millisecond {
		x.t.Errorf("seed %d: call %d took %v of %v: %v, %d octets", x.seed, id, d, limit, err, len(got))
	}
	x.judge(id, body, got, err)
}

// receive calls, and reads the reply with pauses of its own, so that windows stall.
func (x *chaos) receive(ctx context.Context, r *Request) (got []byte, own time.Duration, err error) {
	reply, err := x.q.Call(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	defer reply.Body.Close()
	piece := make([]byte, 1+x.n(100000))
	for {
		n, err := reply.Body.Read(piece)
		got = append(got, piece[:n]...)
		if err == io.EOF {
			return got, own, nil
		}
		if err != nil {
			return got, own, err
		}
		if x.oneOf(8) {
			d := x.pause(time.Second)
			time.Sleep(d)
			own += d
		}
	}
}

func (x *chaos) judge(id int, sent, got []byte, err error) {
	x.mu.Lock()
	executed, refused := x.executed[id], x.refused[id]
	x.mu.Unlock()
	if refused > 0 && executed > 0 {
		x.chances.twice.Add(1)
	}
	var (
		lost  *ConnectionError
		late  *TimeoutError
		given *CanceledError
	)
	switch {
	case err == nil:
		x.chances.ok.Add(1)
		if !bytes.Equal(sent, got) || executed != 1 {
			x.t.Errorf("seed %d: call %d: executed %d times, %d octets sent, %d came: %.60q, %.60q", x.seed, id, executed, len(sent), len(got), sent, got)
		}
		return
	case errors.As(err, &late):
		x.chances.late.Add(1)
	case errors.As(err, &given):
		x.chances.given.Add(1)
	case errors.As(err, &lost) && lost.Sent:
		x.chances.lost.Add(1)
	case errors.As(err, &lost):
		x.chances.unsent.Add(1)
	default:
		x.chances.failed.Add(1)
	}
	if Failure(err).NotExecuted() && executed > 0 {
		x.t.Errorf("seed %d: call %d was executed, although: %v", x.seed, id, err)
	}
}

// wrap lets some transports break after a random number of octets.
func (x *chaos) wrap(nc net.Conn) net.Conn {
	if !x.oneOf(2) {
		return nc
	}
	c := &breaking{Conn: nc.(*simnet.Conn)}
	c.left.Store(int64(x.n(1 << (9 + x.n(10)))))
	return c
}

// breaking is a transport that is reset when so many octets have passed.
type breaking struct {
	*simnet.Conn
	left atomic.Int64
}

func (c *breaking) pass(n int) int {
	left := c.left.Add(int64(-n))
	if left >= 0 {
		return n
	}
	c.Reset()
	return max(0, n+int(left))
}

func (c *breaking) Write(p []byte) (int, error) {
	if n := int(c.left.Load()); n < len(p) {
		n, _ = c.Conn.Write(p[:max(n, 0)])
		c.pass(len(p))
		return n, fmt.Errorf("broken after %d octets", n)
	}
	c.pass(len(p))
	return c.Conn.Write(p)
}

func (c *breaking) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return c.pass(n), err
}
