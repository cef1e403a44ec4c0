package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/sim/simnet"
)

// A slowDisk takes what is written when it is told to.
type slowDisk struct {
	bytes.Buffer
	ready chan struct{}
	err   error
}

func (d *slowDisk) Write(p []byte) (int, error) {
	<-d.ready
	if d.err != nil {
		return 0, d.err
	}
	return d.Buffer.Write(p)
}

// TestTranscriptOfASlowDisk: while a piece is written, others add lines. All are written in the end, in their order.
func TestTranscriptOfASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &slowDisk{ready: make(chan struct{})}
		transcript := NewTranscript(d)
		var want strings.Builder
		at := time.Duration(0)
		add := func(lines int) {
			for range lines {
				at += time.Second
				line := strings.Repeat("x", int(at/time.Second)%100)
				fmt.Fprintf(&want, "%.9f %s\n", at.Seconds(), line)
				transcript.add(at, line)
			}
		}
		go add(1000)
		synctest.Wait()
		if at == 1000*time.Second || !transcript.writing {
			t.Fatal("nobody writes")
		}
		add(500)
		close(d.ready)
		synctest.Wait()
		if err := transcript.Close(); err != nil || at != 1500*time.Second || d.String() != want.String() {
			t.Errorf("%d octets, not %d; %v", d.Len(), want.Len(), err)
		}
	})
}

// TestTranscriptWaitsForTheDisk: what waits to be written is bounded, whoever adds.
func TestTranscriptWaitsForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &slowDisk{ready: make(chan struct{})}
		transcript := NewTranscript(d)
		line := strings.Repeat("x", 1000)
		for k := range 3 {
			go func() {
				for i := range 3000 {
					transcript.add(time.Duration(3*i+k)*time.Second, line)
				}
			}()
		}
		synctest.Wait()
		transcript.mu.Lock()
		if n := len(transcript.full); n < mostWaiting || n > mostWaiting+4*1100 {
			t.Errorf("%d octets wait", n)
		}
		transcript.mu.Unlock()
		close(d.ready)
		synctest.Wait()
		if err := transcript.Close(); err != nil || strings.Count(d.String(), "\n") != 9000 {
			t.Errorf("%d octets, %v", d.Len(), err)
		}
	})
}

// TestTranscriptOfAFullDisk: the first error is told in the end, and nobody waits.
func TestTranscriptOfAFullDisk(t *testing.T) {
	full := errors.New("the disk is full")
	d := &slowDisk{ready: make(chan struct{}), err: full}
	close(d.ready)
	transcript := NewTranscript(d)
	for i := range 100000 {
		transcript.add(time.Duration(i)*time.Second, "a line")
	}
	d.err = errors.New("another")
	if err := transcript.Close(); err != full {
		t.Error(err)
	}
}

// TestObserversHoldNothing: who observes a network may use it.
func TestObserversHoldNothing(t *testing.T) {
	var from []string
	err := simnet.Bubble(func() {
		n := simnet.NewNetwork(1, false)
		defer n.Close()
		a, b := n.Host("a"), n.Host("b")
		n.Observe(func(s simnet.Segment) {
			from = append(from, fmt.Sprint(n.Host(s.From.Name()).Name(), len(s.Octets), n.Link(a, b).Counts(a).Octets))
		})
		ln, err := b.Listen("tcp", ":1")
		if err != nil {
			t.Error(err)
			return
		}
		c, err := a.Dial(context.Background(), "tcp", "b:1")
		if err != nil {
			t.Error(err)
			return
		}
		defer ln.Close()
		c.Write(make([]byte, 7))
		c.Close()
		time.Sleep(time.Second)
	})
	if err != nil || strings.Join(from, " ") != "a7 7 a0 7" {
		t.Error(from, err)
	}
}
