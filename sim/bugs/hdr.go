package bugs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// reading makes a bug that reads the headers it gets in another way.
func reading(edit func(o object) object) func(*server) interpose.Config {
	return incoming(editing(edit))
}

// writing makes a bug that changes the headers it sends.
func writing(edit func(o object) object) func(*server) interpose.Config {
	return outgoing(editing(edit))
}

// mute makes a bug that never answers requests of one kind.
func mute(when func(o object) bool) func(*server) interpose.Config {
	return reading(func(o object) object {
		if when(o) {
			return o.without("type")
		}
		return o
	})
}

var hdr = []Server{
	{Name: "sends-two-objects", Rule: "WIRE-HDR-01a", Title: "sends a second JSON object behind a header",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" {
				p.Body = append(p.Body, "{}"...)
			}
			f.Pass(p)
		})},
	{Name: "ignores-malformed-headers", Rule: "WIRE-HDR-01b", Title: "takes a header that is not JSON for an empty one",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "HEADER" && !json.Valid(p.Body) {
				p.Body = []byte("{}")
			}
			f.Pass(p)
		})},
	{Name: "takes-null-for-empty-header", Rule: "WIRE-HDR-01c", Title: "takes a header that is no object for an empty one",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if _, ok := parse(p.Body); p.Type == "HEADER" && !ok && json.Valid(p.Body) {
				p.Body = []byte("{}")
			}
			f.Pass(p)
		})},
	{Name: "refuses-white-space", Rule: "WIRE-HDR-01d", Title: "closes on white space around a header",
		wrap: fatal(func(p interpose.Packet) bool {
			return p.Type == "HEADER" && len(bytes.TrimSpace(p.Body)) < len(p.Body) && json.Valid(p.Body)
		})},
	{Name: "refuses-unknown-members", Rule: "WIRE-HDR-03", Title: "closes on members it does not know",
		wrap: fatal(header(func(o object) bool {
			for _, m := range o {
				if !known[m.name] && !known[strings.ToLower(m.name)] {
					return true
				}
			}
			return false
		}))},
	{Name: "sends-duplicate-members", Rule: "WIRE-HDR-04a", Title: "writes a member twice, with different values",
		wrap: writing(func(o object) object { return append(object{{"type", `"answer"`}}, o...) })},
	{Name: "first-duplicate-counts", Rule: "WIRE-HDR-04b", Title: "uses the first of several members of a name",
		wrap: reading(func(o object) object {
			var first object
			for _, m := range o {
				if first.get(m.name) == "" {
					first = append(first, m)
				}
			}
			return first
		})},
	{Name: "ignores-case-of-members", Rule: "WIRE-HDR-05", Title: "takes ACTION for action",
		wrap: reading(func(o object) object {
			for i := range o {
				o[i].name = strings.ToLower(o[i].name)
			}
			return o
		})},
	{Name: "closes-on-null", Rule: "WIRE-HDR-06a", Title: "closes when a member is null",
		wrap: fatal(header(func(o object) bool {
			for _, m := range o {
				if known[m.name] && m.value == "null" && m.name != "type" && m.name != "request_id" {
					return true
				}
			}
			return false
		}))},
	{Name: "takes-null-for-text", Rule: "WIRE-HDR-06a", Title: "takes null for the text null",
		wrap: reading(func(o object) object {
			for i, m := range o {
				if m.value == "null" && m.name == "envelope" {
					o[i].value = `"null"`
				}
			}
			return o
		})},
	{Name: "sends-null-members", Rule: "WIRE-HDR-06b", Title: "sends null for members it has no value for",
		wrap: writing(func(o object) object { return append(o, member{"envelope", "null"}, member{"client_id", "null"}) })},
	{Name: "says-response", Rule: "WIRE-HDR-07b", Title: "gives its replies the type response",
		wrap: writing(func(o object) object { return o.with("type", `"response"`) })},
	{Name: "closes-on-untyped", Rule: "WIRE-HDR-08a", Title: "closes on a message without type",
		wrap: fatal(header(func(o object) bool { return o.get("type") == "" || o.get("type") == "null" }))},
	{Name: "executes-any-type", Rule: "WIRE-HDR-08b", Title: "does not look at the type",
		wrap: reading(func(o object) object {
			if isString(o.get("type")) {
				return o.with("type", `"request"`)
			}
			return o
		})},
	{Name: "executes-odd-types", Rule: "WIRE-HDR-08c", Title: "takes a type that is no string for a request",
		wrap: reading(func(o object) object {
			if t := o.get("type"); t != "" && t != "null" && !isString(t) {
				return o.with("type", `"request"`)
			}
			return o
		})},
	{Name: "needs-a-version", Rule: "WIRE-HDR-11a", Title: "finds no action without a version",
		wrap: reading(func(o object) object {
			if v := o.get("version"); v == "" || v == "null" {
				return o.with("version", "0")
			}
			return o
		})},
	{Name: "closes-on-string-version", Rule: "WIRE-HDR-11b", Title: "closes on a version that is a string of digits",
		wrap: fatal(header(func(o object) bool {
			return strings.Trim(o.text("version"), "0123456789") == "" && o.text("version") != ""
		}))},
	{Name: "closes-on-odd-versions", Rule: "WIRE-HDR-11c", Title: "closes on a version that is no integer from 1",
		wrap: fatal(header(func(o object) bool {
			v := o.get("version")
			return v != "" && v != "null" && !isString(v) && (!isInteger(v) || v == "0")
		}))},
	{Name: "ignores-odd-versions", Rule: "WIRE-HDR-11c", Title: "takes a version that is no number for 1",
		wrap: reading(func(o object) object {
			if v := o.get("version"); v != "" && !isInteger(v) {
				return o.with("version", "1")
			}
			return o
		})},
	{Name: "needs-an-envelope", Rule: "WIRE-HDR-12a", Title: "refuses requests without an envelope",
		wrap: reading(func(o object) object {
			if v := o.get("envelope"); v == "" || v == "null" {
				return o.with("envelope", `"none"`)
			}
			return o
		})},
	{Name: "silent-on-unknown-envelope", Rule: "WIRE-HDR-12b", Title: "never answers a request in an unknown envelope",
		wrap: mute(func(o object) bool { return o.text("envelope") != "" && o.text("envelope") != "json" })},
	{Name: "turns-ids-into-numbers", Rule: "WIRE-HDR-13a", Title: "answers the id \"7\" with 7",
		wrap: writing(func(o object) object {
			if id := strings.Trim(o.text("request_id"), " "); id != "" && strings.Trim(id, "0123456789") == "" {
				id = strings.TrimLeft(id[:len(id)-1], "0") + id[len(id)-1:]
				return o.with("request_id", id)
			}
			return o
		})},
	{Name: "reply-id-counts-sends", Rule: "WIRE-HDR-13a", Title: "answers with a counter of its own instead of the id",
		wrap: func(*server) interpose.Config {
			n := 0
			return interpose.Config{Out: editing(func(o object) object {
				n++
				return o.with("request_id", fmt.Sprint(n))
			})}
		}},
	{Name: "closes-on-string-ids", Rule: "WIRE-HDR-13b", Title: "closes on an id that is no integer",
		wrap: fatal(header(func(o object) bool { id := o.get("request_id"); return isString(id) || isNumber(id) && !isInteger(id) }))},
	{Name: "invents-ids", Rule: "WIRE-HDR-14", Title: "gives a request without id one of its own",
		wrap: reading(func(o object) object {
			if id := o.get("request_id"); !isString(id) && !isNumber(id) {
				return o.with("request_id", "4711")
			}
			return o
		})},
	{Name: "needs-integer-client-id", Rule: "WIRE-HDR-15a", Title: "closes on a client_id that is a string",
		wrap: fatal(header(func(o object) bool {
			id := o.get("client_id")
			return isString(id) && strings.Trim(id, `"0123456789`) == ""
		}))},
	{Name: "closes-on-odd-client-id", Rule: "WIRE-HDR-15b", Title: "closes on a client_id that is no number",
		wrap: fatal(header(func(o object) bool {
			id := o.get("client_id")
			return id != "" && id != "null" && !isInteger(id) && strings.Trim(id, `"0123456789`) != ""
		}))},
	{Name: "needs-a-terminal-once-given", Rule: "WIRE-HDR-16b", Title: "refuses requests without a terminal on a connection where one came with it",
		wrap: func(*server) interpose.Config {
			given := false
			return interpose.Config{In: editing(func(o object) object {
				if given && o.text("terminal") == "" {
					return o.with("action", `"no.terminal"`)
				}
				given = given || o.text("terminal") != ""
				return o
			})}
		}},
	{Name: "success-with-error", Rule: "WIRE-HDR-17a", Title: "says error: none in successful replies",
		wrap: writing(func(o object) object {
			if !o.failed() {
				return append(o, member{"error", `"none"`})
			}
			return o
		})},
	{Name: "silent-on-odd-ticket", Rule: "WIRE-HDR-18a", Title: "never answers a request whose ticket is no string",
		wrap: mute(func(o object) bool { t := o.get("ticket"); return t != "" && t != "null" && !isString(t) })},
	{Name: "silent-on-odd-action", Rule: "WIRE-HDR-18b", Title: "never answers a request whose action is no string",
		wrap: mute(func(o object) bool { a := o.get("action"); return a != "" && !isString(a) })},
	{Name: "dies-of-nesting", Rule: "WIRE-HDR-19", Title: "ends when a header is nested 200 levels deep",
		wrap: deadly(func(p interpose.Packet) bool {
			return p.Type == "HEADER" && bytes.Contains(p.Body, bytes.Repeat([]byte("["), 150))
		})},
}
