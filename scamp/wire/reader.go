package wire

import (
	"bytes"
	"fmt"
	"io"
)

// A SyntaxError says why octets are not packets. It is fatal to the connection
// that they came on.
type SyntaxError struct {
	Rule   string // the id of the specification's rule
	Line   string // the request line, abbreviated
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed packet %q: %s (%s)", e.Line, e.Reason, e.Rule)
}

// A Reader reads packets from a stream. It sets memory aside for octets that
// have come, never for a length that was announced (WIRE-SAFE-06a), and at most
// for about two of the largest packets.
//
// A Reader is for one goroutine at a time.
type Reader struct {
	src  io.Reader
	buf  []byte
	from int // buf[from:to] has come and has not been read
	to   int
	err  error // final: what Read returns when the packets before it are read

	next Packet // the first packet of buf[from:to], if size is not 0
	size int
}

// NewReader returns a Reader of the stream src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, buf: make([]byte, 4<<10)}
}

const (
	overhead = MaxLine + len(trailer)
	maxBuf   = 2 * (MaxBody + overhead)
)

// Read returns the next packet. Its body is valid until the next call.
//
// A malformed packet is a *SyntaxError, as soon as its line has come or the first
// octet that is none of its trailer. A line has come with its LF, with a CR that
// no LF follows, or with MaxLine octets. How the stream is cut into reads makes
// no difference to the packets nor to the rule that is named.
//
// The end of the stream is io.EOF between packets and io.ErrUnexpectedEOF inside
// one. After an error Read returns the same error for ever.
func (r *Reader) Read() (Packet, error) {
	for {
		if err := r.look(); err != nil {
			r.err, r.to = err, r.from
			return Packet{}, err
		}
		if r.size > 0 {
			r.from += r.size
			r.size = 0
			return r.next, nil
		}
		if r.err != nil {
			if r.err == io.EOF && r.to > r.from {
				r.err = io.ErrUnexpectedEOF
			}
			return Packet{}, r.err
		}
		r.fill()
	}
}

// Buffered reports whether the next Read returns without reading from the
// stream: a whole packet has come, or octets that cannot become one.
func (r *Reader) Buffered() bool {
	err := r.look()
	return r.size > 0 || err != nil || r.err != nil
}

// look parses what has come, unless it has been parsed.
func (r *Reader) look() (err error) {
	if r.size == 0 && r.to > r.from {
		r.next, r.size, err = Parse(r.buf[r.from:r.to])
	}
	return err
}

