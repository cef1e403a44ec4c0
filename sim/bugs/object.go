package bugs

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/gudtech/scamp-sim/sim/interpose"
)

// An object is the JSON of a header with its members in order.
type object []member

type member struct {
	name  string
	value string // as it is written
}

// parse reads a header. It reports false for what is no JSON object.
func parse(body []byte) (object, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var o object
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, false
		}
		o = append(o, member{name.(string), string(value)})
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	return o, len(bytes.TrimSpace(body[d.InputOffset():])) == 0
}

func (o object) bytes() []byte {
	var b bytes.Buffer
	for i, m := range o {
		b.WriteByte("{,"[min(i, 1)])
		name, _ := json.Marshal(m.name)
		b.Write(name)
		b.WriteByte(':')
		b.WriteString(m.value)
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes()
}

// get returns the value of the last member of this name, "" without one.
func (o object) get(name string) string {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].name == name {
			return o[i].value
		}
	}
	return ""
}

// text returns a member that is a string, "" for any other.
func (o object) text(name string) string {
	var s string
	json.Unmarshal([]byte(o.get(name)), &s)
	return s
}

// without removes the members of this name.
func (o object) without(names ...string) object {
	var rest object
	for _, m := range o {
		keep := true
		for _, n := range names {
			keep = keep && m.name != n
		}
		if keep {
			rest = append(rest, m)
		}
	}
	return rest
}

// with sets a member, in its place or at the end.
func (o object) with(name, value string) object {
	var changed object
	found := false
	for _, m := range o {
		if m.name == name {
			if found {
				continue
			}
			m.value, found = value, true
		}
		changed = append(changed, m)
	}
	if !found {
		changed = append(changed, member{name, value})
	}
	return changed
}

func (o object) failed() bool { return o.text("error") != "" || o.text("error_code") != "" }

// editing makes a filter that changes headers. What edit returns false for is
// dropped; what is no header, or no object, passes.
func editing(edit func(o object) object) interpose.Filter {
	return func(f *interpose.Flow, p interpose.Packet) {
		if p.Type == "HEADER" {
			if o, ok := parse(p.Body); ok {
				p.Body = edit(o).bytes()
			}
		}
		f.Pass(p)
	}
}

// header makes a condition on incoming headers that are objects.
func header(when func(o object) bool) func(p interpose.Packet) bool {
	return func(p interpose.Packet) bool {
		if p.Type != "HEADER" {
			return false
		}
		o, ok := parse(p.Body)
		return ok && when(o)
	}
}

// known are the members of requests that receivers know.
var known = map[string]bool{
	"type": true, "action": true, "version": true, "envelope": true, "request_id": true, "ticket": true,
	"identifying_token": true, "terminal": true, "sector": true, "client_id": true,
}

func isNumber(value string) bool {
	return value != "" && strings.ContainsRune("-0123456789", rune(value[0]))
}

func isInteger(value string) bool { return isNumber(value) && !strings.ContainsAny(value, ".eE") }

func isString(value string) bool { return strings.HasPrefix(value, `"`) }
