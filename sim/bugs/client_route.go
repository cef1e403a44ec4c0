package bugs

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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
	{Name: "ignores-sectors", Rule: "DISC-RTE-01b", Title: "calls in its own sector, whatever the caller says",
		around: wishing(func(c *calling.Call) { c.Sector = "" })},
	{Name: "falls-back-to-version-one", Rule: "DISC-RTE-01c", Title: "calls version 1 where the version that was asked for is not there",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			o := next.Call(ctx, c)
			if o.Code == "not_found" && c.Version > 1 {
				c.Version = 1
				return next.Call(ctx, c)
			}
			return o
		})},
	{Name: "compares-names-with-case", Rule: "DISC-RTE-02a", Title: "finds no action that is spelled in another way",
		around: wishing(func(c *calling.Call) {
			if strings.EqualFold(c.Action, reference.Echo) && c.Action != reference.Echo {
				c.Action = "No.such.action"
			}
		})},
	{Name: "has-another-sector", Rule: "DISC-RTE-02b", Title: "calls in the sector web where none is named",
		around: wishing(func(c *calling.Call) {
			if c.Sector == "" {
				c.Sector = "web"
			}
		})},
	{Name: "assumes-version-two", Rule: "DISC-RTE-02c", Title: "calls version 2 where none is named",
		around: wishing(func(c *calling.Call) {
			if c.Version == 0 {
				c.Version = 2
			}
		})},
	{Name: "assumes-the-web-envelope", Rule: "DISC-RTE-02d", Title: "calls in the envelope web where none is named",
		around: wishing(func(c *calling.Call) {
			if c.Envelope == "" {
				c.Envelope = "web"
			}
		})},
	{Name: "prefers-the-first", Rule: "DISC-RTE-03a", Title: "calls the first candidate, always",
		change: func(c *reference.Client, _ calling.World) {
			c.Requester.Uniform = true
			c.Requester.Rand = func(int) int { return 0 }
		}},
	{Name: "waits-out-marks", Rule: "DISC-RTE-03b", Title: "calls nobody while all candidates are marked failed", around: sulking},
	{Name: "connects-to-everybody", Rule: "DISC-RTE-03c", Title: "makes connections to all instances before it uses one", change: toEverybody},
	{Name: "never-lifts-marks", Rule: "DISC-RTE-04a", Title: "never again calls an instance that could not be reached",
		change: grudging(func(failed, instance string) bool { return failed == instance }, 100*time.Hour)},
	{Name: "tries-everybody", Rule: "DISC-RTE-04c", Title: "tries one instance after the other until one can be reached", around: insisting},
	{Name: "repeats-cut-uploads", Rule: "DISC-RTE-04d", Title: "sends a large request again when its connection was lost",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			o := next.Call(ctx, c)
			if len(c.Body) > 65536 && strings.HasPrefix(o.Text, "Connection lost") && ctx.Err() == nil {
				return next.Call(ctx, c)
			}
			return o
		})},
	{Name: "prolongs-timeouts", Rule: "DISC-RTE-05a", Title: "gives every call ten seconds more than its caller said",
		around: wishing(func(c *calling.Call) {
			if c.Timeout > 0 {
				c.Timeout += 10 * time.Second
			}
		})},
	{Name: "cuts-long-actions-off", Rule: "DISC-RTE-05b", Title: "gives every call three seconds, whatever its action announces",
		around: wishing(func(c *calling.Call) {
			if c.Timeout == 0 {
				c.Timeout = 3 * time.Second
			}
		})},
	{Name: "has-no-default-timeout", Rule: "DISC-RTE-05c", Title: "lets a call wait for ever unless its caller gives it a time",
		around: wishing(func(c *calling.Call) {
			if c.Timeout == 0 {
				c.Timeout = 48 * time.Hour
			}
		})},
	{Name: "takes-pins-for-wishes", Rule: "DISC-RTE-06a", Title: "calls any instance, although one was demanded",
		around: wishing(func(c *calling.Call) { c.Ident = "" })},
	{Name: "reads-fingerprints-as-idents", Rule: "DISC-RTE-06b", Title: "calls an instance whose ident looks like a fingerprint and an ident",
		around: func(c calling.Client, _ calling.World) calling.Client {
			directory := builtIn(c).Requester.Directory
			return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
				for _, a := range directory.Instances() {
					if c.Ident == a.Ident {
						c.Ident = a.Fingerprint + "#" + a.Ident
						break
					}
				}
				return next.Call(ctx, c)
			}}
		}},
	{Name: "ignores-pins", Rule: "DISC-RTE-06c", Title: "calls any instance, whichever was pinned",
		around: wishing(func(c *calling.Call) { c.Ident = "" })},
	{Name: "hides-what-is-not-found", Rule: "DISC-RTE-07a", Title: "does not say which action was not found",
		around: telling(func(o calling.Outcome) calling.Outcome {
			if o.Code == "not_found" {
				o.Text = "not found"
			}
			return o
		})},
	{Name: "waits-for-what-is-not-there", Rule: "DISC-RTE-07b", Title: "reports an action that is not found after ten seconds",
		around: asking(func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
			o := next.Call(ctx, c)
			if o.Code == "not_found" {
				select {
				case <-time.After(10 * time.Second):
				case <-ctx.Done():
				}
			}
			return o
		})},
	{Name: "follows-redirections", Rule: "DISC-RTE-08", Title: "connects to the address in an error reply",
		around: func(c calling.Client, w calling.World) calling.Client {
			return &caller{c, func(ctx context.Context, next calling.Client, c calling.Call) calling.Outcome {
				o := next.Call(ctx, c)
				var data struct{ Address string }
				if json.Unmarshal(o.Data, &data); data.Address != "" {
					if nc, err := w.Dial(ctx, "tcp", data.Address); err == nil {
						nc.Close()
					}
				}
				return o
			}}
		}},
	{Name: "sends-upper-case-actions", Rule: "DISC-RTE-09a", Title: "sends names of actions in upper case",
		wrap: writing(func(o object) object { return o.with("action", strings.ToUpper(o.get("action"))) })},
	{Name: "sends-versions-as-fractions", Rule: "DISC-RTE-09b", Title: "sends version 3 as 3.0",
		wrap: writing(func(o object) object { return o.with("version", o.get("version")+".0") })},
}
