package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The sizes of the protocol, in octets.
const (
	maxBody      = 131072   // a packet's body (WIRE-FRAME-08a)
	readableLine = 256      // a line that does not end there is no packet
	readableBody = 64 << 20 // neither is a longer body
	endOfPacket  = "END\r\n"
)

// A packet is a packet as the suite sees it. Its codec is not that of package scamp, so that a mistake cannot hide on
// both sides.
type packet struct {
	kind   string
	number uint64
	body   []byte
}

// A breach is a rule that octets break, in words.
type breach struct {
	rule   string
	grade  Grade // GradeFail or GradeDialect
	reason string
}

// appendPacket appends the octets of a packet; line and trailer stand for its own where they are not nil.
func appendPacket(dst []byte, p packet, line, trailer []byte) []byte {
	if line != nil {
		dst = append(dst, bytes.ReplaceAll(line, []byte("#"), strconv.AppendInt(nil, int64(len(p.body)), 10))...)
	} else {
		dst = fmt.Appendf(dst, "%s %d %d\r\n", p.kind, p.number, len(p.body))
	}
	dst = append(dst, p.body...)
	if trailer != nil {
		return append(dst, trailer...)
	}
	return append(dst, endOfPacket...)
}

// A decoder cuts a stream into packets. It goes on behind breaches that leave no doubt where the packet ends.
type decoder struct {
	buf    []byte
	need   int     // octets of buf that next needs before it looks again
	begun  bool    // a packet has been read
	broken *breach // nothing more can be read
	doubt  *breach // … unless more octets come
}

// feed takes octets in.
func (d *decoder) feed(b []byte) { d.buf = append(d.buf, b...) }

// midway reports whether the stream stands inside a packet, or cannot be read.
func (d *decoder) midway() bool { return d.broken != nil || len(d.buf) > 0 }

// next returns the next packet that is there whole, and what is wrong with it. Its body is the caller's.
func (d *decoder) next() (p packet, wrong []breach, ok bool) {
	if d.broken != nil || len(d.buf) < max(d.need, 1) {
		return p, nil, false
	}
	end := bytes.IndexByte(d.buf[:min(len(d.buf), readableLine)], '\n') + 1
	if end == 0 {
		if len(d.buf) >= readableLine {
			d.fail("%s is no request line", showOctets(d.buf[:readableLine]))
		}
		return p, nil, false
	}
	p, length, wrong, problem := decodeLine(d.buf[:end])
	if problem != "" {
		d.fail("%s is no request line: %s", showOctets(d.buf[:end]), problem)
		return p, nil, false
	}
	rest := d.buf[end:]
	if len(rest) < length+len(endOfPacket) {
		d.need = end + length + len(endOfPacket)
		return p, nil, false
	}
	size := length
	if !hasTrailer(rest, length) {
		var counted string
		var more bool
		if size, counted, more = countedOtherwise(rest, length); size < 0 {
			d.fail("%s %d %d: behind the body stands %s instead of END CR LF", p.kind, p.number, length,
				showOctets(rest[length:length+len(endOfPacket)]))
			if more {
				d.doubt, d.broken, d.need = d.broken, nil, len(d.buf)+1
			}
			return p, nil, false
		}
		wrong = append(wrong, breach{"WIRE-FRAME-12", GradeFail,
			fmt.Sprintf("%s %d: the length %d counts %s; the body has %d octets", p.kind, p.number, length, counted, size)})
	}
	p.body = bytes.Clone(rest[:size])
	d.buf = rest[size+len(endOfPacket):]
	if len(d.buf) == 0 {
		d.buf = nil
	}
	d.need, d.begun, d.doubt = 0, true, nil
	return p, wrong, true
}

// fail notes that the stream cannot be read on.
func (d *decoder) fail(format string, args ...any) {
	rule := "WIRE-FRAME-02"
	if !d.begun {
		rule = "WIRE-FRAME-01"
	}
	d.broken = &breach{rule, GradeFail, fmt.Sprintf(format, args...)}
}

func hasTrailer(b []byte, at int) bool {
	return len(b) >= at+len(endOfPacket) && string(b[at:at+len(endOfPacket)]) == endOfPacket
}

// countedOtherwise finds the size of a body whose length counts something else than octets; -1 if there is no such,
// or not yet: more.
func countedOtherwise(b []byte, length int) (size int, what string, more bool) {
	runes, units := 0, 0
	for i := 0; runes <= length; {
		if i > length && (runes == length || units == length) {
			switch {
			case !hasTrailer(b, i):
				more = more || bytes.HasPrefix([]byte(endOfPacket), b[i:])
			case runes == length:
				return i, "characters", false
			default:
				return i, "units of UTF-16", false
			}
		}
		if !utf8.FullRune(b[i:]) {
			more = true
			break
		}
		r, n := utf8.DecodeRune(b[i:])
		i += n
		runes++
		units += max(1, utf16.RuneLen(r))
	}
	return -1, "", more
}

// decodeLine reads a request line with its LF. A problem makes it unreadable.
func decodeLine(line []byte) (p packet, length int, wrong []breach, problem string) {
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return p, 0, nil, "it does not end in CR LF"
	}
	fields := strings.Split(string(text), " ")
	if len(fields) != 3 {
		return p, 0, nil, "it does not have three fields with one blank between them"
	}
	if p.kind = fields[0]; !slices.Contains(packetTypes, p.kind) {
		if p.kind == "" || strings.ContainsFunc(p.kind, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return p, 0, nil, "it begins with no packet type"
		}
		wrong = append(wrong, breach{"WIRE-FRAME-13a", GradeFail, fmt.Sprintf("there is no packet type %s", p.kind)})
	}
	for i, field := range fields[1:] {
		n, err := strconv.ParseUint(strings.TrimPrefix(field, "+"), 10, 64)
		if err != nil {
			return p, 0, nil, fmt.Sprintf("%q is no number", field)
		}
		if field != strconv.FormatUint(n, 10) {
			wrong = append(wrong, breach{"WIRE-FRAME-06", GradeFail, fmt.Sprintf("%q is not how the number %d is written", field, n)})
		}
		if i == 0 {
			p.number = n
			continue
		}
		if n > readableBody {
			return p, 0, nil, fmt.Sprintf("%d is no length", n)
		}
		if length = int(n); length > maxBody {
			wrong = append(wrong, breach{"WIRE-FRAME-08a", GradeFail, fmt.Sprintf("%s %d has a body of %d octets", p.kind, p.number, length)})
		}
	}
	return p, length, wrong, ""
}

// showOctets shows the beginning of some octets: as text, and in hexadecimal where they are not all text.
func showOctets(b []byte) string {
	const most = 48
	more := ""
	if len(b) > most {
		b, more = b[:most], fmt.Sprintf(" … (%d octets)", len(b))
	}
	s := fmt.Sprintf("%q", b)
	if bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r > '~' }) {
		s += fmt.Sprintf(" (hex % x)", b)
	}
	return s + more
}
