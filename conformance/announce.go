package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A record is what an instance announces. Its members are those that a case may give to announce; each stands in the
// packet as it is written.
type record struct {
	Actions     []offer         `json:"actions"`
	Sector      json.RawMessage `json:"sector"`
	Weight      json.RawMessage `json:"weight"`
	Interval    json.RawMessage `json:"interval"`
	URI         json.RawMessage `json:"uri"`
	Ident       json.RawMessage `json:"ident"`
	Envelopes   json.RawMessage `json:"envelopes"`
	Extension   json.RawMessage `json:"extension"`   // the vectors, behind the envelopes
	Timestamp   json.RawMessage `json:"timestamp"`   // later with each announcement, unless it is given
	Certificate string          `json:"certificate"` // another instance, whose certificate signs and is presented
	Signature   string          `json:"signature"`   // "wrong": of other data
}

// An offer is an action: its full name, its flags and its version, the last two of which may be missing.
type offer []json.RawMessage

// plainOffers are the actions of a record that names none.
var plainOffers = []offer{
	{json.RawMessage(`"Conformance.echo"`)}, {json.RawMessage(`"Conformance.blob"`)}, {json.RawMessage(`"Conformance.slow"`)},
	{json.RawMessage(`"Conformance.fail"`)}, {json.RawMessage(`"Conformance.count"`)},
}

// barrierAction is what every record offers besides, so that the tester can have the subject call just this instance.
func barrierAction(instance string) string { return "Barrier." + instance }

// parseRecord reads the members that a case gives.
func parseRecord(text []byte) (r record, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err = d.Decode(&r); err != nil {
		return r, fmt.Errorf("announce: %w", err)
	}
	return r, r.check()
}

func (r *record) check() error {
	for _, o := range r.Actions {
		var name string
		if len(o) == 0 || len(o) > 3 || json.Unmarshal(o[0], &name) != nil || !strings.Contains(name, ".") {
			return fmt.Errorf("announce: an action is written as [\"Name.space.name\",\"flags\",version], the last two being optional")
		}
	}
	if r.Certificate != "" && !isInstance(r.Certificate) && r.Certificate != expired {
		return fmt.Errorf("announce: the certificate is that of an instance, S1 to S9, or %s", expired)
	}
	if r.Signature != "" && r.Signature != "wrong" {
		return fmt.Errorf("announce: the signature can only be given as wrong")
	}
	return nil
}

// fill gives the members that are missing their values.
func (r *record) fill(i *instance, timestamp string) {
	for _, m := range []struct {
		member *json.RawMessage
		plain  string
	}{
		{&r.Sector, `"main"`}, {&r.Weight, "1"}, {&r.Interval, "5000"}, {&r.Envelopes, `["json"]`}, {&r.Timestamp, timestamp},
		{&r.URI, string(quoteJSON([]byte("beepish+tls://" + i.address)))}, {&r.Ident, string(quoteJSON([]byte(i.ident())))},
	} {
		if *m.member == nil {
			*m.member = json.RawMessage(m.plain)
		}
	}
	if r.Actions == nil {
		r.Actions = plainOffers
	}
	if r.Certificate == "" {
		r.Certificate = i.name
	}
}

// classes writes the actions as class records, those of a namespace together, and the barrier's.
func (r *record) classes(i *instance) string {
	var spaces []string
	actions := map[string][]string{}
	for _, o := range append(slices.Clone(r.Actions), offer{quoteJSON([]byte(barrierAction(i.name)))}) {
		var full string
		json.Unmarshal(o[0], &full) // check has done it
		dot := strings.LastIndexByte(full, '.')
		space, rest := full[:dot], []string{string(quoteJSON([]byte(full[dot+1:]))), `""`}
		for n, m := range o[1:] {
			rest = append(rest[:n+1], string(m))
		}
		if !slices.Contains(spaces, space) {
			spaces = append(spaces, space)
		}
		actions[space] = append(actions[space], "["+strings.Join(rest, ",")+"]")
	}
	var classes []string
	for _, space := range spaces {
		classes = append(classes, "["+string(quoteJSON([]byte(space)))+","+strings.Join(actions[space], ",")+"]")
	}
	return "[" + strings.Join(classes, ",") + "]"
}

// packet writes the announcement and signs it.
func (r *record) packet(i *instance) string {
	envelopes := string(r.Envelopes)
	if r.Extension != nil {
		comma := ","
		if envelopes == "[]" {
			comma = ""
		}
		envelopes = strings.TrimSuffix(envelopes, "]") + comma + string(r.Extension) + "]"
	}
	data := fmt.Sprintf("[3,%s,%s,%s,%s,%s,%s,%s,%s]", r.Ident, r.Sector, r.Weight, r.Interval, r.URI, envelopes, r.classes(i), r.Timestamp)
	signed := data
	if r.Signature == "wrong" {
		signed += " "
	}
	id := identityOf(r.Certificate)
	return data + "\n\n" + id.section + "\n\n" + id.sign(signed) + "\n\n"
}

// sectors returns the sectors in which the record has actions, those of its vectors included.
func (r *record) sectors() []string {
	var sector string
	json.Unmarshal(r.Sector, &sector)
	all := []string{sector}
	var extension struct {
		Sectors []json.RawMessage `json:"acsec"`
	}
	json.Unmarshal(r.Extension, &extension)
	for _, entry := range extension.Sectors {
		var run []json.RawMessage
		if json.Unmarshal(entry, &run) == nil && len(run) == 2 {
			entry = run[1]
		}
		if json.Unmarshal(entry, &sector) == nil && !slices.Contains(all, sector) {
			all = append(all, sector)
		}
	}
	return all
}
