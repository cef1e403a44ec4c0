package conformance

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// An entry is one line of what passed between tester and subject.
type entry struct {
	at      time.Duration
	conn    string
	subject bool   // the subject sent it
	raw     bool   // what is octets that the tester has sent
	what    string // other than a packet
	kind    string
	number  uint64
	body    []byte // its beginning
	length  int
	times   int // equal packets in a row: DATA and ACK of one message
}

const (
	keepBody = 160   // octets of a body that are kept
	keepLog  = 20000 // entries of a case that are kept
)

func packetEntry(p packet, subject bool) entry {
	return entry{subject: subject, kind: p.kind, number: p.number, length: len(p.body), body: bytes.Clone(p.body[:min(keepBody, len(p.body))])}
}

// note appends to the log. pl.mu is held.
func (pl *play) note(p *peer, e entry) {
	if len(pl.log) >= keepLog {
		return
	}
	e.at, e.conn = time.Since(pl.start), p.name
	pl.log = append(pl.log, e)
}

// remark appends something that belongs to no connection. pl.mu is held.
func (pl *play) remark(what string) {
	if len(pl.log) < keepLog {
		pl.log = append(pl.log, entry{at: time.Since(pl.start), what: what})
	}
}

// transcript shows the log as lines: of one connection and what belongs to none, or of all for "". Long runs of DATA are folded, and most is how
// many lines there are at most, the first and the last.
func (pl *play) transcript(conn string, most int) []string {
	var folded []entry
	for _, e := range pl.log {
		if conn != "" && e.conn != "" && e.conn != conn {
			continue
		}
		if n := len(folded); n > 0 && folded[n-1].folds(e) {
			folded[n-1].times++
			folded[n-1].length += e.length
			continue
		}
		e.times = 1
		folded = append(folded, e)
	}
	several := len(pl.named) > 1 && conn == ""
	var lines []string
	for i, e := range folded {
		if head := most / 3; len(folded) > most && i >= head && i < len(folded)-(most-head) {
			if i == head {
				lines = append(lines, fmt.Sprintf("… %d more …", len(folded)-most))
			}
			continue
		}
		lines = append(lines, e.line(several, pl.world != nil))
	}
	return lines
}

// folds reports whether a packet can be shown together with e, which comes before it.
func (e *entry) folds(next entry) bool {
	return e.kind == "DATA" && next.kind == "DATA" && e.number == next.number && e.subject == next.subject &&
		e.conn == next.conn && e.length > 0 && next.length > 0
}

// line shows an entry: who sent it, what it is, its body. Where the subject is the client, C> is the subject.
func (e *entry) line(named, client bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%8s ", e.at.Round(time.Millisecond))
	if named && e.conn != "" {
		fmt.Fprintf(&b, "%s ", e.conn)
	}
	switch {
	case !e.subject && e.kind == "" && !e.raw:
		b.WriteString("-- ")
	case e.subject != client:
		b.WriteString("S> ")
	default:
		b.WriteString("C> ")
	}
	if e.kind == "" {
		b.WriteString(e.what)
		return b.String()
	}
	fmt.Fprintf(&b, "%s %d %d", e.kind, e.number, e.length)
	if e.times > 1 {
		fmt.Fprintf(&b, " (in %d packets)", e.times)
	}
	if len(e.body) > 0 {
		fmt.Fprintf(&b, "  %s", showBody(e.body, e.length))
	}
	return b.String()
}

// showBody shows a body as text where it is text, and in hexadecimal where it is not.
func showBody(b []byte, length int) string {
	more := ""
	if length > len(b) {
		more = " …"
	}
	if bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == '\uFFFD' }) {
		if len(b) > 32 {
			b, more = b[:32], " …"
		}
		return fmt.Sprintf("%q (hex % x)%s", b, b, more)
	}
	return string(b) + more
}
