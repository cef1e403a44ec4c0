package bugs

import (
	"strings"

	"github.com/gudtech/scamp-sim/sim/interpose"
	"github.com/gudtech/scamp-sim/sim/reference"
)

// unlocked makes a bug that executes Secured without asking for rights, for some tickets.
func unlocked(when func(fields []string) bool) func(*server) interpose.Config {
	return reading(func(o object) object {
		if strings.EqualFold(o.text("action"), reference.Secured) && when(strings.Split(o.text("ticket"), ",")) {
			return o.with("action", `"`+reference.Count+`"`)
		}
		return o
	})
}

var service = []Server{
	{Name: "compares-names-exactly", Rule: "WIRE-SVC-02a", Title: "finds actions by the very spelling of their names alone",
		wrap: reading(func(o object) object {
			for _, name := range []string{reference.Echo, reference.Count} {
				if a := o.text("action"); a != name && strings.EqualFold(a, name) {
					return o.with("action", `"No.such.action"`)
				}
			}
			return o
		})},
	{Name: "ignores-versions", Rule: "WIRE-SVC-02b", Title: "executes an action whatever version is asked for",
		wrap: reading(func(o object) object {
			if isInteger(o.get("version")) {
				return o.with("version", "1")
			}
			return o
		})},
	{Name: "checks-tickets-of-noauth", Rule: "WIRE-SVC-03a", Title: "refuses a request with a bad ticket, though the action needs none",
		wrap: reading(func(o object) object {
			if t := o.text("ticket"); t != "" && !strings.Contains(t, ",7,") {
				return o.with("action", `"`+reference.Secured+`"`)
			}
			return o
		})},
	{Name: "needs-no-ticket", Rule: "WIRE-SVC-03b", Title: "executes actions that need a ticket without one",
		wrap: unlocked(func(fields []string) bool { return len(fields) < 2 })},
	{Name: "takes-expired-tickets", Rule: "WIRE-SVC-03b", Title: "does not look at the period of a ticket",
		wrap: unlocked(func(fields []string) bool { return len(fields) > 4 && fields[4] == "86400" })},
	{Name: "asks-for-no-privileges", Rule: "WIRE-SVC-03b", Title: "executes an action for every valid ticket",
		wrap: unlocked(func(fields []string) bool { return len(fields) > 5 && fields[5] == "3+14" })},
	{Name: "loses-requests-between-workers", Rule: "WIRE-SVC-08", Title: "loses the request after the hundredth of a connection",
		wrap: func(*server) interpose.Config {
			n := 0
			return interpose.Config{In: editing(func(o object) object {
				if n++; n == 101 {
					return o.without("type")
				}
				return o
			})}
		}},
	{Name: "dies-of-a-faulty-handler", Rule: "WIRE-SVC-09", Title: "ends when a body does not have what its handler expects",
		wrap: deadly(func(p interpose.Packet) bool { return p.Type == "DATA" && string(p.Body) == `{"bytes":null}` })},
}
