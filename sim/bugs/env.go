package bugs

import (
	"github.com/gudtech/scamp-sim/sim/interpose"
)

var envelope = []Server{
	{Name: "says-nothing-for-null", Rule: "WIRE-ENV-01a", Title: "leaves the body of a reply empty in place of null",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type != "DATA" || string(p.Body) != "null" {
				f.Pass(p)
			}
		})},
	{Name: "closes-on-malformed-bodies", Rule: "WIRE-ENV-01b", Title: "closes when the body of a short request is not JSON",
		wrap: fatal(func(p interpose.Packet) bool { return p.Type == "DATA" && string(p.Body) == "{}x" })},
}
