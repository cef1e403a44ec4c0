package scamp

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

// portRange finds n ports in a row that nobody uses, and takes all of them but one.
func portRange(t *testing.T, n int) (first, free int) {
	for range 50 {
		probe, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Skip("no TCP on 127.0.0.1: ", err)
		}
		first := probe.Addr().(*net.TCPAddr).Port
		probe.Close()
		var taken []net.Listener
		for p := first; p < first+n && p < 65536; p++ {
			ln, err := Listen(t.Context(), "127.0.0.1", p, p, 1)
			if err != nil {
				break
			}
			taken = append(taken, ln)
		}
		if len(taken) == n {
			taken[n/2].Close()
			for _, ln := range taken {
				t.Cleanup(func() { ln.Close() })
			}
			return first, first + n/2
		}
		for _, ln := range taken {
			ln.Close()
		}
	}
	t.Skip("no ports in a row are free")
	return 0, 0
}

// TestListenInARange: each try is at another port, never outside of the range, and
// they come to an end (WIRE-SVC-01a, DISC-CFG-05f).
func TestListenInARange(t *testing.T) {
	first, free := portRange(t, 10)
	ln, err := Listen(t.Context(), "127.0.0.1", first, first+9, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if got := ln.Addr().(*net.TCPAddr).Port; got != free {
		t.Errorf("port %d of %d to %d, want %d", got, first, first+9, free)
	}
	_, err = Listen(t.Context(), "127.0.0.1", first, first+9, 0) // more tries than ports
	if err == nil || !strings.Contains(err.Error(), "10 ports") || !strings.Contains(err.Error(), "beepish.first_port") {
		t.Error(err)
	}
	if _, err = Listen(t.Context(), "127.0.0.1", first, first+9, 3); err == nil || !strings.Contains(err.Error(), "3 ports") {
		t.Error(err)
	}
}

// TestListenByDefault: a port from 30100 to 30399, at random.
func TestListenByDefault(t *testing.T) {
	ports := map[int]bool{}
	for range 5 {
		ln, err := Listen(t.Context(), "127.0.0.1", 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		p := ln.Addr().(*net.TCPAddr).Port
		if p < FirstPort || p > LastPort {
			t.Error(p)
		}
		ports[p] = true
	}
	inOrder := true
	for p := range ports {
		inOrder = inOrder && p < FirstPort+5
	}
	if inOrder {
		t.Error("not at random:", ports)
	}
}

func TestListenNowhere(t *testing.T) {
	for _, r := range [][3]int{{30200, 30100, 1}, {-1, 5, 1}, {1, 65536, 1}, {1, 2, -1}} {
		if _, err := Listen(t.Context(), "127.0.0.1", r[0], r[1], r[2]); err == nil {
			t.Error(r)
		}
	}
	var wrong *net.AddrError
	if _, err := Listen(t.Context(), "127.0.0.1.5:7", 0, 0, 0); err == nil || !errors.As(err, &wrong) && !strings.Contains(err.Error(), "service.address") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ln, err := Listen(ctx, "127.0.0.1", 0, 0, 0); err == nil {
		ln.Close() // a context that has ended may be overlooked, where nothing waits
	}
}
