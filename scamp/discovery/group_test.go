package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	loopback     = netip.MustParseAddr("127.0.0.1")
	groupAddress = netip.MustParseAddr("239.63.248.106")
)

// freePort is a UDP port that nobody uses.
func freePort(t *testing.T) uint16 {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no UDP on 127.0.0.1: ", err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// listening and sending are sockets that close with the test.
func listening(t *testing.T, at netip.AddrPort, addresses ...netip.Addr) net.PacketConn {
	t.Helper()
	c, err := Listen(t.Context(), at, addresses)
	if err != nil {
		t.Skip("no multicast here: ", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func sending(t *testing.T, address netip.Addr) net.PacketConn {
	t.Helper()
	c, err := Sender(t.Context(), address)
	if err != nil {
		t.Skip("no multicast here: ", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// read is the next datagram of a socket; "" if none comes.
func read(t *testing.T, c net.PacketConn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(2 * time.Second))
	b := make([]byte, MaxDatagram)
	n, _, err := c.ReadFrom(b)
	if timeout := net.Error(nil); err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
		t.Fatal(err)
	}
	return string(b[:n])
}

// multicast returns a group that works on the loopback interface. Where there is none the test is run in a network name space of its own,
// which ok says, or skipped.
func multicast(t *testing.T) (at netip.AddrPort, ok bool) {
	t.Helper()
	at = netip.AddrPortFrom(groupAddress, freePort(t))
	in, out := listening(t, at, loopback), sending(t, loopback)
	_, err := out.WriteTo([]byte("probe"), net.UDPAddrFromAddrPort(at))
	if err == nil && read(t, in) == "probe" {
		return at, true
	}
	inNamespace(t, "ip link set lo up multicast on && ip route add 239.0.0.0/8 dev lo",
		fmt.Sprintf("multicast does not work on the loopback interface (%v); \"ip link set lo multicast on\" and a route may be missing", err))
	return at, false
}

const namespaced = "SCAMP_TEST_NAMESPACE"

// inNamespace runs the test in a network name space of its own that commands have prepared; it is skipped, for the reason, where that
// cannot be.
func inNamespace(t *testing.T, commands, reason string) {
	t.Helper()
	if os.Getenv(namespaced) != "" {
		t.Skip(reason)
	}
	for _, program := range []string{"unshare", "ip", "sh"} {
		if _, err := exec.LookPath(program); err != nil || os.Geteuid() != 0 {
			t.Skip(reason, "; a name space of its own needs root, unshare and ip")
		}
	}
	if out, err := exec.Command("unshare", "-n", "sh", "-c", commands).CombinedOutput(); err != nil {
		t.Skipf("%s; and a name space cannot be made: %v: %s", reason, err, out)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-n", "sh", "-c", commands+` && exec "$0" -test.run "^$1\$" -test.v`, os.Args[0], t.Name())
	cmd.Env = append(os.Environ(), namespaced+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("in a name space: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("in a name space: %s", out)
	case !strings.Contains(string(out), "--- PASS"):
		t.Fatalf("in a name space: %s", out)
	}
}

// Several sockets of a host hear the group; what is sent to the port by another address is not read (DISC-MC-07).
func TestListen(t *testing.T) {
	at, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	first, second := listening(t, at, loopback), listening(t, at, loopback, loopback)
	out := sending(t, loopback)
	send := func(text string, to netip.Addr) {
		t.Helper()
		if _, err := out.WriteTo([]byte(text), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, at.Port()))); err != nil {
			t.Fatal(err)
		}
	}
	send("one", groupAddress)
	send("by unicast", loopback)
	send("of another group", netip.MustParseAddr("239.63.248.107"))
	send("two", groupAddress)
	for i, c := range []net.PacketConn{first, second} {
		if got := []string{read(t, c), read(t, c)}; !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("listener %d read %q", i, got)
		}
	}
}

// Datagrams of the largest size travel, longer ones are an error of whoever sends them (DISC-MC-05).
func TestSendLargest(t *testing.T) {
	at, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	in, out := listening(t, at, loopback), sending(t, loopback)
	to := net.UDPAddrFromAddrPort(at)
	if _, err := out.WriteTo(make([]byte, MaxDatagram), to); err != nil {
		t.Skip("the system does not send datagrams of 65,507 octets: ", err)
	}
	if got := read(t, in); len(got) != MaxDatagram {
		t.Errorf("%d octets arrive", len(got))
	}
	if _, err := out.WriteTo(make([]byte, MaxDatagram+1), to); err == nil {
		t.Error("a longer one is sent")
	}
}

// What cannot be is an error that names the address (DISC-URI-02c, DISC-MC-06c).
func TestGroupErrors(t *testing.T) {
	at := netip.AddrPortFrom(groupAddress, freePort(t))
	nobody := netip.MustParseAddr("192.0.2.77")
	if _, err := Listen(t.Context(), at, []netip.Addr{nobody}); err == nil || !strings.Contains(err.Error(), "192.0.2.77 is no address of this host") {
		t.Errorf("listen: %v", err)
	}
	if _, err := Sender(t.Context(), nobody); err == nil || !strings.Contains(err.Error(), "192.0.2.77 is no address of this host") {
		t.Errorf("send: %v", err)
	}
	if _, err := Listen(t.Context(), netip.AddrPortFrom(loopback, at.Port()), []netip.Addr{loopback}); err == nil || !strings.Contains(err.Error(), "join 127.0.0.1") {
		t.Errorf("no group: %v", err)
	}
	if _, err := Listen(t.Context(), netip.AddrPortFrom(nobody, at.Port()), []netip.Addr{loopback}); err == nil || !strings.Contains(err.Error(), "listen to 192.0.2.77") {
		t.Errorf("somebody else's address: %v", err)
	}
	if i, err := interfaceOf(netip.MustParseAddr("127.0.0.77")); err != nil || i.Flags&net.FlagLoopback == 0 {
		t.Errorf("127.0.0.77: %v, %v", i, err)
	}
}

// mortal is a socket that can be cut off.
type mortal struct {
	net.PacketConn
	dead atomic.Bool
}

func (m *mortal) WriteTo(b []byte, to net.Addr) (int, error) {
	if m.dead.Load() {
		return len(b), nil
	}
	return m.PacketConn.WriteTo(b, to)
}

// until waits until a directory offers Foo.bar by these instances.
func until(t *testing.T, d *Directory, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for {
		changed := d.Changed()
		got := foundBar(d)
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("found %v, want %v", got, want)
		}
	}
}

// The same as in virtual time, on real sockets: found at once by two observers, gone when it is killed or stops (DISC-MC-08, DISC-RPL-02a,
// DISC-SHD-02a, DISC-MC-07c).
func TestRealNetwork(t *testing.T) {
	at, ok := multicast(t)
	if !ok {
		return // it has passed elsewhere
	}
	t.Parallel()
	var observers []*Observer
	for range 2 {
		o := &Observer{Conn: listening(t, at, loopback)}
		running(t, func(ctx context.Context) {
			if err := o.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		observers = append(observers, o)
	}
	var stops []func()
	var sockets []*mortal
	for _, ident := range []string{"a", "b"} {
		m := &mortal{PacketConn: sending(t, loopback)}
		a := announcer(nil, ident)
		a.Interval = 200 * time.Millisecond
		a.Links = []Link{{m, net.UDPAddrFromAddrPort(at), "beepish+tls://127.0.0.1:30100"}}
		a.Report = func(err error) { t.Error(err) }
		stops = append(stops, running(t, a.Run))
		sockets = append(sockets, m)
	}
	for _, o := range observers {
		until(t, &o.Directory, "a", "b")
	}
	killed := time.Now()
	sockets[0].dead.Store(true)
	until(t, &observers[0].Directory, "b")
	if d := time.Since(killed); d < 200*time.Millisecond || d > 3*time.Second {
		t.Errorf("it disappeared after %v", d)
	}
	stopped := time.Now()
	go stops[1]()
	until(t, &observers[0].Directory)
	until(t, &observers[1].Directory)
	if d := time.Since(stopped); d > time.Second {
		t.Errorf("it was gone after %v", d)
	}
	go stops[0]()
}

// A host of two networks: each carries what is sent there and nothing else, whatever the interfaces are called; who joins on both hears
// both (DISC-MC-06a, 06c, 07b, 10).
func TestTwoNetworks(t *testing.T) {
	if os.Getenv(namespaced) == "" {
		commands := "ip link set lo up"
		for _, n := range []string{"7", "8"} {
			commands += strings.ReplaceAll(" && ip link add netN type veth peer name peerN && ip address add 10.77.N.1/24 dev netN && ip link set netN up multicast on && ip link set peerN up", "N", n)
		}
		inNamespace(t, commands, "a host of two networks is to be had in a name space only")
		return
	}
	at := netip.AddrPortFrom(groupAddress, 5555)
	seven, eight := netip.MustParseAddr("10.77.7.1"), netip.MustParseAddr("10.77.8.1")
	for _, tc := range []struct {
		joined []netip.Addr
		want   []string
	}{{[]netip.Addr{seven}, []string{"7", "end 7"}}, {[]netip.Addr{eight}, []string{"8", "end 8"}}, {[]netip.Addr{seven, eight}, []string{"7", "8", "end 7", "end 8"}}} {
		in := listening(t, at, tc.joined...)
		for _, text := range []string{"7", "8", "end 7", "end 8"} {
			address := seven
			if strings.HasSuffix(text, "8") {
				address = eight
			}
			if _, err := sending(t, address).WriteTo([]byte(text), net.UDPAddrFromAddrPort(at)); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for range tc.want {
			got = append(got, read(t, in))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("joined on %v: read %q, want %q", tc.joined, got, tc.want)
		}
		in.Close() // a system may give a socket what another one has joined
	}
}
