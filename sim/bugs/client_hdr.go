package bugs

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

var clientFrame = []Client{
	{Name: "repairs-replies", Rule: "WIRE-FRAME-11", Title: "replaces what is not UTF-8 in the packets of a reply",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "DATA" {
				p.Body = bytes.ToValidUTF8(p.Body, []byte("?"))
			}
			f.Pass(p)
		})},
	{Name: "asks-after-fatal", Rule: "WIRE-FRAME-15b", Title: "sends one more request when a fatal packet has come",
		wrap: func(*server) interpose.Config {
			sent := uint64(0)
			return interpose.Config{
				Out: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "HEADER" {
						sent = p.Number + 1
					}
					f.Pass(p)
				},
				In: func(f *interpose.Flow, p interpose.Packet) {
					if p.Type == "" {
						f.Answer(interpose.Packet{Type: "HEADER", Number: sent, Body: fmt.Appendf(nil,
							`{"type":"request","action":"Conformance.echo","version":1,"envelope":"json","request_id":%d}`, sent+1)})
						f.Answer(interpose.Packet{Type: "EOF", Number: sent})
					}
					f.Pass(p)
				},
			}
		}},
}

var clientMsg = []Client{
	{Name: "never-ends-requests", Rule: "WIRE-MSG-02a", Title: "sends requests without EOF",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type != "EOF" {
				f.Pass(p)
			}
		})},
	{Name: "leaves-uploads-open", Rule: "WIRE-MSG-02a", Title: "sends nothing more of a request that has been given up, not even its end",
		wrap: outgoing(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type != "TXERR" {
				f.Pass(p)
			}
		})},
	{Name: "takes-odd-aborts-for-ends", Rule: "WIRE-MSG-10", Title: "takes a TXERR that is not UTF-8 for an EOF",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if p.Type == "TXERR" && !utf8.Valid(p.Body) {
				p = interpose.Packet{Type: "EOF", Number: p.Number}
			}
			f.Pass(p)
		})},
}

var clientHdr = []Client{
	{Name: "takes-null-for-an-error", Rule: "WIRE-HDR-06a", Title: "takes null in error for a text",
		wrap: reading(func(o object) object {
			if o.get("error") == "null" {
				return o.with("error", `"null"`)
			}
			return o
		})},
	{Name: "sends-no-type", Rule: "WIRE-HDR-07a", Title: "sends requests without type",
		wrap: writing(func(o object) object { return o.without("type") })},
	{Name: "drops-untyped-replies", Rule: "WIRE-HDR-09a", Title: "drops a reply without type",
		wrap: func(*server) interpose.Config {
			return interpose.Config{In: swallowing(func(o object) bool { return o.text("type") == "" })}
		}},
	{Name: "takes-any-type-for-a-reply", Rule: "WIRE-HDR-09b", Title: "does not look at the type of what comes",
		wrap: reading(func(o object) object { return o.with("type", `"reply"`) })},
	{Name: "sends-no-action", Rule: "WIRE-HDR-10a", Title: "sends the action under another name",
		wrap: writing(func(o object) object { return o.without("action").with("method", o.get("action")) })},
	{Name: "sends-versions-as-text", Rule: "WIRE-HDR-10b", Title: "sends the version as a string",
		wrap: writing(func(o object) object { return o.with("version", `"`+o.get("version")+`"`) })},
	{Name: "sends-no-envelope", Rule: "WIRE-HDR-10c", Title: "sends null for the envelope",
		wrap: writing(func(o object) object { return o.with("envelope", "null") })},
	{Name: "sends-message-ids", Rule: "WIRE-HDR-10d", Title: "names the id of a request message_id",
		wrap: writing(func(o object) object { return o.without("request_id").with("message_id", o.get("request_id")) })},
	{Name: "alters-tickets", Rule: "WIRE-HDR-16a", Title: "sends tickets in upper case",
		wrap: writing(func(o object) object {
			if ticket := o.text("ticket"); ticket != "" {
				return o.with("ticket", `"`+strings.ToUpper(ticket)+`"`)
			}
			return o
		})},
	{Name: "closes-on-odd-members", Rule: "WIRE-HDR-18a", Title: "closes on a wrong type in a member that it does not need",
		wrap: incoming(func(f *interpose.Flow, p interpose.Packet) {
			if o, ok := parse(p.Body); p.Type == "HEADER" && ok && strings.ContainsAny(o.get("new_session")+o.get("http_status"), "5{") {
				f.Close()
				return
			}
			f.Pass(p)
		})},
	{Name: "hangs-on-odd-errors", Rule: "WIRE-HDR-18b", Title: "drops a reply whose error is no string",
		wrap: func(*server) interpose.Config {
			return interpose.Config{In: swallowing(func(o object) bool {
				return o.get("error") != "" && o.text("error") == "" && o.get("error") != "null" && o.get("error") != `""`
			})}
		}},
	{Name: "takes-empty-errors-for-errors", Rule: "WIRE-HDR-17b", Title: "takes an error member for an error, even where it is empty",
		wrap: reading(func(o object) object {
			if v := o.get("error"); v == `""` || v == "null" {
				return o.with("error", `"empty"`)
			}
			return o
		})},
}
