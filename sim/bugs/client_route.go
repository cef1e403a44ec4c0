package bugs

import (
	"fmt"
	"strings"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/scamp/discovery"
	"github.com/gudtech/scamp-sim/sim/reference"
)

var clientRoute = []Client{
	{Name: "ignores-authorisation", Rule: "DISC-RTE-01a", Title: "calls whoever announces an action",
		change: func(c *reference.Client, _ calling.World) {
			directory := c.Requester.Directory
			c.Requester.Authorized = func() *discovery.Authorized {
				var list strings.Builder
				for _, a := range directory.Instances() {
					fmt.Fprintf(&list, "%s %s:ALL\n", a.Fingerprint, a.Sector)
				}
				return discovery.ParseAuthorized([]byte(list.String()))
			}
		}},
	{Name: "prefers-the-first", Rule: "DISC-RTE-03a", Title: "calls the first candidate, always",
		change: func(c *reference.Client, _ calling.World) {
			c.Requester.Uniform = true
			c.Requester.Rand = func(int) int { return 0 }
		}},
}