// fill reads once from the stream. What has come is moved to the front where
// there is little room behind it.
func (r *Reader) fill() {
	if r.from > 0 && (r.from == r.to || len(r.buf)-r.to < len(r.buf)/2) {
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	}
	if r.to == len(r.buf) {
		if len(r.buf) >= maxBuf {
			panic("wire: a packet is longer than the buffer") // parse bounds packets by MaxBody
		}
		grown := make([]byte, min(4*len(r.buf), maxBuf))
		r.to = copy(grown, r.buf[r.from:r.to])
		r.from = 0
		r.buf = grown
	}
	const patience = 100 // reads in a row that bring nothing
	for range patience {
		n, err := r.src.Read(r.buf[r.to:])
		r.to += n
		if err != nil {
			r.err = err
			return
		}
		if n > 0 {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// Parse looks at the first packet of b. It returns the number of octets that
// the packet takes, 0 when it is not complete; the body is a part of b. Octets
// that cannot become a packet are a *SyntaxError.
func Parse(b []byte) (p Packet, n int, err error) {
	end := bytes.IndexByte(b[:min(len(b), MaxLine)], '\n')
	if end < 0 {
		return p, 0, incomplete(b[:min(len(b), MaxLine)])
	}
	p, length, err := parseLine(b[:end+1])
	if err != nil {
		return p, 0, err
	}
	rest := b[end+1:]
	tail := rest[min(length, len(rest)):min(length+len(trailer), len(rest))]
	if string(tail) != trailer[:len(tail)] {
		return p, 0, &SyntaxError{"WIRE-FRAME-09", line(b[:end+1]), fmt.Sprintf("%q stands where the trailer should", tail)}
	}
	if len(tail) < len(trailer) {
		return p, 0, nil
	}
	p.Body = rest[:length:length]
	return p, end + 1 + length + len(trailer), nil
}

// incomplete looks at the first octets of a request line, MaxLine of them at
// most, whose LF is not among them.
func incomplete(b []byte) error {
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 && cr < len(b)-1 {
		return &SyntaxError{"WIRE-FRAME-04a", line(b), "a CR is not followed by LF"}
	}
	if len(b) == MaxLine {
		return &SyntaxError{"WIRE-FRAME-05c", line(b), fmt.Sprintf("no line end within %d octets", MaxLine)}
	}
	return nil
}

// parseLine reads a request line, LF included.
func parseLine(b []byte) (p Packet, length int, err error) {
	if len(b) < 2 || b[len(b)-2] != '\r' {
		return p, 0, &SyntaxError{"WIRE-FRAME-04a", line(b), "the line ends in LF alone"}
	}
	text := b[:len(b)-2]
	if bytes.IndexByte(text, '\r') >= 0 {
		return p, 0, &SyntaxError{"WIRE-FRAME-04a", line(b), "a CR is not followed by LF"}
	}
	bad := func(rule, reason string) (Packet, int, error) {
		if r, why := misfielded(text); r != "" {
			rule, reason = r, why
		}
		return Packet{}, 0, &SyntaxError{rule, line(b), reason}
	}
	name, rest, _ := bytes.Cut(text, space)
	number, size, _ := bytes.Cut(rest, space)
	if p.Type = typeOf(name); p.Type == 0 {
		return bad("WIRE-FRAME-13b", fmt.Sprintf("there is no packet type %.20q", name))
	}
	var ok bool
	if p.Number, ok = parseNumber(number); !ok {
		return bad(numberRule(number, "WIRE-FRAME-05a"), fmt.Sprintf("%.24q is no message number", number))
	}
	n, ok := parseNumber(size)
	if !ok {
		return bad(numberRule(size, "WIRE-FRAME-08d"), fmt.Sprintf("%.24q is no length", size))
	}
	if n > MaxBody {
		return bad("WIRE-FRAME-08d", fmt.Sprintf("the length is over %d", MaxBody))
	}
	return p, int(n), nil
}

var space = []byte{' '}

// misfielded is the rule that a malformed line breaks, and why, where the fault
// is not in one of its fields but in how they are set apart.
func misfielded(text []byte) (rule, reason string) {
	switch blanks := bytes.Count(text, space); {
	case bytes.ContainsAny(text, "\t\v\f"):
		return "WIRE-FRAME-03a", "there is white space other than single blanks"
	case blanks < 2:
		return "WIRE-FRAME-03b", "there are fewer than three fields"
	case blanks == 2:
		return "", ""
	case text[0] == ' ' || text[len(text)-1] == ' ' || bytes.Contains(text, []byte("  ")):
		return "WIRE-FRAME-03a", "there are blanks other than one between two fields"
	}
	return "WIRE-FRAME-03b", "something stands behind the length"
}

func typeOf(name []byte) Type {
	switch string(name) {
	case "HEADER":
		return TypeHeader
	case "DATA":
		return TypeData
	case "EOF":
		return TypeEOF
	case "TXERR":
		return TypeTXErr
	case "ACK":
		return TypeAck
	case "PING":
		return TypePing
	case "PONG":
		return TypePong
	}
	return 0
}

// parseNumber reads a number as a sender writes it: without leading zeros
// (WIRE-FRAME-06, WIRE-FRAME-07).
func parseNumber(s []byte) (uint64, bool) {
	if len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	return parseDigits(s)
}

// numberRule is the rule that a field breaks which is no number: large, when all
// that is wrong with it is its size.
func numberRule(s []byte, large string) string {
	for _, c := range s {
		if c < '0' || c > '9' {
			return "WIRE-FRAME-07a"
		}
	}
	switch {
	case len(s) == 0:
		return "WIRE-FRAME-07a"
	case s[0] == '0':
		return "WIRE-FRAME-07b"
	}
	return large
}

// line is a request line for an error.
func line(b []byte) string { return string(bytes.TrimRight(b, "\r\n")) }
