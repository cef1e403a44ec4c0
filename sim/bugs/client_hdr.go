package bugs

import "github.com/gudtech/scamp-sim/sim/interpose"

var clientMsg = []Client{}

var clientHdr = []Client{
	{Name: "sends-no-type", Rule: "WIRE-HDR-07a", Title: "sends requests without type",
		wrap: writing(func(o object) object { return o.without("type") })},
	{Name: "drops-untyped-replies", Rule: "WIRE-HDR-09a", Title: "drops a reply without type",
		wrap: func(*server) interpose.Config {
			return interpose.Config{In: swallowing(func(o object) bool { return o.text("type") == "" })}
		}},
	{Name: "takes-any-type-for-a-reply", Rule: "WIRE-HDR-09b", Title: "does not look at the type of what comes",
		wrap: reading(func(o object) object { return o.with("type", `"reply"`) })},
	{Name: "sends-versions-as-text", Rule: "WIRE-HDR-10b", Title: "sends the version as a string",
		wrap: writing(func(o object) object { return o.with("version", `"`+o.get("version")+`"`) })},
	{Name: "takes-empty-errors-for-errors", Rule: "WIRE-HDR-17b", Title: "takes an error member for an error, even where it is empty",
		wrap: reading(func(o object) object {
			if v := o.get("error"); v == `""` || v == "null" {
				return o.with("error", `"empty"`)
			}
			return o
		})},
}
