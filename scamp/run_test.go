package scamp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/fixtures"
	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// opened is the service inventory of a site, with an echo.
func opened(t *testing.T, conf string) *Service {
	t.Helper()
	s, err := OpenService(site(t, conf), "inventory")
	if err != nil {
		t.Fatal(err)
	}
	s.Mux = echoes()
	return s
}

// TestRun: it serves, announces and is marked as alive; when its context ends it
// stops in order, and what marks it is gone (WIRE-SVC-04, 06).
func TestRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dir := t.TempDir()
		s := opened(t, "service.running_service_file_dir_path = "+dir)
		file := filepath.Join(dir, "inventory")
		s.Mux.HandleFunc(Action{Name: "Test.sleep", NoAuth: true, Timeout: 5 * time.Minute}, func(_ context.Context, w *ReplyWriter, _ *Request) error {
			time.Sleep(4 * time.Minute)
			_, err := w.Write([]byte("true"))
			return err
		})
		one := &arrivals{silence{make(chan struct{})}, make(chan any)}
		two := &arrivals{silence{make(chan struct{})}, make(chan any)}
		e := newEther()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx, []net.Listener{one, two}, announcer(t, e)) }()
		c, err := two.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		if got := try(t, c, "Test.echo", ""); got != "{}" {
			t.Error(got)
		}
		if text, err := os.ReadFile(file); string(text) != "test:1\n" || err != nil {
			t.Errorf("%q %v", text, err)
		}
		slow := calling(c, context.Background(), NewRequest("Test.sleep", []byte("{}")))
		synctest.Wait()
		start := time.Now()
		cancel()
		synctest.Wait()
		if got := e.all(); len(got) < 2 || got[len(got)-1].Weight != 0 {
			t.Errorf("%+v", got)
		}
		time.Sleep(time.Minute)
		if _, err := os.Stat(file); err != nil {
			t.Error("something is in progress, and yet:", err)
		}
		if _, err := slow(); err == nil {
			t.Error("the call had 75 s")
		}
		if err := <-ended; err != nil || time.Since(start) < 4*time.Minute || time.Since(start) > 4*time.Minute+2*lull {
			t.Error(err, time.Since(start))
		}
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Error("it is there:", err)
		}
		<-one.done
		<-two.done
		c.Close()
	})
}

// TestRunIsBounded: a handler that never returns does not hold it for ever.
func TestRunIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := opened(t, "worker.timeout = 20")
		release := make(chan struct{})
		s.Mux.HandleFunc(Action{Name: "Test.stuck", NoAuth: true}, func(context.Context, *ReplyWriter, *Request) error {
			<-release
			return nil
		})
		ln := &arrivals{silence{make(chan struct{})}, make(chan any)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx, []net.Listener{ln}, announcer(t, newEther())) }()
		c, err := ln.arrive(t)
		if err != nil {
			t.Fatal(err)
		}
		calling(c, t.Context(), NewRequest("Test.stuck", []byte("{}")))
		synctest.Wait()
		start := time.Now()
		cancel()
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 35*time.Second {
			t.Error(err, time.Since(start))
		}
		close(release)
		c.Close()
	})
}

// TestRunEndsWithAListener, and says so; and with a Shutdown of somebody else.
func TestRunEndsWithAListener(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := opened(t, "")
		ln := &arrivals{silence{make(chan struct{})}, make(chan any)}
		other := &arrivals{silence{make(chan struct{})}, make(chan any)}
		ended := make(chan error, 1)
		go func() { ended <- s.run(t.Context(), []net.Listener{ln, other}, announcer(t, newEther())) }()
		failed := errors.New("no more")
		ln.next <- failed
		if err := <-ended; err != failed {
			t.Error(err)
		}
		<-other.done

		s = opened(t, "")
		ln = &arrivals{silence{make(chan struct{})}, make(chan any)}
		go func() { ended <- s.run(t.Context(), []net.Listener{ln}, announcer(t, newEther())) }()
		synctest.Wait()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestRunCannotStart: the error says why.
func TestRunCannotStart(t *testing.T) {
	if err := new(Service).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "OpenService") {
		t.Error(err)
	}
	first, free := portRange(t, 2)
	full, err := Listen(t.Context(), "127.0.0.1", free, free, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	const here = "bus.address = 127.0.0.1\n"
	for _, test := range []struct{ conf, want string }{
		{"bus.address = nowhere", "bus.address"},
		{here + "discovery.address = if:none", "discovery.address"},
		{here + "discovery.port = 70000", "discovery.port"},
		{here + "discovery.multicast_address = x", "discovery.multicast_address"},
		{here + "beepish.first_port = 5\nbeepish.last_port = 4", "beepish.last_port"},
		{here + "beepish.bind_tries = 0", "beepish.bind_tries"},
		{here + fmt.Sprintf("beepish.first_port = %d\nbeepish.last_port = %d", first, first+1), "beepish.first_port"},
		{here + "service.running_service_file_dir_path = /no/such/directory", "liveness"},
	} {
		s := opened(t, test.conf)
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v", test.conf, err)
		}
	}
}

