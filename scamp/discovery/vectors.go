package discovery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gudtech/scamp-sim/scamp/internal/jsontext"
)

// maxActions bounds the vectors of an extension, in expanded entries (DISC-V4-06a).
const maxActions = 10000

// The vectors of an extension.
const (
	acname = iota
	acns
	acsec
	acenv
	acver
	acflag
	accompat
	vectors
)

var vectorNames = [vectors]string{"acname", "acns", "acsec", "acenv", "acver", "acflag", "accompat"}

// parseExtension reads the v4 extension (DISC-V4).
func (l *list) parseExtension(object []byte) error {
	var raw [vectors][]byte
	_ = jsontext.Members(object, func(name, value []byte) {
		if i := slices.Index(vectorNames[:], jsontext.Unquote(name)); i >= 0 {
			raw[i] = value
		}
	})
	if raw[acname] == nil { // DISC-V4-01c
		return nil
	}
	length := 0
	for i, value := range raw {
		if value == nil {
			continue
		}
		n, err := expandedLength(vectorNames[i], value, i == acver || i == accompat)
		if err != nil {
			return err
		}
		if i == acname {
			length = n
		} else if n != length {
			return refuse(LayerExtension, "DISC-V4-05a", "%s expands to %d entries, acname to %d", vectorNames[i], n, length)
		}
	}
	if length == 0 {
		return nil
	}
	for _, i := range []int{acns, acsec, acenv} {
		if raw[i] == nil {
			return refuse(LayerExtension, "DISC-V4-08d", "there is no %s", vectorNames[i])
		}
	}
	var texts [vectors][]string
	for i, value := range raw {
		if value != nil {
			texts[i] = expand(value, length)
		}
	}
	envelopes := map[string][]string{}
	for i := range length {
		l.addVector(&texts, i, envelopes)
	}
	return nil
}

// addVector takes in action i of the vectors. envelopes has the lists that were split before.
func (l *list) addVector(texts *[vectors][]string, i int, envelopes map[string][]string) {
	namespace, name := texts[acns][i], texts[acname][i]
	a := Action{Sector: texts[acsec][i], Version: 1}
	if texts[accompat] != nil && texts[accompat][i] != "1" {
		l.skip("DISC-V4-09", "the calling convention of ", namespace, ".", name, " is ", texts[accompat][i])
		return
	}
	if texts[acver] != nil {
		version, ok := digits(texts[acver][i], 1, maxVersion)
		if !ok {
			l.skip("DISC-ACT-05e", "the version of ", namespace, ".", name, " is above 2147483647")
			return
		}
		a.Version = version
	}
	if texts[acflag] != nil {
		a.Flags = texts[acflag][i]
	}
	names := texts[acenv][i]
	if !l.room(len(a.Sector) + len(namespace) + len(name) + len(a.Flags) + len(names)) {
		return
	}
	split, ok := envelopes[names]
	if !ok {
		split = strings.Split(names, ",")
		envelopes[names] = split
	}
	a.Envelopes = split // DISC-V4-10a
	l.add(a, namespace, name)
}

// expandedLength checks a vector and counts its entries, before any is copied (DISC-V4-04, 06, 07).
func expandedLength(name string, vector []byte, integers bool) (int, error) {
	if vector[0] != '[' {
		return 0, refuse(LayerExtension, "DISC-V4-04d", "%s is not an array", name)
	}
	total := 0
	err := jsontext.Elements(vector, func(e []byte) error {
		count := 1
		if e[0] == '[' {
			var err error
			if count, e, err = pair(name, e); err != nil {
				return err
			}
		}
		switch {
		case !integers && e[0] != '"':
			return refuse(LayerExtension, "DISC-V4-07a", "%s has an entry that is not a string", name)
		case integers && !isPositive(e):
			return refuse(LayerExtension, "DISC-V4-07b", "%s has an entry that is not an integer of at least 1", name)
		}
		if total += count; total > maxActions {
			return refuse(LayerExtension, "DISC-V4-06a", "%s expands to more than %d entries", name, maxActions)
		}
		return nil
	})
	return total, err
}

// pair reads [count, scalar].
func pair(name string, e []byte) (count int, scalar []byte, err error) {
	n := 0
	bad := false
	_ = jsontext.Elements(e, func(member []byte) error {
		switch n++; n {
		case 1:
			ok := false
			if count, ok = digits(string(member), 0, maxVersion); !ok {
				if isPositive(member) { // beyond any limit
					count, ok = maxActions+1, true
				}
				bad = bad || !ok
			}
		case 2:
			scalar = member
			bad = bad || member[0] == '[' || member[0] == '{'
		}
		return nil
	})
	if bad || n != 2 {
		return 0, nil, refuse(LayerExtension, "DISC-V4-04c", "%s has a malformed pair: %s", name, abbreviated(e))
	}
	return min(count, maxActions+1), scalar, nil
}

// isPositive reports whether a JSON value is an integer of at least 1, of any size.
func isPositive(raw []byte) bool {
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(raw) > 0 && raw[0] != '0'
}

// expand returns the entries of a vector that has been checked: strings as their text, integers as digits.
func expand(vector []byte, length int) []string {
	entries := make([]string, 0, length)
	_ = jsontext.Elements(vector, func(e []byte) error {
		count := 1
		if e[0] == '[' {
			count, e, _ = pair("", e)
		}
		text := string(e)
		if e[0] == '"' {
			text = jsontext.Unquote(e)
		}
		for range count {
			entries = append(entries, text)
		}
		return nil
	})
	return entries
}

func abbreviated(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%s…", b[:40])
	}
	return string(b)
}
