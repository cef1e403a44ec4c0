package discovery

import (
	"bytes"
	"slices"
)

// marker introduces a record of a cache file: a line of its own, with the LF that ends the line before.
const marker = "\n" + markerLine

const markerLine = "%%%\n"

// findMarker returns where the first line of b begins that is a marker, not looking before an offset; -1: there is none. b
// begins where a line does.
func findMarker(b []byte, from int) int {
	for {
		i := bytes.Index(b[from:], []byte(markerLine))
		if i < 0 {
			return -1
		}
		if from += i; from == 0 || b[from-1] == '\n' {
			return from
		}
		from++
	}
}

// Records calls f with every record of a cache file, in order, and with the number of the line in which it begins, from 1.
// What stands before the first marker is ignored, and a marker may stand at the very start (DISC-CCH-01, 02). A record is
// what stands between two markers, whatever it is; empty ones are left out (DISC-CCH-04a). Returning false ends it.
func Records(file []byte, f func(line int, record []byte) bool) {
	rest, line := file, 1
	for begun, last := false, false; !last; begun = true {
		end := findMarker(rest, 0)
		if last = end < 0; last {
			end = len(rest)
		}
		if record := between(rest[:end], last); begun && !blank(record) && !f(line, record) {
			return
		}
		if !last {
			end += len(markerLine)
			line += bytes.Count(rest[:end], []byte("\n"))
			rest = rest[end:]
		}
	}
}

// between is the record before a marker, without the LF that belongs to the marker, or the last one.
func between(text []byte, last bool) []byte {
	if !last && len(text) > 0 {
		return text[:len(text)-1]
	}
	return text
}

// blank reports whether nothing but LFs is there.
func blank(record []byte) bool { return len(bytes.TrimRight(record, "\n")) == 0 }

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
