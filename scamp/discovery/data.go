package discovery

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// elements of the data array.
const elements = 9

var errTooMany = errors.New("too many elements")

// parseData reads section 1 into a (DISC-JSN).
func (v *verifier) parseData(a *Announcement, data []byte) error {
	var e [elements][]byte
	n := 0
	err := jsontext.Elements(data, func(element []byte) error {
		if n == elements {
			return errTooMany
		}
		e[n] = element
		n++
		return nil
	})
	switch {
	case errors.Is(err, errTooMany):
		return refuse(LayerData, "DISC-JSN-01b", "the data has more than nine elements")
	case errors.Is(err, jsontext.ErrDepth):
		return refuse(LayerData, "DISC-JSN-07b", "the data is nested more than %d levels deep", jsontext.MaxDepth)
	case err != nil:
		return refuse(LayerData, "DISC-JSN-01b", "the data is %v", err)
	case n != elements:
		return refuse(LayerData, "DISC-JSN-01b", "the data has %d elements, not nine", n)
	}
	if version, ok := number(e[0]); !ok || version != 3 {
		return refuse(LayerData, "DISC-JSN-02b", "the layout version is %.20s, not 3", e[0])
	}
	for i, into := range [elements]*string{1: &a.Ident, 2: &a.Sector, 5: &a.URI} {
		switch {
		case into == nil:
		case e[i][0] != '"':
			return refuse(LayerData, "DISC-JSN-04a", "element %d is not a string", i)
		default:
			*into = jsontext.Unquote(e[i])
		}
	}
	for i, into := range [elements]*float64{3: &a.Weight, 4: &a.Interval, 8: &a.Timestamp} {
		if into == nil {
			continue
		}
		f, ok := number(e[i])
		if !ok {
			return refuse(LayerData, "DISC-JSN-04c", "element %d is not a number", i)
		}
		*into = f
	}
	if e[6][0] != '[' {
		return refuse(LayerData, "DISC-JSN-04d", "element 6, the envelopes, is not an array")
	}
	if e[7][0] != '[' && e[7][0] != 'n' {
		return refuse(LayerData, "DISC-JSN-04e", "element 7, the classes, is neither an array nor null")
	}
	return v.offers(a, e[6], e[7])
}

// number reads a JSON number of any form that fits.
func number(raw []byte) (float64, bool) {
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}

// A list is what elements 6 and 7 say. The instances of one service have it in common.
type list struct {
	envelopes []string
	actions   []Action
	skipped   []Skip
	keys      []listKey // under which the actions are found
	expanded  int       // octets of the actions, each written out
}

// maxExpanded bounds the actions of a packet, in octets when each is written out. A sector, a namespace and the value of a run
// stand once in the packet and once in each action, so a small packet could fill the memory (DISC-GEN-01b, DISC-V4-06c).
const maxExpanded = 32 << 20

// room reports whether there is room for another action of so many octets.
func (l *list) room(octets int) bool {
	l.expanded += octets
	return l.expanded <= maxExpanded
}

// A listKey is a key of the directory and the action it leads to.
type listKey struct {
	key    string
	action *Action
}

// addKeys makes the keys of the actions: first the aliases, then the names, so that a name goes before an alias; of several
// equal ones the last counts (DISC-V4-10e, DISC-ACT-11b).
func (l *list) addKeys() {
	room := make([]byte, 0, 128)
	l.keys = make([]listKey, 0, len(l.actions))
	for i := range l.actions {
		a := &l.actions[i]
		for _, name := range a.Aliases() {
			room = appendKey(room[:0], a.Sector, name, a.Version)
			l.keys = append(l.keys, listKey{string(room), a})
		}
	}
	for i := range l.actions {
		a := &l.actions[i]
		room = appendKey(room[:0], a.Sector, a.Name, a.Version)
		l.keys = append(l.keys, listKey{string(room), a})
	}
}

// offers reads elements 6 and 7.
func (v *verifier) offers(a *Announcement, envelopes, classes []byte) error {
	var key []byte
	var l *list
	if v.lists != nil {
		key = append(append(append(append(append(v.room[:0], a.Sector...), 0), envelopes...), 0), classes...)
		v.room = key
		l = v.lists.get(key)
	}
	if l == nil {
		l = &list{}
		if err := l.parse(a.Sector, envelopes, classes); err != nil {
			return err
		}
		if l.expanded > maxExpanded {
			return refuse(LayerData, "DISC-GEN-01b", "the actions have more than %d octets when each is written out", maxExpanded)
		}
		l.addKeys()
		if v.lists != nil {
			l = v.lists.put(key, l)
		}
	}
	a.Envelopes, a.Actions, a.Skipped, a.list = l.envelopes, l.actions, l.skipped, l
	return nil
}

