package bugs

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// builtIn returns the built-in requester that a wrong client is made of.
func builtIn(c calling.Client) *reference.Client {
	return c.(*mortal).Client.(*reference.Client)
}

// insisting makes a client that makes a call that was not executed again, up to five times.
func insisting(c calling.Client, _ calling.World) calling.Client {
	return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) (o calling.Outcome) {
		for range 5 {
			o = next.Call(ctx, c)
			if !strings.Contains(string(o.Data), `"dispatch_failure":true`) || c.Ident != "" {
				break
			}
		}
		return o
	}}
}

// listing writes a list of authorised services: all instances that pass.
func listing(d *discovery.Directory, pass func(a *discovery.Announcement) bool) *discovery.Authorized {
	var list strings.Builder
	for _, a := range d.Instances() {
		if pass(a) {
			fmt.Fprintf(&list, "%s %s:ALL\n", a.Fingerprint, a.Sector)
		}
	}
	return discovery.ParseAuthorized([]byte(list.String()))
}

// grudging makes a client that leaves instances out of the choice when one could not be reached.
func grudging(leaves func(failed, instance string) bool, long time.Duration) func(*reference.Client, calling.World) {
	return func(c *reference.Client, w calling.World) {
		var mu sync.Mutex
		until := map[string]time.Time{}
		c.Requester.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := w.Dial(ctx, network, address)
			if err != nil {
				mu.Lock()
				until[address] = time.Now().Add(long)
				mu.Unlock()
			}
			return nc, err
		}
		directory := c.Requester.Directory
		c.Requester.Authorized = func() *discovery.Authorized {
			return listing(directory, func(a *discovery.Announcement) bool {
				mu.Lock()
				defer mu.Unlock()
				for failed, t := range until {
					if time.Now().Before(t) && leaves(failed, addressOf(a)) {
						return false
					}
				}
				return true
			})
		}
	}
}

// addressOf returns the host and port of an instance.
func addressOf(a *discovery.Announcement) string {
	_, address, _ := strings.Cut(a.URI, "://")
	return address
}

// toEverybody makes connections to all instances, and waits for their handshakes, before it uses one.
func toEverybody(c *reference.Client, w calling.World) {
	directory := c.Requester.Directory
	c.Requester.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		for _, a := range directory.Instances() {
			if addressOf(a) == address {
				continue
			}
			nc, err := w.Dial(ctx, network, addressOf(a))
			if err != nil {
				continue
			}
			tls.Client(nc, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
			nc.Close()
		}
		return w.Dial(ctx, network, address)
	}
}
