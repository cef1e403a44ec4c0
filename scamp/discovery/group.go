package discovery

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
)

// Listen opens a socket for the datagrams of a group, joined on the interface of each of the addresses. Other sockets of
// the host may listen to the same group; what is sent to another address is not read (DISC-MC-07).
func Listen(ctx context.Context, group netip.AddrPort, addresses []netip.Addr) (net.PacketConn, error) {
	c, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", group.String())
	if err != nil {
		return nil, fmt.Errorf("discovery: listen to %v: %w", group, err)
	}
	p := ipv4.NewPacketConn(c)
	joined := map[int]bool{}
	for _, a := range addresses {
		i, err := interfaceOf(a)
		if err != nil {
			c.Close()
			return nil, err
		}
		if joined[i.Index] {
			continue
		}
		joined[i.Index] = true
		if err := p.JoinGroup(i, net.UDPAddrFromAddrPort(group)); err != nil {
			c.Close()
			return nil, fmt.Errorf("discovery: join %v on interface %s: %w", group.Addr(), i.Name, err)
		}
	}
	// Where the system does not tell the destination, nothing is filtered.
	filtered := p.SetControlMessage(ipv4.FlagDst, true) == nil
	return &groupConn{PacketConn: c, p: p, group: group.Addr().AsSlice(), filtered: filtered}, nil
}

// A groupConn reads what was sent to its group.
type groupConn struct {
	net.PacketConn
	p        *ipv4.PacketConn
	group    net.IP
	filtered bool
}

func (c *groupConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, cm, from, err := c.p.ReadFrom(b)
		if err == nil && c.filtered && cm != nil && !cm.Dst.Equal(c.group) {
			continue
		}
		return n, from, err
	}
}

// Sender opens a socket that sends to groups on the interface of an address: within the link, and to this host, too
// (DISC-MC-06, DISC-MC-10).
func Sender(ctx context.Context, address netip.Addr) (net.PacketConn, error) {
	i, err := interfaceOf(address)
	if err != nil {
		return nil, err
	}
	c, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", netip.AddrPortFrom(address, 0).String())
	if err != nil {
		return nil, fmt.Errorf("discovery: send from %v: %w", address, err)
	}
	p := ipv4.NewPacketConn(c)
	if err := p.SetMulticastInterface(i); err != nil {
		c.Close()
		return nil, fmt.Errorf("discovery: send on interface %s: %w", i.Name, err)
	}
	if err = p.SetMulticastTTL(1); err == nil {
		err = p.SetMulticastLoopback(true)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("discovery: send on interface %s: %w", i.Name, err)
	}
	return c, nil
}

// interfaceOf finds the interface that has an address, whatever its name (DISC-MC-06c).
func interfaceOf(address netip.Addr) (*net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("discovery: list the interfaces: %w", err)
	}
	var loopback *net.Interface
	for i := range all {
		if all[i].Flags&net.FlagLoopback != 0 && loopback == nil {
			loopback = &all[i]
		}
		addrs, err := all[i].Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == address {
				return &all[i], nil
			}
		}
	}
	if address.IsLoopback() && loopback != nil { // all of 127.0.0.0/8
		return loopback, nil
	}
	return nil, fmt.Errorf("discovery: %v is no address of this host", address)
}
