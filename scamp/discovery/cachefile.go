package discovery

import (
	"bytes"
	"slices"
)

// marker introduces a record of a cache file.
const marker = "\n%%%\n"

// Records calls f with every record of a cache file, in order, and with the number of the line in which it begins, from 1.
// What stands before the first marker is ignored, and a marker may stand at the very start (DISC-CCH-01, 02). A record is
// what stands between two markers, whatever it is; empty ones are left out (DISC-CCH-04a). Returning false ends it.
func Records(file []byte, f func(line int, record []byte) bool) {
	rest, line := file, 1
	skip := func(n int) {
		line += bytes.Count(rest[:n], []byte("\n"))
		rest = rest[n:]
	}
	if bytes.HasPrefix(rest, []byte(marker[1:])) {
		skip(len(marker) - 1)
	} else if i := bytes.Index(rest, []byte(marker)); i >= 0 {
		skip(i + len(marker))
	} else {
		return
	}
	for {
		for bytes.HasPrefix(rest, []byte(marker[1:])) { // a marker that shares its first LF with the end of another
			skip(len(marker) - 1)
		}
		i := bytes.Index(rest, []byte(marker))
		end := i
		if i < 0 {
			end = len(rest)
		}
		if record := bytes.TrimRight(rest[:end], "\n"); len(record) > 0 && !f(line, rest[:end]) {
			return
		}
		if i < 0 {
			return
		}
		skip(i + len(marker))
	}
}

// AppendRecord appends a packet as a record of a cache file: a marker, its three sections as they came, and the empty line
// that ends it. The packet must have been verified (DISC-CMG-01c, 02c).
func AppendRecord(b []byte, a *Announcement) []byte {
	b = append(append(b, marker...), a.Packet...)
	return append(b, "\n\n"...)
}

// AppendFile appends a whole cache file with these announcements, sorted by identity, so that equal content gives equal
// files (DISC-CMG-02b).
func AppendFile(b []byte, announcements []*Announcement) []byte {
	sorted := slices.Clone(announcements)
	slices.SortFunc(sorted, func(x, y *Announcement) int { return compareIdentities(x.Identity, y.Identity) })
	for _, a := range sorted {
		b = AppendRecord(b, a)
	}
	return b
}
