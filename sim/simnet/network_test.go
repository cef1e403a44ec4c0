package simnet

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestPartitions(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		a, b := connect(t, n)
		link := n.Link(n.Host("a"), n.Host("b"))
		for _, cut := range []func() func(){link.Partition, func() func() { return link.PartitionFrom(n.Host("a")) }, n.Host("b").Pause} {
			heal := cut()
			again := cut()
			start := time.Now()
			a.Write([]byte("x"))
			time.AfterFunc(time.Minute, heal)
			time.AfterFunc(2*time.Minute, again)
			time.AfterFunc(2*time.Minute, again) // counts once
			if _, err := b.Read(make([]byte, 1)); err != nil || time.Since(start) < 2*time.Minute || time.Since(start) > 2*time.Minute+time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
		if c := link.Counts(n.Host("a")); c.Held != 3 {
			t.Errorf("%+v", c)
		}
		heal := link.PartitionFrom(n.Host("b"))
		a.Write([]byte("x"))
		start := time.Now()
		if _, err := b.Read(make([]byte, 1)); err != nil || time.Since(start) > time.Second {
			t.Errorf("the other direction: %v after %v", err, time.Since(start))
		}
		heal()
	})
}

func TestKillCrashAndRestart(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		host := n.Host("b")
		a, b := connect(t, n)
		host.Kill()
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a peer that is killed: %v", err)
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNABORTED) {
			t.Errorf("at the one that is killed: %v", err)
		}

		a, _ = connect(t, n)
		host.Crash()
		a.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := a.Read(make([]byte, 1)); !isTimeout(err) {
			t.Errorf("a peer that has crashed: %v", err)
		}
		host.Restart()
		a.Write([]byte("are you there?"))
		a.SetReadDeadline(time.Time{})
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a peer that has been restarted: %v", err)
		}
		if len(host.streams)+len(n.Host("a").streams) != 0 {
			t.Error("streams are left")
		}
	})
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func TestResetOfALink(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		a, b := connect(t, n)
		if k := n.Link(n.Host("a"), n.Host("b")).Reset(); k != 1 {
			t.Errorf("%d connections", k)
		}
		for _, c := range []net.Conn{a, b} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestDatagrams(t *testing.T) {
	group := netip.MustParseAddr("239.63.248.106")
	virtual(t, func(t *testing.T, n *Network) {
		n.SetProfile(Profile{Latency: time.Millisecond})
		var in []*PacketConn
		for _, name := range []string{"a", "b", "b", "c"} {
			c, err := n.Host(name).ListenPacket("udp4", ":5555")
			if err != nil {
				t.Fatal(err)
			}
			if name != "c" {
				c.JoinGroup(group)
			}
			in = append(in, c)
		}
		out, _ := n.Host("a").ListenPacket("udp4", ":0")
		if _, err := out.WriteTo([]byte("hello"), net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, 5555))); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 100)
		for i, c := range in {
			c.SetReadDeadline(time.Now().Add(time.Second))
			k, from, err := c.ReadFrom(p)
			if member := i != 3; member != (err == nil && string(p[:k]) == "hello" && from.String() == out.LocalAddr().String()) {
				t.Errorf("socket %d: %q from %v, %v", i, p[:k], from, err)
			}
		}
		if _, err := out.WriteTo(make([]byte, 1<<16), in[1].LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("too large: %v", err)
		}
		in[1].Close()
		if _, _, err := in[1].ReadFrom(p); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		in[2].SetReadDeadline(time.Time{})
		out.WriteTo([]byte("to the other one"), in[2].LocalAddr())
		if k, _, err := in[2].ReadFrom(p); err != nil || string(p[:k]) != "to the other one" {
			t.Errorf("%q, %v", p[:k], err)
		}
	})
}

