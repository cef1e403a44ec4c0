package bugs

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// listed makes a client that reads the list of authorised services in its own way. list is nil where there is none.
func listed(edit func(list []byte, d *discovery.Directory) []byte) func(*reference.Client, calling.World) {
	return func(c *reference.Client, w calling.World) {
		directory := c.Requester.Directory
		var mu sync.Mutex
		c.Requester.Authorized = func() *discovery.Authorized {
			mu.Lock()
			defer mu.Unlock()
			list, err := fs.ReadFile(w.Files, calling.Authorized)
			if err != nil {
				list = nil
			}
			return discovery.ParseAuthorized(edit(list, directory))
		}
	}
}

// strangers appends lines with a token for the instances that the list does not name.
func strangers(list []byte, d *discovery.Directory, token string) []byte {
	out := bytes.Clone(list)
	for _, a := range d.Instances() {
		if !bytes.Contains(list, []byte(a.Fingerprint)) {
			out = fmt.Appendf(out, "%s %s\n", a.Fingerprint, token)
		}
	}
	return out
}

// neverRevoking keeps every line that was ever there.
func neverRevoking() func(*reference.Client, calling.World) {
	return func(c *reference.Client, w calling.World) {
		var all []byte
		listed(func(list []byte, _ *discovery.Directory) []byte {
			for line := range bytes.Lines(list) {
				if !bytes.Contains(all, line) {
					all = append(all, line...)
				}
			}
			return all
		})(c, w)
	}
}

// closedForGood authorises nothing more once there was no list.
func closedForGood(c *reference.Client, w calling.World) {
	missing := false
	listed(func(list []byte, _ *discovery.Directory) []byte {
		if missing = missing || list == nil; missing {
			return nil
		}
		return list
	})(c, w)
}

var clientAuthorized = []Client{
	{Name: "looks-at-no-list", Rule: "DISC-AUT-01a", Title: "takes every instance for authorised",
		change: listed(func(list []byte, d *discovery.Directory) []byte { return strangers(list, d, "main:ALL") })},
	{Name: "takes-capitals-for-meta", Rule: "DISC-AUT-07", Title: "takes _META for _meta",
		change: listed(func(list []byte, d *discovery.Directory) []byte { return strangers(list, d, "_META") })},
	{Name: "checks-aliases-as-written", Rule: "DISC-AUT-09a", Title: "looks the alias up in the list, not the action that it stands for",
		change: listed(func(list []byte, _ *discovery.Directory) []byte {
			return bytes.ReplaceAll(list, []byte("._create"), nil)
		})},
	{Name: "authorises-all-aliases", Rule: "DISC-AUT-09b", Title: "takes aliases of all actions for authorised",
		around: func(c calling.Client, w calling.World) calling.Client {
			open := reference.NewClient(w)
			listed(func(list []byte, d *discovery.Directory) []byte { return strangers(list, d, "main:ALL") })(open, w)
			return &doubled{caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
				if strings.Contains(c.Action, "._") {
					next = open
				}
				return next.Call(ctx, c)
			}}, open}
		}},
	{Name: "reads-the-list-once", Rule: "DISC-AUT-10a", Title: "reads the list of authorised services once", files: once(calling.Authorized)},
	{Name: "never-revokes", Rule: "DISC-AUT-10c", Title: "keeps rights that have been taken away", change: neverRevoking()},
	{Name: "allows-all-without-a-list", Rule: "DISC-AUT-11a", Title: "takes everybody for authorised where there is no list",
		change: listed(func(list []byte, d *discovery.Directory) []byte {
			if list == nil {
				return strangers(nil, d, "main:ALL")
			}
			return list
		})},
	{Name: "stays-closed-without-a-list", Rule: "DISC-AUT-11b", Title: "authorises nothing more once there was no list", change: closedForGood},
}

// A doubled client is made of two.
type doubled struct {
	caller
	second calling.Client
}

// Close closes both.
func (d *doubled) Close() {
	d.caller.Close()
	d.second.Close()
}
