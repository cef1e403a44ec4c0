package scamp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports that services listen on (WIRE-SVC-01).
const (
	FirstPort = 30100
	LastPort  = 30399
	BindTries = 20
)

// Listen listens on a port of a host's address that is chosen at random from first
// to last, with at most so many tries: each at another port (WIRE-SVC-01a,
// DISC-CFG-05f). Where a number is 0 it is FirstPort, LastPort or BindTries. An empty address is
// all of the host's.
func Listen(ctx context.Context, address string, first, last, tries int) (net.Listener, error) {
	if first == 0 {
		first = FirstPort
	}
	if last == 0 {
		last = LastPort
	}
	if tries == 0 {
		tries = BindTries
	}
	if first < 1 || last > 65535 || first > last || tries < 1 {
		return nil, fmt.Errorf("scamp: cannot listen on a port from %d to %d in %d tries", first, last, tries)
	}
	var err error
	ports := rand.Perm(last - first + 1)
	ports = ports[:min(tries, len(ports))]
	for _, p := range ports {
		var ln net.Listener
		if ln, err = new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(first+p))); err == nil {
			return ln, nil
		}
	}
	return nil, fmt.Errorf("scamp: cannot listen on any of %d ports from %d to %d; free some, or change beepish.first_port, beepish.last_port, beepish.bind_tries or service.address; the last one: %w",
		len(ports), first, last, err)
}
