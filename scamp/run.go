package scamp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/gudtech/scamp-sim/scamp/discovery"
)

// Run runs a service that OpenService has made, until ctx ends: it listens on every
// service address, on a port of the configured range, announces itself on every
// discovery address, and keeps the liveness file. The authorisation table comes over
// the bus (FetchTable), unless the Authority has a Fetch of its own. Then it stops as Shutdown does, and returns nil; a
// request in progress has the time of its action for that. Otherwise the error says
// why it could not start, or why it cannot go on.
func (s *Service) Run(ctx context.Context) error {
	if s.conf == nil {
		return errors.New("scamp: Run is for a service that OpenService has made")
	}
	log := s.Config.logger()
	for i := range s.conf.Warnings {
		log.Warn("configuration", "service", s.Name, "error", &s.conf.Warnings[i])
	}
	if s.keyless != nil {
		log.Error("configuration", "service", s.Name, "error", s.keyless)
	}
	listeners, addresses, err := s.listen(ctx)
	defer func() {
		for _, ln := range listeners {
			ln.Close()
		}
	}()
	if err != nil {
		return err
	}
	links, err := s.links(ctx, addresses)
	defer func() {
		for _, l := range links {
			l.Conn.Close()
		}
	}()
	if err != nil {
		return err
	}
	defer s.tableSource(ctx)()
	return s.run(ctx, listeners, s.announcer(links))
}

// listen listens on every service address.
func (s *Service) listen(ctx context.Context) (listeners []net.Listener, addresses []netip.AddrPort, err error) {
	hosts, err := s.conf.ServiceAddresses()
	if err != nil {
		return nil, nil, err
	}
	first, last, err := s.conf.PortRange()
	if err != nil {
		return nil, nil, err
	}
	tries, err := s.conf.BindTries()
	if err != nil {
		return nil, nil, err
	}
	for _, h := range hosts {
		ln, err := Listen(ctx, h.String(), first, last, tries)
		if err != nil {
			return listeners, nil, err
		}
		listeners = append(listeners, ln)
		addresses = append(addresses, netip.AddrPortFrom(h, uint16(ln.Addr().(*net.TCPAddr).Port)))
	}
	return listeners, addresses, nil
}

// links opens the networks to announce on. One from which no service address can
// be reached is left out (DISC-MC-06).
func (s *Service) links(ctx context.Context, addresses []netip.AddrPort) (links []discovery.Link, err error) {
	hosts, err := s.conf.DiscoveryAddresses()
	if err != nil {
		return nil, err
	}
	group, err := s.conf.MulticastAddress()
	if err != nil {
		return nil, err
	}
	port, err := s.conf.DiscoveryPort()
	if err != nil {
		return nil, err
	}
	networks, err := networksOfHost()
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		at, ok := reachable(h, addresses, networks)
		if !ok {
			s.Config.logger().Warn("not announced on a network from which no service address can be reached", "service", s.Name, "address", h)
			continue
		}
		conn, err := discovery.Sender(ctx, h)
		if err != nil {
			return links, err
		}
		links = append(links, discovery.Link{
			Conn: conn, Group: net.UDPAddrFromAddrPort(netip.AddrPortFrom(group, uint16(port))), URI: "beepish+tls://" + at.String(),
		})
	}
	if len(links) == 0 {
		return nil, fmt.Errorf("scamp: no address of discovery.address, %v, can reach one of service.address, %v", hosts, addresses)
	}
	return links, nil
}

// networksOfHost returns the addresses of this host, each with its network.
func networksOfHost() (all []netip.Prefix, err error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("scamp: cannot list the addresses of this host: %w", err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}

// reachable chooses the service address for an announcement on the network of host:
// host itself, or one in its network; on the loopback network any (DISC-MC-06b).
func reachable(host netip.Addr, addresses []netip.AddrPort, networks []netip.Prefix) (netip.AddrPort, bool) {
	near := func(a netip.Addr) int {
		switch {
		case a == host:
			return 0
		case slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Addr() == host && p.Contains(a) }):
			return 1
		case host.IsLoopback():
			return 2
		}
		return 3
	}
	best := slices.MinFunc(addresses, func(a, b netip.AddrPort) int { return cmp.Compare(near(a.Addr()), near(b.Addr())) })
	return best, near(best.Addr()) < 3
}

// announcer makes the announcer of one start of the service.
func (s *Service) announcer(links []discovery.Link) *discovery.Announcer {
	return &discovery.Announcer{
		Signer: s.signer, Links: links, Ident: discovery.NewIdent(s.Name),
		Report: func(err error) {
			s.Config.logger().Error("the service cannot be announced", "service", s.Name, "error", err)
		},
	}
}

// run serves and announces until ctx ends or a listener fails, and stops.
func (s *Service) run(ctx context.Context, listeners []net.Listener, a *discovery.Announcer) error {
	remove := func() error { return nil }
	if dir := s.conf.RunningServiceDir(); dir != "" {
		var err error
		if remove, err = mark(dir, s.Name, a.Ident); err != nil {
			return err
		}
	}
	failed := make(chan error, len(listeners))
	for _, ln := range listeners {
		go func() { failed <- s.Serve(ln) }()
	}
	go s.Announce(a)
	var err error
	select {
	case err = <-failed:
		if errors.Is(err, ErrServiceClosed) {
			err = nil // somebody else stops the service
		}
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.longest())
	defer cancel()
	if stopped := s.Shutdown(bound); stopped != nil {
		err = cmp.Or(err, fmt.Errorf("scamp: service %s stopped before its requests were answered: %w", s.Name, stopped))
	}
	return cmp.Or(err, remove())
}

// longest is how long an orderly stop may take: a request that is taken in last
// has the time of its action.
func (s *Service) longest() time.Duration {
	cfg := s.Config.filled(serverIdle)
	handler := cfg.HandlerTimeout
	for _, a := range s.Mux.Actions() {
		handler = max(handler, a.Timeout)
	}
	const most, rest = 24 * time.Hour, 10 * time.Second
	return min(handler, most) + cmp.Or(max(s.Grace, 0), defaultGrace) + rest
}
