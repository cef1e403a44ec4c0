package soaconf

import (
	"net/netip"
	"strings"
	"testing"
)

// host is a host with three interfaces.
func host() ([]Interface, error) {
	return []Interface{
		{"lo", []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}},
		{"eth0", []netip.Addr{netip.MustParseAddr("fe80::1"), netip.MustParseAddr("192.168.1.5")}},
		{"net7", []netip.Addr{netip.MustParseAddr("10.1.7.20"), netip.MustParseAddr("10.1.7.21")}},
		{"bare", nil},
	}, nil
}

func TestAddressLists(t *testing.T) {
	for name, tc := range map[string]struct{ text, discovery, service string }{
		"04a: list":          {"bus.address = 127.0.0.1 , if:net7", "127.0.0.1 10.1.7.20", "127.0.0.1 10.1.7.20"},
		"04b: specific":      {"bus.address = 127.0.0.1\nservice.address = 192.168.1.5", "127.0.0.1", "192.168.1.5"},
		"04b: empty":         {"bus.address = 127.0.0.1\nservice.address =", "127.0.0.1", "127.0.0.1"},
		"04c: probe":         {"", "10.1.7.20", "10.1.7.20"},
		"04d: unknown":       {"bus.address = 10.9.9.9,127.0.0.1", "soa.conf:1: bus.address: 10.9.9.9 is no address of this host", "10.9.9.9"},
		"04d: no interface":  {"service.address = if:eth9", "10.1.7.20", "soa.conf:1: service.address: this host has no interface eth9"},
		"04d: no IPv4 there": {"bus.address = if:bare", "interface bare has no IPv4 address", "bare"},
		"not an address":     {"bus.address = localhost", `"localhost" is neither`, "localhost"},
		"IPv6":               {"bus.address = ::1", `"::1" is neither`, "::1"},
		"only commas":        {"bus.address = , ,", "has no address", "has no address"},
		"any loopback":       {"bus.address = 127.0.0.2", "127.0.0.2", "127.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, tc.text)
			c.interfaces = host
			for want, get := range map[string]func() ([]netip.Addr, error){tc.discovery: c.DiscoveryAddresses, tc.service: c.ServiceAddresses} {
				found, err := get()
				var texts []string
				for _, a := range found {
					texts = append(texts, a.String())
				}
				if got := strings.Join(texts, " "); err == nil && got != want || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%q %v, want %q", got, err, want)
				}
			}
		})
	}
}

func TestAHostWithoutPrivateAddresses(t *testing.T) {
	c := parse(t, "")
	c.interfaces = func() ([]Interface, error) {
		return []Interface{{"eth0", []netip.Addr{netip.MustParseAddr("203.0.113.1")}}}, nil
	}
	if _, err := c.DiscoveryAddresses(); err == nil || !strings.Contains(err.Error(), "bus.address") {
		t.Error(err)
	}
}

// The interfaces of the machine that runs the test: there is a loopback one.
func TestHostInterfaces(t *testing.T) {
	c := parse(t, "bus.address = 127.0.0.1")
	if found, err := c.ServiceAddresses(); err != nil || len(found) != 1 {
		t.Error(found, err)
	}
}
