package soaconf

import (
	"net"
	"net/netip"
	"strings"
)

// An Interface is a network interface of the host with its addresses.
type Interface struct {
	Name  string
	Addrs []netip.Addr
}

// DiscoveryAddresses is discovery.address, else bus.address, else a probe: the addresses of this host for multicast. There
// is at least one (DISC-CFG-04).
func (c *Config) DiscoveryAddresses() ([]netip.Addr, error) { return c.addresses("discovery.address") }

// ServiceAddresses is service.address, else bus.address, else a probe: the addresses of this host to listen on and to
// announce. There is at least one.
func (c *Config) ServiceAddresses() ([]netip.Addr, error) { return c.addresses("service.address") }

func (c *Config) addresses(name string) ([]netip.Addr, error) {
	list := c.interfaces
	if list == nil {
		list = hostInterfaces
	}
	host, err := list()
	if err != nil {
		return nil, &Error{File: c.File, Key: name, Message: "cannot list the interfaces of this host: " + err.Error()}
	}
	v, ok := c.Lookup(name)
	if !ok {
		name = "bus.address"
		if v, ok = c.Lookup(name); !ok {
			return c.probe(host)
		}
	}
	var found []netip.Addr
	for entry := range strings.SplitSeq(v, ",") {
		if entry = strings.Join(strings.Fields(entry), ""); entry == "" {
			continue
		}
		a, err := c.resolve(name, entry, host)
		if err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	if len(found) == 0 {
		return nil, c.wrong(name, "%q has no address", v)
	}
	return found, nil
}

// resolve finds an entry of an address list: an IPv4 address of the host, or if:NAME (DISC-CFG-04d).
func (c *Config) resolve(key, entry string, host []Interface) (netip.Addr, error) {
	if name, ok := strings.CutPrefix(entry, "if:"); ok {
		for _, i := range host {
			if i.Name != name {
				continue
			}
			for _, a := range i.Addrs {
				if a.Is4() {
					return a, nil
				}
			}
			return netip.Addr{}, c.wrong(key, "interface %s has no IPv4 address", name)
		}
		return netip.Addr{}, c.wrong(key, "this host has no interface %s", name)
	}
	a, err := netip.ParseAddr(entry)
	if err != nil || !a.Is4() {
		return netip.Addr{}, c.wrong(key, "%q is neither an IPv4 address nor if:NAME", entry)
	}
	for _, i := range host {
		for _, own := range i.Addrs {
			if own == a || own.IsLoopback() && a.IsLoopback() { // all of 127.0.0.0/8 is this host
				return a, nil
			}
		}
	}
	return netip.Addr{}, c.wrong(key, "%s is no address of this host", a)
}

// private are the networks that a probe looks for, the best first (DISC-CFG-04c).
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
}

func (c *Config) probe(host []Interface) ([]netip.Addr, error) {
	for _, network := range private {
		for _, i := range host {
			for _, a := range i.Addrs {
				if network.Contains(a) {
					return []netip.Addr{a}, nil
				}
			}
		}
	}
	return nil, &Error{File: c.File, Key: "bus.address", Message: "it is not set, and this host has no address in 10.0.0.0/8, 192.168.0.0/16 or 172.16.0.0/12; set it, for tests to 127.0.0.1"}
}

// hostInterfaces lists the interfaces of this host that are up.
func hostInterfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []Interface
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, err
		}
		own := Interface{Name: i.Name}
		for _, a := range addrs {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				own.Addrs = append(own.Addrs, prefix.Addr().Unmap())
			}
		}
		found = append(found, own)
	}
	return found, nil
}