// TestReachable: a packet has a URI that is reachable from where it is sent
// (DISC-MC-06b).
func TestReachable(t *testing.T) {
	networks := []netip.Prefix{
		netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("10.0.0.5/24"), netip.MustParsePrefix("10.0.0.6/24"), netip.MustParsePrefix("192.168.1.5/16"),
	}
	for _, test := range []struct {
		host  string
		given []string
		want  string // "" is none
	}{
		{"10.0.0.5", []string{"192.168.1.5:1", "10.0.0.6:2", "10.0.0.5:3"}, "10.0.0.5:3"},
		{"10.0.0.5", []string{"192.168.1.5:1", "10.0.0.6:2"}, "10.0.0.6:2"},
		{"192.168.1.5", []string{"10.0.0.6:2", "192.168.1.5:1"}, "192.168.1.5:1"},
		{"192.168.1.5", []string{"10.0.0.6:2"}, ""},
		{"10.0.0.5", []string{"127.0.0.1:1"}, ""},
		{"127.0.0.1", []string{"10.0.0.5:1"}, "10.0.0.5:1"},
		{"127.0.0.1", []string{"10.0.0.5:1", "127.0.0.2:2"}, "127.0.0.2:2"},
	} {
		var addresses []netip.AddrPort
		for _, a := range test.given {
			addresses = append(addresses, netip.MustParseAddrPort(a))
		}
		at, ok := reachable(netip.MustParseAddr(test.host), addresses, networks)
		if ok != (test.want != "") || ok && at.String() != test.want {
			t.Errorf("%s of %v: %v %v", test.host, test.given, at, ok)
		}
	}
	if all, err := networksOfHost(); err != nil || len(all) == 0 {
		t.Error(all, err)
	}
}

// A lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestRunOnSockets: from a configuration file to a call, with real sockets. Where
// the loopback interface has multicast, the service is heard, too.
func TestRunOnSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("the farewell takes 2.7 s")
	}
	lowest, port := portRange(t, 3)
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no UDP on 127.0.0.1: ", err)
	}
	group := netip.AddrPortFrom(netip.MustParseAddr("239.63.248.106"), uint16(udp.LocalAddr().(*net.UDPAddr).Port))
	udp.Close()
	var log lockedBuffer
	s := opened(t, fmt.Sprintf("typo\nbus.address = 127.0.0.1\nbeepish.first_port = %d\nbeepish.last_port = %d\ndiscovery.port = %d\n", lowest, lowest+2, group.Port()))
	s.keyless = errors.New("no key")
	s.Grace = -1
	s.Config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	heard := make(chan *discovery.Announcement, 10)
	if ear, err := discovery.Listen(t.Context(), group, []netip.Addr{netip.MustParseAddr("127.0.0.1")}); err == nil {
		t.Cleanup(func() { ear.Close() })
		go func() {
			b := make([]byte, discovery.MaxDatagram)
			for {
				n, _, err := ear.ReadFrom(b)
				if err != nil {
					return
				}
				if packet, _, err := new(discovery.Inflater).Inflate(b[:n]); err == nil {
					if a, err := discovery.Verify(packet); err == nil {
						heard <- a
					}
				}
			}
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var c *Connection
	for c == nil {
		select {
		case err := <-ended:
			t.Skip("it cannot run here: ", err)
		default:
		}
		if conn, err := Dial(t.Context(), fmt.Sprintf("127.0.0.1:%d", port), Config{Fingerprint: fixtures.Fingerprint("server")}); err == nil {
			c = conn
		}
	}
	defer c.Close()
	if got, err := calling(c, t.Context(), NewRequest("Test.echo", []byte("{}")))(); got != "{}" || err != nil {
		t.Error(got, err)
	}
	var first *discovery.Announcement
	patience, enough := context.WithTimeout(t.Context(), 2*time.Second) // where nothing is heard there is no multicast
	defer enough()
	select {
	case first = <-heard:
	case <-patience.Done():
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "no effect") || !strings.Contains(log.String(), "no key") {
		t.Error(log.String())
	}
	if first == nil {
		t.Log("no multicast on the loopback interface")
		return
	}
	if a := first; a.URI != fmt.Sprintf("beepish+tls://127.0.0.1:%d", port) || !strings.HasPrefix(a.Ident, "inventory:") || len(a.Actions) != 1 || a.Fingerprint != fixtures.Fingerprint("server") {
		t.Errorf("%+v, %d actions", a.Identity, len(a.Actions))
	}
}
