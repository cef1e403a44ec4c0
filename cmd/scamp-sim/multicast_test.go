package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// A bus is a multicast group on the loopback interface, which nobody else uses.
type bus struct {
	at  netip.AddrPort
	out net.PacketConn
}

var loopback = netip.MustParseAddr("127.0.0.1")

// multicast returns a bus. Where multicast does not work on the loopback interface the test is run in a network name space of its
// own, which ok says, or skipped.
func multicast(t *testing.T) (b *bus, ok bool) {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no UDP on 127.0.0.1: ", err)
	}
	port := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	c.Close()
	b = &bus{at: netip.AddrPortFrom(netip.MustParseAddr("239.63.248.106"), port)}
	in, err := discovery.Listen(t.Context(), b.at, []netip.Addr{loopback})
	if err != nil {
		t.Skip("no multicast here: ", err)
	}
	defer in.Close()
	out, err := discovery.Sender(t.Context(), loopback)
	if err != nil {
		t.Skip("no multicast here: ", err)
	}
	t.Cleanup(func() { out.Close() })
	b.out = out
	err = b.write([]byte("probe"))
	if err == nil {
		in.SetReadDeadline(time.Now().Add(2 * time.Second))
		buf := make([]byte, 10)
		if n, _, err := in.ReadFrom(buf); err == nil && string(buf[:n]) == "probe" {
			return b, true
		}
	}
	inNamespace(t, fmt.Sprintf("multicast does not work on the loopback interface (%v); \"ip link set lo multicast on\" and a route may be missing", err))
	return nil, false
}

const namespaced = "SCAMP_TEST_NAMESPACE"

// inNamespace runs the test in a network name space of its own; it is skipped, for the reason, where that cannot be.
func inNamespace(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv(namespaced) != "" {
		t.Skip(reason)
	}
	for _, program := range []string{"unshare", "ip", "sh"} {
		if _, err := exec.LookPath(program); err != nil || os.Geteuid() != 0 {
			t.Skip(reason, "; a name space of its own needs root, unshare and ip")
		}
	}
	const commands = "ip link set lo up multicast on && ip route add 239.0.0.0/8 dev lo"
	if out, err := exec.Command("unshare", "-n", "sh", "-c", commands).CombinedOutput(); err != nil {
		t.Skipf("%s; and a name space cannot be made: %v: %s", reason, err, out)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-n", "sh", "-c", commands+` && exec "$0" -test.run "^$1\$" -test.v`, os.Args[0], t.Name())
	cmd.Env = append(os.Environ(), namespaced+"=1", givenBinary+"="+binary)
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("in a name space: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("in a name space: %s", out)
	case !strings.Contains(string(out), "--- PASS"):
		t.Fatalf("in a name space: %s", out)
	}
	t.Logf("in a name space:\n%s", out)
}

func (b *bus) write(datagram []byte) error {
	_, err := b.out.WriteTo(datagram, net.UDPAddrFromAddrPort(b.at))
	return err
}

// send sends a datagram to the group.
func (b *bus) send(t *testing.T, datagram []byte) {
	t.Helper()
	if err := b.write(datagram); err != nil {
		t.Fatal(err)
	}
}

// config writes a soa.conf of the bus, with further lines, and returns its path and that of the cache file.
func (b *bus) config(t *testing.T, dir string, lines ...string) (config, cache string) {
	t.Helper()
	config, cache = filepath.Join(dir, "soa.conf"), filepath.Join(dir, "cache")
	text := fmt.Sprintf("bus.address = 127.0.0.1\ndiscovery.multicast_address = %v\ndiscovery.port = %d\ndiscovery.cache_path = %s\n%s\n",
		b.at.Addr(), b.at.Port(), cache, strings.Join(lines, "\n"))
	write(t, config, text)
	return config, cache
}
