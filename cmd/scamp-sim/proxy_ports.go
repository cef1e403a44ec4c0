package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// A portRange is the addresses of instances that come one after the other. Each has the
// same one for as long as the program runs.
type portRange struct {
	first, last uint64 // 0: any

	mu   sync.Mutex
	of   map[string]string
	held map[string]net.Listener // of those that have not listened yet
	used map[string]bool
}

func newPorts(text string) (*portRange, error) {
	first, last, err := parsePorts(text)
	if err != nil {
		return nil, err
	}
	return &portRange{first: first, last: last, of: map[string]string{}, held: map[string]net.Listener{}, used: map[string]bool{}}, nil
}

// address is that of an instance: a free port, when it is asked for first.
func (p *portRange) address(instance string) (string, error) {
	p.mu.Lock()
	known := p.of[instance]
	p.mu.Unlock()
	if known != "" {
		return known, nil
	}
	for port := p.first; port <= p.last; port++ {
		address := net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10))
		if p.isUsed(address) {
			continue
		}
		ln, err := net.Listen("tcp", address)
		switch {
		case p.first > 0 && (errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES)):
			continue
		case err != nil:
			return "", fmt.Errorf("cannot listen for %s: %w", instance, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		address = ln.Addr().String()
		p.of[instance], p.held[instance], p.used[address] = address, ln, true
		return address, nil
	}
	return "", fmt.Errorf("--ports %d-%d has no free port for %s: give a larger range, or 0", p.first, p.last, instance)
}

func (p *portRange) isUsed(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used[address]
}

// listen listens at the address of an instance.
func (p *portRange) listen(instance string) (net.Listener, error) {
	p.mu.Lock()
	ln, address := p.held[instance], p.of[instance]
	delete(p.held, instance)
	p.mu.Unlock()
	if ln != nil {
		return ln, nil
	}
	return net.Listen("tcp", address)
}

// release lets nobody connect to an instance that does not listen.
func (p *portRange) release(instance string) {
	p.mu.Lock()
	ln := p.held[instance]
	delete(p.held, instance)
	p.mu.Unlock()
	if ln != nil {
		ln.Close()
	}
}

func (p *portRange) close() {
	p.mu.Lock()
	held := p.held
	p.held = map[string]net.Listener{}
	p.mu.Unlock()
	for _, ln := range held {
		ln.Close()
	}
}
