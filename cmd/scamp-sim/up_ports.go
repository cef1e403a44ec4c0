package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// A ports is the addresses of instances: each has the same one for as long as the
// program runs.
type ports struct {
	of map[string]string // does not change
}

// reserve finds a free port of a range for each instance.
func reserve(text string, instances []string) (*ports, error) {
	first, last, err := parsePorts(text)
	if err != nil {
		return nil, err
	}
	p := &ports{of: map[string]string{}}
	var all []net.Listener
	defer func() {
		for _, ln := range all {
			ln.Close()
		}
	}()
	next := first
	for _, in := range instances {
		for {
			if next > last {
				return nil, fmt.Errorf("--ports %s has %d free ports, and there are %d instances: give a larger range, or 0", text, len(all), len(instances))
			}
			ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.FormatUint(next, 10)))
			if first > 0 {
				next++
			}
			if errors.Is(err, syscall.EADDRINUSE) && first > 0 || errors.Is(err, syscall.EACCES) && first > 0 {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("cannot listen for %s: %w", in, err)
			}
			all = append(all, ln)
			p.of[in] = ln.Addr().String()
			break
		}
	}
	return p, nil
}

// address is that of an instance.
func (p *ports) address(instance string) string { return p.of[instance] }

// listen listens at the address of an instance.
func (p *ports) listen(instance string) (net.Listener, error) {
	return net.Listen("tcp", p.of[instance])
}

// parsePorts reads a range of ports. 0 is any, of which first and last are 0.
func parsePorts(text string) (first, last uint64, err error) {
	first, last, ok := parsePair(text, "-")
	if !ok && text == "0" {
		return 0, 0, nil
	}
	if !ok || first > last || last > 65535 || first == 0 {
		return 0, 0, fmt.Errorf("--ports %q is no range of ports, such as 30100-30399, and not 0", text)
	}
	return first, last, nil
}