// parse reads the envelopes, the extension that may stand behind them, and the classes. All vectors are checked before
// any action counts (DISC-V4-05b).
func (l *list) parse(sector string, envelopes, classes []byte) error {
	var last []byte
	_ = jsontext.Elements(envelopes, func(e []byte) error { // it has been checked as a part of the data
		if last = e; e[0] == '"' {
			l.envelopes = append(l.envelopes, jsontext.Unquote(e))
		}
		return nil // DISC-V4-02a, 02b: other members are ignored
	})
	l.parseClasses(sector, classes)
	if last != nil && last[0] == '{' {
		return l.parseExtension(last)
	}
	return nil
}

// What is told of skipped actions is bounded: how many, and how many octets of a name.
const (
	mostSkips   = 100
	longestName = 100
)

// skip leaves out an action. The reason is made of parts, of which long ones are abbreviated.
func (l *list) skip(rule string, parts ...string) {
	if len(l.skipped) == mostSkips {
		return
	}
	var reason strings.Builder
	for _, p := range parts {
		if len(p) > longestName {
			p = strings.ToValidUTF8(p[:longestName], "") + "…"
		}
		reason.WriteString(p)
	}
	l.skipped = append(l.skipped, Skip{rule, reason.String()})
}

// parseClasses reads element 7: arrays of a namespace and its actions (DISC-JSN-05, 06).
func (l *list) parseClasses(sector string, classes []byte) {
	if classes[0] != '[' {
		return
	}
	_ = jsontext.Elements(classes, func(class []byte) error {
		if class[0] != '[' {
			l.skip("DISC-JSN-06e", "a class record is not an array")
			return nil
		}
		namespace, named := "", false
		_ = jsontext.Elements(class, func(e []byte) error {
			switch {
			case named:
				l.parseEntry(sector, namespace, e)
			case e[0] != '"':
				l.skip("DISC-JSN-06e", "a class record does not begin with a namespace")
				return errTooMany
			default:
				namespace, named = jsontext.Unquote(e), true
			}
			return nil
		})
		return nil
	})
}

// parseEntry reads an action entry: name, flags, version (DISC-ACT-04).
func (l *list) parseEntry(sector, namespace string, entry []byte) {
	if entry[0] != '[' {
		l.skip("DISC-ACT-04d", "an action entry of ", namespace, " is not an array")
		return
	}
	a := Action{Sector: sector, Version: 1, Envelopes: l.envelopes}
	n := 0
	rule, before, after := "DISC-ACT-04d", "an action entry of ", " has no name"
	var name string
	_ = jsontext.Elements(entry, func(e []byte) error {
		switch n++; n {
		case 1:
			if e[0] != '"' {
				return errTooMany
			}
			name, after = jsontext.Unquote(e), ""
		case 2:
			switch e[0] {
			case '"':
				a.Flags = jsontext.Unquote(e)
			case 'n': // DISC-ACT-04b
			default:
				before, after = "the flags of ", " are not a string"
				return errTooMany
			}
		case 3:
			version, ok := parseVersion(e)
			if !ok {
				rule, before, after = "DISC-ACT-05d", "the version of ", " is no integer from 1 to 2147483647"
				return errTooMany
			}
			a.Version = version
		}
		return nil // DISC-ACT-04c: further members are ignored
	})
	switch {
	case after != "" && name == "":
		l.skip(rule, before, namespace, after)
	case after != "":
		l.skip(rule, before, namespace, ".", name, after)
	case l.room(len(sector) + len(namespace) + len(name) + len(a.Flags)):
		l.add(a, namespace, name)
	}
}

// add takes an action in whose name can be called (DISC-ACT-01, 02).
func (l *list) add(a Action, namespace, name string) {
	switch {
	case namespace == "" || name == "":
		l.skip("DISC-ACT-01d", "the namespace or the name of ", namespace, ".", name, " is empty")
		return
	case contains(name, '.'):
		l.skip("DISC-ACT-01b", "there is a dot in the name ", name, " of ", namespace)
		return
	case contains(a.Sector, ':'):
		l.skip("DISC-ACT-02a", "there is a colon in the sector ", a.Sector, " of ", namespace, ".", name)
		return
	case contains(namespace, ':') || contains(name, ':'):
		l.skip("DISC-ACT-02b", "there is a colon in ", namespace, ".", name)
		return
	}
	a.Name = namespace + "." + name
	l.actions = append(l.actions, a)
}

func contains(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

const maxVersion = 1<<31 - 1

// parseVersion reads a version: an integer, a string of digits, or null for 1 (DISC-ACT-05).
func parseVersion(raw []byte) (int, bool) {
	text := string(raw)
	switch raw[0] {
	case 'n':
		return 1, true
	case '"':
		text = jsontext.Unquote(raw)
	}
	return digits(text, 1, maxVersion)
}

// digits reads ASCII digits as a number from least to most.
func digits(s string, least, most int) (int, bool) {
	if s == "" {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		d := int(s[i] - '0')
		if d > 9 || n > (most-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, n >= least
}