func TestFaultsOfDatagrams(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		n.SetProfile(Profile{Latency: time.Millisecond, Loss: 0.2, Duplicate: 0.2, Reorder: 0.2})
		in, _ := n.Host("b").ListenPacket("udp4", ":1")
		out, _ := n.Host("a").ListenPacket("udp4", ":0")
		for i := range 500 {
			out.WriteTo(fmt.Append(nil, i), in.LocalAddr())
		}
		time.Sleep(time.Second)
		var got []int
		in.SetReadDeadline(time.Now())
		time.Sleep(time.Nanosecond)
		in.SetReadDeadline(time.Now().Add(time.Second))
		for p := make([]byte, 10); ; {
			k, _, err := in.ReadFrom(p)
			if err != nil {
				break
			}
			var i int
			fmt.Sscan(string(p[:k]), &i)
			got = append(got, i)
		}
		c := n.Link(n.Host("a"), n.Host("b")).Counts(n.Host("a"))
		if len(got) != 500-c.Lost+c.Duplicated || c.Lost < 50 || c.Duplicated < 50 || c.Reordered < 50 || slices.IsSorted(got) {
			t.Errorf("%d datagrams, %+v", len(got), c)
		}
	})
}

func TestClocks(t *testing.T) {
	virtual(t, func(t *testing.T, n *Network) {
		h := n.Host("a")
		h.SetSkew(-time.Hour)
		if d := time.Since(h.Now()); d != time.Hour {
			t.Errorf("the clock is %v behind", d)
		}
	})
}

// TestRunsAreEqual: the same seed, the same run, whatever the scheduler does; and
// another seed another one.
func TestRunsAreEqual(t *testing.T) {
	first, other := transcript(t, 1), transcript(t, 2)
	if first == other {
		t.Error("two seeds are equal")
	}
	for range 20 {
		if transcript(t, 1) != first {
			t.Fatal("two runs with one seed differ")
		}
	}
}

// transcript lets some hosts talk to one another and returns what was read, when.
func transcript(t *testing.T, seed uint64) string {
	var mu sync.Mutex
	var lines []string
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork(seed, false)
		defer n.Close()
		p, _ := Preset("awful")
		n.SetProfile(p)
		start := time.Now()
		ln, err := n.Host("server").Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() { // echo
					p := make([]byte, 1000)
					for {
						k, err := c.Read(p)
						if err != nil {
							c.Close()
							return
						}
						c.SetWriteDeadline(time.Now().Add(time.Hour))
						c.Write(p[:k])
					}
				}()
			}
		}()
		var wg sync.WaitGroup
		for i := range 8 {
			h := n.Host(fmt.Sprint("client", i))
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			wg.Go(func() {
				time.Sleep(time.Duration(random.Int64N(int64(time.Second))))
				c, err := h.Dial(t.Context(), "tcp", "server:80")
				if err != nil {
					t.Error(err)
					return
				}
				go func() {
					for range 5 {
						time.Sleep(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
						c.SetWriteDeadline(time.Now().Add(time.Hour))
						c.Write(make([]byte, random.IntN(3000)))
					}
					c.(*Stream).CloseWrite()
				}()
				p := make([]byte, 700)
				for {
					k, err := c.Read(p)
					mu.Lock()
					lines = append(lines, fmt.Sprint(time.Since(start), i, k, err))
					mu.Unlock()
					if err != nil {
						if err != io.EOF {
							t.Error(err)
						}
						c.Close()
						return
					}
				}
			})
		}
		wg.Wait()
		ln.Close()
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestProfiles(t *testing.T) {
	for _, name := range PresetNames() {
		p, err := Preset(name)
		if err == nil {
			err = p.Check()
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := Preset("nowhere"); err == nil || !strings.Contains(err.Error(), "satellite") {
		t.Errorf("%v", err)
	}
	for word, p := range map[string]Profile{
		"latency": {Latency: -1}, "segment": {Segment: -1}, "loss": {Loss: 1.5}, "partition": {Loss: 1}, "duplicate": {Duplicate: -0.1}, "distribution": {Spread: "odd"},
	} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, s := range []Spread{Uniform, Normal, Exponential, Pareto} {
		p := Profile{Jitter: time.Second, Spread: s}
		var sum, most time.Duration
		for range 1000 {
			d := p.jitter(r)
			sum += d
			most = max(most, d)
		}
		mean := sum / 1000
		if mean < 300*time.Millisecond || mean > 1500*time.Millisecond || most <= mean {
			t.Errorf("%q: %v on average, %v at most", s, mean, most)
		}
	}
}
